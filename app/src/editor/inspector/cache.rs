//! For how long an answer of a node stands for the next one too, and which calls have the same.

use holon_flow::definition::{Policies, duration, dynamic};
use holon_flow::expr::Program;
use holon_model::Value;
use leptos::prelude::*;

use super::Spot;
use super::options::{policies, put};
use super::setting::{Setting, shown};
use crate::editor::strings;

/// What the switch begins with.
const USUAL: &str = "10m";

/// The fields, where the node's kind can be answered from what is kept, or the node says so though it cannot.
pub(super) fn cache(spot: &Spot) -> AnyView {
    let cacheable = spot.kind().is_some_and(|kind| kind.cacheable);
    let on = {
        let spot = spot.clone();
        Memo::new(move |_| policies(&spot).contains_key("cache"))
    };
    let change = {
        let spot = spot.clone();
        move |event| {
            let first = Value::map([("ttl", Value::from(USUAL))]);
            put(&spot, "/cache", event_target_checked(&event).then_some(first));
        }
    };
    let more = {
        let spot = spot.clone();
        move || {
            on.get().then(|| {
                view! {
                    <div class="group">
                        {field(&spot, Setting::text("opt-cache-ttl", strings::CACHE_TTL, strings::CACHE_TTL_HINT), "/cache/ttl", ttl)}
                        {field(&spot, Setting::text("opt-cache-key", strings::CACHE_KEY, strings::CACHE_KEY_HINT), "/cache/key", key)}
                    </div>
                }
            })
        }
    };
    let whole = move || {
        let (change, more) = (change.clone(), more.clone());
        (cacheable || on.get()).then(|| {
            view! {
                <div class="form-field">
                    <label class="switch"><input type="checkbox" role="switch" prop:checked=on on:change=change/>{strings::CACHE}</label>
                    {more}
                </div>
            }
        })
    };
    view! { {whole} }.into_any()
}

/// What one field holds, from its text; nothing where it is empty and may be.
type Read = fn(&str) -> Result<Option<Value>, String>;

fn ttl(text: &str) -> Result<Option<Value>, String> {
    let value = text.parse::<i64>().map(Value::Int).unwrap_or_else(|_| Value::str(text));
    duration::parse(&value)?;
    let policies = Value::map([("cache", Value::map([("ttl", value.clone())]))]);
    match Policies::from_value(&policies) {
        Ok(_) => Ok(Some(value)),
        Err(_) => Err(strings::CACHE_TTL_WRONG.to_owned()),
    }
}

fn key(text: &str) -> Result<Option<Value>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    Program::compile(text).map(|_| Some(dynamic::cel(text))).map_err(|error| error.to_string())
}

fn field(spot: &Spot, setting: Setting, pointer: &'static str, read: Read) -> AnyView {
    let now = {
        let spot = spot.clone();
        Memo::new(move |_| Value::from(policies(&spot)).pointer(pointer).map(shown).unwrap_or_default())
    };
    let spot = spot.clone();
    setting.view(now, move |text| read(text).map(|value| put(&spot, pointer, value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_kept_as_it_was_typed_and_refused_where_no_answer_is_good_for_it() {
        assert_eq!(ttl("10m"), Ok(Some(Value::from("10m"))));
        assert_eq!(ttl("500"), Ok(Some(Value::Int(500))));
        for wrong in ["", "soon", "0", "2d"] {
            ttl(wrong).unwrap_err();
        }
    }

    #[test]
    fn a_key_is_an_expression_and_may_be_left_out() {
        assert_eq!(key(""), Ok(None));
        assert_eq!(key("input.sku"), Ok(Some(dynamic::cel("input.sku"))));
        key("input.").unwrap_err();
    }
}
