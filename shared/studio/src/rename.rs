//! What follows when a node gets another key: edges, and the expressions that name it.

use holon_flow::definition::{Graph, Key, Node};
use holon_model::{Map, Value};
use std::{collections::BTreeMap, sync::Arc};

/// New keys by old ones, all given at once: two nodes may change places.
pub type Renamed = BTreeMap<Key, Key>;

/// Rewrites the edges of the graph and all expressions in it that name the nodes, so that they name their new keys.
///
/// Bodies with a node of an old key mean that one and are left alone; so are bodies where the new key would be another node.
pub fn in_graph(graph: &mut Graph, names: &Renamed) {
    let inputs: Vec<(Key, Renamed)> = graph.nodes.keys().map(|key| (key.clone(), inputs(graph, key, names))).collect();
    expressions(graph, names);
    for (key, names) in inputs.iter().filter(|(_, names)| !names.is_empty()) {
        if let Some(node) = graph.nodes.get_mut(key) {
            map_expressions(&mut node.config, &|source| rewrite(source, "input", names));
        }
    }
    for edge in &mut graph.edges {
        for end in [&mut edge.from, &mut edge.to] {
            if let Some(to) = names.get(&end.node) {
                end.node = to.clone();
            }
        }
    }
}

/// The same for one node, of which `inputs` are the renamed sources that its `input` names.
pub fn in_node(node: &mut Node, names: &Renamed, inputs: &Renamed) {
    in_value(&mut node.config, names, inputs);
    in_bodies(node, names);
}

/// The same for a value with dynamic parts.
pub fn in_value(value: &mut Value, names: &Renamed, inputs: &Renamed) {
    if !names.is_empty() {
        map_expressions(value, &|source| rewrite(source, "nodes", names));
    }
    if !inputs.is_empty() {
        map_expressions(value, &|source| rewrite(source, "input", inputs));
    }
}

/// The new keys of what the node's `input` is a map of: with several in-edges it is one, by source.
pub fn inputs(graph: &Graph, key: &Key, names: &Renamed) -> Renamed {
    let (mut out, mut first) = (Renamed::new(), None);
    let mut several = false;
    for edge in graph.edges.iter().filter(|edge| !names.is_empty() && edge.to.node == *key) {
        several |= first.is_some_and(|first| first != edge);
        first.get_or_insert(edge);
        if let Some(to) = names.get(&edge.from.node) {
            out.insert(edge.from.node.clone(), to.clone());
        }
    }
    if several { out } else { Renamed::new() }
}

/// Whether an expression of the graph names the node `key`.
pub fn mentions(graph: &Graph, key: &Key) -> bool {
    let probe: Renamed = [(key.clone(), "\u{1}".into())].into();
    let mut copy = graph.clone();
    expressions(&mut copy, &probe);
    let inputs = |value: &Value| {
        let mut copy = value.clone();
        map_expressions(&mut copy, &|source| rewrite(source, "input", &probe));
        copy != *value
    };
    copy != *graph || graph.nodes.values().any(|node| inputs(&node.config))
}

fn expressions(graph: &mut Graph, names: &Renamed) {
    for node in graph.nodes.values_mut() {
        map_expressions(&mut node.config, &|source| rewrite(source, "nodes", names));
        in_bodies(node, names);
    }
    if let Some(result) = &mut graph.result {
        map_expressions(result, &|source| rewrite(source, "nodes", names));
    }
}

fn in_bodies(node: &mut Node, names: &Renamed) {
    for body in node.bodies.values_mut() {
        let seen = |(from, to): &(&Key, &Key)| !body.nodes.contains_key(*from) && !body.nodes.contains_key(*to);
        let names: Renamed = names.iter().filter(seen).map(|(from, to)| (from.clone(), to.clone())).collect();
        if !names.is_empty() {
            expressions(body, &names);
        }
    }
}

/// Applies `change` to the source of every expression in a value.
fn map_expressions(value: &mut Value, change: &dyn Fn(&str) -> Option<String>) {
    match value {
        Value::Map(map) => {
            if map.len() == 1
                && let Some(source) = map.get("$cel").and_then(Value::as_str)
            {
                if let Some(changed) = change(source) {
                    *value = Value::map([("$cel", Value::from(changed))]);
                }
            } else if map.len() == 1
                && let Some(text) = map.get("$text").and_then(Value::as_str)
            {
                if let Some(changed) = in_text(text, change) {
                    *value = Value::map([("$text", Value::from(changed))]);
                }
            } else if !map.contains_key("$$cel") && !map.contains_key("$$text") {
                let map: &mut Map = Arc::make_mut(map);
                map.values_mut().for_each(|value| map_expressions(value, change));
            }
        }
        Value::List(items) => Arc::make_mut(items).iter_mut().for_each(|value| map_expressions(value, change)),
        _ => {}
    }
}

/// Changes the parts of a text that are expressions: `{{ … }}` and `{% … %}`.
fn in_text(text: &str, change: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    let mut changed = false;
    while let Some(at) = rest.find("{{").into_iter().chain(rest.find("{%")).min() {
        let close = if rest[at..].starts_with("{{") { "}}" } else { "%}" };
        let Some(length) = rest[at + 2..].find(close) else { break };
        let inner = &rest[at + 2..at + 2 + length];
        out.push_str(&rest[..at + 2]);
        match change(inner) {
            Some(new) => {
                changed = true;
                out.push_str(&new);
            }
            None => out.push_str(inner),
        }
        out.push_str(close);
        rest = &rest[at + 4 + length..];
    }
    out.push_str(rest);
    changed.then_some(out)
}

/// Replaces `root.from` and `root["from"]` outside of strings; `None` when there is nothing to replace.
fn rewrite(source: &str, root: &str, names: &Renamed) -> Option<String> {
    let mut out = String::with_capacity(source.len());
    let mut changed = false;
    let mut at = 0;
    let mut before = ' ';
    while let Some(character) = source[at..].chars().next() {
        let rest = &source[at..];
        if matches!(character, '"' | '\'') {
            let length = string_length(rest);
            out.push_str(&rest[..length]);
            at += length;
            before = '"';
            continue;
        }
        let boundary = !is_word(before) && before != '.';
        if boundary
            && rest.starts_with(root)
            && let Some((skipped, length)) = selects(&rest[root.len()..])
            && let Some(to) = names.get(&rest[root.len() + skipped..root.len() + skipped + length])
        {
            out.push_str(&rest[..root.len() + skipped]);
            out.push_str(to);
            at += root.len() + skipped + length;
            // The quote that ends a key in brackets starts no string.
            if let Some(quote) = source[at..].chars().next().filter(|quote| matches!(quote, '"' | '\'')) {
                out.push(quote);
                at += 1;
            }
            before = 'a';
            changed = true;
            continue;
        }
        out.push(character);
        at += character.len_utf8();
        if !character.is_whitespace() || is_word(before) && !rest[character.len_utf8()..].starts_with('.') {
            before = character;
        }
    }
    changed.then_some(out)
}

/// Whether `rest` begins with `.key` or `["key"]`: what stands before the key, and the key's length.
fn selects(rest: &str) -> Option<(usize, usize)> {
    let spaces = |text: &str| text.len() - text.trim_start().len();
    let mut at = spaces(rest);
    match rest[at..].chars().next()? {
        '.' => {
            at += 1;
            at += spaces(&rest[at..]);
            let length = rest[at..].find(|character| !is_word(character)).unwrap_or(rest.len() - at);
            Some((at, length))
        }
        '[' => {
            at += 1;
            at += spaces(&rest[at..]);
            let quote = rest[at..].chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
            at += 1;
            Some((at, rest[at..].find(quote)?))
        }
        _ => None,
    }
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Bytes of the string literal that `rest` begins with, quotes included.
fn string_length(rest: &str) -> usize {
    let quote = &rest[..1];
    let long = quote.repeat(3);
    let (open, close) = if rest.starts_with(&long) { (3, long.as_str()) } else { (1, quote) };
    let mut at = open;
    while at < rest.len() {
        if rest[at..].starts_with(close) {
            return at + close.len();
        }
        let mut characters = rest[at..].chars();
        let first = characters.next().map_or(1, char::len_utf8);
        at += first + if rest[at..].starts_with('\\') { characters.next().map_or(0, char::len_utf8) } else { 0 };
    }
    rest.len()
}

/// Renames the first segment of relative places and samples.
pub fn first_segment<T>(entries: BTreeMap<String, T>, names: &Renamed) -> BTreeMap<String, T> {
    let renamed = entries.into_iter().map(|(text, value)| {
        let (first, rest) = text.split_at(text.find(['/', '.']).unwrap_or(text.len()));
        let text = names.get(first).map(|to| format!("{to}{rest}")).unwrap_or(text);
        (text, value)
    });
    renamed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to_b() -> Renamed {
        [("a".into(), "b".into())].into()
    }

    #[test]
    fn only_the_node_itself_is_renamed_in_an_expression() {
        let cases = [
            ("nodes.a.x + nodes.ab.x", Some("nodes.b.x + nodes.ab.x")),
            ("nodes [ 'a' ].x == 'nodes.a'", Some("nodes [ 'b' ].x == 'nodes.a'")),
            ("item.nodes.a", None),
            ("mynodes.a", None),
            ("\"\\\"nodes.a\" + nodes . a", Some("\"\\\"nodes.a\" + nodes . b")),
            ("has(nodes.a) && nodes.a.ok", Some("has(nodes.b) && nodes.b.ok")),
        ];
        for (source, expected) in cases {
            assert_eq!(rewrite(source, "nodes", &to_b()).as_deref(), expected, "{source}");
        }
        let swapped = [("a".into(), "b".into()), ("b".into(), "a".into())].into();
        assert_eq!(rewrite("nodes.a - nodes['b']", "nodes", &swapped).as_deref(), Some("nodes.b - nodes['a']"));
    }

    #[test]
    fn in_text_only_expressions_are_renamed() {
        let change = |source: &str| rewrite(source, "nodes", &to_b());
        let text = "nodes.a {{ nodes.a.x }} {% if nodes.a %}nodes.a{% end %} {{ 1";
        assert_eq!(in_text(text, &change).unwrap(), "nodes.a {{ nodes.b.x }} {% if nodes.b %}nodes.a{% end %} {{ 1");
    }
}
