//! What a schema of the document says, in words: the kind of a value, and the fields of a shape as a table.

use std::fmt::Write as _;

use serde_json::Value;

use super::{escape, prose};

/// The fields of an object, whether they must be there, their kinds and their meaning; none for what is no object with fields.
pub(super) fn table(document: &Value, schema: &Value) -> Option<String> {
    let rows: String = fields(document, schema).iter().map(|field| field.row()).collect();
    let head = "<table><thead><tr><th>Field</th><th>Kind</th><th>Meaning</th></tr></thead>";
    (!rows.is_empty()).then(|| format!("{head}<tbody>{rows}</tbody></table>"))
}

/// What kind of value it is, as HTML.
pub(super) fn kind(schema: &Value) -> String {
    if let Some(name) = named(schema) {
        return format!("<a href=\"#shape-{name}\"><code>{name}</code></a>", name = escape(name));
    }
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<String> =
            words.iter().map(|word| format!("<code>{}</code>", escape(&word.to_string()))).collect();
        return words.join(" or ");
    }
    for several in ["oneOf", "anyOf", "allOf"] {
        if let Some(schemas) = schema[several].as_array() {
            let joint = if several == "allOf" { " and " } else { " or " };
            return schemas.iter().map(kind).collect::<Vec<_>>().join(joint);
        }
    }
    match &schema["type"] {
        Value::String(word) => of_type(word, schema),
        Value::Array(words) => {
            let words = words.iter().filter_map(Value::as_str).map(|word| of_type(word, schema));
            words.collect::<Vec<_>>().join(" or ")
        }
        _ => "any JSON value".to_owned(),
    }
}

fn of_type(word: &str, schema: &Value) -> String {
    match word {
        "array" => format!("list of {}", kind(&schema["items"])),
        "object" if schema["additionalProperties"].is_object() => {
            format!("map of {}", kind(&schema["additionalProperties"]))
        }
        "object" => "map".to_owned(),
        "string" if schema["pattern"].is_string() => {
            format!("text like <code>{}</code>", escape(schema["pattern"].as_str().unwrap_or_default()))
        }
        "string" => "text".to_owned(),
        other => other.to_owned(),
    }
}

/// The name of the shape that a schema refers to.
pub(super) fn named(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix("#/components/schemas/")
}

struct Field<'d> {
    name: &'d str,
    schema: &'d Value,
    required: bool,
}

impl Field<'_> {
    fn row(&self) -> String {
        let mut row = format!("<tr><td><code>{}</code>", escape(self.name));
        if self.required {
            row.push_str(" <strong>required</strong>");
        }
        let about = prose(self.schema["description"].as_str().unwrap_or_default());
        let _ = write!(row, "</td><td>{}</td><td>{about}</td></tr>", kind(self.schema));
        row
    }
}

/// Also those of the shapes that it is made of.
fn fields<'d>(document: &'d Value, schema: &'d Value) -> Vec<Field<'d>> {
    if let Some(name) = named(schema) {
        return fields(document, &document["components"]["schemas"][name]);
    }
    if let Some(parts) = schema["allOf"].as_array() {
        return parts.iter().flat_map(|part| fields(document, part)).collect();
    }
    let required = |name: &str| schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name));
    let properties = schema["properties"].as_object().into_iter().flatten();
    properties.map(|(name, schema)| Field { name, schema, required: required(name) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_field_says_its_kind_whether_it_must_be_there_and_what_it_means() {
        let document = json!({"components": {"schemas": {"Order": {
        "type": "object", "required": ["id"],
        "properties": {
            "id": {"type": "string", "description": "Of `the` <shop>."},
            "lines": {"type": ["array", "null"], "items": {"$ref": "#/components/schemas/Line"}},
        }}}}});
        let table = table(&document, &json!({"$ref": "#/components/schemas/Order"})).unwrap();
        assert!(
            table.contains(
                "<code>id</code> <strong>required</strong></td><td>text</td><td>Of <code>the</code> &lt;shop&gt;."
            ),
            "{table}"
        );
        assert!(table.contains("list of <a href=\"#shape-Line\"><code>Line</code></a> or null"), "{table}");
        assert_eq!(kind(&json!({})), "any JSON value");
        assert_eq!(
            kind(&json!({"enum": ["open", "closed"]})),
            "<code>&quot;open&quot;</code> or <code>&quot;closed&quot;</code>"
        );
    }
}
