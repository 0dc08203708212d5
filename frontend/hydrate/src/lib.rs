//! Entry point of the page in the browser: hydrates what the server rendered.
#![cfg(target_arch = "wasm32")]

use holon_app::{App, AppProps, ui::dom};
use leptos::prelude::{ArcRwSignal, Set};
use wasm_bindgen::prelude::wasm_bindgen;

/// Takes over the rendered page. Called once by the page's script; done when the parts of the page are there too.
#[wasm_bindgen]
pub async fn hydrate() {
    console_error_panic_hook::set_once();
    let ready = ArcRwSignal::new(false);
    let props = AppProps { ready: ready.clone() };
    leptos::mount::hydrate_from_async(leptos::tachys::dom::body(), move || App(props)).await.forget();
    ready.set(true);
    dom::root_attribute("data-ready", Some(""));
}
