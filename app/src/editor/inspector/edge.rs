//! An edge: what went over it, inserting a node on it, taking it away.

use holon_studio::states;
use leptos::prelude::*;

use super::data;
use crate::{
    editor::{
        palette,
        store::{Adding, use_editor},
        strings,
    },
    ui::icon,
};

pub(super) fn edge(id: String) -> AnyView {
    let editor = use_editor();
    let Some((from, to)) = id.split_once('>').map(|(from, to)| (from.to_owned(), to.to_owned())) else {
        return ().into_any();
    };
    let value = {
        let from = from.clone();
        Memo::new(move |_| {
            let (key, port) = from.split_once('.')?;
            let path = editor.scene.path.get();
            let iterations = editor.scene.iterations.get();
            editor.preview.with(|preview| {
                let node = states::find(&path, &iterations, key, &preview.nodes)?;
                let (emitted, value) = states::emitted(node)?;
                (emitted == port).then(|| value.clone())
            })
        })
    };
    let insert = move |_| {
        editor.adding.set(Adding { edge: Some(id.clone()), ..Adding::default() });
        palette::focus(editor);
    };
    view! {
        <div class="inspector-head">
            <div class="inspector-name"><h2 class="truncate">{format!("{from} → {to}")}</h2></div>
            <button type="button" class="button ghost small only-icon" title=strings::DELETE aria-label=strings::DELETE on:click=move |_| editor.delete()>{icon("trash")}</button>
        </div>
        <div class="form">
            <button type="button" class="button" on:click=insert>{icon("plus")}{strings::INSERT}</button>
            {move || match value.get() {
                Some(value) => data("data-edge", strings::EDGE.to_owned(), value),
                None => view! { <p class="muted">{strings::NO_EDGE_DATA}</p> }.into_any(),
            }}
        </div>
    }
    .into_any()
}
