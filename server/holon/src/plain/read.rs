//! What a browser sends of a form, as the value that its schema asks for. What cannot be read is said at its field.

use std::collections::BTreeMap;

use bytes::Bytes;
use holon_model::error::FieldError;
use holon_model::{Map, Value, json};
use holon_studio::form::{self, Field, Input};

use super::strings;

/// In front of the names of a form's fields; the field's pointer follows.
pub const FORM: &str = "form";
/// Bytes of a form at most.
pub const MOST_FORM: usize = 256 << 10;

/// What was sent: texts by name, the last of a name counts.
#[derive(Debug, Clone, Default)]
pub struct Data(BTreeMap<String, String>);

impl Data {
    /// Of a body of the type `application/x-www-form-urlencoded`. What is not UTF-8 becomes U+FFFD.
    pub fn of(body: &Bytes) -> Self {
        Self(url::form_urlencoded::parse(body).into_owned().collect())
    }

    /// The text of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// What was sent for a field.
    pub fn field(&self, field: &Field) -> Option<&str> {
        self.get(&name(field))
    }
}

/// The name of a field's control.
pub fn name(field: &Field) -> String {
    format!("{FORM}{}", field.pointer)
}

/// The fields of a schema. One that does not describe an object is one field.
pub fn fields(schema: &Value) -> Vec<Field> {
    if schema.is_null() {
        return Vec::new();
    }
    let fields = form::fields(schema);
    let object = schema.get("type").is_none_or(|kind| kind.as_str() == Some("object"));
    if fields.is_empty() && !object { vec![form::field(schema, schema, "", "answer", true)] } else { fields }
}

/// The value of a form. Without a schema there is none: null.
///
/// # Errors
/// What cannot be read and what is missing, each at its field.
pub fn read(schema: &Value, data: &Data) -> Result<Value, Vec<FieldError>> {
    if schema.is_null() {
        return Ok(Value::Null);
    }
    let mut wrong = Vec::new();
    let fields = fields(schema);
    let value = match fields.as_slice() {
        [whole] if whole.pointer.is_empty() => one(whole, data, &mut wrong).unwrap_or_default(),
        fields => group(fields, data, &mut wrong),
    };
    if wrong.is_empty() { Ok(value) } else { Err(wrong) }
}

fn group(fields: &[Field], data: &Data, wrong: &mut Vec<FieldError>) -> Value {
    let mut map = Map::new();
    for field in fields {
        if let Some(value) = one(field, data, wrong) {
            map.insert(last(&field.pointer).into(), value);
        }
    }
    Value::from(map)
}

/// The value of one field; none where it is left out.
fn one(field: &Field, data: &Data, wrong: &mut Vec<FieldError>) -> Option<Value> {
    if let Input::Group(fields) = &field.input {
        // A part that may be left out and holds nothing is left out.
        if !field.required && fields.iter().all(|field| is_blank(field, data)) {
            return None;
        }
        return Some(group(fields, data, wrong));
    }
    let mut refuse = |detail: String| {
        wrong.push(FieldError { pointer: field.pointer.clone(), detail, code: None });
        None
    };
    let sent = data.field(field).unwrap_or_default();
    // A browser ends lines with CR LF.
    let sent = sent.replace("\r\n", "\n");
    if let Input::Switch = field.input {
        return Some(Value::Bool(!sent.is_empty()));
    }
    if sent.trim().is_empty() {
        return if field.required { refuse(strings::MISSING.to_owned()) } else { None };
    }
    match &field.input {
        Input::Text { .. } => Some(Value::from(sent)),
        Input::Number { .. } => match json::parse(sent.trim().as_bytes()) {
            Ok(value @ (Value::Int(_) | Value::Decimal(_))) => Some(value),
            _ => refuse(strings::NOT_A_NUMBER.to_owned()),
        },
        Input::Choice(choices) => {
            let chosen = sent.parse::<usize>().ok().and_then(|at| choices.get(at));
            chosen.map(|(value, _)| value.clone()).or_else(|| refuse(strings::NOT_OFFERED.to_owned()))
        }
        Input::List(items) if is_lines(items) => {
            Some(Value::list(sent.lines().map(str::trim).filter(|line| !line.is_empty()).map(Value::from)))
        }
        _ => match json::parse_foreign(sent.trim().as_bytes()) {
            Ok(value) => Some(value),
            Err(error) => refuse(format!("{} {error}", strings::NOT_JSON)),
        },
    }
}

fn is_blank(field: &Field, data: &Data) -> bool {
    match &field.input {
        Input::Group(fields) => fields.iter().all(|field| is_blank(field, data)),
        _ => data.field(field).is_none_or(|text| text.trim().is_empty()),
    }
}

/// Whether a list is written as one text a line.
pub(super) fn is_lines(items: &Value) -> bool {
    items.get("type").and_then(Value::as_str) == Some("string") && items.get("enum").is_none()
}

/// The last name of a pointer.
fn last(pointer: &str) -> String {
    pointer.rsplit('/').next().unwrap_or_default().replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(schema: &str, pairs: &[(&str, &str)]) -> Result<String, Vec<(String, String)>> {
        let schema = json::parse(schema.as_bytes()).unwrap();
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(pairs);
        let read = read(&schema, &Data::of(&Bytes::from(body.finish())));
        let told = |wrong: Vec<FieldError>| wrong.into_iter().map(|error| (error.pointer, error.detail)).collect();
        read.map(|value| value.to_json()).map_err(told)
    }

    const ORDER: &str = r#"{"type":"object","required":["name","kind"],"properties":{
        "name":{"type":"string"},"kind":{"enum":["tea",7]},"price":{"type":"number"},"gift":{"type":"boolean"},
        "tags":{"type":"array","items":{"type":"string"}},
        "to":{"type":"object","properties":{"city":{"type":"string"},"a/b":{"type":"integer"}}},"more":{"type":"array"}}}"#;

    #[test]
    fn a_form_becomes_the_value_that_its_schema_asks_for_with_exact_numbers() {
        let pairs = [
            ("form/name", "Ada\r\nLovelace"),
            ("form/kind", "1"),
            ("form/price", " 12.50 "),
            ("form/gift", "true"),
            ("form/tags", " new \r\n\r\nold"),
            ("form/to/a~1b", "3"),
            ("form/more", "[1.10]"),
            ("form/unknown", "x"),
        ];
        let read = sent(ORDER, &pairs).unwrap();
        let expected = r#"{"gift":true,"kind":7,"more":[1.10],"name":"Ada\nLovelace","price":12.50,"tags":["new","old"],"to":{"a/b":3}}"#;
        assert_eq!(read, expected);
        assert_eq!(
            sent(ORDER, &[("form/name", "x"), ("form/kind", "0")]).unwrap(),
            r#"{"gift":false,"kind":"tea","name":"x"}"#
        );
        assert_eq!(sent("null", &[("form/name", "x")]).unwrap(), "null");
        assert_eq!(sent(r#"{"type":"string"}"#, &[("form", "yes")]).unwrap(), "\"yes\"");
    }

    #[test]
    fn what_cannot_be_read_is_said_at_its_field_and_all_of_it_at_once() {
        let pairs = [("form/kind", "2"), ("form/price", "12,5"), ("form/to/a~1b", "\"3\""), ("form/more", "[")];
        let wrong = sent(ORDER, &pairs).unwrap_err();
        let places: Vec<&str> = wrong.iter().map(|(pointer, _)| pointer.as_str()).collect();
        assert_eq!(places, ["/kind", "/name", "/more", "/price", "/to/a~1b"]);
        assert!(wrong.iter().all(|(_, detail)| !detail.is_empty()));
    }
}
