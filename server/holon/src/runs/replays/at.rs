//! A run as it was after one of its inputs: the state of each node with what went in and what came out, and what the input led to.
//! Nodes come in pages, so that no answer is larger than a page of a journal.

use holon_authz::{Authorised, actions::ReadRuns};
use holon_model::wire::replay::RunAt;
use holon_model::wire::runs::NodeRun;
use holon_model::{Context, RunId, Value};
use holon_platform::db::TenantTx;
use holon_replay::{Recorded, Seen, Verifier};
use holon_runtime::Definitions as _;

use super::walk::{Walked, walk};
use crate::http::cursor;
use crate::runs::{Error, store};
use crate::state::AppState;

/// Bytes of nodes on a page, roughly; a larger node is a page of its own.
const PAGE_BYTES: u64 = 4 << 20;

/// Which moment, and which of its nodes.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// Number of the input.
    pub seq: i64,
    /// This node only, and what it was told to do.
    pub path: Option<String>,
    /// Number of the first node.
    pub from: usize,
    /// Nodes at most.
    pub limit: usize,
}

/// Who walks there.
struct Reader {
    verifier: Verifier,
    seq: i64,
    path: Option<String>,
    config: Option<Value>,
    seen: Option<Seen>,
}

impl Reader {
    fn take(&mut self, row: Recorded) -> bool {
        let here = row.seq == self.seq;
        let Some(taken) = self.verifier.take(row) else { return false };
        if let Some(path) = &self.path
            && taken.started().any(|started| started == *path)
        {
            // As it is now: what other nodes give later is not there for it.
            self.config = self.verifier.machine().config_at(path);
        }
        self.seen = here.then(|| Seen::after(self.verifier.machine(), &taken.input.value, &taken.decision));
        !here
    }
}

/// The run as it was then.
pub async fn at(
    state: &AppState,
    context: &Context,
    _: Authorised<ReadRuns>,
    run: RunId,
    ask: Ask,
) -> Result<RunAt, Error> {
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    let found = store::find(&mut tx, run).await?.ok_or(Error::NotFound(run))?;
    tx.commit().await?;
    let _seat = state.replays.enter(context.tenant)?;
    let flow = state.definitions.load(context.tenant, found.summary.flow, found.summary.version).await?;
    let Ask { seq, path, from, limit } = ask;
    let verifier = Verifier::new(flow.compiled.clone());
    let reader = Reader { verifier, seq, path: path.clone(), config: None, seen: None };
    let Walked { reader, broken } = walk(state, context, run, reader, Reader::take).await?;
    let Some(seen) = reader.seen else {
        let why = broken.or_else(|| reader.verifier.is_over().then(|| "the engine does not take it".to_owned()));
        return Err(match why {
            Some(why) => Error::NoHistory(run, reader.verifier.taken(), why),
            None => Error::NoInput(run, reader.verifier.taken()),
        });
    };
    let nodes = seen.nodes.into_iter().filter(|node| path.as_ref().is_none_or(|path| node.path == *path));
    let (nodes, more) = page(nodes.skip(from), limit);
    let next_cursor = more.then(|| cursor::encode(&(from + nodes.len())));
    Ok(RunAt {
        seq,
        at: seen.at,
        kind: seen.kind.to_owned(),
        input: seen.input,
        status: seen.status.to_owned(),
        log_hash: seen.log_hash,
        became: seen.became,
        asked: seen.asked,
        more: seen.more,
        output: seen.output,
        error: seen.error,
        nodes,
        config: reader.config,
        next_cursor,
    })
}

/// As many nodes as fit on a page, at least one, and whether there are more.
fn page(mut nodes: impl Iterator<Item = NodeRun>, limit: usize) -> (Vec<NodeRun>, bool) {
    let weight = |value: &Option<Value>| value.as_ref().map_or(0, Value::weight);
    let (mut page, mut bytes) = (Vec::new(), 0_u64);
    for node in nodes.by_ref() {
        bytes = bytes.saturating_add(weight(&node.input)).saturating_add(weight(&node.output));
        if page.len() == limit || (bytes > PAGE_BYTES && !page.is_empty()) {
            return (page, true);
        }
        page.push(node);
    }
    (page, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(path: &str, bytes: usize) -> NodeRun {
        let text =
            format!(r#"{{"path":"{path}","status":"succeeded","attempts":0,"started_at":null,"finished_at":null}}"#);
        let node: NodeRun = serde_json::from_str(&text).unwrap();
        NodeRun { input: Some(Value::from("x".repeat(bytes))), ..node }
    }

    #[test]
    fn a_page_of_nodes_ends_by_number_or_by_size_and_holds_at_least_one() {
        let sizes = |sizes: &[usize], limit| {
            let nodes: Vec<_> = sizes.iter().map(|bytes| node("a", *bytes)).collect();
            let (page, more) = page(nodes.into_iter(), limit);
            (page.len(), more)
        };
        assert_eq!(sizes(&[1, 1, 1], 3), (3, false));
        assert_eq!(sizes(&[1, 1, 1], 2), (2, true));
        assert_eq!(sizes(&[5 << 20, 1], 9), (1, true));
        assert_eq!(sizes(&[3 << 20, 3 << 20], 9), (1, true));
        assert_eq!(sizes(&[], 9), (0, false));
    }
}
