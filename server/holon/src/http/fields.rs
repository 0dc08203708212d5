//! Bodies that carry a payload, member by member: read with our own values, since numbers must come as they were sent.

use std::collections::BTreeMap;
use std::sync::Arc;

use holon_flow::definition::pointer::escape;
use holon_model::error::FieldError;
use holon_model::{Code, Map, Problem, Value};

/// The members of a body. What is wrong with them is gathered, and said at once.
#[derive(Debug)]
pub struct Fields<'a> {
    members: Option<&'a Map>,
    refused: Problem,
}

impl<'a> Fields<'a> {
    /// The members of an object that has these and no others; `wrong` is what its sender is told when it is not as it must be.
    pub fn of(body: &'a Value, known: &[&str], wrong: &str) -> Self {
        let named: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
        let mut fields = Self { members: body.as_map(), refused: Problem::new(Code::ValidationFailed, wrong) };
        let Some(members) = fields.members else {
            fields.refuse("", &format!("must be an object with {}", named.join(", ")));
            return fields;
        };
        for key in members.keys().filter(|key| !known.contains(&&***key)) {
            fields.refuse(&escape(key), &format!("is not known here; there are {}", named.join(", ")));
        }
        fields
    }

    /// A text of at most `most` bytes that can be stored; none when it is absent or null.
    pub fn text(&mut self, key: &str, most: usize) -> Option<String> {
        match self.members?.get(key) {
            None | Some(Value::Null) => None,
            Some(Value::Str(text)) if text.len() <= most && !text.contains('\0') => Some(text.to_string()),
            Some(_) => {
                self.refuse(key, &format!("must be a text of at most {most} bytes, without the character U+0000"));
                None
            }
        }
    }

    /// Such a text that must be there and must say something; `must` is what it has to be.
    pub fn required(&mut self, key: &str, most: usize, must: &str) -> String {
        let before = self.refused.errors.len();
        let found = self.text(key, most).filter(|text| !text.is_empty());
        if found.is_none() && self.members.is_some() && self.refused.errors.len() == before {
            self.refuse(key, must);
        }
        found.unwrap_or_default()
    }

    /// Any value; null when it is absent.
    pub fn value(&self, key: &str) -> Value {
        self.members.and_then(|members| members.get(key)).cloned().unwrap_or_default()
    }

    /// A map of texts; empty when it is absent or null.
    pub fn texts(&mut self, key: &str) -> BTreeMap<String, String> {
        let found = match self.members.and_then(|members| members.get(key)) {
            None | Some(Value::Null) => return BTreeMap::new(),
            Some(found) => found,
        };
        let text = |(key, value): (&Arc<str>, &Value)| Some((key.to_string(), value.as_str()?.to_owned()));
        let texts = found.as_map().and_then(|map| map.iter().map(text).collect::<Option<_>>());
        texts.unwrap_or_else(|| {
            self.refuse(key, "must be an object of texts");
            BTreeMap::new()
        })
    }

    /// Whether there is such a member, null too.
    pub fn has(&self, key: &str) -> bool {
        self.members.is_some_and(|members| members.contains_key(key))
    }

    /// Says what was found wrong.
    ///
    /// # Errors
    /// When something was.
    pub fn done(self) -> Result<(), Problem> {
        if self.refused.errors.is_empty() { Ok(()) } else { Err(self.refused) }
    }

    fn refuse(&mut self, key: &str, detail: &str) {
        let pointer = if key.is_empty() { String::new() } else { format!("/{key}") };
        self.refused.errors.push(FieldError { pointer, detail: detail.into(), code: None });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(body: &str) -> Vec<String> {
        let body = holon_model::json::parse(body.as_bytes()).unwrap();
        let mut fields = Fields::of(&body, &["name", "note"], "No.");
        fields.required("name", 5, "must be there");
        fields.text("note", 5);
        fields.done().err().into_iter().flat_map(|problem| problem.errors).map(|error| error.pointer).collect()
    }

    #[test]
    fn all_that_is_wrong_with_a_body_is_said_at_once_and_each_with_its_place() {
        assert_eq!(wrong(r#"{"name":"a","note":null}"#), Vec::<String>::new());
        assert_eq!(wrong(r#"{"a/b~":1,"note":"123456"}"#), ["/a~1b~0", "/name", "/note"]);
        assert_eq!(wrong(r#"{"name":"","note":"\u0000"}"#), ["/name", "/note"]);
        assert_eq!(wrong(r#"{"name":7}"#), ["/name"]);
        assert_eq!(wrong("[]"), [""]);
    }
}
