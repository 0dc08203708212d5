//! The editor: palette, canvas, inspector and run drawer around one flow, with the engine running as it is drawn.
//!
//! The server renders its frame only; everything else starts in the browser, where the engine is.

#[cfg(target_arch = "wasm32")]
mod addresses;
#[cfg(target_arch = "wasm32")]
mod connect;
#[cfg(target_arch = "wasm32")]
mod dialogs;
#[cfg(target_arch = "wasm32")]
mod drawer;
#[cfg(target_arch = "wasm32")]
mod inspector;
#[cfg(target_arch = "wasm32")]
mod keys;
#[cfg(target_arch = "wasm32")]
mod leave;
#[cfg(target_arch = "wasm32")]
mod markdown;
#[cfg(target_arch = "wasm32")]
mod outline;
#[cfg(target_arch = "wasm32")]
mod palette;
#[cfg(target_arch = "wasm32")]
mod publish;
#[cfg(target_arch = "wasm32")]
mod run;
#[cfg(target_arch = "wasm32")]
mod sample;
#[cfg(target_arch = "wasm32")]
mod save;
#[cfg(target_arch = "wasm32")]
mod store;
pub mod strings;
#[cfg(target_arch = "wasm32")]
mod top;
#[cfg(target_arch = "wasm32")]
mod unsaved;
#[cfg(target_arch = "wasm32")]
mod workbench;

use leptos::prelude::*;

/// The page `/flows/{id}`.
#[component]
pub fn EditorPage() -> impl IntoView {
    let shown = RwSignal::new(false);
    Effect::new(move |_| shown.set(true));
    view! {
        <leptos_meta::Title text=strings::TITLE/>
        <div class="editor-page">{move || if shown.get() { open() } else { skeleton() }}</div>
    }
    .into_any()
}

/// What stands until the editor does: the same boxes, empty.
pub(crate) fn skeleton() -> AnyView {
    view! {
        <header class="bar">
            <h1 class="hidden-visually">{strings::TITLE}</h1>
            <span class="muted">{strings::OPENING}</span>
        </header>
        <div class="editor" aria-busy="true">
            <div class="editor-side"></div>
            <div class="editor-middle"><div class="canvas"></div></div>
            <div class="editor-inspector"></div>
        </div>
    }
    .into_any()
}

#[cfg(not(target_arch = "wasm32"))]
fn open() -> AnyView {
    skeleton()
}

#[cfg(target_arch = "wasm32")]
fn open() -> AnyView {
    view! { <workbench::Open/> }.into_any()
}
