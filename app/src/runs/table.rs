//! The short table of runs, for the first page.

use holon_model::wire::runs::RunSummary;
use leptos::prelude::*;

use super::strings;
use crate::ui::time::took;
use crate::ui::{ago, keys, status};

/// Flow, status, when, how long.
pub fn short(rows: RwSignal<Vec<RunSummary>>) -> AnyView {
    view! {
        <table class="data" on:keydown=move |event| keys::vertical(&event, ".row-link")>
            <thead>
                <tr>
                    <th scope="col">{strings::FLOW}</th>
                    <th scope="col" style="width:130px">{strings::STATUS}</th>
                    <th scope="col" style="width:110px">{strings::STARTED}</th>
                    <th scope="col" class="end" style="width:100px">{strings::TOOK}</th>
                </tr>
            </thead>
            <tbody>
                <For each=move || rows.get() key=key children=|run| row(&run)/>
            </tbody>
        </table>
    }
    .into_any()
}

/// A row is made anew when what it shows changed.
pub(super) fn key(run: &RunSummary) -> (holon_model::RunId, String, bool) {
    (run.id, run.status.clone(), run.finished_at.is_some())
}

fn row(run: &RunSummary) -> AnyView {
    view! {
        <tr>
            <td title=run.flow_name.clone()>
                <a class="row-link" href=format!("/runs/{}", run.id)>{run.flow_name.clone()}</a>
                <span class="sub">{format!(" v{}", run.version)}</span>
            </td>
            <td>{status(&run.status)}</td>
            <td class="sub">{ago(run.started_at)}</td>
            <td class="sub end">{took(run.started_at, run.finished_at)}</td>
        </tr>
    }
    .into_any()
}
