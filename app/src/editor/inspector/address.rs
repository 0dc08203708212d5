//! The address of a trigger that publishing gives one: its own, or when it comes.

use leptos::prelude::*;

use super::Spot;
use crate::editor::{addresses, strings};

/// The address with all that one does with it, or why there is none yet; nothing for a node that never gets one. Which nodes
/// have one the server says; that one will come the kind says of itself.
pub(super) fn address(spot: &Spot) -> Option<AnyView> {
    if !spot.at.is_root() {
        return None;
    }
    let (editor, key) = (spot.editor, spot.key.clone());
    let promised = spot.kind().is_some_and(|kind| kind.is_addressed());
    let found =
        Memo::new(move |_| editor.webhooks.with(|all| all.iter().find(|webhook| *webhook.node == *key).cloned()));
    let missing = move || {
        let why = if editor.published.with(Option::is_none) { strings::ADDRESS_LATER } else { strings::ADDRESS_NEXT };
        view! {
            <div class="form-field">
                <span class="form-title">{strings::ADDRESS}</span>
                <p class="hint">{why}</p>
            </div>
        }
        .into_any()
    };
    let shown = move || match found.get() {
        Some(webhook) => Some(addresses::address(editor, webhook, false)),
        None => promised.then(missing),
    };
    Some(view! { {shown} }.into_any())
}
