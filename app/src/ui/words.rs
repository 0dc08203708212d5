//! Words that people read with a little markup: code in backticks, strong words in double stars. No HTML passes through.

use leptos::prelude::*;

/// A piece of such a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    Code(&'a str),
    Strong(&'a str),
}

/// The text as elements.
pub fn words(text: &str) -> Vec<AnyView> {
    let view = |piece: Piece<'_>| match piece {
        Piece::Text(text) => text.to_owned().into_any(),
        Piece::Code(text) => view! { <code>{text.to_owned()}</code> }.into_any(),
        Piece::Strong(text) => view! { <strong>{text.to_owned()}</strong> }.into_any(),
    };
    pieces(text).into_iter().map(view).collect()
}

/// The text without its markup, for attributes and for what is only spoken.
pub fn plain(text: &str) -> String {
    let text_of = |piece: Piece<'_>| match piece {
        Piece::Text(text) | Piece::Code(text) | Piece::Strong(text) => text.to_owned(),
    };
    pieces(text).into_iter().map(text_of).collect()
}

/// With a capital letter, as a sentence begins; what begins with code stays as it is.
pub fn sentence(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map(|first| first.to_uppercase().chain(rest).collect()).unwrap_or_default()
}

/// What stands between a message and a hint: hints that are sentences follow a full stop, others a colon.
pub fn joint(message: &str, hint: &str) -> &'static str {
    match hint.starts_with(char::is_uppercase) {
        _ if message.ends_with(['.', ':', '?', '!']) => " ",
        true => ". ",
        false => ": ",
    }
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut out = Vec::new();
    between(text, "`", &mut |text, marked| match marked {
        true => out.push(Piece::Code(text)),
        false => between(text, "**", &mut |text, marked| {
            out.push(if marked { Piece::Strong(text) } else { Piece::Text(text) });
        }),
    });
    out
}

/// Tells what stands outside and inside pairs of a mark. A mark that nothing closes is text like any other.
fn between<'a>(text: &'a str, mark: &str, tell: &mut dyn FnMut(&'a str, bool)) {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(mark) {
        let Some((inside, next)) = after.split_once(mark).filter(|(inside, _)| !inside.is_empty()) else {
            // Nothing closes it, or nothing is inside: the mark stays, what follows it is looked at on its own.
            let kept = before.len() + mark.len();
            tell(&rest[..kept], false);
            rest = &rest[kept..];
            continue;
        };
        if !before.is_empty() {
            tell(before, false);
        }
        tell(inside, true);
        rest = next;
    }
    if !rest.is_empty() {
        tell(rest, false);
    }
}

#[cfg(test)]
mod tests {
    use super::{Piece::*, *};

    #[test]
    fn pairs_of_marks_become_code_and_strong_words() {
        assert_eq!(
            pieces("no field `a**b` in **all** of it"),
            [Text("no field "), Code("a**b"), Text(" in "), Strong("all"), Text(" of it")]
        );
        assert_eq!(plain("no field `a` in **all**"), "no field a in all");
    }

    #[test]
    fn a_hint_stands_apart_from_its_message() {
        assert_eq!([sentence("answered 503"), sentence("`a` is"), sentence("")], ["Answered 503", "`a` is", ""]);
        assert_eq!(joint("there is no field `name`", "the map is empty"), ": ");
        assert_eq!(joint("no such kind", "Did you mean `a@1`?"), ". ");
        assert_eq!(joint("Nothing reaches it.", "Add an edge."), " ");
    }

    #[test]
    fn an_odd_number_of_marks_keeps_all_text() {
        for text in ["one ` alone", "`a` and ` alone", "2 ** 3", "``", "****", "`", "a `` b `c"] {
            let all: String = pieces(text)
                .into_iter()
                .map(|piece| match piece {
                    Text(text) => text.to_owned(),
                    Code(text) => format!("`{text}`"),
                    Strong(text) => format!("**{text}**"),
                })
                .collect();
            assert_eq!(all, text);
        }
        assert_eq!(pieces("`a` and ` alone"), [Code("a"), Text(" and `"), Text(" alone")]);
    }
}
