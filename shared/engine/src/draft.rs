//! A flow that is being edited: previewed again after each edit, with whatever the edit does not affect remembered.

use crate::{Compiled, Preview, PreviewRequest, Took, compile, preview::run, remember::Memory};
use holon_flow::{Catalogue, Definition, Known, validate::validate_known};
use holon_model::wire::flows::Diagnostic;
use std::sync::Arc;

/// What is remembered of a flow between its edits. Of another flow it knows nothing, which costs no more than time.
#[derive(Debug)]
pub struct Draft {
    known: Known,
    memory: Memory,
    /// The flow as it was previewed last.
    last: Option<Arc<Compiled>>,
}

/// What came of an edit.
#[derive(Debug)]
pub struct Drafted {
    /// The flow, as much of it as can run.
    pub flow: Arc<Compiled>,
    /// What is wrong with it, as `validate` says.
    pub diagnostics: Vec<Diagnostic>,
    /// Its run on samples, as [`crate::preview`] gives it for the flow by itself.
    pub preview: Preview,
    /// The nodes that were computed, or whose config was, by their paths without indices: what came of the others is remembered.
    pub computed: Vec<(String, Took)>,
}

impl Draft {
    /// Nothing is remembered yet. The clock tells microseconds since some moment, for people.
    pub fn new(clock: fn() -> u64) -> Self {
        Self { known: Known::default(), memory: Memory::new(clock), last: None }
    }

    /// Checks and runs the definition, always with the same catalogue.
    pub fn preview(&mut self, definition: &Definition, catalogue: &Catalogue, request: &PreviewRequest) -> Drafted {
        self.known = Known::after(definition, catalogue, &self.known);
        let diagnostics = validate_known(definition, &self.known, catalogue);
        // What cannot run fails where it is reached: the rest of a half-drawn flow still shows its data.
        let (mut flow, _) = compile::compile_known(definition, &self.known);
        if let (Some(flow), Some(last)) = (Arc::get_mut(&mut flow), &self.last) {
            // Whoever compares values later finds at a glance that these are the same.
            for (path, sample) in &mut flow.samples {
                if let Some(known) = last.samples.get(path).filter(|known| known.is_same(sample)) {
                    sample.clone_from(known);
                }
            }
        }
        self.last = Some(flow.clone());
        let preview = run(&flow, catalogue, request, Some(&self.memory));
        let computed = self.memory.end().into_iter().map(|((graph, node), took)| {
            let graph = &flow.graphs[graph as usize];
            (format!("{}{}", graph.prefix, graph.nodes[node as usize].key), took)
        });
        let computed = computed.collect();
        Drafted { flow, diagnostics, preview, computed }
    }
}
