//! The form of a task, from its JSON Schema: one control a property, anything deeper as JSON.

use holon_model::{Problem, Value, json};
use holon_studio::form::{self, Field, Input};
use leptos::prelude::*;

use super::strings;
use crate::ui::form::field_error;
use crate::ui::{icon, words};

/// What was filled in at one property; nothing: it is left out.
#[derive(Clone)]
pub(super) struct Filled {
    name: String,
    /// Where answers of the server name it.
    pointer: String,
    value: RwSignal<Option<Value>>,
    /// Why it cannot be read.
    wrong: RwSignal<Option<String>>,
}

/// The form of a task.
#[derive(Clone)]
pub(super) struct Form(Option<Vec<Filled>>);

/// The controls of a schema, and what they hold. `hint` stands below those that say nothing of themselves; `problem` is what the
/// server said about the answer.
pub(super) fn fields(
    schema: &Value,
    hint: Option<&'static str>,
    problem: RwSignal<Option<Problem>>,
) -> (Form, AnyView) {
    if schema.is_null() {
        return (Form(None), ().into_any());
    }
    let mut fields = form::fields(schema);
    for field in fields.iter_mut().filter(|field| field.description.is_empty()) {
        field.description = hint.unwrap_or_default().to_owned();
    }
    let filled: Vec<Filled> = fields
        .iter()
        .map(|field| Filled {
            name: field.pointer.trim_start_matches('/').replace("~1", "/").replace("~0", "~"),
            pointer: format!("/form{}", field.pointer),
            value: RwSignal::new(start(field)),
            wrong: RwSignal::new(None),
        })
        .collect();
    let drawn: Vec<AnyView> = fields
        .into_iter()
        .zip(filled.clone())
        .enumerate()
        .map(|(at, (field, filled))| one(at, field, filled, problem))
        .collect();
    (Form(Some(filled)), drawn.into_any())
}

impl Form {
    /// Whether its fields tell all of a problem.
    pub(super) fn tells(&self, problem: &Problem) -> bool {
        let fields = self.0.as_deref().unwrap_or_default();
        let at_field = |pointer: &str| {
            fields.iter().any(|field| {
                pointer.strip_prefix(&field.pointer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
        };
        !problem.errors.is_empty() && problem.errors.iter().all(|error| at_field(&error.pointer))
    }

    /// The form as an object, null where the task has none; nothing where something cannot be read, which its field says.
    pub(super) fn collected(&self) -> Option<Value> {
        let Self(Some(filled)) = self else { return Some(Value::Null) };
        if filled.iter().any(|field| field.wrong.get_untracked().is_some()) {
            return None;
        }
        let given = filled.iter().filter_map(|field| Some((field.name.as_str(), field.value.get_untracked()?)));
        Some(Value::map(given))
    }
}

/// A switch that nobody touches says no.
fn start(field: &Field) -> Option<Value> {
    let blank = matches!(field.input, Input::Switch).then_some(Value::Bool(false));
    field.default.clone().or(blank)
}

fn one(at: usize, field: Field, filled: Filled, problem: RwSignal<Option<Problem>>) -> AnyView {
    // Names may hold what an id may not.
    let id = format!("task-field-{at}");
    let (hint_id, error_id) = (format!("{id}-hint"), format!("{id}-error"));
    let refused = field_error(problem, format!("/form{}", field.pointer));
    let unread = filled.wrong;
    let wrong = Signal::derive(move || unread.get().or_else(|| refused.get()));
    let title = field.title.clone();
    let hint =
        (!field.description.is_empty()).then(|| view! { <p class="hint" id=hint_id>{field.description.clone()}</p> });
    let named = id.clone();
    let control = control(&field, &filled, id, wrong);
    let label = if matches!(field.input, Input::Switch) {
        view! { <label class="switch">{control}{title}</label> }.into_any()
    } else {
        let optional =
            (!field.required).then(|| view! { <span class="optional">" · "{crate::ui::strings::OPTIONAL}</span> });
        view! { <label for=named>{title}{optional}</label>{control} }.into_any()
    };
    view! {
        <div class="field">
            {label}
            {hint}
            <div id=error_id aria-live="polite" class="error-slot">
                {move || wrong.get().map(|wrong| view! { <p class="error">{icon("circle-alert")}<span>{words(&wrong)}</span></p> })}
            </div>
        </div>
    }
    .into_any()
}

fn control(field: &Field, filled: &Filled, id: String, wrong: Signal<Option<String>>) -> AnyView {
    let (value, unread) = (filled.value, filled.wrong);
    let shown = value.get_untracked().map(|value| value.as_str().map_or_else(|| value.to_json(), str::to_owned));
    let shown = shown.unwrap_or_default();
    let invalid = move || if wrong.with(Option::is_some) { "true" } else { "false" };
    let described = if field.description.is_empty() { format!("{id}-error") } else { format!("{id}-hint {id}-error") };
    let text = move |text: String| value.set((!text.is_empty()).then(|| Value::from(text)));
    let number = matches!(field.input, Input::Number { .. });
    let parsed = move |text: String| match parse(&text, number) {
        Ok(read) => {
            unread.set(None);
            value.set(read);
        }
        Err(why) => unread.set(Some(why)),
    };
    match &field.input {
        Input::Switch => {
            let change = move |event| value.set(Some(Value::Bool(event_target_checked(&event))));
            let on = value.get_untracked() == Some(Value::Bool(true));
            view! {
                <input id=id type="checkbox" role="switch" checked=on aria-invalid=invalid aria-describedby=described on:change=change/>
            }
            .into_any()
        }
        Input::Text { multiline: true, .. } => view! {
            <textarea id=id class="input" aria-invalid=invalid aria-describedby=described
                on:input=move |event| text(event_target_value(&event))>{shown}</textarea>
        }
        .into_any(),
        Input::Text { format, .. } => {
            let kind = match format.as_str() {
                "email" => "email",
                "date" => "date",
                _ => "text",
            };
            view! {
                <input id=id class="input" type=kind value=shown autocomplete="off" aria-invalid=invalid aria-describedby=described
                    on:input=move |event| text(event_target_value(&event))/>
            }
            .into_any()
        }
        Input::Number { .. } => view! {
            <input id=id class="input" type="text" inputmode="decimal" value=shown autocomplete="off" aria-invalid=invalid
                aria-describedby=described on:input=move |event| parsed(event_target_value(&event))/>
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
                <select id=id class="input" aria-invalid=invalid aria-describedby=described on:change=change>
                    <option value="" selected=chosen.is_none()>{strings::NOT_CHOSEN}</option>
                    {choices.iter().enumerate().map(option).collect::<Vec<_>>()}
                </select>
            }
            .into_any()
        }
        _ => view! {
            <textarea id=id class="input mono" spellcheck="false" aria-invalid=invalid aria-describedby=described
                on:input=move |event| parsed(event_target_value(&event))>{shown}</textarea>
        }
        .into_any(),
    }
}

/// What was written into a field of numbers or of JSON; nothing when it is blank.
fn parse(text: &str, number: bool) -> Result<Option<Value>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let read = json::parse(text.as_bytes());
    match read {
        Ok(value @ (Value::Int(_) | Value::Decimal(_))) if number => Ok(Some(value)),
        _ if number => Err(strings::NOT_A_NUMBER.to_owned()),
        Ok(value) => Ok(Some(value)),
        Err(error) => Err(format!("{} {error}", strings::NOT_JSON)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_of_numbers_takes_numbers_only_and_keeps_them_exact() {
        assert_eq!(parse(" 12.50 ", true).unwrap().unwrap().to_json(), "12.50");
        assert_eq!(parse("", true), Ok(None));
        for wrong in ["true", "\"12\"", "12,5", "[1]"] {
            assert_eq!(parse(wrong, true), Err(strings::NOT_A_NUMBER.to_owned()));
        }
        assert_eq!(parse("[true]", false).unwrap().unwrap().to_json(), "[true]");
        assert!(parse("{", false).is_err());
    }

    #[test]
    fn a_task_without_a_form_is_answered_with_null() {
        assert_eq!(Form(None).collected(), Some(Value::Null));
    }
}
