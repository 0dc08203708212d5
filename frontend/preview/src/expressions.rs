//! Expressions while they are typed: completion and value on the data of the last preview.

use crate::data::{self, Place};
use holon_flow::expr::{
    ExprError, MapScope, Meter, Program,
    complete::{complete as of_expression, complete_text as of_text},
    text::Template,
};
use holon_studio::worker::{Choice, CompleteReply, EvalFailure, EvalReply};

/// Steps and bytes that trying an expression may take.
const BUDGET: (u64, u64) = (200_000, 8_000_000);

/// What may stand at the cursor.
pub(crate) fn complete(place: &Place, source: &str, cursor: u32, text: bool) -> CompleteReply {
    let (scope, _) = data::scope(place);
    let found = if text { of_text(source, cursor, &scope) } else { of_expression(source, cursor, &scope) };
    let from = found.first().map_or(cursor, |first| first.start);
    let items =
        found.into_iter().map(|one| Choice { label: one.label, insert: one.insert, detail: one.detail, doc: one.doc });
    CompleteReply { from, items: items.collect() }
}

/// The value, or why there is none.
pub(crate) fn eval(place: &Place, source: &str, text: bool) -> EvalReply {
    let (scope, ran) = data::scope(place);
    let scope = MapScope(scope);
    let mut meter = Meter::new(BUDGET.0, BUDGET.1);
    let result = if text {
        Template::compile(source).and_then(|template| template.eval(&scope, &mut meter))
    } else {
        Program::compile(source).and_then(|program| program.eval(&scope, &mut meter))
    };
    match result {
        Ok(value) => EvalReply { value: Some(value), error: None },
        Err(error) => {
            let no_data = !ran && !matches!(error, ExprError::Syntax { .. });
            let message = if no_data {
                "No data here yet: nothing reaches this node in the preview.".into()
            } else {
                plain(&error)
            };
            let failure = EvalFailure { message, hint: error.hint().map(str::to_owned), span: error.span(), no_data };
            EvalReply { value: None, error: Some(failure) }
        }
    }
}

/// The message without its place, which is shown apart.
fn plain(error: &ExprError) -> String {
    match error {
        ExprError::Syntax { message, .. } | ExprError::Eval { message, .. } => message.clone(),
        ExprError::OutOfFuel => error.to_string(),
    }
}
