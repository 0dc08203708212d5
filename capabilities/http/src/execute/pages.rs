//! Pagination: where the next page is, and what a page brings.

use super::request::{MAX_BYTES, Prepared, bad};
use holon_flow::{
    capability::NodeError,
    definition::dynamic::Dynamic,
    expr::{MapScope, Meter, Program},
};
use holon_model::{Map, Value};
use url::Url;

/// Budget of the expressions of one page.
const FUEL: u64 = 2_000_000;
const BYTES: u64 = 128 << 20;
/// Weight of all items together.
const MAX_WEIGHT: u64 = MAX_BYTES.unsigned_abs();

enum Next {
    Link,
    Cursor { next: Program, parameter: String },
    Number { parameter: String, number: i64, more: Option<Program> },
}

/// Pages being fetched.
pub(super) struct Pages {
    next: Next,
    items_of: Option<Program>,
    most: u32,
    items: Vec<Value>,
    weight: u64,
    fetched: u32,
    complete: bool,
}

impl Pages {
    /// What config says about pages; `None` for one request.
    pub(super) fn new(config: &Value) -> Result<Option<Self>, NodeError> {
        let Some((kind, options)) = config.get("pagination").and_then(Value::as_map).and_then(|map| map.iter().next())
        else {
            return Ok(None);
        };
        let text = |field: &str| options.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let next = match &**kind {
            "link" => Next::Link,
            "cursor" => Next::Cursor {
                next: program(options, "next")?.ok_or_else(|| bad("the next cursor needs an expression"))?,
                parameter: text("parameter"),
            },
            "number" => Next::Number {
                parameter: text("parameter"),
                number: options.get("start").and_then(Value::as_int).unwrap_or(1),
                more: program(options, "more")?,
            },
            other => return Err(bad(&format!("`{other}` is not a way to find the next page"))),
        };
        let most = options.get("max_pages").and_then(Value::as_int).unwrap_or(10).clamp(1, 1000);
        Ok(Some(Self {
            next,
            items_of: program(options, "items")?,
            most: u32::try_from(most).unwrap_or(1),
            items: Vec::new(),
            weight: 0,
            fetched: 0,
            complete: false,
        }))
    }

    /// How many pages there are so far.
    pub(super) fn fetched(&self) -> u32 {
        self.fetched
    }

    /// Makes the request the one for the first page.
    pub(super) fn first(&self, prepared: &mut Prepared) {
        if let Next::Number { parameter, number, .. } = &self.next {
            prepared.set_query(parameter, &number.to_string());
        }
    }

    /// Takes a page, and makes the request the one for the next page; false when this was the last.
    pub(super) fn take(&mut self, page: &Value, at: &Url, prepared: &mut Prepared) -> Result<bool, NodeError> {
        let index = i64::from(self.fetched);
        let scope = MapScope(Value::map([("item", page.clone()), ("index", Value::Int(index))]));
        let body = page.get("body").cloned().unwrap_or_default();
        let brought = match &self.items_of {
            None => body,
            Some(program) => eval(program, &scope, "the items of a page")?,
        };
        let count = match &brought {
            Value::List(items) => {
                self.items.extend(items.iter().cloned());
                items.len()
            }
            Value::Null => 0,
            other if self.items_of.is_some() => {
                return Err(NodeError::new(
                    "bad_page",
                    format!("the items of page {index} are a {}, not a list", other.type_name()),
                ));
            }
            single => {
                self.items.push(single.clone());
                1
            }
        };
        self.fetched += 1;
        self.weight += brought.weight();
        if self.weight > MAX_WEIGHT {
            return Err(NodeError::new(
                "response_too_large",
                format!("the first {} pages together are too large", self.fetched),
            ));
        }
        self.complete = !self.advance(page, count, &scope, at, prepared)?;
        Ok(!self.complete && self.fetched < self.most)
    }

    fn advance(
        &mut self,
        page: &Value,
        count: usize,
        scope: &MapScope,
        at: &Url,
        prepared: &mut Prepared,
    ) -> Result<bool, NodeError> {
        match &mut self.next {
            Next::Link => {
                let Some(next) = page.pointer("/headers/link").and_then(Value::as_str).and_then(next_link) else {
                    return Ok(false);
                };
                let bad = |why: &str| NodeError::new("bad_page", format!("the `Link` header {why}"));
                let next = at.join(next).map_err(|_| bad("does not hold an address"))?;
                if next.scheme() != "https" && (at.scheme() == "https" || prepared.url.scheme() == "https") {
                    return Err(bad("leads from https to an unencrypted address"));
                }
                prepared.follow(next);
                Ok(true)
            }
            Next::Cursor { next, parameter } => match eval(next, scope, "the next cursor")? {
                Value::Null | Value::Bool(false) => Ok(false),
                Value::Str(text) if text.is_empty() => Ok(false),
                Value::Str(text) => {
                    prepared.set_query(parameter, &text);
                    Ok(true)
                }
                Value::Int(number) => {
                    prepared.set_query(parameter, &number.to_string());
                    Ok(true)
                }
                other => {
                    Err(NodeError::new("bad_page", format!("the next cursor is a {}, not text", other.type_name())))
                }
            },
            Next::Number { parameter, number, more } => {
                let goes_on = match more {
                    None => count > 0,
                    Some(more) => match eval(more, scope, "the condition to go on")? {
                        Value::Bool(more) => more,
                        other => {
                            let message =
                                format!("the condition to go on gives a {}, not true or false", other.type_name());
                            return Err(NodeError::new("bad_page", message));
                        }
                    },
                };
                *number = number.saturating_add(1);
                prepared.set_query(parameter, &number.to_string());
                Ok(goes_on)
            }
        }
    }

    /// Puts all items in the place of the last page's body.
    pub(super) fn finish(self, whole: &mut Map) {
        whole.insert("body".into(), self.items.into());
        whole.insert("pages".into(), self.fetched.into());
        whole.insert("complete".into(), self.complete.into());
    }
}

fn program(options: &Value, field: &str) -> Result<Option<Program>, NodeError> {
    let Some(value) = options.get(field).filter(|value| !value.is_null()) else { return Ok(None) };
    let compiled = match Dynamic::of(value) {
        Some(Dynamic::Cel(source)) => Program::compile(source),
        Some(Dynamic::Text(source)) => Program::text(source),
        None => Ok(Program::constant(value.clone())),
    };
    compiled.map(Some).map_err(NodeError::from)
}

fn eval(program: &Program, scope: &MapScope, what: &str) -> Result<Value, NodeError> {
    program
        .eval(scope, &mut Meter::new(FUEL, BYTES))
        .map_err(|error| NodeError::new(error.code(), format!("{what}: {error}")))
}

/// The target of the link with `rel="next"` (RFC 8288).
fn next_link(header: &str) -> Option<&str> {
    let mut rest = header;
    while let Some(start) = rest.find('<') {
        let end = start + rest[start..].find('>')?;
        let target = &rest[start + 1..end];
        rest = &rest[end + 1..];
        let parameters = &rest[..rest.find(",<").or_else(|| rest.find(", <")).unwrap_or(rest.len())];
        let is_next = parameters.split(';').any(|parameter| {
            let Some((name, value)) = parameter.split_once('=') else { return false };
            let mut relations = value.trim().trim_end_matches(',').trim_matches('"').split_ascii_whitespace();
            name.trim().eq_ignore_ascii_case("rel") && relations.any(|relation| relation.eq_ignore_ascii_case("next"))
        });
        if is_next {
            return Some(target);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{Pages, next_link};
    use crate::execute::request::Prepared;
    use holon_model::{Value, json};

    #[test]
    fn the_next_link_is_found_among_others() {
        let header =
            r#"<https://e.com/?page=1>; rel="prev", </?page=3>; title="a, b"; rel="last next", <x>; rel=first"#;
        assert_eq!(next_link(header), Some("/?page=3"));
        assert_eq!(next_link("<a>; rel=next"), Some("a"));
        for none in ["", "<a>; rel=prev", "<a", "rel=next"] {
            assert_eq!(next_link(none), None, "{none}");
        }
    }

    #[test]
    fn a_link_does_not_lead_from_https_to_an_unencrypted_address() {
        let config = json::parse(br#"{"url":"https://e.com/a","pagination":{"link":{}}}"#).unwrap();
        let follow = |next: &str| {
            let mut prepared = Prepared::new(&config, "k", None).unwrap();
            let mut pages = Pages::new(&config).unwrap().unwrap();
            let link = Value::map([("link", Value::from(format!("<{next}>; rel=next")))]);
            let page = Value::map([("headers", link), ("body", Value::list([]))]);
            let at = prepared.url.clone();
            pages.take(&page, &at, &mut prepared).map(|goes_on| (goes_on, prepared.url.to_string()))
        };
        assert_eq!(follow("http://e.com/b").unwrap_err().code, "bad_page");
        assert_eq!(follow("ftp://e.com/b").unwrap_err().code, "bad_page");
        assert_eq!(follow("/b"), Ok((true, "https://e.com/b".to_owned())));
        assert_eq!(follow("https://f.com/b"), Ok((true, "https://f.com/b".to_owned())));
    }
}
