//! Expressions: that they can be read, and that every name they use has a value where they stand.

use super::{Check, DiagnosticCode as Code, Place};
use crate::{
    capability::{Behaviour, NodeKind},
    definition::{names::did_you_mean, pointer::Pointer},
    expr::{CompiledConfig, ExprError, Name, Program},
    known::{Expressions, Settings},
};

/// Where an expression stands.
#[derive(Clone, Copy)]
struct Stand<'p> {
    place: &'p Place<'p>,
    /// The node's number; none for a graph's result, which sees all nodes of its graph.
    node: Option<usize>,
    trigger: bool,
    each: bool,
    /// What the kind says its expressions see there, in place of all else.
    own: Option<&'p [String]>,
}

impl Check<'_> {
    /// Checks the expressions of a node's config.
    pub(super) fn expressions<'s>(
        &mut self,
        number: usize,
        settings: &'s Settings,
        kind: &NodeKind,
        place: &Place<'_>,
        at: &Pointer<'_>,
    ) -> Option<&'s CompiledConfig> {
        let trigger = matches!(kind.behaviour, Behaviour::Trigger);
        let stand = Stand { place, node: Some(number), trigger, each: false, own: None };
        self.compiled(settings.config(), settings.named(), stand, &at.key("config"))
    }

    /// Checks the expressions of what a node gives when its time is up.
    pub(super) fn fallback(&mut self, number: usize, fallback: &Expressions, place: &Place<'_>, at: &Pointer<'_>) {
        let stand = Stand { place, node: Some(number), trigger: false, each: false, own: None };
        self.compiled(fallback, &[], stand, at);
    }

    /// Checks the expressions of a graph's result.
    pub(super) fn result(&mut self, result: &Expressions, place: &Place<'_>, at: &Pointer<'_>) {
        self.compiled(result, &[], Stand { place, node: None, trigger: false, each: false, own: None }, at);
    }

    fn compiled<'s>(
        &mut self,
        config: &'s Expressions,
        named: &[(String, Vec<String>)],
        stand: Stand<'_>,
        at: &Pointer<'_>,
    ) -> Option<&'s CompiledConfig> {
        let own_at = |pointer: &str| {
            let under =
                |field: &str| pointer.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            named.iter().find(|(field, _)| under(field)).map(|(_, names)| names.as_slice())
        };
        match config.read() {
            Ok(compiled) => {
                for (pointer, program) in compiled.programs() {
                    let stand = Stand { each: compiled.is_each(pointer), own: own_at(pointer), ..stand };
                    for name in program.names() {
                        self.name(name, program, stand, &at.rest(pointer));
                    }
                }
                Some(compiled)
            }
            Err(errors) => {
                for (pointer, error) in errors {
                    self.unreadable(error, &at.rest(pointer));
                }
                None
            }
        }
    }

    fn unreadable(&mut self, error: &ExprError, at: &Pointer<'_>) {
        let mut diagnostic = Code::InvalidExpression.hinted(at, error.to_string(), error.hint().map(str::to_owned));
        diagnostic.span = error.span();
        self.report(diagnostic);
    }

    fn name(&mut self, name: &Name, program: &Program, stand: Stand<'_>, at: &Pointer<'_>) {
        if self.is_full() {
            return;
        }
        if let Some(own) = stand.own {
            if !own.iter().any(|known| **known == *name.root) {
                let hint = did_you_mean(&name.root, own.iter().map(String::as_str));
                let hint = hint.unwrap_or_else(|| format!("Names are: {}.", own.join(", ")));
                let mut diagnostic =
                    Code::UnknownName.hinted(at, format!("there is no name `{}` here", name.root), Some(hint));
                diagnostic.span = Some(program.span_of(name));
                self.report(diagnostic);
            }
            return;
        }
        let known: &[&str] = match (stand.trigger, stand.each || stand.place.has_item) {
            (true, _) => &["trigger", "vars"],
            (false, true) => &["input", "trigger", "nodes", "item", "index", "vars", "run"],
            (false, false) => &["input", "trigger", "nodes", "vars", "run"],
        };
        let found = if !known.contains(&&*name.root) {
            let (message, hint) = unknown(&name.root, known, stand);
            Some((Code::UnknownName, message, Some(hint)))
        } else {
            name.node().and_then(|key| self.read(key, stand))
        };
        if let Some((code, message, hint)) = found {
            let mut diagnostic = code.hinted(at, message, hint);
            diagnostic.span = Some(program.span_of(name));
            self.report(diagnostic);
        }
    }

    /// What is wrong with reading the node `key`: as when it runs, the nearest graph that has the key decides.
    fn read(&self, key: &str, stand: Stand<'_>) -> Option<(Code, String, Option<String>)> {
        let (mut place, mut node) = (stand.place, stand.node);
        let mut inside = false;
        loop {
            if let Some(number) = place.shape.number(key) {
                return match node {
                    None => None,
                    Some(node) if node == number => {
                        let what = if inside {
                            "it holds this node and is not done while this runs"
                        } else {
                            "it is this node itself"
                        };
                        Some((Code::NotAnAncestor, format!("`nodes.{key}` has no value here: {what}"), None))
                    }
                    Some(node) if place.shape.comes_after(node, number) => None,
                    Some(_) => {
                        let hint = format!("Draw an edge from `{key}` to this node, or to one before it.");
                        let message =
                            format!("`nodes.{key}` has no value here: `{key}` does not come before this node");
                        Some((Code::NotAnAncestor, message, Some(hint)))
                    }
                };
            }
            let Some((outer, scope)) = place.around else { break };
            (node, place, inside) = (outer.shape.number(scope), outer, true);
        }
        let hint = did_you_mean(key, candidates(stand).iter().map(String::as_str));
        Some((Code::UnknownName, format!("there is no node `{key}`"), hint))
    }
}

/// The nodes that an expression could read, for guesses.
fn candidates(stand: Stand<'_>) -> Vec<String> {
    const MOST: usize = 500;
    let (mut place, mut node) = (stand.place, stand.node);
    let mut keys = Vec::new();
    loop {
        match node {
            Some(number) => keys.extend(place.shape.before(number).take(MOST).map(str::to_owned)),
            None => keys.extend(place.graph.nodes.keys().take(MOST).map(|key| key.to_string())),
        }
        let Some((outer, scope)) = place.around else { return keys };
        (node, place) = (outer.shape.number(scope), outer);
    }
}

fn unknown(root: &str, known: &[&str], stand: Stand<'_>) -> (String, String) {
    let names = || format!("Names are: {}.", known.join(", "));
    if stand.trigger {
        return (format!("a trigger's expression sees the delivery only, there is no `{root}`"), names());
    }
    if matches!(root, "item" | "index") {
        let message = format!(
            "there is no `{root}` here: it exists inside the body of For each or Loop, and in fields that are evaluated per item"
        );
        return (message, "Use `input`, or put the node into a For each.".to_owned());
    }
    let hint = if candidates(stand).iter().any(|key| key == root) {
        format!("Write `nodes.{root}` to read that node.")
    } else {
        did_you_mean(root, known.iter().copied()).unwrap_or_else(names)
    };
    (format!("there is no name `{root}`"), hint)
}
