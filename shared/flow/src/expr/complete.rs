//! Completion: what may stand at a cursor, with names and fields taken from real data.

use super::lexer::{Lexer, Tok, Token};
use super::{Function, MapScope, Meter, Program, functions};
use holon_model::{Map, Value};
use serde::Serialize;
use std::sync::Arc;

/// Most suggestions of one answer.
const MOST: usize = 100;

/// What kind of thing is suggested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Suggests {
    /// A name in scope.
    Name,
    /// A field of the value before the dot.
    Field,
    /// A function or macro.
    Function,
    /// A mark of text, such as `endfor`.
    Mark,
}

/// One suggestion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Completion {
    /// What is shown.
    pub label: String,
    /// What replaces the characters `start` to `end` of the source.
    pub insert: String,
    /// Where the caret goes, in characters from the start of `insert`.
    pub caret: u32,
    /// First character that is replaced, from 0.
    pub start: u32,
    /// One past the last.
    pub end: u32,
    /// What it is.
    pub kind: Suggests,
    /// Its type and value in the sample, or its signature.
    pub detail: String,
    /// What it does.
    pub doc: String,
}

/// What may stand at character `cursor` of an expression. `samples` is a map of the names in scope to values like those they will have.
pub fn complete(source: &str, cursor: u32, samples: &Value) -> Vec<Completion> {
    let end = byte_at(source, cursor);
    Site::new(source, 0, end, samples.clone()).map(|site| site.suggest()).unwrap_or_default()
}

/// The same in text: nothing outside `{{ }}` and `{% %}`, and the names of loops around the cursor.
pub fn complete_text(source: &str, cursor: u32, samples: &Value) -> Vec<Completion> {
    let end = byte_at(source, cursor);
    let prefix = &source[..end];
    let open = prefix.rfind("{{").into_iter().chain(prefix.rfind("{%")).max();
    let Some(open) = open.filter(|open| !prefix[*open..].contains("}}") && !prefix[*open..].contains("%}")) else {
        return Vec::new();
    };
    let mut scope = samples.clone();
    let mut loops: Vec<Value> = Vec::new();
    for tag in prefix[..open].split("{%").skip(1) {
        let tag = tag.split("%}").next().unwrap_or_default().trim_matches(['-', ' ']);
        if let Some((names, list)) = tag.strip_prefix("for ").and_then(|tag| tag.split_once(" in ")) {
            loops.push(scope.clone());
            let names: Vec<&str> = names.split(',').map(str::trim).collect();
            scope = with_items(scope.clone(), &names, &sample(list, &scope));
        } else if tag == "endfor" {
            scope = loops.pop().unwrap_or(scope);
        }
    }
    let inside = prefix[open + 2..].trim_start_matches('-');
    let start = end - inside.len();
    let word = inside.trim_start();
    if prefix[open..].starts_with("{%") && word.chars().all(|c| c.is_ascii_alphabetic()) {
        let from = chars(source, end - word.len());
        return ["if", "for", "elif", "else", "endif", "endfor"]
            .into_iter()
            .filter(|mark| mark.starts_with(word))
            .map(|mark| mark_of(mark, from, cursor))
            .collect();
    }
    let skipped = if word.starts_with("for ") {
        word.find(" in ").map(|at| at + 4)
    } else {
        word.find(' ').filter(|_| prefix[open..].starts_with("{%"))
    };
    let start = skipped.map_or(start, |skipped| end - word.len() + skipped);
    Site::new(source, start, end, scope).map(|site| site.suggest()).unwrap_or_default()
}

fn mark_of(mark: &str, start: u32, end: u32) -> Completion {
    Completion {
        label: mark.to_owned(),
        insert: format!("{mark} "),
        caret: u32::try_from(mark.len() + 1).unwrap_or(0),
        start,
        end,
        kind: Suggests::Mark,
        detail: String::new(),
        doc: String::new(),
    }
}

fn byte_at(source: &str, cursor: u32) -> usize {
    source.char_indices().map(|(at, _)| at).nth(cursor as usize).unwrap_or(source.len())
}

fn chars(source: &str, byte: usize) -> u32 {
    u32::try_from(source[..byte].chars().count()).unwrap_or(u32::MAX)
}

/// The value of a part of the source, as far as it has one.
fn sample(source: &str, scope: &Value) -> Option<Value> {
    const BUDGET: (u64, u64) = (20_000, 400_000);
    let program = Program::compile(source).ok()?;
    program.eval(&MapScope(scope.clone()), &mut Meter::new(BUDGET.0, BUDGET.1)).ok()
}

/// The scope with the names of a macro or loop, standing for the first item.
fn with_items(scope: Value, names: &[&str], items: &Option<Value>) -> Value {
    let first = match items {
        Some(Value::List(items)) => items.first().map(|item| (Value::Int(0), item.clone(), item.clone())),
        Some(Value::Map(map)) => {
            map.iter().next().map(|(key, value)| (Value::Str(key.clone()), value.clone(), Value::Str(key.clone())))
        }
        _ => None,
    };
    let (key, item, subject) = first.unwrap_or_default();
    let values = if names.len() > 1 { vec![key, item] } else { vec![subject] };
    let mut map: Map = scope.as_map().cloned().unwrap_or_default();
    for (name, value) in names.iter().zip(values) {
        map.insert(Arc::from(*name), value);
    }
    Value::from(map)
}

/// A cursor in an expression: the word that is typed and what stands before it.
struct Site<'s> {
    source: &'s str,
    tokens: Vec<Token>,
    scope: Value,
    word: &'s str,
    end: usize,
}

impl<'s> Site<'s> {
    /// Reads the expression from `start` to the cursor; `None` inside text in quotes or a remark.
    fn new(source: &'s str, start: usize, end: usize, scope: Value) -> Option<Self> {
        let prefix = &source[..end];
        let word_start = prefix
            .rfind(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .map_or(0, |at| at + prefix[at..].chars().next().map_or(1, char::len_utf8));
        let word_start = word_start.max(start);
        let mut lexer = Lexer { source: &source[..word_start], at: start };
        let mut tokens = Vec::new();
        loop {
            let token = lexer.next().ok()?;
            if token.tok == Tok::End {
                break;
            }
            tokens.push(token);
        }
        if source[start..word_start].rsplit('\n').next().is_some_and(|line| {
            line.contains("//")
                && tokens.last().is_none_or(|last| !source[last.span.end as usize..word_start].trim_start().is_empty())
        }) {
            return None;
        }
        let word = &source[word_start..end];
        if word.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let mut site = Self { source, tokens, scope, word, end };
        site.bind_locals();
        Some(site)
    }

    fn op(&self, at: usize) -> &'static str {
        match self.tokens.get(at).map(|token| &token.tok) {
            Some(Tok::Op(operator)) => operator,
            _ => "",
        }
    }

    fn text(&self, from: usize, to: usize) -> &'s str {
        match (self.tokens.get(from), to.checked_sub(1).and_then(|last| self.tokens.get(last))) {
            (Some(first), Some(last)) if from < to => &self.source[first.span.start as usize..last.span.end as usize],
            _ => "",
        }
    }

    /// The first token of the chain of selections and calls that ends before token `end`.
    fn chain_start(&self, end: usize) -> usize {
        let mut at = end;
        loop {
            let mut depth = 0;
            // One primary: a name or literal with the brackets after it.
            loop {
                if at == 0 {
                    return 0;
                }
                at -= 1;
                match self.op(at) {
                    ")" | "]" | "}" => depth += 1,
                    "(" | "[" | "{" => {
                        if depth == 0 {
                            return at + 1;
                        }
                        depth -= 1;
                    }
                    _ => {}
                }
                let word = matches!(self.tokens[at].tok, Tok::Name | Tok::Quoted(_));
                let called = at > 0
                    && (matches!(self.tokens[at - 1].tok, Tok::Name | Tok::Quoted(_))
                        || matches!(self.op(at - 1), ")" | "]"));
                if depth == 0 && (word || !(matches!(self.op(at), "(" | "[") && called)) {
                    break;
                }
            }
            match at.checked_sub(1).map(|before| self.op(before)) {
                Some(".") => at -= 1,
                Some("?") if at > 1 && self.op(at - 2) == "." => at -= 2,
                _ => return at,
            }
        }
    }

    /// Gives the names of the macros around the cursor a value: the first item of what they walk.
    fn bind_locals(&mut self) {
        let mut open: Vec<Option<usize>> = Vec::new();
        for at in 0..self.tokens.len() {
            match self.op(at) {
                "(" => {
                    let of_macro = at >= 2
                        && self.tokens[at - 1].tok == Tok::Name
                        && self.op(at - 2) == "."
                        && functions::find_macro(self.text(at - 1, at)).is_some();
                    open.push(of_macro.then_some(at));
                }
                "[" | "{" => open.push(None),
                ")" | "]" | "}" => {
                    open.pop();
                }
                _ => {}
            }
        }
        for at in open.into_iter().flatten() {
            let mut names = Vec::new();
            let mut next = at + 1;
            while names.len() < 2
                && self.tokens.get(next).is_some_and(|token| token.tok == Tok::Name)
                && self.op(next + 1) == ","
            {
                names.push(self.text(next, next + 1));
                next += 2;
            }
            let items = sample(self.text(self.chain_start(at - 2), at - 2), &self.scope);
            // `map(x, filter, value)` has one name; a second plain name is one only where the macro takes two.
            if !self.text(at - 1, at).starts_with("transform")
                && !matches!(self.text(at - 1, at), "all" | "exists" | "exists_one" | "existsOne" | "count")
            {
                names.truncate(1);
            }
            self.scope = with_items(self.scope.clone(), &names, &items);
        }
    }

    fn suggest(&self) -> Vec<Completion> {
        let count = self.tokens.len();
        let optional = count >= 2 && self.op(count - 1) == "?" && self.op(count - 2) == ".";
        let mut found = if count > 0 && (self.op(count - 1) == "." || optional) {
            let dot = if optional { count - 2 } else { count - 1 };
            self.members(sample(self.text(self.chain_start(dot), dot), &self.scope), optional)
        } else {
            self.globals()
        };
        let word = self.word.to_ascii_lowercase();
        found.retain(|item| item.label.to_ascii_lowercase().contains(&word));
        // Those that start with what was typed come first; within that names and fields before functions.
        found
            .sort_by_key(|item| (!item.label.to_ascii_lowercase().starts_with(&word), item.kind == Suggests::Function));
        found.truncate(MOST);
        found
    }

    fn completion(&self, label: &str, insert: String, kind: Suggests, detail: String) -> Completion {
        let caret = u32::try_from(insert.chars().count()).unwrap_or(0);
        let (start, end) = (chars(self.source, self.end - self.word.len()), chars(self.source, self.end));
        Completion { label: label.to_owned(), insert, caret, start, end, kind, detail, doc: String::new() }
    }

    fn function(&self, function: &Function, signature: &str) -> Completion {
        let takes_nothing = signature.contains("()");
        let mut item =
            self.completion(function.name, format!("{}()", function.name), Suggests::Function, signature.to_owned());
        item.caret -= u32::from(!takes_nothing);
        item.doc = function.doc.to_owned();
        item
    }

    fn members(&self, value: Option<Value>, optional: bool) -> Vec<Completion> {
        let mut found = Vec::new();
        if let Some(map) = value.as_ref().and_then(Value::as_map) {
            for (key, value) in map {
                let plain = key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                    && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                if plain || !key.contains(['`', '\n']) {
                    let insert = if plain { key.to_string() } else { format!("`{key}`") };
                    found.push(self.completion(key, insert, Suggests::Field, describe(value)));
                }
            }
        }
        if !optional {
            let receivers: &[&str] = match &value {
                Some(Value::Str(_)) => &["text.", "time.", "value."],
                Some(Value::List(_)) => &["list.", "value."],
                Some(Value::Map(_)) => &["map.", "value."],
                Some(Value::Int(_)) => &["time.", "value."],
                Some(_) => &["value."],
                None => &["text.", "list.", "map.", "time.", "value."],
            };
            for function in functions() {
                let signature = function
                    .signatures
                    .iter()
                    .find(|signature| receivers.iter().any(|receiver| signature.starts_with(receiver)));
                found.extend(signature.map(|signature| self.function(function, signature)));
            }
        }
        found
    }

    fn globals(&self) -> Vec<Completion> {
        let names = self.scope.as_map().into_iter().flatten();
        let mut found: Vec<Completion> = names
            .map(|(name, value)| self.completion(name, name.to_string(), Suggests::Name, describe(value)))
            .collect();
        for function in functions() {
            let signature = function.signatures.iter().find(|signature| signature.starts_with(function.name));
            found.extend(signature.map(|signature| self.function(function, signature)));
        }
        found
    }
}

/// The type of a value, and the value where it is short.
fn describe(value: &Value) -> String {
    const SHOWN: usize = 32;
    match value {
        Value::List(items) => format!("list of {}", items.len()),
        Value::Map(map) => format!("map of {}", map.len()),
        Value::Blob(_) | Value::Null => value.type_name().to_owned(),
        Value::Str(text) if text.chars().count() > SHOWN => {
            format!("string \"{}…\"", text.chars().take(SHOWN).collect::<String>())
        }
        other => format!("{} {}", other.type_name(), other.to_json()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use holon_model::json;

    fn labels(marked: &str) -> Vec<String> {
        suggestions(marked).into_iter().map(|item| item.label).collect()
    }

    fn samples() -> Value {
        json::parse(br#"{"input": {"sum": 12.5, "lines": [{"qty": 1, "unit price": 2}], "name": "Ada"}, "nodes": {"hook": {"body": "x"}}}"#).unwrap()
    }

    /// `|` marks the cursor.
    fn suggestions(marked: &str) -> Vec<Completion> {
        let cursor = u32::try_from(marked.chars().position(|c| c == '|').unwrap()).unwrap();
        let source = marked.replacen('|', "", 1);
        if source.contains("{{") || source.contains("{%") {
            complete_text(&source, cursor, &samples())
        } else {
            complete(&source, cursor, &samples())
        }
    }

    #[test]
    fn fields_come_from_the_data() {
        assert_eq!(labels("input.|")[..3], ["lines", "name", "sum"]);
        assert_eq!(labels("1 + input.s|")[0], "sum");
        assert_eq!(labels("nodes.|")[0], "hook");
        assert_eq!(labels("nodes.hook.|")[0], "body");
        assert_eq!(labels("input.lines[0].|")[..2], ["qty", "unit price"]);
        let quoted = &suggestions("input.lines[0].u|")[0];
        assert_eq!((quoted.insert.as_str(), quoted.start, quoted.end), ("`unit price`", 15, 16));
        assert_eq!(labels("input.?|"), ["lines", "name", "sum"]);
    }

    #[test]
    fn names_of_macros_have_the_fields_of_an_item() {
        assert_eq!(labels("input.lines.map(l, l.|")[0], "qty");
        assert_eq!(labels("input.lines.filter(l, l.qty > 0).map(m, m.q|")[0], "qty");
        assert_eq!(labels("size(input.lines.map(line, lin|")[0], "line");
        assert_eq!(labels("{'a': input.lines.exists(i, v, v.|")[0], "qty");
        assert!(!labels("input.lines.map(l, l.qty).sum() + l|").contains(&"l".to_owned()));
    }

    #[test]
    fn functions_fit_the_type() {
        let text = labels("input.name.|");
        assert!(text.contains(&"contains".to_owned()) && !text.contains(&"sort_by".to_owned()));
        let list = labels("input.lines.|");
        assert!(list.contains(&"sort_by".to_owned()) && !list.contains(&"trim".to_owned()));
        let trim = suggestions("input.name.tri|").remove(0);
        assert_eq!((trim.insert.as_str(), trim.caret), ("trim()", 6));
        assert_eq!(suggestions("input.name.contai|").remove(0).caret, 9);
        assert!(labels("format_t|").contains(&"format_time".to_owned()));
        assert_eq!(labels("inp|")[0], "input");
    }

    #[test]
    fn nothing_is_suggested_where_nothing_fits() {
        for marked in ["'input.|", "12|", "1 // in|", "hello {{ input.sum }} in|"] {
            assert_eq!(labels(marked), Vec::<String>::new(), "{marked}");
        }
        assert!(!labels("'é' + input.n|").is_empty());
    }

    #[test]
    fn text_completes_inside_its_marks() {
        assert_eq!(labels("Hi {{ input.n|")[0], "name");
        assert_eq!(labels("{% for l in input.lines %}{{ l.|")[0], "qty");
        assert_eq!(labels("{% for l in input.li|")[0], "lines");
        assert_eq!(labels("{% e|"), ["elif", "else", "endif", "endfor"]);
        assert_eq!(labels("{% if input.su|")[0], "sum");
        assert!(!labels("{% for l in input.lines %}{% endfor %}{{ l|").contains(&"l".to_owned()));
    }
}
