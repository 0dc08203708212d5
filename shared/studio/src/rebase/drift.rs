//! Two documents side by side: the one my commands were made on and the one they are put on, both going on with each of them.

use super::{
    Dropped, Reason, Told,
    merge::{Merge, same},
    names::{Keys, Names, keys, keys_to, path},
};
use crate::{Command, CommandError, GraphPath, apply, rename::Renamed};
use holon_flow::definition::{Definition, Graph, Key, Node};
use holon_model::Value;

/// A document with the identities of what is in it.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub document: Definition,
    pub names: Names,
}

impl World {
    /// Applies a command, its parts one by one. Gives the inverse.
    fn take(&mut self, command: &Command, ids: &mut u32) -> Result<Command, CommandError> {
        let Command::Batch { label, commands } = command else {
            let inverse = apply(&mut self.document, command)?;
            self.names.follow(command, &self.document, ids);
            return Ok(inverse);
        };
        let mut undo = Vec::with_capacity(commands.len());
        for (index, command) in commands.iter().enumerate() {
            match self.take(command, ids) {
                Ok(inverse) => undo.push(inverse),
                Err(cause) => {
                    for inverse in undo.into_iter().rev() {
                        let _ = self.take(&inverse, ids);
                    }
                    return Err(CommandError::At { index, cause: Box::new(cause) });
                }
            }
        }
        undo.reverse();
        Ok(Command::Batch { label: label.clone(), commands: undo })
    }
}

/// What becomes of one command that is no batch.
pub(super) struct Plan {
    pub command: Command,
    /// What it makes: where it is in my document, where in the present one.
    pub made: Vec<(Keys, Keys)>,
}

impl From<Command> for Plan {
    fn from(command: Command) -> Self {
        Self { command, made: Vec::new() }
    }
}

/// The two documents.
#[derive(Debug, Clone)]
pub struct Drift {
    pub(super) was: World,
    pub(super) is: World,
    ids: u32,
    /// Whether anything may have different keys in the two.
    moved: bool,
}

impl Drift {
    /// Both are this one.
    pub fn new(before: &Definition) -> Self {
        let mut ids = 0;
        let names = Names::of(&before.graph, None, &mut ids);
        let world = World { document: before.clone(), names };
        Self { was: world.clone(), is: world, ids, moved: false }
    }

    /// Two documents of which nothing else is known: what has the same key is the same.
    pub fn between(was: &Definition, is: &Definition) -> Self {
        let mut drift = Self::new(was);
        drift.is.names = Names::of(&is.graph, Some(&drift.was.names), &mut drift.ids);
        drift.is.document = is.clone();
        drift
    }

    /// The present document.
    pub fn document(&self) -> &Definition {
        &self.is.document
    }

    /// Others changed the present document.
    ///
    /// # Errors
    /// The command cannot be applied: it was not made for this document.
    pub fn theirs(&mut self, command: &Command) -> Result<(), CommandError> {
        self.moved |= renames(command);
        self.is.take(command, &mut self.ids).map(|_| ())
    }

    /// Puts a command of mine on the present document; `back`: it takes something back, and gives way to what others did since.
    /// Gives what was done and its inverse.
    pub fn place(&mut self, mine: &Command, back: bool, told: &mut Told) -> Option<(Command, Command)> {
        let Command::Batch { label, commands } = mine else { return self.place_one(mine, back, told) };
        let placed = commands.iter().filter_map(|command| self.place(command, back, told));
        let (done, mut undo): (Vec<_>, Vec<_>) = placed.unzip();
        undo.reverse();
        let batch = |commands| Command::Batch { label: label.clone(), commands };
        (!done.is_empty() || commands.is_empty()).then(|| (batch(done), batch(undo)))
    }

    fn place_one(&mut self, mine: &Command, back: bool, told: &mut Told) -> Option<(Command, Command)> {
        let mut merge = Merge { back, ..Merge::default() };
        let mut parts = Vec::new();
        let plan = self.plan(mine, &mut merge, &mut parts);
        let done = match self.was.take(mine, &mut self.ids) {
            Ok(_) => plan.and_then(|plan| {
                let inverse = self.is.take(&plan.command, &mut self.ids)?;
                Ok((plan, inverse))
            }),
            Err(error) => Err(error.into()),
        };
        match done {
            Ok((plan, inverse)) => {
                for (was, is) in &plan.made {
                    if let Some(name) = self.was.names.find(was) {
                        self.is.names.set(is, name.clone());
                    }
                }
                self.moved |= plan.command != *mine;
                if merge.replaced {
                    told.replaced.push(mine.clone());
                }
                if merge.lost {
                    parts.push((mine.clone(), Reason::Changed));
                }
                self.tell(parts, told);
                Some((plan.command, inverse))
            }
            Err(reason) => {
                self.moved |= renames(mine);
                self.tell(vec![(mine.clone(), reason)], told);
                None
            }
        }
    }

    /// Follows a command of mine that is not put on the present document.
    pub fn pass(&mut self, mine: &Command) {
        self.moved |= renames(mine);
        let _ = self.was.take(mine, &mut self.ids);
    }

    /// Follows a command whose counterpart for the present document is known. Gives its inverse there.
    ///
    /// # Errors
    /// The counterpart cannot be applied.
    pub fn pair(&mut self, mine: &Command, there: &Command) -> Result<Command, CommandError> {
        self.moved |= mine != there;
        let _ = self.was.take(mine, &mut self.ids);
        self.is.take(there, &mut self.ids)
    }

    fn tell(&self, parts: Vec<(Command, Reason)>, told: &mut Told) {
        for (command, reason) in parts {
            let back = self.bring_back(&reason);
            told.dropped.push(Dropped { command, reason, back });
        }
    }

    /// What another removed, as it is in my document.
    fn bring_back(&self, reason: &Reason) -> Option<Command> {
        let Reason::Removed { at, key, body } = reason else { return None };
        let (at, key) = (at.clone(), key.clone());
        let taken = match body {
            Some(body) => Command::RemoveBody { at, key, body: body.clone() },
            None => Command::Remove { at, keys: [key].into() },
        };
        let inverse = apply(&mut self.was.document.clone(), &taken).ok()?;
        Some(self.plan(&inverse, &mut Merge::default(), &mut Vec::new()).ok()?.command)
    }

    fn plan(&self, mine: &Command, merge: &mut Merge, parts: &mut Vec<(Command, Reason)>) -> Result<Plan, Reason> {
        use Command as C;
        Ok(match mine {
            C::Insert { at, fragment } => self.insert(at, fragment, parts)?,
            C::Remove { at, keys } => self.remove(at, keys, merge, parts)?.into(),
            C::Rename { at, key, to } => self.rename(at, key, to, merge)?.into(),
            C::Replace { at, key, node } => self.replace(at, key, node, merge)?,
            C::Move { at, places } => self.places(at, places, merge, parts)?.into(),
            C::Connect { at, from, to } => self.connect(at, from, to)?.into(),
            C::Disconnect { at, from, to } => self.disconnect(at, from, to)?.into(),
            C::AddBody { at, key, body, content, result } => self.add_body(at, key, body, content, result.as_ref())?,
            C::RemoveBody { at, key, body } => self.remove_body(at, key, body, merge)?.into(),
            C::RenameBody { at, key, body, to } => self.rename_body(at, key, body, to, merge)?.into(),
            C::Configure { at, key, pointer, value } => {
                self.configure(at, key, (pointer, value.as_ref()), merge)?.into()
            }
            C::SetJoin { at, key, join } => {
                let (at, key, was, is) = self.both(at, key)?;
                let join = scalar(merge, was.join.as_str().to_owned(), join.clone(), is.join.as_str().to_owned())?;
                C::SetJoin { at, key, join }.into()
            }
            C::SetPolicies { at, key, policies } => self.policies(at, key, policies, merge)?.into(),
            C::SetDisabled { at, key, disabled } => {
                let (at, key, was, is) = self.both(at, key)?;
                C::SetDisabled { at, key, disabled: scalar(merge, was.disabled, *disabled, is.disabled)? }.into()
            }
            C::SetNote { at, key, note } => {
                let (at, key, was, is) = self.both(at, key)?;
                C::SetNote { at, key, note: scalar(merge, was.note.clone(), note.clone(), is.note.clone())? }.into()
            }
            C::SetResult { at, value } => self.result(at, value.as_ref(), merge)?.into(),
            C::SetName { name } => {
                let (was, is) = (&self.was.document.name, &self.is.document.name);
                C::SetName { name: scalar(merge, was.clone(), name.clone(), is.clone())? }.into()
            }
            C::SetDescription { description } => {
                let (was, is) = (&self.was.document.description, &self.is.document.description);
                C::SetDescription { description: scalar(merge, was.clone(), description.clone(), is.clone())? }.into()
            }
            C::SetTags { tags } => self.tags(tags, merge)?.into(),
            C::SetInput { schema } => {
                let (was, is) = (self.was.document.input.as_ref(), self.is.document.input.as_ref());
                let schema = valued(merge, was.map(|was| &was.0), schema.as_ref(), is.map(|is| &is.0))?;
                C::SetInput { schema }.into()
            }
            C::SetOutput { schema } => {
                let (was, is) = (self.was.document.output.as_ref(), self.is.document.output.as_ref());
                let schema = valued(merge, was.map(|was| &was.0), schema.as_ref(), is.map(|is| &is.0))?;
                C::SetOutput { schema }.into()
            }
            C::SetLimits { limits } => self.limits(limits, merge)?.into(),
            C::SetSample { path, value } => self.sample(path, value.as_ref(), merge)?.into(),
            C::SetTests { tests } => {
                let (was, is) = (&self.was.document.tests, &self.is.document.tests);
                let tests = valued(merge, Some(was), Some(tests), Some(is))?.unwrap_or_default();
                C::SetTests { tests }.into()
            }
            // Its parts are put one by one.
            C::Batch { .. } => mine.clone().into(),
        })
    }

    /// The way in the present document to what a way leads to in mine.
    pub(super) fn way(&self, way: &[Key]) -> Result<Keys, Reason> {
        self.was.names.in_other(&self.is.names, way).map_err(|depth| {
            // Every second key is a body's.
            let node = depth - depth % 2;
            let (at, key) = (path(&way[..node]), way[node].clone());
            Reason::Removed { at, key, body: (depth > node).then(|| way[depth].clone()) }
        })
    }

    pub(super) fn graph(&self, at: &GraphPath) -> Result<(GraphPath, &Graph), Reason> {
        let at = path(&self.way(&keys(at))?);
        let graph = at.find(&self.is.document).ok_or_else(|| CommandError::NoGraph(at.clone()))?;
        Ok((at, graph))
    }

    pub(super) fn node(&self, at: &GraphPath, key: &Key) -> Result<(GraphPath, Key), Reason> {
        let mut way = self.way(&keys_to(at, &[key]))?;
        let key = way.pop().unwrap_or_else(|| key.clone());
        Ok((path(&way), key))
    }

    /// A node: where it is now, how I saw it, how it is.
    pub(super) fn both(&self, at: &GraphPath, key: &Key) -> Result<(GraphPath, Key, &Node, &Node), Reason> {
        fn find<'a>(world: &'a World, at: &GraphPath, key: &Key) -> Result<&'a Node, CommandError> {
            let graph = at.find(&world.document).ok_or_else(|| CommandError::NoGraph(at.clone()))?;
            graph.nodes.get(key).ok_or_else(|| CommandError::NoNode(key.clone()))
        }
        let (there, name) = self.node(at, key)?;
        let (was, is) = (find(&self.was, at, key)?, find(&self.is, &there, &name)?);
        Ok((there, name, was, is))
    }

    /// New keys of what expressions in a graph of mine can name.
    pub(super) fn renamed(&self, at: &GraphPath) -> Renamed {
        if self.moved { self.was.names.renamed(&self.is.names, &keys(at)) } else { Renamed::new() }
    }
}

fn renames(command: &Command) -> bool {
    match command {
        Command::Rename { .. } | Command::RenameBody { .. } => true,
        Command::Batch { commands, .. } => commands.iter().any(renames),
        _ => false,
    }
}

/// One thing without parts, put together; why nothing is to be done otherwise.
pub(super) fn scalar<T: PartialEq + Clone>(merge: &mut Merge, saw: T, mine: T, there: T) -> Result<T, Reason> {
    let idle = mine == saw;
    let out = merge.pick(saw, mine, there.clone());
    if idle || out != there { Ok(out) } else { Err(nothing(merge)) }
}

/// The same for a value with parts.
pub(super) fn valued(
    merge: &mut Merge,
    saw: Option<&Value>,
    mine: Option<&Value>,
    there: Option<&Value>,
) -> Result<Option<Value>, Reason> {
    let out = merge.value(saw, mine, there);
    if same(mine, saw) || !same(out.as_ref(), there) { Ok(out) } else { Err(nothing(merge)) }
}

fn nothing(merge: &Merge) -> Reason {
    if merge.lost { Reason::Changed } else { Reason::Already }
}
