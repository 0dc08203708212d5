//! The table of runs, long on its page and short on the first page.

use holon_model::wire::runs::RunSummary;
use leptos::prelude::*;

use super::strings;
use crate::ui::time::took;
use crate::ui::{ago, keys, plain, status, words};

/// With everything a list knows.
pub fn long(rows: RwSignal<Vec<RunSummary>>) -> AnyView {
    view! {
        <table class="data" hidden=move || rows.with(Vec::is_empty) on:keydown=move |event| keys::vertical(&event, ".row-link")>
            <thead>
                <tr>
                    <th scope="col">{strings::FLOW}</th>
                    <th scope="col" style="width:130px">{strings::STATUS}</th>
                    <th scope="col">{strings::ERROR}</th>
                    <th scope="col" style="width:110px">{strings::TRIGGER}</th>
                    <th scope="col" style="width:110px">{strings::STARTED}</th>
                    <th scope="col" class="end" style="width:110px">{strings::TOOK}</th>
                </tr>
            </thead>
            <tbody>
                <For each=move || rows.get() key=key children=|run| row(&run, true)/>
            </tbody>
        </table>
    }
    .into_any()
}

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
                <For each=move || rows.get() key=key children=|run| row(&run, false)/>
            </tbody>
        </table>
    }
    .into_any()
}

/// A row is made anew when what it shows changed.
fn key(run: &RunSummary) -> (holon_model::RunId, String, bool) {
    (run.id, run.status.clone(), run.finished_at.is_some())
}

fn row(run: &RunSummary, long: bool) -> AnyView {
    let error = run.error.clone().unwrap_or_default();
    let wide = long.then(|| {
        view! {
            <td class="sub wide" title=plain(&error)>{words(&error)}</td>
            <td class="sub wide">{strings::trigger(&run.trigger)}</td>
        }
    });
    view! {
        <tr>
            <td title=run.flow_name.clone()>
                <a class="row-link" href=format!("/runs/{}", run.id)>{run.flow_name.clone()}</a>
                <span class="sub">{format!(" v{}", run.version)}</span>
            </td>
            <td>{status(&run.status)}</td>
            {wide}
            <td class="sub">{ago(run.started_at)}</td>
            <td class="sub end">{took(run.started_at, run.finished_at)}</td>
        </tr>
    }
    .into_any()
}
