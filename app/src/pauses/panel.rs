//! Whether runs begin, with the button that pauses and the one that lets them begin again. It is asked for in the browser: nobody
//! reads it before it can be pressed.

use holon_model::Problem;
use holon_model::wire::pauses::{Intake, PauseMode, PutPause};
use leptos::prelude::*;

use super::{Scope, api, strings};
use crate::ui::form::{field_error, rest_of};
use crate::ui::{Dialog, Field, Submit, ago, icon, problem_notice, send, use_ready, use_toasts};

/// The part of a page.
pub fn panel(scope: Scope) -> AnyView {
    let intake = RwSignal::new(None::<Intake>);
    let (pending, problem) = (RwSignal::new(false), RwSignal::new(None::<Problem>));
    let (ready, toasts, open) = (use_ready(), use_toasts(), RwSignal::new(false));
    let look = move || send(api::read(scope), pending, problem, move |now| _ = intake.try_set(Some(now)));
    Effect::new(move |_| {
        if ready.get() {
            look();
        }
    });
    let resume = move |_| {
        send(api::resume(scope), pending, problem, move |()| {
            toasts.good(strings::RESUMED);
            look();
        });
    };
    let shown = move || {
        let now = intake.get()?;
        let counts = strings::counts(&now);
        Some(match now.pause {
            None => view! {
                <p>{strings::open(scope)}" "<span class="sub">{counts}</span></p>
                <div><button type="button" class="button" disabled=move || pending.get() on:click=move |_| open.set(true)>{icon("circle-pause")}{strings::PAUSE}</button></div>
            }
            .into_any(),
            Some(pause) => {
                let why = (!pause.reason.is_empty()).then(|| view! { <p>{pause.reason.clone()}</p> });
                view! {
                    <p role="status">
                        <strong>{strings::shut(pause.mode)}</strong>" "
                        <span class="sub">{strings::BY}" "{pause.by.clone()}", "{ago(pause.since)}". "{counts}</span>
                    </p>
                    {why}
                    <div><button type="button" class="button primary" disabled=move || pending.get() on:click=resume>{icon("play")}{strings::GO_ON}</button></div>
                }
                .into_any()
            }
        })
    };
    view! {
        <section class="setting" aria-labelledby=strings::id(scope)>
            <h2 id=strings::id(scope)>{strings::title(scope)}</h2>
            {move || problem.get().map(|problem| problem_notice(&problem))}
            {shown}
        </section>
        {ask(scope, open, intake)}
    }
    .into_any()
}

/// The dialog: what will happen, how, and why it is to.
fn ask(scope: Scope, open: RwSignal<bool>, intake: RwSignal<Option<Intake>>) -> AnyView {
    let (pending, problem) = (RwSignal::new(false), RwSignal::new(None::<Problem>));
    let (mode, reason) = (RwSignal::new(PauseMode::Pause), RwSignal::new(String::new()));
    Effect::new(move |_| {
        if open.get() {
            problem.set(None);
            reason.set(String::new());
            mode.set(PauseMode::Pause);
        }
    });
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let body = PutPause { mode: mode.get_untracked(), reason: reason.get_untracked() };
        send(api::pause(scope, &body), pending, problem, move |now| {
            intake.try_set(Some(now));
            open.try_set(false);
        });
    };
    let choice = move |value: PauseMode, title: &'static str, what: &'static str| {
        view! {
            <label>
                <input type="radio" name="pause-mode" prop:checked=move || mode.get() == value on:change=move |_| mode.set(value)/>
                <span class="title">{title}</span>
                <span class="what">{what}</span>
            </label>
        }
        .into_any()
    };
    let shown = rest_of(problem, &["/reason"]);
    let title = Signal::stored(strings::ask(scope).to_owned());
    let form = move || {
        open.get().then(|| {
            view! {
                <form method="post" class="stack" novalidate=true on:submit=submit>
                    <p>{strings::WHAT}</p>
                    {move || shown.get().map(|problem| problem_notice(&problem))}
                    <div class="choices" role="radiogroup" aria-label=strings::CHOICE>
                        {choice(PauseMode::Pause, strings::PAUSE_CHOICE, strings::PAUSE_WHAT)}
                        {choice(PauseMode::Drain, strings::DRAIN, strings::DRAIN_WHAT)}
                    </div>
                    <Field id="pause-reason" label=strings::REASON value=reason optional=true hint=strings::REASON_HINT error=field_error(problem, "/reason")/>
                    <div class="dialog-foot">
                        <button type="button" class="button" on:click=move |_| open.set(false)>{strings::KEEP}</button>
                        <Submit pending label=strings::PAUSE/>
                    </div>
                </form>
            }
        })
    };
    view! { <Dialog open title>{form}</Dialog> }.into_any()
}
