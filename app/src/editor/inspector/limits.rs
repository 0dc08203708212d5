//! Bounds of the flow's runs: how long one may take, how many go on at a time, how many begin in a time.

use holon_flow::definition::{dynamic, intake};
use holon_flow::expr::Program;
use holon_model::Value;
use holon_studio::Command;
use leptos::prelude::*;

use super::setting::{Setting, shown};
use crate::editor::{store::Editor, strings};

/// What one field holds: how its text is read.
type Read = fn(&str) -> Result<Value, String>;

/// The fields of the flow's limits.
pub(super) fn limits(editor: Editor) -> AnyView {
    let whole = Memo::new(move |_| editor.definition.with(|definition| definition.limits.to_value()));
    let has = move |member: &'static str| Memo::new(move |_| whole.with(|whole| whole.get(member).is_some()));
    let (concurrency, rate) = (has("concurrency"), has("rate"));
    let turn = move |member: &'static str, first: Value| {
        move |event| _ = put(editor, &[(member, event_target_checked(&event).then(|| first.clone()))])
    };
    let one = Value::map([("limit", Value::Int(1))]);
    let many = Value::map([("limit", Value::Int(100)), ("per", Value::from("1m"))]);
    view! {
        {field(editor, whole, Setting::text("limit-deadline", strings::DEADLINE, strings::DURATION), "/deadline", duration)}
        <div class="form-field">
            <label class="switch"><input type="checkbox" role="switch" prop:checked=concurrency on:change=turn("/concurrency", one)/>{strings::CONCURRENCY}</label>
            {move || concurrency.get().then(|| view! {
                <div class="group">
                    {field(editor, whole, Setting::text("limit-runs", strings::AT_ONCE, strings::AT_ONCE_HINT), "/concurrency/limit", count)}
                    {field(editor, whole, Setting::text("limit-key", strings::LINE, strings::LINE_HINT), "/concurrency/key", expression)}
                    {when_full(editor, whole)}
                    {field(editor, whole, Setting::text("limit-queue", strings::QUEUE, strings::QUEUE_HINT), "/concurrency/queue", count)}
                </div>
            })}
        </div>
        <div class="form-field">
            <label class="switch"><input type="checkbox" role="switch" prop:checked=rate on:change=turn("/rate", many)/>{strings::RATE}</label>
            {move || rate.get().then(|| view! {
                <div class="group">
                    {field(editor, whole, Setting::text("rate-limit", strings::RATE_RUNS, strings::AT_ONCE_HINT), "/rate/limit", count)}
                    {field(editor, whole, Setting::text("rate-per", strings::RATE_PER, strings::RATE_PER_HINT), "/rate/per", duration)}
                    {field(editor, whole, Setting::text("rate-burst", strings::BURST, strings::BURST_HINT), "/rate/burst", count)}
                    {field(editor, whole, Setting::text("rate-key", strings::LINE, strings::RATE_LINE_HINT), "/rate/key", expression)}
                </div>
            })}
        </div>
    }
    .into_any()
}

/// Sets members of the limits; says why not when that makes no limits.
fn put(editor: Editor, members: &[(&str, Option<Value>)]) -> Option<String> {
    let mut limits = editor.definition.with_untracked(|definition| definition.limits.to_value());
    for (pointer, value) in members {
        if let Err(error) = holon_studio::apply::put(&mut limits, pointer, value.as_ref()) {
            return Some(error.to_string());
        }
    }
    if let Err(found) = holon_flow::definition::RunLimits::from_value(&limits) {
        return found.into_iter().next().map(|found| found.message);
    }
    // Each setting is a step of its own.
    editor.seal();
    editor.perform(Command::SetLimits { limits });
    None
}

fn count(text: &str) -> Result<Value, String> {
    text.parse::<i64>().map(Value::Int).map_err(|_| strings::COUNT_WRONG.to_owned())
}

fn duration(text: &str) -> Result<Value, String> {
    let value = text.parse::<i64>().map(Value::Int).unwrap_or_else(|_| Value::str(text));
    holon_flow::definition::duration::parse(&value).map(|_| value)
}

fn expression(text: &str) -> Result<Value, String> {
    Program::compile(text).map(|_| dynamic::cel(text)).map_err(|error| error.to_string())
}

fn field(editor: Editor, whole: Memo<Value>, setting: Setting, pointer: &'static str, read: Read) -> AnyView {
    let now = Memo::new(move |_| whole.with(|whole| whole.pointer(pointer).map(shown).unwrap_or_default()));
    setting.view(now, move |text| {
        let value = if text.is_empty() { None } else { Some(read(text)?) };
        put(editor, &[(pointer, value)]).map_or(Ok(()), Err)
    })
}

fn when_full(editor: Editor, whole: Memo<Value>) -> AnyView {
    let now = Memo::new(move |_| {
        let found =
            whole.with(|whole| whole.pointer("/concurrency/when_full").and_then(Value::as_str).map(str::to_owned));
        found.unwrap_or_else(|| intake::WhenFull::default().as_str().to_owned())
    });
    let change =
        move |event| _ = put(editor, &[("/concurrency/when_full", Some(Value::from(event_target_value(&event))))]);
    let option = move |one: intake::WhenFull| {
        let value = one.as_str();
        view! { <option value=value selected=move || now.get() == value>{strings::when_full(one)}</option> }
    };
    view! {
        <div class="form-field">
            <label class="form-title" for="limit-full">{strings::WHEN_FULL}</label>
            <select class="input" id="limit-full" on:change=change>{intake::WhenFull::ALL.map(option).into_iter().collect::<Vec<_>>()}</select>
        </div>
    }
    .into_any()
}
