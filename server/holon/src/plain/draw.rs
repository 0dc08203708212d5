//! The fields of a form as controls, with what was filled in and what is wrong with it. Every mistake stands beside its field and is
//! told to screen readers with it; the first one gets the focus.

use std::cell::Cell;

use holon_model::error::FieldError;
use holon_model::{Map, Value};
use holon_studio::form::{Field, Input};

use super::html::{Html, element, text, void};
use super::page::icon;
use super::read::{self, Data, fields, is_lines};
use super::strings;

/// What a form is drawn with.
#[derive(Debug)]
pub struct Draw<'a> {
    /// What was sent before; none when it is drawn for the first time.
    data: Option<&'a Data>,
    /// What is wrong with it.
    wrong: &'a [FieldError],
    /// How many fields are drawn, for their ids.
    drawn: Cell<u32>,
    /// Whether one has the focus.
    focused: Cell<bool>,
}

impl<'a> Draw<'a> {
    /// With what was sent and what is wrong with it.
    pub fn new(data: Option<&'a Data>, wrong: &'a [FieldError]) -> Self {
        Self { data, wrong, drawn: Cell::new(0), focused: Cell::new(false) }
    }

    /// The controls of a schema.
    pub fn form(&self, schema: &Value) -> Html {
        fields(schema).iter().map(|field| self.field(field)).collect()
    }

    /// What is wrong and stands beside no field of the schema.
    pub fn elsewhere(&self, schema: &Value) -> Vec<String> {
        let fields = fields(schema);
        let beside = |error: &&FieldError| !fields.iter().any(|field| has_place(field, &error.pointer));
        self.wrong.iter().filter(beside).map(|error| error.detail.clone()).collect()
    }

    fn field(&self, field: &Field) -> Html {
        let number = self.drawn.replace(self.drawn.get() + 1);
        let id = format!("field-{number}");
        let (hint_id, error_id) = (format!("{id}-hint"), format!("{id}-error"));
        let hint = [field.description.as_str(), if is_list(field) { strings::EACH_ON_A_LINE } else { "" }].join(" ");
        let hint = hint.trim();
        let hint_html = if hint.is_empty() {
            Html::none()
        } else {
            element("p", &[("class", "hint"), ("id", &hint_id)], text(hint))
        };
        if let Input::Group(inside) = &field.input {
            let controls: Html = inside.iter().map(|field| self.field(field)).collect();
            let legend = element("legend", &[], title(field));
            let stack = element("div", &[("class", "stack")], hint_html.and(controls));
            return element("fieldset", &[], legend.and(stack));
        }
        let wrong: Vec<&str> =
            self.wrong.iter().filter(|error| is_at(field, &error.pointer)).map(|error| error.detail.as_str()).collect();
        let error = if wrong.is_empty() {
            Html::none()
        } else {
            let lines = wrong.iter().map(|line| element("span", &[], text(line))).collect();
            let said = icon("circle-alert").and(element("span", &[], lines));
            element("p", &[("class", "error"), ("id", &error_id)], said)
        };
        let described: Vec<&str> = [(!hint.is_empty(), &hint_id), (!wrong.is_empty(), &error_id)]
            .into_iter()
            .filter_map(|(is, id)| is.then_some(id.as_str()))
            .collect();
        let control = self.control(field, &id, &described.join(" "), !wrong.is_empty());
        let inside = if matches!(field.input, Input::Switch) {
            element("label", &[("class", "check"), ("for", &id)], control.and(text(&field.title))).and(hint_html)
        } else {
            element("label", &[("for", &id)], title(field)).and(hint_html).and(control)
        };
        element("div", &[("class", "field")], inside.and(error))
    }

    fn control(&self, field: &Field, id: &str, described: &str, wrong: bool) -> Html {
        let name = read::name(field);
        let mut attributes = vec![("id", id), ("name", name.as_str()), ("autocomplete", "off")];
        if !described.is_empty() {
            attributes.push(("aria-describedby", described));
        }
        if wrong {
            attributes.push(("aria-invalid", "true"));
            if !self.focused.replace(true) {
                attributes.push(("autofocus", ""));
            }
        }
        if field.required {
            attributes.push(("aria-required", "true"));
        }
        let value = match self.data {
            Some(data) => data.field(field).unwrap_or_default().to_owned(),
            None => field.default.as_ref().map(|value| default(field, value)).unwrap_or_default(),
        };
        match &field.input {
            Input::Switch => {
                attributes.extend([("type", "checkbox"), ("value", "true")]);
                if !value.is_empty() {
                    attributes.push(("checked", ""));
                }
                void("input", &attributes)
            }
            Input::Choice(choices) => {
                attributes.push(("class", "input"));
                let blank = element("option", &[("value", "")], text(strings::CHOOSE));
                let option = |(at, (_, words)): (usize, &(Value, String))| {
                    let at = at.to_string();
                    let mut attributes = vec![("value", at.as_str())];
                    if at == value {
                        attributes.push(("selected", ""));
                    }
                    element("option", &attributes, text(words))
                };
                element("select", &attributes, blank.and(choices.iter().enumerate().map(option).collect()))
            }
            Input::Text { multiline: false, format } => {
                let kind = match format.as_str() {
                    "email" => "email",
                    "date" => "date",
                    "uri" => "url",
                    _ => "text",
                };
                attributes.extend([("class", "input"), ("type", kind), ("value", value.as_str())]);
                void("input", &attributes)
            }
            Input::Number { .. } => {
                attributes.extend([
                    ("class", "input"),
                    ("type", "text"),
                    ("inputmode", "decimal"),
                    ("value", value.as_str()),
                ]);
                void("input", &attributes)
            }
            Input::Text { multiline: true, .. } => {
                attributes.extend([("class", "input"), ("rows", "4")]);
                element("textarea", &attributes, lines(&value))
            }
            Input::List(items) if is_lines(items) => {
                attributes.extend([("class", "input"), ("rows", "3")]);
                element("textarea", &attributes, lines(&value))
            }
            _ => {
                attributes.extend([("class", "input mono"), ("rows", "3"), ("spellcheck", "false")]);
                element("textarea", &attributes, lines(&value))
            }
        }
    }
}

/// A browser leaves out the first line break in a text area.
fn lines(value: &str) -> Html {
    text("\n").and(text(value))
}

fn title(field: &Field) -> Html {
    if field.required {
        return text(&field.title);
    }
    let optional = format!(" · {}", strings::OPTIONAL);
    text(&field.title).and(element("span", &[("class", "optional")], text(&optional)))
}

fn is_list(field: &Field) -> bool {
    matches!(&field.input, Input::List(items) if is_lines(items))
}

/// What a default looks like in its control.
fn default(field: &Field, value: &Value) -> String {
    match (&field.input, value) {
        (Input::Switch, value) => if value.as_bool() == Some(true) { "true" } else { "" }.to_owned(),
        (Input::Choice(choices), value) => {
            choices.iter().position(|(known, _)| known == value).map_or_else(String::new, |at| at.to_string())
        }
        (Input::List(items), Value::List(listed)) if is_lines(items) => {
            listed.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
        }
        (_, Value::Str(text)) => text.to_string(),
        (_, other) => other.to_json(),
    }
}

/// Whether a mistake at this pointer is shown beside this field: its own, and those inside of what it holds.
fn is_at(field: &Field, pointer: &str) -> bool {
    pointer.strip_prefix(field.pointer.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether this field, or one in it, shows it.
fn has_place(field: &Field, pointer: &str) -> bool {
    match &field.input {
        Input::Group(fields) => fields.iter().any(|field| has_place(field, pointer)),
        _ => is_at(field, pointer),
    }
}

/// A value for people to read: the members of a map in a list, texts as they are, anything deeper as JSON.
pub fn shown(value: &Value) -> Html {
    match value {
        Value::Null => Html::none(),
        Value::Map(map) => members(map),
        other => element("div", &[("class", "plain-text")], scalar(other)),
    }
}

fn members(map: &Map) -> Html {
    let row = |(key, value): (&std::sync::Arc<str>, &Value)| {
        let pair = element("dt", &[], text(key)).and(element("dd", &[], scalar(value)));
        element("div", &[], pair)
    };
    element("dl", &[("class", "plain-facts")], map.iter().map(row).collect())
}

fn scalar(value: &Value) -> Html {
    match value {
        Value::Str(words) => text(words),
        Value::Map(_) | Value::List(_) => element("pre", &[("class", "plain-json")], text(&value.to_json())),
        other => text(&other.to_json()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use holon_model::json;

    fn drawn(schema: &str, body: &'static str, wrong: &[(&str, &str)]) -> (String, Vec<String>) {
        let schema = json::parse(schema.as_bytes()).unwrap();
        let data = Data::of(&Bytes::from_static(body.as_bytes()));
        let wrong: Vec<FieldError> = wrong
            .iter()
            .map(|(pointer, detail)| FieldError { pointer: (*pointer).into(), detail: (*detail).into(), code: None })
            .collect();
        let draw = Draw::new(Some(&data), &wrong);
        (draw.form(&schema).into_document(), draw.elsewhere(&schema))
    }

    #[test]
    fn what_was_sent_stays_in_the_form_as_text_and_each_mistake_stands_at_its_field() {
        let schema =
            r#"{"type":"object","required":["name"],"properties":{"name":{"type":"string"},"tags":{"type":"array"}}}"#;
        let (html, elsewhere) = drawn(
            schema,
            "form/name=%22%3E%3Cscript%3E",
            &[("/name", "is <too> short"), ("/tags/3", "is no text"), ("", "at most 1 fields")],
        );
        assert!(html.contains(r#"value="&quot;&gt;&lt;script&gt;""#), "{html}");
        assert!(html.contains(r#"aria-invalid="true" autofocus="""#), "{html}");
        assert!(html.contains("is &lt;too&gt; short") && html.contains("is no text"), "{html}");
        assert_eq!(html.matches("autofocus").count(), 1, "{html}");
        assert_eq!(elsewhere, ["at most 1 fields"]);
    }

    #[test]
    fn what_a_form_is_about_is_shown_as_text() {
        let value = json::parse(br#"{"sum":12.50,"<b>":"<i>","lines":[1]}"#).unwrap();
        let html = shown(&value).into_document();
        assert!(html.contains("<dt>&lt;b&gt;</dt><dd>&lt;i&gt;</dd>") && html.contains("<dd>12.50</dd>"), "{html}");
    }
}
