//! A run on samples: what is wrong, and what every node and edge of the rest carries.

use crate::{
    data, hex,
    timing::{self, Timer},
};
use holon_engine::{Draft, Drafted, PreviewRequest};
use holon_flow::Definition;
use holon_model::Value;
use holon_studio::worker::{Computed, EdgeData, PreviewReply};
use std::cell::RefCell;

thread_local! {
    /// What the previews before this one found out.
    static DRAFT: RefCell<Draft> = RefCell::new(Draft::new(timing::micros));
}

/// Items of a loop whose nodes are shown one by one; all of them run.
const ITEMS: u32 = 100;

/// Runs the definition, as much of it as can run.
pub(crate) fn preview(value: &Value, trigger: Option<&str>) -> PreviewReply {
    let timer = Timer::start();
    let definition = match Definition::from_value(value) {
        Ok(definition) => definition,
        Err(diagnostics) => {
            data::forget();
            return PreviewReply { diagnostics, ..PreviewReply::default() };
        }
    };
    let catalogue = holon_catalogue::catalogue();
    let request = PreviewRequest { trigger: trigger.map(Into::into), items: ITEMS, ..PreviewRequest::default() };
    let drafted = DRAFT.with_borrow_mut(|draft| draft.preview(&definition, &catalogue, &request));
    let Drafted { flow, diagnostics, preview: done, computed } = drafted;
    let computed = computed.into_iter().map(|(path, took)| Computed { path, micros: took.micros });
    let nodes = done.view.nodes;
    let edges = done.edges.into_iter().map(|edge| EdgeData {
        from: edge.from,
        to: edge.to,
        state: edge.state.to_owned(),
        count: edge.count,
        // Each value stands at its node already.
        value: None,
    });
    let error = done.view.error.map(|error| holon_model::wire::runs::NodeFailure {
        code: error.code,
        message: error.message,
        detail: error.detail,
    });
    let mut reply = PreviewReply {
        diagnostics,
        hash: hex(&flow.hash()),
        edges: edges.collect(),
        output: done.view.output,
        error,
        log_hash: hex(&done.log_hash),
        status: done.view.status.name().to_owned(),
        sampled: done.sampled,
        input: data::trigger_input(&definition, &nodes),
        nodes,
        computed: computed.collect(),
        micros: 0,
    };
    data::keep(definition, reply.nodes.clone(), reply.input.clone());
    reply.micros = timer.micros();
    reply
}
