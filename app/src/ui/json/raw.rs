//! The raw text, cut where a page would suffer.

use leptos::prelude::*;

use crate::ui::format;

/// Past this many bytes only the start is shown; copying still copies all.
const SHOWN: usize = 200_000;

/// The text, or its start.
pub fn raw(text: &str) -> AnyView {
    let end = (0..=SHOWN.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let cut = (end < text.len()).then(|| {
        let rest = format::size((text.len() - end) as u64);
        view! { <p class="muted">{format!("… and {rest} more. Copy to get all of it.")}</p> }
    });
    view! { <pre>{text[..end].to_owned()}</pre>{cut} }.into_any()
}
