//! Tokens of an expression, one at a time, with byte positions: numbers keep their text so that they stay exact.

use super::fail::Fail;

/// A range of bytes of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) end: u32,
}

impl Span {
    /// From the start of this to the end of `other`.
    pub(super) fn to(self, other: Self) -> Self {
        Self { start: self.start, end: other.end }
    }
}

/// What a token is. The text of names and numbers is read from the source by its span.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tok {
    Name,
    Quoted(String),
    Number,
    Text(String),
    Op(&'static str),
    End,
}

/// A token and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) tok: Tok,
    pub(super) span: Span,
}

const OPERATORS: [&str; 26] = [
    "&&", "||", "==", "!=", "<=", ">=", "(", ")", "[", "]", "{", "}", ".", ",", ":", "?", "+", "-", "*", "/", "%", "!",
    "<", ">", "=", "|",
];

/// Reads tokens from `source`, starting anywhere in it.
pub(super) struct Lexer<'s> {
    pub(super) source: &'s str,
    pub(super) at: usize,
}

fn span(start: usize, end: usize) -> Span {
    // Sources are bounded far below 4 GiB before they are read.
    Span { start: u32::try_from(start).unwrap_or(u32::MAX), end: u32::try_from(end).unwrap_or(u32::MAX) }
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.source[self.at..]
    }

    fn byte(&self, ahead: usize) -> u8 {
        self.source.as_bytes().get(self.at + ahead).copied().unwrap_or(0)
    }

    fn while_byte(&mut self, accept: impl Fn(u8) -> bool) {
        while self.at < self.source.len() && accept(self.byte(0)) {
            self.at += 1;
        }
    }

    fn space(&mut self) {
        loop {
            self.while_byte(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0c));
            if !self.rest().starts_with("//") {
                return;
            }
            self.while_byte(|byte| byte != b'\n');
        }
    }

    /// The next token.
    pub(super) fn next(&mut self) -> Result<Token, Fail> {
        self.space();
        let start = self.at;
        let tok = match (self.byte(0), self.byte(1)) {
            _ if start >= self.source.len() => Tok::End,
            (b'0'..=b'9', _) | (b'.', b'0'..=b'9') => self.number()?,
            (b'"' | b'\'', _) => self.text(false)?,
            (b'r' | b'R', b'"' | b'\'') => {
                self.at += 1;
                self.text(true)?
            }
            (b'b' | b'B', b'"' | b'\'') => return Err(self.bytes_literal(start)),
            (b'a'..=b'z' | b'A'..=b'Z' | b'_', _) => {
                self.while_byte(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                Tok::Name
            }
            (b'`', _) => self.quoted()?,
            _ => self.operator()?,
        };
        Ok(Token { tok, span: span(start, self.at) })
    }

    fn bytes_literal(&self, start: usize) -> Fail {
        Fail::syntax(span(start, start + 2), "there are no byte strings here")
            .hint("use text; `base64_encode` and `base64_decode` carry bytes as text")
    }

    fn operator(&mut self) -> Result<Tok, Fail> {
        if let Some(operator) = OPERATORS.iter().find(|operator| self.rest().starts_with(**operator)) {
            let at = self.at;
            self.at += operator.len();
            return match *operator {
                "=" => Err(Fail::syntax(span(at, at + 1), "`=` is not an operator").hint("write `==` to compare")),
                "|" => Err(Fail::syntax(span(at, at + 1), "`|` is not an operator")
                    .hint("write `||` for or; call functions as `value.name()`")),
                operator => Ok(Tok::Op(operator)),
            };
        }
        let found = self.rest().chars().next().unwrap_or(' ');
        let fail = Fail::syntax(span(self.at, self.at + found.len_utf8()), format!("`{found}` has no meaning here"));
        Err(match found {
            '&' => fail.hint("write `&&` for and"),
            '“' | '”' | '‘' | '’' => fail.hint("use straight quotes: '…' or \"…\""),
            '$' => fail.hint("names stand without `$`"),
            ';' => fail.hint("an expression is one value: there are no statements"),
            _ => fail,
        })
    }

    fn quoted(&mut self) -> Result<Tok, Fail> {
        let start = self.at;
        self.at += 1;
        self.while_byte(|byte| byte != b'`' && byte != b'\n');
        if self.byte(0) != b'`' || self.at == start + 1 {
            return Err(Fail::syntax(span(start, self.at), "a name in backticks does not end"));
        }
        self.at += 1;
        Ok(Tok::Quoted(self.source[start + 1..self.at - 1].to_owned()))
    }

    fn number(&mut self) -> Result<Tok, Fail> {
        let start = self.at;
        if self.byte(0) == b'0' && matches!(self.byte(1), b'x' | b'X') {
            self.at += 2;
            self.while_byte(|byte| byte.is_ascii_hexdigit());
        } else {
            self.while_byte(|byte| byte.is_ascii_digit());
            if self.byte(0) == b'.' && self.byte(1).is_ascii_digit() {
                self.at += 1;
                self.while_byte(|byte| byte.is_ascii_digit());
            }
            let sign = usize::from(matches!(self.byte(1), b'+' | b'-'));
            if matches!(self.byte(0), b'e' | b'E') && self.byte(1 + sign).is_ascii_digit() {
                self.at += 1 + sign;
                self.while_byte(|byte| byte.is_ascii_digit());
            }
        }
        if matches!(self.byte(0), b'u' | b'U') {
            self.at += 1;
        }
        if self.byte(0).is_ascii_alphanumeric() || self.byte(0) == b'_' {
            self.while_byte(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            let text = &self.source[start..self.at];
            return Err(Fail::syntax(span(start, self.at), format!("`{text}` is neither a number nor a name"))
                .hint("a name starts with a letter or `_`"));
        }
        Ok(Tok::Number)
    }

    /// Text in quotes, single or triple; `self.at` is at the first quote.
    fn text(&mut self, raw: bool) -> Result<Tok, Fail> {
        let start = self.at;
        let quote = if self.byte(0) == b'"' { '"' } else { '\'' };
        let triple: String = std::iter::repeat_n(quote, 3).collect();
        let end = if self.rest().starts_with(&triple) { triple.as_str() } else { &triple[..1] };
        self.at += end.len();
        let mut out = String::new();
        loop {
            if self.rest().starts_with(end) {
                self.at += end.len();
                return Ok(Tok::Text(out));
            }
            let Some(character) = self.rest().chars().next() else {
                return Err(
                    Fail::syntax(span(start, self.at), "the text does not end").hint(format!("close it with {end}"))
                );
            };
            if character == '\n' && end.len() == 1 {
                return Err(Fail::syntax(span(start, self.at), "the text does not end on its line")
                    .hint("write \\n, or use triple quotes"));
            }
            if character == '\\' && !raw {
                self.escape(&mut out)?;
            } else {
                out.push(character);
                self.at += character.len_utf8();
            }
        }
    }

    fn escape(&mut self, out: &mut String) -> Result<(), Fail> {
        let start = self.at;
        let kind = self.byte(1);
        let simple = match kind {
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'a' => '\u{7}',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'v' => '\u{b}',
            b'\\' | b'\'' | b'"' | b'`' | b'?' => char::from(kind),
            b'x' | b'X' => return self.code(start, 2, 2, 16, out),
            b'u' => return self.code(start, 2, 4, 16, out),
            b'U' => return self.code(start, 2, 8, 16, out),
            b'0'..=b'3' => return self.code(start, 1, 3, 8, out),
            _ => {
                let shown: String = self.rest().chars().take(2).collect();
                let end = start + shown.len();
                return Err(Fail::syntax(span(start, end), format!("the escape `{shown}` does not exist"))
                    .hint("write `\\\\` for a backslash, or r'…' for text as it stands"));
            }
        };
        out.push(simple);
        self.at += 2;
        Ok(())
    }

    fn code(&mut self, start: usize, skip: usize, digits: usize, radix: u32, out: &mut String) -> Result<(), Fail> {
        let text = self
            .source
            .get(start + skip..start + skip + digits)
            .filter(|text| text.chars().all(|digit| digit.is_digit(radix)));
        let character = text.and_then(|text| u32::from_str_radix(text, radix).ok()).and_then(char::from_u32);
        let Some(character) = character else {
            return Err(Fail::syntax(
                span(start, start + skip),
                format!("{digits} digits of a character's code are expected after this escape"),
            ));
        };
        out.push(character);
        self.at = start + skip + digits;
        Ok(())
    }
}
