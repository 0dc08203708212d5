//! What is dynamic in config: exactly `{"$cel": "…"}` or `{"$text": "…"}`.

use holon_model::Value;

/// A dynamic part of config.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dynamic<'a> {
    /// `{"$cel": "…"}`
    Cel(&'a str),
    /// `{"$text": "…"}`
    Text(&'a str),
}

impl<'a> Dynamic<'a> {
    /// The dynamic part that `value` is, if it is one.
    pub fn of(value: &'a Value) -> Option<Self> {
        let map = value.as_map().filter(|map| map.len() == 1)?;
        let (key, source) = map.iter().next()?;
        match (&**key, source.as_str()?) {
            ("$cel", source) => Some(Self::Cel(source)),
            ("$text", source) => Some(Self::Text(source)),
            _ => None,
        }
    }
}

/// An expression as config holds it.
pub fn cel(source: &str) -> Value {
    Value::map([("$cel", Value::from(source))])
}

/// A text as config holds it.
pub fn text(source: &str) -> Value {
    Value::map([("$text", Value::from(source))])
}
