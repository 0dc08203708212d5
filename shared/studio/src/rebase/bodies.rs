//! Bodies of scopes: added under free names, removed once, renamed.

use super::{Drift, Reason, drift::Plan, merge::Merge, names::keys_to, nodes::new_key};
use crate::{
    Command, Fragment, GraphPath,
    fragment::free_key,
    rename::{self, Renamed},
};
use holon_flow::definition::Key;
use holon_model::Value;

impl Drift {
    pub(super) fn add_body(
        &self,
        at: &GraphPath,
        key: &Key,
        body: &Key,
        content: &Fragment,
        result: Option<&Value>,
    ) -> Result<Plan, Reason> {
        let (there, now, _, is) = self.both(at, key)?;
        let name = free_key(body, &|name| is.bodies.contains_key(name));
        let mut names = self.renamed(at);
        // The body's own nodes stand before those around it.
        names.retain(|from, to| !content.nodes.contains_key(from) && !content.nodes.contains_key(to));
        let content = content.renamed(&names)?;
        let mut result = result.cloned();
        if let Some(result) = &mut result {
            rename::in_value(result, &names, &Renamed::new());
        }
        let made = vec![(keys_to(at, &[key, body]), keys_to(&there, &[&now, &name]))];
        Ok(Plan { command: Command::AddBody { at: there, key: now, body: name, content, result }, made })
    }

    pub(super) fn remove_body(
        &self,
        at: &GraphPath,
        key: &Key,
        body: &Key,
        merge: &mut Merge,
    ) -> Result<Command, Reason> {
        let Ok((at_now, key_now, body_now)) = self.body(at, key, body) else { return Err(Reason::Already) };
        let inside = at.child(key, body).find(&self.was.document);
        merge.replaced |= !merge.back && inside != at_now.child(&key_now, &body_now).find(&self.is.document);
        Ok(Command::RemoveBody { at: at_now, key: key_now, body: body_now })
    }

    pub(super) fn rename_body(
        &self,
        at: &GraphPath,
        key: &Key,
        body: &Key,
        to: &Key,
        merge: &mut Merge,
    ) -> Result<Command, Reason> {
        let (.., is) = self.both(at, key)?;
        let (at, key, now) = self.body(at, key, body)?;
        let to = new_key(body, to, &now, merge, &|name| is.bodies.contains_key(name))?;
        Ok(Command::RenameBody { at, key, body: now, to })
    }

    fn body(&self, at: &GraphPath, key: &Key, body: &Key) -> Result<(GraphPath, Key, Key), Reason> {
        let mut way = self.way(&keys_to(at, &[key, body]))?;
        match (way.pop(), way.pop()) {
            (Some(body), Some(key)) => Ok((super::names::path(&way), key, body)),
            _ => Err(Reason::Already),
        }
    }
}
