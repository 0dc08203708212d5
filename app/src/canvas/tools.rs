//! Zoom and fit, as buttons and as functions for keys.

use holon_studio::geometry::Viewport;
use leptos::prelude::*;

use super::{Scene, strings};
use crate::ui::icon;

/// Shows everything.
pub fn fit(scene: Scene) {
    let (width, height) = scene.size.get_untracked();
    let bounds = scene.graph.with_untracked(|view| view.bounds());
    if width > 0.0 {
        scene.viewport.set(Viewport::fit(bounds, width, height));
    }
}

/// Shows a graph that was just opened.
pub(super) fn show(scene: Scene) {
    let (width, height) = scene.size.get_untracked();
    let bounds = scene.graph.with_untracked(|view| view.bounds());
    if width > 0.0 {
        scene.viewport.set(Viewport::open(bounds, width, height));
    }
}

/// Zooms around the middle.
pub fn zoom(scene: Scene, factor: f64) {
    let (width, height) = scene.size.get_untracked();
    scene.viewport.set(scene.viewport.get_untracked().zoomed(factor, width / 2.0, height / 2.0));
}

/// The buttons in the corner. `rest` is the viewport when it does not move.
pub(super) fn tools(scene: Scene, rest: Signal<Viewport>) -> AnyView {
    let percent = move || format!("{:.0} %", scene.viewport.get().zoom * 100.0);
    let button = |label: &'static str, glyph: &'static str, press: fn(Scene)| {
        view! {
            <button type="button" class="button ghost small only-icon" aria-label=label title=label on:click=move |_| press(scene)>
                {icon(glyph)}
            </button>
        }
        .into_any()
    };
    // A flow that is cut off looks whole: what is not seen is counted.
    let outside = Memo::new(move |_| {
        let (width, height) = scene.size.get();
        let seen = rest.get().seen(width, height);
        if width > 0.0 { scene.graph.with(|view| view.outside(&seen)) } else { 0 }
    });
    let beyond = move || {
        let count = outside.get();
        (count > 0).then(|| {
            view! {
                <button type="button" class="button ghost small number canvas-beyond" title=strings::FIT on:click=move |_| fit(scene)>
                    {strings::outside(count)}
                </button>
            }
        })
    };
    view! {
        <div class="canvas-tools">
            {button(strings::ZOOM_OUT, "zoom-out", |scene| zoom(scene, 0.8))}
            <button type="button" class="button ghost small number" title="100 %" on:click=move |_| {
                let factor = 1.0 / scene.viewport.get_untracked().zoom;
                zoom(scene, factor);
            }>{percent}</button>
            {button(strings::ZOOM_IN, "zoom-in", |scene| zoom(scene, 1.25))}
            {button(strings::FIT, "maximize", fit)}
            {beyond}
        </div>
    }
    .into_any()
}
