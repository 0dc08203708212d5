//! The result of a graph: an expression, a text, or JSON with expressions inside, whichever it was written as; below it what it gives.

use holon_flow::definition::Key;
use holon_model::Value;
use holon_studio::{
    Command, GraphPath,
    form::{self, Mode},
};
use leptos::prelude::*;

use super::{Spot, expression, field, inputs};
use crate::editor::{store::Editor, strings};

/// Id of its control.
pub(in crate::editor) const ID: &str = "flow-result";

/// How it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Expression,
    Text,
    Json,
}

/// The field of the result of the graph at `at`.
pub(super) fn result(editor: Editor, at: GraphPath) -> AnyView {
    // An expression of the graph, not of a node.
    let spot = Spot { editor, at: at.clone(), key: Key::from(""), root: std::sync::Arc::new(Value::Bool(true)) };
    let hint = if at.is_root() { strings::RESULT_HINT } else { strings::BODY_RESULT_HINT };
    let stored = {
        let at = at.clone();
        Memo::new(move |_| {
            editor.definition.with(|definition| at.find(definition).and_then(|graph| graph.result.clone()))
        })
    };
    let set = Callback::new(move |value| _ = editor.perform(Command::SetResult { at: at.clone(), value }));
    // How nothing is written: as what was written last, so that a control that is emptied stays.
    let empty = RwSignal::new(Way::Expression);
    let way = Memo::new(move |_| {
        stored.with(|stored| match form::mode(stored.as_ref()) {
            Mode::Expression(_) => Way::Expression,
            Mode::Text(_) => Way::Text,
            Mode::Fixed if stored.is_none() => empty.get(),
            Mode::Fixed => Way::Json,
        })
    });
    let control = {
        let spot = spot.clone();
        move || match way.get() {
            Way::Json => json(spot.clone(), stored, empty, set),
            Way::Text => written(spot.clone(), stored, empty, set, true),
            Way::Expression => written(spot.clone(), stored, empty, set, false),
        }
    };
    let problems = field::problems(&spot, "", way, ID);
    view! {
        <div class="form-field">
            <div class="form-head">
                <label class="form-title" for=ID>{strings::RESULT}</label>
                {move || switch(editor, stored, way.get(), empty, set)}
            </div>
            {control}
            <p class="hint">{hint}{move || (way.get() == Way::Json).then_some(strings::RESULT_JSON_HINT)}</p>
            {problems}
        </div>
    }
    .into_any()
}

/// An expression, or a text with expressions.
fn written(
    spot: Spot,
    stored: Memo<Option<Value>>,
    empty: RwSignal<Way>,
    set: Callback<Option<Value>>,
    text: bool,
) -> AnyView {
    let source = Memo::new(move |_| {
        stored.with(|stored| match form::mode(stored.as_ref()) {
            Mode::Expression(source) | Mode::Text(source) => source,
            Mode::Fixed => String::new(),
        })
    });
    let member = if text { "$text" } else { "$cel" };
    let store = Callback::new(move |source: String| {
        empty.set(if text { Way::Text } else { Way::Expression });
        set.run((!source.trim().is_empty()).then(|| Value::map([(member, Value::from(source))])));
    });
    let placeholder = if text { String::new() } else { "nodes.totals".to_owned() };
    expression::editor(spot, source, store, false, text, ID.to_owned(), placeholder)
}

/// JSON, in which each `{"$cel": "…"}` is computed. What it gives is tried as the one expression that says the same.
fn json(spot: Spot, stored: Memo<Option<Value>>, empty: RwSignal<Way>, set: Callback<Option<Value>>) -> AnyView {
    let source = Memo::new(move |_| {
        let whole = stored.with(|stored| stored.as_ref().and_then(|value| form::to_expression(Some(value))));
        match form::mode(whole.as_ref()) {
            Mode::Expression(source) => source,
            _ => String::new(),
        }
    });
    let text = Memo::new(move |_| {
        stored.with(|stored| stored.as_ref().map(holon_model::json::to_string_pretty).unwrap_or_default())
    });
    let store = Callback::new(move |value| {
        empty.set(Way::Json);
        set.run(value);
    });
    view! {
        {inputs::json_text(text, inputs::read_json, store, ID.to_owned(), String::new())}
        {expression::tried(spot, source)}
    }
    .into_any()
}

/// The way from JSON to one expression, and, while there is nothing, back.
fn switch(
    editor: Editor,
    stored: Memo<Option<Value>>,
    way: Way,
    empty: RwSignal<Way>,
    set: Callback<Option<Value>>,
) -> Option<AnyView> {
    let json = way == Way::Json;
    if !json && stored.with(Option::is_some) {
        return None;
    }
    let press = move |_| match stored.get_untracked() {
        None => empty.set(if json { Way::Expression } else { Way::Json }),
        Some(value) => match form::to_expression(Some(&value)) {
            Some(whole) => set.run(Some(whole)),
            None => editor.toasts.bad(strings::NO_EXPRESSION),
        },
    };
    let title = if json { strings::TO_EXPRESSION } else { strings::TO_JSON };
    Some(
        view! { <button type="button" class="fx" aria-pressed=(!json).to_string() title=title aria-label=title on:click=press>"fx"</button> }
            .into_any(),
    )
}
