//! The canvas of a run: the definition that runs with the live states of its nodes, read-only.

use holon_model::{Value, wire::runs::NodeRun};
use leptos::prelude::*;

use super::strings;

/// Draws a run. The kinds come from the engine's worker, so that the server renders only its frame.
#[component]
pub fn RunCanvas(
    /// The definition that runs.
    definition: Value,
    /// The states of its nodes; the canvas follows.
    #[prop(into)]
    nodes: Signal<Vec<NodeRun>>,
    /// Told when a node is chosen: its structural path.
    #[prop(optional)]
    chosen: Option<Callback<Option<String>>>,
) -> impl IntoView {
    let shown = RwSignal::new(false);
    Effect::new(move |_| shown.set(true));
    let definition = StoredValue::new(definition);
    view! {
        <div class="canvas-frame">
            {move || {
                if shown.get() { draw(definition.get_value(), nodes, chosen) } else { empty() }
            }}
        </div>
    }
    .into_any()
}

fn empty() -> AnyView {
    view! { <div class="canvas"><p class="canvas-none muted">{strings::LOADING}</p></div> }.into_any()
}

#[cfg(not(target_arch = "wasm32"))]
fn draw(_definition: Value, _nodes: Signal<Vec<NodeRun>>, _chosen: Option<Callback<Option<String>>>) -> AnyView {
    empty()
}

#[cfg(target_arch = "wasm32")]
fn draw(definition: Value, nodes: Signal<Vec<NodeRun>>, chosen: Option<Callback<Option<String>>>) -> AnyView {
    use std::{collections::BTreeMap, sync::Arc};

    use holon_flow::{Definition, definition::Key};
    use holon_studio::{GraphPath, Kinds, states};

    use super::{CanvasEvent, Crumbs, FlowCanvas, Said, Scene, Selection};
    use crate::ui::{icon, words};

    let Ok(definition) = Definition::from_value(&definition) else { return empty() };
    let definition = Signal::stored(Arc::new(definition));
    let kinds = RwSignal::new(Arc::new(Kinds::default()));
    let trouble = RwSignal::new(None::<String>);
    let load = move || {
        trouble.set(None);
        leptos::task::spawn_local(async move {
            match crate::engine::kinds().await {
                Ok(known) => _ = kinds.try_set(known),
                Err(error) => _ = trouble.try_set(Some(error.to_string())),
            }
        });
    };
    load();
    let path = RwSignal::new(GraphPath::root());
    let iterations = RwSignal::new(Vec::<u32>::new());
    let node_states =
        Memo::new(move |_| nodes.with(|nodes| Arc::new(states::nodes(&path.get(), &iterations.get(), nodes, &[]))));
    let edge_states = Memo::new(move |_| {
        nodes.with(|nodes| Arc::new(states::edges(&definition.get(), &path.get(), &iterations.get(), nodes)))
    });
    let problems = Signal::stored(Arc::new(BTreeMap::<Key, _>::new()));
    let said = Said { states: node_states.into(), edges: edge_states.into(), problems };
    let scene = Scene::new(definition, kinds.into(), path, iterations, said, false);
    let count = Memo::new(move |_| nodes.with(|nodes| states::iterations(&path.get(), &iterations.get(), nodes)));
    if let Some(chosen) = chosen {
        Effect::new(move |_| {
            let key = scene.selection.with(|selection| selection.single().cloned());
            let found = key.and_then(|key| {
                nodes.with(|nodes| {
                    states::find(&path.get(), &iterations.get(), &key, nodes).map(|node| node.path.clone())
                })
            });
            chosen.run(found);
        });
    }
    let on = Callback::new(move |event| {
        if let CanvasEvent::Enter { node, body } = event {
            scene.selection.set(Selection::default());
            path.update(|path| *path = path.child(&node, &body));
        }
    });
    view! {
        {move || trouble.get().map(|why| view! {
            <div class="notice warn canvas-trouble" role="status">
                {icon("triangle-alert")}
                <span class="title">{strings::NO_KINDS}</span>
                <span class="detail">{words(&why)}</span>
                <div class="detail"><button type="button" class="button small" on:click=move |_| load()>{strings::AGAIN}</button></div>
            </div>
        })}
        <Crumbs scene count/>
        <FlowCanvas scene on=Some(on)/>
    }
    .into_any()
}
