//! One poll: its last look, what it found, looking now and forgetting.

use holon_model::wire::polls::Poll;
use holon_model::{Code, PollId, Problem};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use super::{api, result, strings};
use crate::frame::{Crumb, NotFound, bar};
use crate::ports::use_ports;
use crate::runs::follow::follow;
use crate::schedules::strings::SCHEDULES;
use crate::ui::{Confirm, ago, format, icon, problem_notice, send, skeleton, use_ready, use_toasts};

/// `/polls/{id}`
#[component]
pub fn PollPage() -> impl IntoView {
    let (ports, params) = (use_ports(), use_params_map());
    let id = Memo::new(move |_| params.with(|params| params.get("id")).and_then(|id| id.parse::<PollId>().ok()));
    let poll = Resource::new(
        move || id.get(),
        move |id| {
            let ports = ports.clone();
            async move {
                let id = id.ok_or_else(|| Problem::new(Code::NotFound, ""))?;
                ports.polls.get(id).await
            }
        },
    );
    // Outside of what is drawn anew with each look.
    let forgetting = RwSignal::new(false);
    let crumbs = || vec![Crumb::to(SCHEDULES, "/schedules")];
    view! {
        <Title text=strings::POLL/>
        <Transition fallback=move || view! { {bar(crumbs(), ())}<div class="content">{skeleton::table(6)}</div> }>
            {move || Suspend::new(async move {
                match poll.await {
                    Ok(found) => page(found, forgetting, move || poll.refetch()),
                    Err(problem) if problem.code == Code::NotFound => view! { <NotFound/> }.into_any(),
                    Err(problem) => view! { {bar(crumbs(), ())}<div class="content">{problem_notice(&problem)}</div> }.into_any(),
                }
            })}
        </Transition>
        {forget(id, forgetting, move || poll.refetch())}
    }
}

fn page(poll: Poll, forgetting: RwSignal<bool>, again: impl Fn() + Copy + Send + Sync + 'static) -> AnyView {
    let Poll { summary, cursor, seen, found } = poll;
    let (due, ready) = (summary.next_at, use_ready());
    follow(move || Some(due), again);
    let crumbs = vec![Crumb::to(SCHEDULES, "/schedules"), Crumb::here(summary.flow_name.clone())];
    let flow = format!("/flows/{}", summary.flow);
    let next = if summary.looking { view! { {strings::LOOKING} }.into_any() } else { ago(summary.next_at).into_any() };
    let failing = summary.failing_since.map(|since| {
        view! { <div><dt>{strings::FAILING_SINCE}</dt><dd>{ago(since)}" · "{strings::failures(summary.failures)}</dd></div> }
    });
    let last = match &summary.last {
        Some(look) => result::told(look),
        None => view! { <p class="muted">{strings::NEVER}</p> }.into_any(),
    };
    let kept = if cursor.is_null() {
        view! { {strings::NONE} }.into_any()
    } else {
        view! { <code class="poll-cursor">{cursor.to_json()}</code> }.into_any()
    };
    view! {
        {bar(crumbs, ())}
        <div class="content">
            <div class="page-head">
                <h1>{summary.flow_name.clone()}</h1>
                <div class="actions">
                    <button type="button" class="button" disabled=move || !ready.get() on:click=move |_| forgetting.set(true)>
                        {icon("rotate-ccw")}{strings::FORGET}
                    </button>
                    {look(summary.id, again)}
                </div>
            </div>
            <dl class="facts">
                <div><dt>{strings::EVERY}</dt><dd>{strings::every(summary.every)}</dd></div>
                <div><dt>{strings::NEXT}</dt><dd>{next}</dd></div>
                {failing}
                <div><dt>{strings::FLOW}</dt><dd><a href=flow>{format!("{} · {}", summary.flow_name, summary.node)}</a></dd></div>
                <div><dt>{strings::VERSION}</dt><dd>{format!("v{}", summary.version)}</dd></div>
                <div><dt>{strings::SEEN}</dt><dd>{format::count(seen, "item", "items")}</dd></div>
                <div><dt>{strings::CURSOR}</dt><dd>{kept}</dd></div>
            </dl>
            <section class="stack schedule-part" aria-labelledby="last-look">
                <h2 id="last-look">{strings::LAST}</h2>
                {last}
                {summary.failing_since.map(|_| view! { <p class="muted">{strings::LESS_OFTEN}</p> })}
            </section>
            <section class="stack schedule-part" aria-labelledby="found">
                <h2 id="found">{strings::STARTED}</h2>
                {result::table(found)}
            </section>
        </div>
    }
    .into_any()
}

fn look(id: PollId, again: impl Fn() + Copy + 'static) -> AnyView {
    let (ready, toasts) = (use_ready(), use_toasts());
    let (pending, problem) = (RwSignal::new(false), RwSignal::new(None::<Problem>));
    Effect::new(move |_| {
        if let Some(problem) = problem.get() {
            toasts.bad(problem.detail);
        }
    });
    let press = move |_| send(api::look(id), pending, problem, move |_| again());
    view! {
        <button type="button" class="button primary" disabled=move || !ready.get() || pending.get() on:click=press>
            {icon("search")}{strings::LOOK}
        </button>
    }
    .into_any()
}

/// The question before everything is forgotten.
fn forget(id: Memo<Option<PollId>>, open: RwSignal<bool>, again: impl Fn() + Copy + 'static) -> AnyView {
    let toasts = use_toasts();
    let (pending, problem) = (RwSignal::new(false), RwSignal::new(None::<Problem>));
    let act = UnsyncCallback::new(move |()| {
        let Some(id) = id.get_untracked() else { return };
        send(api::forget(id), pending, problem, move |_| {
            open.try_set(false);
            toasts.good(strings::FORGOTTEN);
            again();
        });
    });
    let (title, body) = (strings::FORGET_ASK.to_owned(), strings::FORGET_WHAT.to_owned());
    view! { <Confirm open title body verb=strings::FORGET_VERB pending problem act/> }.into_any()
}
