//! What came of a look, and of what it found.

use holon_model::wire::polls::{Found, Look};
use leptos::prelude::*;

use super::strings;
use crate::ui::status::status;
use crate::ui::words as marked;
use crate::ui::{ago, icon, keys, plain, sentence};

/// A look in a cell: what it came to, with the reason on it.
pub fn cell(last: Option<&Look>) -> AnyView {
    let Some(look) = last else { return view! { <span class="sub">{strings::NEVER}</span> }.into_any() };
    let (class, sign) = sign(look);
    view! { <span class=class title=look.reason.as_deref().map(plain)>{icon(sign)}{strings::outcome(look)}</span> }
        .into_any()
}

/// The colour and the icon of what a look came to.
fn sign(look: &Look) -> (&'static str, &'static str) {
    match look.outcome.as_str() {
        "failed" => ("status is-failed", "circle-x"),
        "held" => ("status is-waiting", "clock"),
        _ if look.refused > 0 => ("status is-failed", "circle-x"),
        _ if look.waiting > 0 => ("status is-waiting", "clock"),
        _ => ("status is-succeeded", "circle-check"),
    }
}

/// A look, told: what it came to, and what went wrong and where.
pub fn told(look: &Look) -> AnyView {
    let (class, sign) = sign(look);
    let listed =
        (look.outcome == "found").then(|| view! { <span class="sub">" · "{strings::listed(look.listed)}</span> });
    let reason = look.reason.as_deref().map(|reason| {
        let code = look.code.as_deref().map(|code| view! { " "<code class="muted small">{code.to_owned()}</code> });
        view! { <p>{marked(&sentence(reason))}{code}</p> }
    });
    let place = look.pointer.as_deref().filter(|pointer| !pointer.is_empty()).map(|pointer| {
        view! { <p class="muted">{strings::IN_CONFIG}" "<code>{pointer.to_owned()}</code></p> }
    });
    let pages = (!look.complete).then(|| view! { <p class="muted">{strings::MORE_PAGES}</p> });
    view! {
        <div class="stack">
            <p><span class=class>{icon(sign)}{strings::outcome(look)}</span>" "{ago(look.at)}{listed}</p>
            {reason}
            {place}
            {pages}
        </div>
    }
    .into_any()
}

/// What was new, newest first.
pub fn table(found: Vec<Found>) -> AnyView {
    if found.is_empty() {
        return view! { <p class="muted">{strings::NO_FOUND}</p> }.into_any();
    }
    let row = |found: Found| {
        let reason = found.reason.clone().unwrap_or_default();
        let result = match (found.run, found.run_status.as_deref()) {
            (Some(run), Some(run_status)) => {
                view! { <a href=format!("/runs/{run}")>{status(run_status)}</a> }.into_any()
            }
            (Some(run), None) => view! { <a href=format!("/runs/{run}")>{strings::state(&found.state)}</a> }.into_any(),
            (None, _) => {
                let class = if found.state == "refused" { "tag bad" } else { "tag" };
                view! { <span class=class>{strings::state(&found.state)}</span> }.into_any()
            }
        };
        view! {
            <tr>
                <td class="sub">{ago(found.at)}</td>
                <td>{result}</td>
                <td class="mono">{found.items}</td>
                <td class="sub wide" title=plain(&reason)>{marked(&reason)}</td>
            </tr>
        }
    };
    view! {
        <div class="table-box">
            <table class="data" on:keydown=move |event| keys::vertical(&event, "a")>
                <thead>
                    <tr>
                        <th scope="col" style="width:150px">{strings::AT}</th>
                        <th scope="col" style="width:160px">{strings::RESULT}</th>
                        <th scope="col" style="width:90px">{strings::ITEMS}</th>
                        <th scope="col" class="wide">{strings::REASON}</th>
                    </tr>
                </thead>
                <tbody>{found.into_iter().map(row).collect::<Vec<_>>()}</tbody>
            </table>
        </div>
    }
    .into_any()
}
