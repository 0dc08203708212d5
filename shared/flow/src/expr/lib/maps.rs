//! Functions of maps, and of values that may be null.

use super::{V, charge_places, charge_text, list, map, wrong};
use crate::expr::functions::{Function, entry};
use crate::expr::ops::{self, CELL};
use crate::expr::{Meter, eval, fail::Fail};
use holon_model::{Map, Value};

pub(in crate::expr) const FUNCTIONS: &[Function] = &[
    entry(
        "keys",
        &["map.keys() -> list"],
        "The keys, sorted.",
        &[("{'b': 1, 'a': 2}.keys()", "[\"a\",\"b\"]")],
        (1, 1),
        keys,
    ),
    entry(
        "values",
        &["map.values() -> list"],
        "The values, in the order of their keys.",
        &[("{'b': 1, 'a': 2}.values()", "[2,1]")],
        (1, 1),
        values,
    ),
    entry(
        "entries",
        &["map.entries() -> list"],
        "A list of {key, value}, in the order of the keys.",
        &[("{'a': 1}.entries()", "[{\"key\":\"a\",\"value\":1}]")],
        (1, 1),
        entries,
    ),
    entry(
        "from_entries",
        &["from_entries(list) -> map"],
        "A map of a list of {key, value}; the last of one key wins.",
        &[("from_entries([{'key': 'a', 'value': 1}])", "{\"a\":1}")],
        (1, 1),
        from_entries,
    ),
    entry(
        "merge",
        &["merge(map, …) -> map", "map.merge(other)"],
        "The fields of all; later maps win. Null counts as an empty map.",
        &[("merge({'a': 1, 'b': 1}, {'b': 2})", "{\"a\":1,\"b\":2}")],
        (1, u8::MAX),
        merge,
    ),
    entry(
        "pick",
        &["map.pick(keys) -> map"],
        "Only the fields whose keys are listed.",
        &[("{'a': 1, 'b': 2}.pick(['a', 'z'])", "{\"a\":1}")],
        (2, 2),
        |args, meter| choose(args, meter, true),
    ),
    entry(
        "omit",
        &["map.omit(keys) -> map"],
        "Without the fields whose keys are listed.",
        &[("{'a': 1, 'b': 2}.omit(['a'])", "{\"b\":2}")],
        (2, 2),
        |args, meter| choose(args, meter, false),
    ),
    entry(
        "orValue",
        &["value.orValue(other) -> any"],
        "The value, or another if it is null; goes with `.?field` and `[?index]`, which give null for what is absent.",
        &[("{}.?a.orValue(1)", "1")],
        (2, 2),
        |args, _| Ok(if args[0].is_null() { (*args[1]).clone() } else { (*args[0]).clone() }),
    ),
    entry(
        "hasValue",
        &["value.hasValue() -> bool"],
        "Whether a value is not null.",
        &[("{}.?a.hasValue()", "false")],
        (1, 1),
        |args, _| Ok(Value::Bool(!args[0].is_null())),
    ),
];

fn keys(args: &[V<'_>], meter: &mut Meter) -> Result<Value, Fail> {
    let map = map(args, 0)?;
    charge_places(meter, map.len())?;
    charge_text(meter, map.keys().map(|key| key.len()).sum())?;
    Ok(Value::list(map.keys().cloned().map(Value::Str)))
}

fn values(args: &[V<'_>], meter: &mut Meter) -> Result<Value, Fail> {
    let map = map(args, 0)?;
    charge_places(meter, map.len())?;
    Ok(Value::list(map.values().cloned()))
}

fn entries(args: &[V<'_>], meter: &mut Meter) -> Result<Value, Fail> {
    const NAMES: u64 = 3 * CELL + 8;
    let map = map(args, 0)?;
    charge_places(meter, map.len())?;
    map.keys().try_for_each(|key| ops::alloc(meter, NAMES + key.len() as u64))?;
    let (key_name, value_name): (std::sync::Arc<str>, std::sync::Arc<str>) = ("key".into(), "value".into());
    let entry = |(key, value): (&std::sync::Arc<str>, &Value)| {
        Value::map([(key_name.clone(), Value::Str(key.clone())), (value_name.clone(), value.clone())])
    };
    Ok(Value::list(map.iter().map(entry)))
}

fn from_entries(args: &[V<'_>], meter: &mut Meter) -> Result<Value, Fail> {
    let mut out = Map::new();
    ops::alloc(meter, CELL)?;
    for item in list(args, 0)?.iter() {
        let key = item.get("key").and_then(|key| if let Value::Str(key) = key { Some(key) } else { None });
        let (Some(key), Some(value)) = (key, item.get("value")) else {
            return Err(Fail::overload("each item of the list is a map with a text `key` and a `value`").of(0));
        };
        out.remove(key);
        eval::insert(&mut out, key.clone(), value.clone(), meter)?;
    }
    Ok(Value::from(out))
}

fn merge(args: &[V<'_>], meter: &mut Meter) -> Result<Value, Fail> {
    let mut out = Map::new();
    ops::alloc(meter, CELL)?;
    for (at, arg) in args.iter().enumerate() {
        match &**arg {
            Value::Null => {}
            Value::Map(map) => {
                for (key, value) in map.iter() {
                    ops::alloc(meter, key.len() as u64)?;
                    ops::charge(meter, value)?;
                    out.insert(key.clone(), value.clone());
                }
            }
            other => return Err(wrong("a map", other, at)),
        }
    }
    Ok(Value::from(out))
}

fn choose(args: &[V<'_>], meter: &mut Meter, keep: bool) -> Result<Value, Fail> {
    let (source, keys) = (map(args, 0)?, list(args, 1)?);
    for (index, key) in keys.iter().enumerate() {
        if key.as_str().is_none() {
            let fail = Fail::overload(format!("key {index} is {}, not text", key.type_name()));
            return Err(fail.of(1));
        }
    }
    let listed: std::collections::BTreeSet<&str> = keys.iter().filter_map(Value::as_str).collect();
    ops::work(meter, keys.len() + source.len())?;
    let kept = source.iter().filter(|(key, _)| listed.contains(&***key) == keep);
    charge_places(meter, kept.clone().count())?;
    charge_text(meter, kept.clone().map(|(key, _)| key.len()).sum())?;
    Ok(Value::map(kept.map(|(key, value)| (key.clone(), value.clone()))))
}
