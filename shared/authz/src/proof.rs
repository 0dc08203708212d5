//! Proof that permission was asked for and given: code that forgot to ask does not compile.

use std::marker::PhantomData;

use holon_model::Context;

use crate::{Action, Decision, decide};

/// Permission for `A` was given. Only `authorise` makes one.
#[derive(Debug)]
pub struct Authorised<A: Action>(PhantomData<A>);

impl<A: Action> Clone for Authorised<A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A: Action> Copy for Authorised<A> {}

/// Permission was not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this needs the permission {resource}:{verb}")]
pub struct Denied {
    /// Of what.
    pub resource: &'static str,
    /// To do what.
    pub verb: &'static str,
}

/// Asks for permission.
///
/// # Errors
/// When the context's permissions do not allow it.
pub fn authorise<A: Action>(context: &Context) -> Result<Authorised<A>, Denied> {
    match decide(&context.permissions, A::RESOURCE, A::VERB) {
        Decision::Allow => Ok(Authorised(PhantomData)),
        Decision::NotGranted | Decision::Forbidden => Err(Denied { resource: A::RESOURCE, verb: A::VERB }),
    }
}
