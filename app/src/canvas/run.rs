//! The canvas of a run: the definition that runs with the live states of its nodes, read-only.

use holon_model::{Value, wire::runs::NodeRun};
use leptos::prelude::*;

use super::strings;

/// What a person chose on the canvas of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chosen {
    /// Nothing any more.
    Nothing,
    /// A node, by its structural path.
    Node(String),
    /// An edge.
    Edge(EdgeAt),
}

/// An edge of a run's canvas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EdgeAt {
    /// Structural path of the node that it leaves.
    pub from: String,
    /// The port that it leaves.
    pub port: String,
    /// Key of the node that it leads to.
    pub to: String,
}

/// Draws a run. The kinds come from the engine's worker, so that the server renders only its frame.
#[component]
pub fn RunCanvas(
    /// The definition that runs.
    definition: Value,
    /// The states of its nodes; the canvas follows.
    #[prop(into)]
    nodes: Signal<Vec<NodeRun>>,
    /// Told when something is chosen.
    #[prop(optional)]
    chosen: Option<Callback<Chosen>>,
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
fn draw(_definition: Value, _nodes: Signal<Vec<NodeRun>>, _chosen: Option<Callback<Chosen>>) -> AnyView {
    empty()
}

#[cfg(target_arch = "wasm32")]
fn draw(definition: Value, nodes: Signal<Vec<NodeRun>>, chosen: Option<Callback<Chosen>>) -> AnyView {
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
        let find = move |key: &str| {
            let (path, iterations) = (path.get(), iterations.get());
            nodes.with_untracked(|nodes| states::find(&path, &iterations, key, nodes).map(|node| node.path.clone()))
        };
        Effect::new(move |_| {
            let found = scene.selection.with(|selection| {
                if let Some(edge) = &selection.edge {
                    let (from, to) = edge.split_once('>')?;
                    let (key, port) = from.rsplit_once('.')?;
                    let to = to.rsplit_once('.').map_or(to, |(to, _)| to).to_owned();
                    let from = find(key).unwrap_or_else(|| key.to_owned());
                    return Some(Chosen::Edge(EdgeAt { from, port: port.to_owned(), to }));
                }
                find(selection.single()?).map(Chosen::Node)
            });
            chosen.run(found.unwrap_or(Chosen::Nothing));
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
