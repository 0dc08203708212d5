//! Expressions: CEL syntax on Holon's own evaluator (FLOW.md, "Expressions and text").
//!
//! This module owns parsing, evaluation, its budget and its errors; its caller owns the names in scope.

mod ast;
mod calls;
pub mod complete;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod dynamic;
mod eval;
mod fail;
mod fold;
mod folds;
mod functions;
pub mod guide;
mod lexer;
mod lib;
mod number;
mod ops;
mod parser;
mod program;
pub mod text;
mod types;

pub use ast::Root;
pub use complete::{Completion, complete, complete_text};
pub use dynamic::CompiledConfig;
pub use functions::{Function, functions, groups};
pub use parser::{MAX_DEPTH, MAX_NODES, MAX_SOURCE};
pub use program::{Name, Program};
pub use text::Template;

use holon_model::{Decimal, Value, json};

/// What `a + b` gives in expressions: exact, or rounded half-even to 28 digits. Nothing when it does not fit.
pub fn add(a: Decimal, b: Decimal) -> Option<Decimal> {
    number::add(a, b)
}

/// What `a / b` gives in expressions: exact, or rounded half-even to 28 digits. Nothing when it does not fit, and for a
/// divisor of zero.
pub fn divide(a: Decimal, b: Decimal) -> Option<Decimal> {
    if b.is_zero() { None } else { number::divide(a, b) }
}

/// What may be spent on evaluation: steps and bytes. Running out is the same error on every platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meter {
    /// Steps left.
    pub fuel: u64,
    /// Bytes of new values left.
    pub bytes: u64,
    /// Which meaning of the language applies, see [`MEANING`].
    pub meaning: u32,
}

/// The newest meaning of the language. What it says may depend on the run's, so that journals of older runs replay:
///
/// 2. Whole decimals that are too large for an int are written with their digits alone, as they came; before with `.0`.
/// 4. A text that is read as JSON names no blob.
pub const MEANING: u32 = 4;

impl Meter {
    /// A budget, for the newest meaning.
    pub fn new(fuel: u64, bytes: u64) -> Self {
        Self { fuel, bytes, meaning: MEANING }
    }

    /// The same for this meaning.
    #[must_use]
    pub fn meaning(self, meaning: u32) -> Self {
        Self { meaning, ..self }
    }

    /// The JSON text of a value, as this meaning writes it. Charges nothing.
    pub fn json(&self, value: &Value) -> String {
        if self.meaning < 2 { json::to_string_pointed(value) } else { json::to_string(value) }
    }

    /// Takes `steps` of fuel.
    ///
    /// # Errors
    /// [`ExprError::OutOfFuel`] when less is left; nothing is left then.
    pub fn step(&mut self, steps: u64) -> Result<(), ExprError> {
        if let Some(rest) = self.fuel.checked_sub(steps) {
            self.fuel = rest;
            Ok(())
        } else {
            self.fuel = 0;
            Err(ExprError::OutOfFuel)
        }
    }

    /// Takes `bytes` of memory for new values.
    ///
    /// # Errors
    /// [`ExprError::OutOfFuel`] when less is left; nothing is left then.
    pub fn alloc(&mut self, bytes: u64) -> Result<(), ExprError> {
        if let Some(rest) = self.bytes.checked_sub(bytes) {
            self.bytes = rest;
            Ok(())
        } else {
            self.bytes = 0;
            Err(ExprError::OutOfFuel)
        }
    }
}

/// The names an expression sees.
pub trait Scope {
    /// The value of a root name: `input`, `trigger`, `item`, `index`, `vars`, `run`. Not `nodes`, see [`Scope::node`].
    fn name(&self, name: &str) -> Option<Value>;

    /// `nodes.key`: the output of an ancestor; `None` when it was skipped or there is no such ancestor.
    fn node(&self, key: &str) -> Option<Value>;

    /// `nodes` as a whole, for the rare expression that does not select from it.
    fn nodes(&self) -> Value;

    /// The value of a root where the scope holds it, so that reading one field clones nothing else; `None` asks [`Scope::name`].
    fn borrowed(&self, root: Root) -> Option<&Value> {
        let _ = root;
        None
    }
}

/// A scope without names.
#[derive(Debug, Clone, Copy, Default)]
pub struct Empty;

impl Scope for Empty {
    fn name(&self, _: &str) -> Option<Value> {
        None
    }

    fn node(&self, _: &str) -> Option<Value> {
        None
    }

    fn nodes(&self) -> Value {
        Value::map::<&str>([])
    }
}

/// A scope of a map: its fields are the names, `nodes` among them. For tests, previews of one expression and completion.
#[derive(Debug, Clone, Default)]
pub struct MapScope(pub Value);

impl Scope for MapScope {
    fn name(&self, name: &str) -> Option<Value> {
        self.0.get(name).cloned()
    }

    fn node(&self, key: &str) -> Option<Value> {
        self.0.get("nodes")?.get(key).cloned()
    }

    fn nodes(&self) -> Value {
        self.0.get("nodes").cloned().unwrap_or_else(|| Value::map::<&str>([]))
    }

    fn borrowed(&self, root: Root) -> Option<&Value> {
        self.0.get(root.name())
    }
}

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExprError {
    /// The text is not an expression.
    #[error("{message} at character {}", start + 1)]
    Syntax {
        /// What is wrong.
        message: String,
        /// First character, from 0.
        start: u32,
        /// One past the last character.
        end: u32,
        /// What to do.
        hint: Option<String>,
    },
    /// Evaluation failed.
    #[error("{message}")]
    Eval {
        /// A stable code, such as `no_such_field`, `no_such_overload`, `division_by_zero`, `overflow`.
        code: &'static str,
        /// What happened, to which thing.
        message: String,
        /// First character of the part that failed, from 0.
        start: u32,
        /// One past its last character.
        end: u32,
        /// What to do.
        hint: Option<String>,
    },
    /// The budget ran out.
    #[error("the budget of this run is used up: the expression needs more steps or more memory than it may have")]
    OutOfFuel,
}

impl ExprError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Syntax { .. } => "syntax",
            Self::Eval { code, .. } => code,
            Self::OutOfFuel => "out_of_fuel",
        }
    }

    /// The characters it is about, from 0, the end exclusive; running out of budget is about no place.
    pub fn span(&self) -> Option<(u32, u32)> {
        match self {
            Self::Syntax { start, end, .. } | Self::Eval { start, end, .. } => Some((*start, *end)),
            Self::OutOfFuel => None,
        }
    }

    /// What to do.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Syntax { hint, .. } | Self::Eval { hint, .. } => hint.as_deref(),
            Self::OutOfFuel => None,
        }
    }

    /// Line and column of its start in `source`, both from 1, the column in characters.
    pub fn line_column(&self, source: &str) -> Option<(u32, u32)> {
        let (start, _) = self.span()?;
        let mut place = (1, 1);
        for character in source.chars().take(start as usize) {
            place = if character == '\n' { (place.0 + 1, 1) } else { (place.0, place.1 + 1) };
        }
        Some(place)
    }
}
