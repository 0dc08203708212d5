//! Markup that is built and never pasted: texts and attributes are escaped where they are put in.

/// A piece of markup.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Html(String);

impl Html {
    /// Nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// This and then that.
    #[must_use]
    pub fn and(mut self, next: Self) -> Self {
        self.0.push_str(&next.0);
        self
    }

    /// Whether it is nothing.
    pub fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// The whole document.
    pub fn into_document(self) -> String {
        format!("<!DOCTYPE html>{}", self.0)
    }
}

impl FromIterator<Html> for Html {
    fn from_iter<I: IntoIterator<Item = Html>>(pieces: I) -> Self {
        pieces.into_iter().fold(Self::none(), Self::and)
    }
}

/// Text.
pub fn text(text: &str) -> Html {
    let mut html = Html::none();
    escape(&mut html.0, text);
    html
}

/// An element with attributes and what is in it. Names are ours, values may be anybody's.
pub fn element(name: &'static str, attributes: &[(&'static str, &str)], children: Html) -> Html {
    let mut html = void(name, attributes);
    html.0.push_str(&children.0);
    html.0.push_str("</");
    html.0.push_str(name);
    html.0.push('>');
    html
}

/// An element that holds nothing, such as `input`.
pub fn void(name: &'static str, attributes: &[(&'static str, &str)]) -> Html {
    let mut html = format!("<{name}");
    for (attribute, value) in attributes {
        html.push(' ');
        html.push_str(attribute);
        html.push_str("=\"");
        escape(&mut html, value);
        html.push('"');
    }
    html.push('>');
    Html(html)
}

/// What means something in markup, in texts and in quoted attributes. U+0000 is not a character of HTML.
fn escape(into: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '&' => into.push_str("&amp;"),
            '<' => into.push_str("&lt;"),
            '>' => into.push_str("&gt;"),
            '"' => into.push_str("&quot;"),
            '\'' => into.push_str("&#39;"),
            '\0' => into.push('\u{fffd}'),
            other => into.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_put_in_stays_text() {
        let hostile = "</p><script>\"'&\0";
        let html = element("p", &[("title", hostile)], text(hostile)).into_document();
        assert_eq!(
            html,
            "<!DOCTYPE html><p title=\"&lt;/p&gt;&lt;script&gt;&quot;&#39;&amp;\u{fffd}\">&lt;/p&gt;&lt;script&gt;&quot;&#39;&amp;\u{fffd}</p>"
        );
    }
}
