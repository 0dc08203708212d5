//! A definition as places with values, and who touched which.

use holon_flow::definition::{Definition, Graph};
use holon_model::Value;
use holon_studio::{Command, GraphPath};
use std::collections::{BTreeMap, BTreeSet};

/// Values by JSON pointer. What belongs to a node but is written elsewhere (places, samples, edges) stands with the node.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Slots {
    values: BTreeMap<String, String>,
    /// The pointers of nodes and bodies.
    things: BTreeSet<String>,
}

impl Slots {
    pub fn of(definition: &Definition) -> Self {
        let mut out = Self::default();
        let mut rest = definition.clone();
        rest.graph = Graph::default();
        rest.samples.clear();
        rest.layout = Value::Null;
        out.value("", &rest.to_value());
        out.graph("", &definition.graph);
        let places = definition.layout.get("nodes").and_then(Value::as_map).cloned().unwrap_or_default();
        for (text, place) in &places {
            let (at, key) = text.rsplit_once('/').unwrap_or(("", text));
            let at: GraphPath = at.parse().unwrap();
            out.values.insert(format!("{}/nodes/{key}/@place", at.pointer()), place.to_json());
        }
        for (path, sample) in &definition.samples {
            let mut pointer = String::new();
            let mut segments = path.split('/').peekable();
            while let Some(segment) = segments.next() {
                let (node, body) = segment.split_once('.').unwrap_or((segment, "body"));
                pointer += &format!("/nodes/{node}");
                if segments.peek().is_some() {
                    pointer += &format!("/bodies/{body}");
                }
            }
            out.value(&(pointer + "/@sample"), sample);
        }
        out
    }

    fn graph(&mut self, at: &str, graph: &Graph) {
        for (key, node) in &graph.nodes {
            let at = format!("{at}/nodes/{key}");
            let mut rest = node.clone();
            rest.bodies.clear();
            self.value(&at, &rest.to_value());
            for (name, body) in &node.bodies {
                let at = format!("{at}/bodies/{name}");
                self.graph(&at, body);
                self.things.insert(at);
            }
            self.things.insert(at);
        }
        if let Some(result) = &graph.result {
            self.value(&format!("{at}/result"), result);
        }
        for edge in &graph.edges {
            // Whoever touches one of the two nodes touches the edge.
            for (end, other) in [(&edge.from, &edge.to), (&edge.to, &edge.from)] {
                let at = format!("{at}/nodes/{}/@edges/{}>{other}", end.node, end.port);
                self.values.insert(at, format!("{} {}", edge.from, edge.to));
            }
        }
    }

    /// Lists and expressions are one value each.
    fn value(&mut self, at: &str, value: &Value) {
        match value.as_map().filter(|map| !map.is_empty() && !map.keys().any(|key| key.starts_with('$'))) {
            Some(map) => map.iter().for_each(|(key, value)| self.value(&format!("{at}/{key}"), value)),
            None => _ = self.values.insert(at.to_owned(), value.to_json()),
        }
    }

    fn differing<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'a String> {
        let all: BTreeSet<&String> = self.values.keys().chain(other.values.keys()).collect();
        all.into_iter().filter(|at| self.values.get(*at) != other.values.get(*at))
    }

    /// Whether some of the edges make a circle.
    fn has_circle(&self) -> bool {
        let ends = |(at, edge): (&String, &String)| {
            let graph = at.split_once("/@edges/")?.0.rsplit_once("/nodes/")?.0;
            let (from, to) = edge.split_once(' ')?;
            let node = |end: &str| format!("{graph}/nodes/{}", end.split('.').next().unwrap_or_default());
            Some((node(from), node(to)))
        };
        let mut edges: BTreeSet<(String, String)> = self.values.iter().filter_map(ends).collect();
        // What nothing leads to is on no circle.
        loop {
            let targets: BTreeSet<String> = edges.iter().map(|(_, to)| to.clone()).collect();
            let before = edges.len();
            edges.retain(|(from, _)| targets.contains(from));
            if edges.len() == before {
                return before > 0;
            }
        }
    }

    /// Does here what makes `after` of `before`.
    pub fn change(&mut self, before: &Self, after: &Self) {
        for at in before.differing(after) {
            match after.values.get(at) {
                Some(value) => _ = self.values.insert(at.clone(), value.clone()),
                None => _ = self.values.remove(at),
            }
        }
    }

    /// Compares what was expected here with what is left, in places that only I or only others touched: how many of each.
    ///
    /// # Errors
    /// A place that differs.
    pub fn compare(
        &self,
        left: &Self,
        (mine, theirs): (&Touched, &Touched),
        renamed: bool,
    ) -> Result<(usize, usize), String> {
        let all: BTreeSet<&String> = self.values.keys().chain(left.values.keys()).collect();
        // Under a new name a circle cannot be told from what is expected.
        let circle = renamed || self.has_circle();
        let (mut own, mut others) = (0, 0);
        for at in all {
            let (by_me, by_them) = (mine.has(at), theirs.has(at));
            let (wanted, got) = (self.values.get(at), left.values.get(at));
            // Expressions follow a node that is renamed, back too.
            let names = |value: Option<&String>| {
                value.is_some_and(|value| value.contains("nodes.") || value.contains("input."))
            };
            // An edge of mine is not drawn again where one of theirs makes a circle of it.
            let circle = circle && at.contains("/@edges/");
            if by_me && by_them || circle || renamed && (names(wanted) || names(got)) {
                continue;
            }
            if wanted != got {
                return Err(format!("that {at} is {wanted:?} and not {got:?}"));
            }
            own += usize::from(by_me);
            others += usize::from(by_them);
        }
        Ok((own, others))
    }
}

/// Places that somebody changed; a node that came, went or became another kind with everything in it.
#[derive(Debug, Default)]
pub struct Touched(BTreeSet<String>);

impl Touched {
    pub fn between(&mut self, before: &Slots, after: &Slots) {
        self.0.extend(before.differing(after).cloned());
        self.0.extend(before.things.symmetric_difference(&after.things).cloned());
        let kinds = before.differing(after).filter_map(|at| at.strip_suffix("/kind"));
        self.0.extend(kinds.map(str::to_owned));
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn and(&mut self, other: &Self) {
        self.0.extend(other.0.iter().cloned());
    }

    /// What came back under a free name, because its own was taken.
    pub fn back_elsewhere(&mut self, before: &Slots, undone: &Slots, left: &Slots) {
        let new = |thing: &&String| !before.things.contains(*thing) && !undone.things.contains(*thing);
        self.0.extend(left.things.iter().filter(new).cloned());
    }

    /// A node or body that got another name, under both: its places are not those that they were.
    pub fn renamed(&mut self, command: &Command) {
        match command {
            Command::Rename { at, key, to } => {
                self.0.extend([key, to].map(|key| format!("{}/nodes/{key}", at.pointer())));
            }
            Command::RenameBody { at, key, body, to } => {
                self.0.extend([body, to].map(|body| at.child(key, body).pointer()));
            }
            Command::Batch { commands, .. } => commands.iter().for_each(|command| self.renamed(command)),
            _ => {}
        }
    }

    /// Whether it or something around it or in it was touched, and of an edge either end.
    fn has(&self, at: &str) -> bool {
        let other = at.split_once("/@edges/").and_then(|(node, edge)| {
            let (graph, other) = (node.rsplit_once("/nodes/")?.0, edge.split_once('>')?.1);
            Some(format!("{graph}/nodes/{}", other.split_once('.')?.0))
        });
        self.has_place(at) || other.is_some_and(|other| self.0.contains(&other))
    }

    fn has_place(&self, at: &str) -> bool {
        let around = |found: &String| {
            let (short, long) = if found.len() <= at.len() { (found.as_str(), at) } else { (at, found.as_str()) };
            long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.0.iter().any(around)
    }
}
