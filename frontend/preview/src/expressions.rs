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
    let (mut scope, _) = data::scope(place);
    let own = data::own_names(place);
    if !own.is_empty() {
        let mut names = scope.as_map().cloned().unwrap_or_default();
        for name in own {
            names.entry(name.as_str().into()).or_default();
        }
        scope = names.into();
    }
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
            let server_only = server_only(place, source, text);
            let no_data = (!ran || server_only.is_some()) && !matches!(error, ExprError::Syntax { .. });
            let server_only = server_only.filter(|_| no_data);
            let hint = error.hint().filter(|_| server_only.is_none()).map(str::to_owned);
            let message = if let Some(name) = server_only {
                format!("`{name}` has a value on the server only: a preview asks nobody.")
            } else if no_data {
                "No data here yet: nothing reaches this node in the preview.".into()
            } else {
                plain(&error)
            };
            let failure = EvalFailure { message, hint, span: error.span(), no_data };
            EvalReply { value: None, error: Some(failure) }
        }
    }
}

/// The first name that is the kind's own there: the server gives it a value.
fn server_only(place: &Place, source: &str, text: bool) -> Option<String> {
    let program = if text { Program::text(source) } else { Program::compile(source) }.ok()?;
    let own = data::own_names(place);
    program.names().iter().find_map(|name| own.iter().find(|own| ***own == *name.root).cloned())
}

/// The message without its place, which is shown apart.
fn plain(error: &ExprError) -> String {
    match error {
        ExprError::Syntax { message, .. } | ExprError::Eval { message, .. } => message.clone(),
        ExprError::OutOfFuel => error.to_string(),
    }
}
