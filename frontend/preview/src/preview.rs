//! A run on samples: what is wrong, and what every node and edge of the rest carries.

use crate::{data, hex, timing::Timer};
use holon_engine::{PreviewRequest, compile_draft};
use holon_flow::Definition;
use holon_model::Value;
use holon_studio::worker::{EdgeData, PreviewReply};

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
    let diagnostics = holon_flow::validate::validate(&definition, &catalogue);
    // What cannot run fails where it is reached: the rest of a half-drawn flow still shows its data.
    let (compiled, _) = compile_draft(&definition, &catalogue);
    let request = PreviewRequest { trigger: trigger.map(Into::into), items: ITEMS, ..PreviewRequest::default() };
    let done = holon_engine::preview(&compiled, &catalogue, &request);
    let hash = hex(&definition.hash());
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
        hash,
        edges: edges.collect(),
        output: done.view.output,
        error,
        log_hash: hex(&done.log_hash),
        status: done.view.status.name().to_owned(),
        sampled: done.sampled,
        input: data::trigger_input(&definition, &nodes),
        nodes,
        micros: 0,
    };
    data::keep(definition, reply.nodes.clone(), reply.input.clone());
    reply.micros = timer.micros();
    reply
}
