//! What both sides are asked: a preview of each example, and of a flow of each kind that computes on many generated inputs.

use holon_model::json;
use holon_studio::worker::{Ask, Message};

/// Generated inputs of each flow.
const INPUTS: u64 = 60;
/// The most entries of a generated list.
const LONGEST: u64 = 12;

/// A flow's nodes after its trigger `start`, and the node whose output is the flow's: one for each kind that computes, with what it can do.
const FLOWS: &[&str] = &[
    r#""a": {"kind": "data.set@1", "config": {"fields": {"sum": {"$cel": "input.n + input.m"}, "product": {"$cel": "input.n * input.m"}, "text": {"$cel": "string(input.n) + input.text"}}, "remove": ["m"]}}"#,
    r#""a": {"kind": "data.set@1", "config": {"fields": {"part": {"$cel": "input.n / input.m"}, "rounded": {"$cel": "round(input.n * 0.19, 2)"}, "length": {"$cel": "size(input.text)"}}, "keep": false}}"#,
    r#""a": {"kind": "data.set@1", "config": {"fields": {"same": {"$cel": "input.list.map(x, x.n == input.n)"}, "less": {"$cel": "input.list.filter(x, x.n != null && x.n < input.n)"}}}}"#,
    r#""a": {"kind": "data.filter@1", "config": {"items": {"$cel": "input.list"}, "where": {"$cel": "item.n != null && item.n > input.n"}}}"#,
    r#""a": {"kind": "data.sort@1", "config": {"items": {"$cel": "input.list"}, "by": [{"key": {"$cel": "item.n"}, "order": "desc", "nulls": "first"}, {"key": {"$cel": "item.text"}}]}}"#,
    r#""a": {"kind": "data.sort@1", "config": {"items": {"$cel": "input.list"}, "by": [{"key": {"$cel": "item.text"}}]}}"#,
    r#""a": {"kind": "data.aggregate@1", "config": {"items": {"$cel": "input.list"}, "group_by": [{"name": "kind", "by": {"$cel": "item.kind"}}], "values": [
        {"name": "sum", "op": "sum", "of": {"$cel": "coalesce(item.n, 0)"}}, {"name": "count", "op": "count"}, {"name": "distinct", "op": "count_distinct", "of": {"$cel": "item.text"}},
        {"name": "least", "op": "min", "of": {"$cel": "item.n"}}, {"name": "greatest", "op": "max", "of": {"$cel": "item.n"}}, {"name": "average", "op": "avg", "of": {"$cel": "item.n"}},
        {"name": "first", "op": "first", "of": {"$cel": "item.text"}}, {"name": "last", "op": "last", "of": {"$cel": "item.text"}}, {"name": "all", "op": "collect", "of": {"$cel": "item.n"}}]}}"#,
    r#""a": {"kind": "data.merge@1", "config": {"mode": "append", "values": [{"$cel": "input.list"}, {"$cel": "input.list"}]}}"#,
    r#""a": {"kind": "data.merge@1", "config": {"mode": "combine", "values": [{"$cel": "input"}, {"n": "other", "new": [1, {"$cel": "input.m"}]}]}}"#,
    r#""a": {"kind": "data.merge@1", "config": {"mode": "join", "left": {"$cel": "input.list"}, "left_key": {"$cel": "item.kind"}, "right": [{"kind": "a", "of": 1}, {"kind": "b", "of": 2}], "right_key": {"$cel": "item.kind"}, "join": "full"}}"#,
    r#""a": {"kind": "text.template@1", "config": {"text": {"$text": "{{ input.text }}: {{ input.n }} of {{ input.m }}\n{% for x in input.list %}- {{ x.kind }} {{ x.n }} {{ x.text }}\n{% endfor %}"}, "trim": true, "into": "said"}}"#,
    r#""a": {"kind": "json.validate@1", "config": {"schema": {"type": "object", "required": ["n", "list"], "properties": {"n": {"type": "number", "minimum": -5, "multipleOf": 0.5}, "text": {"type": "string", "maxLength": 6, "pattern": "^[^x]*$"},
        "list": {"type": "array", "maxItems": 6, "items": {"type": "object", "properties": {"n": {"type": ["integer", "null"]}, "kind": {"enum": ["a", "b"]}}}}}}}}"#,
    r#""a": {"kind": "csv.format@1", "config": {"items": {"$cel": "input.list"}, "columns": ["kind", "n", "text"], "guard_formulas": true}}, "b": {"kind": "csv.parse@1", "config": {"text": {"$cel": "input"}, "types": "infer", "trim": true}}"#,
    r#""a": {"kind": "csv.format@1", "config": {"items": {"$cel": "input.list"}, "delimiter": ";", "quote_all": true, "line_end": "lf"}}, "b": {"kind": "csv.parse@1", "config": {"text": {"$cel": "input"}, "delimiter": ";", "ragged": true}}"#,
    r#""a": {"kind": "when@1", "config": {"if": {"$cel": "input.n > input.m"}}}"#,
    r#""a": {"kind": "switch@1", "config": {"cases": [{"port": "many", "when": {"$cel": "size(input.list) > 6"}}, {"port": "long", "when": {"$cel": "size(input.text) > 4"}}]}}"#,
    r#""a": {"kind": "map@1", "config": {"items": {"$cel": "input.list"}, "concurrency": 3, "gather": "all_settled"}, "bodies": {"body": {"nodes": {"s": {"kind": "data.set@1", "config": {"keep": false, "fields": {"at": {"$cel": "index"}, "twice": {"$cel": "item.n * 2"}}}}}, "edges": []}}}"#,
    r#""a": {"kind": "loop@1", "config": {"while": {"$cel": "item.left > 0"}, "max": 20, "from": {"left": {"$cel": "size(input.list)"}, "power": 1}}, "bodies": {"body": {"nodes": {"s": {"kind": "data.set@1", "config": {"keep": false, "fields": {"left": {"$cel": "item.left - 1"}, "power": {"$cel": "item.power * 3"}}}}}, "edges": []}}}"#,
    r#""a": {"kind": "try@1", "bodies": {"body": {"nodes": {"s": {"kind": "data.set@1", "config": {"fields": {"part": {"$cel": "input.n / input.m"}}}}}, "edges": []}, "catch": {"nodes": {"c": {"kind": "data.set@1", "config": {"keep": false, "fields": {"why": {"$cel": "input"}}}}}, "edges": []}}}"#,
    r#""a": {"kind": "parallel@1", "config": {"limit": 2}, "bodies": {"one": {"nodes": {"s": {"kind": "data.set@1", "config": {"fields": {"of": 1}}}}, "edges": []}, "two": {"nodes": {"s": {"kind": "data.filter@1", "config": {"items": {"$cel": "input.list"}, "where": {"$cel": "item.kind == 'a'"}}}}, "edges": []}}}"#,
];

/// Numbers that two builds could read, add, compare or write in two ways.
const NUMBERS: &[&str] = &[
    "0",
    "-1",
    "7",
    "0.1",
    "0.2",
    "19.90",
    "-0.5",
    "1e3",
    "2.5e-3",
    "9007199254740993",
    "-9223372036854775808",
    "9223372036854775807",
    "123456789012345678.901",
    "0.333333333333333333",
    "1E+2",
    "100.00",
];
/// Texts of more than letters: quotes, separators, formulas, combined and wide characters.
const TEXTS: &[&str] = &[
    "",
    "a",
    "B",
    "ä",
    "a\\u0308",
    "Straße",
    "x,y;z",
    "say \\\"hi\\\"",
    "two\\nlines",
    "=1+1",
    " spaced ",
    "日本",
    "🦀 and \\ud83d\\ude00",
    "007",
    "1.50",
    "true",
];

/// One message a line.
pub fn messages() -> Vec<String> {
    let examples = holon_catalogue::examples().iter().map(|example| example.definition.to_json());
    let generated = FLOWS.iter().flat_map(|nodes| {
        (0..INPUTS).map(move |seed| {
            let edges = if nodes.contains(r#""b": {"#) { r#", {"from": "a.out", "to": "b.in"}"# } else { "" };
            format!(
                r#"{{"holon": 1, "name": "parity", "nodes": {{"start": {{"kind": "trigger.manual@1"}}, {nodes}}},
                    "edges": [{{"from": "start.out", "to": "a.in"}}{edges}], "samples": {{"start": {}}}}}"#,
                input(seed)
            )
        })
    });
    let message = |(id, definition): (u32, String)| {
        let definition = json::parse(definition.as_bytes()).unwrap_or_else(|error| panic!("{error}: {definition}"));
        serde_json::to_string(&Message { id, ask: Ask::Preview { definition, trigger: None } })
            .expect("messages are written")
    };
    (0..).zip(examples.chain(generated)).map(message).collect()
}

/// What a flow is started with, as JSON: two numbers, a text and a list.
fn input(seed: u64) -> String {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let entries: Vec<String> = (0..random.below(LONGEST))
        .map(|_| {
            let n = if random.below(8) == 0 { "null" } else { random.of(NUMBERS) };
            format!(r#"{{"kind": "{}", "n": {n}, "text": "{}"}}"#, random.of(&["a", "b", "c"]), random.of(TEXTS))
        })
        .collect();
    let (n, m, text) = (random.of(NUMBERS), random.of(NUMBERS), random.of(TEXTS));
    format!(r#"{{"n": {n}, "m": {m}, "text": "{text}", "list": [{}]}}"#, entries.join(", "))
}

/// Marsaglia's xorshift64: the same numbers for a seed everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).unwrap_or_default()]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use holon_flow::capability::Behaviour;
    use holon_studio::worker::{Answer, PreviewReply};

    use super::*;

    #[test]
    fn every_kind_that_computes_is_asked_for_and_most_flows_come_to_an_end() {
        let catalogue = holon_catalogue::catalogue();
        let pure = catalogue.kinds().filter(|kind| matches!(kind.behaviour, Behaviour::Pure(_)));
        let messages = messages();
        let missing: Vec<String> = pure
            .map(|kind| kind.reference().to_string())
            .filter(|kind| !FLOWS.iter().any(|nodes| nodes.contains(&format!(r#""{kind}""#))))
            .collect();
        assert!(missing.is_empty(), "no flow has {missing:?}");
        let mut ends: BTreeSet<(usize, String)> = BTreeSet::new();
        let mut completed = 0;
        for (number, message) in messages.iter().enumerate() {
            let answer: Answer<PreviewReply> = serde_json::from_str(&holon_preview::handle(message)).unwrap();
            let reply = answer.ok.unwrap_or_else(|| panic!("{message}: {:?}", answer.error));
            assert!(!reply.status.is_empty(), "{message} did not run: {:?}", reply.diagnostics);
            completed += usize::from(reply.status == "completed");
            if let Some(number) = number.checked_sub(holon_catalogue::examples().len()) {
                ends.insert((number / INPUTS as usize, reply.status));
            }
        }
        assert!(completed * 2 > messages.len(), "{completed} of {} completed", messages.len());
        for (number, flow) in FLOWS.iter().enumerate() {
            assert!(ends.contains(&(number, "completed".to_owned())), "nothing completes {flow}");
        }
    }
}
