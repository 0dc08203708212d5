//! Telling that what was typed is not taken: the field shows what is stored again, and why stands below it.

use leptos::{ev, prelude::*};
use wasm_bindgen::JsCast;

use crate::ui::words;

/// Writes what is stored back into the field that was changed.
pub(super) fn put_back(event: &ev::Event, stored: &str) {
    if let Some(input) = event.target().and_then(|target| target.dyn_into::<web_sys::HtmlInputElement>().ok()) {
        input.set_value(stored);
    }
}

/// What was wrong with the last change, if anything was.
pub(super) fn told(wrong: RwSignal<Option<String>>) -> impl Fn() -> Option<AnyView> + Send + 'static {
    move || {
        wrong
            .get()
            .map(|text| view! { <p class="form-problem" role="alert"><span>{words(&text)}</span></p> }.into_any())
    }
}
