//! A command line as its words: quotes of POSIX shells, `$'…'`, line continuations of shells, `cmd` and PowerShell.

/// Splits a command into words.
///
/// # Errors
/// A sentence, when a quote never ends.
pub(super) fn split(text: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            // A line that goes on: `\`, `^` or `` ` `` before its end.
            '\\' | '^' | '`' if matches!(chars.peek(), Some('\n' | '\r')) => {
                while matches!(chars.peek(), Some('\n' | '\r')) {
                    chars.next();
                }
            }
            '\\' => word.get_or_insert_default().extend(chars.next()),
            '\'' => single(&mut chars, word.get_or_insert_default())?,
            '"' => double(&mut chars, word.get_or_insert_default())?,
            '$' if chars.peek() == Some(&'\'') => {
                chars.next();
                ansi(&mut chars, word.get_or_insert_default())?;
            }
            // The command ends at a pipe or at the next command.
            '|' | ';' | '&' | '>' if word.is_none() => break,
            c if c.is_whitespace() => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

type Chars<'t> = std::iter::Peekable<std::str::Chars<'t>>;
const UNENDED: &str = "a quote never ends";

fn single(chars: &mut Chars<'_>, word: &mut String) -> Result<(), &'static str> {
    loop {
        match chars.next().ok_or(UNENDED)? {
            '\'' => return Ok(()),
            c => word.push(c),
        }
    }
}

fn double(chars: &mut Chars<'_>, word: &mut String) -> Result<(), &'static str> {
    loop {
        match chars.next().ok_or(UNENDED)? {
            '"' => return Ok(()),
            '\\' => match chars.next().ok_or(UNENDED)? {
                '\n' => {}
                c @ ('"' | '\\' | '$' | '`') => word.push(c),
                c => word.extend(['\\', c]),
            },
            c => word.push(c),
        }
    }
}

/// `$'…'` with the escapes of C, as browsers write bodies.
fn ansi(chars: &mut Chars<'_>, word: &mut String) -> Result<(), &'static str> {
    loop {
        match chars.next().ok_or(UNENDED)? {
            '\'' => return Ok(()),
            '\\' => match chars.next().ok_or(UNENDED)? {
                'n' => word.push('\n'),
                'r' => word.push('\r'),
                't' => word.push('\t'),
                '0' => word.push('\0'),
                kind @ ('x' | 'u') => {
                    let digits = if kind == 'x' { 2 } else { 4 };
                    let mut code = 0;
                    for _ in 0..digits {
                        let Some(digit) = chars.peek().and_then(|c| c.to_digit(16)) else { break };
                        code = code * 16 + digit;
                        chars.next();
                    }
                    word.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                }
                c => word.push(c),
            },
            c => word.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn words_are_split_as_shells_do() {
        for (text, words) in [
            ("a  b\tc\n", vec!["a", "b", "c"]),
            (r#"a 'b "c' "d \"e\" \n" f\ g"#, vec!["a", "b \"c", "d \"e\" \\n", "f g"]),
            ("a \\\n b ^\r\n c `\n d", vec!["a", "b", "c", "d"]),
            (r"$'a\n\'b\u00e9' ''", vec!["a\n'bé", ""]),
            ("a'b'\"c\"", vec!["abc"]),
            ("a b | c", vec!["a", "b"]),
        ] {
            assert_eq!(split(text).unwrap(), words, "{text}");
        }
        for text in ["'a", "\"a", "$'a", "\"a\\"] {
            assert!(split(text).is_err(), "{text}");
        }
    }
}
