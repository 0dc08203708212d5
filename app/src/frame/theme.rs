//! The colour scheme: the system's, or one that the reader chose for this browser.

use crate::ui::dom;

/// Where this browser remembers it; the document's first script reads it too.
const REMEMBERED: &str = "holon.theme";

/// Which scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// As the system has it.
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    fn name(self) -> Option<&'static str> {
        match self {
            Self::System => None,
            Self::Light => Some("light"),
            Self::Dark => Some("dark"),
        }
    }
}

/// Uses a scheme from now on, in this browser.
pub fn apply(theme: Theme) {
    dom::remember(REMEMBERED, theme.name());
    dom::root_attribute("data-theme", theme.name());
}

/// The scheme that this browser remembers.
pub fn chosen() -> Theme {
    match dom::remembered(REMEMBERED).as_deref() {
        Some("light") => Theme::Light,
        Some("dark") => Theme::Dark,
        _ => Theme::System,
    }
}
