//! Folding: a part whose inputs are all constants becomes its value when the expression is compiled, if it has one and it is small.

use super::ast::{Entry, Kind, Node};
use super::functions::Body;
use super::{Empty, MEANING, Meter, eval};

/// What folding one part may cost.
const FUEL: u64 = 256;
const BYTES: u64 = 4 * 1024;

fn constant_entries(entries: &[Entry]) -> bool {
    entries
        .iter()
        .all(|entry| entry.value.constant().is_some() && entry.key.as_ref().is_none_or(|key| key.constant().is_some()))
}

/// The node, or its constant. What fails stays, so that the failure is told when and where it happens.
pub(super) fn constant(mut node: Node) -> Node {
    // A selection stays one: `has` takes it apart.
    let known = |nodes: &[Node]| nodes.iter().all(|node| node.constant().is_some());
    let foldable = match &node.kind {
        Kind::Not(operand) | Kind::Negate(operand) | Kind::Matches(operand, _) => operand.constant().is_some(),
        Kind::And(terms) | Kind::Or(terms) => known(terms),
        Kind::Compare(_, pair) => known(&**pair),
        Kind::Index { pair, .. } => known(&**pair),
        Kind::Arith(first, rest) => {
            first.constant().is_some() && rest.iter().all(|(_, term)| term.constant().is_some())
        }
        Kind::List(entries) | Kind::Map(entries) => constant_entries(entries),
        Kind::Call(function, args) => matches!(function.body, Body::Native { .. }) && known(args),
        _ => false,
    };
    if foldable {
        let value = |meaning| {
            let mut meter = Meter::new(FUEL, BYTES).meaning(meaning);
            eval::eval(&node, eval::Env::new(&Empty), &mut meter).map(eval::V::into_owned).ok()
        };
        // One program serves runs of every meaning, so a call that depends on it is left to them.
        let always = !matches!(node.kind, Kind::Call(..)) || value(1) == value(MEANING);
        if let Some(value) = value(MEANING).filter(|_| always) {
            node.kind = Kind::Const(value);
        }
    }
    node
}
