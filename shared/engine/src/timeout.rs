//! Timers: setting, dropping, firing; and the `timeout` policy of any node.
//!
//! A node's timeout covers all its attempts and the pauses between them. When it fires the node gives its fallback, or fails
//! with `timeout`, and is not tried again; a scope first stops what runs in it, a called run is cancelled first.

use crate::{
    Command, TimerId,
    arena::{BehaviourKind, Compiled},
    child, effect,
    machine::{At, Machine},
    node::Emit,
    retry, saga, scope,
    state::{Ending, Timer, TimerKind},
    task, wait,
};
use holon_flow::capability::{NodeError, Primitive};

impl Machine {
    pub(crate) fn set_timer(&mut self, timer: Timer) -> TimerId {
        let id = self.core.timers.set(timer);
        self.log.command(Command::SetTimer { id, due: timer.due });
        id
    }

    pub(crate) fn drop_timer(&mut self, id: TimerId) {
        if self.core.timers.remove(id).is_some() {
            self.log.command(Command::CancelTimer { id });
        }
    }

    /// The node is over: its timers are not wanted any more.
    pub(crate) fn drop_timers(&mut self, at: At) {
        let Some(extra) = &mut self.core.arena.node_mut(at.frame, at.node).extra else { return };
        extra.waiting_until = None;
        for id in [extra.timer.take(), extra.timeout.take()].into_iter().flatten() {
            self.drop_timer(id);
        }
    }

    pub(crate) fn timer_fired(&mut self, flow: &Compiled, id: TimerId) {
        let Some(timer) = self.core.timers.remove(id) else { return };
        let at = At { frame: timer.frame, node: timer.node };
        match timer.kind {
            TimerKind::Deadline => return self.deadline_passed(flow),
            TimerKind::Collect => return self.run_batch(flow),
            _ => {}
        }
        let extra = self.core.arena.node_mut(at.frame, at.node).extra();
        match timer.kind {
            TimerKind::Wait => {
                extra.timer = None;
                wait::fired(self, flow, at);
            }
            TimerKind::Retry => {
                extra.timer = None;
                retry::fired(self, flow, at);
            }
            TimerKind::Timeout => {
                extra.timeout = None;
                timed_out(self, flow, at);
            }
            TimerKind::Due => {
                extra.timer = None;
                task::due(self, flow, at);
            }
            TimerKind::Compensate => saga::try_again(self, flow, at),
            // Handled before: they are of no node.
            TimerKind::Deadline | TimerKind::Collect => {}
        }
    }

    /// The whole run took too long: it fails, once what must be cleaned up or undone is.
    fn deadline_passed(&mut self, flow: &Compiled) {
        self.core.deadline = None;
        let limit = flow.deadline.map_or(0, |deadline| deadline.0);
        let error = NodeError::new("deadline_exceeded", format!("the run took longer than its {limit} ms"));
        self.fail_frame(flow, 0, error);
    }
}

fn timed_out(machine: &mut Machine, flow: &Compiled, at: At) {
    let node = machine.cnode(flow, at);
    let limit = node.policies.timeout.map_or(0, |timeout| timeout.0);
    let error = NodeError::new("timeout", format!("the node `{}` took longer than its {limit} ms", node.key));
    if machine.has_child(at) {
        child::stop(machine, flow, at, Ending::Timeout(error));
    } else if scope::is_busy(machine.core.arena.node_mut(at.frame, at.node).extra()) {
        machine.close_scope(flow, at, Ending::Timeout(error));
    } else {
        effect::drop_call(machine, flow, at);
        machine.drop_ask(flow, at);
        time_up(machine, flow, at, error);
    }
}

/// The node's time is up and nothing of it goes on: its fallback if it has one, else it has failed.
pub(crate) fn time_up(machine: &mut Machine, flow: &Compiled, at: At, error: NodeError) {
    let node = machine.cnode(flow, at);
    let Some(fallback) = &node.fallback else { return machine.fail_node(flow, at, error) };
    let given = machine.eval(flow, at, fallback).and_then(|value| {
        let (port, value) = match node.behaviour {
            BehaviourKind::Primitive(Primitive::Approval) => task::fallback(machine, node, &value)?,
            _ => (node.out_port, value),
        };
        Ok(Emit { port, value: crate::node::shallow(value)?, passed: false })
    });
    match given {
        Ok(emit) => machine.succeed_node(flow, at, emit),
        Err(error) => machine.fail_node(flow, at, error),
    }
}
