//! Where nodes stand: the member `nodes` of `layout`, `{"each.body/call": [x, y]}`, and samples by the engine's paths.

use crate::{Point, path::GraphPath};
use holon_flow::definition::{Definition, Key};
use holon_model::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Where a node of the graph stands, if it was ever placed.
pub fn get(definition: &Definition, path: &GraphPath, key: &str) -> Option<Point> {
    read(definition.layout.get("nodes")?.get(&path.place(key))?)
}

/// Puts a node somewhere, or forgets where it stands; gives where it stood.
pub fn set(definition: &mut Definition, path: &GraphPath, key: &str, at: Option<Point>) -> Option<Point> {
    set_text(definition, &path.place(key), at)
}

/// The places of the nodes `keys` and of everything inside them, relative to the graph.
pub fn below(definition: &Definition, path: &GraphPath, keys: &BTreeSet<Key>) -> BTreeMap<String, Point> {
    let Some(places) = definition.layout.get("nodes").and_then(Value::as_map) else { return BTreeMap::new() };
    let found = places.iter().filter_map(|(text, value)| {
        let rest = relative(path, text)?;
        let first = rest.split(['/', '.']).next()?;
        Some((rest.to_owned(), keys.contains(first).then(|| read(value))??))
    });
    found.collect()
}

/// Writes places that are relative to the graph; `None` forgets.
pub fn write(definition: &mut Definition, path: &GraphPath, places: impl IntoIterator<Item = (String, Option<Point>)>) {
    for (rest, at) in places {
        set_text(definition, &path.place(&rest), at);
    }
}

fn set_text(definition: &mut Definition, text: &str, at: Option<Point>) -> Option<Point> {
    let mut layout = definition.layout.as_map().cloned().unwrap_or_default();
    let mut nodes = layout.get("nodes").and_then(Value::as_map).cloned().unwrap_or_default();
    let before = match at {
        Some(Point { x, y }) => nodes.insert(text.into(), Value::list([Value::from(x), Value::from(y)])),
        None => nodes.remove(text),
    };
    if nodes.is_empty() {
        layout.remove("nodes");
    } else {
        layout.insert("nodes".into(), Value::from(nodes));
    }
    definition.layout =
        if layout.is_empty() && definition.layout.is_null() { Value::Null } else { Value::from(layout) };
    before.as_ref().and_then(read)
}

fn relative<'a>(path: &GraphPath, text: &'a str) -> Option<&'a str> {
    if path.is_root() { Some(text) } else { text.strip_prefix(&path.to_string())?.strip_prefix('/') }
}

fn read(value: &Value) -> Option<Point> {
    let [x, y] = value.as_list()? else { return None };
    Some(Point::new(i32::try_from(x.as_int()?).ok()?, i32::try_from(y.as_int()?).ok()?))
}

/// An empty layout, as a new definition has it.
pub fn empty() -> Value {
    Value::from(Map::new())
}

/// The key of a node's sample: the engine's structural path without indices. A body that is not a scope's main one shows its name.
pub fn sample_key(path: &GraphPath, key: &str) -> String {
    let mut out = String::new();
    for step in &path.0 {
        // The main body of a scope does not show.
        if &*step.body == "body" {
            out.push_str(&step.node);
        } else {
            out.push_str(&format!("{}.{}", step.node, step.body));
        }
        out.push('/');
    }
    out + key
}

/// A structural path with its iterations cut off: `each[3]/call` is `each/call`.
pub fn without_indices(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut inside = false;
    for character in path.chars() {
        match character {
            '[' => inside = true,
            ']' => inside = false,
            _ if inside => {}
            other => out.push(other),
        }
    }
    out
}

/// The samples of the nodes `keys` and of everything inside them, relative to the graph.
pub fn samples_below(definition: &Definition, path: &GraphPath, keys: &BTreeSet<Key>) -> BTreeMap<String, Value> {
    let prefix = sample_key(path, "");
    let found = definition.samples.iter().filter_map(|(text, value)| {
        let rest = text.strip_prefix(&prefix)?;
        keys.contains(rest.split(['/', '.']).next()?).then(|| (rest.to_owned(), value.clone()))
    });
    found.collect()
}

/// Writes samples that are relative to the graph; `None` forgets.
pub fn write_samples(
    definition: &mut Definition,
    path: &GraphPath,
    samples: impl IntoIterator<Item = (String, Option<Value>)>,
) {
    let prefix = sample_key(path, "");
    for (rest, value) in samples {
        match value {
            Some(value) => definition.samples.insert(prefix.clone() + &rest, value),
            None => definition.samples.remove(&(prefix.clone() + &rest)),
        };
    }
}
