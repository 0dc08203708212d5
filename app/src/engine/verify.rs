//! The log hash of a run, computed again in this browser from its journal.

use holon_model::wire::runs::JournalRow;
use holon_model::{RunId, Value};
use holon_studio::worker::{Ask, VerifyReply};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{ask, strings};
use crate::{
    ports::use_ports,
    ui::{icon, words as words_of},
};

/// What came out.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Check {
    /// Not finished.
    Working,
    /// The hash is the same.
    Confirmed { rows: u32 },
    /// It is another, and where it begins to differ.
    Different { seq: i64, why: String },
    /// It could not be checked.
    Unknown(String),
}

/// The hash and whether this browser computes the same one. Give it a `run` that is over, or any: it checks what is journaled.
#[component]
pub fn LogHash(
    /// The run.
    run: RunId,
    /// The definition that ran.
    definition: Value,
    /// The hash as the server says it; checked again when it changes.
    #[prop(into)]
    log_hash: Signal<String>,
) -> impl IntoView {
    let check = RwSignal::new(Check::Working);
    let definition = StoredValue::new(definition);
    let ports = StoredValue::new(use_ports());
    Effect::new(move |_| {
        let expected = log_hash.get();
        check.set(Check::Working);
        spawn_local(async move {
            let Some((ports, definition)) = ports.try_get_value().zip(definition.try_get_value()) else { return };
            let found = match journal(&ports, run).await {
                Ok(journal) => verify(definition, journal, &expected).await,
                Err(reason) => Check::Unknown(reason),
            };
            check.try_set(found);
        });
    });
    view! {
        <section class="log-hash" aria-label=strings::HASH>
            <code class="truncate" title=log_hash>{log_hash}</code>
            <span role="status">{move || verdict(&check.get())}</span>
        </section>
    }
    .into_any()
}

fn verdict(check: &Check) -> AnyView {
    let (class, glyph, words) = match check {
        Check::Working => ("status is-running", "loader-circle", strings::WORKING.to_owned()),
        Check::Confirmed { rows } => ("status is-succeeded", "circle-check", strings::confirmed(*rows)),
        Check::Different { seq, why } => ("status is-failed", "circle-x", strings::differs(*seq, why)),
        Check::Unknown(why) => ("status is-none", "circle-minus", strings::not_checked(why)),
    };
    view! { <span class=class>{icon(glyph)}<span>{words_of(&words)}</span></span> }.into_any()
}

/// The whole journal, page by page.
async fn journal(ports: &crate::ports::Ports, run: RunId) -> Result<Vec<JournalRow>, String> {
    let mut rows = Vec::new();
    let mut cursor = None;
    loop {
        let page = ports.runs.journal(run, cursor).await.map_err(|problem| problem.detail)?;
        rows.extend(page.data);
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(rows);
        }
    }
}

async fn verify(definition: Value, journal: Vec<JournalRow>, expected: &str) -> Check {
    let last = journal.last().map(|row| (row.seq, row.log_hash.clone()));
    match ask::<VerifyReply>(Ask::Verify { definition, journal }).await {
        Err(error) => Check::Unknown(error.to_string()),
        Ok(VerifyReply { first_difference: Some((seq, why)), .. }) => Check::Different { seq, why },
        // A live run goes on while its journal is read: then its last row is what counts.
        Ok(reply) if reply.log_hash == expected || last.as_ref().is_some_and(|(_, hash)| *hash == reply.log_hash) => {
            Check::Confirmed { rows: reply.rows }
        }
        Ok(reply) => Check::Different { seq: last.map_or(0, |(seq, _)| seq), why: strings::computes(&reply.log_hash) },
    }
}
