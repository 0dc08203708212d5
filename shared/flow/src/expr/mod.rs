//! Expressions: CEL syntax on Holon's own evaluator (FLOW.md, "Expressions and text").
//!
//! This module owns parsing, evaluation, its budget and its errors; its caller owns the names in scope.

use holon_model::Value;

/// What may be spent on evaluation: steps and bytes. Running out is the same error on every platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meter {
    /// Steps left.
    pub fuel: u64,
    /// Bytes of new values left.
    pub bytes: u64,
}

impl Meter {
    /// A budget.
    pub fn new(fuel: u64, bytes: u64) -> Self {
        Self { fuel, bytes }
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
}

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExprError {
    /// The text is not an expression.
    #[error("{message} at character {start}")]
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
}
