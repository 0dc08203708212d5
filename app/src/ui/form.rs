//! Sending forms: one pending state, one problem, fields that know their own.

use std::borrow::Cow;

use holon_model::error::FieldError;
use holon_model::{Code, Problem};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{dom, strings};
use crate::ports::PortFuture;

/// Whether the page has been taken over by its script: until then nothing can be sent.
#[derive(Debug, Clone, Copy)]
pub struct Ready(pub Signal<bool>);

/// Whether the page is ready.
pub fn use_ready() -> Signal<bool> {
    use_context::<Ready>().map_or_else(|| Signal::stored(true), |ready| ready.0)
}

/// The button that sends a form: busy while it is sent, off until the page is ready.
#[component]
pub fn Submit(
    /// Whether it is being sent.
    pending: RwSignal<bool>,
    /// The verb.
    label: &'static str,
    /// Whether it destroys something.
    #[prop(optional)]
    danger: bool,
    /// As wide as the form.
    #[prop(optional)]
    block: bool,
) -> impl IntoView {
    let ready = use_ready();
    view! {
        <button
            type="submit"
            class="button primary"
            class:danger=danger
            class:block=block
            disabled=move || !ready.get() || pending.get()
            aria-busy=move || if pending.get() { "true" } else { "false" }
        >
            {move || pending.get().then(|| view! { <span class="spinner" aria-hidden="true"></span> })}
            {label}
        </button>
    }
    .into_any()
}

/// Sends what was asked for, tells `problem` why it failed, or goes on with `then`.
pub fn send<T: 'static>(
    ask: PortFuture<T>,
    pending: RwSignal<bool>,
    problem: RwSignal<Option<Problem>>,
    then: impl FnOnce(T) + 'static,
) {
    if pending.get_untracked() {
        return;
    }
    pending.set(true);
    problem.set(None);
    spawn_local(async move {
        let answer = ask.await;
        pending.try_set(false);
        match answer {
            Ok(value) => then(value),
            Err(error) => {
                problem.try_set(Some(error));
                // Drawn first. A long form may have scrolled away from what is wrong with it.
                request_animation_frame(show_mistake);
            }
        }
    });
}

/// Says what is wrong with a form before anything is sent, and leads to it.
pub fn refuse(problem: RwSignal<Option<Problem>>, found: Problem) {
    problem.set(Some(found));
    request_animation_frame(show_mistake);
}

/// The problem of a form of which these fields, by pointer, are to be filled in; nothing when none is blank.
pub fn missing(fields: &[(&str, bool)]) -> Option<Problem> {
    let blank = fields.iter().filter(|(_, blank)| *blank);
    let found = blank.fold(Problem::new(Code::ValidationFailed, strings::FILL_IN), |found, (pointer, _)| {
        found.with_field(*pointer, strings::FILL_IN)
    });
    (!found.errors.is_empty()).then_some(found)
}

/// Leads to the first field that is wrong, or to the notice.
pub(crate) fn show_mistake() {
    if !dom::try_focus("form [aria-invalid=true]") {
        dom::reveal("form .notice.bad");
    }
}

/// What the server said about the field at `pointer`, or about a part of it, such as one line of several.
pub fn field_error(
    problem: RwSignal<Option<Problem>>,
    pointer: impl Into<Cow<'static, str>>,
) -> Signal<Option<String>> {
    let pointer = pointer.into();
    Signal::derive(move || {
        problem.with(|problem| {
            let errors = &problem.as_ref()?.errors;
            errors.iter().find(|error| about(error, &pointer)).map(|error| error.detail.clone())
        })
    })
}

/// The problem, unless the fields at these pointers tell all of it.
pub fn rest_of(problem: RwSignal<Option<Problem>>, pointers: &'static [&'static str]) -> Signal<Option<Problem>> {
    Signal::derive(move || {
        problem.get().filter(|problem| {
            let told = |error: &FieldError| pointers.iter().any(|pointer| about(error, pointer));
            problem.errors.is_empty() || !problem.errors.iter().all(told)
        })
    })
}

fn about(error: &FieldError, pointer: &str) -> bool {
    error.pointer.strip_prefix(pointer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::missing;

    #[test]
    fn each_blank_field_is_told_and_a_filled_form_is_none_of_it() {
        let found = missing(&[("/email", true), ("/password", false)]).unwrap();
        assert_eq!(found.errors.iter().map(|error| error.pointer.as_str()).collect::<Vec<_>>(), ["/email"]);
        assert_eq!(missing(&[("/email", false)]), None);
    }
}
