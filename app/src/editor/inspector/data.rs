//! Data of a node: what came in, what went out, the error, as a table or a tree.

use holon_model::Value;
use holon_studio::{place, states};
use leptos::prelude::*;

use super::Spot;
use crate::{
    canvas,
    editor::{sample, strings},
    ui::{Json, format, status, words},
};

/// Rows a table shows.
const ROWS: usize = 200;
/// Columns a table shows.
const COLUMNS: usize = 24;

/// The data tab of a node.
pub(super) fn of_node(spot: &Spot) -> AnyView {
    let run = {
        let spot = spot.clone();
        Memo::new(move |_| {
            let iterations = spot.editor.scene.iterations.get();
            spot.editor.preview.with(|preview| states::find(&spot.at, &iterations, &spot.key, &preview.nodes).cloned())
        })
    };
    let sampled = spot.kind().filter(|kind| kind.sampled || kind.trigger).map(|kind| {
        let path = place::sample_key(&spot.at, &spot.key);
        view! {
            <section class="form-field">
                <div class="form-head"><span class="form-title">{strings::SAMPLE}</span></div>
                {sample::editor(path, kind.sample, "node-sample")}
                <p class="hint">{strings::SAMPLE_HINT}</p>
            </section>
        }
    });
    view! {
        <div class="form">
            {move || match run.get() {
                None => view! { <p class="muted">{strings::NO_DATA}</p> }.into_any(),
                Some(run) => {
                    let output = states::emitted(&run).map(|(port, value)| (port.to_owned(), value.clone()));
                    let error = run.error.as_ref().map(|error| {
                        view! { <div class="notice bad"><span class="title">{strings::ERROR}" "<code>{error.code.clone()}</code></span><span class="detail">{words(&error.message)}</span></div> }
                    });
                    view! {
                        <div class="line">{status::status(&run.status)}{run.queued_at.map(|_| view! { <span class="tag">{canvas::strings::turn(&run.status)}</span> })}</div>
                        {error}
                        {run.input.map(|value| data("data-in", strings::INPUT.to_owned(), value))}
                        {output.map(|(port, value)| data("data-out", format!("{} {port}", strings::OUTPUT), value))}
                    }.into_any()
                }
            }}
            {sampled}
        </div>
    }
    .into_any()
}

/// A value, as a table if it is a list of maps, else as a tree.
pub(in crate::editor) fn data(id: &'static str, title: String, value: Value) -> AnyView {
    let columns = columns(&value);
    if columns.is_empty() {
        return view! { <Json id=id title=title value=value/> }.into_any();
    }
    let as_table = RwSignal::new(true);
    let choice = move |words: &'static str, table: bool| {
        view! { <button type="button" aria-pressed=move || (as_table.get() == table).to_string() on:click=move |_| as_table.set(table)>{words}</button> }
    };
    view! {
        <div class="data">
            <div class="segments" role="group" aria-label=title.clone()>{choice(strings::TABLE, true)}{choice(strings::TREE, false)}</div>
            {move || if as_table.get() {
                table(&title, &columns, &value)
            } else {
                view! { <Json id=id title=title.clone() value=value.clone()/> }.into_any()
            }}
        </div>
    }
    .into_any()
}

/// The columns of a list of maps, in the order in which they first appear; empty for anything else.
fn columns(value: &Value) -> Vec<String> {
    let Some(items) = value.as_list().filter(|items| !items.is_empty()) else { return Vec::new() };
    let mut out: Vec<String> = Vec::new();
    for item in items.iter().take(ROWS) {
        let Some(map) = item.as_map() else { return Vec::new() };
        for key in map.keys() {
            if !out.iter().any(|known| **known == **key) {
                out.push(key.to_string());
            }
        }
    }
    out.truncate(COLUMNS);
    out
}

fn table(title: &str, columns: &[String], value: &Value) -> AnyView {
    let items = value.as_list().unwrap_or_default();
    let cell = |item: &Value, column: &String| match item.get(column) {
        None | Some(Value::Null) => String::new(),
        Some(Value::Str(text)) => text.to_string(),
        Some(other) => other.to_json(),
    };
    let rows: Vec<_> = items
        .iter()
        .take(ROWS)
        .map(|item| {
            let cells: Vec<_> = columns
                .iter()
                .map(|column| {
                    let text = cell(item, column);
                    view! { <td title=text.clone()>{text.clone()}</td> }
                })
                .collect();
            view! { <tr>{cells}</tr> }
        })
        .collect();
    let more = items.len().saturating_sub(ROWS);
    view! {
        <div class="data-table" tabindex="0" role="group" aria-label=title.to_owned()>
            <table>
                <thead><tr>{columns.iter().map(|column| view! { <th scope="col">{column.clone()}</th> }).collect::<Vec<_>>()}</tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
        <p class="hint">
            {format!("{title}: {}", format::count(items.len() as u64, "item", "items"))}
            {(more > 0).then(|| format!(", the first {ROWS} shown"))}
        </p>
    }
    .into_any()
}
