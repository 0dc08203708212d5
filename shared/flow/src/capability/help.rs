//! `help.md`: what people read of a capability's kinds, a chapter each under `# name@version`.

/// The chapter of a kind, Markdown, without its heading; nothing when it has none.
#[must_use]
pub fn help_of<'h>(help: &'h str, kind: &str) -> Option<&'h str> {
    let mut chapters = help.split("\n# ");
    let first = chapters.next().map(|chapter| chapter.strip_prefix("# ").unwrap_or(chapter));
    let mut named = first.into_iter().chain(chapters).filter_map(|chapter| chapter.split_once('\n'));
    named.find(|(name, _)| name.trim_end() == kind).map(|(_, text)| text.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_chapter() {
        let help = "# a.b@1\n\nOne.\n\n## Of it\n\nMore.\n\n# a.b@2\n\nTwo.\n";
        assert_eq!(help_of(help, "a.b@1"), Some("One.\n\n## Of it\n\nMore."));
        assert_eq!(help_of(help, "a.b@2"), Some("Two."));
        assert_eq!(help_of(help, "a.b"), None);
        assert_eq!(help_of("", "a.b@1"), None);
    }
}
