//! What every node has whatever its kind: join, retry, timeout, how many at a time, cache, note, disabled.

use holon_flow::definition::{Join, Policies, Retry};
use holon_model::{Map, Value};
use holon_studio::Command;
use leptos::prelude::*;

use super::setting::{Setting, shown};
use super::{Spot, cache::cache, refuse};
use crate::editor::strings;

/// The options tab.
pub(super) fn options(spot: &Spot) -> AnyView {
    view! {
        <div class="form">
            {disabled(spot)}
            {join(spot)}
            {retry(spot)}
            {duration(spot, Setting::text("opt-timeout", strings::TIMEOUT, strings::DURATION), limit)}
            {fallback(spot)}
            {at_a_time(spot)}
            {cache(spot)}
            {note(spot)}
        </div>
    }
    .into_any()
}

fn disabled(spot: &Spot) -> AnyView {
    let on = {
        let spot = spot.clone();
        Memo::new(move |_| spot.with(|node| node.disabled).unwrap_or(false))
    };
    let spot = spot.clone();
    let change = move |event| {
        let disabled = event_target_checked(&event);
        spot.editor.perform(Command::SetDisabled { at: spot.at.clone(), key: spot.key.clone(), disabled });
    };
    view! { <label class="switch"><input type="checkbox" role="switch" prop:checked=on on:change=change/>{strings::DISABLE}</label> }.into_any()
}

fn join(spot: &Spot) -> AnyView {
    let now = {
        let spot = spot.clone();
        Memo::new(move |_| spot.with(|node| node.join.as_str()).unwrap_or(Join::Any.as_str()))
    };
    let spot = spot.clone();
    let change = move |event| {
        spot.editor.perform(Command::SetJoin {
            at: spot.at.clone(),
            key: spot.key.clone(),
            join: event_target_value(&event),
        });
    };
    let option = |value: &'static str, words: &'static str| {
        view! { <option value=value selected=move || now.get() == value>{words}</option> }
    };
    view! {
        <div class="form-field">
            <label class="form-title" for="opt-join">{strings::JOIN}</label>
            <select class="input" id="opt-join" on:change=change>
                {option("any", strings::JOIN_ANY)}
                {option("all", strings::JOIN_ALL)}
                {option("first", strings::JOIN_FIRST)}
            </select>
        </div>
    }
    .into_any()
}

pub(super) fn policies(spot: &Spot) -> Map {
    spot.with(|node| node.policies.to_value()).and_then(|value| value.as_map().cloned()).unwrap_or_default()
}

fn store(spot: &Spot, policies: Map) {
    let command = Command::SetPolicies { at: spot.at.clone(), key: spot.key.clone(), policies: Value::from(policies) };
    // Each setting is a step of its own.
    spot.editor.seal();
    spot.editor.perform(command);
}

/// Sets one member of the policies, or of `retry` inside them.
pub(super) fn put(spot: &Spot, pointer: &str, value: Option<Value>) {
    let mut whole = Value::from(policies(spot));
    if holon_studio::apply::put(&mut whole, pointer, value.as_ref()).is_ok() {
        store(spot, whole.as_map().cloned().unwrap_or_default());
    }
}

fn retry(spot: &Spot) -> AnyView {
    let on = {
        let spot = spot.clone();
        Memo::new(move |_| policies(&spot).contains_key("retry"))
    };
    let change = {
        let spot = spot.clone();
        move |event| {
            let value = event_target_checked(&event).then(|| Value::map([("attempts", Value::Int(3))]));
            put(&spot, "/retry", value);
        }
    };
    let attempts = {
        let spot = spot.clone();
        Memo::new(move |_| {
            Value::from(policies(&spot)).pointer("/retry/attempts").and_then(Value::as_int).unwrap_or(3).to_string()
        })
    };
    let wrong = RwSignal::new(None::<String>);
    let typed = {
        let spot = spot.clone();
        move |event| match event_target_value(&event).trim().parse::<i64>() {
            Ok(count @ 1..=100) => {
                wrong.set(None);
                put(&spot, "/retry/attempts", Some(Value::Int(count)));
            }
            _ => {
                refuse::put_back(&event, &attempts.get_untracked());
                wrong.set(Some(strings::ATTEMPTS_WRONG.to_owned()));
            }
        }
    };
    let more = {
        let spot = spot.clone();
        move || {
            let typed = typed.clone();
            on.get().then(|| {
                view! {
                    <div class="group">
                        <div class="form-field">
                            <label class="form-title" for="opt-attempts">{strings::ATTEMPTS}</label>
                            <input class="input number" id="opt-attempts" type="number" min="1" max="100" prop:value=attempts on:change=typed/>
                            {refuse::told(wrong)}
                        </div>
                        {duration(&spot, Setting::text("opt-initial", strings::INITIAL, strings::INITIAL_HINT), |_| "/retry/initial")}
                        {factor(&spot)}
                        {duration(&spot, Setting::text("opt-max", strings::MOST, strings::MOST_HINT), |_| "/retry/max")}
                        {jitter(&spot)}
                    </div>
                }
            })
        }
    };
    view! {
        <div class="form-field">
            <label class="switch"><input type="checkbox" role="switch" prop:checked=on on:change=change/>{strings::RETRY}</label>
            {more}
        </div>
    }
    .into_any()
}

/// How many times longer each wait is than the one before.
fn factor(spot: &Spot) -> AnyView {
    let now = {
        let spot = spot.clone();
        Memo::new(move |_| {
            let value = Value::from(policies(&spot)).pointer("/retry/factor").cloned();
            value.map(|value| value.to_json()).unwrap_or_default()
        })
    };
    let spot = spot.clone();
    let (id, title, hint) = ("opt-factor", strings::FACTOR, strings::FACTOR_HINT);
    Setting { id, title, hint, number: true }.view(now, move |text| {
        let value = if text.is_empty() { None } else { Some(growth(text)?) };
        put(&spot, "/retry/factor", value);
        Ok(())
    })
}

fn growth(text: &str) -> Result<Value, String> {
    let value = holon_model::json::parse_number(text).ok().filter(|value| Retry::percent(value).is_some());
    value.ok_or_else(|| strings::FACTOR_WRONG.to_owned())
}

/// Whether waits are made to differ; they are unless it is said.
fn jitter(spot: &Spot) -> AnyView {
    let on = {
        let spot = spot.clone();
        Memo::new(move |_| {
            Value::from(policies(&spot)).pointer("/retry/jitter").and_then(Value::as_bool).unwrap_or(true)
        })
    };
    let spot = spot.clone();
    let change = move |event| {
        put(&spot, "/retry/jitter", (!event_target_checked(&event)).then_some(Value::Bool(false)));
    };
    view! { <label class="switch"><input type="checkbox" role="switch" prop:checked=on on:change=change/>{strings::JITTER}</label> }
        .into_any()
}

/// Where the time limit stands: one with a fallback is a map.
fn limit(policies: &Value) -> &'static str {
    if policies.pointer("/timeout/after").is_some() { "/timeout/after" } else { "/timeout" }
}

/// A duration at the pointer that is right for the policies as they are.
fn duration(spot: &Spot, setting: Setting, pointer: fn(&Value) -> &'static str) -> AnyView {
    let now = {
        let spot = spot.clone();
        Memo::new(move |_| {
            let whole = Value::from(policies(&spot));
            whole.pointer(pointer(&whole)).map(shown).unwrap_or_default()
        })
    };
    let spot = spot.clone();
    setting.view(now, move |text| {
        let at = pointer(&Value::from(policies(&spot)));
        if text.is_empty() {
            // Without a limit there is nothing to fall back from.
            put(&spot, at.strip_suffix("/after").unwrap_or(at), None);
            return Ok(());
        }
        let value = text.parse::<i64>().map(Value::Int).unwrap_or_else(|_| Value::str(text));
        holon_flow::definition::duration::parse(&value)?;
        put(&spot, at, Some(value));
        Ok(())
    })
}

/// How many of the node go on at a time within a run.
fn at_a_time(spot: &Spot) -> AnyView {
    let now = {
        let spot = spot.clone();
        Memo::new(move |_| Value::from(policies(&spot)).pointer("/concurrency/limit").map(shown).unwrap_or_default())
    };
    let spot = spot.clone();
    let (id, title, hint) = ("opt-concurrency", strings::AT_A_TIME, strings::AT_A_TIME_HINT);
    Setting { id, title, hint, number: true }.view(now, move |text| {
        put(&spot, "/concurrency", bound(text)?);
        Ok(())
    })
}

/// The policy of a number; nothing where none is given.
fn bound(text: &str) -> Result<Option<Value>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let value = Value::map([("limit", text.parse::<i64>().map(Value::Int).unwrap_or_else(|_| Value::from(text)))]);
    match Policies::from_value(&Value::map([("concurrency", value.clone())])) {
        Ok(_) => Ok(Some(value)),
        Err(_) => Err(strings::AT_A_TIME_WRONG.to_owned()),
    }
}

/// What a node gives when its time is up, where it has a time limit.
fn fallback(spot: &Spot) -> AnyView {
    let limited = {
        let spot = spot.clone();
        Memo::new(move |_| policies(&spot).contains_key("timeout"))
    };
    let stored = {
        let spot = spot.clone();
        Memo::new(move |_| {
            let whole = Value::from(policies(&spot));
            whole.pointer("/timeout/fallback").map(holon_model::json::to_string_pretty).unwrap_or_default()
        })
    };
    let wrong = RwSignal::new(None::<String>);
    let change = {
        let spot = spot.clone();
        move |event| {
            let text = event_target_value(&event);
            let whole = Value::from(policies(&spot));
            let Some(after) = whole.pointer(limit(&whole)).cloned() else { return };
            wrong.set(None);
            if text.trim().is_empty() {
                return put(&spot, "/timeout", Some(after));
            }
            match holon_model::json::parse(text.as_bytes()) {
                Ok(value) => put(&spot, "/timeout", Some(Value::map([("after", after), ("fallback", value)]))),
                // The text stays: it may be long.
                Err(error) => wrong.set(Some(error.to_string())),
            }
        }
    };
    let field = move || {
        let change = change.clone();
        limited.get().then(|| {
            view! {
                <div class="form-field">
                    <label class="form-title" for="opt-fallback">{strings::FALLBACK}</label>
                    <textarea class="input mono" id="opt-fallback" rows="2" spellcheck="false" prop:value=stored on:change=change></textarea>
                    <p class="hint">{strings::FALLBACK_HINT}</p>
                    {refuse::told(wrong)}
                </div>
            }
        })
    };
    view! { {field} }.into_any()
}

fn note(spot: &Spot) -> AnyView {
    let now = {
        let spot = spot.clone();
        Memo::new(move |_| spot.with(|node| node.note.clone()).unwrap_or_default())
    };
    let spot = spot.clone();
    let typed = move |event| {
        spot.editor.perform(Command::SetNote {
            at: spot.at.clone(),
            key: spot.key.clone(),
            note: event_target_value(&event),
        });
    };
    view! {
        <div class="form-field">
            <label class="form-title" for="opt-note">{strings::NOTE}</label>
            <textarea class="input" id="opt-note" rows="3" prop:value=now on:input=typed></textarea>
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_many_at_a_time_is_a_whole_number_from_one_or_nothing() {
        assert_eq!(bound(""), Ok(None));
        assert_eq!(bound("3"), Ok(Some(Value::map([("limit", Value::Int(3))]))));
        for wrong in ["0", "-1", "1.5", "many", "10001"] {
            bound(wrong).unwrap_err();
        }
    }
}
