//! The long table of runs: rows that open, are selected, and show what they can be found by.

use holon_model::wire::runs::RunSummary;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, KeyboardEvent, MouseEvent};

use super::picked::Picked;
use super::{marks, strings};
use crate::ui::time::took;
use crate::ui::{ago, keys, plain, sentence, status, words};

/// With everything a list knows.
pub fn long(rows: RwSignal<Vec<RunSummary>>, picked: Picked) -> AnyView {
    let marked = Memo::new(move |_| {
        rows.with(|rows| rows.iter().any(|run| !run.labels.is_empty() || run.correlation.is_some()))
    });
    let extent = Memo::new(move |_| picked.extent());
    view! {
        <table
            class="data runs"
            class:marked=marked
            hidden=move || rows.with(Vec::is_empty)
            on:keydown=move |event| {
                toggle(&event);
                keys::vertical(&event, ".row-link");
            }
        >
            <thead>
                <tr>
                    <th scope="col" class="pick">
                        <input
                            type="checkbox"
                            aria-label=strings::SELECT_ALL
                            title=strings::SELECT_ALL
                            prop:checked=move || extent.get().0
                            prop:indeterminate=move || extent.get() == (false, true)
                            on:change=move |event| if event_target_checked(&event) { picked.all() } else { picked.none() }
                        />
                    </th>
                    <th scope="col">{strings::FLOW}</th>
                    <th scope="col" style="width:130px">{strings::STATUS}</th>
                    <th scope="col">{strings::ERROR}</th>
                    <th scope="col" class="about">{strings::MARKS}</th>
                    <th scope="col" style="width:160px">{strings::TRIGGER}</th>
                    <th scope="col" style="width:110px">{strings::STARTED}</th>
                    <th scope="col" class="end" style="width:110px">{strings::TOOK}</th>
                </tr>
            </thead>
            <tbody>
                <For each=move || rows.get() key=super::table::key children=move |run| row(&run, picked)/>
            </tbody>
        </table>
    }
    .into_any()
}

fn row(run: &RunSummary, picked: Picked) -> AnyView {
    let id = run.id;
    let whole = run.error.clone().or(run.reason.clone()).unwrap_or_default();
    // What people look for is why; the code is for programs.
    let error = strings::for_people(strings::apart(&whole).1);
    let started = strings::started_by(run);
    let label = format!("{}: {} {}", strings::SELECT, run.flow_name, crate::ui::format::short_id(&id));
    let press = move |event: MouseEvent| picked.set(id, event_target_checked(&event), event.shift_key());
    view! {
        <tr class:picked=move || picked.has(id)>
            <td class="pick">
                <label class="above"><input type="checkbox" aria-label=label prop:checked=move || picked.has(id) on:click=press/></label>
            </td>
            <td title=run.flow_name.clone()>
                <a class="row-link" href=format!("/runs/{id}") aria-keyshortcuts="x">{run.flow_name.clone()}</a>
                <span class="sub">{format!(" v{}", run.version)}</span>
            </td>
            <td>{status(&run.status)}</td>
            <td class="sub why" class:none=error.is_empty() title=plain(&whole)>{words(&sentence(&error))}</td>
            <td class="about">{marks::tags(run)}</td>
            <td class="sub wide" title=started.clone()>{started.clone()}</td>
            <td class="sub">{ago(run.started_at)}</td>
            <td class="sub end">{took(run.started_at, run.finished_at)}</td>
        </tr>
    }
    .into_any()
}

/// `x` on a row selects it; with Shift the range to it.
fn toggle(event: &KeyboardEvent) {
    if !event.key().eq_ignore_ascii_case("x") || event.alt_key() || event.ctrl_key() || event.meta_key() {
        return;
    }
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let link = target.filter(|target| target.class_list().contains("row-link"));
    let row = link.and_then(|link| link.closest("tr").ok().flatten());
    let Some(input) = row.and_then(|row| row.query_selector("input[type=checkbox]").ok().flatten()) else { return };
    event.prevent_default();
    if let Ok(press) = shifted(event.shift_key()) {
        let _ = input.dispatch_event(&press);
    } else if let Ok(input) = input.dyn_into::<HtmlElement>() {
        input.click();
    }
}

/// A press with or without Shift.
fn shifted(shift: bool) -> Result<MouseEvent, wasm_bindgen::JsValue> {
    let options = web_sys::MouseEventInit::new();
    options.set_bubbles(true);
    options.set_cancelable(true);
    options.set_shift_key(shift);
    MouseEvent::new_with_mouse_event_init_dict("click", &options)
}
