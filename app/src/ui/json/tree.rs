//! The tree: a row a member, children made when they are unfolded.

use holon_model::Value;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::ui::{dom, format, icon, strings, toast::use_toasts};

/// Members shown at once; the rest on demand.
const STEP: usize = 100;

/// The whole value, its first level unfolded, or all of them.
pub fn tree(value: &Value, unfolded: bool) -> AnyView {
    row(None, value.clone(), String::new(), 0, unfolded)
}

fn row(key: Option<String>, value: Value, path: String, depth: u32, unfolded: bool) -> AnyView {
    let open = RwSignal::new(unfolded || depth == 0);
    let folds = members(&value) > 0;
    let name = key.clone().unwrap_or_else(|| value.type_name().to_owned());
    let fold = if folds {
        view! {
            <button type="button" class="fold" aria-label=name aria-expanded=move || if open.get() { "true" } else { "false" } on:click=move |_| open.update(|open| *open = !*open)>
                {icon("chevron-right")}
            </button>
        }
        .into_any()
    } else {
        view! { <span class="leaf"></span> }.into_any()
    };
    let shown = leaf(&value);
    let children = {
        let (value, path) = (value.clone(), path.clone());
        move || open.get().then(|| children(&value, &path, depth + 1, unfolded))
    };
    view! {
        <div class="json-row" style=format!("--depth:{depth}")>
            {fold}
            {key.map(|key| view! { <span class="key" title=key.clone()>{key.clone()}":"</span> })}
            {shown}
            {acts(value, path)}
        </div>
        {folds.then_some(children)}
    }
    .into_any()
}

fn members(value: &Value) -> usize {
    match value {
        Value::List(items) => items.len(),
        Value::Map(map) => map.len(),
        _ => 0,
    }
}

fn leaf(value: &Value) -> AnyView {
    let (class, text) = match value {
        Value::Null => ("value null", "null".to_owned()),
        Value::Bool(_) => ("value bool", value.to_json()),
        Value::Int(_) | Value::Decimal(_) => ("value number", value.to_json()),
        Value::Str(text) => ("value string", cut(text)),
        Value::List(items) if items.is_empty() => ("value sum", "[]".to_owned()),
        Value::Map(map) if map.is_empty() => ("value sum", "{}".to_owned()),
        Value::List(items) => ("value sum", format!("[{}]", format::count(items.len() as u64, "item", "items"))),
        Value::Map(map) => ("value sum", format!("{{{}}}", format::count(map.len() as u64, "member", "members"))),
        Value::Blob(_) => ("value blob", value.to_json()),
    };
    view! { <span class=class>{text}</span> }.into_any()
}

/// A long text on a page is shown by its start.
fn cut(text: &str) -> String {
    match text.char_indices().nth(2000) {
        Some((end, _)) => format!("\"{}… ({} in all)", &text[..end], format::size(text.len() as u64)),
        None => format!("\"{text}\""),
    }
}

fn children(value: &Value, path: &str, depth: u32, unfolded: bool) -> AnyView {
    let all: Vec<(String, Value, String)> = match value {
        Value::List(items) => {
            items.iter().enumerate().map(|(at, item)| (at.to_string(), item.clone(), format!("{path}[{at}]"))).collect()
        }
        Value::Map(map) => map.iter().map(|(key, item)| (key.to_string(), item.clone(), member(path, key))).collect(),
        _ => Vec::new(),
    };
    let total = all.len();
    let limit = RwSignal::new(STEP);
    let all = StoredValue::new(all);
    let shown = move || {
        let take = |all: &Vec<(String, Value, String)>| all.iter().take(limit.get()).cloned().collect::<Vec<_>>();
        all.with_value(take)
    };
    let left = move || total.saturating_sub(limit.get());
    view! {
        <For each=shown key=|(key, _, _)| key.clone() children=move |(key, value, path)| row(Some(key), value, path, depth, unfolded)/>
        {move || (left() > 0).then(|| view! {
            <div class="json-row" style=format!("--depth:{depth}")>
                <button type="button" class="button ghost small" on:click=move |_| limit.update(|limit| *limit += STEP)>
                    {format!("{} ({} left)", strings::SHOW_MORE, format::thousands(left() as u64))}
                </button>
            </div>
        })}
    }
    .into_any()
}

/// The path as an expression reads it: `a.b`, `a["b c"]`.
fn member(path: &str, key: &str) -> String {
    let plain =
        key.chars().enumerate().all(|(at, c)| c == '_' || c.is_ascii_alphabetic() || (at > 0 && c.is_ascii_digit()));
    match (plain && !key.is_empty(), path.is_empty()) {
        (true, true) => key.to_owned(),
        (true, false) => format!("{path}.{key}"),
        (false, _) => {
            let mut out = format!("{path}[");
            holon_model::json::write_string(key, &mut out);
            out.push(']');
            out
        }
    }
}

fn acts(value: Value, path: String) -> AnyView {
    let toasts = use_toasts();
    let copy = move |text: String| {
        spawn_local(async move {
            if dom::copy(text).await {
                toasts.good(strings::COPIED);
            } else {
                toasts.bad(strings::COPY_FAILED);
            }
        });
    };
    let path_act = (!path.is_empty()).then(|| {
        view! { <button type="button" on:click=move |_| copy(path.clone())>{strings::COPY_PATH}</button> }
    });
    let text = move || value.as_str().map_or_else(|| holon_model::json::to_string_pretty(&value), str::to_owned);
    view! {
        <span class="acts">
            <button type="button" on:click=move |_| copy(text())>{strings::COPY_VALUE}</button>
            {path_act}
        </span>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::member;

    #[test]
    fn a_path_can_be_pasted_into_an_expression() {
        assert_eq!(member("", "order"), "order");
        assert_eq!(member("order", "total_2"), "order.total_2");
        assert_eq!(member("order", "x y"), "order[\"x y\"]");
        assert_eq!(member("", "2x"), "[\"2x\"]");
    }
}
