//! A dialog above the page: the browser's own `<dialog>`, so focus stays inside and Escape closes it.

use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::{dom, icon, strings};

/// What takes the focus in a dialog: what asks for it, else the first field, else the first button of its foot, else the cross.
const FIRST: [&str; 4] = [
    "dialog[open] [autofocus]",
    "dialog[open] .dialog-body :is(input, textarea, select):not([type=radio])",
    "dialog[open] .dialog-foot button",
    "dialog[open] .dialog-head button",
];

/// Shown while `open`; what is inside exists only then.
#[component]
pub fn Dialog(
    /// Whether it is shown.
    open: RwSignal<bool>,
    /// Its heading.
    #[prop(into)]
    title: Signal<String>,
    /// Wider than usual.
    #[prop(optional)]
    wide: bool,
    /// What is in it.
    children: ChildrenFn,
) -> impl IntoView {
    let node = NodeRef::<leptos::html::Dialog>::new();
    let children = StoredValue::new(children);
    Effect::new(move |_| {
        let open = open.get();
        if let Some(dialog) = node.get() {
            dom::show_dialog(&dialog, open);
            if open {
                focus_inside();
            }
        }
    });
    view! {
        <dialog node_ref=node class:wide=wide aria-label=title on:close=move |_| open.set(false)>
            {move || {
                open.get()
                    .then(|| {
                        view! {
                            <div class="dialog-head">
                                <h2>{title}</h2>
                                <button type="button" class="button ghost only-icon" aria-label=strings::CLOSE on:click=move |_| open.set(false)>
                                    {icon("x")}
                                </button>
                            </div>
                            <div class="dialog-body">{children.with_value(|children| children())}</div>
                        }
                    })
            }}
        </dialog>
    }
    .into_any()
}

/// Moves the focus into the dialog that is open, once what is inside is drawn; also when its content gave way to other content.
pub fn focus_inside() {
    request_animation_frame(|| _ = FIRST.iter().any(|selector| dom::try_focus(selector)));
}

/// Closes the dialog that is open now, and not when its signal is looked at: closing gives the focus back to where it was before,
/// and would take it away from where it is put next.
pub fn close_at_once() {
    let open = dom::document().and_then(|document| document.query_selector("dialog[open]").ok().flatten());
    if let Some(dialog) = open.and_then(|open| open.dyn_into::<web_sys::HtmlDialogElement>().ok()) {
        dom::show_dialog(&dialog, false);
    }
}

/// A switch for a dialog about one thing: on while there is a thing, and closing the dialog forgets the thing.
pub fn about<T: Send + Sync + 'static>(thing: RwSignal<Option<T>>) -> RwSignal<bool> {
    let open = RwSignal::new(false);
    Effect::new(move |_| {
        let there = thing.with(Option::is_some);
        // Only what changed is told: each of the two would wake the other for ever.
        if open.get_untracked() != there {
            open.set(there);
        }
    });
    Effect::new(move |_| {
        if !open.get() && thing.with_untracked(Option::is_some) {
            thing.set(None);
        }
    });
    open
}
