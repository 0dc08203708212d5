//! What can be done with a run: stop it or hold it while it is live, start it again when it is over.

use holon_model::Problem;
use holon_model::wire::runs::{RunAgain, Started};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::backtest::comparable;
use super::debugger::Stepper;
use super::live::LiveRun;
use super::{api, deeds, edited, strings};
use crate::ui::status::is_live;
use crate::ui::{
    Dialog, Menu, Submit, dom, icon, menu, menu_button, problem_notice, send, strings as words, use_toasts,
};

/// The buttons in a run's header.
pub fn actions(run: LiveRun, stepper: Stepper) -> AnyView {
    let (pending, problem) = (RwSignal::new(false), RwSignal::new(None::<Problem>));
    let (toasts, navigate) = (use_toasts(), use_navigate());
    Effect::new(move |_| {
        if let Some(problem) = problem.get() {
            toasts.bad(format!("{}. {}", problem.title, problem.detail));
        }
    });
    let (asking, editing, rerunning) = (RwSignal::new(None), RwSignal::new(false), RwSignal::new(false));
    let status = Memo::new(move |_| run.summary.with(|summary| summary.status.clone()));
    let live = Memo::new(move |_| status.with(|status| is_live(status)));
    Effect::new(move |before: Option<bool>| {
        let now = live.get();
        if before == Some(true) && !now {
            // The button that was pressed may be gone.
            request_animation_frame(|| dom::rescue_focus(".run-title h1"));
        }
        now
    });
    let walk = move || {
        let href = format!("/runs/{}?at=0", run.id);
        (!stepper.on.get())
            .then(|| view! { <a class="button" href=href>{icon("footprints")}{strings::STEP_THROUGH}</a> })
    };
    let go = StoredValue::new_local(move |started: Started| {
        navigate(&format!("/runs/{}", started.id), NavigateOptions::default());
    });
    let went = move |started: Started| _ = go.try_with_value(|go| go(started));
    let retry = move || send(api::retry(run.id), pending, problem, went);
    let again = move || rerunning.set(true);
    let resume = move || {
        send(api::resume(run.id), pending, problem, move |()| {
            toasts.good(strings::RESUMED);
            run.look_again();
        });
    };
    // Only a run that somebody paused is resumed: one that was parked cannot go on.
    let held = move || run.summary.with(|summary| summary.paused_by.is_some());
    let buttons = move || {
        let status = status.get();
        if !is_live(&status) {
            // Only what the server would take is offered, and the first of it is the one to press.
            let taken = run.retry.with(|retry| retry.as_ref().is_none_or(|retry| retry.taken));
            let words = retry_words(&status).filter(|_| taken);
            let class = if words.is_none() && status != "completed" { "button primary" } else { "button" };
            let retry = words.map(|words| button("rotate-ccw", words, "button primary", pending, retry));
            return view! { {retry}{button("play", strings::AGAIN, class, pending, again)} }.into_any();
        }
        let hold = match status.as_str() {
            "paused" => held().then(|| button("circle-play", strings::RESUME, "button primary", pending, resume)),
            _ => {
                Some(button("circle-pause", strings::PAUSE, "button", pending, move || asking.set(Some(&deeds::PAUSE))))
            }
        };
        let cancel = move || asking.set(Some(&deeds::CANCEL));
        // In an element of its own: what stops a run must not become what starts one, under the finger that pressed it.
        view! { <span class="held-together">{hold}{button("ban", strings::CANCEL, "button danger", pending, cancel)}</span> }
            .into_any()
    };
    let items = move || {
        let end = live.get().then(|| {
            let end = move || asking.set(Some(&deeds::TERMINATE));
            view! { <hr/>{menu::item("octagon-x", strings::TERMINATE, true, end)} }
        });
        let backtest = status.with(|status| comparable(status)).then(|| {
            let from = run.summary.with(|summary| format!("/flows/{}/backtest?run={}", summary.flow, summary.id));
            menu::link("flask-conical", strings::BACKTEST_FROM, from)
        });
        view! {
            {menu::link("pencil", strings::OPEN_FLOW, run.summary.with(|summary| format!("/flows/{}", summary.flow)))}
            {backtest}
            {menu::item("text-quote", strings::AGAIN_EDITED, false, move || editing.set(true))}
            {end}
        }
    };
    let name = run.summary.with_untracked(|summary| summary.flow_name.clone());
    view! {
        {walk}
        {buttons}
        {menu_button("run-menu", &name)}
        <Menu id="run-menu" label=name.clone()>{items}</Menu>
        {deeds::ask(run, asking)}
        {edited::again(run, editing, went)}
        {rerun(run, rerunning, went)}
    }
    .into_any()
}

/// Asks before all of it is done once more: what it calls is called for real.
fn rerun(run: LiveRun, open: RwSignal<bool>, went: impl Fn(Started) + Copy + Send + Sync + 'static) -> AnyView {
    let (pending, problem) = (RwSignal::new(false), RwSignal::new(None::<Problem>));
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        send(api::again(run.id, &RunAgain::default()), pending, problem, move |started| {
            open.try_set(false);
            went(started);
        });
    };
    view! {
        <Dialog open title=strings::AGAIN_ASK.to_owned()>
            <form method="post" class="stack" novalidate=true on:submit=submit>
                <p>{strings::AGAIN_WHAT}</p>
                {move || problem.get().map(|problem| problem_notice(&problem))}
                <div class="dialog-foot">
                    <button type="button" class="button" on:click=move |_| open.set(false)>{words::CANCEL}</button>
                    <Submit pending label=strings::AGAIN/>
                </div>
            </form>
        </Dialog>
    }
    .into_any()
}

fn button(
    glyph: &'static str,
    words: &'static str,
    class: &'static str,
    pending: RwSignal<bool>,
    act: impl Fn() + 'static,
) -> AnyView {
    view! {
        <button type="button" class=class disabled=move || pending.get() on:click=move |_| act()>
            {icon(glyph)}
            {words}
        </button>
    }
    .into_any()
}

/// What a retry does with a run that ended so, if there is anything that it could do.
fn retry_words(status: &str) -> Option<&'static str> {
    match status {
        // Both did all they were to do; a continued one goes on in another run.
        "completed" | "continued" => None,
        "failed" => Some(strings::RETRY),
        _ => Some(strings::RETRY_STOPPED),
    }
}
