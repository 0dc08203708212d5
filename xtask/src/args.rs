//! The arguments of a command: flags, options with a value, and one name. Small enough not to need a crate.

use anyhow::{Result, bail};

/// What is left of the command line; each `take` removes what it found, so that `finish` can refuse the rest.
pub struct Args {
    rest: Vec<String>,
}

impl Args {
    /// Everything after the program's own name.
    pub fn from_env() -> Self {
        Self { rest: std::env::args().skip(1).collect() }
    }

    /// The first word, unless it is a flag.
    pub fn command(&mut self) -> Option<String> {
        match self.rest.first() {
            Some(word) if word == "--help" || word == "-h" => Some("help".to_owned()),
            Some(word) if !word.starts_with('-') => Some(self.rest.remove(0)),
            _ => None,
        }
    }

    /// Whether `--name` was given.
    pub fn flag(&mut self, name: &str) -> bool {
        match self.rest.iter().position(|word| word == name) {
            Some(at) => {
                self.rest.remove(at);
                true
            }
            None => false,
        }
    }

    /// The value of `--name VALUE` or `--name=VALUE`.
    pub fn option(&mut self, name: &str) -> Result<Option<String>> {
        let prefix = format!("{name}=");
        let Some(at) = self.rest.iter().position(|word| word == name || word.starts_with(&prefix)) else {
            return Ok(None);
        };
        let word = self.rest.remove(at);
        if let Some(value) = word.strip_prefix(&prefix) {
            return Ok(Some(value.to_owned()));
        }
        if at < self.rest.len() { Ok(Some(self.rest.remove(at))) } else { bail!("{name} needs a value") }
    }

    /// Refuses whatever no `take` asked for.
    pub fn finish(self) -> Result<()> {
        if self.rest.is_empty() { Ok(()) } else { bail!("not understood: {}", self.rest.join(" ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::Args;

    fn args(words: &[&str]) -> Args {
        Args { rest: words.iter().map(|word| (*word).to_owned()).collect() }
    }

    #[test]
    fn options_take_their_value_in_both_spellings() {
        let mut given = args(&["up", "--port", "8081", "--data-dir=/tmp/x", "--release"]);
        assert_eq!(given.command().as_deref(), Some("up"));
        assert_eq!(given.option("--port").unwrap().as_deref(), Some("8081"));
        assert_eq!(given.option("--data-dir").unwrap().as_deref(), Some("/tmp/x"));
        assert!(given.flag("--release"));
        assert!(given.finish().is_ok());
    }

    #[test]
    fn an_option_without_its_value_and_an_unknown_word_are_refused() {
        assert!(args(&["--port"]).option("--port").is_err());
        assert!(args(&["--prot", "1"]).finish().is_err());
    }
}
