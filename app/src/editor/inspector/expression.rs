//! An expression or a text with expressions: completed and checked as it is typed, with its value on real data below.

use holon_model::Value;
use holon_studio::{
    form::{self, Field, Mode},
    worker::{Ask, EvalReply},
};
use leptos::task::spawn_local;
use leptos::{ev, html, prelude::*};

use super::{Spot, complete::Completion};
use crate::{
    editor::strings,
    engine,
    ui::{joint, sentence, words},
};

/// Longest value that is shown on one line.
const SHOWN: usize = 160;

/// The editor of the field's source.
pub(super) fn expression(spot: Spot, field: &Field, text: bool, id: String) -> AnyView {
    let (pointer, each) = (field.pointer.clone(), field.each);
    let source = {
        let (spot, pointer) = (spot.clone(), pointer.clone());
        Memo::new(move |_| {
            let value = spot.value(&pointer);
            match form::mode(value.as_ref()) {
                Mode::Expression(source) | Mode::Text(source) => source,
                Mode::Fixed => value.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned(),
            }
        })
    };
    let store = {
        let (spot, pointer) = (spot.clone(), pointer.clone());
        let required = field.required;
        move |source: String| {
            let member = if text { "$text" } else { "$cel" };
            let value = (required || !source.is_empty() || spot.value(&pointer).is_some())
                .then(|| Value::map([(member, Value::from(source))]));
            spot.set(&pointer, value);
        }
    };
    editor(spot, source, Callback::new(store), each, text, id, field.placeholder.clone())
}

/// The same for any source: the flow's result uses it too.
pub(super) fn editor(
    spot: Spot,
    source: Memo<String>,
    store: Callback<String>,
    each: bool,
    text: bool,
    id: String,
    placeholder: String,
) -> AnyView {
    let node = NodeRef::<html::Textarea>::new();
    let completion = Completion::new(spot.clone(), node, store, each, text);
    let result = result(spot, source, each, text, true);
    let typed = move |event| {
        let text = event_target_value(&event);
        store.run(text);
        completion.ask();
    };
    let press = move |event: ev::KeyboardEvent| {
        if completion.press(&event) {
            event.prevent_default();
            event.stop_propagation();
        }
    };
    let list = format!("{id}-choices");
    let placeholder = if placeholder.is_empty() && !text { strings::EXPRESSION.to_owned() } else { placeholder };
    view! {
        <div class="expression" class:text=text>
            <textarea
                class="input mono"
                id=id
                node_ref=node
                rows=if text { "3" } else { "1" }
                spellcheck="false"
                autocomplete="off"
                placeholder=placeholder
                aria-autocomplete="list"
                aria-controls=list.clone()
                aria-activedescendant=move || completion.active_id()
                prop:value=source
                on:input=typed
                on:keydown=press
                on:click=move |_| completion.close()
                on:blur=move |_| completion.leave()
            ></textarea>
            {completion.view(list)}
            {result}
        </div>
    }
    .into_any()
}

/// What an expression that stands in no field of its own gives: places in it would say nothing.
pub(super) fn tried(spot: Spot, source: Memo<String>) -> AnyView {
    result(spot, source, false, false, false)
}

/// The value on the data of the last preview.
fn result(spot: Spot, source: Memo<String>, each: bool, text: bool, placed: bool) -> AnyView {
    let reply = evaluated(spot, source, each, text);
    view! { <div class="expression-result" role="status">{move || reply.get().map(|reply| shown(&reply, placed))}</div> }
        .into_any()
}

fn evaluated(spot: Spot, source: Memo<String>, each: bool, text: bool) -> RwSignal<Option<EvalReply>> {
    let result = RwSignal::new(None);
    let asked = StoredValue::new(0u32);
    Effect::new(move |_| {
        let source = source.get();
        spot.editor.preview.track();
        let iterations = spot.editor.scene.iterations.get();
        asked.update_value(|asked| *asked += 1);
        let number = asked.get_value();
        if source.trim().is_empty() {
            return result.set(None);
        }
        let question = Ask::Eval { at: spot.at.clone(), iterations, key: spot.key.to_string(), each, source, text };
        spawn_local(async move {
            let reply = engine::ask::<EvalReply>(question).await;
            if asked.try_get_value() == Some(number) {
                result.try_set(reply.ok());
            }
        });
    });
    result
}

fn shown(reply: &EvalReply, placed: bool) -> AnyView {
    match (&reply.value, &reply.error) {
        (Some(value), _) => {
            let json = value.to_json();
            let short: String = json.chars().take(SHOWN).collect();
            let dots = if short.len() < json.len() { "…" } else { "" };
            view! { <span class="expression-value"><span class="muted">{value.type_name()}</span>" "<code>{short}{dots}</code></span> }.into_any()
        }
        (None, Some(error)) => {
            // The whole of it is no place.
            let place = error.span.filter(|(start, _)| placed && *start > 0);
            let at = place.map(|(start, _)| format!(" (character {})", start + 1)).unwrap_or_default();
            // Without data there is nothing to choose from.
            let hint = error.hint.as_deref().filter(|_| !error.no_data);
            let hint = hint.map(|hint| view! { {joint(&error.message, hint)}{words(hint)} });
            let class = if error.no_data { "muted" } else { "expression-error" };
            view! { <span class=class>{words(&sentence(&error.message))}{at}{hint}</span> }.into_any()
        }
        (None, None) => ().into_any(),
    }
}
