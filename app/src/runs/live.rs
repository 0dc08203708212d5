//! What happens while somebody looks: streams of the server, folded into what is shown.

use std::collections::BTreeMap;
use std::time::Duration;

use holon_model::wire::runs::{CanRetry, NodeRun, PARKED, Run, RunEvent, RunSummary};
use holon_model::{RunId, Value};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::api::RunsQuery;
use super::follow;
use super::pages::{self, MOST};
use crate::ports::{Ports, use_ports};
use crate::rest::{Message, Subscription, pause_after, subscribe};
use crate::ui::status::is_live;
use crate::ui::{Toasts, use_toasts};

/// So many runs come in front of a list before it is read again, which cuts it to what was asked for.
const ARRIVALS: usize = 200;

/// How often a list is read although nothing was told.
const ANYHOW: Duration = Duration::from_secs(20);

/// A list of runs that is kept current.
#[derive(Clone, Copy)]
pub struct LiveList {
    /// The rows.
    pub rows: RwSignal<Vec<RunSummary>>,
    /// Where the next page goes on.
    pub cursor: RwSignal<Option<String>>,
    /// Whether changes come at the moment.
    pub connected: RwSignal<bool>,
    /// How many new runs came since the list was read.
    arrived: StoredValue<usize>,
    /// What was told while the list is being read: the answer may be older.
    meanwhile: StoredValue<Vec<RunSummary>>,
    /// How often the list was read: only the newest answer counts.
    readings: StoredValue<u32>,
}

impl LiveList {
    /// The list as it was read first.
    pub fn new(rows: Vec<RunSummary>, cursor: Option<String>) -> Self {
        Self {
            rows: RwSignal::new(rows),
            cursor: RwSignal::new(cursor),
            connected: RwSignal::new(true),
            arrived: StoredValue::new(0),
            meanwhile: StoredValue::new(Vec::new()),
            readings: StoredValue::new(0),
        }
    }

    /// Keeps it current: new runs come in front, known ones change in place. `keep` bounds its length.
    pub fn follow(self, query: RunsQuery, keep: Option<usize>) {
        let open = StoredValue::new(None::<Subscription>);
        let ports = use_ports();
        {
            // What another replica drives is not told of by the one that serves this page.
            let (query, ports) = (query.clone(), ports.clone());
            follow::every(ANYHOW, move || {
                if self.connected.get_untracked() && self.rows.with_untracked(Vec::len) <= MOST {
                    self.read(&query, keep, &ports);
                }
            });
        }
        Effect::new(move |_| {
            let (query, ports) = (query.clone(), ports.clone());
            let stream = subscribe("/events/runs", None, move |message| self.hear(&message, &query, keep, &ports));
            open.set_value(Some(stream));
        });
    }

    fn hear(self, message: &Message, query: &RunsQuery, keep: Option<usize>, ports: &Ports) {
        match message.event {
            // The stream tells what changes while one listens. What happened since the list was read, or while the tab
            // was hidden or the network was gone, is read.
            "open" | "reload" => {
                self.connected.try_set(true);
                self.read(query, keep, ports);
            }
            "lost" => _ = self.connected.try_set(false),
            _ => {
                let Ok(run) = serde_json::from_str::<RunSummary>(&message.data) else { return };
                self.meanwhile.try_update_value(|meanwhile| meanwhile.push(run.clone()));
                let new = self.rows.try_update(|rows| take_in(rows, run, query, keep)) == Some(true);
                let arrived = self.arrived.try_update_value(|arrived| {
                    *arrived += usize::from(new);
                    *arrived
                });
                if keep.is_none() && arrived.is_some_and(|arrived| arrived > ARRIVALS) {
                    self.read(query, keep, ports);
                }
            }
        }
    }

    /// Reads the list, now and a moment later: what was asked of its runs may be done only then, and holding them is told by nobody.
    pub fn look_again(self, query: RunsQuery, ports: Ports) {
        self.read(&query, None, &ports);
        set_timeout(move || self.read(&query, None, &ports), pause_after(1));
    }

    /// Reads as many runs as are shown, so that "Show more" goes on where the list ends.
    fn read(self, query: &RunsQuery, keep: Option<usize>, ports: &Ports) {
        let Some(shown) = self.rows.try_with_untracked(Vec::len) else { return };
        let arrived = self.arrived.try_get_value().unwrap_or_default();
        let wanted = keep.unwrap_or(pages::wanted(shown, arrived));
        let query = RunsQuery { limit: u16::try_from(wanted.min(MOST)).ok(), ..query.clone() };
        let Some(reading) = self.readings.try_update_value(|readings| {
            *readings += 1;
            *readings
        }) else {
            return;
        };
        self.arrived.try_set_value(0);
        self.meanwhile.try_set_value(Vec::new());
        let cursor = self.cursor.get_untracked();
        let (asked, ports) = (ports.runs.list(query.clone()), ports.clone());
        let (runs, below) = (ports.runs.clone(), query.clone());
        let next =
            move |cursor, limit| runs.list(RunsQuery { cursor: Some(cursor), limit: Some(limit), ..below.clone() });
        spawn_local(async move {
            let Ok(page) = asked.await else { return };
            let mut page = pages::whole(page, wanted, next).await;
            if self.readings.try_get_value() != Some(reading) {
                return;
            }
            if self.cursor.try_get_untracked() != Some(cursor) {
                // Somebody asked for more rows while these were read.
                return self.read(&query, keep, &ports);
            }
            for run in self.meanwhile.try_update_value(std::mem::take).unwrap_or_default() {
                take_in(&mut page.data, run, &query, keep);
            }
            self.rows.try_set(page.data);
            self.cursor.try_set(page.next_cursor);
        });
    }
}

/// Says whether the run is new in the list.
fn take_in(rows: &mut Vec<RunSummary>, run: RunSummary, query: &RunsQuery, keep: Option<usize>) -> bool {
    let wanted = fits(&run, query);
    match rows.iter().position(|row| row.id == run.id) {
        Some(at) if wanted => rows[at] = run,
        Some(at) => _ = rows.remove(at),
        None if wanted => {
            let at = rows.iter().position(|row| row.started_at <= run.started_at).unwrap_or(rows.len());
            rows.insert(at, run);
            if let Some(keep) = keep {
                rows.truncate(keep);
            }
            return true;
        }
        None => {}
    }
    false
}

/// Whether a run is one of those that are asked for.
fn fits(run: &RunSummary, query: &RunsQuery) -> bool {
    let kind = run.trigger.split('@').next().unwrap_or(&run.trigger);
    query.flow.is_none_or(|flow| flow == run.flow)
        && query.status.as_deref().is_none_or(|status| stands(run, status))
        && query.trigger.as_deref().is_none_or(|trigger| trigger == kind)
        && query.since.is_none_or(|since| run.started_at >= since)
        && query.until.is_none_or(|until| run.started_at < until)
        && query.correlation.as_ref().is_none_or(|about| run.correlation.as_ref() == Some(about))
        && query.labels.iter().all(|(key, value)| run.labels.get(key) == Some(value))
}

/// Whether a run is in a status that is asked for.
fn stands(run: &RunSummary, status: &str) -> bool {
    match status {
        PARKED => run.status == "paused" && run.paused_by.is_none(),
        status => status == run.status,
    }
}

/// Where an event stands in its run's journal; nothing: before the first.
type Place = Option<(u64, u32)>;

/// The place that an event's id names, `seq.index`.
fn place(id: &str) -> Place {
    let (seq, index) = id.split_once('.')?;
    Some((seq.parse().ok()?, index.parse().ok()?))
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
    /// Whether a retry would be taken, where that is known.
    pub retry: RwSignal<Option<CanRetry>>,
    /// How those are called who did something to it.
    pub names: RwSignal<BTreeMap<String, String>>,
    /// The last event that is shown.
    seen: StoredValue<Place>,
    /// Whether it is being read, and whether it must be read again after that.
    reading: StoredValue<Option<bool>>,
    stream: StoredValue<Option<Subscription>>,
    asks: StoredValue<(Ports, Toasts)>,
}

/// So many times in a row may the end of a run not be read before the page says so.
const TRIES: u32 = 3;

impl LiveRun {
    /// How many inputs it has taken, as far as the page knows.
    pub fn inputs(self) -> u64 {
        self.seen.try_get_value().flatten().map_or(0, |(seq, _)| seq + 1)
    }

    /// Shows a run, and follows it while it is not over.
    pub fn follow(run: Run) -> Self {
        let over = !is_live(&run.summary.status);
        let last_event = run.last_event.clone();
        let (ports, toasts) = (use_ports(), use_toasts());
        let live = Self {
            id: run.summary.id,
            summary: RwSignal::new(run.summary),
            nodes: RwSignal::new(run.nodes),
            output: RwSignal::new(run.output),
            log_hash: RwSignal::new(run.log_hash),
            definition: StoredValue::new(run.definition),
            input: StoredValue::new(run.input),
            retry: RwSignal::new(run.retry),
            names: RwSignal::new(run.names),
            seen: StoredValue::new(place(&last_event)),
            reading: StoredValue::new(None),
            stream: StoredValue::new(None),
            asks: StoredValue::new((ports.clone(), toasts)),
        };
        Effect::new(move |_| {
            if over {
                return;
            }
            let ports = ports.clone();
            let hear = move |message: Message| live.hear(&message, &ports, toasts);
            let stream = subscribe(&format!("/runs/{}/events", live.id), Some(&last_event), hear);
            live.stream.set_value(Some(stream));
        });
        live
    }

    /// Reads the run, now and a moment later: what was asked of it may be done only then, and holding it makes no event.
    pub fn look_again(self) {
        let Some((ports, toasts)) = self.asks.try_get_value() else { return };
        self.read(ports.clone(), toasts, 1);
        set_timeout(move || self.read(ports, toasts, 1), pause_after(1));
    }

    fn hear(self, message: &Message, ports: &Ports, toasts: Toasts) {
        match message.event {
            // The stream tells states, not the whole: the end is read from where it is durable, and so is what may have
            // been missed.
            "end" | "reload" => self.read(ports.clone(), toasts, 1),
            "open" | "lost" => {}
            _ => {
                let Ok(event) = serde_json::from_str::<RunEvent>(&message.data) else { return };
                // An event tells one step of a saga; all of them are in the whole.
                let of_saga = event.kind == "saga_step";
                if self.take_event(event) && of_saga {
                    self.read(ports.clone(), toasts, 1);
                }
            }
        }
    }

    /// Reads the run whole. What is asked for while it is read is read once more after.
    fn read(self, ports: Ports, toasts: Toasts, time: u32) {
        let busy = self.reading.try_update_value(|reading| {
            let busy = reading.is_some();
            *reading = Some(busy);
            busy
        });
        if busy != Some(false) {
            return;
        }
        let asked = ports.runs.get(self.id);
        spawn_local(async move {
            let answer = asked.await;
            let Some(again) = self.reading.try_update_value(Option::take).map(|reading| reading == Some(true)) else {
                return;
            };
            match answer {
                Ok(run) => {
                    self.take_whole(run);
                    if again {
                        self.read(ports, toasts, 1);
                    }
                }
                Err(_) if time < TRIES => {
                    set_timeout(move || self.read(ports, toasts, time + 1), pause_after(time));
                }
                Err(problem) => toasts.bad(problem.detail),
            }
        });
    }

    /// Says whether it was news.
    fn take_event(self, event: RunEvent) -> bool {
        let at = place(&event.id);
        let news = self.seen.try_update_value(|seen| {
            let news = at.is_none() || at > *seen;
            *seen = at.max(*seen);
            news
        });
        if news != Some(true) {
            return false;
        }
        if let Some(node) = event.node {
            self.nodes.try_update(|nodes| put(nodes, node));
        }
        if self.summary.try_with_untracked(|summary| summary.status != event.status) == Some(true) {
            self.summary.try_update(|summary| summary.status = event.status);
        }
        true
    }

    fn take_whole(self, run: Run) {
        let at = place(&run.last_event);
        let over = !is_live(&run.summary.status);
        let newer = self.seen.try_update_value(|seen| {
            // Of a run that goes on, what is older than the page would throw the page back.
            let newer = over || at >= *seen;
            *seen = at.max(*seen);
            newer
        });
        if newer != Some(true) {
            return;
        }
        // Before what is shown by them.
        self.retry.try_set(run.retry);
        self.names.try_set(run.names);
        self.summary.try_set(run.summary);
        self.nodes.try_set(run.nodes);
        self.output.try_set(run.output);
        self.log_hash.try_set(run.log_hash);
        if over {
            // Whatever the stream still says, the run is over.
            self.stream.try_set_value(None);
        }
    }
}

/// An event does not tell a saga's way: what is known of it stays until the run is read again.
fn put(nodes: &mut Vec<NodeRun>, mut node: NodeRun) {
    match nodes.iter_mut().find(|known| known.path == node.path) {
        Some(known) => {
            node.saga = node.saga.or_else(|| known.saga.take());
            *known = node;
        }
        None => nodes.push(node),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use holon_model::wire::runs::SagaRun;
    use holon_model::{FlowId, Timestamp};

    /// A run of a webhook.
    pub(crate) fn run(id: u128, status: &str, at: i64) -> RunSummary {
        let id: RunId = format!("run_{id:032x}").parse().unwrap();
        let flow: FlowId = format!("flow_{:032x}", 1).parse().unwrap();
        RunSummary {
            id,
            flow,
            flow_name: "Orders".into(),
            version: 1,
            status: status.into(),
            trigger: "trigger.webhook".into(),
            trigger_title: "Webhook".into(),
            started_by: None,
            started_by_name: None,
            started_at: Timestamp(at),
            finished_at: None,
            error: None,
            labels: BTreeMap::new(),
            correlation: None,
            reason: None,
            paused_by: None,
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

    /// A node of which nothing more is known.
    pub(crate) fn node(path: &str, status: &str) -> NodeRun {
        NodeRun {
            path: path.into(),
            status: status.into(),
            input: None,
            output: None,
            error: None,
            attempts: 0,
            cached_at: None,
            queued_at: None,
            started_at: None,
            finished_at: None,
            waiting_until: None,
            waiting_for: None,
            saga: None,
        }
    }

    #[test]
    fn an_event_leaves_what_is_known_of_a_saga() {
        let node = |status: &str, saga| NodeRun { saga, ..node("book", status) };
        let way = SagaRun { phase: "backward".into(), steps: Vec::new() };
        let mut nodes = vec![node("running", Some(way.clone()))];
        put(&mut nodes, node("failed", None));
        assert_eq!((nodes[0].status.as_str(), &nodes[0].saga), ("failed", &Some(way)));
    }

    #[test]
    fn what_is_older_than_the_page_does_not_throw_it_back() {
        Owner::new().with(|| {
            let whole = |status: &str, last_event: &str| Run {
                summary: run(1, status, 10),
                definition: Value::Null,
                input: Value::Null,
                output: None,
                nodes: Vec::new(),
                log_hash: last_event.into(),
                last_event: last_event.into(),
                retry_of: None,
                fork_of: None,
                retry: None,
                names: BTreeMap::new(),
            };
            let event = |id: &str, status: &str| RunEvent {
                id: id.into(),
                at: Timestamp(10),
                kind: "node_started".into(),
                path: None,
                node: None,
                detail: Value::Null,
                status: status.into(),
            };
            let live = LiveRun::follow(whole("waiting", "7.1"));
            let shown = || live.summary.with_untracked(|summary| summary.status.clone());
            // A stream that begins anew tells the past again.
            assert!(!live.take_event(event("0.0", "running")) && !live.take_event(event("7.1", "running")));
            assert_eq!(shown(), "waiting");
            assert!(live.take_event(event("8.0", "running")));
            // An answer that was on its way while events came.
            live.take_whole(whole("waiting", "7.4294967295"));
            assert_eq!(shown(), "running");
            live.take_whole(whole("completed", "8.3"));
            assert_eq!((shown().as_str(), live.log_hash.get_untracked().as_str()), ("completed", "8.3"));
        });
    }

    #[test]
    fn a_run_fits_when_it_fits_every_filter() {
        let mut labelled = run(1, "failed", 10);
        labelled.labels = [("team".to_owned(), "ops".to_owned())].into();
        labelled.correlation = Some("order-7".into());
        let all = RunsQuery {
            status: Some("failed".into()),
            trigger: Some("trigger.webhook".into()),
            since: Some(Timestamp(10)),
            until: Some(Timestamp(11)),
            correlation: Some("order-7".into()),
            labels: [("team".to_owned(), "ops".to_owned())].into(),
            ..RunsQuery::default()
        };
        assert!(fits(&labelled, &all));
        let others = [
            RunsQuery { status: Some("completed".into()), ..all.clone() },
            RunsQuery { trigger: Some("trigger.manual".into()), ..all.clone() },
            RunsQuery { since: Some(Timestamp(11)), ..all.clone() },
            RunsQuery { until: Some(Timestamp(10)), ..all.clone() },
            RunsQuery { correlation: Some("order-8".into()), ..all.clone() },
            RunsQuery { labels: [("team".to_owned(), "dev".to_owned())].into(), ..all.clone() },
        ];
        assert!(others.iter().all(|query| !fits(&labelled, query)));
    }

    #[test]
    fn events_are_ordered_by_the_numbers_in_their_ids() {
        assert!(place("9.2") < place("10.0") && place("9.2") < place("9.10") && place("") < place("0.0"));
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
