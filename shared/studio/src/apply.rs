//! Applying a command: the definition changes, and the command that takes the change back comes out.
//!
//! A command that fails changes nothing. Whether the result makes sense is validation's to say: drafts may be wrong.

mod bodies;
mod config;
mod nodes;

pub use config::put;

use crate::{Command, GraphPath};
use holon_flow::definition::{
    Definition, Edge, Graph, Join, Key, Node, Policies, PortRef, RunLimits,
    names::{check_key, is_name},
};
use holon_model::{SchemaRef, wire::flows::Diagnostic};

/// Why a command cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// The graph it is about is not there.
    #[error("there is no graph `{0}`")]
    NoGraph(GraphPath),
    /// The node is not there.
    #[error("there is no node `{0}`")]
    NoNode(Key),
    /// The body is not there.
    #[error("there is no body `{0}`")]
    NoBody(Key),
    /// The edge is not there.
    #[error("there is no edge from `{0}` to `{1}`")]
    NoEdge(String, String),
    /// The edge is there already.
    #[error("there is an edge from `{0}` to `{1}` already")]
    EdgeExists(String, String),
    /// The key is another node's or body's.
    #[error("`{0}` is taken")]
    Taken(Key),
    /// The key cannot be one.
    #[error("{0}")]
    InvalidKey(String),
    /// A pointer leads nowhere.
    #[error("there is no place `{0}` in the settings")]
    NoPlace(String),
    /// Something in the command is not what it must be.
    #[error("{0}")]
    Malformed(String),
    /// One of several commands failed.
    #[error("command {index}: {cause}")]
    At {
        /// Which, from 0.
        index: usize,
        /// Why.
        cause: Box<CommandError>,
    },
}

/// The first of several diagnostics as an error.
pub(crate) fn first(found: &[Diagnostic]) -> CommandError {
    let text = found.first().map(|problem| format!("{} ({})", problem.message, problem.pointer));
    CommandError::Malformed(text.unwrap_or_default())
}

/// Applies one command and gives its inverse.
///
/// # Errors
/// See [`CommandError`]; the definition is unchanged then.
pub fn apply(definition: &mut Definition, command: &Command) -> Result<Command, CommandError> {
    use Command as C;
    Ok(match command {
        C::Insert { at, fragment } => nodes::insert(definition, at, fragment)?,
        C::Remove { at, keys } => nodes::remove(definition, at, keys)?,
        C::Rename { at, key, to } => nodes::rename(definition, at, key, to)?,
        C::Replace { at, key, node } => nodes::replace(definition, at, key, node)?,
        C::Configure { at, key, pointer, value } => config::configure(definition, at, key, pointer, value.as_ref())?,
        C::SetJoin { at, key, join } => {
            let join = match join.as_str() {
                "any" => Join::Any,
                "all" => Join::All,
                "first" => Join::First,
                other => return Err(CommandError::Malformed(format!("`{other}` is not `any`, `all` or `first`"))),
            };
            let before = std::mem::replace(&mut node_mut(definition, at, key)?.join, join);
            C::SetJoin { at: at.clone(), key: key.clone(), join: before.as_str().into() }
        }
        C::SetPolicies { at, key, policies } => {
            let policies = Policies::from_value(policies).map_err(|found| first(&found))?;
            let before = std::mem::replace(&mut node_mut(definition, at, key)?.policies, policies);
            C::SetPolicies { at: at.clone(), key: key.clone(), policies: before.to_value() }
        }
        C::SetDisabled { at, key, disabled } => {
            let before = std::mem::replace(&mut node_mut(definition, at, key)?.disabled, *disabled);
            C::SetDisabled { at: at.clone(), key: key.clone(), disabled: before }
        }
        C::SetNote { at, key, note } => {
            let before = std::mem::replace(&mut node_mut(definition, at, key)?.note, note.clone());
            C::SetNote { at: at.clone(), key: key.clone(), note: before }
        }
        C::Connect { at, from, to } => connect(definition, at, from, to)?,
        C::Disconnect { at, from, to } => disconnect(definition, at, from, to)?,
        C::Move { at, places } => nodes::place(definition, at, places)?,
        C::AddBody { at, key, body, content, result } => {
            bodies::add(definition, at, key, body, content, result.as_ref())?
        }
        C::RemoveBody { at, key, body } => bodies::remove(definition, at, key, body)?,
        C::RenameBody { at, key, body, to } => bodies::rename(definition, at, key, body, to)?,
        C::SetResult { at, value } => {
            let before = std::mem::replace(&mut graph_mut(definition, at)?.result, value.clone());
            C::SetResult { at: at.clone(), value: before }
        }
        C::SetName { name } => C::SetName { name: std::mem::replace(&mut definition.name, name.clone()) },
        C::SetDescription { description } => {
            C::SetDescription { description: std::mem::replace(&mut definition.description, description.clone()) }
        }
        C::SetTags { tags } => C::SetTags { tags: std::mem::replace(&mut definition.tags, tags.clone()) },
        C::SetInput { schema } => {
            let before = std::mem::replace(&mut definition.input, schema.clone().map(SchemaRef));
            C::SetInput { schema: before.map(|schema| schema.0) }
        }
        C::SetOutput { schema } => {
            let before = std::mem::replace(&mut definition.output, schema.clone().map(SchemaRef));
            C::SetOutput { schema: before.map(|schema| schema.0) }
        }
        C::SetLimits { limits } => {
            let limits = RunLimits::from_value(limits).map_err(|found| first(&found))?;
            let before = std::mem::replace(&mut definition.limits, limits);
            C::SetLimits { limits: before.to_value() }
        }
        C::SetSample { path, value } => {
            let before = match value {
                Some(value) => definition.samples.insert(path.clone(), value.clone()),
                None => definition.samples.remove(path),
            };
            C::SetSample { path: path.clone(), value: before }
        }
        C::SetTests { tests } => C::SetTests { tests: std::mem::replace(&mut definition.tests, tests.clone()) },
        C::Batch { label, commands } => {
            let mut undo = Vec::with_capacity(commands.len());
            for (index, command) in commands.iter().enumerate() {
                match apply(definition, command) {
                    Ok(inverse) => undo.push(inverse),
                    Err(cause) => {
                        take_back(definition, undo);
                        return Err(CommandError::At { index, cause: Box::new(cause) });
                    }
                }
            }
            undo.reverse();
            C::Batch { label: label.clone(), commands: undo }
        }
    })
}

/// Applies commands in order, all or none: what the server does with a save.
///
/// # Errors
/// The first command that cannot be applied; the definition is unchanged then.
pub fn apply_all(definition: &mut Definition, commands: &[Command]) -> Result<(), CommandError> {
    let mut undo = Vec::with_capacity(commands.len());
    for (index, command) in commands.iter().enumerate() {
        match apply(definition, command) {
            Ok(inverse) => undo.push(inverse),
            Err(cause) => {
                take_back(definition, undo);
                return Err(CommandError::At { index, cause: Box::new(cause) });
            }
        }
    }
    Ok(())
}

/// An inverse applies to the state it was made in, so nothing can fail here.
fn take_back(definition: &mut Definition, undo: Vec<Command>) {
    for inverse in undo.into_iter().rev() {
        let _ = apply(definition, &inverse);
    }
}

fn connect(definition: &mut Definition, at: &GraphPath, from: &str, to: &str) -> Result<Command, CommandError> {
    let edge = edge(from, to)?;
    let graph = graph_mut(definition, at)?;
    for end in [&edge.from, &edge.to] {
        if !graph.nodes.contains_key(&end.node) {
            return Err(CommandError::NoNode(end.node.clone()));
        }
    }
    if graph.edges.contains(&edge) {
        return Err(CommandError::EdgeExists(from.into(), to.into()));
    }
    graph.edges.push(edge);
    Ok(Command::Disconnect { at: at.clone(), from: from.into(), to: to.into() })
}

fn disconnect(definition: &mut Definition, at: &GraphPath, from: &str, to: &str) -> Result<Command, CommandError> {
    let edge = edge(from, to)?;
    let edges = &mut graph_mut(definition, at)?.edges;
    let before = edges.len();
    edges.retain(|found| *found != edge);
    if edges.len() == before {
        return Err(CommandError::NoEdge(from.into(), to.into()));
    }
    Ok(Command::Connect { at: at.clone(), from: from.into(), to: to.into() })
}

fn edge(from: &str, to: &str) -> Result<Edge, CommandError> {
    let end = |text: &str| {
        let end: PortRef = text.parse().map_err(|message| CommandError::Malformed(format!("`{text}`: {message}")))?;
        check_key(&end.node).map_err(CommandError::InvalidKey)?;
        if is_name(&end.port) { Ok(end) } else { Err(CommandError::Malformed(format!("`{}` is not a port", end.port))) }
    };
    Ok(Edge { from: end(from)?, to: end(to)? })
}

fn graph_mut<'a>(definition: &'a mut Definition, at: &GraphPath) -> Result<&'a mut Graph, CommandError> {
    at.find_mut(definition).ok_or_else(|| CommandError::NoGraph(at.clone()))
}

fn node_mut<'a>(definition: &'a mut Definition, at: &GraphPath, key: &Key) -> Result<&'a mut Node, CommandError> {
    graph_mut(definition, at)?.nodes.get_mut(key).ok_or_else(|| CommandError::NoNode(key.clone()))
}
