//! `csv.format`: a list of maps or lists to CSV text.

use crate::{CELL, character};
use holon_flow::{
    capability::{NodeError, Output, PureCall},
    expr::Meter,
};
use holon_model::Value;
use std::{collections::BTreeSet, sync::Arc};

struct Format {
    delimiter: char,
    quote: char,
    line_end: &'static str,
    quote_all: bool,
    guard: bool,
}

pub(crate) fn run(call: &mut PureCall<'_>) -> Result<Output, NodeError> {
    let subject = call.subject("items");
    let Some(items) = subject.as_list() else {
        let message = format!("a list is needed, this is a {}; point `items` at one", subject.type_name());
        return Err(NodeError::new("bad_input", message));
    };
    let flag = |field, default| call.config.get(field).and_then(Value::as_bool).unwrap_or(default);
    let format = Format {
        delimiter: character(call.config, "delimiter", ',')?,
        quote: character(call.config, "quote", '"')?,
        line_end: if call.config.get("line_end").and_then(Value::as_str) == Some("lf") { "\n" } else { "\r\n" },
        quote_all: flag("quote_all", false),
        guard: flag("guard_formulas", false),
    };
    if format.delimiter == format.quote {
        return Err(NodeError::new("bad_config", "`delimiter` and `quote` must be different characters"));
    }
    let columns = columns(call.config, items);
    call.meter.step(1 + items.len() as u64 * (1 + columns.len() as u64))?;

    let mut text = String::new();
    if flag("header", true) && !columns.is_empty() {
        format.record(&mut text, columns.iter().map(|name| Ok((**name).into())))?;
    }
    // For how it writes numbers; what is written is charged below.
    let meter = *call.meter;
    let mut charged = 0;
    for (index, item) in items.iter().enumerate() {
        match item {
            Value::Map(map) => format.record(
                &mut text,
                columns.iter().map(|name| cell(map.get(name), &meter).ok_or_else(|| no_cell(index, name))),
            )?,
            Value::List(cells) => format.record(
                &mut text,
                cells
                    .iter()
                    .enumerate()
                    .map(|(at, value)| cell(Some(value), &meter).ok_or_else(|| no_cell(index, &(at + 1).to_string()))),
            )?,
            other => {
                let message = format!("item {index} is a {}; rows are maps or lists", other.type_name());
                return Err(NodeError::new("bad_input", message));
            }
        }
        call.meter.alloc((text.len() - charged) as u64)?;
        charged = text.len();
    }
    call.meter.alloc(CELL)?;
    Ok(Output::One(text.into()))
}

/// The columns that are asked for, else all fields of all maps: those of the first first, new ones as they come.
fn columns(config: &Value, items: &[Value]) -> Vec<Arc<str>> {
    if let Some(names) = config.get("columns").and_then(Value::as_list).filter(|names| !names.is_empty()) {
        return names.iter().filter_map(|name| name.as_str().map(Arc::from)).collect();
    }
    let mut seen = BTreeSet::new();
    let keys = items.iter().filter_map(Value::as_map).flat_map(|map| map.keys());
    keys.filter(|key| seen.insert((*key).clone())).cloned().collect()
}

/// Nothing for null, JSON for lists and maps; blobs have no text.
fn cell(value: Option<&Value>, meter: &Meter) -> Option<String> {
    Some(match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::Str(text)) => text.to_string(),
        Some(Value::Decimal(number)) => number.to_string(),
        Some(Value::Blob(_)) => return None,
        Some(other) => meter.json(other),
    })
}

fn no_cell(index: usize, column: &str) -> NodeError {
    NodeError::new("bad_input", format!("item {index}: column `{column}` is a blob, which has no text"))
}

impl Format {
    fn record(
        &self,
        out: &mut String,
        cells: impl Iterator<Item = Result<String, NodeError>>,
    ) -> Result<(), NodeError> {
        for (at, cell) in cells.enumerate() {
            if at > 0 {
                out.push(self.delimiter);
            }
            self.cell(out, &cell?);
        }
        out.push_str(self.line_end);
        Ok(())
    }

    fn cell(&self, out: &mut String, cell: &str) {
        // Spreadsheets run what starts like a formula (OWASP, "CSV injection"); negative numbers are none.
        let formula = cell.starts_with(['=', '+', '@', '\t', '\r'])
            || (cell.starts_with('-') && cell.parse::<holon_model::Decimal>().is_err());
        let guarded = self.guard && formula;
        let special = |c: char| c == self.delimiter || c == self.quote || c == '\n' || c == '\r';
        let quoted = self.quote_all || cell.contains(special) || cell.starts_with(' ') || cell.ends_with(' ');
        if quoted {
            out.push(self.quote);
        }
        if guarded {
            out.push('\'');
        }
        for c in cell.chars() {
            if c == self.quote {
                out.push(c);
            }
            out.push(c);
        }
        if quoted {
            out.push(self.quote);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{call_with, fails, gives};

    const KIND: &str = "csv.format@1";

    #[test]
    fn maps_become_rows_under_the_names_of_their_fields() {
        let items = r#"[{"a":1,"b":"x"},{"a":1.50,"c":null,"b":true}]"#;
        gives(KIND, "{}", items, r#""a,b,c\r\n1,x,\r\n1.50,true,\r\n""#);
        gives(KIND, r#"{"columns":["b"],"line_end":"lf"}"#, items, r#""b\nx\ntrue\n""#);
        gives(KIND, r#"{"header":false,"delimiter":";"}"#, r#"[[1,"a"],[null,[2]]]"#, r#""1;a\r\n;[2]\r\n""#);
        gives(KIND, "{}", "[]", r#""""#);
    }

    #[test]
    fn what_has_a_meaning_in_csv_is_quoted() {
        let config = r#"{"header":false,"line_end":"lf"}"#;
        gives(KIND, config, r#"[["a,b","c\"d","e\nf"," g","h"]]"#, r#""\"a,b\",\"c\"\"d\",\"e\nf\",\" g\",h\n""#);
        gives(KIND, r#"{"header":false,"line_end":"lf","quote_all":true}"#, r#"[[1]]"#, r#""\"1\"\n""#);
    }

    #[test]
    fn formulas_are_disarmed_when_asked_for() {
        let config = r#"{"header":false,"line_end":"lf","guard_formulas":true}"#;
        gives(KIND, config, r#"[["=1+1","@x","-5","-a","a=b"]]"#, r#""'=1+1,'@x,-5,'-a,a=b\n""#);
    }

    #[test]
    fn what_is_no_row_is_refused_and_the_budget_is_charged() {
        fails(KIND, "{}", "7", "bad_input");
        fails(KIND, "{}", "[7]", "bad_input");
        fails(KIND, r#"{"quote":","}"#, "[]", "bad_config");
        let long = format!("[[\"{}\"]]", "x".repeat(1_000));
        assert_eq!(call_with(KIND, "{}", &long, &mut Meter::new(100, 500)).unwrap_err().code, "out_of_fuel");
    }

    #[test]
    fn what_is_formatted_parses_back() {
        let items = r#"[{"a":"x,\"y\"","b":"l\r\nm"},{"a":"","b":" z "}]"#;
        let Output::One(text) = crate::testing::call(KIND, "{}", items).unwrap() else { panic!("one value") };
        gives("csv.parse@1", "{}", &text.to_json(), items);
    }
}
