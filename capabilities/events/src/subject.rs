//! What events are about, and what of it a subscription takes.

/// Characters of a subject or a pattern.
const MOST: usize = 200;
/// Words of either.
const MOST_WORDS: usize = 16;

/// What is wrong with a subject, if anything is.
///
/// # Errors
/// A sentence for people.
pub fn valid_subject(subject: &str) -> Result<(), String> {
    match words(subject, "a subject")?.into_iter().find(|word| !is_word(word)) {
        None => Ok(()),
        Some("*" | ">") => Err("`*` and `>` stand in patterns only: an event is about one thing".into()),
        Some(word) => Err(wrong(word)),
    }
}

fn words<'a>(text: &'a str, what: &str) -> Result<Vec<&'a str>, String> {
    let words: Vec<&str> = text.split('.').collect();
    if text.chars().count() > MOST || words.len() > MOST_WORDS {
        return Err(format!("{what} has at most {MOST} characters and {MOST_WORDS} words"));
    }
    Ok(words)
}

fn is_word(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

fn wrong(word: &str) -> String {
    if word.is_empty() {
        return "there is nothing before, after or between two dots: write words with single dots between them".into();
    }
    format!("`{word}` is no word: letters, digits, `-` and `_` make words, and dots stand between them")
}

/// A pattern of subjects: words, `*` for any one word, and `>` at the end for one or more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    words: Vec<String>,
    /// Whether it ends with `>`.
    open: bool,
}

impl Pattern {
    /// Reads it.
    ///
    /// # Errors
    /// A sentence for people that says what is wrong.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut words = words(text, "a pattern")?;
        let open = words.last() == Some(&">");
        if open {
            words.pop();
        }
        match words.iter().find(|word| **word != "*" && !is_word(word)) {
            Some(&">") => Err("`>` stands at the end only, for one or more words".into()),
            Some(word) => Err(wrong(word)),
            None => Ok(Self { words: words.into_iter().map(str::to_owned).collect(), open }),
        }
    }

    /// Whether events about this are taken.
    pub fn matches(&self, subject: &str) -> bool {
        let mut given = subject.split('.');
        let same = self.words.iter().all(|word| given.next().is_some_and(|given| word == "*" || word == given));
        same && given.next().is_some() == self.open
    }

    /// What every subject that matches begins with, so that others need not be looked at.
    pub fn prefix(&self) -> String {
        let fixed: Vec<&str> = self.words.iter().map(String::as_str).take_while(|word| *word != "*").collect();
        let whole = fixed.len() == self.words.len() && !self.open;
        let end = if whole || fixed.is_empty() { "" } else { "." };
        format!("{}{end}", fixed.join("."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_one_word_and_an_angle_one_or_more() {
        for (pattern, matching, other) in [
            ("orders.eu.paid", &["orders.eu.paid"][..], &["orders.eu", "orders.eu.paid.twice", "orders.us.paid"][..]),
            (
                "orders.*.paid",
                &["orders.eu.paid", "orders.us.paid"],
                &["orders.paid", "orders.a.b.paid", "orders.eu.sent"],
            ),
            ("orders.>", &["orders.eu", "orders.eu.paid"], &["orders", "order.eu"]),
            ("*.>", &["a.b", "a.b.c"], &["a"]),
            (">", &["a", "a.b"], &[]),
            ("*", &["a"], &["a.b"]),
        ] {
            let read = Pattern::read(pattern).unwrap();
            for subject in matching {
                assert!(read.matches(subject), "{pattern} {subject}");
                assert!(subject.starts_with(&read.prefix()), "{pattern} {subject}");
            }
            for subject in other {
                assert!(!read.matches(subject), "{pattern} {subject}");
            }
        }
    }

    #[test]
    fn what_is_no_subject_and_no_pattern_is_refused_with_a_reason() {
        for wrong in ["", ".", "a.", ".a", "a..b", "a b", "ä", "a.*", ">", "a/b"] {
            assert!(valid_subject(wrong).is_err(), "{wrong:?}");
        }
        for wrong in ["", "a..b", ">.a", "a.>.b", "a*", "a.b c"] {
            assert!(Pattern::read(wrong).is_err(), "{wrong:?}");
        }
        assert!(valid_subject(&["a"; MOST_WORDS].join(".")).is_ok());
        assert!(valid_subject(&["a"; MOST_WORDS + 1].join(".")).is_err());
        assert!(valid_subject("Orders.eu-1.paid_2").is_ok());
    }
}
