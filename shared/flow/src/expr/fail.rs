//! Failures inside the evaluator: small to pass around, with byte positions that become characters at the border.

use super::ExprError;
use super::lexer::Span;

/// Why parsing or evaluation stopped. `None` inside means: the budget ran out.
#[derive(Debug, Clone)]
pub(super) struct Fail(Option<Box<Detail>>);

#[derive(Debug, Clone)]
struct Detail {
    code: &'static str,
    message: String,
    hint: Option<String>,
    span: Option<Span>,
    argument: Option<usize>,
}

impl Fail {
    /// The budget ran out: no operator may turn this into a value.
    pub(super) const FUEL: Self = Self(None);

    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self(Some(Box::new(Detail { code, message: message.into(), hint: None, span: None, argument: None })))
    }

    pub(super) fn syntax(span: Span, message: impl Into<String>) -> Self {
        Self::new("syntax", message).at(span)
    }

    /// The failure of an expression inside config that is evaluated as a whole.
    pub(super) fn within(pointer: &str, error: ExprError) -> Self {
        match error {
            ExprError::OutOfFuel => Self::FUEL,
            ExprError::Syntax { message, hint, .. } => {
                Self::new("syntax", format!("{message} (at {pointer})")).hinted(hint)
            }
            ExprError::Eval { code, message, hint, .. } => {
                Self::new(code, format!("{message} (at {pointer})")).hinted(hint)
            }
        }
    }

    fn hinted(self, hint: Option<String>) -> Self {
        if let Some(hint) = hint { self.hint(hint) } else { self }
    }

    /// An operation met values of types it does not know.
    pub(super) fn overload(message: impl Into<String>) -> Self {
        Self::new("no_such_overload", message)
    }

    /// A value of the right type that the function cannot take.
    pub(super) fn argument(message: impl Into<String>) -> Self {
        Self::new("bad_argument", message)
    }

    pub(super) fn overflow() -> Self {
        Self::new("overflow", "the result does not fit a number: ints have 64 bits, decimals 28 digits")
    }

    /// Sets the place, unless a closer one is known.
    pub(super) fn at(mut self, span: Span) -> Self {
        if let Some(detail) = &mut self.0 {
            detail.span.get_or_insert(span);
        }
        self
    }

    /// The argument of a function it is about.
    pub(super) fn of(mut self, argument: usize) -> Self {
        if let Some(detail) = &mut self.0 {
            detail.argument.get_or_insert(argument);
        }
        self
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        if let Some(detail) = &mut self.0 {
            detail.hint.get_or_insert_with(|| hint.into());
        }
        self
    }

    pub(super) fn is_fuel(&self) -> bool {
        self.0.is_none()
    }

    /// Whether a value was asked for that is not there, which `coalesce` forgives.
    pub(super) fn is_absence(&self) -> bool {
        self.0
            .as_ref()
            .is_some_and(|detail| matches!(detail.code, "no_such_field" | "index_out_of_range" | "unknown_name"))
    }

    pub(super) fn argument_index(&self) -> Option<usize> {
        self.0.as_ref().and_then(|detail| detail.argument)
    }

    /// The public error; byte positions become characters of `source`.
    pub(super) fn into_error(self, source: &str) -> ExprError {
        let Some(detail) = self.0 else { return ExprError::OutOfFuel };
        let Detail { code, message, hint, span, .. } = *detail;
        let span = span.unwrap_or(Span { start: 0, end: u32::try_from(source.len()).unwrap_or(u32::MAX) });
        let chars = |byte: u32| {
            let count = source.char_indices().take_while(|(at, _)| *at < byte as usize).count();
            u32::try_from(count).unwrap_or(u32::MAX)
        };
        let (start, end) = (chars(span.start), chars(span.end));
        if code == "syntax" {
            ExprError::Syntax { message, start, end, hint }
        } else {
            ExprError::Eval { code, message, start, end, hint }
        }
    }
}
