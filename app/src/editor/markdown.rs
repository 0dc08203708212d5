//! The little Markdown that kinds document themselves in: paragraphs, headings, lists, code. No HTML passes through.

use leptos::prelude::*;

pub(super) use crate::ui::words as inline;

/// The text as elements.
pub(super) fn markdown(text: &str) -> AnyView {
    let mut out: Vec<AnyView> = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let trimmed = line.trim();
        if trimmed.is_empty() {
            continue;
        }
        if trimmed.starts_with("```") {
            let code: Vec<&str> = lines.by_ref().take_while(|line| !line.trim().starts_with("```")).collect();
            out.push(view! { <pre><code>{code.join("\n")}</code></pre> }.into_any());
        } else if let Some(title) = trimmed.strip_prefix('#') {
            out.push(view! { <h3>{inline(title.trim_start_matches('#').trim())}</h3> }.into_any());
        } else if item(trimmed).is_some() {
            let mut items = vec![item(trimmed).unwrap_or_default().to_owned()];
            while let Some(next) = lines.peek().map(|line| line.trim()).filter(|line| !line.is_empty()) {
                match item(next) {
                    Some(next) => items.push(next.to_owned()),
                    None => {
                        if let Some(last) = items.last_mut() {
                            last.push(' ');
                            last.push_str(next);
                        }
                    }
                }
                lines.next();
            }
            let items: Vec<_> = items.iter().map(|item| view! { <li>{inline(item)}</li> }).collect();
            out.push(view! { <ul>{items}</ul> }.into_any());
        } else {
            let mut paragraph = trimmed.to_owned();
            while let Some(next) = lines.peek().map(|line| line.trim()).filter(|line| {
                !line.is_empty() && !line.starts_with("```") && !line.starts_with('#') && item(line).is_none()
            }) {
                paragraph.push(' ');
                paragraph.push_str(next);
                lines.next();
            }
            out.push(view! { <p>{inline(&paragraph)}</p> }.into_any());
        }
    }
    out.into_any()
}

fn item(line: &str) -> Option<&str> {
    line.strip_prefix("- ").or_else(|| line.strip_prefix("* "))
}
