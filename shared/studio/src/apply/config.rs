//! Setting a part of a node's config by JSON pointer.

use super::{CommandError, node_mut};
use crate::{Command, GraphPath};
use holon_flow::definition::{Definition, Key, pointer::escape};
use holon_model::{Map, Value};
use std::sync::Arc;

pub(super) fn configure(
    definition: &mut Definition,
    at: &GraphPath,
    key: &Key,
    pointer: &str,
    value: Option<&Value>,
) -> Result<Command, CommandError> {
    let node = node_mut(definition, at, key)?;
    let mut config = node.config.clone();
    let (pointer, before) = put(&mut config, pointer, value)?;
    if config.as_map().is_none() {
        return Err(CommandError::Malformed("the settings of a node are a map".into()));
    }
    node.config = config;
    Ok(Command::Configure { at: at.clone(), key: key.clone(), pointer, value: before })
}

/// Sets or removes what a pointer leads to; maps on the way are made. Gives the pointer and value that take it back.
///
/// # Errors
/// The pointer leads through something that has no members, or past the end of a list.
pub fn put(value: &mut Value, pointer: &str, new: Option<&Value>) -> Result<(String, Option<Value>), CommandError> {
    let nowhere = || CommandError::NoPlace(pointer.to_owned());
    if pointer.is_empty() {
        let empty = || Value::Map(Arc::default());
        return Ok((String::new(), Some(std::mem::replace(value, new.cloned().unwrap_or_else(empty)))));
    }
    let rest = pointer.strip_prefix('/').ok_or_else(nowhere)?;
    let tokens: Vec<String> = rest.split('/').map(|token| token.replace("~1", "/").replace("~0", "~")).collect();
    let (depth, before) = walk(value, &tokens, 0, new).ok_or_else(nowhere)?;
    let back = tokens[..depth].iter().map(|token| format!("/{}", escape(token))).collect();
    Ok((back, before))
}

/// The number of tokens that lead to what must be set to take the change back, and what it was.
fn walk(value: &mut Value, tokens: &[String], at: usize, new: Option<&Value>) -> Option<(usize, Option<Value>)> {
    let token = tokens.get(at)?;
    let last = at + 1 == tokens.len();
    match value {
        Value::Null if new.is_some() => {
            *value = Value::Map(Arc::default());
            walk(value, tokens, at, new)?;
            Some((at, Some(Value::Null)))
        }
        Value::Map(map) => {
            let map: &mut Map = Arc::make_mut(map);
            let key: Arc<str> = token.as_str().into();
            match (map.get_mut(&key), new) {
                (_, Some(new)) if last => Some((at + 1, map.insert(key, new.clone()))),
                (_, None) if last => Some((at + 1, map.remove(&key))),
                (Some(child), _) => walk(child, tokens, at + 1, new),
                (None, None) => Some((at + 1, None)),
                (None, Some(new)) => {
                    let mut child = new.clone();
                    for token in tokens[at + 1..].iter().rev() {
                        child = Value::map([(token.as_str(), child)]);
                    }
                    map.insert(key, child);
                    Some((at + 1, None))
                }
            }
        }
        Value::List(items) => {
            let index: usize = token.parse().ok()?;
            match new {
                Some(new) if last && index == items.len() => {
                    Arc::make_mut(items).push(new.clone());
                    Some((at + 1, None))
                }
                Some(new) if last => {
                    let item = Arc::make_mut(items).get_mut(index)?;
                    Some((at + 1, Some(std::mem::replace(item, new.clone()))))
                }
                // What was the last one is only put back behind; in between the list is written again.
                None if last && index + 1 == items.len() => Some((at + 1, Arc::make_mut(items).pop())),
                None if last && index < items.len() => {
                    let whole = Value::List(items.clone());
                    Arc::make_mut(items).remove(index);
                    Some((at, Some(whole)))
                }
                _ if last => None,
                _ => walk(Arc::make_mut(items).get_mut(index)?, tokens, at + 1, new),
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_is_taken_back_exactly() {
        let start = holon_model::json::parse(br#"{"a":{"b":[1,2,{"c":3}]},"n":null,"e/f":1}"#).unwrap();
        let cases = ["/a/b/0", "/a/b/3", "/a/b/2/c", "/a/x/y/z", "/n/m", "/e~1f", "/new", "", "/a"];
        for pointer in cases {
            for new in [Some(Value::map([("k", Value::Int(9))])), None] {
                let mut value = start.clone();
                let Ok((back, before)) = put(&mut value, pointer, new.as_ref()) else { continue };
                if let Some(new) = &new {
                    assert_eq!(value.pointer(pointer), Some(new), "{pointer}");
                }
                put(&mut value, &back, before.as_ref()).unwrap();
                assert_eq!(value.to_json(), start.to_json(), "{pointer} {new:?}");
            }
        }
        assert!(put(&mut start.clone(), "/e~1f/deeper", Some(&Value::Null)).is_err());
        assert!(put(&mut start.clone(), "/a/b/9", Some(&Value::Null)).is_err());
    }
}
