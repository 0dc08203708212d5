//! The run drawer: problems, the sample that starts the preview, and what comes out of it.

mod catch;
mod input;
mod output;
mod problems;

pub(super) use problems::problem;

use holon_model::wire::flows::Severity;
use holon_studio::states::{self, Outcome};
use leptos::prelude::*;

use super::{
    store::{Tab, use_editor},
    strings,
};
use crate::ui::{format, icon, status, words};

/// The drawer at the bottom of the canvas.
#[component]
pub(super) fn Drawer() -> impl IntoView {
    let editor = use_editor();
    let errors = Memo::new(move |_| {
        editor
            .preview
            .with(|preview| preview.diagnostics.iter().filter(|found| found.severity == Severity::Error).count())
    });
    let warnings = Memo::new(move |_| editor.preview.with(|preview| preview.diagnostics.len()) - errors.get());
    let tab = move |tab: Tab, words: &'static str| {
        let press = move |_| editor.drawer.update(|open| *open = if *open == Some(tab) { None } else { Some(tab) });
        let count = move || {
            let (errors, warnings) = (errors.get(), warnings.get());
            (tab == Tab::Problems && errors + warnings > 0)
                .then(|| view! { <span class="count" class:bad=errors != 0>{errors + warnings}</span> })
        };
        view! {
            <button type="button" class="drawer-tab" aria-expanded=move || (editor.drawer.get() == Some(tab)).to_string() aria-controls="drawer" on:click=press>
                {words}{count}
            </button>
        }
        .into_any()
    };
    let state = move || {
        if let Some(trouble) = editor.trouble.get() {
            return view! {
                <span class="status is-failed">{icon("circle-x")}<span class="truncate">{words(&trouble)}</span></span>
                <button type="button" class="button ghost small" on:click=move |_| editor.again()>{strings::AGAIN}</button>
            }
            .into_any();
        }
        editor.preview.with(|preview| {
            let named = match states::outcome(preview) {
                Outcome::NotRun => return ().into_any(),
                Outcome::Nothing => return view! { <span class="muted">{strings::NOTHING_RUNS}</span> }.into_any(),
                Outcome::InPart => {
                    view! { <span class="status is-waiting">{icon("triangle-alert")}{strings::IN_PART}</span> }
                        .into_any()
                }
                Outcome::Ended(status) => status::status(status),
            };
            let time = format!("{}.{} ms", preview.micros / 1000, preview.micros % 1000 / 100);
            let nodes = format::count(preview.nodes.len() as u64, "node", "nodes");
            view! { {named}<span class="muted number drawer-time">{format!("{nodes} in {time}")}</span> }.into_any()
        })
    };
    view! {
        <section class="drawer" class:open=move || editor.drawer.with(Option::is_some) aria-label=strings::DRAWER>
            <div class="drawer-bar">
                {tab(Tab::Input, strings::SAMPLE_INPUT)}
                {tab(Tab::Output, strings::OUTPUT)}
                {tab(Tab::Problems, strings::PROBLEMS)}
                <span class="grow"></span>
                {state}
            </div>
            <div class="drawer-body" id="drawer" hidden=move || editor.drawer.with(Option::is_none)>
                {move || match editor.drawer.get() {
                    Some(Tab::Problems) => problems::problems(),
                    Some(Tab::Input) => input::input(),
                    Some(Tab::Output) => output::output(),
                    None => ().into_any(),
                }}
            </div>
        </section>
    }
    .into_any()
}
