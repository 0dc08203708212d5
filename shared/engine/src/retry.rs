//! `retry`: another attempt after a pause that grows, for effects and scopes.
//!
//! Running → waiting → running with the next attempt, at most as often as the policy says. Effects are tried again when their
//! failure says that it could help, scopes after every failure but a used-up budget. Jitter is a hash, never a generator. An
//! answer that asks for a longer pause gets it. When a person asks for the run to go on, all attempts count from anew.

use crate::{
    EventKind,
    arena::{BehaviourKind, Compiled},
    effect,
    machine::{At, Machine},
    state::{NodeStatus, Timer, TimerKind},
};
use holon_flow::{capability::NodeError, definition::Retry};
use holon_model::{Millis, Value};

/// The longest pause that an answer can ask for.
const LONGEST_ASKED: u64 = 60 * 60 * 1_000;

/// Waits for the next attempt, if there is to be one; otherwise the node has failed.
pub(crate) fn pause(machine: &mut Machine, flow: &Compiled, at: At, error: &NodeError) -> bool {
    let Some(policy) = &machine.cnode(flow, at).policies.retry else { return false };
    let extra = machine.core.arena.node_mut(at.frame, at.node).extra();
    let tried = extra.attempt.saturating_sub(extra.spent);
    if tried >= policy.attempts || !machine.goes_on(at) {
        return false;
    }
    let path = machine.paths[at.frame as usize].node(&machine.cnode(flow, at).key);
    let seed = machine.core.info.as_ref().map_or(0, |info| info.seed);
    let mut pause = delay(policy, seed, &path, tried);
    if machine.means(2) && matches!(machine.cnode(flow, at).behaviour, BehaviourKind::Effect) {
        pause = pause.max(asked(error));
    }
    let due = machine.core.at.plus(pause);
    let id = machine.set_timer(Timer { due, frame: at.frame, node: at.node, kind: TimerKind::Retry });
    let state = machine.core.arena.node_mut(at.frame, at.node);
    state.become_(NodeStatus::Waiting);
    let extra = state.extra();
    extra.timer = Some(id);
    extra.waiting_until = Some(due);
    extra.error = Some(error.clone());
    machine.node_event(flow, at, EventKind::NodeWaiting { until: due, error: Some(error.clone()) }, false);
    true
}

/// The pause that the answer asked for, in whole seconds.
fn asked(error: &NodeError) -> Millis {
    let seconds =
        error.detail.get("retry_after").and_then(Value::as_int).and_then(|seconds| u64::try_from(seconds).ok());
    Millis(seconds.unwrap_or(0).saturating_mul(1_000).min(LONGEST_ASKED))
}

/// A person asked for the run to go on after its failure: whatever is being tried has all its attempts and all its time again,
/// and so has the run.
pub(crate) fn tried_again(machine: &mut Machine, flow: &Compiled) {
    let mut timed = Vec::new();
    for (frame, open) in (0..).zip(&machine.core.arena.frames) {
        let nodes = flow.graphs[open.graph as usize].nodes.len();
        timed.extend((0..crate::arena::index(nodes)).map(|node| At { frame, node }));
    }
    for at in timed {
        let state = machine.core.arena.node_mut(at.frame, at.node);
        let Some(extra) = state.extra.as_deref_mut() else { continue };
        if state.status.is_terminal() || extra.attempt == 0 {
            continue;
        }
        extra.spent = extra.attempt - 1;
        let (Some(set), Some(limit)) = (extra.timeout, machine.cnode(flow, at).policies.timeout) else { continue };
        machine.drop_timer(set);
        let due = machine.core.at.plus(limit);
        let id = machine.set_timer(Timer { due, frame: at.frame, node: at.node, kind: TimerKind::Timeout });
        machine.core.arena.node_mut(at.frame, at.node).extra().timeout = Some(id);
    }
    if let (Some(set), Some(limit)) = (machine.core.deadline, flow.deadline) {
        machine.drop_timer(set);
        let due = machine.core.at.plus(limit);
        machine.core.deadline = Some(machine.set_timer(Timer { due, frame: 0, node: 0, kind: TimerKind::Deadline }));
    }
}

/// The pause is over: the next attempt.
pub(crate) fn fired(machine: &mut Machine, flow: &Compiled, at: At) {
    let state = machine.core.arena.node_mut(at.frame, at.node);
    state.become_(NodeStatus::Running);
    let extra = state.extra();
    extra.attempt += 1;
    extra.waiting_until = None;
    extra.error = None;
    machine.node_event(flow, at, EventKind::NodeStarted, false);
    let begun = match machine.cnode(flow, at).behaviour {
        BehaviourKind::Primitive(primitive) => machine.begin_scope(flow, at, primitive),
        _ => {
            effect::issue(machine, flow, at);
            Ok(())
        }
    };
    if let Err(error) = begun {
        machine.fail_node(flow, at, error);
    }
}

/// A scope failed; all of its bodies are over.
pub(crate) fn scope_failed(machine: &mut Machine, flow: &Compiled, at: At, error: NodeError) {
    let again = error.code != Machine::out_of_fuel().code && pause(machine, flow, at, &error);
    if !again {
        machine.fail_node(flow, at, error);
    }
}

/// The pause after attempt number `attempt`, from 1.
pub(crate) fn delay(policy: &Retry, seed: u64, path: &str, attempt: u32) -> Millis {
    let mut wait = u128::from(policy.initial.0);
    let max = u128::from(policy.max.0);
    for _ in 1..attempt {
        wait = wait * u128::from(policy.factor_percent) / 100;
        if wait >= max {
            break;
        }
    }
    wait = wait.min(max);
    if policy.jitter {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&seed.to_le_bytes()).update(path.as_bytes()).update(&[0]).update(&attempt.to_le_bytes());
        let hash = hasher.finalize();
        let draw = u128::from(u16::from_le_bytes([hash.as_bytes()[0], hash.as_bytes()[1]]));
        wait -= wait * draw / (4 * u128::from(u16::MAX));
    }
    Millis(u64::try_from(wait).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(jitter: bool) -> Retry {
        Retry { attempts: 9, initial: Millis(100), factor_percent: 200, max: Millis(1_000), jitter }
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let waits: Vec<u64> = (1..=6).map(|attempt| delay(&policy(false), 0, "a", attempt).0).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1_000, 1_000]);
    }

    #[test]
    fn jitter_takes_off_a_quarter_at_most_and_is_the_same_each_time() {
        let waits: Vec<u64> = (1..=9).map(|attempt| delay(&policy(true), 7, "a", attempt).0).collect();
        assert_eq!(waits, (1..=9).map(|attempt| delay(&policy(true), 7, "a", attempt).0).collect::<Vec<_>>());
        for (attempt, wait) in (1..=9).zip(&waits) {
            let whole = delay(&policy(false), 0, "a", attempt).0;
            assert!(*wait <= whole && *wait >= whole - whole.div_ceil(4), "{wait} of {whole}");
        }
        assert_ne!(waits, (1..=9).map(|attempt| delay(&policy(true), 8, "a", attempt).0).collect::<Vec<_>>());
    }
}
