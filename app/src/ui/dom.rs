//! The few things asked of the browser itself. Called from event handlers and effects only, never while rendering.

use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Document, HtmlDialogElement, HtmlElement, Storage, Window};

/// The window.
pub fn window() -> Option<Window> {
    web_sys::window()
}

/// The document.
pub fn document() -> Option<Document> {
    window()?.document()
}

fn storage() -> Option<Storage> {
    window()?.local_storage().ok().flatten()
}

/// What this browser remembers under a key.
pub fn remembered(key: &str) -> Option<String> {
    storage()?.get_item(key).ok().flatten()
}

/// Remembers something in this browser; `None` forgets it. Private windows may refuse, which is no error.
pub fn remember(key: &str, value: Option<&str>) {
    if let Some(storage) = storage() {
        let _ = match value {
            Some(value) => storage.set_item(key, value),
            None => storage.remove_item(key),
        };
    }
}

/// Sets or removes an attribute of `<html>`.
pub fn root_attribute(name: &str, value: Option<&str>) {
    if let Some(root) = document().and_then(|document| document.document_element()) {
        let _ = match value {
            Some(value) => root.set_attribute(name, value),
            None => root.remove_attribute(name),
        };
    }
}

/// Whether the script has taken over all of the page that the server rendered: `data-ready` stands on the document then.
pub fn is_taken_over() -> bool {
    let root = document().and_then(|document| document.document_element());
    root.is_some_and(|root| root.has_attribute("data-ready"))
}

/// Says above everything that the page will not answer, with a link that loads it again. For when there is no view yet to say it in.
pub fn say_broken(text: &str, reload: &str) {
    let Some((document, body)) = document().and_then(|document| Some((document.clone(), document.body()?))) else {
        return;
    };
    // Once, whatever else did not come.
    if document.query_selector(".broken").ok().flatten().is_some() {
        return;
    }
    let (Ok(notice), Ok(link)) = (document.create_element("div"), document.create_element("a")) else { return };
    notice.set_class_name("broken notice bad");
    let _ = notice.set_attribute("role", "alert");
    notice.set_text_content(Some(&format!("{text} ")));
    link.set_text_content(Some(reload));
    let _ = link.set_attribute("href", "");
    // The router, which may be there already, leaves such a link to the browser.
    let _ = link.set_attribute("rel", "external");
    let _ = notice.append_child(&link);
    let _ = body.append_child(&notice);
}

/// Loads the page again.
pub fn reload() {
    if let Some(window) = window() {
        let _ = window.location().reload();
    }
}

/// Shows a dialog above everything, or closes it.
pub fn show_dialog(dialog: &HtmlDialogElement, open: bool) {
    if open && !dialog.open() {
        let _ = dialog.show_modal();
    } else if !open && dialog.open() {
        dialog.close();
    }
}

/// Hides the popover with this id, if it is shown.
pub fn hide_popover(id: &str) {
    if let Some(element) = document().and_then(|document| document.get_element_by_id(id)) {
        let hide = js_sys::Reflect::get(&element, &JsValue::from_str("hidePopover"));
        if let Some(hide) = hide.ok().and_then(|hide| hide.dyn_into::<js_sys::Function>().ok()) {
            let _ = hide.call0(&element);
        }
    }
}

/// Moves the focus to the first element that matches.
pub fn focus(selector: &str) {
    let _ = try_focus(selector);
}

/// Moves the focus to the first element that matches; says whether there is one.
pub fn try_focus(selector: &str) -> bool {
    let found = document().and_then(|document| document.query_selector(selector).ok().flatten());
    let Some(element) = found.and_then(|element| element.dyn_into::<HtmlElement>().ok()) else { return false };
    element.focus().is_ok()
}

/// Whether an event happened in an element that matches, or in one below it.
pub fn inside(event: &web_sys::Event, selector: &str) -> bool {
    let target = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    target.is_some_and(|target| target.closest(selector).ok().flatten().is_some())
}

/// Presses the first element that matches.
pub fn press(selector: &str) {
    let found = document().and_then(|document| document.query_selector(selector).ok().flatten());
    if let Some(element) = found.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        element.click();
    }
}

/// Gives the focus a place where the element that had it went away.
pub fn rescue_focus(selector: &str) {
    let active = document().and_then(|document| document.active_element());
    if active.is_none_or(|active| active.tag_name() == "BODY") {
        focus(selector);
    }
}

/// Brings the first element that matches into sight.
pub fn reveal(selector: &str) {
    let found = document().and_then(|document| document.query_selector(selector).ok().flatten());
    if let Some(element) = found {
        let options = web_sys::ScrollIntoViewOptions::new();
        options.set_block(web_sys::ScrollLogicalPosition::Nearest);
        element.scroll_into_view_with_scroll_into_view_options(&options);
    }
}

/// Copies a text; the answer says whether the browser allowed it.
pub async fn copy(text: String) -> bool {
    let Some(window) = window() else { return false };
    let clipboard = js_sys::Reflect::get(&window.navigator(), &JsValue::from_str("clipboard"));
    // Outside a secure context there is no clipboard.
    if clipboard.is_ok_and(|clipboard| clipboard.is_undefined()) {
        return false;
    }
    wasm_bindgen_futures::JsFuture::from(window.navigator().clipboard().write_text(&text)).await.is_ok()
}

/// Leaves for an address with a whole page load: after the session changed, nothing old may stay in memory.
pub fn leave_for(address: &str) {
    if let Some(window) = window() {
        let _ = window.location().set_href(address);
    }
}

/// Whether the machine is one on which the command key is used.
pub fn is_mac() -> bool {
    let agent = window().and_then(|window| window.navigator().user_agent().ok()).unwrap_or_default();
    agent.contains("Mac OS") || agent.contains("iPhone") || agent.contains("iPad")
}
