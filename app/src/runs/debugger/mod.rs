//! Walking along a run: this browser's engine shows it as it was after any of its inputs.
//!
//! The address names the input (`?at=17`), so that a moment can be linked to; moving along rewrites it without new entries in
//! the browser's history.

mod bar;
mod inputs;
mod moment;

use std::time::Duration;

use holon_model::RunId;
use holon_model::wire::runs::NodeRun;
use holon_studio::worker::{Ask, Moment};
use leptos::leptos_dom::helpers::TimeoutHandle;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::use_query_map;
use wasm_bindgen::JsValue;

use super::live::LiveRun;
use super::replay::{Reading, Replay};
use crate::engine::ask;
use crate::ui::dom;

pub use bar::bar;
pub use inputs::inputs;
pub use moment::{moment, told};

/// The address follows when one has stayed at a moment for so long: browsers bound how often it may change.
const SETTLED: Duration = Duration::from_millis(250);

/// Walking along a run.
#[derive(Clone, Copy)]
pub struct Stepper {
    /// The run.
    pub run: RunId,
    /// Its replay.
    pub replay: Replay,
    /// Whether one walks at all.
    pub on: Memo<bool>,
    /// The input after which the run is to be shown.
    pub at: RwSignal<u32>,
    /// The moment that is shown, but for its nodes.
    pub shown: RwSignal<Option<Moment>>,
    /// The nodes as they are shown: at that moment, or now.
    pub nodes: RwSignal<Vec<NodeRun>>,
    /// Why the moment cannot be shown.
    pub problem: RwSignal<Option<String>>,
    busy: StoredValue<bool>,
    settling: StoredValue<Option<TimeoutHandle>>,
}

impl Stepper {
    /// Of the run of this page.
    pub fn new(live: LiveRun, replay: Replay) -> Self {
        let query = use_query_map();
        let asked =
            Memo::new(move |_| query.with(|query| query.get("at")).map(|at| at.parse::<u32>().unwrap_or_default()));
        let stepper = Self {
            run: live.id,
            replay,
            on: Memo::new(move |_| asked.get().is_some()),
            at: RwSignal::new(asked.get_untracked().unwrap_or_default()),
            shown: RwSignal::new(None),
            nodes: RwSignal::new(live.nodes.get_untracked()),
            problem: RwSignal::new(None),
            busy: StoredValue::new(false),
            settling: StoredValue::new(None),
        };
        Effect::new(move |_| {
            let Some(at) = asked.get() else { return };
            stepper.at.set(at);
            if !matches!(replay.reading.get_untracked(), Reading::Working | Reading::Done) {
                replay.read();
            }
        });
        Effect::new(move |_| {
            if stepper.on.get() {
                stepper.at.track();
                replay.steps.track();
                replay.reading.track();
                stepper.seek();
            } else {
                stepper.shown.set(None);
                stepper.nodes.set(live.nodes.get());
            }
        });
        stepper
    }

    /// The last input that can be walked to.
    pub fn last(self) -> u32 {
        u32::try_from(self.replay.len().saturating_sub(1)).unwrap_or(u32::MAX)
    }

    /// Walks to an input.
    pub fn go(self, at: u32) {
        let at = at.min(self.last());
        if self.at.get_untracked() != at {
            self.at.set(at);
            self.settle();
        }
    }

    /// One input back.
    pub fn back(self) {
        self.go(self.at.get_untracked().saturating_sub(1));
    }

    /// One input on.
    pub fn forth(self) {
        self.go(self.at.get_untracked().saturating_add(1));
    }

    /// Asks for the moment; while one is asked for, only where one has got to meanwhile is asked for next.
    fn seek(self) {
        if self.busy.try_update_value(|busy| std::mem::replace(busy, true)) != Some(false) {
            return;
        }
        spawn_local(async move {
            while let Some((number, at)) = self.next() {
                let shown = self.shown.try_with_untracked(|shown| shown.as_ref().map(|shown| shown.at)).flatten();
                match ask::<Moment>(Ask::Seek { replay: number, at, shown }).await {
                    Ok(moment) => self.take(moment),
                    Err(error) => {
                        self.problem.try_set(Some(error.to_string()));
                        break;
                    }
                }
            }
            self.busy.try_set_value(false);
        });
    }

    /// What is to be asked for next; nothing when it is shown, or not replayed yet.
    fn next(self) -> Option<(u32, u32)> {
        let number = self.replay.number()?;
        let known = self.replay.steps.try_with_untracked(Vec::len)?;
        let at = self.at.try_get_untracked()?;
        if at as usize >= known {
            // An address may name an input that there is not: the last one is shown then.
            let over = !matches!(self.replay.reading.try_get_untracked()?, Reading::Working | Reading::Idle);
            if over && known > 0 {
                self.at.try_set(self.last());
            }
            return None;
        }
        let here = self.shown.try_with_untracked(|shown| shown.as_ref().is_some_and(|shown| shown.at == at))?;
        (self.on.try_get_untracked()? && !here).then_some((number, at))
    }

    fn take(self, mut moment: Moment) {
        let (changed, gone) = (std::mem::take(&mut moment.nodes), std::mem::take(&mut moment.gone));
        if moment.since.is_some() {
            self.nodes.try_update(|nodes| change(nodes, changed, &gone));
        } else {
            self.nodes.try_set(changed);
        }
        self.problem.try_set(None);
        self.shown.try_set(Some(moment));
    }

    /// The address follows, once one stays.
    fn settle(self) {
        if let Some(waiting) = self.settling.try_update_value(Option::take).flatten() {
            waiting.clear();
        }
        let follow = move || {
            if let (Some(true), Some(at)) = (self.on.try_get_untracked(), self.at.try_get_untracked()) {
                rewrite(&format!("?at={at}"));
            }
        };
        self.settling.try_set_value(set_timeout_with_handle(follow, SETTLED).ok());
    }
}

/// Rewrites the query of the address in place.
fn rewrite(query: &str) {
    let Some(history) = dom::window().and_then(|window| window.history().ok()) else { return };
    let state = history.state().unwrap_or(JsValue::NULL);
    // A browser that refuses keeps the address it has.
    let _ = history.replace_state_with_url(&state, "", Some(query));
}

/// What a moment says to have changed since the one before.
fn change(nodes: &mut Vec<NodeRun>, changed: Vec<NodeRun>, gone: &[String]) {
    if !gone.is_empty() {
        let gone: std::collections::BTreeSet<&str> = gone.iter().map(String::as_str).collect();
        nodes.retain(|node| !gone.contains(node.path.as_str()));
    }
    let places: std::collections::BTreeMap<String, usize> =
        nodes.iter().enumerate().map(|(at, node)| (node.path.clone(), at)).collect();
    for node in changed {
        match places.get(&node.path) {
            Some(at) => nodes[*at] = node,
            None => nodes.push(node),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runs::live::tests::node;

    #[test]
    fn a_moment_changes_what_is_shown_and_no_more() {
        let mut nodes = vec![node("go", "succeeded"), node("each", "running"), node("each[0]/call", "running")];
        change(&mut nodes, vec![node("each[1]/call", "running"), node("each", "waiting")], &["each[0]/call".into()]);
        let shown: Vec<_> = nodes.iter().map(|node| (node.path.as_str(), node.status.as_str())).collect();
        assert_eq!(shown, [("go", "succeeded"), ("each", "waiting"), ("each[1]/call", "running")]);
    }
}
