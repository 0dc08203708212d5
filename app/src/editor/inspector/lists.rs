//! Controls that hold others: lists, maps with free keys, groups, and one of several forms.

use holon_flow::definition::pointer::escape;
use holon_model::{Map, Value};
use holon_studio::form::{self, Field};
use leptos::prelude::*;

use super::{Spot, field, refuse};
use crate::{editor::strings, ui::icon};

/// A list: its items, each of which can be removed or moved up, and a button that adds one.
pub(super) fn list(spot: Spot, field: &Field, items: Value) -> AnyView {
    let pointer = field.pointer.clone();
    let count = {
        let (spot, pointer) = (spot.clone(), pointer.clone());
        Memo::new(move |_| spot.value(&pointer).and_then(|value| value.as_list().map(<[Value]>::len)).unwrap_or(0))
    };
    let add = {
        let (spot, pointer, items) = (spot.clone(), pointer.clone(), items.clone());
        move |_| {
            let blank = form::start(&items, &spot.root);
            match count.get_untracked() {
                0 => spot.set(&pointer, Some(Value::list([blank]))),
                at => spot.set(&format!("{pointer}/{at}"), Some(blank)),
            }
        }
    };
    let row = move |at: usize| {
        let place = format!("{pointer}/{at}");
        let inner = form::field(&items, &spot.root, &place, "", true);
        let remove = {
            let (spot, place) = (spot.clone(), place.clone());
            move |_| spot.set(&place, None)
        };
        let up = {
            let (spot, pointer) = (spot.clone(), pointer.clone());
            move |_| {
                if let Some(Value::List(list)) = spot.value(&pointer) {
                    let mut list = list.to_vec();
                    if at > 0 && at < list.len() {
                        list.swap(at, at - 1);
                        spot.set(&pointer, Some(Value::from(list)));
                    }
                }
            }
        };
        view! {
            <div class="form-item">
                <div class="grow">{field::bare(spot.clone(), inner, strings::item(at + 1))}</div>
                <div class="form-acts">
                    {(at > 0).then(|| view! { <button type="button" class="button ghost small only-icon" aria-label=strings::move_up(at + 1) on:click=up>{icon("arrow-up")}</button> })}
                    <button type="button" class="button ghost small only-icon" aria-label=strings::remove_item(at + 1) on:click=remove>{icon("x")}</button>
                </div>
            </div>
        }
        .into_any()
    };
    view! {
        <div class="form-list">
            <For each=move || 0..count.get() key=|at| *at children=row/>
            <button type="button" class="button ghost small" on:click=add>{icon("plus")}{strings::ADD}</button>
        </div>
    }
    .into_any()
}

/// A map with free keys.
pub(super) fn table(spot: Spot, field: &Field, values: Value) -> AnyView {
    let pointer = field.pointer.clone();
    let keys = {
        let (spot, pointer) = (spot.clone(), pointer.clone());
        Memo::new(move |_| {
            let value = spot.value(&pointer);
            value
                .as_ref()
                .and_then(Value::as_map)
                .map(|map| map.keys().map(ToString::to_string).collect::<Vec<_>>())
                .unwrap_or_default()
        })
    };
    let add = {
        let (spot, pointer, values) = (spot.clone(), pointer.clone(), values.clone());
        move |_| {
            let taken = keys.get_untracked();
            let name = holon_studio::fragment::free_key("name", &|name| taken.iter().any(|key| key == name));
            let blank = match form::start(&values, &spot.root) {
                Value::Null => Value::str(""),
                other => other,
            };
            spot.set(&format!("{pointer}/{name}"), Some(blank));
        }
    };
    let row = move |key: String| {
        let place = format!("{pointer}/{}", escape(&key));
        let inner = form::field(&values, &spot.root, &place, "", true);
        let wrong = RwSignal::new(None::<String>);
        let rename = {
            let (spot, pointer, key) = (spot.clone(), pointer.clone(), key.clone());
            move |event| {
                wrong.set(renamed(&spot, &pointer, &key, event_target_value(&event).trim()));
                if wrong.with_untracked(Option::is_some) {
                    refuse::put_back(&event, &key);
                }
            }
        };
        let remove = {
            let (spot, place) = (spot.clone(), place.clone());
            move |_| spot.set(&place, None)
        };
        view! {
            <div class="form-row">
                <input class="input mono" aria-label=strings::MAP_KEY spellcheck="false" prop:value=key.clone() on:change=rename/>
                <div class="grow">{field::bare(spot.clone(), inner, key.clone())}</div>
                <button type="button" class="button ghost small only-icon" aria-label=format!("{} {key}", strings::REMOVE) on:click=remove>{icon("x")}</button>
                {refuse::told(wrong)}
            </div>
        }
        .into_any()
    };
    view! {
        <div class="form-table">
            <For each=move || keys.get() key=Clone::clone children=row/>
            <button type="button" class="button ghost small" on:click=add>{icon("plus")}{strings::ADD}</button>
        </div>
    }
    .into_any()
}

/// Gives a member another name; says why when it cannot be.
fn renamed(spot: &Spot, pointer: &str, from: &str, to: &str) -> Option<String> {
    let Some(Value::Map(map)) = spot.value(pointer) else { return None };
    if from == to {
        return None;
    }
    if to.is_empty() {
        return Some(strings::NAME_EMPTY.to_owned());
    }
    if map.contains_key(to) {
        return Some(strings::name_taken(to));
    }
    let mut map = Map::clone(&map);
    if let Some(value) = map.remove(from) {
        map.insert(to.into(), value);
    }
    spot.set(pointer, Some(Value::from(map)));
    None
}

/// A map with known fields.
pub(super) fn group(spot: Spot, fields: Vec<Field>) -> AnyView {
    let fields: Vec<_> = fields.into_iter().map(|one| field::field(spot.clone(), one)).collect();
    view! { <div class="group">{fields}</div> }.into_any()
}

/// One of several forms: which, and that one.
pub(super) fn variant(spot: Spot, field: &Field, variants: Vec<(String, Value)>, id: String) -> AnyView {
    let pointer = field.pointer.clone();
    let chosen = {
        let (spot, variants, default) = (spot.clone(), variants.clone(), field.default.clone());
        let pointer = pointer.clone();
        Memo::new(move |_| {
            let value = spot.value(&pointer).or_else(|| default.clone())?;
            form::variant_of(&variants, &value, &spot.root)
        })
    };
    let options: Vec<_> = variants
        .iter()
        .enumerate()
        .map(|(at, (words, _))| view! { <option value=at.to_string() selected=move || chosen.get() == Some(at)>{words.clone()}</option> })
        .collect();
    let choose = {
        let (spot, variants, pointer) = (spot.clone(), variants.clone(), pointer.clone());
        move |event| {
            let schema = event_target_value(&event)
                .parse::<usize>()
                .ok()
                .and_then(|at| variants.get(at))
                .map(|(_, schema)| schema.clone());
            spot.set(&pointer, schema.map(|schema| form::start(&schema, &spot.root)));
        }
    };
    let inner = move || {
        let (title, schema) = variants.get(chosen.get()?)?;
        if schema.get("const").is_some() {
            return None;
        }
        let inner = form::field(schema, &spot.root, &pointer, "", true);
        Some(field::bare(spot.clone(), inner, title.to_string()))
    };
    view! {
        <select class="input" id=id on:change=choose>
            <option value="" selected=move || chosen.get().is_none()>{strings::CHOOSE}</option>
            {options}
        </select>
        <div class="variant">{inner}</div>
    }
    .into_any()
}
