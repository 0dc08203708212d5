//! Edges: drawn once, and never to a circle.

use super::{Drift, Reason};
use crate::{Command, CommandError, GraphPath, compose::closes_cycle};
use holon_flow::definition::Graph;

impl Drift {
    pub(super) fn connect(&self, at: &GraphPath, from: &str, to: &str) -> Result<Command, Reason> {
        let (new_from, new_to) = (self.end(at, from)?, self.end(at, to)?);
        let (there, graph) = self.graph(at)?;
        if has(graph, &new_from, &new_to) {
            return Err(Reason::Already);
        }
        // A circle that I drew myself is mine to see.
        let drawn = at.find(&self.was.document).is_some_and(|graph| closes_cycle(graph, from, to));
        if !drawn && closes_cycle(graph, &new_from, &new_to) {
            return Err(Reason::Circle);
        }
        Ok(Command::Connect { at: there, from: new_from, to: new_to })
    }

    pub(super) fn disconnect(&self, at: &GraphPath, from: &str, to: &str) -> Result<Command, Reason> {
        // With its node the edge went too.
        let (Ok(from), Ok(to)) = (self.end(at, from), self.end(at, to)) else { return Err(Reason::Already) };
        let (at, graph) = self.graph(at)?;
        if has(graph, &from, &to) { Ok(Command::Disconnect { at, from, to }) } else { Err(Reason::Already) }
    }

    /// An end `key.port` as it is called now.
    pub(super) fn end(&self, at: &GraphPath, end: &str) -> Result<String, Reason> {
        let (key, port) =
            end.split_once('.').ok_or_else(|| CommandError::Malformed(format!("`{end}` is not the end of an edge")))?;
        let (_, key) = self.node(at, &key.into())?;
        Ok(format!("{key}.{port}"))
    }
}

fn has(graph: &Graph, from: &str, to: &str) -> bool {
    graph.edges.iter().any(|edge| edge.from.to_string() == from && edge.to.to_string() == to)
}
