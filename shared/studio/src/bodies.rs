//! Adding, renaming and removing a body together with what the scope's own settings say of it.
//!
//! A kind marks the settings that name bodies with `"x-holon-body": true` (the steps of a saga do): they follow. Commands know no
//! kinds, so one batch is composed of a command for the body and one for each setting.

use crate::{
    Command, Fragment, GraphPath, Kinds,
    form::{self, BODY_HINT},
};
use holon_flow::definition::{Definition, Key, Node, pointer::escape};
use holon_model::Value;

/// A setting that names a body.
struct Mention {
    pointer: String,
    name: String,
    /// What is to be removed when the body is: the item of the list that cannot do without it, or the setting alone.
    gone: String,
}

/// A body of this name, and a place for it in the list that names the bodies, where there is one.
pub fn add(definition: &Definition, at: &GraphPath, kinds: &Kinds, key: &Key, body: &Key) -> Option<Command> {
    let node = at.find(definition)?.nodes.get(key)?;
    let schema = kinds.of_node(node).map(|kind| &kind.config);
    let named = schema.and_then(|schema| list(schema, node, body)).map(|(pointer, value)| Command::Configure {
        at: at.clone(),
        key: key.clone(),
        pointer,
        value: Some(value),
    });
    let add = Command::AddBody {
        at: at.clone(),
        key: key.clone(),
        body: body.clone(),
        content: Fragment::default(),
        result: None,
    };
    Some(with(add, named.into_iter().collect()))
}

/// Another name for a body, wherever the settings of its scope name it.
pub fn rename(
    definition: &Definition,
    at: &GraphPath,
    kinds: &Kinds,
    key: &Key,
    body: &Key,
    to: &Key,
) -> Option<Command> {
    let node = at.find(definition)?.nodes.get(key)?;
    let follow = mentions(kinds, node, body).into_iter().map(|mention| Command::Configure {
        at: at.clone(),
        key: key.clone(),
        pointer: mention.pointer,
        value: Some(Value::str(&**to)),
    });
    let rename = Command::RenameBody { at: at.clone(), key: key.clone(), body: body.clone(), to: to.clone() };
    Some(with(rename, follow.collect()))
}

/// A body goes, and with it what names it: whole items of lists that are about it, else the setting.
pub fn remove(definition: &Definition, at: &GraphPath, kinds: &Kinds, key: &Key, body: &Key) -> Option<Command> {
    let node = at.find(definition)?.nodes.get(key)?;
    let mut gone: Vec<String> = mentions(kinds, node, body).into_iter().map(|mention| mention.gone).collect();
    let all = gone.clone();
    gone.retain(|pointer| {
        let inside = |outer: &String| pointer.strip_prefix(outer.as_str()).is_some_and(|rest| rest.starts_with('/'));
        !all.iter().any(inside)
    });
    gone.dedup();
    // From the end: what goes moves only what comes after it.
    let clear = gone.into_iter().rev().map(|pointer| Command::Configure {
        at: at.clone(),
        key: key.clone(),
        pointer,
        value: None,
    });
    let remove = Command::RemoveBody { at: at.clone(), key: key.clone(), body: body.clone() };
    Some(with(remove, clear.collect()))
}

/// One command with what follows from it, under its name.
fn with(command: Command, rest: Vec<Command>) -> Command {
    if rest.is_empty() {
        return command;
    }
    Command::Batch { label: command.label(), commands: std::iter::once(command).chain(rest).collect() }
}

fn marked(schema: &Value) -> bool {
    schema.get(BODY_HINT).and_then(Value::as_bool) == Some(true)
}

fn required(schema: &Value) -> impl Iterator<Item = &str> {
    schema.get("required").and_then(Value::as_list).unwrap_or_default().iter().filter_map(Value::as_str)
}

/// The settings of a node that name this body, in the order in which they stand.
fn mentions(kinds: &Kinds, node: &Node, body: &Key) -> Vec<Mention> {
    let mut found = Vec::new();
    if let Some(kind) = kinds.of_node(node) {
        let place = Mention { pointer: String::new(), name: String::new(), gone: String::new() };
        walk(&kind.config, &kind.config, &node.config, place, None, &mut found);
    }
    found.retain(|mention| *mention.name == **body);
    found
}

/// Walks a schema and a value together. `item` is the item of a list that the value stands in.
fn walk(schema: &Value, root: &Value, value: &Value, place: Mention, item: Option<&str>, found: &mut Vec<Mention>) {
    let schema = form::resolve(schema, root);
    if marked(schema)
        && let Some(name) = value.as_str()
    {
        return found.push(Mention { name: name.to_owned(), ..place });
    }
    if let (Some(items), Some(values)) = (schema.get("items"), value.as_list()) {
        for (index, value) in values.iter().enumerate() {
            let pointer = format!("{}/{index}", place.pointer);
            let inner = Mention { gone: pointer.clone(), pointer: pointer.clone(), name: String::new() };
            walk(items, root, value, inner, Some(&pointer), found);
        }
    }
    let (Some(properties), Some(map)) = (schema.get("properties").and_then(Value::as_map), value.as_map()) else {
        return;
    };
    for (name, value) in map.iter() {
        let Some(schema_of) = properties.get(name) else { continue };
        let pointer = format!("{}/{}", place.pointer, escape(name));
        let needed = required(schema).any(|required| *required == **name);
        let gone = item.filter(|_| needed).unwrap_or(&pointer).to_owned();
        walk(schema_of, root, value, Mention { gone, pointer, name: String::new() }, item, found);
    }
}

/// Where a new body is named, and by what: the first list whose items cannot do without a body.
fn list(schema: &Value, node: &Node, body: &Key) -> Option<(String, Value)> {
    let properties = schema.get("properties")?.as_map()?;
    properties.iter().find_map(|(name, list)| {
        let items = form::resolve(form::resolve(list, schema).get("items")?, schema);
        let fields = items.get("properties")?.as_map()?;
        let member = required(items).find(|member| fields.get(*member).is_some_and(marked))?;
        let mut item = form::start(items, schema);
        crate::apply::put(&mut item, &format!("/{}", escape(member)), Some(&Value::str(&**body))).ok()?;
        let pointer = format!("/{}", escape(name));
        match node.config.pointer(&pointer).and_then(Value::as_list) {
            Some(there) if !there.is_empty() => Some((format!("{pointer}/{}", there.len()), item)),
            _ => Some((pointer, Value::list([item]))),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{apply, kinds::tests::kind};

    fn json(text: &str) -> Value {
        holon_model::json::parse(text.as_bytes()).unwrap()
    }

    fn kinds() -> Kinds {
        let mut saga = kind("saga@1", &["in"], &["out"], true);
        saga.named_bodies = true;
        saga.config = json(
            r#"{"type":"object","required":["steps"],"properties":{"steps":{"type":"array","items":{"type":"object",
            "required":["step"],"properties":{"step":{"type":"string","x-holon-body":true},
            "compensate":{"type":"string","x-holon-body":true},"note":{"type":"string"}}}}}}"#,
        );
        Kinds::new([saga])
    }

    fn trip() -> Definition {
        let text = r#"{"holon":1,"name":"trip","nodes":{"trip":{"kind":"saga@1","config":{"steps":[
            {"step":"pay","compensate":"refund","note":"pay"},{"step":"ship","compensate":"refund"},{"step":"tell"}]},
            "bodies":{"pay":{"nodes":{}},"refund":{"nodes":{}},"ship":{"nodes":{}},"tell":{"nodes":{}}}}},"edges":[]}"#;
        Definition::from_value(&json(text)).unwrap()
    }

    /// Does it, gives the steps as JSON, and holds that it is taken back exactly.
    fn steps(command: &Command) -> String {
        let mut definition = trip();
        let back = apply(&mut definition, command).unwrap();
        let steps = definition.graph.nodes["trip"].config.to_json();
        apply(&mut definition, &back).unwrap();
        assert_eq!(definition.to_value().to_json(), trip().to_value().to_json());
        steps
    }

    #[test]
    fn the_steps_of_a_saga_follow_a_body_that_is_renamed() {
        let at = GraphPath::root();
        let rename =
            |body: &str, to: &str| rename(&trip(), &at, &kinds(), &"trip".into(), &body.into(), &to.into()).unwrap();
        assert_eq!(
            json(&steps(&rename("refund", "undo"))),
            json(
                r#"{"steps":[{"step":"pay","compensate":"undo","note":"pay"},{"step":"ship","compensate":"undo"},{"step":"tell"}]}"#
            )
        );
        assert!(steps(&rename("pay", "charge")).contains(r#""note":"pay""#), "what is no name of a body stays");
    }

    #[test]
    fn a_step_goes_with_its_body_and_a_compensation_leaves_its_step() {
        let at = GraphPath::root();
        let remove = |body: &str| remove(&trip(), &at, &kinds(), &"trip".into(), &body.into()).unwrap();
        assert_eq!(
            json(&steps(&remove("refund"))),
            json(r#"{"steps":[{"step":"pay","note":"pay"},{"step":"ship"},{"step":"tell"}]}"#)
        );
        assert_eq!(
            json(&steps(&remove("ship"))),
            json(r#"{"steps":[{"step":"pay","compensate":"refund","note":"pay"},{"step":"tell"}]}"#)
        );
    }

    #[test]
    fn a_new_body_is_a_new_step_where_bodies_are_steps() {
        let at = GraphPath::root();
        let add = add(&trip(), &at, &kinds(), &"trip".into(), &"branch".into()).unwrap();
        assert!(steps(&add).ends_with(r#"{"step":"branch"}]}"#));
        let mut plain = kind("saga@1", &["in"], &["out"], true);
        plain.named_bodies = true;
        let add = super::add(&trip(), &at, &Kinds::new([plain]), &"trip".into(), &"branch".into()).unwrap();
        assert!(matches!(add, Command::AddBody { .. }), "without the hint only the body is added");
    }
}
