//! Having events delivered again: from which on.

use holon_model::wire::events::{ReplaySubscription, Subscription};
use holon_model::{Code, Problem};
use leptos::prelude::*;

use super::{api, strings};
use crate::ui::form::{field_error, refuse, rest_of};
use crate::ui::{Dialog, Field, Submit, about, problem_notice, send, strings as words};

/// The dialog; shown while a subscription is chosen.
#[component]
pub fn Replay(
    /// Which one.
    chosen: RwSignal<Option<Subscription>>,
    /// Told when it was set back.
    done: UnsyncCallback<()>,
) -> impl IntoView {
    let open = about(chosen);
    let title = Signal::derive(move || {
        let name = chosen.with(|chosen| chosen.as_ref().map(|chosen| chosen.flow_name.clone()));
        format!("{}: {}", strings::AGAIN, name.unwrap_or_default())
    });
    view! {
        <Dialog open title>
            {move || chosen.get().map(|subscription| form(&subscription, open, done))}
        </Dialog>
    }
}

fn form(subscription: &Subscription, open: RwSignal<bool>, done: UnsyncCallback<()>) -> AnyView {
    let (id, from) = (subscription.id, RwSignal::new(subscription.last.max(1).to_string()));
    let (pending, problem) = (RwSignal::new(false), RwSignal::new(None::<Problem>));
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let Some(from) = from.get_untracked().trim().parse::<i64>().ok().filter(|from| *from >= 1) else {
            let found = Problem::new(Code::ValidationFailed, String::new());
            return refuse(problem, found.with_field("/from", strings::NOT_A_POSITION));
        };
        send(api::replay(id, &ReplaySubscription { from: Some(from), since: None }), pending, problem, move |_| {
            open.try_set(false);
            done.run(());
        });
    };
    let shown = rest_of(problem, &["/from"]);
    view! {
        <form method="post" class="stack" novalidate=true on:submit=submit>
            <p>{strings::AGAIN_WHAT}</p>
            {move || shown.get().map(|problem| problem_notice(&problem))}
            <Field id="replay-from" label=strings::FROM value=from hint=strings::FROM_HINT focused=true error=field_error(problem, "/from")/>
            <div class="dialog-foot">
                <button type="button" class="button" on:click=move |_| open.set(false)>{words::CANCEL}</button>
                <Submit pending label=strings::AGAIN/>
            </div>
        </form>
    }
    .into_any()
}
