//! Values: settings, policies, results, samples and what the flow says of itself, each put together by its parts.

use super::{
    Drift, Reason,
    drift::valued,
    merge::{Merge, narrow},
    names::{Keys, path},
    nodes,
};
use crate::{
    Command, GraphPath,
    apply::{first, put},
    place,
    rename::{self, Renamed},
};
use holon_flow::definition::{Key, Policies, RunLimits};
use holon_model::Value;

impl Drift {
    /// My difference, found again in the present settings: items of lists move, expressions name what they named.
    pub(super) fn configure(
        &self,
        at: &GraphPath,
        key: &Key,
        (pointer, value): (&str, Option<&Value>),
        merge: &mut Merge,
    ) -> Result<Command, Reason> {
        let (there, now, was, is) = self.both(at, key)?;
        if was.kind.name != is.kind.name {
            return Err(Reason::OtherKind);
        }
        let names = self.renamed(at);
        let inputs = self.inputs(at, key, &names);
        let (mut saw, mut mine) = (was.config.clone(), was.config.clone());
        put(&mut mine, pointer, value)?;
        for value in [&mut saw, &mut mine] {
            rename::in_value(value, &names, &inputs);
        }
        let merged = valued(merge, Some(&saw), Some(&mine), Some(&is.config))?.unwrap_or_default();
        let mut as_made = is.config.clone();
        let mut own = value.cloned();
        if let Some(value) = &mut own {
            rename::in_value(value, &names, &inputs);
        }
        let fits = put(&mut as_made, pointer, own.as_ref()).is_ok() && as_made.is_same(&merged);
        let (pointer, value) = if fits { (pointer.to_owned(), own) } else { narrow(&is.config, &merged) };
        Ok(Command::Configure { at: there, key: now, pointer, value })
    }

    pub(super) fn policies(
        &self,
        at: &GraphPath,
        key: &Key,
        policies: &Value,
        merge: &mut Merge,
    ) -> Result<Command, Reason> {
        let (there, now, was, is) = self.both(at, key)?;
        let mine = Policies::from_value(policies).map_err(|found| first(&found))?;
        let new = nodes::policies(&was.policies, &mine, &is.policies, merge);
        if new == is.policies && mine != was.policies {
            return Err(if merge.lost { Reason::Changed } else { Reason::Already });
        }
        // As it was written, where nothing was added to it.
        let policies = if new == mine { policies.clone() } else { new.to_value() };
        Ok(Command::SetPolicies { at: there, key: now, policies })
    }

    pub(super) fn result(&self, at: &GraphPath, value: Option<&Value>, merge: &mut Merge) -> Result<Command, Reason> {
        let (there, graph) = self.graph(at)?;
        let names = self.renamed(at);
        let follow = |value: Option<&Value>| {
            let mut value = value.cloned();
            if let Some(value) = &mut value {
                rename::in_value(value, &names, &Renamed::new());
            }
            value
        };
        let saw = follow(at.find(&self.was.document).and_then(|graph| graph.result.as_ref()));
        let value = valued(merge, saw.as_ref(), follow(value).as_ref(), graph.result.as_ref())?;
        Ok(Command::SetResult { at: there, value })
    }

    pub(super) fn tags(&self, tags: &[String], merge: &mut Merge) -> Result<Command, Reason> {
        let list = |tags: &[String]| Value::list(tags.iter().map(|tag| Value::str(tag.as_str())));
        let (was, is) = (list(&self.was.document.tags), list(&self.is.document.tags));
        let merged = valued(merge, Some(&was), Some(&list(tags)), Some(&is))?;
        let merged = merged.as_ref().and_then(Value::as_list).unwrap_or_default();
        let mut tags: Vec<String> = Vec::new();
        for tag in merged.iter().filter_map(Value::as_str) {
            // Both may have added one label.
            if !tags.iter().any(|there| there == tag) {
                tags.push(tag.to_owned());
            }
        }
        Ok(Command::SetTags { tags })
    }

    pub(super) fn limits(&self, limits: &Value, merge: &mut Merge) -> Result<Command, Reason> {
        let mine = RunLimits::from_value(limits).map_err(|found| first(&found))?;
        let [was, own, is] = [&self.was.document.limits, &mine, &self.is.document.limits].map(RunLimits::to_value);
        let merged = valued(merge, Some(&was), Some(&own), Some(&is))?.unwrap_or_default();
        // Two that are good each may make none together.
        let good = RunLimits::from_value(&merged).is_ok();
        merge.replaced |= !good;
        Ok(Command::SetLimits { limits: if good && !merged.is_same(&own) { merged } else { limits.clone() } })
    }

    pub(super) fn sample(&self, path: &str, value: Option<&Value>, merge: &mut Merge) -> Result<Command, Reason> {
        let now = self.sample_path(path)?;
        let (was, is) = (self.was.document.samples.get(path), self.is.document.samples.get(&now));
        Ok(Command::SetSample { value: valued(merge, was, value, is)?, path: now })
    }

    /// The path of a sample by the present keys. One of a node that I do not have either stays as it is.
    fn sample_path(&self, text: &str) -> Result<String, Reason> {
        let mut way = Keys::new();
        let mut segments = text.split('/').peekable();
        while let Some(segment) = segments.next() {
            if segments.peek().is_none() {
                way.push(segment.into());
            } else {
                let (node, body) = segment.split_once('.').unwrap_or((segment, "body"));
                way.extend([node.into(), body.into()]);
            }
        }
        if self.was.names.find(&way).is_none() {
            return Ok(text.to_owned());
        }
        let mut now = self.way(&way)?;
        if now == way {
            return Ok(text.to_owned());
        }
        let key = now.pop().unwrap_or_default();
        Ok(place::sample_key(&path(&now), &key))
    }
}
