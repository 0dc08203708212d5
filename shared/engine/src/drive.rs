//! The loop that server, preview, debugger and simulator share; they differ only in who answers the commands.

use crate::{Command, Decision, Input, Machine, RunStatus, Stamped};
use holon_model::Timestamp;

/// Who answers: effects, samples, history, a seeded generator.
pub trait Oracle {
    /// Takes note of a command that was decided at this time.
    fn command(&mut self, at: Timestamp, command: Command);

    /// The next thing that happens; `None` when nothing will.
    fn next(&mut self) -> Option<Stamped<Input>>;
}

/// Feeds the machine until the run is over or nothing happens any more. `sink` sees each input that counted and what followed.
pub fn drive(
    machine: &mut Machine,
    oracle: &mut dyn Oracle,
    sink: &mut dyn FnMut(&Stamped<Input>, &Decision),
) -> RunStatus {
    while !machine.status().is_terminal()
        && let Some(input) = oracle.next()
    {
        let mut decision = machine.handle(input.clone());
        if decision.accepted {
            sink(&Stamped { at: decision.at, ..input }, &decision);
        }
        for command in decision.commands.drain(..) {
            oracle.command(decision.at, command);
        }
    }
    machine.status()
}
