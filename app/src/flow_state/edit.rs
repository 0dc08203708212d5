//! Setting what a flow keeps for a key.

use holon_model::{Code, FlowId, Problem, json};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{api, strings};
use crate::ui::field::Area;
use crate::ui::form::{field_error, refuse, rest_of};
use crate::ui::{Dialog, Field, Submit, about, problem_notice, send, strings as words};

/// What is being edited: a key that is there, or a new one.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Editing {
    key: RwSignal<String>,
    value: RwSignal<String>,
    known: bool,
    /// Why the value is not here.
    problem: RwSignal<Option<Problem>>,
}

impl Editing {
    /// A key that is there: its value is read anew.
    pub fn of(flow: FlowId, key: &str) -> Self {
        let editing = Self { key: RwSignal::new(key.to_owned()), known: true, ..Self::default() };
        let asked = api::read(flow, key);
        spawn_local(async move {
            match asked.await {
                Ok(entry) => {
                    let text = entry.value.as_ref().map(json::to_string_pretty).unwrap_or_default();
                    editing.value.try_set(text);
                }
                Err(problem) => _ = editing.problem.try_set(Some(problem)),
            }
        });
        editing
    }
}

/// The dialog; shown while there is something to edit.
#[component]
pub fn EditKey(
    /// Of which flow.
    flow: FlowId,
    /// What is edited.
    editing: RwSignal<Option<Editing>>,
    /// Told when it was saved.
    saved: UnsyncCallback<()>,
) -> impl IntoView {
    let open = about(editing);
    let title = Signal::derive(move || {
        let known = editing.with(|editing| editing.is_some_and(|editing| editing.known));
        if known { strings::CHANGE } else { strings::NEW }.to_owned()
    });
    view! {
        <Dialog open title wide=true>
            {move || editing.get().map(|editing| form(flow, editing, open, saved))}
        </Dialog>
    }
}

fn form(flow: FlowId, editing: Editing, open: RwSignal<bool>, saved: UnsyncCallback<()>) -> AnyView {
    let Editing { key, value, known, problem } = editing;
    let pending = RwSignal::new(false);
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let read = match json::parse(value.get_untracked().as_bytes()) {
            Ok(read) => read,
            Err(error) => {
                let found = Problem::new(Code::ValidationFailed, String::new());
                return refuse(problem, found.with_field("", format!("{} {error}", strings::NOT_JSON)));
            }
        };
        send(api::put(flow, &key.get_untracked(), &read), pending, problem, move |_| {
            open.try_set(false);
            saved.run(());
        });
    };
    let shown = rest_of(problem, &["", "/key"]);
    let name = if known {
        view! { <p><code>{move || key.get()}</code></p> }.into_any()
    } else {
        view! {
            <Field id="state-key" label=strings::KEY value=key hint=strings::KEY_HINT focused=true error=field_error(problem, "/key")/>
        }
        .into_any()
    };
    view! {
        <form method="post" class="stack" novalidate=true on:submit=submit>
            {move || shown.get().map(|problem| problem_notice(&problem))}
            {name}
            <Area id="state-value" label=strings::VALUE value hint=strings::VALUE_HINT error=field_error(problem, "")/>
            <div class="dialog-foot">
                <button type="button" class="button" on:click=move |_| open.set(false)>{words::CANCEL}</button>
                <Submit pending label=strings::SAVE/>
            </div>
        </form>
    }
    .into_any()
}
