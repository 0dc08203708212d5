//! Snapshots: a machine as bytes, so that a long run is not replayed from its start.
//!
//! `version · blake3 of what follows (16 bytes) · definition hash (32) · postcard`. Bytes that were not written by a machine of
//! this version for this definition are refused before anything in them is trusted.

use crate::{
    Compiled, Machine,
    log::Log,
    machine::Core,
    path::FramePath,
    state::{Arena, Frame},
};
use holon_flow::expr::Meter;
use serde::{Deserialize, Serialize};
use std::{collections::VecDeque, sync::Arc};

const VERSION: u8 = 3;
const SUM: usize = 16;

/// Why bytes are not a snapshot of a run of this flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// Written by another version: replay the journal instead.
    #[error("the snapshot has version {0}, this build reads version {VERSION}")]
    Version(u8),
    /// Taken of a run of another definition.
    #[error("the snapshot belongs to another definition")]
    OtherDefinition,
    /// Cut off or changed.
    #[error("the snapshot is damaged")]
    Damaged,
}

#[derive(Serialize)]
struct Written<'a> {
    core: &'a Core,
    fuel: u64,
    bytes: u64,
    hash: [u8; 32],
    seq: u64,
}

#[derive(Deserialize)]
struct Read {
    core: Core,
    fuel: u64,
    bytes: u64,
    hash: [u8; 32],
    seq: u64,
}

impl Machine {
    /// The machine as bytes.
    pub fn snapshot(&self) -> Vec<u8> {
        let written = Written {
            core: &self.core,
            fuel: self.meter.fuel,
            bytes: self.meter.bytes,
            hash: self.log.hash,
            seq: self.log.seq,
        };
        // Serialising plain data into a growing vector has nothing that can fail.
        let mut body = postcard::to_allocvec(&written).unwrap_or_default();
        let undone = !self.core.undone.is_empty();
        let recent = undone || !self.core.mailbox.recent.is_empty();
        let batches = recent || !self.core.batches.is_empty();
        let turns = batches || !self.core.turns.is_empty();
        if turns || !self.core.kept.is_empty() {
            body.extend(postcard::to_allocvec(&self.core.kept).unwrap_or_default());
        }
        if turns {
            body.extend(postcard::to_allocvec(&self.core.turns).unwrap_or_default());
        }
        if batches {
            body.extend(postcard::to_allocvec(&self.core.batches).unwrap_or_default());
            if recent || !self.core.batches.ahead.is_empty() {
                body.extend(postcard::to_allocvec(&self.core.batches.ahead).unwrap_or_default());
            }
            if recent {
                body.extend(postcard::to_allocvec(&self.core.mailbox.recent).unwrap_or_default());
            }
            if undone {
                body.extend(postcard::to_allocvec(&self.core.undone).unwrap_or_default());
            }
        }
        let definition = self.flow.hash();
        let sum = checksum(&definition, &body);
        [&[VERSION], sum.as_slice(), definition.as_slice(), body.as_slice()].concat()
    }

    /// The machine that [`Machine::snapshot`] saw; it goes on exactly as that one.
    ///
    /// # Errors
    /// Another version, another definition, damage.
    pub fn restore(flow: Arc<Compiled>, bytes: &[u8]) -> Result<Self, SnapshotError> {
        let (version, rest) = bytes.split_first().ok_or(SnapshotError::Damaged)?;
        if *version != VERSION {
            return Err(SnapshotError::Version(*version));
        }
        let (sum, rest) = rest.split_at_checked(SUM).ok_or(SnapshotError::Damaged)?;
        let (definition, body) = rest.split_at_checked(32).ok_or(SnapshotError::Damaged)?;
        if checksum(definition, body) != sum {
            return Err(SnapshotError::Damaged);
        }
        if definition != flow.hash() {
            return Err(SnapshotError::OtherDefinition);
        }
        let (mut read, tail): (Read, _) = postcard::take_from_bytes(body).map_err(|_| SnapshotError::Damaged)?;
        if !tail.is_empty() {
            let (kept, tail) = postcard::take_from_bytes(tail).map_err(|_| SnapshotError::Damaged)?;
            read.core.kept = kept;
            if !tail.is_empty() {
                let (turns, tail) = postcard::take_from_bytes(tail).map_err(|_| SnapshotError::Damaged)?;
                read.core.turns = turns;
                if !tail.is_empty() {
                    let (batches, tail) = postcard::take_from_bytes(tail).map_err(|_| SnapshotError::Damaged)?;
                    read.core.batches = batches;
                    if !tail.is_empty() {
                        let (ahead, tail) = postcard::take_from_bytes(tail).map_err(|_| SnapshotError::Damaged)?;
                        read.core.batches.ahead = ahead;
                        if !tail.is_empty() {
                            let (recent, tail) = postcard::take_from_bytes(tail).map_err(|_| SnapshotError::Damaged)?;
                            read.core.mailbox.recent = recent;
                            if !tail.is_empty() {
                                read.core.undone = postcard::from_bytes(tail).map_err(|_| SnapshotError::Damaged)?;
                            }
                        }
                    }
                }
            }
        }
        read.core.mailbox.weigh();
        let mut log = Log::new(flow.hash());
        log.hash = read.hash;
        log.seq = read.seq;
        let paths = paths(&flow, &read.core.arena).ok_or(SnapshotError::Damaged)?;
        let meaning = read.core.info.as_ref().map_or(crate::SEMANTICS, |info| info.semantics);
        let meter = Meter::new(read.fuel, read.bytes).meaning(meaning);
        Ok(Self { flow, core: read.core, meter, log, paths, queue: VecDeque::new(), memory: None })
    }
}

fn checksum(definition: &[u8], body: &[u8]) -> [u8; SUM] {
    let mut hasher = blake3::Hasher::new();
    let hash = hasher.update(definition).update(body).finalize();
    let mut sum = [0; SUM];
    sum.copy_from_slice(&hash.as_bytes()[..SUM]);
    sum
}

/// Paths of all frames, each made from its parent's.
fn paths(flow: &Compiled, arena: &Arena) -> Option<Vec<FramePath>> {
    let mut paths: Vec<FramePath> = Vec::with_capacity(arena.frames.len());
    for Frame { graph, parent, body, index, attempt, round, .. } in &arena.frames {
        let path = match parent {
            None => flow.apart(*graph),
            Some((parent, node)) => {
                let graph = arena.frames.get(*parent as usize)?.graph;
                let scope = flow.graphs.get(graph as usize)?.nodes.get(*node as usize)?;
                let (name, _) = scope.bodies.get(*body as usize)?;
                paths.get(*parent as usize)?.body(&scope.key, name, *index, *attempt, *round)
            }
        };
        paths.push(path);
    }
    Some(paths)
}
