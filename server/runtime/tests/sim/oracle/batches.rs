//! What must hold of batches (docs/batches.md): what a run brings is in one batch, which is the one that its journal names; whoever brought
//! something hears what became of that batch, and has its share of it; and what was taken back is in none.

use std::collections::BTreeMap;

use holon_engine::{Command, EffectId, Input, Joins, Outcome, Parent, share};
use holon_model::{RunId, Value};

use super::Judge;
use super::story::Story;

/// Where an item ended up: in which batch, in which place, of how many.
struct Place {
    batch: RunId,
    number: usize,
    of: usize,
}

/// Whether a run collects what others bring; also one that copies another's journal.
pub fn is_batch(story: &Story) -> bool {
    story.row.facts.trigger == "batch"
}

/// Who has something in a batch, in order.
fn members(story: &Story) -> Vec<(Parent, Value)> {
    let mut members: Vec<(Parent, Value)> = Vec::new();
    for (_, input) in &story.inputs {
        match input {
            Input::Joined { member, item } => members.push((*member, item.to_value())),
            Input::Left { member } => members.retain(|(known, _)| known != member),
            _ => {}
        }
    }
    members
}

/// The most that a batch may have, as it was started.
fn size(story: &Story) -> usize {
    let bound = match story.inputs.first() {
        Some((_, Input::Start { input, .. })) => input.to_value().get("size").and_then(Value::as_int),
        _ => None,
    };
    bound.and_then(|size| usize::try_from(size).ok()).unwrap_or(0)
}

/// What a run brings somewhere, by what asks for it.
fn brings(story: &Story) -> BTreeMap<EffectId, Joins> {
    let joins = |(_, command): &(usize, Command)| match command {
        Command::StartChild(child) => Some((child.id, child.joins()?)),
        _ => None,
    };
    story.commands.iter().filter_map(joins).collect()
}

impl Judge<'_> {
    pub(super) fn batches(&self) {
        let mut places: BTreeMap<(RunId, EffectId), Place> = BTreeMap::new();
        for story in self.stories.values().filter(|story| is_batch(story) && !story.copies()) {
            let members = members(story);
            if members.len() > size(story) {
                self.problem("batch", story.run, || format!("it has {} items of {}", members.len(), size(story)));
            }
            for (number, (member, item)) in members.iter().enumerate() {
                self.chosen(story, *member, item);
                let place = Place { batch: story.run, number, of: members.len() };
                if let Some(other) = places.insert((member.run, member.id), place) {
                    let two = (other.batch, story.run);
                    self.problem("batch", member.run, || format!("what {:?} brought is in two: {two:?}", member.id));
                }
            }
        }
        self.stories.values().for_each(|story| self.shares(story, &places));
    }

    /// Where the item ended up that a run brought which this one retries.
    fn of_retried<'a>(
        &self,
        story: &Story,
        id: EffectId,
        places: &'a BTreeMap<(RunId, EffectId), Place>,
    ) -> Option<&'a Place> {
        let mut retried = story.row.facts.retry_of;
        while let Some(run) = retried {
            if let Some(place) = places.get(&(run, id)) {
                return Some(place);
            }
            retried = self.stories.get(&run)?.row.facts.retry_of;
        }
        None
    }

    /// The journal of whoever brought an item names this batch, last of all, and what is there is what was brought.
    fn chosen(&self, batch: &Story, member: Parent, item: &Value) {
        let Some(story) = self.stories.get(&member.run) else {
            return self.problem("batch", batch.run, || format!("{member:?} never was"));
        };
        let chose = story.inputs.iter().rev().find_map(|(_, input)| match input {
            Input::BatchChosen { id, batch } if *id == member.id => Some(*batch),
            _ => None,
        });
        if chose != Some(batch.run) {
            self.problem("batch", member.run, || format!("its item is in {}, and it chose {chose:?}", batch.run));
        }
        if brings(story).get(&member.id).map(|joins| &joins.item) != Some(item) {
            self.problem("batch", member.run, || format!("{item:?} is in {}, and it did not bring that", batch.run));
        }
    }

    /// Whoever brought something heard what became of its batch, unless it had given that up.
    fn shares(&self, story: &Story, places: &BTreeMap<(RunId, EffectId), Place>) {
        let items = brings(story);
        for (_, input) in story.inputs.iter().skip(story.copied()) {
            let Input::ChildEnded { id, outcome } = input else { continue };
            if !items.contains_key(id) {
                continue;
            }
            let gives_up = |(_, command): &(usize, Command)| matches!(command, Command::CancelChild { id: given_up } if given_up == id);
            let given_up = matches!(outcome, Outcome::Cancelled { .. }) && story.commands.iter().any(gives_up);
            let place = places.get(&(story.run, *id)).or_else(|| self.of_retried(story, *id, places));
            let theirs = place.and_then(|place| {
                let ended = self.stories.get(&place.batch)?.outcome()?;
                Some(share(&ended, place.number, place.of))
            });
            if theirs.as_ref() != Some(outcome) && !given_up {
                let batch = place.map(|place| place.batch);
                self.problem("batch", story.run, || format!("it was told {outcome:?}, and {batch:?} gave {theirs:?}"));
            }
        }
    }
}
