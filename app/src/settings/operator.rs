//! What only the operator decides: who may sign up, and invitations.

use holon_model::Problem;
use holon_model::wire::identity::{Settings, SignUpPolicy};
use leptos::prelude::*;

use super::strings;
use crate::identity::api;
use crate::ui::{code, icon, problem_notice, send, use_toasts};

const CHOICES: [(SignUpPolicy, &str, &str); 3] = [
    (SignUpPolicy::Open, strings::OPEN, strings::OPEN_WHAT),
    (SignUpPolicy::Invitation, strings::INVITATION, strings::INVITATION_WHAT),
    (SignUpPolicy::Closed, strings::CLOSED, strings::CLOSED_WHAT),
];

/// The operator's settings; a choice is saved at once and taken back when it is refused.
pub fn operator(settings: &Settings) -> AnyView {
    let policy = RwSignal::new(settings.sign_up);
    let (pending, problem, toasts) = (RwSignal::new(false), RwSignal::new(None::<Problem>), use_toasts());
    let saved = RwSignal::new(settings.sign_up);
    let save = move |sign_up: SignUpPolicy| {
        policy.set(sign_up);
        send(api::save_settings(&Settings { sign_up }), pending, problem, move |()| {
            saved.try_set(sign_up);
            toasts.good(strings::SAVED);
        });
    };
    Effect::new(move |_| {
        if problem.with(Option::is_some) {
            policy.set(saved.get_untracked());
        }
    });
    let choice = move |(value, title, what): (SignUpPolicy, &'static str, &'static str)| {
        view! {
            <label>
                <input
                    type="radio"
                    name="sign-up"
                    checked=policy.get_untracked() == value
                    prop:checked=move || policy.get() == value
                    on:change=move |_| save(value)
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
                    {code(link, "the link", true)}
                    <p class="muted small">{strings::COPY_LINK}</p>
                </div>
            })}
            <div><button type="button" class="button" disabled=move || pending.get() on:click=press>{icon("link")}{strings::INVITE}</button></div>
        </section>
    }
    .into_any()
}
