//! The registry's entries for macros; their meaning is in `folds.rs`.

use crate::expr::ast::FoldOp;
use crate::expr::functions::{Body, Examples, Function, Macro};

const fn entry(
    name: &'static str,
    signatures: &'static [&'static str],
    doc: &'static str,
    examples: Examples,
    form: Macro,
) -> Function {
    Function { name, signatures, doc, examples, body: Body::Macro(form) }
}

const fn fold(
    name: &'static str,
    signatures: &'static [&'static str],
    doc: &'static str,
    examples: Examples,
    op: FoldOp,
) -> Function {
    entry(name, signatures, doc, examples, Macro::Fold(op))
}

pub(in crate::expr) const FUNCTIONS: &[Function] = &[
    entry(
        "has",
        &["has(value.field) -> bool"],
        "Whether a map has a field, or a node an output: `has(nodes.key)`.",
        &[("has({'a': null}.a)", "true"), ("has({}.a)", "false")],
        Macro::Has,
    ),
    entry(
        "coalesce",
        &["coalesce(value, …) -> any"],
        "The first value that is there and not null; fields and items that are absent count as null.",
        &[("coalesce({}.name, null, 'none')", "\"none\"")],
        Macro::Coalesce,
    ),
    entry(
        "cel.bind",
        &["cel.bind(name, value, expression) -> any"],
        "Gives a value a name inside an expression.",
        &[("cel.bind(x, 2 + 3, x * x)", "25")],
        Macro::Bind,
    ),
    fold(
        "all",
        &["list.all(x, test) -> bool", "list.all(i, x, test)", "map.all(key, value, test)"],
        "Whether every item passes; true for none.",
        &[("[1, 2].all(x, x > 0)", "true")],
        FoldOp::All,
    ),
    fold(
        "exists",
        &["list.exists(x, test) -> bool", "map.exists(key, value, test)"],
        "Whether some item passes.",
        &[("[1, 2].exists(x, x > 1)", "true")],
        FoldOp::Exists,
    ),
    fold(
        "exists_one",
        &["list.exists_one(x, test) -> bool", "map.exists_one(key, value, test)"],
        "Whether exactly one item passes.",
        &[("[1, 2, 2].exists_one(x, x == 2)", "false")],
        FoldOp::ExistsOne,
    ),
    fold(
        "existsOne",
        &["list.existsOne(x, test) -> bool", "map.existsOne(key, value, test)"],
        "The same as `exists_one`.",
        &[("[1, 2].existsOne(x, x == 2)", "true")],
        FoldOp::ExistsOne,
    ),
    fold(
        "count",
        &["list.count(x, test) -> int"],
        "How many items pass.",
        &[("[1, 2, 3].count(x, x > 1)", "2")],
        FoldOp::Count,
    ),
    fold(
        "first",
        &["list.first(x, test) -> any"],
        "The first item that passes, or null. Without a test: the first item.",
        &[("[1, 2, 3].first(x, x > 1)", "2"), ("[1].first(x, x > 1)", "null")],
        FoldOp::First,
    ),
    fold(
        "map",
        &["list.map(x, value) -> list", "list.map(x, test, value)"],
        "A list of a value for each item, or for each that passes a test.",
        &[("[1, 2].map(x, x * 2)", "[2,4]"), ("[1, 2, 3].map(x, x > 1, x * 10)", "[20,30]")],
        FoldOp::Map,
    ),
    fold(
        "filter",
        &["list.filter(x, test) -> list"],
        "The items that pass.",
        &[("[1, 2, 3].filter(x, x % 2 == 1)", "[1,3]")],
        FoldOp::Filter,
    ),
    fold(
        "transformList",
        &["list.transformList(i, x, value) -> list", "map.transformList(key, value, test, new)"],
        "As `map`, with the index or the key at hand.",
        &[("{'a': 1}.transformList(k, v, k + string(v))", "[\"a1\"]")],
        FoldOp::Map,
    ),
    fold(
        "transformMap",
        &["map.transformMap(key, value, new) -> map", "map.transformMap(key, value, test, new)"],
        "A map with a new value under each key.",
        &[("{'a': 1, 'b': 2}.transformMap(k, v, v > 1, v * 10)", "{\"b\":20}")],
        FoldOp::TransformMap,
    ),
    fold(
        "transformMapEntry",
        &["map.transformMapEntry(key, value, {newKey: new}) -> map"],
        "A map of the fields that are given for each entry; a key may come once.",
        &[("{'a': 'x'}.transformMapEntry(k, v, {v: k})", "{\"x\":\"a\"}")],
        FoldOp::TransformMapEntry,
    ),
    fold(
        "sum",
        &["list.sum(x, number) -> number"],
        "The sum of a number of each item. Without a name: the sum of the items.",
        &[("[{'q': 2, 'p': 1.50}].sum(l, l.q * l.p)", "3.00")],
        FoldOp::Sum,
    ),
    fold(
        "avg",
        &["list.avg(x, number) -> number"],
        "The mean of a number of each item, null for none. Without a name: the mean of the items.",
        &[("[{'n': 1}, {'n': 2}].avg(x, x.n)", "1.5")],
        FoldOp::Avg,
    ),
    fold(
        "min_by",
        &["list.min_by(x, key) -> any"],
        "The item with the smallest key, the first of several; null for none.",
        &[("['bbb', 'a'].min_by(x, size(x))", "\"a\"")],
        FoldOp::MinBy,
    ),
    fold(
        "max_by",
        &["list.max_by(x, key) -> any"],
        "The item with the largest key, the first of several; null for none.",
        &[("['bbb', 'a'].max_by(x, size(x))", "\"bbb\"")],
        FoldOp::MaxBy,
    ),
    fold(
        "sort_by",
        &["list.sort_by(x, key) -> list"],
        "The items in the order of a key, equal ones as they came. Use `.reverse()` for falling order.",
        &[("['bb', 'a'].sort_by(x, size(x))", "[\"a\",\"bb\"]")],
        FoldOp::SortBy,
    ),
    fold(
        "sortBy",
        &["list.sortBy(x, key) -> list"],
        "The same as `sort_by`.",
        &[("[-2, 1].sortBy(x, abs(x))", "[1,-2]")],
        FoldOp::SortBy,
    ),
    fold(
        "group_by",
        &["list.group_by(x, key) -> map"],
        "A map of lists: the items under the text of their key.",
        &[("[1, 2, 3].group_by(x, x % 2 == 1 ? 'odd' : 'even')", "{\"even\":[2],\"odd\":[1,3]}")],
        FoldOp::GroupBy,
    ),
    fold(
        "distinct_by",
        &["list.distinct_by(x, key) -> list"],
        "The first item of each key.",
        &[("['aa', 'bb', 'c'].distinct_by(x, size(x))", "[\"aa\",\"c\"]")],
        FoldOp::DistinctBy,
    ),
];
