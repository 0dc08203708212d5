//! Running again with another input: JSON in a text field, with mistakes told by line and column.

use holon_model::wire::runs::{RunAgain, Started};
use holon_model::{Problem, json};
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlTextAreaElement;

use super::live::LiveRun;
use super::{api, strings};
use crate::ui::{Dialog, Submit, icon, problem_notice, send, words};

/// The dialog; `went` is told which run was started.
pub fn again(run: LiveRun, open: RwSignal<bool>, went: impl Fn(Started) + Copy + Send + Sync + 'static) -> AnyView {
    let (pending, problem) = (RwSignal::new(false), RwSignal::new(None::<Problem>));
    let text = RwSignal::new(String::new());
    Effect::new(move |_| {
        if open.get() {
            problem.set(None);
            text.set(run.input.with_value(json::to_string_pretty));
        }
    });
    let read = Memo::new(move |_| text.with(|text| json::parse(text.as_bytes())));
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        match read.get_untracked() {
            Ok(input) => {
                send(api::again(run.id, &RunAgain { input: Some(input) }), pending, problem, move |started| {
                    open.try_set(false);
                    went(started);
                });
            }
            Err(error) => mark(text, error.offset),
        }
    };
    view! {
        <Dialog open title=strings::AGAIN_EDITED.to_owned() wide=true>
            <form method="post" class="stack" novalidate=true on:submit=submit>
                <p class="muted">{strings::AGAIN_EDITED_WHAT}</p>
                {move || problem.get().map(|problem| problem_notice(&problem))}
                <div class="field">
                    <label for="again-input">{strings::INPUT}</label>
                    <textarea
                        id="again-input"
                        class="input mono json-edit"
                        rows="14"
                        spellcheck="false"
                        autocomplete="off"
                        aria-invalid=move || read.with(Result::is_err).to_string()
                        aria-describedby="again-input-error"
                        prop:value=text
                        on:input=move |event| text.set(event_target_value(&event))
                    ></textarea>
                    <div id="again-input-error" aria-live="polite" class="error-slot">
                        {move || read.get().err().map(|error| view! {
                            <p class="error">
                                {icon("circle-alert")}
                                <span>{words(&error.to_string())}</span>
                                <button type="button" class="button ghost small" on:click=move |_| mark(text, error.offset)>{strings::GO_THERE}</button>
                            </p>
                        })}
                    </div>
                </div>
                <div class="dialog-foot">
                    <button type="button" class="button" on:click=move |_| open.set(false)>{crate::ui::strings::CANCEL}</button>
                    <Submit pending label=strings::AGAIN/>
                </div>
            </form>
        </Dialog>
    }
    .into_any()
}

/// Puts the cursor to where the text is wrong. Fields count in UTF-16.
fn mark(text: RwSignal<String>, offset: u64) {
    let found = crate::ui::dom::document().and_then(|document| document.get_element_by_id("again-input"));
    let Some(area) = found.and_then(|element| element.dyn_into::<HtmlTextAreaElement>().ok()) else { return };
    let at = text.with_untracked(|text| {
        let end = usize::try_from(offset).unwrap_or(usize::MAX).min(text.len());
        text.get(..end).unwrap_or(text).encode_utf16().count()
    });
    let at = u32::try_from(at).unwrap_or(u32::MAX);
    let _ = area.focus();
    let _ = area.set_selection_range(at, at.saturating_add(1));
}
