//! What only the operator decides: who may sign up, and invitations.

use holon_model::Problem;
use holon_model::wire::identity::{Settings, SignUpPolicy};
use leptos::prelude::*;

use super::strings;
use crate::identity::api;
use crate::ui::{code, icon, problem_notice, send, use_ready, use_toasts};

const CHOICES: [(SignUpPolicy, &str, &str); 3] = [
    (SignUpPolicy::Open, strings::OPEN, strings::OPEN_WHAT),
    (SignUpPolicy::Invitation, strings::INVITATION, strings::INVITATION_WHAT),
    (SignUpPolicy::Closed, strings::CLOSED, strings::CLOSED_WHAT),
];

/// The operator's settings; a choice is saved at once and taken back when it is refused.
pub fn operator(settings: &Settings) -> AnyView {
    let policy = RwSignal::new(settings.sign_up);
    let (pending, problem, toasts) = (RwSignal::new(false), RwSignal::new(None::<Problem>), use_toasts());
    let ready = use_ready();
    let saved = RwSignal::new(settings.sign_up);
    // One choice is sent at a time; what is chosen meanwhile is sent after it, so that page and server end with the same.
    Effect::new(move |_| {
        let (busy, chosen) = (pending.get(), policy.get());
        if busy || chosen == saved.get_untracked() || problem.with_untracked(Option::is_some) {
            return;
        }
        send(api::save_settings(&Settings { sign_up: chosen }), pending, problem, move |()| {
            saved.try_set(chosen);
            toasts.good(strings::SAVED);
        });
    });
    Effect::new(move |_| {
        if problem.with(Option::is_some) {
            policy.set(saved.get_untracked());
        }
    });
    let choose = move |value: SignUpPolicy| {
        problem.set(None);
        policy.set(value);
    };
    let choice = move |(value, title, what): (SignUpPolicy, &'static str, &'static str)| {
        view! {
            <label>
                <input
                    type="radio"
                    name="sign-up"
                    checked=policy.get_untracked() == value
                    prop:checked=move || policy.get() == value
                    disabled=move || !ready.get()
                    on:change=move |_| choose(value)
                />
                <span class="title">{title}</span>
                <span class="what">{what}</span>
            </label>
        }
        .into_any()
    };
    view! {
        <section class="setting" aria-labelledby="sign-up">
            <h2 id="sign-up">{strings::SIGN_UP}</h2>
            <p>{strings::SIGN_UP_WHAT}</p>
            {move || problem.get().map(|problem| problem_notice(&problem))}
            <div class="choices" role="radiogroup" aria-labelledby="sign-up">
                {CHOICES.into_iter().map(choice).collect::<Vec<_>>()}
            </div>
        </section>
        {move || (policy.get() == SignUpPolicy::Invitation).then(invitations)}
    }
    .into_any()
}

fn invitations() -> AnyView {
    let link = RwSignal::new(None::<String>);
    let (pending, problem) = (RwSignal::new(false), RwSignal::new(None::<Problem>));
    let press = move |_| send(api::invite(), pending, problem, move |made| _ = link.try_set(Some(made.url)));
    view! {
        <section class="setting" aria-labelledby="invitations">
            <h2 id="invitations">{strings::INVITE_TITLE}</h2>
            <p>{strings::INVITE_WHAT}</p>
            {move || problem.get().map(|problem| problem_notice(&problem))}
            {move || link.get().map(|link| view! {
                <div class="stack tight">
                    {code(link, strings::THE_LINK, true)}
                    <p class="muted small">{strings::COPY_LINK}</p>
                </div>
            })}
            <div><button type="button" class="button" disabled=move || pending.get() on:click=press>{icon("link")}{strings::INVITE}</button></div>
        </section>
    }
    .into_any()
}
