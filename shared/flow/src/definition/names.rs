//! Names inside definitions: keys of nodes and bodies, ports, and the guess "did you mean".

/// Words that CEL reserves; a key that is one could not be written as `nodes.key`.
pub const RESERVED: &[&str] = &[
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "null",
    "package",
    "return",
    "true",
    "var",
    "void",
    "while",
];

/// Longest key, in characters.
pub const MAX_KEY: usize = 48;

/// Whether `text` matches `[a-z][a-z0-9_]{0,47}`: a port, or a key if it is not reserved too.
pub fn is_name(text: &str) -> bool {
    text.len() <= MAX_KEY
        && text.as_bytes().first().is_some_and(u8::is_ascii_lowercase)
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

/// Checks a key of a node or a body.
///
/// # Errors
/// A sentence that says what keys look like.
pub fn check_key(key: &str) -> Result<(), String> {
    if !is_name(key) {
        Err(format!(
            "`{}` is not a key: a small letter, then small letters, digits and `_`, at most {MAX_KEY} in all",
            shown(key)
        ))
    } else if RESERVED.contains(&key) {
        Err(format!("`{key}` is a reserved word of the expression language and cannot be a key"))
    } else {
        Ok(())
    }
}

/// A key made of any text: `Get the order!` becomes `get_the_order`. Not yet unique.
pub fn key_from(text: &str) -> String {
    let mut key = String::new();
    for c in text.chars().map(|c| c.to_ascii_lowercase()) {
        if c.is_ascii_alphanumeric() {
            key.push(c);
        } else if !key.is_empty() && !key.ends_with('_') {
            key.push('_');
        }
        if key.len() >= MAX_KEY {
            break;
        }
    }
    let key = key.trim_matches('_').trim_start_matches(|c: char| c.is_ascii_digit() || c == '_').to_owned();
    if key.is_empty() {
        "node".to_owned()
    } else if RESERVED.contains(&key.as_str()) {
        format!("{key}_node")
    } else {
        key
    }
}

/// Text as an error shows it: never longer than a line.
pub fn shown(text: &str) -> String {
    const MAX: usize = 60;
    match text.char_indices().nth(MAX) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// The candidate that differs least from `text`, if any differs by little.
pub fn closest<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const LONGEST: usize = 64;
    if text.is_empty() || text.len() > LONGEST {
        return None;
    }
    let most = text.len().div_ceil(3).clamp(1, 3);
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= LONGEST && candidate.len().abs_diff(text.len()) <= most)
        .map(|candidate| (distance(text.as_bytes(), candidate.as_bytes()), candidate))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `Did you mean …?` for the closest candidate.
pub fn did_you_mean<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    closest(text, candidates).map(|candidate| format!("Did you mean `{candidate}`?"))
}

/// Levenshtein distance over bytes, one row at a time.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(!x.eq_ignore_ascii_case(y));
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_small_letters_digits_and_underscores_and_not_reserved() {
        for good in ["a", "hook", "each_2", &"a".repeat(48)] {
            assert_eq!(check_key(good), Ok(()), "{good}");
        }
        for bad in ["", "A", "2a", "_a", "a-b", "a.b", "é", "in", "true", "loop", &"a".repeat(49)] {
            assert!(check_key(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn any_text_makes_a_key() {
        for (text, key) in [
            ("Get the order!", "get_the_order"),
            ("2 Zürich", "z_rich"),
            ("", "node"),
            ("If", "if_node"),
            ("__x__", "x"),
        ] {
            assert_eq!(key_from(text), key);
            assert_eq!(check_key(&key_from(text)), Ok(()));
        }
        assert_eq!(check_key(&key_from(&"long name ".repeat(30))), Ok(()));
    }

    #[test]
    fn a_small_slip_finds_its_word_and_a_large_one_none() {
        assert_eq!(closest("http.requst@1", ["http.request@1", "csv.parse@1"]), Some("http.request@1"));
        assert_eq!(closest("bodys", ["bodies", "edges"]), Some("bodies"));
        assert_eq!(closest("banana", ["http.request@1", "csv.parse@1"]), None);
    }
}
