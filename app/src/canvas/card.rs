//! A node as a card: icon, title, what it does, ports, bodies, state and data.

use holon_flow::definition::Key;
use holon_model::{Timestamp, wire::flows::Severity};
use holon_studio::{Point, geometry, states::NodeState, view::NodeView, way::Way};
use leptos::prelude::*;

use super::{CanvasEvent, Scene, ports, strings, way};
use crate::ui::{format, icon, plain, sentence, status, time, words};

/// The card of the node `key`.
pub(super) fn card(scene: Scene, key: Key, on: Option<Callback<CanvasEvent>>) -> AnyView {
    let view = {
        let key = key.clone();
        Memo::new(move |_| scene.graph.with(|graph| graph.nodes.get(&key).cloned()))
    };
    let state = {
        let key = key.clone();
        Memo::new(move |_| scene.states.with(|states| states.get(&key).cloned().unwrap_or_default()))
    };
    let problem = {
        let key = key.clone();
        Memo::new(move |_| scene.problems.with(|problems| problems.get(&key).cloned()))
    };
    let selected = {
        let key = key.clone();
        Memo::new(move |_| scene.selection.with(|selection| selection.nodes.contains(&key)))
    };
    // The parts that rarely change are drawn anew only when they do; moving changes a style alone.
    let still = Memo::new(move |_| view.get().map(|view| NodeView { rect: Default::default(), ..view }));
    let place = {
        let drag = Memo::new(move |_| if selected.get() { scene.drag.get() } else { Point::default() });
        move || {
            let at = view.with(|view| view.as_ref().map(|view| Point::new(view.rect.x, view.rect.y)));
            at.map(|at| at.plus(drag.get())).map(|Point { x, y }| format!("translate({x}px,{y}px)"))
        }
    };
    let along = Memo::new(move |_| state.with(|state| state.way.clone()));
    let height = move || view.with(|view| view.as_ref().map(|view| format!("{}px", view.rect.h)));
    // All of it at once: an attribute that changes would wipe out classes that were set one by one.
    let class = move || {
        let disabled = view.with(|view| view.as_ref().is_some_and(|view| view.disabled));
        let wrong = problem.with(|problem| problem.as_ref().is_some_and(|(severity, _)| *severity == Severity::Error));
        let status = state.with(|state| state.status.clone());
        let more = [(selected.get(), " selected"), (disabled, " disabled"), (wrong, " wrong")];
        let more: String = more.into_iter().filter_map(|(is, name)| is.then_some(name)).collect();
        format!("node is-{status}{more}")
    };
    let label = {
        let key = key.clone();
        move || {
            let state = state.get();
            let kind = view.with(|view| view.as_ref().map(|view| view.title.clone()).unwrap_or_default());
            let word = if state.status.is_empty() { "" } else { status::word(&state.status) };
            format!("{kind} {key} {word}")
        }
    };
    view! {
        <div
            class=class
            id=format!("node-{key}")
            data-node=key.to_string()
            role="group"
            aria-label=label
            style:transform=place
        >
            <div class="node-body" style:min-height=height>
                {move || still.get().map(|view| head(&view))}
                <span class="node-state">{move || state_icon(&state.get(), problem.get())}</span>
                {move || still.get().map(|view| along.with(|along| bodies(&view, along.as_ref(), on)))}
            </div>
            {move || foot(&state.get())}
            {move || still.get().map(|view| ports::ports(&view, scene.editable, on))}
        </div>
    }
    .into_any()
}

fn head(view: &NodeView) -> AnyView {
    let line = if view.known { view.line.clone() } else { format!("{}: {}", strings::UNKNOWN_KIND, view.kind) };
    let note = (!view.note.is_empty())
        .then(|| view! { <span class="node-note" title=view.note.clone()>{icon("sticky-note")}</span> });
    view! {
        <div class="node-head" style:height=format!("{}px", geometry::HEAD)>
            <span class="node-icon" title=view.title.clone()>{icon(&view.icon)}</span>
            <span class="node-words">
                <span class="node-title truncate">{view.key.to_string()}{note}</span>
                <span class="node-line truncate" title=line.clone()>{line.clone()}</span>
            </span>
        </div>
    }
    .into_any()
}

fn state_icon(state: &NodeState, problem: Option<(Severity, String)>) -> AnyView {
    match problem {
        Some((severity, message)) => {
            let (class, glyph) = if severity == Severity::Error {
                ("is-failed", "circle-alert")
            } else {
                ("is-waiting", "triangle-alert")
            };
            let message = plain(&message);
            view! { <span class=class title=message.clone()>{icon(glyph)}<span class="hidden-visually">{message.clone()}</span></span> }.into_any()
        }
        None if state.status.is_empty() || state.status == "pending" => ().into_any(),
        None => status::status_icon(&state.status),
    }
}

/// The bodies of a scope, each a row that can be entered; those of a saga that runs in the order of its paths.
fn bodies(view: &NodeView, along: Option<&Way>, on: Option<Callback<CanvasEvent>>) -> Option<AnyView> {
    if view.bodies.is_empty() {
        return None;
    }
    let key = view.key.clone();
    let row = |way::Row { body, count, leg }: &way::Row| {
        let (key, name) = (key.clone(), body.clone());
        let told = match leg {
            Some((leg, _)) => way::mark(leg),
            None => view! { <span class="muted">{format::count(*count as u64, "node", "nodes")}</span> }.into_any(),
        };
        let number = leg
            .as_ref()
            .filter(|(_, back)| *back)
            .map(|(leg, _)| view! { <span class="node-turn">{leg.number}</span> });
        let enter = {
            let body = body.clone();
            move |_| {
                if let Some(on) = on {
                    on.run(CanvasEvent::Enter { node: key.clone(), body: body.clone() });
                }
            }
        };
        view! {
            <button type="button" class="node-row" tabindex="-1" style:height=format!("{}px", geometry::ROW) on:click=enter>
                {number}
                <span class="truncate">{name.to_string()}</span>
                {told}
                {icon("chevron-right")}
            </button>
        }
    };
    let ports = view.inputs.len().max(view.outputs.len());
    let top = if ports > 1 { ports } else { 0 } * usize::try_from(geometry::ROW).unwrap_or(0);
    let all = way::rows(&view.bodies, along);
    let rows: Vec<_> = all.iter().map(row).collect();
    let paths = way::paths(&all);
    Some(view! { <div class="node-bodies" style:margin-top=format!("{top}px")>{rows}{paths}</div> }.into_any())
}

/// Until when it waits: the time of day, and of what is far away the day. In a browser only.
fn goes_on(until: Timestamp) -> String {
    const NEAR: u64 = 20 * 3_600_000;
    let near = until.since(time::browser_now()).0 < NEAR;
    strings::until(&if near { time::of_day(until).chars().take(5).collect() } else { format::date(until, false) })
}

/// What came in, what went out, how long it took; the first line of the error.
fn foot(state: &NodeState) -> Option<AnyView> {
    if let Some(error) = &state.error {
        let line = sentence(error.message.lines().next().unwrap_or_default());
        return Some(
            view! { <div class="node-foot failed truncate" title=plain(&error.message)>{words(&line)}</div> }
                .into_any(),
        );
    }
    let mut parts: Vec<String> = Vec::new();
    // That it had to wait shows nowhere else: it comes first, so that it is not what is cut off.
    parts.extend(state.queued.then(|| strings::turn(&state.status).to_owned()));
    parts.extend(state.until.map(goes_on));
    parts.extend(state.items_in.map(|count| format!("{} in", format::thousands(count.into()))));
    parts.extend(state.items_out.map(|count| format!("{} out", format::thousands(count.into()))));
    parts.extend(state.millis.map(format::duration));
    parts.extend(state.computed.map(strings::computed));
    parts.extend((state.attempts > 1).then(|| format!("{} attempts", state.attempts)));
    if state.status == "skipped" {
        parts = vec![status::word("skipped").to_owned()];
    }
    if parts.is_empty() && !state.sampled {
        return None;
    }
    let sample = state.sampled.then(|| view! { <span class="node-sample">{strings::SAMPLE}</span> });
    let whole = parts.join(" · ");
    // Beside the mark of a sample there is room for the wait and for one thing more.
    parts.truncate(if state.queued && state.sampled { 2 } else { usize::MAX });
    Some(
        view! { <div class="node-foot" title=whole><span class="truncate">{parts.join(" · ")}</span>{sample}</div> }
            .into_any(),
    )
}
