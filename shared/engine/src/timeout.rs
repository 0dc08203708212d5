//! Timers: setting, dropping, firing; and the `timeout` policy of any node.
//!
//! A node's timeout covers all its attempts and the pauses between them. When it fires the node fails with `timeout`, and is
//! not tried again; a scope first stops what runs in it.

use crate::{
    Command, TimerId,
    arena::Compiled,
    effect,
    machine::{At, Machine},
    retry,
    state::{Ending, Timer, TimerKind},
    wait,
};
use holon_flow::capability::NodeError;

impl Machine {
    pub(crate) fn set_timer(&mut self, timer: Timer) -> TimerId {
        let id = self.core.timers.set(timer);
        self.log.command(Command::SetTimer { id, due: timer.due });
        id
    }

    fn drop_timer(&mut self, id: TimerId) {
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
        }
    }
}

fn timed_out(machine: &mut Machine, flow: &Compiled, at: At) {
    let node = machine.cnode(flow, at);
    let limit = node.policies.timeout.map_or(0, |timeout| timeout.0);
    let error = NodeError::new("timeout", format!("the node `{}` took longer than its {limit} ms", node.key));
    let extra = machine.core.arena.node_mut(at.frame, at.node).extra();
    if extra.scope.is_some() && !extra.children.is_empty() {
        machine.close_scope(flow, at, Ending::Timeout(error));
    } else {
        effect::drop_call(machine, flow, at);
        machine.fail_node(flow, at, error);
    }
}
