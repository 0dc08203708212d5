//! One task: what it is about, its form, and the answers one can give.

use holon_model::wire::tasks::{AnswerTask, Task};
use holon_model::{Code, Problem, RunId, Value};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use super::{api, fields, links, strings};
use crate::frame::{Crumb, NotFound, bar};
use crate::ports::use_ports;
use crate::ui::form::show_mistake;
use crate::ui::format::short_id;
use crate::ui::{Json, ago, dom, icon, plain, problem_notice, send, skeleton, use_ready, use_toasts, words};

/// `/tasks/{run}/{task}`
#[component]
pub fn TaskPage() -> impl IntoView {
    let (ports, params) = (use_ports(), use_params_map());
    let asked = Memo::new(move |_| {
        params.with(|params| Some((params.get("run")?.parse::<RunId>().ok()?, params.get("task")?)))
    });
    let listed = Resource::new(move || asked.get(), {
        let ports = ports.clone();
        move |asked: Option<(RunId, String)>| {
            let ports = ports.clone();
            async move {
                let (run, task) = asked.ok_or_else(|| Problem::new(Code::NotFound, ""))?;
                ports.tasks.links(run, task).await
            }
        }
    });
    let task = Resource::new(
        move || asked.get(),
        move |asked| {
            let ports = ports.clone();
            async move {
                let (run, task) = asked.ok_or_else(|| Problem::new(Code::NotFound, ""))?;
                ports.tasks.get(run, task).await
            }
        },
    );
    let crumbs = || vec![Crumb::to(strings::TASKS, "/tasks")];
    let answering = RwSignal::new(false);
    view! {
        <Title text=strings::TASK/>
        <Transition fallback=move || view! { {bar(crumbs(), ())}<div class="content">{skeleton::table(6)}</div> }>
            {move || Suspend::new(async move {
                match task.await {
                    Ok(found) => page(found, listed, answering, move || task.refetch()),
                    Err(problem) if problem.code == Code::NotFound => view! { <NotFound/> }.into_any(),
                    Err(problem) => view! { {bar(crumbs(), ())}<div class="content">{problem_notice(&problem)}</div> }.into_any(),
                }
            })}
        </Transition>
    }
}

/// `answering` is whether the page is read again because somebody here answered.
fn page(
    task: Task,
    listed: links::Listed,
    answering: RwSignal<bool>,
    again: impl Fn() + Copy + Send + Sync + 'static,
) -> AnyView {
    Effect::new(move |_| {
        if answering.get_untracked() {
            answering.set(false);
            // The button that was pressed is gone.
            request_animation_frame(|| dom::rescue_focus(".task-title"));
        }
    });
    let crumbs = vec![Crumb::to(strings::TASKS, "/tasks"), Crumb::here(plain(&task.title))];
    let people = task.assignees.join(", ");
    let context = (!task.context.is_null())
        .then(|| view! { <Json id="task-context" title=strings::CONTEXT value=task.context.clone()/> });
    let due = task.due.map(|due| view! { <div><dt>{strings::DUE}</dt><dd>{ago(due)}</dd></div> });
    let linked = (task.state == "open" && task.kind == "approval").then(|| links::section(&task, listed));
    let whom = (!people.is_empty()).then(|| view! { <div><dt>{strings::FOR}</dt><dd>{people}</dd></div> });
    view! {
        {bar(crumbs, ())}
        <div class="content">
            <div class="page-head"><h1 tabindex="-1" class="task-title">{words(&task.title)}</h1></div>
            <dl class="facts">
                <div><dt>{strings::FLOW}</dt><dd><a href=format!("/flows/{}", task.flow)>{task.flow_name.clone()}</a></dd></div>
                <div><dt>{strings::RUN}</dt><dd><a href=format!("/runs/{}", task.run)>{short_id(&task.run)}</a></dd></div>
                <div><dt>{strings::ASKED}</dt><dd>{ago(task.opened_at)}</dd></div>
                {due}
                {whom}
            </dl>
            <div class="stack task-body">
                {context}
                {if task.state == "open" { form(task, answering, again) } else { over(&task) }}
                {linked}
            </div>
        </div>
    }
    .into_any()
}

/// What became of it.
fn over(task: &Task) -> AnyView {
    let choices = choices(&task.choices);
    let label = task.choice.as_ref().map(|chosen| {
        choices.iter().find(|(key, _)| key == chosen).map_or_else(|| chosen.clone(), |(_, label)| label.clone())
    });
    let told = strings::over(&task.state, label.as_deref(), task.answered_by.as_deref());
    let filled = (!task.answer.is_null())
        .then(|| view! { <Json id="task-answer" title=strings::FILLED_IN value=task.answer.clone()/> });
    let when = task.ended_at.map(|at| view! { ", "{ago(at)} });
    view! {
        <div class="notice" role="status">
            {icon(if task.state == "answered" { "circle-check" } else { "circle-minus" })}
            <span class="detail">{told}{when}"."</span>
        </div>
        {filled}
    }
    .into_any()
}

fn form(task: Task, answering: RwSignal<bool>, again: impl Fn() + Copy + Send + Sync + 'static) -> AnyView {
    let (ready, toasts) = (use_ready(), use_toasts());
    let (pending, problem) = (RwSignal::new(false), RwSignal::new(None::<Problem>));
    let (filled, drawn) = fields::fields(&task.form, problem);
    Effect::new(move |_| {
        // The first answer counts, and it was not this one: what became of the task is shown instead of the form.
        if let Some(found) = problem.get().filter(|problem| problem.code == Code::Conflict) {
            toasts.bad(format!("{} {}", found.detail, strings::NOT_TAKEN));
            answering.set(true);
            again();
        }
    });
    let (run, id) = (task.run, StoredValue::new(task.id));
    let filled = StoredValue::new(filled);
    let answer = move |choice: String| {
        let Some(form) = filled.with_value(fields::Form::collected) else {
            return request_animation_frame(show_mistake);
        };
        let body = AnswerTask { choice, form };
        let ask = id.with_value(|id| api::answer(run, id, &body));
        send(ask, pending, problem, move |()| {
            toasts.good(strings::ANSWERED);
            answering.set(true);
            again();
        });
    };
    let button = move |(at, (key, label)): (usize, (String, String))| {
        let press = move |_| answer(key.clone());
        view! {
            <button type="button" class="button" class:primary=at == 0 disabled=move || !ready.get() || pending.get() on:click=press>
                {label}
            </button>
        }
        .into_any()
    };
    view! {
        <form class="stack" novalidate=true aria-label=strings::ANSWER on:submit=|event| event.prevent_default()>
            {drawn}
            {move || problem.get().map(|problem| problem_notice(&problem))}
            <div class="actions">{choices(&task.choices).into_iter().enumerate().map(button).collect::<Vec<_>>()}</div>
        </form>
    }
    .into_any()
}

/// Keys and words of what can be answered.
fn choices(listed: &Value) -> Vec<(String, String)> {
    let text = |choice: &Value, member: &str| choice.get(member).and_then(Value::as_str).map(str::to_owned);
    let read = |choice: &Value| {
        let key = text(choice, "key")?;
        Some((key.clone(), text(choice, "label").filter(|label| !label.is_empty()).unwrap_or(key)))
    };
    listed.as_list().unwrap_or_default().iter().filter_map(read).collect()
}
