//! A JSON viewer: a tree to walk, the raw text, and copying of any part or its path.

mod raw;
mod tree;

use holon_model::Value;
use leptos::prelude::*;

use super::{copy_button, format, strings};

/// Shows a value, foldable, with its size.
#[component]
pub fn Json(
    /// Unique on the page.
    #[prop(into)]
    id: String,
    /// What it is.
    #[prop(into)]
    title: String,
    /// The value.
    value: Value,
    /// All of it at once, where it is what one must read.
    #[prop(optional)]
    unfolded: bool,
) -> impl IntoView {
    let raw = RwSignal::new(false);
    let text = holon_model::json::to_string_pretty(&value);
    let size = format::size(text.len() as u64);
    let copied = text.clone();
    let body = {
        let value = value.clone();
        move || if raw.get() { raw::raw(&text) } else { tree::tree(&value, unfolded) }
    };
    let choice = |word: &'static str, is_raw: bool| {
        let name = id.clone();
        view! {
            <label>
                <input type="radio" name=name prop:checked=move || raw.get() == is_raw checked=!is_raw on:change=move |_| raw.set(is_raw)/>
                {word}
            </label>
        }
        .into_any()
    };
    view! {
        <section class="json" aria-label=title.clone()>
            <div class="json-head">
                <span class="title">{title.clone()}</span>
                <span class="size">{size}</span>
                <span class="segments" role="radiogroup" aria-label=title.clone()>
                    {choice(strings::TREE, false)}
                    {choice(strings::RAW, true)}
                </span>
                {copy_button(move || copied.clone(), &title)}
            </div>
            <div class="json-body" tabindex="0" role="group" aria-label=title.clone()>{body}</div>
        </section>
    }
    .into_any()
}
