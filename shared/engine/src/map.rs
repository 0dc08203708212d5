//! `map`: runs `body` for each item, so many at once, and gathers what comes out (scatter/gather).
//!
//! Scattering → closing once the outcome is decided: by a failure (`all`), by enough successes (`any`, `first`), or from outside.

use crate::{
    arena::{Compiled, index},
    machine::{At, Machine},
    scope::Opening,
    state::{Ending, FrameId, ScopeState},
};
use holon_flow::capability::NodeError;
use holon_model::Value;
use serde::{Deserialize, Serialize};

const DEFAULT_CONCURRENCY: u32 = 8;
const MAX_CONCURRENCY: i64 = 1_000;

/// When the scope is done, and with what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Gather {
    /// Every item succeeded: the list of values.
    All,
    /// Every item is over: a list of `{status, value | error}`.
    AllSettled,
    /// One item succeeded: its value.
    Any,
    /// So many items succeeded: the list of their values.
    First(u32),
}

/// How one item ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Slot {
    Open,
    Ok(Value),
    Err(NodeError),
}

/// What a `map` remembers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct State {
    pub items: Value,
    pub concurrency: u32,
    pub gather: Gather,
    /// The next item to begin.
    pub next: u32,
    pub slots: Vec<Slot>,
    pub succeeded: u32,
    pub failed: u32,
}

/// Config: `{items: list, concurrency?: 1..1000, gather?: "all" | "all_settled" | "any" | {"first": n}}`.
pub(crate) fn start(machine: &mut Machine, flow: &Compiled, at: At, config: &Value) -> Result<(), NodeError> {
    let items = config.get("items").cloned().unwrap_or_default();
    let Some(list) = items.as_list() else {
        let message = format!("`items` must be a list, it is a value of type {}", items.type_name());
        return Err(NodeError::new("type_mismatch", message));
    };
    let slots = vec![Slot::Open; list.len()];
    let state = State {
        concurrency: concurrency(config.get("concurrency"))?,
        gather: gather(config.get("gather"))?,
        next: 0,
        slots,
        succeeded: 0,
        failed: 0,
        items,
    };
    proceed(machine, flow, at, state);
    Ok(())
}

/// Begins items while there is room, or ends.
fn proceed(machine: &mut Machine, flow: &Compiled, at: At, mut state: State) {
    if let Some(ending) = state.decided() {
        machine.put_scope(at, ScopeState::Map(state));
        return machine.close_scope(flow, at, ending);
    }
    let body = machine.cnode(flow, at).body("body").unwrap_or(0);
    let opened = machine.open_up_to(flow, at, state.concurrency, || {
        let index = state.next;
        let input = state.items.as_list()?.get(index as usize)?.clone();
        state.next += 1;
        Some(Opening { body, index: Some(index), input })
    });
    machine.opened(flow, at, ScopeState::Map(state), opened);
}

pub(crate) fn body_closed(
    machine: &mut Machine,
    flow: &Compiled,
    at: At,
    mut state: State,
    child: FrameId,
    ending: Ending,
) {
    let item = machine.core.arena.frame(child).index.unwrap_or(0);
    if let Some(slot) = state.slots.get_mut(item as usize) {
        match ending {
            Ending::Ok(value) => {
                state.succeeded += 1;
                *slot = Slot::Ok(value);
            }
            Ending::Err(error) | Ending::Timeout(error) => {
                state.failed += 1;
                *slot = Slot::Err(error);
            }
            Ending::Cancelled => {}
        }
    }
    proceed(machine, flow, at, state);
}

impl State {
    /// How the scope ends, once that cannot change any more.
    fn decided(&self) -> Option<Ending> {
        let total = index(self.slots.len());
        match self.gather {
            Gather::All => match self.first_error() {
                Some(error) => Some(Ending::Err(error.clone())),
                None => (self.succeeded == total).then(|| Ending::Ok(self.values())),
            },
            Gather::AllSettled => (self.succeeded + self.failed == total).then(|| Ending::Ok(self.settled())),
            Gather::Any => self.wanted(1, total).map(|enough| match enough {
                Ok(()) => {
                    Ending::Ok(self.values().as_list().and_then(|values| values.first()).cloned().unwrap_or_default())
                }
                Err(error) => Ending::Err(error),
            }),
            Gather::First(wanted) => self.wanted(wanted, total).map(|enough| match enough {
                Ok(()) => Ending::Ok(self.values()),
                Err(error) => Ending::Err(error),
            }),
        }
    }

    /// Whether so many items have succeeded, or cannot any more.
    fn wanted(&self, wanted: u32, total: u32) -> Option<Result<(), NodeError>> {
        if self.succeeded >= wanted {
            return Some(Ok(()));
        }
        (total - self.failed < wanted).then(|| {
            let message = format!("{wanted} of the {total} items should have succeeded, {} failed", self.failed);
            let mut error = NodeError::new("too_few_succeeded", message);
            error.detail = Value::list(self.slots.iter().filter_map(|slot| match slot {
                Slot::Err(error) => Some(error.to_value()),
                _ => None,
            }));
            Err(error)
        })
    }

    fn first_error(&self) -> Option<&NodeError> {
        if self.failed == 0 {
            return None;
        }
        self.slots.iter().find_map(|slot| if let Slot::Err(error) = slot { Some(error) } else { None })
    }

    fn values(&self) -> Value {
        Value::list(
            self.slots.iter().filter_map(|slot| if let Slot::Ok(value) = slot { Some(value.clone()) } else { None }),
        )
    }

    fn settled(&self) -> Value {
        Value::list(self.slots.iter().map(|slot| match slot {
            Slot::Ok(value) => Value::map([("status", Value::from("succeeded")), ("value", value.clone())]),
            Slot::Err(error) => Value::map([("status", Value::from("failed")), ("error", error.to_value())]),
            Slot::Open => Value::map([("status", Value::from("cancelled"))]),
        }))
    }
}

fn concurrency(value: Option<&Value>) -> Result<u32, NodeError> {
    match value {
        None | Some(Value::Null) => Ok(DEFAULT_CONCURRENCY),
        Some(value) => {
            let number = value.as_int().filter(|number| (1..=MAX_CONCURRENCY).contains(number));
            let message = format!("`concurrency` must be a whole number from 1 to {MAX_CONCURRENCY}");
            number.and_then(|number| u32::try_from(number).ok()).ok_or_else(|| NodeError::new("invalid_value", message))
        }
    }
}

fn gather(value: Option<&Value>) -> Result<Gather, NodeError> {
    let first = |value: &Value| value.get("first")?.as_int().and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0);
    match value {
        None | Some(Value::Null) => Ok(Gather::All),
        Some(value) => match (value.as_str(), first(value)) {
            (Some("all"), _) => Ok(Gather::All),
            (Some("all_settled"), _) => Ok(Gather::AllSettled),
            (Some("any"), _) => Ok(Gather::Any),
            (None, Some(wanted)) => Ok(Gather::First(wanted)),
            _ => {
                let message = "`gather` must be `all`, `all_settled`, `any` or `{\"first\": n}` with n from 1";
                Err(NodeError::new("invalid_value", message))
            }
        },
    }
}
