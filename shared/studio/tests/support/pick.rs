//! Random commands that fit the document they are made on: numbers choose among what is there.

use super::parse;
use holon_flow::definition::{Definition, Graph, Key};
use holon_model::Value;
use holon_studio::{Command, Fragment, GraphPath, Point};
use proptest::prelude::*;

/// Numbers that choose a command.
#[derive(Debug, Clone, Copy)]
pub struct Pick {
    what: u8,
    a: u8,
    b: u8,
    c: u8,
}

/// The variants of [`Command`].
const VARIANTS: u8 = 25;

pub fn pick() -> impl Strategy<Value = Pick> {
    (0..VARIANTS, 0u8..12, 0u8..12, 0u8..12).prop_map(|(what, a, b, c)| Pick { what, a, b, c })
}

/// Few, so that two people take the same one.
const KEYS: &[&str] = &["fresh", "totals", "call", "mail", "fresh_2", "side"];
const VALUES: &[&str] =
    &["1", "\"x\"", "{\"$cel\":\"nodes.totals.sum + nodes.fresh.n\"}", "[1,2,3]", "{\"k\":{\"deep\":true}}", "null"];
const POINTERS: &[&str] = &["/a", "/fields/sum", "/fields/new", "/x/y", "/a/0", "/a/1", "/a/3", "/url", ""];
const NODES: &[&str] = &[
    r#"{"kind":"data.set@1","config":{"v":{"$cel":"nodes.hook.x"},"a":[1,2,3]}}"#,
    r#"{"kind":"parallel@1","config":{},"bodies":{"side":{"nodes":{"deep":{"kind":"x@1","config":{"v":{"$cel":"nodes.totals"}}}},"edges":[]}}}"#,
    r#"{"kind":"when@1","config":{"if":{"$cel":"input.totals.n > 1"}},"note":"new"}"#,
];

fn of<T: Clone>(all: &[T], at: u8) -> Option<T> {
    (!all.is_empty()).then(|| all[usize::from(at) % all.len()].clone())
}

/// The paths of all graphs.
pub fn graphs(definition: &Definition) -> Vec<GraphPath> {
    fn below(graph: &Graph, at: &GraphPath, out: &mut Vec<GraphPath>) {
        out.push(at.clone());
        for (key, node) in &graph.nodes {
            for (name, body) in &node.bodies {
                below(body, &at.child(key, name), out);
            }
        }
    }
    let mut out = Vec::new();
    below(&definition.graph, &GraphPath::root(), &mut out);
    out
}

impl Pick {
    /// The command on this document; none where there is nothing to choose.
    pub fn command(self, definition: &Definition) -> Option<Command> {
        let Self { what, a, b, c } = self;
        let at = of(&graphs(definition), a)?;
        let graph = at.find(definition)?;
        let keys: Vec<Key> = graph.nodes.keys().cloned().collect();
        let fresh: Key = of(KEYS, c)?.into();
        let value = parse(of(VALUES, c)?);
        let some = (c % 5 > 0).then(|| value.clone());
        let node = || of(&keys, b);
        Some(match what {
            0 => Command::Insert { at, fragment: fragment(graph, &keys, b, c)? },
            1 => {
                let keys = [node()?].into_iter().chain(of(&keys, c).filter(|_| c.is_multiple_of(3)));
                Command::Remove { at, keys: keys.collect() }
            }
            2 => Command::Rename { at, key: node()?, to: fresh },
            3 => {
                let key = node()?;
                let mut node = graph.nodes.get(&key)?.clone();
                node.note = "by hand".into();
                node.config = Value::map([("a", value)]);
                Command::Replace { at, key, node: node.to_value() }
            }
            4..=6 => Command::Configure { at, key: node()?, pointer: of(POINTERS, a ^ c)?.into(), value: some },
            7 => Command::SetJoin { at, key: node()?, join: of(&["any", "all", "first"], c)?.into() },
            8 => {
                let policies = of(
                    &["{}", r#"{"retry":{"attempts":4}}"#, r#"{"timeout":"5s"}"#, r#"{"concurrency":{"limit":2}}"#],
                    c,
                )?;
                Command::SetPolicies { at, key: node()?, policies: parse(policies) }
            }
            9 => Command::SetDisabled { at, key: node()?, disabled: c.is_multiple_of(2) },
            10 => Command::SetNote { at, key: node()?, note: format!("note {c}") },
            11 | 12 => {
                let port = of(&["out", "true", "error"], a)?;
                Command::Connect { at, from: format!("{}.{port}", node()?), to: format!("{}.in", of(&keys, c)?) }
            }
            13 => {
                let edge = of(&graph.edges, b)?;
                Command::Disconnect { at, from: edge.from.to_string(), to: edge.to.to_string() }
            }
            14 => {
                let to = (c % 4 > 0).then(|| Point::new(i32::from(b) * 16, i32::from(c) * 16));
                let other = of(&keys, c).filter(|_| c.is_multiple_of(3));
                Command::Move { at, places: [node()?].into_iter().chain(other).map(|key| (key, to)).collect() }
            }
            15 => {
                let content = Fragment::of("step", parse(NODES[0]), Point::new(0, 0));
                Command::AddBody {
                    at,
                    key: node()?,
                    body: of(&["side", "body", "late"], c)?.into(),
                    content,
                    result: some,
                }
            }
            16 | 17 => {
                let scopes: Vec<(Key, Key)> = bodies(graph);
                let (key, body) = of(&scopes, b)?;
                if what == 16 {
                    Command::RemoveBody { at, key, body }
                } else {
                    Command::RenameBody { at, key, body, to: of(&["side", "body", "late"], c)?.into() }
                }
            }
            18 => Command::SetResult { at, value: some },
            19 => of(
                &[
                    Command::SetName { name: format!("name {b}") },
                    Command::SetDescription { description: format!("for {b}") },
                    Command::SetLimits { limits: parse(r#"{"concurrency":{"limit":2}}"#) },
                    Command::SetLimits { limits: parse(r#"{"deadline":"1h"}"#) },
                ],
                c,
            )?,
            20 => Command::SetTags { tags: definition.tags.iter().cloned().chain([format!("tag {c}")]).collect() },
            21 if b.is_multiple_of(2) => Command::SetInput { schema: some },
            21 => Command::SetOutput { schema: some },
            22 => Command::SetSample { path: holon_studio::place::sample_key(&at, &node()?), value: some },
            23 => {
                let tests = definition.tests.as_list().unwrap_or_default().iter().cloned();
                Command::SetTests { tests: Value::list(tests.chain([Value::from(i64::from(c))])) }
            }
            _ => {
                let commands =
                    [(0, a, b, c), (11, a, b, c), (14, a, c, b)].map(|(what, a, b, c)| Self { what, a, b, c });
                batch(definition, &commands)?
            }
        })
    }
}

/// What fits of several, each on what the one before left.
fn batch(definition: &Definition, picks: &[Pick]) -> Option<Command> {
    let mut copy = definition.clone();
    let fits = |pick: &Pick| pick.command(&copy).filter(|command| holon_studio::apply(&mut copy, command).is_ok());
    let commands: Vec<Command> = picks.iter().filter_map(fits).collect();
    (!commands.is_empty()).then(|| Command::Batch { label: "several".into(), commands })
}

fn fragment(graph: &Graph, keys: &[Key], b: u8, c: u8) -> Option<Fragment> {
    let key = of(KEYS, c).filter(|key| !graph.nodes.contains_key(*key))?;
    let mut fragment = Fragment::of(key, parse(of(NODES, b)?), Point::new(i32::from(c) * 8, 0));
    if let Some(before) = of(keys, b).filter(|_| b.is_multiple_of(2)) {
        fragment.edges.push((format!("{before}.out"), format!("{key}.in")));
    }
    if c.is_multiple_of(3) {
        fragment.samples.insert(key.to_owned(), Value::from(i64::from(c)));
    }
    Some(fragment)
}

fn bodies(graph: &Graph) -> Vec<(Key, Key)> {
    let of = |(key, node): (&Key, &holon_flow::definition::Node)| -> Vec<(Key, Key)> {
        node.bodies.keys().map(|body| (key.clone(), body.clone())).collect()
    };
    graph.nodes.iter().flat_map(of).collect()
}
