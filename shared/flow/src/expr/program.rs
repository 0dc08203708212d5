//! Compiled programs: an expression or a text, ready to be evaluated any number of times.

use super::ast::{Kind, Node};
use super::dynamic::Part;
use super::eval::{self, Env, V};
use super::lexer::{Span, Tok};
use super::parser::{MAX_SOURCE, Parser};
use super::text::{self, MAX_TEXT};
use super::{ExprError, Meter, Scope};
use holon_model::Value;
use std::fmt;
use std::sync::Arc;

/// A name from outside that a program reads, with the fields it selects from it: `nodes.hook.lines` is `nodes`, `[hook, lines]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The first name.
    pub root: Arc<str>,
    /// The fields after it, as far as they are plain.
    pub path: Vec<Arc<str>>,
    pub(super) span: Span,
}

impl Name {
    /// The key of the node it reads: the first field of `nodes`.
    pub fn node(&self) -> Option<&str> {
        if &*self.root == "nodes" { self.path.first().map(|key| &**key) } else { None }
    }
}

/// A compiled expression or text. Clones share it.
#[derive(Clone)]
pub struct Program(Arc<Inner>);

struct Inner {
    source: Arc<str>,
    body: Node,
    names: Vec<Name>,
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Program").field(&self.0.source).finish()
    }
}

impl Program {
    /// Reads an expression.
    ///
    /// # Errors
    /// [`ExprError::Syntax`], located in characters.
    pub fn compile(source: &str) -> Result<Self, ExprError> {
        let parse = || {
            let mut parser = Parser::new(source, MAX_SOURCE)?;
            parser.seek(0)?;
            let body = parser.expression()?;
            if parser.token.tok != Tok::End {
                return Err(parser.expected("an operator or the end"));
            }
            Ok((body, parser.names))
        };
        parse()
            .map(|(body, names)| Self::new(source, body, names))
            .map_err(|fail: super::fail::Fail| fail.into_error(source))
    }

    /// Reads a text with expressions in it.
    ///
    /// # Errors
    /// [`ExprError::Syntax`], located in characters of the whole text.
    pub fn text(source: &str) -> Result<Self, ExprError> {
        let parse = || {
            let mut parser = Parser::new(source, MAX_TEXT)?;
            let pieces = text::parse(&mut parser)?;
            Ok((pieces, parser.names))
        };
        let (pieces, names) = parse().map_err(|fail: super::fail::Fail| fail.into_error(source))?;
        Ok(Self::new(source, Node { kind: Kind::Text(pieces), span: Span::default(), depth: 0 }, names))
    }

    /// A program that is a value.
    pub fn constant(value: Value) -> Self {
        Self::new("", Node { kind: Kind::Const(value), span: Span::default(), depth: 0 }, Vec::new())
    }

    pub(super) fn config(part: Part, names: Vec<Name>) -> Self {
        Self::new("", Node { kind: Kind::Config(Box::new(part)), span: Span::default(), depth: 0 }, names)
    }

    fn new(source: &str, body: Node, names: Vec<Name>) -> Self {
        Self(Arc::new(Inner { source: source.into(), body, names }))
    }

    /// The value, with names from `scope`, paid from `meter`.
    ///
    /// # Errors
    /// [`ExprError::Eval`], located in characters of the source, or [`ExprError::OutOfFuel`].
    pub fn eval(&self, scope: &dyn Scope, meter: &mut Meter) -> Result<Value, ExprError> {
        match eval::eval(&self.0.body, Env::new(scope), meter) {
            Ok(value) => Ok(V::into_owned(value)),
            Err(fail) => Err(fail.into_error(&self.0.source)),
        }
    }

    /// The text it was compiled from; empty for constants.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// The names it reads from outside, in the order they stand.
    pub fn names(&self) -> &[Name] {
        &self.0.names
    }

    /// Characters of `name` in the source, from 0, the end exclusive.
    pub fn span_of(&self, name: &Name) -> (u32, u32) {
        let chars = |byte: u32| {
            let count = self.0.source.char_indices().take_while(|(at, _)| *at < byte as usize).count();
            u32::try_from(count).unwrap_or(u32::MAX)
        };
        (chars(name.span.start), chars(name.span.end))
    }

    /// The value, when it needs no evaluation.
    pub fn as_constant(&self) -> Option<&Value> {
        self.0.body.constant()
    }
}
