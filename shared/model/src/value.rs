//! The values of flows: `null | bool | int | decimal | string | list | map | blob reference` (FLOW.md, "Values").
//!
//! Cloning is cheap (reference counts), equality is by meaning (`1 == 1.0`), maps are sorted by UTF-8 bytes.

use crate::{BlobRef, Decimal};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use std::{collections::BTreeMap, sync::Arc};

/// A map of values, sorted by the UTF-8 bytes of its keys.
pub type Map = BTreeMap<Arc<str>, Value>;

/// A value. Floating point does not exist here.
#[derive(Debug, Clone, Default)]
pub enum Value {
    /// No value.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number that fits 64 bits.
    Int(i64),
    /// An exact decimal of at most 28 digits.
    Decimal(Decimal),
    /// Text.
    Str(Arc<str>),
    /// A list.
    List(Arc<Vec<Value>>),
    /// A map sorted by key.
    Map(Arc<Map>),
    /// Bytes kept apart.
    Blob(Arc<BlobRef>),
}

impl Value {
    /// A text value.
    pub fn str(text: impl Into<Arc<str>>) -> Self {
        Self::Str(text.into())
    }

    /// A list value.
    pub fn list(items: impl IntoIterator<Item = Value>) -> Self {
        Self::List(Arc::new(items.into_iter().collect()))
    }

    /// A map value from pairs; a later pair wins over an earlier one with its key.
    pub fn map<K: Into<Arc<str>>>(pairs: impl IntoIterator<Item = (K, Value)>) -> Self {
        Self::Map(Arc::new(pairs.into_iter().map(|(key, value)| (key.into(), value)).collect()))
    }

    /// The name of the type, as users read it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Decimal(_) => "decimal",
            Self::Str(_) => "string",
            Self::List(_) => "list",
            Self::Map(_) => "map",
            Self::Blob(_) => "blob",
        }
    }

    /// The member `key` of a map.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_map().and_then(|map| map.get(key))
    }

    /// The value a JSON pointer (RFC 6901) leads to; `""` is the value itself.
    pub fn pointer(&self, pointer: &str) -> Option<&Value> {
        if pointer.is_empty() {
            return Some(self);
        }
        pointer.strip_prefix('/')?.split('/').try_fold(self, |value, token| match value {
            Self::Map(map) => map.get(token.replace("~1", "/").replace("~0", "~").as_str()),
            Self::List(items) => items.get(token.parse::<usize>().ok()?),
            _ => None,
        })
    }

    /// The map, if this is one.
    pub fn as_map(&self) -> Option<&Map> {
        if let Self::Map(map) = self { Some(map) } else { None }
    }

    /// The items, if this is a list.
    pub fn as_list(&self) -> Option<&[Value]> {
        if let Self::List(items) = self { Some(items) } else { None }
    }

    /// The text, if this is one.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::Str(text) = self { Some(text) } else { None }
    }

    /// The truth value, if this is one.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    /// The whole number, also from a decimal without fraction.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            Self::Decimal(value) if value.fract().is_zero() => i64::try_from(*value).ok(),
            _ => None,
        }
    }

    /// The number as a decimal.
    pub fn as_decimal(&self) -> Option<Decimal> {
        match self {
            Self::Int(value) => Some(Decimal::from(*value)),
            Self::Decimal(value) => Some(*value),
            _ => None,
        }
    }

    /// Whether nothing tells the two apart. `==` compares what values mean; by this `1`, `1.0` and `1.00` are three, since they are
    /// written differently. Shared values are the same at a glance.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Decimal(a), Self::Decimal(b)) => a.serialize() == b.serialize(),
            (Self::Int(_), Self::Decimal(_)) | (Self::Decimal(_), Self::Int(_)) => false,
            (Self::List(a), Self::List(b)) => {
                Arc::ptr_eq(a, b) || a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.is_same(b))
            }
            (Self::Map(a), Self::Map(b)) => {
                let mut pairs = a.iter().zip(b.iter());
                Arc::ptr_eq(a, b) || a.len() == b.len() && pairs.all(|(a, b)| a.0 == b.0 && a.1.is_same(b.1))
            }
            (a, b) => a == b,
        }
    }

    /// Whether this is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Bytes this value takes, roughly: what budgets and limits count.
    pub fn weight(&self) -> u64 {
        const CELL: u64 = 16;
        CELL + match self {
            Self::Str(text) => text.len() as u64,
            Self::List(items) => items.iter().map(Self::weight).sum(),
            Self::Map(map) => map.iter().map(|(key, value)| key.len() as u64 + value.weight()).sum(),
            _ => 0,
        }
    }

    /// Strict JSON text; see [`crate::json`].
    pub fn to_json(&self) -> String {
        crate::json::to_string(self)
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Decimal(a), Self::Decimal(b)) => a == b,
            (Self::Int(a), Self::Decimal(b)) | (Self::Decimal(b), Self::Int(a)) => Decimal::from(*a) == *b,
            (Self::Str(a), Self::Str(b)) => a == b,
            (Self::List(a), Self::List(b)) => Arc::ptr_eq(a, b) || a == b,
            (Self::Map(a), Self::Map(b)) => Arc::ptr_eq(a, b) || a == b,
            (Self::Blob(a), Self::Blob(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Value {}

macro_rules! from {
    ($($source:ty => |$value:ident| $make:expr;)*) => {$(
        impl From<$source> for Value {
            fn from($value: $source) -> Self {
                $make
            }
        }
    )*};
}

from! {
    bool => |value| Self::Bool(value);
    i64 => |value| Self::Int(value);
    i32 => |value| Self::Int(value.into());
    u32 => |value| Self::Int(value.into());
    Decimal => |value| Self::Decimal(value);
    &str => |value| Self::Str(value.into());
    String => |value| Self::Str(value.into());
    Arc<str> => |value| Self::Str(value);
    Vec<Value> => |value| Self::List(Arc::new(value));
    Map => |value| Self::Map(Arc::new(value));
}

/// Human-readable formats get JSON through `serde_json`'s raw text (numbers stay exact), binary formats the tagged form.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serde_json::value::RawValue::from_string(self.to_json()).map_err(ser::Error::custom)?.serialize(serializer)
        } else {
            Tagged::from(self).serialize(serializer)
        }
    }
}

/// From JSON only through `serde_json`'s own readers: not inside untagged, flattened or internally tagged types.
impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let raw = Box::<serde_json::value::RawValue>::deserialize(deserializer)?;
            crate::json::parse(raw.get().as_bytes()).map_err(de::Error::custom)
        } else {
            let _level = Level::enter().ok_or_else(|| de::Error::custom("the value is nested too deeply"))?;
            Self::try_from(Tagged::deserialize(deserializer)?).map_err(de::Error::custom)
        }
    }
}

thread_local! {
    /// How deep in binary values this thread reads: a few bytes can claim any depth, and the stack is small in wasm.
    static DEPTH: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

/// One level of nesting, for as long as it lives.
struct Level;

impl Level {
    fn enter() -> Option<Self> {
        // A little more than JSON texts may nest, since a list or map may hold what one of them gave.
        const MAX_DEPTH: u32 = crate::json::MAX_DEPTH + 8;
        DEPTH.with(|depth| {
            (depth.get() < MAX_DEPTH).then(|| {
                depth.set(depth.get() + 1);
                Self
            })
        })
    }
}

impl Drop for Level {
    fn drop(&mut self) {
        DEPTH.with(|depth| depth.set(depth.get().saturating_sub(1)));
    }
}

/// The binary form: one tag a value. Decimals travel as 16 bytes, scale included.
#[derive(Serialize, Deserialize)]
enum Tagged {
    Null,
    Bool(bool),
    Int(i64),
    Decimal([u8; 16]),
    Str(Arc<str>),
    List(Arc<Vec<Value>>),
    Map(Arc<Map>),
    Blob(Arc<BlobRef>),
}

impl From<&Value> for Tagged {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Int(value) => Self::Int(*value),
            Value::Decimal(value) => Self::Decimal(value.serialize()),
            Value::Str(text) => Self::Str(text.clone()),
            Value::List(items) => Self::List(items.clone()),
            Value::Map(map) => Self::Map(map.clone()),
            Value::Blob(blob) => Self::Blob(blob.clone()),
        }
    }
}

impl TryFrom<Tagged> for Value {
    type Error = &'static str;

    fn try_from(tagged: Tagged) -> Result<Self, Self::Error> {
        // Byte 2 of the encoding is the scale; the crate trusts it, stored bytes are not to be trusted.
        const MAX_SCALE: u8 = 28;
        Ok(match tagged {
            Tagged::Decimal(bytes) if bytes[2] > MAX_SCALE => return Err("a decimal has more than 28 digits of scale"),
            Tagged::Null => Self::Null,
            Tagged::Bool(value) => Self::Bool(value),
            Tagged::Int(value) => Self::Int(value),
            Tagged::Decimal(bytes) => Self::Decimal(Decimal::deserialize(bytes)),
            Tagged::Str(text) => Self::Str(text),
            Tagged::List(items) => Self::List(items),
            Tagged::Map(map) => Self::Map(map),
            Tagged::Blob(blob) => Self::Blob(blob),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_int_equals_the_decimal_of_the_same_number() {
        assert_eq!(Value::Int(1), Value::Decimal("1.0".parse().unwrap()));
        assert_ne!(Value::Int(1), Value::str("1"));
    }

    #[test]
    fn numbers_that_mean_the_same_and_are_written_differently_are_not_the_same() {
        let decimal = |text: &str| Value::Decimal(text.parse().unwrap());
        let list = |value: Value| Value::map([("list", Value::list([value, Value::str("x")]))]);
        let all = [Value::Int(1), decimal("1.0"), decimal("1.00"), Value::str("1"), Value::Bool(true), Value::Null];
        for (at, one) in all.iter().enumerate() {
            for (other, two) in all.iter().enumerate() {
                assert_eq!(one.is_same(two), at == other);
                assert_eq!(list(one.clone()).is_same(&list(two.clone())), at == other);
            }
        }
        assert!(!Value::list([Value::Null]).is_same(&Value::list([])));
    }

    #[test]
    fn a_pointer_walks_maps_and_lists() {
        let value = Value::map([("a/b", Value::list([Value::Int(7)]))]);
        assert_eq!(value.pointer("/a~1b/0"), Some(&Value::Int(7)));
        assert_eq!(value.pointer("/a~1b/1"), None);
    }

    #[test]
    fn serde_keeps_decimals_exact() {
        let value: Value = serde_json::from_str(r#"{"b":[0.1,19.90],"a":9007199254740993}"#).unwrap();
        assert_eq!(serde_json::to_string(&value).unwrap(), r#"{"a":9007199254740993,"b":[0.1,19.90]}"#);
    }
}
