//! Entry point of the page in the browser: hydrates what the server rendered.
#![cfg(target_arch = "wasm32")]

use wasm_bindgen::prelude::wasm_bindgen;

/// Takes over the rendered page. Called once by the page's script.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_body(holon_app::App);
}
