//! What of a run is looked at: a node, or the data on an edge. Lists and the canvas choose; the panel shows.

use holon_model::wire::runs::NodeRun;
use leptos::prelude::*;

use super::strings;
use crate::canvas::{Chosen, EdgeAt};
use crate::ui::{Json, icon};

/// What is looked at; nothing: whatever matters most.
#[derive(Clone, Copy)]
pub struct Looking {
    /// Structural path of a node.
    pub node: RwSignal<Option<String>>,
    /// An edge of the canvas.
    pub edge: RwSignal<Option<EdgeAt>>,
}

impl Looking {
    /// Nothing was chosen yet.
    pub fn new() -> Self {
        Self { node: RwSignal::new(None), edge: RwSignal::new(None) }
    }

    /// A node was chosen.
    pub fn at_node(self, path: String) {
        self.edge.set(None);
        self.node.set(Some(path));
    }

    /// Something was chosen on the canvas; says whether it is anything.
    pub fn take(self, chosen: Chosen) -> bool {
        match chosen {
            Chosen::Nothing => {
                self.edge.set(None);
                return false;
            }
            Chosen::Node(path) => self.at_node(path),
            Chosen::Edge(edge) => self.edge.set(Some(edge)),
        }
        true
    }

    /// Nothing is chosen any more.
    pub fn forget(self) {
        self.edge.set(None);
        self.node.set(None);
    }
}

/// What went over an edge.
pub fn edge(edge: &EdgeAt, nodes: &[NodeRun]) -> AnyView {
    let from = nodes.iter().find(|node| node.path == edge.from);
    let output = from.and_then(|node| node.output.as_ref()?.as_map());
    let value = output.and_then(|ports| ports.get(edge.port.as_str())).cloned();
    let over = from.is_some_and(|node| !matches!(node.status.as_str(), "pending" | "running" | "waiting"));
    let shown = match value {
        Some(value) => view! { <Json id="edge-data" title=strings::EDGE_DATA value/> }.into_any(),
        None => {
            let (class, glyph, words) = match over {
                true => ("status is-skipped", "circle-minus", strings::EDGE_SKIPPED),
                false => ("status is-pending", "circle-dashed", strings::EDGE_PENDING),
            };
            view! { <p><span class=class>{icon(glyph)}{words}</span></p> }.into_any()
        }
    };
    view! {
        <div class="panel-head">
            <h2><code>{edge.from.clone()}"."{edge.port.clone()}</code>" → "<code>{edge.to.clone()}</code></h2>
        </div>
        {shown}
    }
    .into_any()
}
