//! The walk over schema and value together. Every step is charged, so no schema can run long.

use super::{CheckError, Mismatch, Options, format, pattern};
use crate::{
    definition::{dynamic::Dynamic, names::shown, pointer::Pointer},
    expr::Meter,
};
use holon_model::{Map, Value, canon::Canon};
use regex_lite::Regex;
use std::collections::{BTreeMap, BTreeSet};

/// Schemas applied within schemas, references included. Deeper is a reference that never ends.
const MAX_DEPTH: u32 = 200;

/// A keyword that bounds numbers, which orderings it accepts, and how it reads.
type Bound = (&'static str, fn(std::cmp::Ordering) -> bool, &'static str);
type Checked = Result<bool, CheckError>;

pub(super) struct Walk<'s, 'm> {
    root: &'s Value,
    options: Options,
    meter: &'m mut Meter,
    patterns: BTreeMap<&'s str, Regex>,
    found: Vec<Mismatch>,
    /// Inside `not`, `anyOf`, `if`…: whether it matches is asked, not why.
    quiet: bool,
    depth: u32,
}

impl<'s, 'm> Walk<'s, 'm> {
    pub(super) fn new(root: &'s Value, options: Options, meter: &'m mut Meter) -> Self {
        Self { root, options, meter, patterns: BTreeMap::new(), found: Vec::new(), quiet: false, depth: 0 }
    }

    pub(super) fn run(mut self, value: &Value) -> Result<Vec<Mismatch>, CheckError> {
        self.node(self.root, value, &Pointer::ROOT)?;
        Ok(self.found)
    }

    fn miss(&mut self, at: &Pointer<'_>, keyword: &'static str, message: impl FnOnce() -> String) -> bool {
        if !self.quiet && self.found.len() < self.options.most {
            self.found.push(Mismatch { pointer: at.to_string(), keyword, message: message() });
        }
        false
    }

    /// Whether to go on after a mismatch: only while more of them are listed.
    fn goes_on(&self) -> bool {
        !self.quiet && self.found.len() < self.options.most
    }

    fn quietly(&mut self, schema: &'s Value, value: &Value, at: &Pointer<'_>) -> Checked {
        let before = std::mem::replace(&mut self.quiet, true);
        let matches = self.node(schema, value, at);
        self.quiet = before;
        matches
    }

    fn node(&mut self, schema: &'s Value, value: &Value, at: &Pointer<'_>) -> Checked {
        self.meter.step(1)?;
        let map = match schema {
            Value::Bool(true) => return Ok(true),
            Value::Bool(false) => return Ok(self.miss(at, "false", || "nothing is accepted here".to_owned())),
            Value::Map(map) => map,
            other => return Err(fault(format!("a schema is a map, true or false, not a {}", other.type_name()))),
        };
        if self.options.dynamic && Dynamic::of(value).is_some() {
            return Ok(true);
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(fault(format!("it refers to itself without end at `{at}`")));
        }
        let mut fits = true;
        // In this order, so that the type is what is said first.
        for part in [Self::kind, Self::scalar, Self::list, Self::map, Self::combined] {
            fits &= part(self, map, value, at)?;
            if !fits && !self.goes_on() {
                break;
            }
        }
        self.depth -= 1;
        Ok(fits)
    }

    fn kind(&mut self, schema: &'s Map, value: &Value, at: &Pointer<'_>) -> Checked {
        let mut fits = true;
        if let Some(types) = schema.get("type") {
            let named = |name: &Value| name.as_str().is_some_and(|name| is_type(value, name));
            let holds = match types {
                Value::List(types) => types.iter().any(named),
                one => named(one),
            };
            if !holds {
                fits =
                    self.miss(at, "type", || format!("this must be {}, it is {}", types_text(types), type_text(value)));
            }
        }
        if let Some(expected) = schema.get("const")
            && expected != value
        {
            fits = self.miss(at, "const", || format!("this must be {}", shown(&expected.to_json())));
        }
        if let Some(choices) = schema.get("enum").and_then(Value::as_list) {
            self.meter.step(choices.len() as u64)?;
            if !choices.contains(value) {
                fits = self.miss(at, "enum", || {
                    const MOST: usize = 12;
                    let named: Vec<String> = choices.iter().take(MOST).map(|choice| shown(&choice.to_json())).collect();
                    let more = if choices.len() > MOST { ", …" } else { "" };
                    format!("{} is not one of {}{more}", shown(&value.to_json()), named.join(", "))
                });
            }
        }
        Ok(fits)
    }

    fn scalar(&mut self, schema: &'s Map, value: &Value, at: &Pointer<'_>) -> Checked {
        match value {
            Value::Int(_) | Value::Decimal(_) => self.number(schema, value, at),
            Value::Str(text) => self.text(schema, text, at),
            _ => Ok(true),
        }
    }

    fn number(&mut self, schema: &'s Map, value: &Value, at: &Pointer<'_>) -> Checked {
        let Some(number) = value.as_decimal() else { return Ok(true) };
        let mut fits = true;
        let bounds: [Bound; 4] = [
            ("minimum", std::cmp::Ordering::is_ge, "at least"),
            ("maximum", std::cmp::Ordering::is_le, "at most"),
            ("exclusiveMinimum", std::cmp::Ordering::is_gt, "greater than"),
            ("exclusiveMaximum", std::cmp::Ordering::is_lt, "less than"),
        ];
        for (keyword, holds, words) in bounds {
            if let Some(bound) = schema.get(keyword).and_then(Value::as_decimal)
                && !holds(number.cmp(&bound))
            {
                fits = self.miss(at, keyword, || format!("{number} must be {words} {bound}"));
            }
        }
        if let Some(step) = schema.get("multipleOf").and_then(Value::as_decimal) {
            let rest =
                number.checked_rem(step).ok_or_else(|| fault("`multipleOf` must be greater than 0".to_owned()))?;
            if !rest.is_zero() {
                fits = self.miss(at, "multipleOf", || format!("{number} is not a multiple of {step}"));
            }
        }
        Ok(fits)
    }

    fn text(&mut self, schema: &'s Map, text: &str, at: &Pointer<'_>) -> Checked {
        let mut fits = true;
        if let Some(least) = count(schema, "minLength")
            && (text.len() as u64) < least.saturating_mul(4)
            && (text.chars().count() as u64) < least
        {
            fits = self.miss(at, "minLength", || {
                if text.is_empty() {
                    "this must not be empty".to_owned()
                } else {
                    format!("at least {least} characters are needed")
                }
            });
        }
        if let Some(most) = count(schema, "maxLength")
            && text.len() as u64 > most
            && text.chars().count() as u64 > most
        {
            fits = self.miss(at, "maxLength", || format!("at most {most} characters are allowed"));
        }
        if let Some(source) = schema.get("pattern").and_then(Value::as_str)
            && !self.matches(source, text)?
        {
            fits = self.miss(at, "pattern", || format!("`{}` does not match `{}`", shown(text), shown(source)));
        }
        if self.options.formats
            && let Some(name) = schema.get("format").and_then(Value::as_str)
        {
            self.meter.step(1 + text.len() as u64 / 16)?;
            if format::holds(name, text) == Some(false) {
                fits = self.miss(at, "format", || format!("`{}` is not a valid {name}", shown(text)));
            }
        }
        Ok(fits)
    }

    fn matches(&mut self, source: &'s str, text: &str) -> Checked {
        // The engine's time is bounded by the pattern's length times the text's.
        let cost = (1 + source.len() as u64 / 8).saturating_mul(1 + text.len() as u64);
        self.meter.step(cost)?;
        if !self.patterns.contains_key(source) {
            self.meter.step(50 + source.len() as u64)?;
            self.patterns.insert(source, pattern(source).map_err(fault)?);
        }
        Ok(self.patterns[source].is_match(text))
    }

    fn list(&mut self, schema: &'s Map, value: &Value, at: &Pointer<'_>) -> Checked {
        let Some(items) = value.as_list() else { return Ok(true) };
        let length = items.len() as u64;
        let mut fits = true;
        if let Some(least) = count(schema, "minItems").filter(|least| length < *least) {
            fits = self.miss(at, "minItems", || format!("at least {least} items are needed, there are {length}"));
        }
        if let Some(most) = count(schema, "maxItems").filter(|most| length > *most) {
            fits = self.miss(at, "maxItems", || format!("at most {most} items are allowed, there are {length}"));
        }
        if schema.get("uniqueItems") == Some(&Value::Bool(true)) {
            let mut seen = BTreeSet::new();
            for (index, item) in items.iter().enumerate() {
                let mut canon = Canon::new();
                canon.value(item);
                self.meter.step(1 + canon.as_bytes().len() as u64 / 16)?;
                if !seen.insert(canon.as_bytes().to_vec()) {
                    fits =
                        self.miss(&at.index(index), "uniqueItems", || "this item stands in the list before".to_owned());
                    break;
                }
            }
        }
        // Draft 7 wrote a list of schemas as `items`, and the rest as `additionalItems`.
        let (prefix, rest) = match schema.get("items") {
            Some(Value::List(prefix)) => (prefix.as_slice(), schema.get("additionalItems")),
            rest => (schema.get("prefixItems").and_then(Value::as_list).unwrap_or_default(), rest),
        };
        for (index, item) in items.iter().enumerate() {
            if let Some(schema) = prefix.get(index).or(rest) {
                fits &= self.node(schema, item, &at.index(index))?;
                if !fits && !self.goes_on() {
                    return Ok(false);
                }
            }
        }
        if let Some(contained) = schema.get("contains") {
            let mut matching = 0;
            for (index, item) in items.iter().enumerate() {
                matching += u64::from(self.quietly(contained, item, &at.index(index))?);
            }
            let least = count(schema, "minContains").unwrap_or(1);
            let most = count(schema, "maxContains").unwrap_or(u64::MAX);
            if matching < least || matching > most {
                fits = self.miss(at, "contains", || {
                    format!("{matching} of the items are of the kind that this list must contain")
                });
            }
        }
        Ok(fits)
    }

    fn map(&mut self, schema: &'s Map, value: &Value, at: &Pointer<'_>) -> Checked {
        let Some(map) = value.as_map() else { return Ok(true) };
        let length = map.len() as u64;
        let mut fits = true;
        for name in names(schema.get("required")) {
            self.meter.step(1)?;
            if !map.contains_key(name) {
                fits = self.miss(at, "required", || format!("`{}` is missing", shown(name)));
            }
        }
        if let Some(least) = count(schema, "minProperties").filter(|least| length < *least) {
            fits = self.miss(at, "minProperties", || format!("at least {least} fields are needed"));
        }
        if let Some(most) = count(schema, "maxProperties").filter(|most| length > *most) {
            fits = self.miss(at, "maxProperties", || format!("at most {most} fields are allowed"));
        }
        let properties = schema.get("properties").and_then(Value::as_map);
        let patterns = schema.get("patternProperties").and_then(Value::as_map);
        let (additional, named) = (schema.get("additionalProperties"), schema.get("propertyNames"));
        if properties.is_some() || patterns.is_some() || additional.is_some() || named.is_some() {
            for (key, value) in map {
                self.meter.step(1)?;
                let at = at.key(key);
                let mut declared = false;
                if let Some(schema) = properties.and_then(|properties| properties.get(key)) {
                    declared = true;
                    fits &= self.node(schema, value, &at)?;
                }
                for (source, schema) in patterns.into_iter().flatten() {
                    if self.matches(source, key)? {
                        declared = true;
                        fits &= self.node(schema, value, &at)?;
                    }
                }
                match additional.filter(|_| !declared) {
                    Some(Value::Bool(false)) => {
                        fits = self.miss(&at, "additionalProperties", || {
                            let known = properties.into_iter().flatten().map(|(name, _)| &**name);
                            let guess = crate::definition::names::did_you_mean(key, known);
                            format!(
                                "there is no field `{}`{}",
                                shown(key),
                                guess.map(|guess| format!(". {guess}")).unwrap_or_default()
                            )
                        });
                    }
                    Some(schema) => fits &= self.node(schema, value, &at)?,
                    None => {}
                }
                if let Some(schema) = named {
                    fits &= self.node(schema, &Value::Str(key.clone()), &at)?;
                }
                if !fits && !self.goes_on() {
                    return Ok(false);
                }
            }
        }
        for keyword in ["dependentRequired", "dependentSchemas", "dependencies"] {
            for (key, then) in schema.get(keyword).and_then(Value::as_map).into_iter().flatten() {
                if !map.contains_key(key) {
                    continue;
                }
                match then {
                    Value::List(_) => {
                        for name in names(Some(then)).filter(|name| !map.contains_key(*name)) {
                            let message = || format!("`{}` is missing: `{}` needs it", shown(name), shown(key));
                            fits = self.miss(at, "dependentRequired", message);
                        }
                    }
                    schema => fits &= self.node(schema, value, at)?,
                }
            }
        }
        Ok(fits)
    }

    fn combined(&mut self, schema: &'s Map, value: &Value, at: &Pointer<'_>) -> Checked {
        let mut fits = true;
        if let Some(reference) = schema.get("$ref") {
            let target = self.target(reference)?;
            fits &= self.node(target, value, at)?;
        }
        for schema in list(schema, "allOf") {
            fits &= self.node(schema, value, at)?;
        }
        if let Some(condition) = schema.get("if") {
            let branch = if self.quietly(condition, value, at)? { schema.get("then") } else { schema.get("else") };
            if let Some(branch) = branch {
                fits &= self.node(branch, value, at)?;
            }
        }
        if let Some(not) = schema.get("not")
            && self.quietly(not, value, at)?
        {
            fits = self.miss(at, "not", || "this is of the kind that is excluded here".to_owned());
        }
        let any = list(schema, "anyOf");
        if !any.is_empty() {
            let mut holds = false;
            for schema in any {
                holds = holds || self.quietly(schema, value, at)?;
            }
            if !holds {
                fits = self.none_holds("anyOf", any, value, at)?;
            }
        }
        let one = list(schema, "oneOf");
        if !one.is_empty() {
            let mut holding = 0;
            for schema in one {
                holding += u32::from(self.quietly(schema, value, at)?);
            }
            match holding {
                1 => {}
                0 => fits = self.none_holds("oneOf", one, value, at)?,
                _ => {
                    fits = self.miss(at, "oneOf", || format!("{holding} of the alternatives hold, and exactly one may"))
                }
            }
        }
        Ok(fits)
    }

    /// When one alternative alone is of the value's type and has the fields it requires, its reasons are what people need.
    fn none_holds(&mut self, keyword: &'static str, branches: &'s [Value], value: &Value, at: &Pointer<'_>) -> Checked {
        if self.quiet {
            return Ok(false);
        }
        let meant = |branch: &&Value| match (branch.get("type"), branch.get("const")) {
            (Some(kind), None) => kind.as_str().is_some_and(|kind| is_type(value, kind)),
            (_, constant) => constant.is_none(),
        };
        let mut candidates: Vec<&'s Value> = branches.iter().filter(meant).collect();
        if let (true, Some(map)) = (candidates.len() > 1, value.as_map()) {
            candidates.retain(|branch| {
                branch.get("required").is_some() && names(branch.get("required")).all(|name| map.contains_key(name))
            });
        }
        if let [branch] = candidates.as_slice() {
            return self.node(branch, value, at);
        }
        Ok(self.miss(at, keyword, || {
            let titles: Vec<&str> = branches.iter().filter_map(|branch| branch.get("title")?.as_str()).collect();
            if titles.is_empty() {
                "none of the alternatives holds".to_owned()
            } else {
                format!("this is none of: {}", titles.join("; "))
            }
        }))
    }

    fn target(&mut self, reference: &'s Value) -> Result<&'s Value, CheckError> {
        let text = reference.as_str().ok_or_else(|| fault("a `$ref` is text".to_owned()))?;
        resolve(self.root, text).ok_or_else(|| fault(format!("`{}` leads nowhere in it", shown(text))))
    }
}

/// What a reference inside `root` means: `#`, `#/pointer`, or `#anchor` of a definition.
pub(super) fn resolve<'s>(root: &'s Value, reference: &str) -> Option<&'s Value> {
    let fragment = match reference.split_once('#')? {
        ("", fragment) => fragment,
        (base, fragment) => (root.get("$id")?.as_str()?.trim_end_matches('#') == base).then_some(fragment)?,
    };
    if fragment.is_empty() {
        return Some(root);
    }
    if !fragment.starts_with('/') {
        let places = ["$defs", "definitions"].iter().filter_map(|place| root.get(place)?.as_map()).flatten();
        return places
            .map(|(_, schema)| schema)
            .find(|schema| schema.get("$anchor").and_then(Value::as_str) == Some(fragment));
    }
    root.pointer(&unpercent(fragment)?)
}

fn unpercent(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let pair = [char::from(rest.next()?).to_digit(16)?, char::from(rest.next()?).to_digit(16)?];
            bytes.push(u8::try_from(pair[0] * 16 + pair[1]).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

fn fault(message: String) -> CheckError {
    CheckError::Schema(message)
}

fn list<'s>(schema: &'s Map, keyword: &str) -> &'s [Value] {
    schema.get(keyword).and_then(Value::as_list).unwrap_or_default()
}

fn count(schema: &Map, keyword: &str) -> Option<u64> {
    schema.get(keyword)?.as_int().and_then(|count| u64::try_from(count).ok())
}

fn names(list: Option<&Value>) -> impl Iterator<Item = &str> {
    list.and_then(Value::as_list).unwrap_or_default().iter().filter_map(Value::as_str)
}

fn is_type(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.as_bool().is_some(),
        "integer" => value.as_decimal().is_some_and(|number| number.fract().is_zero()),
        "number" => value.as_decimal().is_some(),
        "string" => value.as_str().is_some(),
        "array" => value.as_list().is_some(),
        // A blob stands as `{"$blob": …}` in JSON.
        "object" => matches!(value, Value::Map(_) | Value::Blob(_)),
        _ => false,
    }
}

fn types_text(types: &Value) -> String {
    let word = |name: &Value| match name.as_str() {
        Some("integer") => "a whole number",
        Some("number") => "a number",
        Some("string") => "text",
        Some("boolean") => "true or false",
        Some("array") => "a list",
        Some("object") => "a map",
        _ => "null",
    };
    match types {
        Value::List(types) => types.iter().map(word).collect::<Vec<_>>().join(" or "),
        one => word(one).to_owned(),
    }
}

fn type_text(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Int(_) => "a whole number",
        Value::Decimal(_) => "a number",
        Value::Str(_) => "text",
        Value::List(_) => "a list",
        Value::Map(_) => "a map",
        Value::Blob(_) => "a blob",
    }
}
