//! A flow as a document: commands change it on the revision that they were made on, all of them or none.

use crate::{Command, CommandError, apply_all};
use holon_flow::Definition;
use holon_model::document::{Document, Made, Refused};
use holon_model::{FlowId, PersonId, Timestamp};

/// A flow as people edit it.
pub type FlowDocument = Document<FlowId, Definition>;

/// Applies commands in order. The history names them.
///
/// # Errors
/// When the document is at another revision by now, or a command does not fit ([`CommandError::At`]); nothing changed then.
pub fn edit(
    document: &mut FlowDocument,
    base: i64,
    commands: &[Command],
    at: Timestamp,
    by: Option<PersonId>,
) -> Result<(), Refused<CommandError>> {
    let made = Made { at, by, summary: summary(commands) };
    document.change(base, made, |document| {
        apply_all(&mut document.body, commands)?;
        document.name.clone_from(&document.body.name);
        Ok(())
    })
}

/// The history's line: the first command's name, and how many more.
pub fn summary(commands: &[Command]) -> String {
    match commands {
        [] => "nothing".into(),
        [one] => one.label(),
        [first, rest @ ..] => format!("{} and {} more", first.label(), rest.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use holon_model::document::DocumentKind;

    #[test]
    fn commands_change_the_document_all_or_none_and_its_history_names_them() {
        let id: FlowId = "flow_01900000000070008000000000000001".parse().unwrap();
        let made = Made { at: Timestamp(1), by: None, summary: "Created".into() };
        let mut document = Document::new(id, DocumentKind::Flow, "", Definition::default(), made);
        let name = |name: &str| Command::SetName { name: name.into() };
        let missing = Command::SetNote { at: crate::GraphPath::root(), key: "gone".into(), note: "x".into() };
        let half = edit(&mut document, 1, &[name("Orders"), missing], Timestamp(2), None);
        assert!(matches!(half, Err(Refused::Change(CommandError::At { index: 1, .. }))), "{half:?}");
        assert_eq!((document.revision, &*document.name, &*document.body.name), (1, "", ""));
        edit(&mut document, 1, &[name("Orders"), name("Bills")], Timestamp(2), None).unwrap();
        assert_eq!((document.revision, &*document.name, &*document.body.name), (2, "Bills", "Bills"));
        assert_eq!(document.history[0].summary, "name and 1 more");
        let late = edit(&mut document, 1, &[name("Late")], Timestamp(3), None);
        assert_eq!(late, Err(Refused::Stale { base: 1, present: 2 }));
    }
}
