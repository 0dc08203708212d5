//! Controls of single values: text, number, yes or no, one of a few, a connection, JSON.

use holon_model::Value;
use holon_studio::{
    form::{self, Field, Input},
    written,
};
use leptos::prelude::*;

use super::{Spot, refuse};
use crate::{editor::strings, ports::use_ports};

/// The control for a fixed value.
pub(super) fn input(spot: Spot, field: &Field, id: String) -> AnyView {
    match &field.input {
        Input::Text { format, .. } if format == "cron" => cron(spot, field, id),
        Input::Text { format, .. } if format == "time-zone" => time_zone(spot, field, id),
        Input::Text { format, .. } if format == form::BODY => body(spot, field, id),
        Input::Text { multiline, .. } => text(spot, field, *multiline, id),
        Input::Number { whole, .. } => number(spot, field, *whole, id),
        Input::Switch => switch(spot, field, id),
        Input::Choice(choices) => choice(spot, field, choices.clone(), id),
        Input::Connection(kinds) => connection(spot, field, kinds.clone(), id),
        _ => json(spot, field, id),
    }
}

fn shown(spot: &Spot, field: &Field) -> Memo<String> {
    let (spot, pointer) = (spot.clone(), field.pointer.clone());
    Memo::new(move |_| match spot.value(&pointer) {
        None | Some(Value::Null) => String::new(),
        Some(Value::Str(text)) => text.to_string(),
        Some(other) => other.to_json(),
    })
}

/// An empty text leaves an optional field out.
fn store(spot: &Spot, field: &Field, text: &str) {
    let value = (!text.is_empty() || field.required).then(|| Value::str(text));
    spot.set(&field.pointer, value);
}

fn text(spot: Spot, field: &Field, multiline: bool, id: String) -> AnyView {
    let value = shown(&spot, field);
    let (placeholder, field) = (field.placeholder.clone(), field.clone());
    let typed = move |event| store(&spot, &field, &event_target_value(&event));
    if multiline {
        view! { <textarea class="input" id=id rows="3" placeholder=placeholder prop:value=value on:input=typed></textarea> }.into_any()
    } else {
        view! { <input class="input" id=id type="text" placeholder=placeholder spellcheck="false" autocomplete="off" prop:value=value on:input=typed/> }
            .into_any()
    }
}

/// A cron expression, with what it names below. Its zone is the sibling `time_zone`.
fn cron(spot: Spot, field: &Field, id: String) -> AnyView {
    let (expression, whose) = (shown(&spot, field), spot.clone());
    let beside = field.pointer.rsplit_once('/').map_or("", |(group, _)| group).to_owned() + "/time_zone";
    let zone = Memo::new(move |_| {
        whose.value(&beside).and_then(|zone| zone.as_str().map(str::to_owned)).unwrap_or_else(|| "UTC".to_owned())
    });
    let ahead = crate::schedules::ahead(expression.into(), zone.into());
    view! { {text(spot, field, false, id)}{ahead} }.into_any()
}

/// The name of a time zone, from those that the browser knows.
fn time_zone(spot: Spot, field: &Field, id: String) -> AnyView {
    let list = format!("{id}-zones");
    let value = shown(&spot, field);
    let zone =
        Memo::new(move |_| Some(value.get()).filter(|zone| !zone.is_empty()).unwrap_or_else(|| "UTC".to_owned()));
    let (placeholder, field) = (field.placeholder.clone(), field.clone());
    let typed = move |event| store(&spot, &field, &event_target_value(&event));
    view! {
        <input class="input" id=id type="text" list=list.clone() placeholder=placeholder spellcheck="false" autocomplete="off" prop:value=value on:input=typed/>
        {crate::schedules::zones(list)}
        {crate::schedules::zone(zone.into())}
    }
    .into_any()
}

/// The name of a body of the node, from those that it has.
fn body(spot: Spot, field: &Field, id: String) -> AnyView {
    let list = format!("{id}-bodies");
    let value = shown(&spot, field);
    let names = {
        let spot = spot.clone();
        Memo::new(move |_| {
            spot.with(|node| node.bodies.keys().map(ToString::to_string).collect::<Vec<_>>()).unwrap_or_default()
        })
    };
    let options =
        move || names.get().into_iter().map(|name| view! { <option value=name></option> }).collect::<Vec<_>>();
    let (placeholder, field) = (field.placeholder.clone(), field.clone());
    let typed = move |event| store(&spot, &field, &event_target_value(&event));
    view! {
        <input class="input mono" id=id type="text" list=list.clone() placeholder=placeholder spellcheck="false" autocomplete="off" prop:value=value on:input=typed/>
        <datalist id=list>{options}</datalist>
    }
    .into_any()
}

fn number(spot: Spot, field: &Field, whole: bool, id: String) -> AnyView {
    let value = shown(&spot, field);
    let (placeholder, field) = (field.placeholder.clone(), field.clone());
    let wrong = RwSignal::new(None::<String>);
    let typed = move |event| {
        let text = event_target_value(&event);
        let text = text.trim();
        let parsed = holon_model::json::parse_number(text).ok().filter(|value| !whole || value.as_int().is_some());
        let why = if whole { strings::NOT_WHOLE } else { strings::NOT_A_NUMBER };
        wrong.set((parsed.is_none() && !text.is_empty()).then(|| why.to_owned()));
        if text.is_empty() {
            spot.set(&field.pointer, None);
        } else if let Some(value) = parsed {
            spot.set(&field.pointer, Some(value));
        }
    };
    view! {
        <input
            class="input number"
            id=id
            type="text"
            inputmode=if whole { "numeric" } else { "decimal" }
            placeholder=placeholder
            autocomplete="off"
            aria-invalid=move || wrong.with(Option::is_some).to_string()
            prop:value=value
            on:change=typed.clone()
            on:input=typed
        />
        {refuse::told(wrong)}
    }
    .into_any()
}

fn switch(spot: Spot, field: &Field, id: String) -> AnyView {
    let field = field.clone();
    let on = {
        let (spot, field) = (spot.clone(), field.clone());
        Memo::new(move |_| {
            spot.value(&field.pointer)
                .or_else(|| field.default.clone())
                .and_then(|value| value.as_bool())
                .unwrap_or(false)
        })
    };
    let change = move |event| spot.set(&field.pointer, Some(Value::Bool(event_target_checked(&event))));
    view! { <span class="switch"><input id=id type="checkbox" role="switch" prop:checked=on on:change=change/></span> }
        .into_any()
}

fn choice(spot: Spot, field: &Field, choices: Vec<(Value, String)>, id: String) -> AnyView {
    let field = field.clone();
    let chosen = {
        let (spot, field, choices) = (spot.clone(), field.clone(), choices.clone());
        Memo::new(move |_| {
            let value = spot.value(&field.pointer).or_else(|| field.default.clone());
            choices
                .iter()
                .position(|(choice, _)| Some(choice) == value.as_ref())
                .map(|at| at.to_string())
                .unwrap_or_default()
        })
    };
    let none = field.default.is_none() || chosen.with_untracked(String::is_empty);
    let options: Vec<_> = choices
        .iter()
        .enumerate()
        .map(|(at, (_, words))| {
            let own = at.to_string();
            let is = own.clone();
            view! { <option value=own selected=move || chosen.with(|chosen| *chosen == is)>{words.clone()}</option> }
        })
        .collect();
    let change = move |event| {
        let value = event_target_value(&event)
            .parse::<usize>()
            .ok()
            .and_then(|at| choices.get(at))
            .map(|(value, _)| value.clone());
        spot.set(&field.pointer, value);
    };
    view! {
        <select class="input" id=id prop:value=chosen on:change=change>
            {none.then(|| view! { <option value="" selected=move || chosen.with(String::is_empty)>{strings::CHOOSE}</option> })}
            {options}
        </select>
    }
    .into_any()
}

/// A connection by name; only those of the kinds that fit.
fn connection(spot: Spot, field: &Field, kinds: Vec<String>, id: String) -> AnyView {
    let ports = use_ports();
    let known = LocalResource::new(move || {
        let asked = ports.connections.list();
        async move { asked.await.map(|page| page.data).unwrap_or_default() }
    });
    let field = field.clone();
    let chosen = shown(&spot, &field);
    let options = move || {
        let kinds = kinds.clone();
        let now = chosen.get();
        let mut names: Vec<String> = known
            .get()
            .map(|found| {
                let named = |kind| serde_json::to_string(kind).unwrap_or_default();
                let fits =
                    |kind| kinds.is_empty() || kinds.iter().any(|wanted| *wanted == named(kind).trim_matches('"'));
                found.iter().filter(|one| fits(&one.kind)).map(|one| one.name.clone()).collect()
            })
            .unwrap_or_default();
        if !now.is_empty() && !names.contains(&now) {
            names.push(now.clone());
        }
        names
            .into_iter()
            .map(|name| view! { <option value=name.clone() selected=name == now>{name.clone()}</option> })
            .collect::<Vec<_>>()
    };
    let change = move |event| {
        let name = event_target_value(&event);
        spot.set(&field.pointer, (!name.is_empty()).then(|| Value::from(name)));
    };
    view! {
        <div class="line">
            <select class="input" id=id prop:value=chosen on:change=change>
                <option value="">{strings::NO_CONNECTION}</option>
                {options}
            </select>
            <a class="button small" href="/connections" target="_blank">{strings::ADD}</a>
        </div>
    }
    .into_any()
}

/// Anything, as JSON.
fn json(spot: Spot, field: &Field, id: String) -> AnyView {
    let stored = {
        let (spot, pointer) = (spot.clone(), field.pointer.clone());
        Memo::new(move |_| {
            spot.value(&pointer).map(|value| holon_model::json::to_string_pretty(&value)).unwrap_or_default()
        })
    };
    let pointer = field.pointer.clone();
    let read = if field.schema { read_schema } else { read_json };
    json_text(stored, read, Callback::new(move |value| spot.set(&pointer, value)), id, field.placeholder.clone())
}

/// How a text becomes a value.
type Read = fn(&str) -> Result<Value, holon_model::json::JsonError>;

pub(super) fn read_json(text: &str) -> Result<Value, holon_model::json::JsonError> {
    holon_model::json::parse(text.as_bytes())
}

/// Forms show the properties in the order in which they were written.
fn read_schema(text: &str) -> Result<Value, holon_model::json::JsonError> {
    read_json(text).map(|schema| written::ordered(text, schema))
}

/// A value as JSON, wherever it is stored; what does not parse is kept in the field and not stored.
pub(super) fn json_text(
    stored: Memo<String>,
    read: Read,
    store: Callback<Option<Value>>,
    id: String,
    placeholder: String,
) -> AnyView {
    let draft = RwSignal::new(None::<String>);
    let wrong = RwSignal::new(String::new());
    let typed = move |event| {
        let text = event_target_value(&event);
        let read = read(&text);
        draft.set(Some(text.clone()));
        match read {
            _ if text.trim().is_empty() => {
                wrong.set(String::new());
                store.run(None);
            }
            Ok(value) => {
                wrong.set(String::new());
                store.run(Some(value));
            }
            Err(error) => wrong.set(error.to_string()),
        }
    };
    view! {
        <textarea
            class="input mono"
            id=id
            rows="3"
            spellcheck="false"
            placeholder=placeholder
            aria-invalid=move || (!wrong.with(String::is_empty)).to_string()
            prop:value=move || draft.get().unwrap_or_else(|| stored.get())
            on:input=typed
            on:blur=move |_| if wrong.with_untracked(String::is_empty) { draft.set(None) }
        ></textarea>
        <Show when=move || !wrong.with(String::is_empty)><p class="form-problem">{wrong}</p></Show>
    }
    .into_any()
}
