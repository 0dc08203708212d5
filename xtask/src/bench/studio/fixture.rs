//! The flow that the benchmark of the studio draws, for Holon and for xyflow: the same cards at the same places, with the same words.
//!
//! A trigger, a text that is typed into, and behind it lanes of steps that branch and join again, of ten kinds in all. Everything is a
//! function of the number of nodes and the seed.

use serde_json::{Map, Value, json};

/// Width of a card, and what is left free beside and between cards, in pixels at zoom 1.
const WIDTH: i64 = 224;
const COLUMN: i64 = 272;
const ROW: i64 = 168;
/// How many times wider than high a drawing is, in cells.
const ASPECT: f64 = 1.6;
/// What the trigger's sample says under `count`: conditions compare with it.
const COUNT: u64 = 10;
/// Items of the sample's list.
const LINES: usize = 8;

/// The node whose text is typed, and that all others but the trigger come after.
pub const TYPED: &str = "typed";

/// A flow of some size.
pub struct Fixture {
    /// For Holon's API. Its result carries what [`TYPED`] says, through the last node that sets it.
    pub definition: Value,
    /// `nodes` and `edges` as `ReactFlow` takes them.
    pub drawing: Value,
}

/// A kind as both sides draw it.
struct Kind {
    id: &'static str,
    /// What keys begin with.
    word: &'static str,
    /// A Lucide icon, as the kind's manifest names it.
    icon: &'static str,
    outs: &'static [&'static str],
}

const START: Kind = Kind { id: "trigger.manual@1", word: "start", icon: "play", outs: &["out"] };
const SET: Kind = Kind { id: "data.set@1", word: "set", icon: "pen-line", outs: &["out", "error"] };
const TEXT: Kind = Kind { id: "text.template@1", word: "text", icon: "text-quote", outs: &["out", "error"] };
const FETCH: Kind = Kind { id: "http.request@1", word: "fetch", icon: "globe", outs: &["out", "error"] };
const KEEP: Kind = Kind { id: "data.filter@1", word: "keep", icon: "funnel", outs: &["out", "rejected", "error"] };
const SORT: Kind = Kind { id: "data.sort@1", word: "sort", icon: "arrow-down-wide-narrow", outs: &["out", "error"] };
const SUM: Kind = Kind { id: "data.aggregate@1", word: "sum", icon: "sigma", outs: &["out", "error"] };
const EACH: Kind = Kind { id: "map@1", word: "each", icon: "repeat", outs: &["out", "error"] };
const WHEN: Kind = Kind { id: "when@1", word: "when", icon: "git-fork", outs: &["true", "false"] };
const SWITCH: Kind = Kind { id: "switch@1", word: "route", icon: "split", outs: &["small", "large", "default"] };
/// What stands in a lane without branching it.
const STEPS: &[&Kind] = &[&SET, &TEXT, &FETCH, &KEEP, &SORT, &SUM, &EACH];

/// Numbers that follow from a seed (Steele, Lea and Flood 2014, SplitMix).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end.max(1) as u64) as usize
    }
}

/// A card, and what becomes of it in the preview.
struct Card {
    key: String,
    kind: &'static Kind,
    cell: (usize, usize),
    config: Value,
    line: String,
    /// The port it gives its value to.
    emits: &'static str,
    runs: bool,
}

struct Edge {
    from: usize,
    port: &'static str,
    to: usize,
}

struct Maker {
    random: Random,
    most: usize,
    cards: Vec<Card>,
    edges: Vec<Edge>,
}

/// A flow of so many nodes.
pub fn make(nodes: usize, seed: u64) -> Fixture {
    let columns = ((nodes as f64 * ASPECT).sqrt().ceil() as usize).max(6);
    let mut maker = Maker { random: Random(seed), most: nodes, cards: Vec::new(), edges: Vec::new() };
    maker.add(&START, (0, 0));
    maker.add(&TEXT, (1, 0));
    maker.connect(0, "out", 1);
    for lane in 0.. {
        if maker.full() {
            break;
        }
        maker.lane(lane * 2, columns);
    }
    Fixture { definition: maker.definition(), drawing: maker.drawing() }
}

impl Maker {
    fn full(&self) -> bool {
        self.cards.len() >= self.most
    }

    /// Two rows: steps, and now and then a branch of three columns.
    fn lane(&mut self, row: usize, columns: usize) {
        let (mut last, mut port, mut column) = (1, "out", 2);
        while column < columns && !self.full() {
            let room = columns - column >= 3 && self.most - self.cards.len() >= 4;
            if room && self.random.below(2) == 0 {
                last = self.branch((last, port), (column, row));
                column += 3;
            } else {
                let step = STEPS.get(self.random.below(STEPS.len())).copied().unwrap_or(&SET);
                let at = self.add(step, (column, row));
                self.connect(last, port, at);
                last = at;
                column += 1;
            }
            port = "out";
        }
    }

    /// A decision, a step on each of two ways, and the step where they meet. A third way goes there at once.
    fn branch(&mut self, (from, port): (usize, &'static str), (column, row): (usize, usize)) -> usize {
        let kind = if self.random.below(3) == 0 { &SWITCH } else { &WHEN };
        let fork = self.add(kind, (column, row));
        self.connect(from, port, fork);
        let mut ends = Vec::new();
        for (index, port) in kind.outs.iter().enumerate() {
            if index < 2 {
                let way = STEPS.get(self.random.below(STEPS.len())).copied().unwrap_or(&TEXT);
                let at = self.add(way, (column + 1, row + index));
                self.connect(fork, port, at);
                ends.push((at, "out"));
            } else {
                ends.push((fork, *port));
            }
        }
        let join = self.add(&SET, (column + 2, row));
        for (at, port) in ends {
            self.connect(at, port, join);
        }
        join
    }

    fn add(&mut self, kind: &'static Kind, cell: (usize, usize)) -> usize {
        let index = self.cards.len();
        let key = match index {
            0 => kind.word.to_owned(),
            1 => TYPED.to_owned(),
            _ => format!("{}_{index}", kind.word),
        };
        let against = self.random.below(2 * COUNT as usize) as u64;
        let holds = COUNT > against;
        let emits = match kind.word {
            "when" => {
                if holds {
                    "true"
                } else {
                    "false"
                }
            }
            "route" => {
                if holds {
                    "small"
                } else {
                    "large"
                }
            }
            _ => "out",
        };
        let (config, line) = configured(kind, index, against);
        // Until something leads to it nothing runs but the trigger.
        self.cards.push(Card { key, kind, cell, config, line, emits, runs: index == 0 });
        index
    }

    fn connect(&mut self, from: usize, port: &'static str, to: usize) {
        let taken = self.taken(from, port);
        if let Some(card) = self.cards.get_mut(to) {
            card.runs |= taken;
        }
        self.edges.push(Edge { from, port, to });
    }

    fn taken(&self, from: usize, port: &str) -> bool {
        self.cards.get(from).is_some_and(|card| card.runs && card.emits == port)
    }

    fn key(&self, index: usize) -> &str {
        self.cards.get(index).map_or("", |card| &card.key)
    }

    fn definition(&self) -> Value {
        let nodes: Map<String, Value> = self.cards.iter().map(|card| (card.key.clone(), node(card))).collect();
        let edges: Vec<Value> = self.edges.iter().map(|edge| {
            json!({ "from": format!("{}.{}", self.key(edge.from), edge.port), "to": format!("{}.in", self.key(edge.to)) })
        }).collect();
        let places: Map<String, Value> =
            self.cards.iter().map(|card| (card.key.clone(), json!([x(card), y(card)]))).collect();
        let lines: Vec<Value> = (0..LINES).map(|qty| json!({ "qty": qty, "name": format!("item {qty}") })).collect();
        let last = self.cards.iter().rev().find(|card| card.runs && card.kind.word == SET.word);
        let result = last.map_or_else(|| format!("nodes.{TYPED}"), |card| format!("nodes.{}.words", card.key));
        json!({
            "holon": 1,
            "name": format!("{} nodes", self.cards.len()),
            "nodes": nodes,
            "edges": edges,
            "result": { "$cel": result },
            "samples": { START.word: { "count": COUNT, "lines": lines } },
            "layout": { "nodes": places },
        })
    }

    fn drawing(&self) -> Value {
        let nodes: Vec<Value> = self.cards.iter().map(|card| {
            let inputs: &[&str] = if card.kind.word == START.word { &[] } else { &["in"] };
            let state = match (card.runs, inputs.is_empty()) {
                (false, _) => "Skipped",
                (true, true) => "1 out",
                (true, false) => "1 in · 1 out",
            };
            let bodies = if card.kind.word == EACH.word { vec![json!({ "name": "body", "nodes": 2 })] } else { Vec::new() };
            json!({
                "id": card.key,
                "type": "card",
                "position": { "x": x(card), "y": y(card) },
                "width": WIDTH,
                "data": {
                    "icon": card.kind.icon, "line": card.line, "inputs": inputs, "outputs": card.kind.outs, "bodies": bodies,
                    "state": state, "succeeded": card.runs,
                },
            })
        }).collect();
        let edges: Vec<Value> = self
            .edges
            .iter()
            .map(|edge| {
                let (from, to) = (self.key(edge.from), self.key(edge.to));
                let taken = self.taken(edge.from, edge.port);
                let mut drawn = json!({
                    "id": format!("{from}.{}>{to}.in", edge.port),
                    "source": from, "sourceHandle": edge.port, "target": to, "targetHandle": "in",
                    "className": if taken { "taken" } else { "skipped" },
                });
                if let (true, Some(fields)) = (taken, drawn.as_object_mut()) {
                    fields.insert("label".to_owned(), json!("1"));
                }
                drawn
            })
            .collect();
        json!({ "nodes": nodes, "edges": edges })
    }
}

fn x(card: &Card) -> i64 {
    card.cell.0 as i64 * COLUMN
}

fn y(card: &Card) -> i64 {
    card.cell.1 as i64 * ROW
}

fn node(card: &Card) -> Value {
    let mut node = json!({ "kind": card.kind.id, "config": card.config });
    if let (true, Some(fields)) = (card.kind.word == EACH.word, node.as_object_mut()) {
        let body = json!({
            "nodes": {
                "a": { "kind": SET.id, "config": { "keep": true, "fields": { "total": { "$cel": "item.qty * 3" } } } },
                "b": { "kind": TEXT.id, "config": { "text": { "$text": "{{ input.name }}: {{ input.total }}" } } },
            },
            "edges": [{ "from": "a.out", "to": "b.in" }],
        });
        fields.insert("bodies".to_owned(), json!({ "body": body }));
    }
    node
}

/// The settings of a node, and the line under its name.
fn configured(kind: &Kind, index: usize, against: u64) -> (Value, String) {
    let lines = json!({ "$cel": "nodes.start.lines" });
    match kind.word {
        "start" => (json!({}), "Manual start".to_owned()),
        "text" if index == 1 => (json!({ "text": { "$text": "order" } }), "order".to_owned()),
        "text" => (
            json!({ "text": { "$text": format!("Order {index} of {{{{ nodes.start.count }}}}: {{{{ nodes.{TYPED} }}}}") } }),
            format!("Order {index} of {{{{ nodes.start.count }}}}: {{{{ nodes.{TYPED} }}}}"),
        ),
        "fetch" => {
            let url = format!("https://api.example.com/orders/{index}");
            (json!({ "method": "GET", "url": url }), format!("GET api.example.com/orders/{index}"))
        }
        "keep" => (
            json!({ "items": lines, "where": { "$cel": format!("item.qty > {}", against % 8) } }),
            format!("item.qty > {}", against % 8),
        ),
        "sort" => (
            json!({ "items": lines, "by": [{ "key": { "$cel": "item.qty" }, "order": "desc" }] }),
            "item.qty desc".to_owned(),
        ),
        "sum" => (
            json!({ "items": lines, "values": [{ "name": "total", "op": "sum", "of": { "$cel": "item.qty" } }] }),
            "sum item.qty".to_owned(),
        ),
        "each" => (json!({ "items": lines, "concurrency": 8 }), "nodes.start.lines".to_owned()),
        "when" => {
            let condition = format!("nodes.start.count > {against}");
            (json!({ "if": { "$cel": condition } }), condition)
        }
        "route" => {
            let condition = format!("nodes.start.count > {against}");
            let cases = json!([{ "port": "small", "when": { "$cel": condition } }, { "port": "large", "when": { "$cel": "true" } }]);
            (json!({ "cases": cases }), "Switch".to_owned())
        }
        _ => {
            let fields = json!({ "words": { "$cel": format!("nodes.{TYPED}") }, "at": { "$cel": format!("nodes.start.count + {index}") } });
            (json!({ "keep": false, "fields": fields }), "at, words".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn texts(list: &Value, pointer: &str) -> Vec<String> {
        let items = list.as_array().unwrap();
        items.iter().map(|item| item.pointer(pointer).unwrap().as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_flow_has_as_many_nodes_as_were_asked_for_of_ten_kinds_and_the_same_for_both() {
        for count in [50, 200, 1_000] {
            let Fixture { definition, drawing } = make(count, 7);
            let nodes = definition["nodes"].as_object().unwrap();
            assert_eq!(nodes.len(), count);
            let kinds: BTreeSet<&str> = nodes.values().map(|node| node["kind"].as_str().unwrap()).collect();
            assert_eq!(kinds.len(), 10, "{kinds:?}");
            let drawn: BTreeSet<String> = texts(&drawing["nodes"], "/id").into_iter().collect();
            assert!(drawn.iter().eq(nodes.keys()));
            let edges = definition["edges"].as_array().unwrap();
            let ours =
                edges.iter().map(|edge| format!("{}>{}", edge["from"].as_str().unwrap(), edge["to"].as_str().unwrap()));
            assert_eq!(ours.collect::<Vec<_>>(), texts(&drawing["edges"], "/id"));
        }
    }

    #[test]
    fn flows_branch_and_every_node_but_the_trigger_is_led_to() {
        let Fixture { definition, .. } = make(200, 7);
        let edges = definition["edges"].as_array().unwrap();
        let led_to: BTreeSet<&str> =
            edges.iter().map(|edge| edge["to"].as_str().unwrap().split('.').next().unwrap()).collect();
        assert_eq!(led_to.len(), 199);
        let forks = edges.iter().filter(|edge| edge["from"].as_str().unwrap().ends_with(".false")).count();
        assert!(forks > 10, "{forks}");
    }

    #[test]
    fn the_same_seed_gives_the_same_flow_and_another_one_another() {
        assert_eq!(make(200, 7).definition, make(200, 7).definition);
        assert_ne!(make(200, 7).definition, make(200, 8).definition);
    }

    #[test]
    fn a_way_that_is_not_taken_is_skipped_as_far_as_the_step_where_the_ways_meet() {
        let Fixture { drawing, .. } = make(1_000, 7);
        let states: BTreeSet<String> = texts(&drawing["nodes"], "/data/state").into_iter().collect();
        assert_eq!(states.into_iter().collect::<Vec<_>>(), ["1 in · 1 out", "1 out", "Skipped"]);
        for (id, node) in texts(&drawing["edges"], "/id").iter().zip(drawing["edges"].as_array().unwrap()) {
            assert_eq!(node["className"] == "taken", node.get("label").is_some(), "{id}");
        }
    }
}
