//! What a call means: a macro with names of its own, or a function of the registry with its number of arguments checked.

use super::ast::{Fold, FoldOp, Kind, Node};
use super::fail::Fail;
use super::functions::{self, Body, Function, Macro};
use super::lexer::{Span, Tok};
use super::parser::{Parsed, Parser};
use holon_model::Value;
use std::sync::Arc;

/// Longest pattern of `matches`, in bytes.
const MAX_PATTERN: usize = 4 * 1024;
/// Largest compiled pattern, in bytes.
const MAX_COMPILED: usize = 256 * 1024;

impl Parser<'_> {
    /// A call of `name`; the current token is its `(`. A method brings its target and the place of its name.
    pub(super) fn call(&mut self, name: &str, start: Span, target: Option<(Node, Span)>) -> Parsed {
        let name_span = target.as_ref().map_or(start, |(_, span)| *span);
        let open = self.token.span;
        self.advance()?;
        let target = target.map(|(node, _)| node);
        let macro_of = functions::find_macro(name);
        let takes_name =
            self.token.tok == Tok::Name && matches!(self.ahead(), [Some(next), _] if next.tok == Tok::Op(","));
        match (macro_of, target) {
            (Some((_, Macro::Has)), None) => self.has(start, open),
            (Some((_, Macro::Coalesce)), target) => {
                let (args, below) = self.arguments(target, open)?;
                let span = self.since(start);
                self.node(Kind::Coalesce(args.into()), span, below)
            }
            (Some((_, Macro::Bind)), None) => self.bind(start, open),
            (Some((function, Macro::Fold(op))), Some(list)) if takes_name => self.fold(function, op, list, start, open),
            (Some((function, Macro::Fold(_))), _) if functions::find(name).is_none() => {
                Err(Fail::syntax(name_span, format!("`{name}` names each item first"))
                    .hint(function.signatures.join(" or ")))
            }
            (_, target) => self.function(name, name_span, start, open, target),
        }
    }

    fn arguments(&mut self, target: Option<Node>, open: Span) -> Parsed<(Vec<Node>, u16)> {
        let mut args: Vec<Node> = target.into_iter().collect();
        while !self.is(")") {
            args.push(self.expression()?);
            if !self.eat(",")? {
                break;
            }
        }
        self.close(open, "(", ")")?;
        let below = args.iter().map(|arg| arg.depth).max().unwrap_or(0);
        Ok((args, below))
    }

    fn function(&mut self, name: &str, name_span: Span, start: Span, open: Span, target: Option<Node>) -> Parsed {
        let Some(function) = functions::find(name) else {
            let fail = Fail::syntax(name_span, format!("there is no function `{name}`"));
            return Err(match super::types::nearest(name, functions::functions().map(|function| function.name)) {
                Some(near) => fail.hint(format!("did you mean `{near}`?")),
                None => fail.hint("the list of functions is in docs/expressions.md"),
            });
        };
        let (mut args, below) = self.arguments(target, open)?;
        let span = self.since(start);
        let (min, max) = function.arity();
        if args.len() < min || args.len() > max {
            let signatures = function.signatures.join(" or ");
            return Err(Fail::syntax(span, format!("`{name}` does not take {} values", args.len()))
                .hint(format!("write {signatures}")));
        }
        // A pattern that is known is compiled once.
        if function.name == "matches"
            && let Some(Value::Str(pattern)) = args[1].constant()
        {
            let regex = pattern_of(pattern).map_err(|fail| Fail::syntax(args[1].span, fail))?;
            let text = args.swap_remove(0);
            return self.node(Kind::Matches(Box::new(text), Box::new(regex)), span, below);
        }
        self.node(Kind::Call(function, args.into()), span, below)
    }

    fn has(&mut self, start: Span, open: Span) -> Parsed {
        let operand = self.expression()?;
        self.close(open, "(", ")")?;
        let span = self.since(start);
        let below = operand.depth;
        let kind = match operand.kind {
            Kind::Select { operand, key, .. } => Kind::Has(operand, key),
            Kind::NodeOutput(key) => Kind::HasNode(key),
            _ => return Err(Fail::syntax(operand.span, "`has` takes a field").hint("write has(value.field)")),
        };
        self.node(kind, span, below)
    }

    /// The name a macro brings; the current token is a name.
    fn local(&mut self) -> Parsed<Arc<str>> {
        let span = self.token.span;
        let name = self.text(span);
        if self.token.tok != Tok::Name || matches!(name, "true" | "false" | "null" | "in") {
            return Err(self.expected("a name for the item"));
        }
        self.advance()?;
        if !self.eat(",")? {
            return Err(self.expected("`,`"));
        }
        Ok(name.into())
    }

    fn bind(&mut self, start: Span, open: Span) -> Parsed {
        let name = self.local()?;
        let value = self.expression()?;
        if !self.eat(",")? {
            return Err(self.expected("`,`").hint("write cel.bind(name, value, expression)"));
        }
        self.locals.push(name);
        let body = self.expression();
        self.locals.pop();
        let body = body?;
        self.close(open, "(", ")")?;
        let below = value.depth.max(body.depth);
        let span = self.since(start);
        self.node(Kind::Bind(Box::new([value, body])), span, below)
    }

    fn fold(&mut self, function: &Function, op: FoldOp, list: Node, start: Span, open: Span) -> Parsed {
        let always_two = matches!(function.name, "transformList" | "transformMap" | "transformMapEntry");
        let may_be_two = matches!(op, FoldOp::All | FoldOp::Exists | FoldOp::ExistsOne | FoldOp::Count);
        let first = self.local()?;
        let comma_ahead =
            self.token.tok == Tok::Name && matches!(self.ahead(), [Some(next), _] if next.tok == Tok::Op(","));
        let two = always_two || (may_be_two && comma_ahead);
        let second = if two { Some(self.local()?) } else { None };
        if second.as_ref() == Some(&first) {
            return Err(Fail::syntax(self.since(start), format!("the name `{first}` stands twice")));
        }
        let locals = self.locals.len();
        self.locals.push(first);
        self.locals.extend(second);
        let parts = self.fold_parts(function, op);
        self.locals.truncate(locals);
        let (filter, body) = parts?;
        self.close(open, "(", ")")?;
        let below = list.depth.max(body.depth).max(filter.as_ref().map_or(0, |filter| filter.depth));
        let span = self.since(start);
        self.node(Kind::Fold(Box::new(Fold { op, list, two, filter, body })), span, below)
    }

    fn fold_parts(&mut self, function: &Function, op: FoldOp) -> Parsed<(Option<Node>, Node)> {
        let body = self.expression()?;
        let may_filter = matches!(op, FoldOp::Map | FoldOp::TransformMap | FoldOp::TransformMapEntry);
        if !self.is(",") {
            return Ok((None, body));
        }
        if !may_filter {
            return Err(self.expected("`)`").hint(function.signatures.join(" or ")));
        }
        self.advance()?;
        Ok((Some(body), self.expression()?))
    }
}

/// A pattern in RE2's syntax, matched in linear time.
pub(super) fn pattern_of(pattern: &str) -> Result<regex_lite::Regex, String> {
    if pattern.len() > MAX_PATTERN {
        return Err(format!("the pattern is longer than {MAX_PATTERN} bytes"));
    }
    let built = regex_lite::RegexBuilder::new(pattern).size_limit(MAX_COMPILED).nest_limit(64).build();
    built.map_err(|error| format!("this is not a pattern: {error}"))
}

impl Function {
    /// Least and most arguments, the target of a method included.
    pub(super) fn arity(&self) -> (usize, usize) {
        match self.body {
            Body::Native { min, max, .. } => {
                (usize::from(min), if max == u8::MAX { usize::MAX } else { usize::from(max) })
            }
            Body::Macro(_) => (0, usize::MAX),
        }
    }
}
