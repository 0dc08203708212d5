//! `wait`: passes its input on when a time has come.
//!
//! Pending → running → waiting → succeeded; a time that is past already is not waited for.

use crate::{
    EventKind,
    arena::{CNode, Compiled},
    machine::{At, Machine},
    state::{NodeStatus, Timer, TimerKind},
};
use holon_flow::{capability::NodeError, definition::duration};
use holon_model::{Timestamp, Value};

/// Config: `{for: "5s" | milliseconds}` or `{until: RFC 3339 | milliseconds since 1970}`.
pub(crate) fn start(
    machine: &mut Machine,
    flow: &Compiled,
    at: At,
    node: &CNode,
    config: &Value,
) -> Result<(), NodeError> {
    let now = machine.core.at;
    let due = due(config, now)?;
    if due <= now {
        machine.pass(flow, at, machine.cnode(flow, at).out_port);
        return Ok(());
    }
    machine.started(flow, at, node);
    let id = machine.set_timer(Timer { due, frame: at.frame, node: at.node, kind: TimerKind::Wait });
    let state = machine.core.arena.node_mut(at.frame, at.node);
    state.become_(NodeStatus::Waiting);
    let extra = state.extra();
    extra.timer = Some(id);
    extra.waiting_until = Some(due);
    machine.node_event(flow, at, EventKind::NodeWaiting { until: due, error: None }, false);
    Ok(())
}

/// The time has come.
pub(crate) fn fired(machine: &mut Machine, flow: &Compiled, at: At) {
    machine.pass(flow, at, machine.cnode(flow, at).out_port);
}

fn due(config: &Value, now: Timestamp) -> Result<Timestamp, NodeError> {
    let given = |name: &str| config.get(name).filter(|value| !value.is_null());
    let invalid = |message: &str| NodeError::new("invalid_value", message);
    match (given("for"), given("until")) {
        (Some(span), None) => {
            let millis = duration::parse(span).map_err(|message| invalid(&message))?;
            Ok(now.plus(millis))
        }
        (None, Some(until)) => {
            let instant = match until {
                Value::Str(text) => instant(text),
                number => number.as_int().map(Timestamp),
            };
            instant.ok_or_else(|| invalid("`until` must be a time such as `2030-01-31T09:00:00Z`"))
        }
        _ => Err(invalid("say either `for` or `until`")),
    }
}

/// A time, or how long from now.
pub(crate) fn moment(value: &Value, now: Timestamp) -> Result<Timestamp, NodeError> {
    let due = match duration::parse(value) {
        Ok(millis) => Some(now.plus(millis)),
        Err(_) => value.as_str().and_then(instant),
    };
    let message = "this must be a duration such as `2d`, or a time such as `2030-01-31T09:00:00Z`";
    due.ok_or_else(|| NodeError::new("invalid_value", message))
}

fn instant(text: &str) -> Option<Timestamp> {
    let parsed = time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).ok()?;
    i64::try_from(parsed.unix_timestamp_nanos().div_euclid(1_000_000)).ok().map(Timestamp)
}
