//! The registry of functions and macros: what exists, how it is called, what it does, with an example that a test runs.

use super::Meter;
use super::ast::FoldOp;
use super::eval::V;
use super::fail::Fail;
use super::lib::{codecs, convert, lists, macros, maps, numbers, strings, times};
use holon_model::Value;

pub(super) type Native = fn(&[V<'_>], &mut Meter) -> Result<Value, Fail>;

/// A function or macro of the language.
#[derive(Debug)]
pub struct Function {
    /// Its name; some names have a dot, such as `math.abs`.
    pub name: &'static str,
    /// How it is called, with the types of what it takes and gives.
    pub signatures: &'static [&'static str],
    /// What it does, in a sentence.
    pub doc: &'static str,
    /// Expressions and their results as JSON.
    pub examples: &'static [(&'static str, &'static str)],
    pub(super) body: Body,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Body {
    Native { min: u8, max: u8, run: Native },
    Macro(Macro),
}

/// A form that the parser knows, since it names items or does not evaluate all it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Macro {
    Has,
    Bind,
    Coalesce,
    Fold(FoldOp),
}

impl Function {
    pub(super) fn native(&self) -> Native {
        match self.body {
            Body::Native { run, .. } => run,
            Body::Macro(_) => |_, _| Err(Fail::new("internal", "a macro was called as a function")),
        }
    }

    /// Whether it is a macro, which names items or does not evaluate all it is given.
    pub fn is_macro(&self) -> bool {
        matches!(self.body, Body::Macro(_))
    }
}

pub(super) type Examples = &'static [(&'static str, &'static str)];

/// An entry of the registry for a native function that takes `min` to `max` values.
pub(super) const fn entry(
    name: &'static str,
    signatures: &'static [&'static str],
    doc: &'static str,
    examples: Examples,
    (min, max): (u8, u8),
    run: Native,
) -> Function {
    Function { name, signatures, doc, examples, body: Body::Native { min, max, run } }
}

static GROUPS: [(&str, &[Function]); 8] = [
    ("Macros", macros::FUNCTIONS),
    ("Text", strings::FUNCTIONS),
    ("Numbers", numbers::FUNCTIONS),
    ("Lists", lists::FUNCTIONS),
    ("Maps", maps::FUNCTIONS),
    ("Conversions", convert::FUNCTIONS),
    ("Time", times::FUNCTIONS),
    ("Encoding", codecs::FUNCTIONS),
];

/// Chapters of the documentation with their functions, in order.
pub fn groups() -> &'static [(&'static str, &'static [Function])] {
    &GROUPS
}

/// All functions and macros.
pub fn functions() -> impl Iterator<Item = &'static Function> {
    GROUPS.iter().flat_map(|(_, functions)| functions.iter())
}

/// The native function of that name.
pub(super) fn find(name: &str) -> Option<&'static Function> {
    functions().find(|function| function.name == name && !function.is_macro())
}

/// The macro of that name. `sum`, `avg`, `first` and `count` are macros only when they name an item.
pub(super) fn find_macro(name: &str) -> Option<(&'static Function, Macro)> {
    functions().find_map(|function| match function.body {
        Body::Macro(found) if function.name == name => Some((function, found)),
        _ => None,
    })
}
