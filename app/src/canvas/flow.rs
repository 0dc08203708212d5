//! The canvas itself: grid, layer, listeners.

use holon_studio::{
    GraphPath,
    geometry::{READ, Viewport},
};
use leptos::{html, prelude::*};

use super::{
    CanvasEvent, Scene, card::card, edges::edges, gesture::Gesture, seen::seen, settled::settled, strings, tools,
};

/// Below this zoom, words on cards are written larger, so that they can be read.
const FAR: f64 = 0.8;
/// Below this one a card has room for what it is, its name and its state.
const SMALL: f64 = 0.5;

/// Draws a scene; tells what is done on it, when somebody listens.
#[component]
pub fn FlowCanvas(
    /// What to draw.
    scene: Scene,
    /// Who listens.
    #[prop(optional_no_strip)]
    on: Option<Callback<CanvasEvent>>,
) -> impl IntoView {
    let root = NodeRef::<html::Div>::new();
    let gesture = Gesture::new(scene, root, on);
    let rest = settled(scene.viewport);
    let seen = seen(scene, rest);
    // Cards read it: what they inherit may not change with every frame.
    let zoom = Memo::new(move |_| rest.with(|viewport| viewport.zoom));
    let active = move || {
        scene.selection.with(|selection| selection.single().map(|key| format!("node-{key}"))).unwrap_or_default()
    };
    measure(root, scene);
    fit_on_entering(scene);
    view! {
        <div
            class="canvas"
            class:panning=gesture.space
            class:keyed=gesture.keyed
            class:ringed=gesture.ring
            class:far=move || zoom.get() < FAR
            class:small=move || zoom.get() < SMALL
            // The names alone, larger still.
            class:tiny=move || zoom.get() < READ
            class:drawing=move || gesture.rubber.with(Option::is_some)
            node_ref=root
            id="canvas"
            tabindex="0"
            role="application"
            aria-label=strings::CANVAS
            aria-describedby="canvas-help"
            aria-activedescendant=active
            style:--zoom=move || format!("{:.4}", zoom.get())
            on:pointerdown=move |event| gesture.down(&event)
            on:pointermove=move |event| gesture.moved(&event)
            on:pointerup=move |event| gesture.up(&event)
            on:pointercancel=move |_| gesture.cancel()
            on:wheel=move |event| gesture.wheel(&event)
            on:dblclick=move |event| gesture.double(&event)
            on:dragover=move |event| if scene.editable { event.prevent_default() }
            on:drop=move |event| gesture.fell(&event)
            // Reached with keys, unless the pointer that brings the focus says otherwise.
            on:focus=move |_| gesture.keyed.set(true)
            on:keydown=move |event| {
                if event.key() == "Tab" {
                    return;
                }
                gesture.keyed.set(true);
                if event.key() == " " {
                    event.prevent_default();
                    gesture.space.set(true);
                } else if event.key() == "Escape" {
                    gesture.cancel();
                }
            }
            // The Tab that leads here is released here.
            on:keyup=move |event| {
                gesture.ring.set(true);
                if event.key() == " " {
                    gesture.space.set(false);
                }
            }
            on:blur=move |_| gesture.space.set(false)
        >
            <p id="canvas-help" class="hidden-visually">{strings::CANVAS_HELP}</p>
            <div class="canvas-grid" style=move || grid(&scene.viewport.get())></div>
            <div class="canvas-layer" style:transform=move || scene.viewport.get().css()>
                {edges(scene, seen, gesture.rubber.into())}
                <For each=move || seen.nodes.get() key=Clone::clone children=move |key| card(scene, key, on)/>
                {move || gesture.aim.get().and_then(|port| aim(scene, &port))}
                {move || gesture.marquee.get().map(|rect| {
                    let style = format!("left:{}px;top:{}px;width:{}px;height:{}px", rect.x, rect.y, rect.w, rect.h);
                    view! { <div class="marquee" style=style></div> }
                })}
            </div>
            {tools::tools(scene, rest.into())}
        </div>
    }
    .into_any()
}

/// A ring around the port that a curve would reach.
fn aim(scene: Scene, port: &str) -> Option<AnyView> {
    let (key, name) = port.split_once('.')?;
    let at = scene.graph.with(|view| view.nodes.get(key).map(|node| node.input(name)))?;
    Some(view! { <div class="aim" style=format!("left:{}px;top:{}px", at.x, at.y)></div> }.into_any())
}

/// The dots move and grow with the layer, and fade when they would only be noise.
fn grid(viewport: &Viewport) -> String {
    const STEP: f64 = 24.0;
    let size = STEP * viewport.zoom;
    let fade = ((viewport.zoom - 0.3) / 0.4).clamp(0.0, 1.0) * 100.0;
    let (x, y) = (viewport.x.rem_euclid(size), viewport.y.rem_euclid(size));
    // Its own properties and no variables: nothing that others inherit changes.
    format!("background-size:{size:.2}px {size:.2}px;background-position:{x:.2}px {y:.2}px;opacity:{fade:.0}%")
}

/// Keeps the size of the canvas known; the first time it is, everything is shown.
fn measure(root: NodeRef<html::Div>, scene: Scene) {
    let observed =
        StoredValue::new_local(None::<(web_sys::ResizeObserver, wasm_bindgen::closure::Closure<dyn FnMut()>)>);
    Effect::new(move |_| {
        let Some(element) = root.get() else { return };
        let target = element.clone();
        let closure = wasm_bindgen::closure::Closure::<dyn FnMut()>::new(move || {
            let size = (f64::from(target.client_width()), f64::from(target.client_height()));
            // Turning a tablet or docking a window is a new view; dragging the inspector's edge is not.
            const NEW_VIEW: f64 = 240.0;
            let before = scene.size.try_get_untracked().unwrap_or(size);
            let first = before.0 == 0.0 || (before.0 - size.0).abs() > NEW_VIEW;
            scene.size.try_set(size);
            if first && scene.graph.try_with_untracked(|view| !view.nodes.is_empty()) == Some(true) {
                tools::show(scene);
            }
        });
        use wasm_bindgen::JsCast;
        if let Ok(observer) = web_sys::ResizeObserver::new(closure.as_ref().unchecked_ref()) {
            observer.observe(&element);
            observed.set_value(Some((observer, closure)));
        }
    });
    on_cleanup(move || {
        observed.try_update_value(|observed| {
            if let Some((observer, _)) = observed.take() {
                observer.disconnect();
            }
        });
    });
}

/// Entering a body shows all of it.
fn fit_on_entering(scene: Scene) {
    Effect::new(move |before: Option<(GraphPath, bool)>| {
        let path = scene.path.get();
        let drawn = scene.graph.with(|view| !view.nodes.is_empty());
        let new = before.is_none_or(|(before, was_drawn)| before != path || !was_drawn && drawn);
        if new && drawn && scene.size.get_untracked().0 > 0.0 {
            tools::show(scene);
        }
        (path, drawn)
    });
}
