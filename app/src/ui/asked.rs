//! What a page's address asks for: `?new=…` opens the dialog that makes something.

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_query_map};

/// Acts when the address of the page at `path` asks for something new, and takes the question out of the address: neither
/// a reload nor going back asks again, and the same link asks again.
pub fn when_new(path: &'static str, act: impl Fn() + 'static) {
    let (query, navigate) = (use_query_map(), use_navigate());
    Effect::new(move |_| {
        if query.with(|query| query.get("new").is_some()) {
            act();
            navigate(path, NavigateOptions { replace: true, scroll: false, ..NavigateOptions::default() });
        }
    });
}
