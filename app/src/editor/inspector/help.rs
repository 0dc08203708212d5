//! What people read of a node's kind. It stands with the server, and comes when somebody wants to read it.

use holon_model::Value;
use leptos::prelude::*;

use super::Spot;
use crate::{
    editor::{markdown, strings},
    flows::api,
    ui::{problem::problem_notice, skeleton},
};

/// What people read of a node's kind.
pub(super) fn help(spot: &Spot) -> AnyView {
    let Some(kind) = spot.kind() else { return ().into_any() };
    let asked = kind.id.clone();
    let found = LocalResource::new(move || api::kind(&asked));
    let text = move || match found.get() {
        None => view! { <div aria-busy="true">{skeleton::rows(3)}</div> }.into_any(),
        Some(Ok(kind)) => markdown::markdown(kind.get("documentation").and_then(Value::as_str).unwrap_or_default()),
        Some(Err(problem)) => problem_notice(&problem),
    };
    view! {
        <div class="help">
            <p>{kind.summary.clone()}</p>
            {text}
            {strings::promise(&kind.effect).map(|promise| view! { <p class="muted"><code>{kind.effect.clone()}</code>": "{promise}</p> })}
            <p class="muted"><code>{kind.id}</code></p>
        </div>
    }
    .into_any()
}
