//! What an input led to, in short: what became true and what is to be done.

use holon_engine::{Command, Decision, Event, EventKind, Machine, RunEffect};
use holon_model::wire::replay::Fact;

/// Facts that are told of one input.
const MOST: usize = 100;

/// Paths of nodes that began with these events, or that were begun and over at once.
pub(crate) fn started(events: &[Event]) -> impl Iterator<Item = String> {
    events.iter().filter_map(|event| {
        // What began before has its end in another decision than its beginning.
        let node = event.node.as_ref().filter(|node| node.started_at == event.at)?;
        (event.kind != EventKind::NodeSkipped).then(|| node.path())
    })
}

/// What became true, what is asked for, and how much is left out.
pub(crate) fn of(decision: &Decision, machine: &Machine) -> (Vec<Fact>, Vec<Fact>, u32) {
    let became: Vec<Fact> = decision.events.iter().map(event).collect();
    let asked: Vec<Fact> = decision.commands.iter().filter_map(|told| command(told, machine)).collect();
    let more = became.len().saturating_sub(MOST) + asked.len().saturating_sub(MOST);
    let first = |facts: Vec<Fact>| facts.into_iter().take(MOST).collect();
    (first(became), first(asked), u32::try_from(more).unwrap_or(u32::MAX))
}

fn event(event: &Event) -> Fact {
    let fact = Fact {
        what: event.kind.name().to_owned(),
        path: event.node.as_ref().map(|node| node.path()),
        ..Fact::default()
    };
    match &event.kind {
        EventKind::RunFailed { error } | EventKind::NodeFailed { error } => {
            Fact { text: error.message.clone(), ..fact }
        }
        EventKind::CancelRequested { reason } | EventKind::RunCancelled { reason } => {
            Fact { text: reason.clone(), ..fact }
        }
        EventKind::NodeWaiting { until, error } => {
            let text = error.as_ref().map(|error| error.message.clone()).unwrap_or_default();
            Fact { text, until: Some(*until), ..fact }
        }
        EventKind::SagaStep { step, state } => Fact { text: format!("{step}: {}", state.name()), ..fact },
        EventKind::NodeSucceeded { port, .. } if **port != *"out" => Fact { text: port.to_string(), ..fact },
        EventKind::Responded { status } => Fact { text: status.to_string(), ..fact },
        _ => fact,
    }
}

/// What is to be done; that something is not wanted any more says the event already.
fn command(command: &Command, machine: &Machine) -> Option<Fact> {
    let fact = |what: &str, path: &str, text: String| Fact {
        what: what.to_owned(),
        path: Some(path.to_owned()),
        text,
        until: None,
    };
    Some(match command {
        Command::RunEffect(effect) => fact("run_effect", &effect.path, effect_text(effect)),
        Command::SetTimer { id, due } => {
            let timer = machine.due_timers().find(|timer| timer.id == *id)?;
            Fact { until: Some(*due), ..fact("set_timer", &timer.path, timer.what.to_owned()) }
        }
        Command::AwaitSignal { path, name, .. } => fact("await_signal", path, name.clone()),
        Command::OpenTask(task) => fact("open_task", &task.path, task.title.clone()),
        Command::StartChild(child) => fact("start_child", &child.path, child.flow.clone()),
        _ => return None,
    })
}

fn effect_text(effect: &RunEffect) -> String {
    match effect.attempt {
        1 => effect.kind.to_string(),
        attempt => format!("{}, attempt {attempt}", effect.kind),
    }
}
