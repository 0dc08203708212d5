//! Arrow keys move the focus along a list of controls: rows of a table, items of a menu, tabs.

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, KeyboardEvent};

/// Up and down, home and end, among what matches `selector` inside the element that listens.
pub fn vertical(event: &KeyboardEvent, selector: &str) {
    step(event, selector, "ArrowUp", "ArrowDown");
}

/// Left and right, home and end.
pub fn horizontal(event: &KeyboardEvent, selector: &str) {
    step(event, selector, "ArrowLeft", "ArrowRight");
}

fn step(event: &KeyboardEvent, selector: &str, back: &str, forth: &str) {
    let key = event.key();
    if event.alt_key() || event.ctrl_key() || event.meta_key() {
        return;
    }
    let Some(list) = event.current_target().and_then(|target| target.dyn_into::<Element>().ok()) else { return };
    let Ok(found) = list.query_selector_all(selector) else { return };
    let items: Vec<HtmlElement> = (0..found.length()).filter_map(|at| found.get(at)?.dyn_into().ok()).collect();
    let active = crate::ui::dom::document().and_then(|document| document.active_element());
    let at = items.iter().position(|item| active.as_ref().is_some_and(|active| active == item.unchecked_ref()));
    let Some(last) = items.len().checked_sub(1) else { return };
    let next = match (key.as_str(), at) {
        ("Home", Some(_)) => 0,
        ("End", Some(_)) => last,
        (key, Some(at)) if key == forth => (at + 1).min(last),
        (key, Some(at)) if key == back => at.saturating_sub(1),
        (key, None) if key == forth => 0,
        _ => return,
    };
    event.prevent_default();
    let _ = items[next].focus();
    items[next].scroll_into_view_with_scroll_into_view_options(&nearest());
}

fn nearest() -> web_sys::ScrollIntoViewOptions {
    let options = web_sys::ScrollIntoViewOptions::new();
    options.set_block(web_sys::ScrollLogicalPosition::Nearest);
    options
}
