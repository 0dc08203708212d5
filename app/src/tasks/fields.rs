//! The form of a task, from its JSON Schema: one control a property, anything deeper as JSON.

use holon_model::{Value, json};
use holon_studio::form::{self, Field, Input};
use leptos::prelude::*;

use super::strings;
use crate::ui::icon;

/// What was filled in at one property; nothing: it is left out.
#[derive(Clone)]
pub(super) struct Filled {
    name: String,
    value: RwSignal<Option<Value>>,
    /// Why it cannot be read.
    wrong: RwSignal<Option<String>>,
}

/// The controls of a schema, and what they hold.
pub(super) fn fields(schema: &Value) -> (Vec<Filled>, AnyView) {
    let fields = form::fields(schema);
    let filled: Vec<Filled> = fields
        .iter()
        .map(|field| Filled {
            name: field.pointer.trim_start_matches('/').replace("~1", "/").replace("~0", "~"),
            value: RwSignal::new(start(field)),
            wrong: RwSignal::new(None),
        })
        .collect();
    let drawn: Vec<AnyView> =
        fields.into_iter().zip(filled.clone()).map(|(field, filled)| one(field, filled)).collect();
    (filled, drawn.into_any())
}

/// The form as an object; nothing where something cannot be read, which its field says.
pub(super) fn collected(filled: &[Filled]) -> Option<Value> {
    if filled.iter().any(|field| field.wrong.get_untracked().is_some()) {
        return None;
    }
    let given = filled.iter().filter_map(|field| Some((field.name.as_str(), field.value.get_untracked()?)));
    Some(Value::map(given))
}

/// A switch that nobody touches says no.
fn start(field: &Field) -> Option<Value> {
    let blank = matches!(field.input, Input::Switch).then_some(Value::Bool(false));
    field.default.clone().or(blank)
}

fn one(field: Field, filled: Filled) -> AnyView {
    let id = format!("task-{}", filled.name);
    let hint = (!field.description.is_empty()).then(|| view! { <p class="hint">{field.description.clone()}</p> });
    let wrong = filled.wrong;
    let title = field.title.clone();
    if matches!(field.input, Input::Switch) {
        let change = move |event| filled.value.set(Some(Value::Bool(event_target_checked(&event))));
        let on = filled.value.get_untracked() == Some(Value::Bool(true));
        return view! {
            <div class="field">
                <label class="switch"><input type="checkbox" role="switch" checked=on on:change=change/>{title}</label>
                {hint}
            </div>
        }
        .into_any();
    }
    let optional =
        (!field.required).then(|| view! { <span class="optional">" · "{crate::ui::strings::OPTIONAL}</span> });
    let named = id.clone();
    let control = control(&field, &filled, id);
    view! {
        <div class="field">
            <label for=named>{title}{optional}</label>
            {control}
            {hint}
            <div aria-live="polite" class="error-slot">
                {move || wrong.get().map(|wrong| view! { <p class="error">{icon("circle-alert")}<span>{wrong}</span></p> })}
            </div>
        </div>
    }
    .into_any()
}

fn control(field: &Field, filled: &Filled, id: String) -> AnyView {
    let (value, wrong) = (filled.value, filled.wrong);
    let shown = value.get_untracked().map(|value| value.as_str().map_or_else(|| value.to_json(), str::to_owned));
    let shown = shown.unwrap_or_default();
    let invalid = move || if wrong.get().is_some() { "true" } else { "false" };
    let text = move |text: String| value.set((!text.is_empty()).then(|| Value::from(text)));
    let parsed = move |text: String| {
        let text = text.trim();
        let read = (!text.is_empty()).then(|| json::parse(text.as_bytes())).transpose();
        wrong.set(read.as_ref().err().map(|error| format!("{} {error}", strings::NOT_JSON)));
        value.set(read.ok().flatten());
    };
    match &field.input {
        Input::Text { multiline: true, .. } => view! {
            <textarea id=id class="input" on:input=move |event| text(event_target_value(&event))>{shown}</textarea>
        }
        .into_any(),
        Input::Text { format, .. } => {
            let kind = match format.as_str() {
                "email" => "email",
                "date" => "date",
                _ => "text",
            };
            view! { <input id=id class="input" type=kind value=shown autocomplete="off" on:input=move |event| text(event_target_value(&event))/> }
                .into_any()
        }
        Input::Number { .. } => view! {
            <input id=id class="input" type="text" inputmode="decimal" value=shown autocomplete="off" aria-invalid=invalid
                on:input=move |event| parsed(event_target_value(&event))/>
        }
        .into_any(),
        Input::Choice(choices) => {
            let values: Vec<Value> = choices.iter().map(|(value, _)| value.clone()).collect();
            let chosen = value.get_untracked().and_then(|value| values.iter().position(|known| *known == value));
            let option = |(at, (_, words)): (usize, &(Value, String))| {
                view! { <option value=at.to_string() selected=chosen == Some(at)>{words.clone()}</option> }.into_any()
            };
            let change = move |event| {
                value.set(event_target_value(&event).parse::<usize>().ok().and_then(|at| values.get(at).cloned()));
            };
            view! {
                <select id=id class="input" on:change=change>
                    <option value="" selected=chosen.is_none()>{strings::NOT_CHOSEN}</option>
                    {choices.iter().enumerate().map(option).collect::<Vec<_>>()}
                </select>
            }
            .into_any()
        }
        _ => view! {
            <textarea id=id class="input mono" spellcheck="false" aria-invalid=invalid
                on:input=move |event| parsed(event_target_value(&event))>{shown}</textarea>
        }
        .into_any(),
    }
}
