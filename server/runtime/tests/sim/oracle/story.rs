//! One run, as its journal tells it on a fresh machine.

use std::collections::BTreeMap;

use holon_engine::{Command, EffectId, Event, Input, Machine, Outcome, Parent, RunEffect, decode_input};
use holon_model::{RunId, TenantId, Timestamp};
use holon_runtime::replay;
use holon_runtime::store::{HistoryRow, Store as _};

use super::{CANCELLED, TERMINATED};
use crate::flows;
use crate::world::World;

/// One run, as its journal tells it on a fresh machine.
pub struct Story {
    pub tenant: TenantId,
    pub run: RunId,
    pub row: HistoryRow,
    /// Numbers of the first inputs of its rows.
    rows: Vec<i64>,
    pub machine: Machine,
    pub inputs: Vec<(Timestamp, Input)>,
    /// With the number of the input that each follows from.
    pub commands: Vec<(usize, Command)>,
    pub events: Vec<Event>,
}

pub type Stories = BTreeMap<RunId, Story>;

impl Story {
    /// Reads a run; what cannot be read is a problem.
    pub async fn read(world: &World, tenant: TenantId, run: RunId) -> Option<Self> {
        let problem = |kind, words: String| world.problems.add(kind, || format!("{run}: {words}"));
        let row = world.store.history(tenant, run).await.ok()??;
        // One that left its line before it was its turn took nothing in.
        let withdrawn = row.ended.as_ref().is_some_and(|ended| [CANCELLED, TERMINATED].contains(&&*ended.status));
        let entries = match world.store.journal(tenant, run, 0).await {
            Ok(entries) if !entries.is_empty() || withdrawn => entries,
            Ok(_) => {
                problem("journal", "there is no input".into());
                return None;
            }
            Err(error) => {
                problem("journal", error.to_string());
                return None;
            }
        };
        let flow = flows::flow(row.facts.flow)?;
        let mut machine = Machine::new(flow.compiled.clone());
        let mut inputs = Vec::new();
        for entry in &entries {
            match decode_input(&entry.input) {
                Ok(input) => inputs.push((entry.at, input)),
                Err(error) => problem("journal", error.to_string()),
            }
        }
        let (mut commands, mut events, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        let mut number = 0;
        let replayed = replay(&mut machine, 0, &entries, |decision| {
            if !decision.accepted {
                refused.push(number);
            }
            commands.extend(decision.commands.into_iter().map(|command| (number, command)));
            events.extend(decision.events);
            number += 1;
        });
        if let Err(error) = replayed {
            problem("replay", error.to_string());
        }
        for number in refused {
            problem("journal", format!("input {number} changes nothing and is written: {:?}", inputs[number].1));
        }
        let rows = world.store.rows(tenant, run);
        Some(Self { tenant, run, row, rows, machine, inputs, commands, events })
    }

    /// The first input of the row that an input stands in.
    pub fn row_of(&self, number: usize) -> i64 {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        self.rows.iter().copied().filter(|row| *row <= number).max().unwrap_or(i64::MAX)
    }

    pub fn parent(&self) -> Option<Parent> {
        self.machine.info()?.lineage.as_ref()?.parent
    }

    pub fn continued_from(&self) -> Option<RunId> {
        self.machine.info()?.lineage.as_ref()?.continued_from
    }

    /// Whether it left its line before its turn came: nothing of it has happened.
    pub fn withdrawn(&self) -> bool {
        self.inputs.is_empty()
    }

    /// How it was ended by decree, if it was: its machine does not say so.
    pub fn decreed(&self) -> Option<&str> {
        let status = self.row.ended.as_ref().map(|ended| &*ended.status)?;
        (status == TERMINATED || (status == CANCELLED && self.withdrawn())).then_some(status)
    }

    /// How it ended: as its machine says, or by decree.
    pub fn outcome(&self) -> Option<Outcome> {
        match (self.decreed(), &self.row.ended) {
            (Some(_), Some(ended)) => Some(Outcome::Cancelled { reason: ended.error.clone().unwrap_or_default() }),
            _ => self.machine.outcome().cloned(),
        }
    }

    /// What it asked of one kind, by id; with the number of the input that the first attempt follows from.
    pub fn asked(&self, kind: &str) -> BTreeMap<EffectId, (usize, &RunEffect)> {
        let mut asked = BTreeMap::new();
        for (number, command) in &self.commands {
            if let Command::RunEffect(effect) = command
                && &*effect.kind.name == kind
            {
                asked.entry(effect.id).or_insert((*number, &**effect));
            }
        }
        asked
    }

    /// How many of its inputs were copied from another run.
    pub fn copied(&self) -> usize {
        let again = self.inputs.iter().rposition(|(_, input)| matches!(input, Input::TriedAgain { .. }));
        let forked = self.row.facts.marks.fork_of.map_or(0, |(_, seq)| usize::try_from(seq).unwrap_or(0));
        again.unwrap_or(0).max(forked)
    }

    /// Whether it begins with what another run took in.
    pub fn copies(&self) -> bool {
        self.row.facts.retry_of.is_some() || self.row.facts.marks.fork_of.is_some()
    }

    /// What effects came to, from an input on; with its number.
    pub fn completed(&self, from: usize) -> impl Iterator<Item = Completed<'_>> {
        self.inputs.iter().enumerate().skip(from).filter_map(|(number, (at, input))| match input {
            Input::EffectCompleted { id, attempt, outcome } => {
                Some(Completed { number, at: *at, id: *id, attempt: *attempt, outcome })
            }
            _ => None,
        })
    }
}

/// What an attempt at an effect came to.
#[derive(Debug, Clone, Copy)]
pub struct Completed<'a> {
    pub number: usize,
    pub at: Timestamp,
    pub id: EffectId,
    pub attempt: u32,
    pub outcome: &'a Outcome,
}
