//! The parser: CEL's grammar by precedence, with bounds on length, depth and size, so that no source can exhaust the stack.
//!
//! It resolves names as it reads: roots, outputs of nodes, names that macros bring. Chains of one operator become one node, so
//! that their length costs no depth. What functions and macros make of their arguments is in `calls.rs`.

use super::ast::{Arith, Cmp, Entry, Kind, Node, Root};
use super::fail::Fail;
use super::lexer::{Lexer, Span, Tok, Token};
use super::{Name, fold, types};
use holon_model::{Value, json};
use std::sync::Arc;

/// Longest expression, in bytes.
pub const MAX_SOURCE: usize = 64 * 1024;
/// Deepest nesting of an expression, and of blocks in text.
pub const MAX_DEPTH: u16 = 96;
/// Most nodes of one expression or text.
pub const MAX_NODES: u32 = 20_000;

const RESERVED: [&str; 17] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

pub(super) type Parsed<T = Node> = Result<T, Fail>;

/// Reads expressions out of a source; texts use it at each `{{`.
pub(super) struct Parser<'s> {
    lexer: Lexer<'s>,
    pub(super) token: Token,
    /// End of the token before.
    last: u32,
    depth: u16,
    nodes: u32,
    /// Names that macros and loops brought, outermost first.
    pub(super) locals: Vec<Arc<str>>,
    /// The names that come from outside.
    pub(super) names: Vec<Name>,
}

impl<'s> Parser<'s> {
    /// A parser whose current token is the first one.
    pub(super) fn new(source: &'s str, max: usize) -> Parsed<Self> {
        if source.len() > max {
            let span = Span { start: 0, end: 1 };
            return Err(Fail::syntax(span, format!("the source has {} bytes, more than {max}", source.len()))
                .hint("split it over several nodes"));
        }
        let token = Token { tok: Tok::End, span: Span::default() };
        Ok(Self {
            lexer: Lexer { source, at: 0 },
            token,
            last: 0,
            depth: 0,
            nodes: 0,
            locals: Vec::new(),
            names: Vec::new(),
        })
    }

    pub(super) fn source(&self) -> &'s str {
        self.lexer.source
    }

    /// Goes on reading at byte `at`.
    pub(super) fn seek(&mut self, at: usize) -> Parsed<()> {
        self.lexer.at = at;
        self.advance()
    }

    pub(super) fn advance(&mut self) -> Parsed<()> {
        self.last = self.token.span.end;
        self.token = self.lexer.next()?;
        Ok(())
    }

    pub(super) fn is(&self, operator: &str) -> bool {
        matches!(self.token.tok, Tok::Op(found) if found == operator)
    }

    pub(super) fn eat(&mut self, operator: &str) -> Parsed<bool> {
        let found = self.is(operator);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    pub(super) fn text(&self, span: Span) -> &'s str {
        &self.lexer.source[span.start as usize..span.end as usize]
    }

    /// The two tokens after the current one, as far as they can be read.
    pub(super) fn ahead(&self) -> [Option<Token>; 2] {
        let mut lexer = Lexer { source: self.lexer.source, at: self.lexer.at };
        [lexer.next().ok(), lexer.next().ok()]
    }

    pub(super) fn expected(&self, what: &str) -> Fail {
        let found = match &self.token.tok {
            Tok::End => "the expression ends".to_owned(),
            _ => format!("`{}` stands", self.text(self.token.span)),
        };
        Fail::syntax(self.token.span, format!("{found} where {what} was expected"))
    }

    /// The span from `start` to the end of what was read.
    pub(super) fn since(&self, start: Span) -> Span {
        Span { start: start.start, end: self.last.max(start.start) }
    }

    /// A node, counted, measured and folded when it is constant.
    pub(super) fn node(&mut self, kind: Kind, span: Span, below: u16) -> Parsed {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(Fail::syntax(span, format!("the expression has more than {MAX_NODES} parts"))
                .hint("split it over several nodes"));
        }
        let depth = below + 1;
        if depth > MAX_DEPTH {
            return Err(too_deep(span));
        }
        Ok(fold::constant(Node { kind, span, depth }))
    }

    /// Runs `read` one level deeper.
    pub(super) fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAX_DEPTH {
            return Err(too_deep(self.token.span));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// A whole expression: `a ? b : c` and all that binds tighter.
    pub(super) fn expression(&mut self) -> Parsed {
        self.deeper(|parser| {
            let start = parser.token.span;
            let mut arms = Vec::new();
            let mut below = 0;
            loop {
                let test = parser.binary(0)?;
                if !parser.eat("?")? {
                    if arms.is_empty() {
                        return Ok(test);
                    }
                    below = below.max(test.depth);
                    let span = parser.since(start);
                    return parser.node(Kind::Cond(arms.into(), Box::new(test)), span, below);
                }
                let then = parser.expression()?;
                if !parser.eat(":")? {
                    return Err(parser.expected("`:`").hint("a choice is written `test ? value : other`"));
                }
                below = below.max(test.depth).max(then.depth);
                arms.push((test, then));
            }
        })
    }

    fn closes_mark(&self) -> bool {
        let rest = &self.lexer.source[self.token.span.start as usize..];
        ["%}", "-}}", "-%}"].iter().any(|mark| rest.starts_with(mark))
    }

    fn operator(&self) -> Option<(&'static str, u8)> {
        let operator = match &self.token.tok {
            // In text, `%}` and `-}}` close a mark.
            Tok::Op("%" | "-") if self.closes_mark() => return None,
            Tok::Op(operator) => *operator,
            Tok::Name if self.text(self.token.span) == "in" => "in",
            _ => return None,
        };
        let level = match operator {
            "||" => 1,
            "&&" => 2,
            "==" | "!=" | "<" | "<=" | ">" | ">=" | "in" => 3,
            "+" | "-" => 4,
            "*" | "/" | "%" => 5,
            _ => return None,
        };
        Some((operator, level))
    }

    /// Operators that bind at least as tightly as `min`, by precedence climbing.
    fn binary(&mut self, min: u8) -> Parsed {
        let start = self.token.span;
        let mut left = self.unary()?;
        while let Some((operator, level)) = self.operator() {
            if level < min {
                break;
            }
            left = match level {
                1 | 2 => self.logic(left, operator, level, start)?,
                3 => {
                    self.advance()?;
                    let right = self.binary(level + 1)?;
                    let below = left.depth.max(right.depth);
                    let span = self.since(start);
                    self.node(Kind::Compare(comparison(operator), Box::new([left, right])), span, below)?
                }
                _ => self.arithmetic(left, level, start)?,
            };
        }
        Ok(left)
    }

    fn logic(&mut self, left: Node, operator: &str, level: u8, start: Span) -> Parsed {
        let mut below = left.depth;
        let mut terms = vec![left];
        while self.eat(operator)? {
            let term = self.binary(level + 1)?;
            below = below.max(term.depth);
            terms.push(term);
        }
        let span = self.since(start);
        self.node(if level == 1 { Kind::Or(terms.into()) } else { Kind::And(terms.into()) }, span, below)
    }

    fn arithmetic(&mut self, left: Node, level: u8, start: Span) -> Parsed {
        let mut below = left.depth;
        let mut rest = Vec::new();
        while let Some((operator, found)) = self.operator()
            && found == level
        {
            self.advance()?;
            let term = self.binary(level + 1)?;
            below = below.max(term.depth);
            let operator = match operator {
                "+" => Arith::Add,
                "-" => Arith::Sub,
                "*" => Arith::Mul,
                "/" => Arith::Div,
                _ => Arith::Rem,
            };
            rest.push((operator, term));
        }
        let span = self.since(start);
        self.node(Kind::Arith(Box::new(left), rest.into()), span, below)
    }

    fn unary(&mut self) -> Parsed {
        let start = self.token.span;
        if self.eat("!")? {
            let operand = self.deeper(Self::unary)?;
            let below = operand.depth;
            let span = self.since(start);
            return self.node(Kind::Not(Box::new(operand)), span, below);
        }
        if self.eat("-")? {
            if self.token.tok == Tok::Number {
                let node = self.number("-", start)?;
                return self.postfix(node, start, None);
            }
            let operand = self.deeper(Self::unary)?;
            let below = operand.depth;
            let span = self.since(start);
            return self.node(Kind::Negate(Box::new(operand)), span, below);
        }
        if self.is("+") {
            return Err(self.expected("a value").hint("a number stands without `+` before it"));
        }
        let (node, name) = self.primary()?;
        self.postfix(node, start, name)
    }

    /// A number, exactly as it is written; `self.token` is its digits.
    fn number(&mut self, sign: &str, start: Span) -> Parsed {
        let span = start.to(self.token.span);
        let digits = self.text(self.token.span);
        let unsigned = digits.strip_suffix(['u', 'U']);
        if unsigned
            .is_some_and(|digits| !sign.is_empty() || (digits.contains(['.', 'e', 'E']) && !digits.starts_with("0x")))
        {
            return Err(Fail::syntax(span, "only a whole number without sign may end in `u`"));
        }
        let plain = unsigned.unwrap_or(digits);
        let value = if let Some(hex) = plain.strip_prefix("0x").or(plain.strip_prefix("0X")) {
            i64::from_str_radix(&format!("{sign}{hex}"), 16)
                .map(Value::Int)
                .map_err(|_| "a hexadecimal number has 1 to 16 digits and fits 64 bits with its sign")
        } else {
            json::parse_number(&format!("{sign}{plain}"))
        };
        let value = value.map_err(|message| Fail::syntax(span, message))?;
        self.advance()?;
        self.node(Kind::Const(value), span, 0)
    }

    fn primary(&mut self) -> Parsed<(Node, Option<usize>)> {
        let start = self.token.span;
        if matches!(self.token.tok, Tok::Name | Tok::Quoted(_)) {
            return self.name(false);
        }
        if self.is(".") {
            self.advance()?;
            return if self.token.tok == Tok::Name { self.name(true) } else { Err(self.expected("a name")) };
        }
        let node = match &mut self.token.tok {
            Tok::Number => self.number("", start)?,
            Tok::Text(text) => {
                let value = Value::from(std::mem::take(text));
                self.advance()?;
                self.node(Kind::Const(value), start, 0)?
            }
            Tok::Op("(") => {
                self.advance()?;
                let inner = self.expression()?;
                self.close(start, "(", ")")?;
                inner
            }
            Tok::Op("[") => {
                self.advance()?;
                let (entries, below) = self.entries("]", false)?;
                self.close(start, "[", "]")?;
                let span = self.since(start);
                self.node(Kind::List(entries), span, below)?
            }
            Tok::Op("{") => {
                self.advance()?;
                let (entries, below) = self.entries("}", true)?;
                self.close(start, "{", "}")?;
                let span = self.since(start);
                self.node(Kind::Map(entries), span, below)?
            }
            _ => return Err(self.expected("a value")),
        };
        Ok((node, None))
    }

    pub(super) fn close(&mut self, start: Span, open: &str, close: &str) -> Parsed<()> {
        if self.eat(close)? {
            return Ok(());
        }
        let position = self.source()[..start.start as usize].chars().count();
        Err(self.expected(&format!("`{close}`")).hint(format!("close the `{open}` of character {position}")))
    }

    fn entries(&mut self, end: &str, keyed: bool) -> Parsed<(Box<[Entry]>, u16)> {
        let mut entries = Vec::new();
        let mut below = 0;
        while !self.is(end) {
            let optional = self.eat("?")?;
            let mut value = self.expression()?;
            let mut key = None;
            if keyed {
                if !self.eat(":")? {
                    return Err(self.expected("`:`").hint("a map is written {'key': value}"));
                }
                below = below.max(value.depth);
                key = Some(std::mem::replace(&mut value, self.expression()?));
            }
            below = below.max(value.depth);
            entries.push(Entry { key, value, optional });
            if !self.eat(",")? {
                break;
            }
        }
        Ok((entries.into(), below))
    }

    /// A name: a literal word, a local, a root, a function's call, or a name the scope may know. `global` after a leading dot.
    fn name(&mut self, global: bool) -> Parsed<(Node, Option<usize>)> {
        let span = self.token.span;
        let name: Arc<str> = match &self.token.tok {
            Tok::Quoted(text) => text.as_str().into(),
            _ => {
                let text = self.text(span);
                let value = match text {
                    "true" => Some(Value::Bool(true)),
                    "false" => Some(Value::Bool(false)),
                    "null" => Some(Value::Null),
                    "in" => return Err(self.expected("a value")),
                    _ if RESERVED.contains(&text) => {
                        return Err(Fail::syntax(span, format!("`{text}` is a reserved word"))
                            .hint("choices are written `test ? value : other`, repetition `list.map(x, …)`"));
                    }
                    _ => None,
                };
                if let Some(value) = value {
                    self.advance()?;
                    return Ok((self.node(Kind::Const(value), span, 0)?, None));
                }
                text.into()
            }
        };
        self.advance()?;
        if self.is("(") {
            return Ok((self.call(&name, span, None)?, None));
        }
        if !global && let Some(at) = self.locals.iter().rposition(|local| *local == name) {
            let back = u16::try_from(self.locals.len() - 1 - at).map_err(|_| too_deep(span))?;
            return Ok((self.node(Kind::Local(back), span, 0)?, None));
        }
        if let Some(function) = self.namespaced(&name)? {
            return Ok((self.call(&function, span, None)?, None));
        }
        if let Some(constant) = types::constant(&name) {
            return Ok((self.node(Kind::Const(Value::str(constant)), span, 0)?, None));
        }
        let kind = match Root::from_name(&name) {
            Some(root) => Kind::Root(root),
            None if &*name == "nodes" => Kind::Nodes,
            None => Kind::Name(name.clone()),
        };
        self.names.push(Name { root: name, path: Vec::new(), span });
        Ok((self.node(kind, span, 0)?, Some(self.names.len() - 1)))
    }

    /// `math.abs(` and the like: a function whose name has a dot.
    fn namespaced(&mut self, space: &str) -> Parsed<Option<String>> {
        if !self.is(".") || !matches!(space, "math" | "base64" | "cel" | "strings" | "lists" | "optional" | "json") {
            return Ok(None);
        }
        let [Some(name), Some(open)] = self.ahead() else { return Ok(None) };
        if name.tok != Tok::Name || open.tok != Tok::Op("(") {
            return Ok(None);
        }
        self.advance()?;
        self.advance()?;
        Ok(Some(format!("{space}.{}", self.text(name.span))))
    }

    /// Selections, indices and calls after a value. `name` is the outside name the chain starts with.
    fn postfix(&mut self, mut node: Node, start: Span, mut name: Option<usize>) -> Parsed {
        let mut optional = false;
        loop {
            if self.eat(".")? {
                optional |= self.eat("?")?;
                let key_span = self.token.span;
                let key: Arc<str> = match &self.token.tok {
                    Tok::Name => self.text(key_span).into(),
                    Tok::Quoted(text) => text.as_str().into(),
                    _ => return Err(self.expected("a field or a function")),
                };
                self.advance()?;
                if self.is("(") {
                    node = self.call(&key, start, Some((node, key_span)))?;
                    name = None;
                } else {
                    self.extend(name, &key);
                    node = self.select(node, key, optional, start)?;
                }
            } else if self.is("[") {
                let open = self.token.span;
                self.advance()?;
                optional |= self.eat("?")?;
                let index = self.expression()?;
                self.close(open, "[", "]")?;
                if let Some(Value::Str(key)) = index.constant() {
                    let key = key.clone();
                    self.extend(name, &key);
                    node = self.select(node, key, optional, start)?;
                } else {
                    name = None;
                    let below = node.depth.max(index.depth);
                    let span = self.since(start);
                    node = self.node(Kind::Index { pair: Box::new([node, index]), optional }, span, below)?;
                }
            } else if self.is("{") {
                return Err(self
                    .expected("an operator or the end")
                    .hint("there are no message types: a map is written {'key': value}"));
            } else {
                return Ok(node);
            }
        }
    }

    fn extend(&mut self, name: Option<usize>, key: &Arc<str>) {
        let last = self.last;
        if let Some(name) = name.and_then(|at| self.names.get_mut(at)) {
            name.path.push(key.clone());
            name.span.end = last;
        }
    }

    fn select(&mut self, operand: Node, key: Arc<str>, optional: bool, start: Span) -> Parsed {
        let span = self.since(start);
        let below = operand.depth;
        let kind = match operand.kind {
            Kind::Nodes if !optional => Kind::NodeOutput(key),
            _ => Kind::Select { operand: Box::new(operand), key, optional },
        };
        self.node(kind, span, below)
    }
}

fn comparison(operator: &str) -> Cmp {
    match operator {
        "==" => Cmp::Eq,
        "!=" => Cmp::Ne,
        "<" => Cmp::Lt,
        "<=" => Cmp::Le,
        ">" => Cmp::Gt,
        ">=" => Cmp::Ge,
        _ => Cmp::In,
    }
}

fn too_deep(span: Span) -> Fail {
    Fail::syntax(span, format!("the nesting is deeper than {MAX_DEPTH}"))
        .hint("give an inner part to a node of its own, or bind it with cel.bind(name, value, …)")
}
