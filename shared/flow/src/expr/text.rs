//! Text with expressions in it: `{{ value }}`, `{% for x in list %}`, `{% if test %}`, `{# remark #}`.
//!
//! One evaluator and one budget with expressions; names that a loop brings shadow those around it. `-` inside a mark, as in
//! `{%- if test -%}`, takes away the white space on its side.

use super::ast::{Node, Piece};
use super::eval::{self, Env, Frame, truth};
use super::fail::Fail;
use super::lexer::{Span, Tok};
use super::lib::convert;
use super::parser::{Parsed, Parser};
use super::{ExprError, Meter, Program, Scope, ops};
use holon_model::Value;
use std::sync::Arc;

/// Longest text, in bytes.
pub const MAX_TEXT: usize = 512 * 1024;

/// A compiled text.
#[derive(Debug, Clone)]
pub struct Template(Program);

impl Template {
    /// Reads a text.
    ///
    /// # Errors
    /// [`ExprError::Syntax`] with the place in the whole text.
    pub fn compile(source: &str) -> Result<Self, ExprError> {
        Program::text(source).map(Self)
    }

    /// The text with its expressions evaluated.
    ///
    /// # Errors
    /// What evaluation says, with the place in the whole text.
    pub fn eval(&self, scope: &dyn Scope, meter: &mut Meter) -> Result<Value, ExprError> {
        self.0.eval(scope, meter)
    }

    /// The program behind it: its names and source.
    pub fn program(&self) -> &Program {
        &self.0
    }
}

/// What ended a run of pieces.
enum End {
    Source,
    Tag { name: String, span: Span },
}

/// Pieces of the whole source.
pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Box<[Piece]>> {
    let mut reader = Reader { parser, at: 0, trim: false };
    let (pieces, end) = reader.pieces()?;
    match end {
        End::Source => Ok(pieces.into()),
        End::Tag { name, span } => Err(Fail::syntax(span, format!("`{name}` ends nothing that was begun"))),
    }
}

struct Reader<'p, 's> {
    parser: &'p mut Parser<'s>,
    at: usize,
    /// Whether the mark before took away the white space after it.
    trim: bool,
}

fn span(start: usize, end: usize) -> Span {
    Span { start: u32::try_from(start).unwrap_or(u32::MAX), end: u32::try_from(end).unwrap_or(u32::MAX) }
}

impl Reader<'_, '_> {
    fn pieces(&mut self) -> Parsed<(Vec<Piece>, End)> {
        let mut pieces = Vec::new();
        loop {
            let source = self.parser.source();
            let rest = &source[self.at..];
            let open = ["{{", "{%", "{#"].iter().filter_map(|mark| rest.find(mark)).min();
            let mut literal = &rest[..open.unwrap_or(rest.len())];
            if std::mem::take(&mut self.trim) {
                literal = literal.trim_start();
            }
            let Some(open) = open.map(|open| open + self.at) else {
                push_literal(&mut pieces, literal);
                return Ok((pieces, End::Source));
            };
            if source[open + 2..].starts_with('-') {
                literal = literal.trim_end();
            }
            push_literal(&mut pieces, literal);
            match &source[open..open + 2] {
                "{#" => self.remark(open)?,
                "{{" => pieces.push(self.value(open)?),
                _ => {
                    if let Some(end) = self.tag(open, &mut pieces)? {
                        return Ok((pieces, end));
                    }
                }
            }
        }
    }

    fn remark(&mut self, open: usize) -> Parsed<()> {
        let Some(length) = self.parser.source()[open..].find("#}") else {
            return Err(Fail::syntax(span(open, open + 2), "the remark does not end").hint("close it with #}"));
        };
        self.at = open + length + 2;
        self.trim = self.parser.source()[..self.at - 2].ends_with('-');
        Ok(())
    }

    /// Begins to read tokens after the mark at `open`.
    fn begin(&mut self, open: usize) -> Parsed<()> {
        let dash = usize::from(self.parser.source()[open + 2..].starts_with('-'));
        self.parser.seek(open + 2 + dash)
    }

    /// The closing mark, `}}` or `%}`, perhaps with `-` before it.
    fn finish(&mut self, open: usize, first: &str) -> Parsed<()> {
        let dash = self.parser.is("-");
        if dash {
            self.parser.advance()?;
        }
        let at = self.parser.token.span.start as usize;
        let close = if first == "}" { "}}" } else { "%}" };
        if !self.parser.source()[at..].starts_with(close) {
            let begun = &self.parser.source()[open..open + 2];
            return Err(self
                .parser
                .expected(&format!("`{close}`"))
                .hint(format!("close the `{begun}` with `{close}`; a literal brace is written {{{{ '{{{{' }}}}")));
        }
        self.at = at + 2;
        self.trim = dash;
        Ok(())
    }

    fn value(&mut self, open: usize) -> Parsed<Piece> {
        self.begin(open)?;
        let value = self.parser.expression()?;
        self.finish(open, "}")?;
        Ok(Piece::Value(value))
    }

    /// A `{% … %}`: a whole block as a piece, or the end of the block around it.
    fn tag(&mut self, open: usize, pieces: &mut Vec<Piece>) -> Parsed<Option<End>> {
        self.begin(open)?;
        let name_span = self.parser.token.span;
        let name = if self.parser.token.tok == Tok::Name { self.parser.text(name_span) } else { "" };
        match name {
            "for" => pieces.push(self.repeat(open)?),
            "if" => pieces.push(self.choice(open)?),
            // Tests of later arms are read by the choice they belong to.
            "elif" => return Ok(Some(End::Tag { name: name.to_owned(), span: name_span })),
            "else" | "endif" | "endfor" => {
                self.parser.advance()?;
                self.finish(open, "%")?;
                return Ok(Some(End::Tag { name: name.to_owned(), span: name_span }));
            }
            _ => {
                let fail = self.parser.expected("a block");
                return Err(fail.hint("there are for, endfor, if, elif, else and endif"));
            }
        }
        Ok(None)
    }

    fn ends(&mut self, end: End, wanted: &str, open: usize) -> Parsed<()> {
        match end {
            End::Tag { name, .. } if name == wanted => Ok(()),
            End::Tag { name, span } => {
                Err(Fail::syntax(span, format!("`{name}` stands where `{wanted}` was expected")))
            }
            End::Source => Err(Fail::syntax(span(open, open + 2), "the block does not end")
                .hint(format!("close it with {{% {wanted} %}}"))),
        }
    }

    fn repeat(&mut self, open: usize) -> Parsed<Piece> {
        self.parser.advance()?;
        let mut names: Vec<Arc<str>> = Vec::new();
        loop {
            let name_span = self.parser.token.span;
            if self.parser.token.tok != Tok::Name || names.len() == 2 {
                return Err(self
                    .parser
                    .expected("a name")
                    .hint("write {% for x in list %} or {% for key, value in map %}"));
            }
            names.push(self.parser.text(name_span).into());
            self.parser.advance()?;
            if !self.parser.eat(",")? {
                break;
            }
        }
        if self.parser.token.tok != Tok::Name || self.parser.text(self.parser.token.span) != "in" {
            return Err(self.parser.expected("`in`").hint("write {% for x in list %}"));
        }
        self.parser.advance()?;
        let list = self.parser.expression()?;
        self.finish(open, "%")?;
        let two = names.len() == 2;
        let outer = self.parser.locals.len();
        self.parser.locals.extend(names);
        let body = self.block();
        self.parser.locals.truncate(outer);
        let (body, end) = body?;
        self.ends(end, "endfor", open)?;
        Ok(Piece::For { list, two, body: body.into() })
    }

    fn block(&mut self) -> Parsed<(Vec<Piece>, End)> {
        let (at, trim) = (self.at, self.trim);
        let mut result = None;
        let trimmed = self.parser.deeper(|parser| {
            let mut inner = Reader { parser, at, trim };
            result = Some((inner.pieces()?, inner.at));
            Ok(inner.trim)
        })?;
        self.trim = trimmed;
        match result {
            Some((pieces, at)) => {
                self.at = at;
                Ok(pieces)
            }
            None => Ok((Vec::new(), End::Source)),
        }
    }

    fn choice(&mut self, open: usize) -> Parsed<Piece> {
        let mut arms: Vec<(Node, Box<[Piece]>)> = Vec::new();
        loop {
            // The current token is `if` or `elif`.
            self.parser.advance()?;
            let test = self.parser.expression()?;
            self.finish(open, "%")?;
            let (body, end) = self.block()?;
            arms.push((test, body.into()));
            match end {
                End::Tag { name, .. } if name == "elif" => {}
                End::Tag { name, .. } if name == "else" => {
                    let (body, end) = self.block()?;
                    self.ends(end, "endif", open)?;
                    return Ok(Piece::If { arms: arms.into(), otherwise: body.into() });
                }
                end => {
                    self.ends(end, "endif", open)?;
                    return Ok(Piece::If { arms: arms.into(), otherwise: Box::new([]) });
                }
            }
        }
    }
}

fn push_literal(pieces: &mut Vec<Piece>, text: &str) {
    if !text.is_empty() {
        pieces.push(Piece::Literal(text.into()));
    }
}

/// The text of pieces.
pub(super) fn render(pieces: &[Piece], env: Env<'_>, meter: &mut Meter) -> Result<Value, Fail> {
    let mut out = String::new();
    ops::alloc(meter, ops::CELL)?;
    write(pieces, env, meter, &mut out)?;
    Ok(Value::from(out))
}

fn push(text: &str, meter: &mut Meter, out: &mut String) -> Result<(), Fail> {
    ops::alloc(meter, text.len() as u64)?;
    out.push_str(text);
    Ok(())
}

fn write(pieces: &[Piece], env: Env<'_>, meter: &mut Meter, out: &mut String) -> Result<(), Fail> {
    for piece in pieces {
        ops::work(meter, 1)?;
        match piece {
            Piece::Literal(text) => push(text, meter, out)?,
            Piece::Value(node) => {
                let value = eval::eval(node, env, meter)?;
                let text = convert::display(&value, meter).map_err(|fail| fail.at(node.span))?;
                push(&text, meter, out)?;
            }
            Piece::For { list, two, body } => repeat(list, *two, body, env, meter, out)?,
            Piece::If { arms, otherwise } => {
                let mut chosen = &**otherwise;
                for (test, body) in arms {
                    if truth(test, env, meter)? {
                        chosen = body;
                        break;
                    }
                }
                write(chosen, env, meter, out)?;
            }
        }
    }
    Ok(())
}

fn repeat(
    list: &Node,
    two: bool,
    body: &[Piece],
    env: Env<'_>,
    meter: &mut Meter,
    out: &mut String,
) -> Result<(), Fail> {
    let source = eval::eval(list, env, meter)?;
    let mut step = |key: &Value, item: &Value, subject: &Value, meter: &mut Meter| {
        ops::work(meter, 1)?;
        let outer = Frame { value: if two { key } else { subject }, outer: env.frame };
        let inner = Frame { value: item, outer: Some(&outer) };
        let frame = if two { &inner } else { &outer };
        write(body, Env { scope: env.scope, frame: Some(frame) }, meter, out)
    };
    match &*source {
        Value::List(items) => items.iter().enumerate().try_for_each(|(index, item)| {
            let index = Value::Int(i64::try_from(index).unwrap_or(i64::MAX));
            step(&index, item, item, meter)
        }),
        Value::Map(map) => map.iter().try_for_each(|(key, value)| {
            let key = Value::Str(key.clone());
            step(&key, value, &key, meter)
        }),
        Value::Null => Ok(()),
        other => Err(Fail::overload(format!("{} has no items to walk", other.type_name())).at(list.span)),
    }
}
