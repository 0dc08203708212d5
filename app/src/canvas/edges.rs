//! All curves of a graph, in one layer under the cards.

use holon_flow::definition::Key;
use holon_studio::{Point, geometry::Curve, states::EdgeState, view::EdgeView};
use leptos::prelude::*;

use super::{Scene, seen::Seen};
use crate::ui::format;

/// The layer. `rubber` is the curve that is being drawn.
pub(super) fn edges(scene: Scene, seen: Seen, rubber: Signal<Option<Curve>>) -> AnyView {
    let far = move || {
        seen.far.get().map(|(cards, curves)| {
            view! { <path class="far" d=curves></path><path class="far cards" d=cards></path> }
        })
    };
    view! {
        <svg class="edges" width="1" height="1" aria-hidden="true">
            {far}
            <For each=move || seen.edges.get() key=Clone::clone children=move |id| edge(scene, id)/>
            {move || rubber.get().map(|curve| view! { <path class="rubber" d=curve.path()></path> })}
        </svg>
    }
    .into_any()
}

fn edge(scene: Scene, id: String) -> AnyView {
    let view = {
        let id = id.clone();
        Memo::new(move |_| scene.graph.with(|graph| graph.edges.get(&id).cloned()))
    };
    let state = {
        let id = id.clone();
        Memo::new(move |_| scene.edges.with(|edges| edges.get(&id).cloned().unwrap_or_default()))
    };
    let selected = {
        let id = id.clone();
        Memo::new(move |_| scene.selection.with(|selection| selection.edge.as_ref() == Some(&id)))
    };
    let curve = Memo::new(move |_| view.with(|view| view.as_ref().map(|view| held(scene, view))));
    let path = move || curve.with(|curve| curve.as_ref().map(Curve::path).unwrap_or_default());
    let error = move || view.with(|view| view.as_ref().is_some_and(|view| view.error));
    let is = move |word: &'static str| move || state.with(|state| state.state == word);
    view! {
        <g
            class="edge"
            class:error=error
            class:taken=is("taken")
            class:skipped=is("skipped")
            class:selected=selected
            data-edge=id
        >
            <path class="edge-hit" d=path></path>
            <path class="edge-line" d=path></path>
            {move || curve.get().and_then(|curve| count(&curve, &state.get()))}
        </g>
    }
    .into_any()
}

/// Its curve, whose ends go with the cards that are dragged.
fn held(scene: Scene, view: &EdgeView) -> Curve {
    // Only who asks of a node that is selected follows the drag.
    let by = |key: &Key| {
        let moves = scene.selection.with(|selection| selection.nodes.contains(key));
        if moves { scene.drag.get() } else { Point::default() }
    };
    let (from, to) = (by(&view.source), by(&view.target));
    let still = from == Point::default() && to == Point::default();
    if still { view.curve } else { Curve::between(view.curve.from.plus(from), view.curve.to.plus(to)) }
}

/// How many items went over it, in the middle.
fn count(curve: &Curve, state: &EdgeState) -> Option<AnyView> {
    if state.state != "taken" {
        return None;
    }
    let words = format::thousands(u64::from(state.items));
    let middle = curve.middle();
    let width = 12 + 7 * i32::try_from(words.len()).unwrap_or(1);
    Some(
        view! {
            <g class="edge-count" transform=format!("translate({},{})", middle.x, middle.y)>
                <rect x=(-width / 2).to_string() y="-9" width=width.to_string() height="18" rx="9"></rect>
                <text y="4" text-anchor="middle">{words}</text>
            </g>
        }
        .into_any(),
    )
}
