//! `retry`: another attempt after a pause that grows, for effects and scopes.
//!
//! Running → waiting → running with the next attempt, at most as often as the policy says. Effects are tried again when their
//! failure says that it could help, scopes after every failure but a used-up budget. Jitter is a hash, never a generator.

use crate::{
    EventKind,
    arena::{BehaviourKind, Compiled},
    effect,
    machine::{At, Machine},
    state::{NodeStatus, Timer, TimerKind},
};
use holon_flow::{capability::NodeError, definition::Retry};
use holon_model::Millis;

/// Waits for the next attempt, if there is to be one; otherwise the node has failed.
pub(crate) fn pause(machine: &mut Machine, flow: &Compiled, at: At, error: &NodeError) -> bool {
    let Some(policy) = &machine.cnode(flow, at).policies.retry else { return false };
    let attempt = machine.core.arena.node_mut(at.frame, at.node).extra().attempt;
    if attempt >= policy.attempts || !machine.goes_on(at) {
        return false;
    }
    let path = machine.paths[at.frame as usize].node(&machine.cnode(flow, at).key);
    let seed = machine.core.info.as_ref().map_or(0, |info| info.seed);
    let due = machine.core.at.plus(delay(policy, seed, &path, attempt));
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
