//! The inspector's width: dragged at its edge, or by arrow keys, and remembered.

use leptos::{ev, prelude::*};
use wasm_bindgen::JsCast;

use crate::{editor::strings, ui::dom};

const KEY: &str = "holon.inspector";
const LEAST: f64 = 320.0;

/// The handle at the left edge.
pub(super) fn handle() -> AnyView {
    let width = RwSignal::new(dom::remembered(KEY).and_then(|text| text.parse().ok()).unwrap_or(380.0_f64));
    Effect::new(move |_| {
        let width = width.get();
        dom::remember(KEY, Some(&format!("{width:.0}")));
        if let Some(editor) = dom::document().and_then(|document| document.query_selector(".editor").ok().flatten()) {
            let style = editor.unchecked_into::<web_sys::HtmlElement>().style();
            let _ = style.set_property("--inspector", &format!("{width:.0}px"));
        }
    });
    let most = || {
        let inner = dom::window().and_then(|window| window.inner_width().ok()).and_then(|width| width.as_f64());
        (inner.unwrap_or(1280.0) / 2.0).max(LEAST)
    };
    let set = move |next: f64| width.set(next.clamp(LEAST, most()));
    let dragging = RwSignal::new(None::<(f64, f64)>);
    let down = move |event: ev::PointerEvent| {
        event.prevent_default();
        if let Some(target) = event.current_target().and_then(|target| target.dyn_into::<web_sys::Element>().ok()) {
            let _ = target.set_pointer_capture(event.pointer_id());
        }
        dragging.set(Some((f64::from(event.client_x()), width.get_untracked())));
    };
    let moved = move |event: ev::PointerEvent| {
        if let Some((from, before)) = dragging.get_untracked() {
            set(before + from - f64::from(event.client_x()));
        }
    };
    let press = move |event: ev::KeyboardEvent| {
        let step = match event.key().as_str() {
            "ArrowLeft" => 24.0,
            "ArrowRight" => -24.0,
            "Home" => LEAST - width.get_untracked(),
            "End" => most() - width.get_untracked(),
            _ => return,
        };
        event.prevent_default();
        set(width.get_untracked() + step);
    };
    view! {
        <div
            class="inspector-handle"
            role="separator"
            tabindex="0"
            aria-orientation="vertical"
            aria-label=strings::RESIZE
            aria-valuenow=move || format!("{:.0}", width.get())
            aria-valuemin=format!("{LEAST:.0}")
            aria-valuemax=move || {
                // The window's width is looked at whenever the handle moves.
                width.track();
                format!("{:.0}", most())
            }
            on:pointerdown=down
            on:pointermove=moved
            on:pointerup=move |_| dragging.set(None)
            on:pointercancel=move |_| dragging.set(None)
            on:keydown=press
        ></div>
    }
    .into_any()
}
