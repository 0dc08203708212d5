//! What happens while somebody looks: streams of the server, folded into what is shown.

use holon_model::wire::runs::{NodeRun, Run, RunEvent, RunSummary};
use holon_model::{RunId, Value};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::api::RunsQuery;
use crate::ports::use_ports;
use crate::rest::{Subscription, subscribe};
use crate::ui::status::is_live;

/// Keeps a list of runs current: new ones come in front, known ones change in place. `keep` bounds its length.
pub fn follow_list(rows: RwSignal<Vec<RunSummary>>, query: RunsQuery, keep: Option<usize>) {
    let open = StoredValue::new(None::<Subscription>);
    let ports = use_ports();
    Effect::new(move |_| {
        let (query, ports) =
            (RunsQuery { limit: keep.and_then(|keep| u16::try_from(keep).ok()), ..query.clone() }, ports.clone());
        let stream = subscribe("/events/runs", None, move |message| {
            if message.event == "reload" {
                // The stream fell behind: what it left out is read again.
                let asked = ports.runs.list(query.clone());
                spawn_local(async move {
                    if let Ok(page) = asked.await {
                        rows.try_set(page.data);
                    }
                });
            } else if let Ok(run) = serde_json::from_str::<RunSummary>(&message.data) {
                rows.try_update(|rows| take_in(rows, run, &query, keep));
            }
        });
        open.set_value(Some(stream));
    });
}

fn take_in(rows: &mut Vec<RunSummary>, run: RunSummary, query: &RunsQuery, keep: Option<usize>) {
    let wanted = query.flow.is_none_or(|flow| flow == run.flow)
        && query.status.as_deref().is_none_or(|status| status == run.status);
    match rows.iter().position(|row| row.id == run.id) {
        Some(at) if wanted => rows[at] = run,
        Some(at) => _ = rows.remove(at),
        None if wanted => {
            let at = rows.iter().position(|row| row.started_at <= run.started_at).unwrap_or(rows.len());
            rows.insert(at, run);
            if let Some(keep) = keep {
                rows.truncate(keep);
            }
        }
        None => {}
    }
}

/// One run as its page shows it.
#[derive(Clone, Copy)]
pub struct LiveRun {
    /// Which.
    pub id: RunId,
    /// What its header shows.
    pub summary: RwSignal<RunSummary>,
    /// Its nodes.
    pub nodes: RwSignal<Vec<NodeRun>>,
    /// What came out.
    pub output: RwSignal<Option<Value>>,
    /// Its log hash so far.
    pub log_hash: RwSignal<String>,
    /// The definition that runs.
    pub definition: StoredValue<Value>,
    /// What it was started with.
    pub input: StoredValue<Value>,
}

impl LiveRun {
    /// Shows a run, and follows it while it is not over.
    pub fn follow(run: Run) -> Self {
        let over = !is_live(&run.summary.status);
        let last_event = run.last_event.clone();
        let live = Self {
            id: run.summary.id,
            summary: RwSignal::new(run.summary),
            nodes: RwSignal::new(run.nodes),
            output: RwSignal::new(run.output),
            log_hash: RwSignal::new(run.log_hash),
            definition: StoredValue::new(run.definition),
            input: StoredValue::new(run.input),
        };
        let open = StoredValue::new(None::<Subscription>);
        let ports = use_ports();
        Effect::new(move |_| {
            if over {
                return;
            }
            let ports = ports.clone();
            let stream = subscribe(&format!("/runs/{}/events", live.id), Some(&last_event), move |message| {
                if message.event == "end" {
                    // The stream tells states, not the whole: the end is read once, from where it is durable.
                    let asked = ports.runs.get(live.id);
                    spawn_local(async move {
                        if let Ok(run) = asked.await {
                            live.take_whole(run);
                        }
                    });
                } else if let Ok(event) = serde_json::from_str::<RunEvent>(&message.data) {
                    live.take_event(event);
                }
            });
            open.set_value(Some(stream));
        });
        live
    }

    fn take_event(self, event: RunEvent) {
        if let Some(node) = event.node {
            self.nodes.try_update(|nodes| match nodes.iter_mut().find(|known| known.path == node.path) {
                Some(known) => *known = node,
                None => nodes.push(node),
            });
        }
        if self.summary.try_with_untracked(|summary| summary.status != event.status) == Some(true) {
            self.summary.try_update(|summary| summary.status = event.status);
        }
    }

    fn take_whole(self, run: Run) {
        self.summary.try_set(run.summary);
        self.nodes.try_set(run.nodes);
        self.output.try_set(run.output);
        self.log_hash.try_set(run.log_hash);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use holon_model::{FlowId, Timestamp};

    fn run(id: u128, status: &str, at: i64) -> RunSummary {
        let id: RunId = format!("run_{id:032x}").parse().unwrap();
        let flow: FlowId = format!("flow_{:032x}", 1).parse().unwrap();
        RunSummary {
            id,
            flow,
            flow_name: "Orders".into(),
            version: 1,
            status: status.into(),
            trigger: "trigger.webhook".into(),
            started_at: Timestamp(at),
            finished_at: None,
            error: None,
        }
    }

    #[test]
    fn a_new_run_comes_in_front_and_a_known_one_changes_in_place() {
        let mut rows = vec![run(2, "running", 20), run(1, "completed", 10)];
        take_in(&mut rows, run(3, "running", 30), &RunsQuery::default(), Some(3));
        take_in(&mut rows, run(2, "completed", 20), &RunsQuery::default(), Some(3));
        take_in(&mut rows, run(4, "queued", 40), &RunsQuery::default(), Some(3));
        let shown: Vec<_> = rows.iter().map(|row| (row.started_at.0, row.status.as_str())).collect();
        assert_eq!(shown, [(40, "queued"), (30, "running"), (20, "completed")]);
    }

    #[test]
    fn a_run_that_no_longer_fits_the_filter_leaves_the_list() {
        let query = RunsQuery { status: Some("running".into()), ..RunsQuery::default() };
        let mut rows = vec![run(1, "running", 10)];
        take_in(&mut rows, run(1, "completed", 10), &query, None);
        take_in(&mut rows, run(2, "failed", 20), &query, None);
        assert!(rows.is_empty());
    }
}
