//! Permission decisions: the same answer in browser and server. Deny by default; an explicit forbid wins.
//!
//! A *grant* is `resource:action`, `resource:*`, or either with `!` in front, which forbids. There is no `*:*`: a new
//! resource is nobody's until a role names it.

pub mod actions;
mod decide;
mod proof;
mod roles;

pub use decide::{Decision, decide};
pub use proof::{Authorised, Denied, authorise};
pub use roles::{Role, UnknownRole, worker_permissions};

/// Something that can be allowed: a resource and what is done to it.
pub trait Action: Copy + Send + Sync + 'static {
    /// The resource, plural: `flows`.
    const RESOURCE: &'static str;
    /// What is done to it: `publish`.
    const VERB: &'static str;
}
