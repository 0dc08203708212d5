//! What can start a run, as its manifest calls it: triggers, and the kinds that begin runs of other flows.

use holon_flow::capability::{Behaviour, Primitive};
use holon_flow::{Catalogue, NodeKind};
use holon_model::wire::runs::{RunSummary, Starter};

/// All of them, each once, in the catalogue's order.
pub fn all(catalogue: &Catalogue) -> Vec<Starter> {
    let mut all: Vec<Starter> = Vec::new();
    for kind in catalogue.kinds().filter(|kind| starts_runs(kind)) {
        if !all.iter().any(|known| *known.kind == *kind.name) {
            all.push(Starter { kind: kind.name.to_string(), title: kind.title.clone() });
        }
    }
    all
}

/// Says of a run what people call that which started it.
pub fn name(catalogue: &Catalogue, run: &mut RunSummary) {
    let wanted = run.trigger.split('@').next().unwrap_or_default();
    let kind = catalogue.kinds().find(|kind| *kind.name == *wanted);
    // A kind that is not there any more is called by its name.
    run.trigger_title = kind.map_or_else(|| wanted.to_owned(), |kind| kind.title.clone());
}

fn starts_runs(kind: &NodeKind) -> bool {
    matches!(kind.behaviour, Behaviour::Trigger | Behaviour::Primitive(Primitive::Flow | Primitive::Batch))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trigger_of_the_catalogue_can_start_runs_and_is_called_as_its_manifest_does() {
        let catalogue = holon_catalogue::catalogue();
        let all = all(&catalogue);
        let title = |kind: &str| all.iter().find(|one| one.kind == kind).map(|one| one.title.as_str());
        assert_eq!((title("trigger.webhook"), title("flow"), title("data.set")), (Some("Webhook"), Some("Flow"), None));
        let triggers = catalogue.kinds().filter(|kind| kind.name.starts_with("trigger."));
        for kind in triggers {
            assert_eq!(title(&kind.name), Some(kind.title.as_str()));
        }
    }
}
