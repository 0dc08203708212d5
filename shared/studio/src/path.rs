//! Where a graph stands in a definition: the scopes and bodies that lead to it, written `each.body/guard.catch`.

use holon_flow::definition::{Definition, Graph, Key};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, str::FromStr};

/// One step down: into the body of a scope.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Step {
    /// The scope's key.
    pub node: Key,
    /// The body's name.
    pub body: Key,
}

/// The way to a graph; empty: the definition's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GraphPath(pub Vec<Step>);

impl Step {
    /// What people read for it: `trip · hotel`; the node's key alone where the body is the only one.
    pub fn words(&self) -> String {
        if &*self.body == "body" { self.node.to_string() } else { format!("{} · {}", self.node, self.body) }
    }
}

impl GraphPath {
    /// The definition's own graph.
    pub fn root() -> Self {
        Self::default()
    }

    /// Whether this is the definition's own graph.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The graph `body` of the scope `node` in this graph.
    #[must_use]
    pub fn child(&self, node: &str, body: &str) -> Self {
        let mut steps = self.0.clone();
        steps.push(Step { node: node.into(), body: body.into() });
        Self(steps)
    }

    /// The graph around this one and the scope that holds it; `None` for the root.
    pub fn parent(&self) -> Option<(Self, &Step)> {
        let (last, before) = self.0.split_last()?;
        Some((Self(before.to_vec()), last))
    }

    /// The bodies of the scope that holds this graph, this one among them; none for the root.
    pub fn siblings(&self, definition: &Definition) -> Vec<Key> {
        let node = self.parent().and_then(|(at, step)| at.find(definition)?.nodes.get(&step.node));
        node.map(|node| node.bodies.keys().cloned().collect()).unwrap_or_default()
    }

    /// The first `depth` steps.
    #[must_use]
    pub fn prefix(&self, depth: usize) -> Self {
        Self(self.0.iter().take(depth).cloned().collect())
    }

    /// The text that stands for a node of this graph in `layout`: `each.body/call`.
    pub fn place(&self, key: &str) -> String {
        if self.is_root() { key.to_owned() } else { format!("{self}/{key}") }
    }

    /// The graph.
    pub fn find<'a>(&self, definition: &'a Definition) -> Option<&'a Graph> {
        self.0.iter().try_fold(&definition.graph, |graph, step| graph.nodes.get(&step.node)?.bodies.get(&step.body))
    }

    /// The graph, to change it.
    pub fn find_mut<'a>(&self, definition: &'a mut Definition) -> Option<&'a mut Graph> {
        self.0
            .iter()
            .try_fold(&mut definition.graph, |graph, step| graph.nodes.get_mut(&step.node)?.bodies.get_mut(&step.body))
    }

    /// JSON pointer to the graph in the definition, to which `/nodes/…` is appended.
    pub fn pointer(&self) -> String {
        self.0.iter().map(|step| format!("/nodes/{}/bodies/{}", step.node, step.body)).collect()
    }
}

impl fmt::Display for GraphPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            let slash = if index > 0 { "/" } else { "" };
            write!(f, "{slash}{}.{}", step.node, step.body)?;
        }
        Ok(())
    }
}

impl FromStr for GraphPath {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Ok(Self::root());
        }
        let steps = text.split('/').map(|step| match step.split_once('.') {
            Some((node, body)) if !node.is_empty() && !body.is_empty() => {
                Ok(Step { node: node.into(), body: body.into() })
            }
            _ => Err("the path of a graph is written `scope.body/scope.body`"),
        });
        steps.collect::<Result<_, _>>().map(Self)
    }
}

impl Serialize for GraphPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for GraphPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// The node a diagnostic's pointer leads to, with the graph it stands in and the rest of the pointer.
pub fn locate(pointer: &str) -> Option<(GraphPath, Key, String)> {
    let mut tokens = pointer.strip_prefix('/')?.split('/').peekable();
    let mut path = GraphPath::root();
    loop {
        if tokens.next()? != "nodes" {
            return None;
        }
        let key = tokens.next()?;
        let rest: Vec<&str> = tokens.clone().collect();
        if let ["bodies", body, "nodes", _, ..] = rest.as_slice() {
            path = path.child(key, body);
            tokens.next();
            tokens.next();
        } else {
            let rest = rest.iter().map(|token| format!("/{token}")).collect();
            return Some((path, key.into(), rest));
        }
    }
}

/// The graph whose result a diagnostic's pointer leads to.
pub fn locate_result(pointer: &str) -> Option<GraphPath> {
    let mut tokens = pointer.strip_prefix('/')?.split('/');
    let mut path = GraphPath::root();
    loop {
        match tokens.next()? {
            "result" => return Some(path),
            "nodes" => {
                let key = tokens.next()?;
                path = path.child(key, tokens.next().filter(|word| *word == "bodies").and_then(|_| tokens.next())?);
            }
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_back_what_it_prints() {
        for text in ["", "each.body", "each.body/guard.catch"] {
            assert_eq!(text.parse::<GraphPath>().unwrap().to_string(), text);
        }
        assert!("each".parse::<GraphPath>().is_err());
        assert!("each.body//x.y".parse::<GraphPath>().is_err());
    }

    #[test]
    fn a_body_knows_the_other_bodies_of_its_scope() {
        let text =
            br#"{"holon":1,"name":"trip","nodes":{"trip":{"kind":"saga@1","bodies":{"hotel":{"nodes":{},"edges":[]},
            "car":{"nodes":{},"edges":[]}}}},"edges":[]}"#;
        let definition = Definition::from_value(&holon_model::json::parse(text).unwrap()).unwrap();
        let at: GraphPath = "trip.hotel".parse().unwrap();
        assert_eq!(at.siblings(&definition).iter().map(|key| &**key).collect::<Vec<_>>(), ["car", "hotel"]);
        assert_eq!(at.0[0].words(), "trip · hotel");
        assert!(GraphPath::root().siblings(&definition).is_empty());
    }

    #[test]
    fn a_pointer_is_located_in_the_innermost_node_it_names() {
        let (path, key, rest) = locate("/nodes/each/bodies/body/nodes/call/config/url").unwrap();
        assert_eq!((path.to_string().as_str(), &*key, rest.as_str()), ("each.body", "call", "/config/url"));
        let (path, key, rest) = locate("/nodes/each/bodies/body/edges/0").unwrap();
        assert!(path.is_root());
        assert_eq!((&*key, rest.as_str()), ("each", "/bodies/body/edges/0"));
        assert!(locate("/edges/0/from").is_none());
    }

    #[test]
    fn a_pointer_into_a_result_is_located_in_the_graph_whose_result_it_is() {
        let found = |pointer: &str| locate_result(pointer).map(|path| path.to_string());
        assert_eq!(found("/result/report/$cel").as_deref(), Some(""));
        assert_eq!(found("/nodes/trip/bodies/hotel/result").as_deref(), Some("trip.hotel"));
        assert_eq!(found("/nodes/result/bodies/b/result").as_deref(), Some("result.b"));
        assert_eq!(found("/nodes/a/bodies/b/nodes/c/bodies/d/result/$cel").as_deref(), Some("a.b/c.d"));
        for other in ["/results", "/nodes/result/config/url", "/nodes/a/config/result", "/edges/0"] {
            assert_eq!(found(other), None, "{other}");
        }
    }
}
