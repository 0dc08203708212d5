//! Evaluation: a walk over the tree with values borrowed where they are and every step paid for.

use super::ast::{Entry, Kind, Node};
use super::fail::Fail;
use super::ops::{self, CELL};
use super::{Meter, Scope, folds, text, types};
use holon_model::{Map, Value};
use std::ops::Deref;
use std::sync::Arc;

/// A value, borrowed from the scope or the program, or made on the way.
#[derive(Debug)]
pub(super) enum V<'e> {
    Ref(&'e Value),
    Own(Value),
}

impl Deref for V<'_> {
    type Target = Value;

    #[inline]
    fn deref(&self) -> &Value {
        match self {
            Self::Ref(value) => value,
            Self::Own(value) => value,
        }
    }
}

impl V<'_> {
    #[inline]
    pub(super) fn into_owned(self) -> Value {
        match self {
            Self::Ref(value) => value.clone(),
            Self::Own(value) => value,
        }
    }
}

/// A name that a macro or loop brought, and those around it.
#[derive(Clone, Copy)]
pub(super) struct Frame<'e> {
    pub(super) value: &'e Value,
    pub(super) outer: Option<&'e Frame<'e>>,
}

/// Where names are looked up.
#[derive(Clone, Copy)]
pub(super) struct Env<'e> {
    pub(super) scope: &'e dyn Scope,
    pub(super) frame: Option<&'e Frame<'e>>,
}

impl<'e> Env<'e> {
    pub(super) fn new(scope: &'e dyn Scope) -> Self {
        Self { scope, frame: None }
    }
}

/// The value of a part.
pub(super) fn eval<'e>(node: &'e Node, env: Env<'e>, meter: &mut Meter) -> Result<V<'e>, Fail> {
    if meter.fuel == 0 {
        return Err(Fail::FUEL);
    }
    meter.fuel -= 1;
    match &node.kind {
        Kind::Const(value) => Ok(V::Ref(value)),
        Kind::Local(back) => Ok(V::Ref(local(env, *back))),
        Kind::Root(root) => match env.scope.borrowed(*root) {
            Some(value) => Ok(V::Ref(value)),
            None => env.scope.name(root.name()).map(V::Own).ok_or_else(|| unknown(node, root.name())),
        },
        Kind::Select { operand, key, optional } => {
            let value = eval(operand, env, meter)?;
            select(value, key, *optional).map_err(|fail| fail.at(node.span))
        }
        Kind::Compare(operator, pair) => {
            let (a, b) = (eval(&pair[0], env, meter)?, eval(&pair[1], env, meter)?);
            let result = ops::compare(*operator, &a, &b, meter).map_err(|fail| fail.at(node.span))?;
            Ok(V::Own(Value::Bool(result)))
        }
        Kind::Arith(first, rest) => {
            let mut value = eval(first, env, meter)?;
            for (operator, term) in rest {
                let right = eval(term, env, meter)?;
                value = V::Own(
                    ops::arithmetic(*operator, &value, &right, meter)
                        .map_err(|fail| fail.at(first.span.to(term.span)))?,
                );
            }
            Ok(value)
        }
        Kind::And(terms) => logic(terms, false, env, meter),
        Kind::Or(terms) => logic(terms, true, env, meter),
        Kind::Cond(arms, otherwise) => {
            for (test, then) in arms {
                if truth(test, env, meter)? {
                    return eval(then, env, meter);
                }
            }
            eval(otherwise, env, meter)
        }
        Kind::Fold(fold) => folds::eval(fold, node.span, env, meter),
        Kind::Call(..) => call(node, env, meter),
        _ => rare(node, env, meter),
    }
}

/// The parts that are met less often, apart so that the frame of [`eval`] stays small.
fn rare<'e>(node: &'e Node, env: Env<'e>, meter: &mut Meter) -> Result<V<'e>, Fail> {
    let value = match &node.kind {
        Kind::Name(name) => env.scope.name(name).ok_or_else(|| unknown(node, name))?,
        Kind::Nodes => env.scope.nodes(),
        Kind::NodeOutput(key) => env.scope.node(key).ok_or_else(|| {
            Fail::new("no_such_field", format!("the node `{key}` has no output here"))
                .hint(format!("it was skipped or does not come before this node; test with has(nodes.{key})"))
                .at(node.span)
        })?,
        Kind::HasNode(key) => Value::Bool(env.scope.node(key).is_some()),
        Kind::Has(operand, key) => Value::Bool(has(operand, key, node, env, meter)?),
        Kind::Not(operand) => Value::Bool(!truth(operand, env, meter)?),
        Kind::Negate(operand) => match &*eval(operand, env, meter)? {
            Value::Int(value) => Value::Int(value.checked_neg().ok_or_else(|| Fail::overflow().at(node.span))?),
            Value::Decimal(value) => Value::Decimal(-value),
            other => return Err(Fail::overload(format!("-{} has no meaning", other.type_name())).at(node.span)),
        },
        Kind::Index { pair, optional } => {
            let (container, index) = (eval(&pair[0], env, meter)?, eval(&pair[1], env, meter)?);
            return at(container, &index, *optional).map_err(|fail| fail.at(node.span));
        }
        Kind::List(entries) => list(entries, env, meter)?,
        Kind::Map(entries) => map(entries, env, meter)?,
        Kind::Matches(operand, regex) => {
            let text = eval(operand, env, meter)?;
            let Value::Str(text) = &*text else {
                return Err(Fail::overload(format!("`matches` takes text, not {}", text.type_name())).at(operand.span));
            };
            ops::work(meter, text.len())?;
            Value::Bool(regex.is_match(text))
        }
        Kind::Coalesce(args) => return coalesce(args, env, meter),
        Kind::Bind(pair) => {
            let value = eval(&pair[0], env, meter)?;
            let frame = Frame { value: &value, outer: env.frame };
            eval(&pair[1], Env { scope: env.scope, frame: Some(&frame) }, meter)?.into_owned()
        }
        Kind::Text(pieces) => text::render(pieces, env, meter)?,
        Kind::Config(part) => part.eval(env.scope, meter).map_err(|(pointer, error)| Fail::within(&pointer, error))?,
        // `eval` takes the others; evaluating them here would be the same.
        _ => return Err(Fail::new("internal", "this part of the expression is not known").at(node.span)),
    };
    Ok(V::Own(value))
}

fn local(env: Env<'_>, back: u16) -> &Value {
    let mut frame = env.frame;
    for _ in 0..back {
        frame = frame.and_then(|frame| frame.outer);
    }
    // The parser counts the frames that evaluation pushes: there is always one.
    frame.map_or(&Value::Null, |frame| frame.value)
}

fn unknown(node: &Node, name: &str) -> Fail {
    let roots = super::Root::ALL.iter().map(|root| root.name()).chain(["nodes"]);
    let fail = Fail::new("unknown_name", format!("there is no `{name}` here")).at(node.span);
    match types::nearest(name, roots) {
        Some(near) if near != name => fail.hint(format!("did you mean `{near}`?")),
        _ if super::Root::from_name(name).is_some() => {
            fail.hint("this name has a value only in some places: `item` and `index` inside a body")
        }
        _ => fail.hint("the names are input, trigger, nodes, item, index, vars and run; text stands in quotes"),
    }
}

/// The truth of a part.
pub(super) fn truth(node: &Node, env: Env<'_>, meter: &mut Meter) -> Result<bool, Fail> {
    match &*eval(node, env, meter)? {
        Value::Bool(value) => Ok(*value),
        other => Err(not_a_truth(other).at(node.span)),
    }
}

fn not_a_truth(value: &Value) -> Fail {
    Fail::overload(format!("true or false was expected, not {}", value.type_name()))
        .hint("compare it: value != null, size(value) > 0, value == 'text'")
}

/// `&&` and `||` as CEL has them: a side that decides wins over a side that fails, on either side. Running out of budget never yields.
fn logic<'e>(terms: &'e [Node], decides: bool, env: Env<'e>, meter: &mut Meter) -> Result<V<'e>, Fail> {
    let mut failed = None;
    for term in terms {
        match truth(term, env, meter) {
            Ok(value) if value == decides => return Ok(V::Own(Value::Bool(decides))),
            Ok(_) => {}
            Err(fail) if fail.is_fuel() => return Err(fail),
            Err(fail) => failed = failed.or(Some(fail)),
        }
    }
    failed.map_or(Ok(V::Own(Value::Bool(!decides))), Err)
}

fn select<'e>(value: V<'e>, key: &str, optional: bool) -> Result<V<'e>, Fail> {
    let found = match &value {
        V::Ref(Value::Map(map)) => map.get(key).map(V::Ref),
        V::Own(Value::Map(map)) => map.get(key).cloned().map(V::Own),
        _ if optional && value.is_null() => None,
        _ => return Err(not_a_map(&value, key)),
    };
    match found {
        Some(value) => Ok(value),
        None if optional => Ok(V::Own(Value::Null)),
        None => Err(no_such_field(&value, key)),
    }
}

fn not_a_map(value: &Value, key: &str) -> Fail {
    let fail = Fail::overload(format!("{} has no fields, so no `{key}`", value.type_name()));
    match value {
        Value::Null => fail.hint(format!("the value is null: test it first, or write .?{key}")),
        Value::List(_) => fail.hint(format!("take an item first, list[0].{key}, or all of them, list.map(x, x.{key})")),
        Value::Str(_) => fail.hint("if the text is JSON, write parse_json(text)"),
        _ => fail,
    }
}

fn no_such_field(value: &Value, key: &str) -> Fail {
    let fail = Fail::new("no_such_field", format!("there is no field `{key}`"));
    let Some(map) = value.as_map() else { return fail };
    if let Some(near) = types::nearest(key, map.keys().map(|key| &**key)) {
        return fail.hint(format!("did you mean `{near}`?"));
    }
    const SHOWN: usize = 8;
    let names: Vec<&str> = map.keys().take(SHOWN).map(|key| &**key).filter(|key| key.len() < 48).collect();
    let more = if map.len() > SHOWN { " …" } else { "" };
    if names.is_empty() {
        fail.hint("the map is empty")
    } else {
        fail.hint(format!("the fields are {}{more}; if it may be absent, write .?{key} or has(…)", names.join(", ")))
    }
}

/// `container[index]`.
fn at<'e>(container: V<'e>, index: &Value, optional: bool) -> Result<V<'e>, Fail> {
    match (&*container, index) {
        (Value::Map(_), Value::Str(key)) => select(container, key, optional),
        (Value::List(items), Value::Int(_) | Value::Decimal(_)) => {
            let position =
                index.as_int().and_then(|index| usize::try_from(index).ok()).filter(|index| *index < items.len());
            match (position, &container) {
                (Some(position), V::Ref(Value::List(items))) => Ok(V::Ref(&items[position])),
                (Some(position), _) => Ok(V::Own(items[position].clone())),
                (None, _) if optional => Ok(V::Own(Value::Null)),
                (None, _) => Err(Fail::new(
                    "index_out_of_range",
                    format!("there is no item {index} in a list of {}", items.len(), index = index.to_json()),
                )
                .hint("items count from 0; last(list) is the last one")),
            }
        }
        (Value::Null, _) if optional => Ok(V::Own(Value::Null)),
        (Value::Map(_), other) => Err(Fail::new("no_such_field", format!("keys are text, not {}", other.type_name()))
            .hint("write map[string(key)]")),
        (Value::List(_), other) => {
            Err(Fail::overload(format!("items of a list have numbers, not {}", other.type_name())))
        }
        (other, _) => Err(Fail::overload(format!("{} has no items", other.type_name()))),
    }
}

fn has(operand: &Node, key: &str, node: &Node, env: Env<'_>, meter: &mut Meter) -> Result<bool, Fail> {
    let value = match &operand.kind {
        // has(nodes.key.field) asks whether there is such a value: a skipped node has none.
        Kind::NodeOutput(name) => match env.scope.node(name) {
            Some(value) => V::Own(value),
            None => return Ok(false),
        },
        _ => eval(operand, env, meter)?,
    };
    match &*value {
        Value::Map(map) => Ok(map.contains_key(key)),
        other => {
            Err(Fail::overload(format!("{} has no fields, so `has` has nothing to test", other.type_name()))
                .at(node.span))
        }
    }
}

fn list(entries: &[Entry], env: Env<'_>, meter: &mut Meter) -> Result<Value, Fail> {
    ops::alloc(meter, CELL)?;
    let mut items = Vec::with_capacity(entries.len());
    for entry in entries {
        let value = eval(&entry.value, env, meter)?;
        if !(entry.optional && value.is_null()) {
            ops::charge(meter, &value)?;
            items.push(value.into_owned());
        }
    }
    Ok(Value::from(items))
}

fn map(entries: &[Entry], env: Env<'_>, meter: &mut Meter) -> Result<Value, Fail> {
    ops::alloc(meter, CELL)?;
    let mut map = Map::new();
    for entry in entries {
        let Some(key_node) = &entry.key else { continue };
        let key = eval(key_node, env, meter)?;
        let Value::Str(key) = &*key else {
            let fail = Fail::overload(format!("keys of a map are text, not {}", key.type_name()));
            return Err(fail.hint("write string(key)").at(key_node.span));
        };
        let value = eval(&entry.value, env, meter)?;
        if entry.optional && value.is_null() {
            continue;
        }
        insert(&mut map, key.clone(), value.into_owned(), meter).map_err(|fail| fail.at(key_node.span))?;
    }
    Ok(Value::from(map))
}

/// Adds a field to a new map; one that is there already is an error.
pub(super) fn insert(map: &mut Map, key: Arc<str>, value: Value, meter: &mut Meter) -> Result<(), Fail> {
    ops::alloc(meter, key.len() as u64)?;
    ops::charge(meter, &value)?;
    if map.contains_key(&key) {
        return Err(Fail::new("repeated_key", format!("the key `{key}` stands twice")));
    }
    map.insert(key, value);
    Ok(())
}

/// The first value that is there and not null; else null.
fn coalesce<'e>(args: &'e [Node], env: Env<'e>, meter: &mut Meter) -> Result<V<'e>, Fail> {
    for arg in args {
        match eval(arg, env, meter) {
            Ok(value) if value.is_null() => {}
            Err(fail) if fail.is_absence() => {}
            other => return other,
        }
    }
    Ok(V::Own(Value::Null))
}

fn call<'e>(node: &'e Node, env: Env<'e>, meter: &mut Meter) -> Result<V<'e>, Fail> {
    let Kind::Call(function, args) = &node.kind else { return rare(node, env, meter) };
    let native = function.native();
    let result = match &**args {
        [a] => {
            let args = [eval(a, env, meter)?];
            native(&args, meter)
        }
        [a, b] => {
            let args = [eval(a, env, meter)?, eval(b, env, meter)?];
            native(&args, meter)
        }
        args => {
            ops::work(meter, args.len())?;
            let args = args.iter().map(|arg| eval(arg, env, meter)).collect::<Result<Vec<_>, _>>()?;
            native(&args, meter)
        }
    };
    match result {
        Ok(value) => Ok(V::Own(value)),
        Err(fail) => {
            let span = fail.argument_index().and_then(|index| args.get(index)).map_or(node.span, |arg| arg.span);
            Err(fail.at(span))
        }
    }
}
