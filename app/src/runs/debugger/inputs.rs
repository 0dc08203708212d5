//! The inputs of a run as a list that one walks with the arrow keys.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, KeyboardEvent};

use super::Stepper;
use crate::runs::strings;
use crate::ui::{dom, format, icon, skeleton};

/// Rows at once: of a longer run those around where one is.
const WINDOW: usize = 600;

/// The list.
pub fn inputs(stepper: Stepper) -> AnyView {
    let window = Memo::new(move |before: Option<&(usize, usize)>| {
        let (at, len) = (stepper.at.get() as usize, stepper.replay.len());
        let kept = before.copied().filter(|(from, to)| *from <= at && (at < *to || *to == len));
        let from = kept.map_or_else(|| at.saturating_sub(WINDOW / 2), |(from, _)| from);
        (from.min(len), from.saturating_add(WINDOW).min(len))
    });
    let here = Selector::new(move || stepper.at.get());
    let list = NodeRef::<leptos::html::Div>::new();
    Effect::new(move |_| {
        let at = stepper.at.get();
        stepper.replay.steps.track();
        window.track();
        request_animation_frame(move || show(list.try_get_untracked().flatten().as_deref(), at));
    });
    let rows = move || {
        let (from, to) = window.get();
        (from..to).filter_map(|at| u32::try_from(at).ok()).collect::<Vec<_>>()
    };
    let edge = |words: &'static str, hidden: fn((usize, usize), usize) -> usize, to: fn((usize, usize)) -> usize| {
        move || {
            let left = hidden(window.get(), stepper.replay.len());
            (left > 0).then(|| {
                let words = format!("{} {words}", format::thousands(left as u64));
                let go = move |_| stepper.go(u32::try_from(to(window.get_untracked())).unwrap_or(u32::MAX));
                view! { <div class="more-rows"><button type="button" class="button ghost small" on:click=go>{words}</button></div> }
            })
        }
    };
    view! {
        <div class="nodes">
            {edge(strings::EARLIER, |(from, _), _| from, |(from, _)| from.saturating_sub(1))}
            <div
                class="nodes-list inputs-list"
                role="listbox"
                aria-label=strings::INPUTS
                node_ref=list
                on:keydown=move |event| keys(&event, stepper)
            >
                {move || (stepper.replay.len() == 0).then(|| skeleton::rows(6))}
                <For each=rows key=|at| *at children=move |at| row(stepper, at, here.clone())/>
            </div>
            {edge(strings::LATER, |(_, to), len| len.saturating_sub(to), |(_, to)| to)}
        </div>
    }
    .into_any()
}

fn row(stepper: Stepper, at: u32, here: Selector<u32>) -> AnyView {
    let step = stepper.replay.steps.with_untracked(|steps| {
        let first = steps.first()?.at;
        steps.get(at as usize).map(|step| (step.clone(), step.at.since(first).0))
    });
    let Some((step, after)) = step else { return ().into_any() };
    let (class, glyph) = strings::input_look(&step.kind);
    let also = here.clone();
    view! {
        <button
            type="button"
            role="option"
            id=format!("input-{at}")
            class=format!("run-node run-input {class}")
            tabindex=move || if here.selected(&at) { "0" } else { "-1" }
            aria-selected=move || also.selected(&at).to_string()
            on:click=move |_| stepper.go(at)
        >
            <span class="seq">{format::thousands(at.into())}</span>
            {icon(glyph)}
            <span class="name">{strings::input(&step.kind)}" "<span class="scope">{step.path}</span></span>
            <span class="took">{format!("+{}", format::duration(after))}</span>
        </button>
    }
    .into_any()
}

/// Walking takes the focus along.
fn keys(event: &KeyboardEvent, stepper: Stepper) {
    if event.alt_key() || event.ctrl_key() || event.meta_key() {
        return;
    }
    match event.key().as_str() {
        "ArrowUp" | "ArrowLeft" => stepper.back(),
        "ArrowDown" | "ArrowRight" => stepper.forth(),
        "PageUp" => stepper.go(stepper.at.get_untracked().saturating_sub(10)),
        "PageDown" => stepper.go(stepper.at.get_untracked().saturating_add(10)),
        "Home" => stepper.go(0),
        "End" => stepper.go(stepper.last()),
        _ => return,
    }
    event.prevent_default();
    let at = stepper.at.get_untracked();
    // The row may be drawn only now.
    request_animation_frame(move || dom::focus(&format!("#input-{at}")));
}

/// Scrolls the list, and nothing around it, so that a row is seen.
fn show(list: Option<&HtmlElement>, at: u32) {
    let Some(list) = list else { return };
    let row = list.query_selector(&format!("#input-{at}")).ok().flatten();
    let Some(row) = row.and_then(|row| row.dyn_into::<HtmlElement>().ok()) else { return };
    let (top, height) = (row.offset_top(), row.offset_height());
    if top < list.scroll_top() {
        list.set_scroll_top(top);
    } else if top + height > list.scroll_top() + list.client_height() {
        list.set_scroll_top(top + height - list.client_height());
    }
}
