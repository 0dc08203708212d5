//! The reader of RFC 4180: records of fields, with where each record starts. Line ends may be CRLF, LF or CR.
//!
//! Strict where silence would lose data: a quote inside an unquoted field, text after a closing quote, and a quoted field
//! that never ends are errors with line and column.

/// One field: its text, and whether it was quoted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) text: String,
    pub(crate) quoted: bool,
}

/// Why a text is not CSV, and where: line and column from 1, columns in characters.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    pub(crate) message: &'static str,
    pub(crate) line: i64,
    pub(crate) column: i64,
}

pub(crate) struct Reader<'t> {
    chars: std::iter::Peekable<std::str::Chars<'t>>,
    delimiter: char,
    quote: char,
    line: i64,
    column: i64,
}

impl<'t> Reader<'t> {
    pub(crate) fn new(text: &'t str, delimiter: char, quote: char) -> Self {
        // Spreadsheets write a byte order mark; it is not data.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self { chars: text.chars().peekable(), delimiter, quote, line: 1, column: 1 }
    }

    /// The line on which the next record starts.
    pub(crate) fn line(&self) -> i64 {
        self.line
    }

    /// The next record; `None` at the end. An empty line is a record of one empty field.
    pub(crate) fn record(&mut self) -> Result<Option<Vec<Field>>, Malformed> {
        if self.chars.peek().is_none() {
            return Ok(None);
        }
        let mut fields = Vec::new();
        loop {
            fields.push(self.field()?);
            match self.next() {
                Some(c) if c == self.delimiter => {}
                Some('\n') | None => return Ok(Some(fields)),
                Some(_) => return Err(self.malformed("something follows the closing quote of a field")),
            }
        }
    }

    fn field(&mut self) -> Result<Field, Malformed> {
        if self.peek() == Some(self.quote) {
            return self.quoted();
        }
        let mut text = String::new();
        while let Some(c) = self.peek().filter(|c| *c != self.delimiter && *c != '\n') {
            if c == self.quote {
                return Err(self.malformed("a quote stands inside a field that does not start with one"));
            }
            self.next();
            text.push(c);
        }
        Ok(Field { text, quoted: false })
    }

    fn quoted(&mut self) -> Result<Field, Malformed> {
        let open = self.malformed("this quoted field never ends");
        self.next();
        let mut text = String::new();
        loop {
            // Inside quotes a line end is data, as it stands.
            match self.raw() {
                None => return Err(open),
                Some(c) if c != self.quote => text.push(c),
                Some(_) if self.chars.peek() == Some(&self.quote) => {
                    self.raw();
                    text.push(self.quote);
                }
                Some(_) => return Ok(Field { text, quoted: true }),
            }
        }
    }

    /// The next character with every line end as `\n`.
    fn peek(&mut self) -> Option<char> {
        self.chars.peek().map(|c| if *c == '\r' { '\n' } else { *c })
    }

    fn next(&mut self) -> Option<char> {
        match self.raw()? {
            '\r' => {
                if self.chars.peek() == Some(&'\n') {
                    self.raw();
                } else {
                    (self.line, self.column) = (self.line + 1, 1);
                }
                Some('\n')
            }
            c => Some(c),
        }
    }

    fn raw(&mut self) -> Option<char> {
        let c = self.chars.next()?;
        if c == '\n' {
            (self.line, self.column) = (self.line + 1, 1);
        } else {
            self.column += 1;
        }
        Some(c)
    }

    fn malformed(&self, message: &'static str) -> Malformed {
        Malformed { message, line: self.line, column: self.column }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Result<Vec<Vec<String>>, Malformed> {
        let mut reader = Reader::new(text, ',', '"');
        let mut records = Vec::new();
        while let Some(record) = reader.record()? {
            records.push(record.into_iter().map(|field| field.text).collect());
        }
        Ok(records)
    }

    #[test]
    fn records_and_fields_are_read_as_rfc_4180_says() {
        for text in ["a,b\r\nc,d\r\n", "a,b\nc,d", "a,b\rc,d\r", "\u{feff}a,b\n\"c\",\"d\""] {
            assert_eq!(all(text).unwrap(), [["a", "b"], ["c", "d"]], "{text:?}");
        }
        assert_eq!(all("\"a\"\"b\",\"c,d\",\"e\r\nf\"").unwrap(), [["a\"b", "c,d", "e\r\nf"]]);
        assert_eq!(all(",\n\n\"\"").unwrap(), [vec!["", ""], vec![""], vec![""]]);
        assert_eq!(all("").unwrap(), Vec::<Vec<String>>::new());
        assert_eq!(all("é,😀").unwrap(), [["é", "😀"]]);
    }

    #[test]
    fn what_is_malformed_says_where() {
        for (text, line, column) in
            [("a,b\nc,\"d", 2, 3), ("a\"b", 1, 2), ("\"a\"b,c", 1, 5), ("\"a\nb\n", 1, 1), ("é\n😀\"", 2, 2)]
        {
            let found = all(text).unwrap_err();
            assert_eq!((found.line, found.column), (line, column), "{text:?} {found:?}");
        }
    }
}
