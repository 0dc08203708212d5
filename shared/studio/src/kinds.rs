//! Node kinds as the editor knows them: only what a kind says of itself, as data. No kind is known by name here.

use crate::geometry;
use holon_flow::{
    NodeKind,
    capability::{Behaviour, Bodies, Catalogue, EffectClass, Preview},
    definition::{Key, Node},
};
use holon_model::Value;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KindInfo {
    /// `name@version`.
    pub id: String,
    /// Two or three words.
    pub title: String,
    /// One sentence.
    pub summary: String,
    /// Group in the palette.
    pub category: String,
    /// Name of a Lucide icon.
    pub icon: String,
    /// More words the palette finds it by.
    pub keywords: Vec<String>,
    /// JSON Schema of config.
    pub config: Value,
    /// JSON Schema of the input.
    pub input: Value,
    /// JSON Schema of the output.
    pub output: Value,
    /// In-ports.
    pub inputs: Vec<String>,
    /// Fixed out-ports, without `error`.
    pub outputs: Vec<String>,
    /// Pointer into config and member: a port for each item.
    pub outputs_from: Option<(String, String)>,
    /// Whether there is an `error` out-port.
    pub error: bool,
    /// Bodies by name and whether they may be left out.
    pub bodies: Vec<(String, bool)>,
    /// Whether bodies are named freely.
    pub named_bodies: bool,
    /// Whether it starts runs.
    pub trigger: bool,
    /// Whether preview answers it from samples.
    pub sampled: bool,
    /// `pure`, `idempotent`, `at_most_once`, `transactional` or `outbox`.
    pub effect: String,
    /// Whether an answer of it may stand for the next one too.
    pub cacheable: bool,
    /// The sample used until the definition has its own.
    pub sample: Value,
    /// Text under the title, with `{/pointer}`.
    pub line: String,
    /// Config of a newly added node.
    pub defaults: Value,
    /// What pasting a text offers, and an example of such a text.
    pub import: Option<(String, String)>,
}

impl From<&NodeKind> for KindInfo {
    fn from(kind: &NodeKind) -> Self {
        let effect = match kind.effect {
            EffectClass::Pure => "pure",
            EffectClass::Idempotent => "idempotent",
            EffectClass::AtMostOnce => "at_most_once",
            EffectClass::Transactional => "transactional",
            EffectClass::Outbox => "outbox",
        };
        Self {
            id: format!("{}@{}", kind.name, kind.version),
            title: kind.title.clone(),
            summary: kind.summary.clone(),
            category: kind.category.clone(),
            icon: kind.icon.clone(),
            keywords: kind.keywords.clone(),
            config: kind.config.0.clone(),
            input: kind.input.0.clone(),
            output: kind.output.0.clone(),
            inputs: kind.ports.inputs.clone(),
            outputs: kind.ports.outputs.clone(),
            outputs_from: kind.ports.outputs_from.as_ref().map(|from| (from.pointer.clone(), from.key.clone())),
            error: kind.ports.error,
            bodies: if let Bodies::Fixed(bodies) = &kind.bodies { bodies.clone() } else { Vec::new() },
            named_bodies: matches!(kind.bodies, Bodies::Named),
            trigger: matches!(kind.behaviour, Behaviour::Trigger),
            sampled: matches!(kind.preview, Preview::Sample),
            effect: effect.into(),
            cacheable: kind.cacheable,
            sample: kind.sample.clone(),
            line: kind.line.clone(),
            defaults: kind.defaults.clone(),
            import: kind.import.as_ref().map(|import| (import.title.clone(), import.placeholder.clone())),
        }
    }
}

impl KindInfo {
    /// The out-ports with this config, in order, `error` last.
    pub fn out_ports(&self, config: &Value) -> Vec<String> {
        let listed = self.outputs_from.iter().flat_map(|(pointer, member)| {
            let items = config.pointer(pointer).and_then(Value::as_list).unwrap_or_default();
            items.iter().filter_map(|item| item.get(member)?.as_str().map(str::to_owned))
        });
        listed.chain(self.outputs.iter().cloned()).chain(self.error.then(|| "error".to_owned())).collect()
    }

    /// Whether publishing gives a node of this kind an address.
    pub fn is_addressed(&self) -> bool {
        self.config.get("x-holon-addressed").and_then(Value::as_bool) == Some(true)
    }

    /// Whether it holds graphs.
    pub fn is_scope(&self) -> bool {
        self.named_bodies || !self.bodies.is_empty()
    }

    /// What a node does with these settings, in one line.
    pub fn line(&self, config: &Value) -> String {
        let mut out = String::new();
        let mut rest = self.line.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let Some((pointer, tail)) = after.split_once('}') else { break };
            out.push_str(before);
            let shown = shown(config.pointer(pointer));
            // Of an address the place says what is done; the scheme would take its room.
            let place = ["https://", "http://"].iter().find_map(|scheme| shown.strip_prefix(scheme));
            out.push_str(place.filter(|place| !place.is_empty()).unwrap_or(&shown));
            rest = tail;
        }
        out.push_str(rest);
        let words = out.split_whitespace().collect::<Vec<_>>().join(" ");
        const LONGEST: usize = 120;
        if words.is_empty() { self.title.clone() } else { words.chars().take(LONGEST).collect() }
    }

    /// The key a new node of this kind gets, before it is made unique: the last word of its name.
    pub fn stem(&self) -> String {
        let name = self.id.split('@').next().unwrap_or_default();
        holon_flow::definition::names::key_from(name.rsplit('.').next().unwrap_or(name))
    }

    /// A new node of this kind.
    pub fn new_node(&self) -> Option<Node> {
        let mut node = Node::new(self.id.parse().ok()?);
        if self.defaults.as_map().is_some() {
            node.config = self.defaults.clone();
        }
        for (body, _) in self.bodies.iter().filter(|(_, optional)| !optional) {
            node.bodies.insert(Key::from(body.as_str()), Default::default());
        }
        if self.named_bodies {
            for body in ["first", "second"] {
                node.bodies.insert(Key::from(body), Default::default());
            }
        }
        Some(node)
    }
}

/// A part of config as one line shows it.
fn shown(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::Str(text)) => text.to_string(),
        Some(Value::List(items)) => {
            if items.len() == 1 {
                "1 item".into()
            } else {
                format!("{} items", items.len())
            }
        }
        Some(Value::Map(map)) => {
            match (map.len(), map.get("$cel").or_else(|| map.get("$text")).and_then(Value::as_str)) {
                (1, Some(source)) => source.to_owned(),
                _ => map.keys().map(|key| &**key).collect::<Vec<_>>().join(", "),
            }
        }
        Some(other) => other.to_json(),
    }
}

/// The kinds there are.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Kinds(BTreeMap<String, KindInfo>);

impl Kinds {
    /// From a list.
    pub fn new(kinds: impl IntoIterator<Item = KindInfo>) -> Self {
        Self(kinds.into_iter().map(|kind| (kind.id.clone(), kind)).collect())
    }

    /// Those of a catalogue.
    pub fn of(catalogue: &Catalogue) -> Self {
        Self::new(catalogue.kinds().map(|kind| KindInfo::from(&**kind)))
    }

    /// Whether there are none: they were not loaded.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The kind of this id.
    pub fn get(&self, id: &str) -> Option<&KindInfo> {
        self.0.get(id)
    }

    /// The kind of a node.
    pub fn of_node(&self, node: &Node) -> Option<&KindInfo> {
        self.0.get(&node.kind.to_string())
    }

    /// All, by id.
    pub fn iter(&self) -> impl Iterator<Item = &KindInfo> {
        self.0.values()
    }

    /// In-ports of a node; one for a kind that is not known.
    pub fn in_ports(&self, node: &Node) -> Vec<String> {
        self.of_node(node).map_or_else(|| vec!["in".to_owned()], |kind| kind.inputs.clone())
    }

    /// Out-ports of a node; one for a kind that is not known.
    pub fn out_ports(&self, node: &Node) -> Vec<String> {
        self.of_node(node).map_or_else(|| vec!["out".to_owned()], |kind| kind.out_ports(&node.config))
    }

    /// Height of a node's card.
    pub fn height(&self, node: &Node) -> i32 {
        geometry::card_height(self.in_ports(node).len(), self.out_ports(node).len(), node.bodies.len())
    }

    /// The kinds a palette shows for these words, best first, with their group.
    pub fn search(&self, words: &str) -> Vec<&KindInfo> {
        let words: Vec<String> = words.split_whitespace().map(str::to_lowercase).collect();
        let mut found: Vec<(i32, &KindInfo)> =
            self.0.values().filter_map(|kind| Some((score(kind, &words)?, kind))).collect();
        found.sort_by(|(a, left), (b, right)| {
            b.cmp(a).then_with(|| left.category.cmp(&right.category)).then_with(|| left.title.cmp(&right.title))
        });
        found.into_iter().map(|(_, kind)| kind).collect()
    }
}

/// How well a kind fits all the words; `None` when one is not found.
fn score(kind: &KindInfo, words: &[String]) -> Option<i32> {
    let title = kind.title.to_lowercase();
    let mut total = if kind.trigger && words.is_empty() { 1 } else { 0 };
    for word in words {
        total += if title.starts_with(word.as_str()) {
            8
        } else if title.contains(word.as_str()) {
            5
        } else if kind.keywords.iter().any(|keyword| keyword.to_lowercase().starts_with(word.as_str())) {
            4
        } else if kind.id.contains(word.as_str()) || kind.category.to_lowercase().contains(word.as_str()) {
            3
        } else if kind.summary.to_lowercase().contains(word.as_str()) {
            1
        } else {
            return None;
        };
    }
    Some(total)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A kind for tests.
    pub(crate) fn kind(id: &str, inputs: &[&str], outputs: &[&str], error: bool) -> KindInfo {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        KindInfo {
            id: id.into(),
            title: id.split('@').next().unwrap_or_default().replace('.', " "),
            summary: String::new(),
            category: "Test".into(),
            icon: "box".into(),
            keywords: vec!["sum".into()],
            config: Value::Bool(true),
            input: Value::Bool(true),
            output: Value::Bool(true),
            inputs: owned(inputs),
            outputs: owned(outputs),
            outputs_from: None,
            error,
            bodies: Vec::new(),
            named_bodies: false,
            trigger: inputs.is_empty(),
            sampled: false,
            effect: "pure".into(),
            cacheable: false,
            sample: Value::Null,
            line: "{/method} {/url}".into(),
            defaults: Value::Null,
            import: None,
        }
    }

    #[test]
    fn the_line_says_what_the_settings_do_and_falls_back_to_the_title() {
        let http = kind("http.request@1", &["in"], &["out"], true);
        let config = holon_model::json::parse(br#"{"method":"POST","url":{"$cel":"input.url"}}"#).unwrap();
        assert_eq!(http.line(&config), "POST input.url");
        let config = holon_model::json::parse(br#"{"method":"GET","url":"https://api.example.com/orders"}"#).unwrap();
        assert_eq!(http.line(&config), "GET api.example.com/orders");
        assert_eq!(http.line(&Value::Null), "http request");
    }

    #[test]
    fn ports_from_config_come_before_the_fixed_ones_and_error_comes_last() {
        let mut switch = kind("pick@1", &["in"], &["default"], true);
        switch.outputs_from = Some(("/cases".into(), "port".into()));
        let config = holon_model::json::parse(br#"{"cases":[{"port":"a"},{"port":"b"},{}]}"#).unwrap();
        assert_eq!(switch.out_ports(&config), ["a", "b", "default", "error"]);
    }

    #[test]
    fn the_palette_wants_every_word_and_puts_titles_first() {
        let kinds =
            Kinds::new([kind("a.sum@1", &["in"], &["out"], false), kind("b.other@1", &["in"], &["out"], false)]);
        let ids = |words: &str| kinds.search(words).into_iter().map(|kind| kind.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids("sum"), ["a.sum@1", "b.other@1"]);
        assert_eq!(ids("sum other"), ["b.other@1"]);
        assert!(ids("nothing").is_empty());
    }
}
