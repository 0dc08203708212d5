//! Asking before something that cannot be undone.

use holon_model::Problem;
use leptos::prelude::*;

use super::{Dialog, Submit, problem_notice, strings};

/// A question with one answer that does it. `act` is asked to do it and to close the dialog when it is done.
#[component]
pub fn Confirm(
    /// Whether it is shown.
    open: RwSignal<bool>,
    /// The question.
    #[prop(into)]
    title: Signal<String>,
    /// What will happen.
    #[prop(into)]
    body: Signal<String>,
    /// The verb on the button.
    verb: &'static str,
    /// Whether it is being done.
    pending: RwSignal<bool>,
    /// Why it was not done.
    problem: RwSignal<Option<Problem>>,
    /// Does it.
    #[prop(into)]
    act: UnsyncCallback<()>,
) -> impl IntoView {
    Effect::new(move |_| {
        if !open.get() {
            problem.set(None);
        }
    });
    view! {
        <Dialog open title>
            <p>{body}</p>
            {move || problem.get().map(|problem| problem_notice(&problem))}
            <form
                method="post"
                class="dialog-foot"
                on:submit=move |event| {
                    event.prevent_default();
                    act.run(());
                }
            >
                <button type="button" class="button" on:click=move |_| open.set(false)>{strings::CANCEL}</button>
                <Submit pending danger=true label=verb/>
            </form>
        </Dialog>
    }
    .into_any()
}
