//! `csv.parse`: text to a list of maps by the names in the header, or of lists without one.

use crate::{
    CELL, character,
    reader::{Field, Malformed, Reader},
};
use holon_flow::capability::{NodeError, Output, PureCall};
use holon_model::{Map, Value, json};
use std::{collections::BTreeSet, sync::Arc};

/// Rows that are read unless config says otherwise.
const MAX_ROWS: i64 = 100_000;
/// Columns of one row.
const MAX_COLUMNS: usize = 10_000;

enum Header {
    /// Rows are lists.
    None,
    /// Names of the columns.
    Names(Vec<Arc<str>>),
}

struct Parse {
    infer: bool,
    trim: bool,
    loose: bool,
}

pub(crate) fn run(call: &mut PureCall<'_>) -> Result<Output, NodeError> {
    let subject = call.subject("text");
    let Some(text) = subject.as_str() else { return Err(no_text(&subject)) };
    let flag = |field, default| call.config.get(field).and_then(Value::as_bool).unwrap_or(default);
    let options = Parse {
        infer: call.config.get("types").and_then(Value::as_str) == Some("infer"),
        trim: flag("trim", false),
        loose: flag("ragged", false),
    };
    let keep_empty = flag("keep_empty", false);
    let most = call.config.get("max_rows").and_then(Value::as_int).unwrap_or(MAX_ROWS);
    let (delimiter, quote) = (character(call.config, "delimiter", ',')?, character(call.config, "quote", '"')?);
    if delimiter == quote {
        return Err(NodeError::new("bad_config", "`delimiter` and `quote` must be different characters"));
    }

    call.meter.step(1 + text.len() as u64 / 16)?;
    let mut reader = Reader::new(text, delimiter, quote);
    let mut header = match call.config.get("header") {
        None | Some(Value::Bool(true)) => None,
        Some(Value::List(names)) => Some(named(names.iter().filter_map(Value::as_str).map(str::to_owned), 0)?),
        Some(_) => Some(Header::None),
    };
    let mut rows = Vec::new();
    loop {
        let line = reader.line();
        let Some(record) = reader.record().map_err(malformed)? else { break };
        if record.len() > MAX_COLUMNS {
            return Err(at_line("too_large", format!("line {line} has more than {MAX_COLUMNS} columns"), line));
        }
        if !keep_empty && matches!(record.as_slice(), [field] if field.text.trim().is_empty() && !field.quoted) {
            continue;
        }
        call.meter.step(1 + record.len() as u64)?;
        call.meter.alloc(CELL + record.iter().map(|field| CELL + field.text.len() as u64).sum::<u64>())?;
        match &header {
            None => header = Some(named(record.into_iter().map(|field| field.text.trim().to_owned()), line)?),
            Some(header) => {
                if i64::try_from(rows.len()).unwrap_or(i64::MAX) >= most {
                    return Err(at_line("too_large", format!("there are more than {most} rows"), line));
                }
                rows.push(options.row(header, record, line)?);
            }
        }
    }
    Ok(Output::One(rows.into()))
}

impl Parse {
    fn row(&self, header: &Header, record: Vec<Field>, line: i64) -> Result<Value, NodeError> {
        let Header::Names(names) = header else {
            return record
                .into_iter()
                .map(|field| self.cell(field, line))
                .collect::<Result<Vec<_>, _>>()
                .map(Value::from);
        };
        if record.len() != names.len() && !self.loose {
            let message = format!("line {line} has {} fields, the header has {}", record.len(), names.len());
            return Err(at_line("ragged", message, line));
        }
        let mut row = Map::new();
        let mut fields = record.into_iter();
        for name in names {
            let cell = fields.next().map(|field| self.cell(field, line)).transpose()?;
            row.insert(name.clone(), cell.unwrap_or_default());
        }
        Ok(row.into())
    }

    /// With inference: nothing is null, `true` and `false` are booleans, numbers are exact numbers; quoted fields and
    /// numbers with leading zeros (postcodes, article numbers) stay text.
    fn cell(&self, field: Field, line: i64) -> Result<Value, NodeError> {
        let text = if self.trim && !field.quoted { field.text.trim() } else { &field.text };
        if !self.infer || field.quoted {
            return Ok(text.into());
        }
        Ok(match text.trim() {
            "" => Value::Null,
            "true" | "TRUE" | "True" => Value::Bool(true),
            "false" | "FALSE" | "False" => Value::Bool(false),
            number if is_number(number) => json::parse_number(number)
                .map_err(|message| at_line("number_too_large", format!("line {line}: `{number}`: {message}"), line))?,
            _ => text.into(),
        })
    }
}

/// As JSON writes numbers.
fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(digits)
}

fn named(names: impl Iterator<Item = String>, line: i64) -> Result<Header, NodeError> {
    let names: Vec<Arc<str>> = names.map(Arc::from).collect();
    let mut seen = BTreeSet::new();
    for (at, name) in names.iter().enumerate() {
        if name.is_empty() {
            return Err(at_line(
                "bad_header",
                format!("column {} of the header has no name; name the columns in `header`", at + 1),
                line,
            ));
        }
        if !seen.insert(name.clone()) {
            return Err(at_line(
                "bad_header",
                format!("`{name}` stands in the header twice; name the columns in `header`"),
                line,
            ));
        }
    }
    Ok(Header::Names(names))
}

fn no_text(value: &Value) -> NodeError {
    let hint = if value.as_map().is_some() { "; point `text` at it, for example with `input.body`" } else { "" };
    NodeError::new("bad_input", format!("text is needed, this is a {}{hint}", value.type_name()))
}

fn malformed(found: Malformed) -> NodeError {
    let message = format!("this is not CSV: {} at line {}, column {}", found.message, found.line, found.column);
    let mut error = NodeError::new("malformed", message);
    error.detail = Value::map([("line", Value::Int(found.line)), ("column", Value::Int(found.column))]);
    error
}

fn at_line(code: &str, message: String, line: i64) -> NodeError {
    let mut error = NodeError::new(code, message);
    error.detail = Value::map([("line", Value::Int(line))]);
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{call, call_with, fails, gives};
    use holon_flow::expr::Meter;

    const KIND: &str = "csv.parse@1";

    #[test]
    fn rows_become_maps_by_the_header() {
        gives(KIND, "{}", r#""name,qty\nA,1\n\nB,2\n""#, r#"[{"name":"A","qty":"1"},{"name":"B","qty":"2"}]"#);
        gives(KIND, "{}", r#""name,qty""#, "[]");
        gives(KIND, "{}", r#""""#, "[]");
        gives(KIND, r#"{"text":"a;b\n1;2","delimiter":";"}"#, "null", r#"[{"a":"1","b":"2"}]"#);
        gives(KIND, r#"{"delimiter":"tab"}"#, r#""a\tb\n1\t2""#, r#"[{"a":"1","b":"2"}]"#);
    }

    #[test]
    fn names_may_be_given_and_rows_may_stay_lists() {
        gives(KIND, r#"{"header":["x","y"]}"#, r#""1,2""#, r#"[{"x":"1","y":"2"}]"#);
        gives(KIND, r#"{"header":false}"#, r#""1,2\n3""#, r#"[["1","2"],["3"]]"#);
        gives(KIND, r#"{"header":false,"keep_empty":true}"#, r#""1\n\n""#, r#"[["1"],[""]]"#);
    }

    #[test]
    fn types_are_told_apart_exactly_when_asked_for() {
        let config = r#"{"header":false,"types":"infer"}"#;
        let text = r#""19.90,-3,007,1e3,true,,\"5\",x y,+1,0.0,1_000,-0.5""#;
        gives(KIND, config, text, r#"[[19.90,-3,"007",1000.0,true,null,"5","x y","+1",0.0,"1_000",-0.5]]"#);
        fails(KIND, config, r#""12345678901234567890123456789.1""#, "number_too_large");
    }

    #[test]
    fn rows_that_do_not_fit_are_refused_at_their_line_unless_that_is_allowed() {
        let error = call(KIND, "{}", r#""a,b\n1,2\n3""#).unwrap_err();
        assert_eq!((error.code.as_str(), error.detail.get("line")), ("ragged", Some(&Value::Int(3))));
        gives(KIND, r#"{"ragged":true}"#, r#""a,b\n1\n2,3,4""#, r#"[{"a":"1","b":null},{"a":"2","b":"3"}]"#);
        fails(KIND, "{}", r#""a,a\n1,2""#, "bad_header");
        fails(KIND, "{}", r#""a,\n1,2""#, "bad_header");
        fails(KIND, "{}", r#""a\n\"b""#, "malformed");
        fails(KIND, r#"{"max_rows":1}"#, r#""a\n1\n2""#, "too_large");
        fails(KIND, "{}", r#"{"body":"a"}"#, "bad_input");
        fails(KIND, r#"{"delimiter":",,"}"#, r#""a""#, "bad_config");
        fails(KIND, r#"{"delimiter":"\""}"#, r#""a""#, "bad_config");
    }

    #[test]
    fn the_budget_is_charged_by_row_and_by_byte() {
        let rows = format!("\"a\\n{}\"", "1\\n".repeat(1_000));
        assert_eq!(call_with(KIND, "{}", &rows, &mut Meter::new(1_000, 1_000_000)).unwrap_err().code, "out_of_fuel");
        assert_eq!(call_with(KIND, "{}", &rows, &mut Meter::new(100_000, 10_000)).unwrap_err().code, "out_of_fuel");
    }
}
