//! From what a person says to a message as mail servers take it. Headers are made by `lettre`; what could break out of one is
//! refused before.

use holon_flow::{capability::NodeError, definition::names::shown};
use lettre::message::header::ContentType;
use lettre::message::{Attachment, Mailbox, Mailboxes, MultiPart, SinglePart};

use super::{MOST_RECIPIENTS, bad};

/// A message.
#[derive(Debug, Clone, Default)]
pub struct Mail<'a> {
    /// The idempotency key, of which its id is made: letters, digits, `_` and `-`.
    pub key: &'a str,
    /// Who it is from; the connection's sender if none.
    pub from: Option<&'a str>,
    /// Whom it is to: each text is one address or several, parted by commas.
    pub to: Vec<String>,
    /// Who gets a copy.
    pub cc: Vec<String>,
    /// Who gets one without being named.
    pub bcc: Vec<String>,
    /// Where answers go.
    pub reply_to: Option<&'a str>,
    /// One line.
    pub subject: &'a str,
    /// As text.
    pub text: Option<&'a str>,
    /// As HTML.
    pub html: Option<&'a str>,
    /// Files.
    pub attachments: Vec<Attached>,
}

/// A file of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached {
    /// Its name.
    pub name: String,
    /// Its media type.
    pub content_type: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// A message that is ready.
pub(super) struct Made {
    pub(super) id: String,
    pub(super) from: String,
    pub(super) to: Vec<String>,
    pub(super) bytes: Vec<u8>,
}

/// Whether a text is one address that mail can be from.
#[must_use]
pub fn is_sender(text: &str) -> bool {
    one(text, "from").is_ok()
}

/// Whether all texts are addresses that mail can go to, and not more of them than a message takes.
#[must_use]
pub fn is_recipients(texts: &[String]) -> bool {
    several(texts, "to").is_ok_and(|all| (1..=MOST_RECIPIENTS).contains(&all.len()))
}

pub(super) fn make(mail: &Mail<'_>, sender: Option<&str>) -> Result<Made, NodeError> {
    let from = mail
        .from
        .or(sender)
        .ok_or_else(|| bad("nobody is named that it is from: fill in `from`, or the sender of the connection"))?;
    let from = one(from, "from")?;
    let (to, cc, bcc) = (several(&mail.to, "to")?, several(&mail.cc, "cc")?, several(&mail.bcc, "bcc")?);
    let all = to.len() + cc.len() + bcc.len();
    if !(1..=MOST_RECIPIENTS).contains(&all) {
        return Err(bad(&format!("a message goes to 1 to {MOST_RECIPIENTS} addresses, not to {all}")));
    }
    let mut envelope: Vec<String> = Vec::with_capacity(all);
    for mailbox in to.iter().chain(&cc).chain(&bcc) {
        let address = mailbox.email.to_string();
        if !envelope.contains(&address) {
            envelope.push(address);
        }
    }
    if mail.subject.chars().any(char::is_control) {
        return Err(bad("the subject has a line break or another control character; it is one line"));
    }
    let key: String = mail.key.chars().filter(|c| c.is_ascii_alphanumeric() || "_-".contains(*c)).collect();
    let id = format!("<{key}@{}>", from.email.domain());
    let mut builder = lettre::Message::builder().from(from.clone()).subject(mail.subject).message_id(Some(id.clone()));
    for mailbox in to {
        builder = builder.to(mailbox);
    }
    for mailbox in cc {
        builder = builder.cc(mailbox);
    }
    // Those in `bcc` stand in the envelope only.
    if let Some(reply_to) = mail.reply_to {
        builder = builder.reply_to(one(reply_to, "reply_to")?);
    }
    let unmade = |error: lettre::error::Error| bad(&format!("the message cannot be made: {error}"));
    // Without anybody in `To` and `Cc` the library would see a message to nobody.
    let envelope_of_it = envelope
        .iter()
        .map(|address| address.parse())
        .collect::<Result<Vec<lettre::Address>, _>>()
        .map_err(|_| bad("an address is not one"))?;
    builder =
        builder.envelope(lettre::address::Envelope::new(Some(from.email.clone()), envelope_of_it).map_err(unmade)?);
    let message = match (body(mail), mail.attachments.is_empty()) {
        (Body::One(part), true) => builder.singlepart(part),
        (Body::Both(parts), true) => builder.multipart(parts),
        (body, false) => {
            let start = MultiPart::mixed();
            let mut parts = match body {
                Body::One(part) => start.singlepart(part),
                Body::Both(parts) => start.multipart(parts),
            };
            for file in &mail.attachments {
                parts = parts.singlepart(attachment(file)?);
            }
            builder.multipart(parts)
        }
    };
    let bytes = message.map_err(unmade)?.formatted();
    Ok(Made { id, from: from.email.to_string(), to: envelope, bytes })
}

enum Body {
    One(SinglePart),
    Both(MultiPart),
}

fn body(mail: &Mail<'_>) -> Body {
    match (mail.text, mail.html) {
        (Some(text), Some(html)) => Body::Both(MultiPart::alternative_plain_html(text.to_owned(), html.to_owned())),
        (None, Some(html)) => Body::One(SinglePart::html(html.to_owned())),
        (text, None) => Body::One(SinglePart::plain(text.unwrap_or_default().to_owned())),
    }
}

fn attachment(file: &Attached) -> Result<SinglePart, NodeError> {
    if file.name.is_empty() || file.name.len() > 255 || file.name.chars().any(|c| c.is_control() || "/\\\"".contains(c))
    {
        return Err(bad(&format!("`{}` is not the name of a file", shown(&file.name))));
    }
    let odd = || bad(&format!("`{}` is not a media type", shown(&file.content_type)));
    if file.content_type.chars().any(char::is_control) {
        return Err(odd());
    }
    let kind = ContentType::parse(&file.content_type).map_err(|_| odd())?;
    Ok(Attachment::new(file.name.clone()).body(file.bytes.clone(), kind))
}

fn one(text: &str, field: &str) -> Result<Mailbox, NodeError> {
    let mut all = parsed(text, field)?;
    match (all.pop(), all.is_empty()) {
        (Some(mailbox), true) => Ok(mailbox),
        _ => Err(bad(&format!("`{field}` is one address"))),
    }
}

fn several(texts: &[String], field: &str) -> Result<Vec<Mailbox>, NodeError> {
    let mut all = Vec::with_capacity(texts.len());
    for text in texts {
        all.extend(parsed(text, field)?);
    }
    Ok(all)
}

fn parsed(text: &str, field: &str) -> Result<Vec<Mailbox>, NodeError> {
    let odd = || {
        let what =
            format!("`{}` in `{field}` is not an address like ada@example.com or Ada <ada@example.com>", shown(text));
        NodeError::new("bad_address", what)
    };
    if text.chars().any(char::is_control) || text.len() > 32_000 {
        return Err(odd());
    }
    let mailboxes: Mailboxes = text.trim().trim_end_matches(',').parse().map_err(|_| odd())?;
    let all: Vec<Mailbox> = mailboxes.iter().cloned().collect();
    // What is not ASCII needs an extension of the protocol on the whole way, which hardly any has.
    if all.is_empty() || all.iter().any(|mailbox| !mailbox.email.to_string().is_ascii()) {
        return Err(odd());
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(mail: &Mail<'_>) -> (Made, String) {
        let made = make(mail, Some("Shop <shop@example.com>")).unwrap();
        let text = String::from_utf8(made.bytes.clone()).unwrap();
        (made, text)
    }

    fn to(text: &str) -> Mail<'_> {
        Mail { key: "0123abcd", to: vec![text.to_owned()], subject: "Hi", text: Some("Hello"), ..Mail::default() }
    }

    #[test]
    fn a_message_has_an_id_of_its_key_and_names_nobody_in_bcc() {
        let mail = Mail {
            bcc: vec!["secret@example.org".into()],
            cc: vec!["c@example.org".into()],
            ..to("Ada <ada@example.com>, bob@example.com")
        };
        let (made, text) = made(&mail);
        assert_eq!((made.id.as_str(), made.from.as_str()), ("<0123abcd@example.com>", "shop@example.com"));
        assert_eq!(made.to, ["ada@example.com", "bob@example.com", "c@example.org", "secret@example.org"]);
        assert!(text.contains("Message-ID: <0123abcd@example.com>\r\n"), "{text}");
        assert!(!text.contains("secret@example.org"), "{text}");
    }

    #[test]
    fn a_message_to_hidden_addresses_only_goes_to_them() {
        let mail = Mail { to: vec![], bcc: vec!["b@example.org".into()], ..to("") };
        assert_eq!(made(&mail).0.to, ["b@example.org"]);
    }

    #[test]
    fn text_html_and_files_stand_beside_each_other_and_all_of_it_is_ascii() {
        let file = Attached { name: "größe.csv".into(), content_type: "text/csv".into(), bytes: "ä;1".into() };
        let mail = Mail { subject: "Größe", html: Some("<p>ä</p>"), attachments: vec![file], ..to("a@example.com") };
        let (_, text) = made(&mail);
        assert!(text.is_ascii(), "{text}");
        for part in ["multipart/mixed", "multipart/alternative", "text/plain", "text/html", "text/csv"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn nothing_that_comes_from_outside_adds_a_header_or_a_recipient() {
        let refused = |mail: &Mail<'_>| make(mail, Some("shop@example.com")).err().map(|error| error.code);
        for bad in [
            "a@example.com\r\nBcc: b@example.com",
            "a@example.com\nX: y",
            "nobody",
            "a@b@c",
            "a <a@x.org",
            "grün@example.com",
        ] {
            assert_eq!(refused(&to(bad)).as_deref(), Some("bad_address"), "{bad}");
        }
        for subject in ["a\r\nBcc: b@example.com", "a\nb", "a\rb"] {
            assert_eq!(refused(&Mail { subject, ..to("a@example.com") }).as_deref(), Some("bad_request"));
        }
        let from = Mail { from: Some("a@x.org, b@x.org"), ..to("a@example.com") };
        assert_eq!(refused(&from).as_deref(), Some("bad_request"));
        let file = Attached { name: "a\"\r\nX: y".into(), content_type: "text/csv".into(), bytes: vec![] };
        assert_eq!(refused(&Mail { attachments: vec![file], ..to("a@example.com") }).as_deref(), Some("bad_request"));
        assert_eq!(refused(&Mail { to: vec![], ..to("") }).as_deref(), Some("bad_request"));
        assert_eq!(make(&to("a@example.com"), None).err().unwrap().code, "bad_request");
    }
}
