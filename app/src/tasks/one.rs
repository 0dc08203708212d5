//! One task: what it is about, its form, and the answers one can give. When somebody else answers meanwhile, it says so.

use holon_model::wire::tasks::{AnswerTask, Task};
use holon_model::{Code, Problem, RunId, Value};
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use super::strings::answerer;
use super::{api, fields, links, next, strings, undo};
use crate::frame::{Crumb, NotFound, bar, session_now};
use crate::ports::use_ports;
use crate::runs::follow::follow;
use crate::ui::form::show_mistake;
use crate::ui::format::short_id;
use crate::ui::{Json, ago, dom, icon, plain, problem_notice, send, skeleton, use_ready, use_toasts, words};

/// What the person who looks did about the task, across the readings of it.
#[derive(Debug, Clone, Copy)]
struct Mine {
    /// Whether it is read again because somebody here answered.
    answering: RwSignal<bool>,
    /// That somebody else was first.
    beaten: RwSignal<Option<Beaten>>,
}

/// Somebody else was first.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Beaten {
    /// This answer, in words, came second.
    Answer(String),
    /// No answer was sent from here yet.
    Looking,
}

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
    let mine = Mine { answering: RwSignal::new(false), beaten: RwSignal::new(None) };
    // Of another task nothing is known yet.
    Effect::new(move |before: Option<Option<(RunId, String)>>| {
        let now = asked.get();
        if before.is_some_and(|before| before != now) {
            mine.beaten.set(None);
        }
        now
    });
    view! {
        <Title text=strings::TASK/>
        <Transition fallback=move || view! { {bar(crumbs(), ())}<div class="content">{skeleton::table(6)}</div> }>
            {move || Suspend::new(async move {
                match task.await {
                    Ok(found) => page(found, listed, mine, move || task.refetch()),
                    Err(problem) if problem.code == Code::NotFound => view! { <NotFound/> }.into_any(),
                    Err(problem) => view! { {bar(crumbs(), ())}<div class="content">{problem_notice(&problem)}</div> }.into_any(),
                }
            })}
        </Transition>
    }
}

fn page(task: Task, listed: links::Listed, mine: Mine, again: impl Fn() + Copy + Send + Sync + 'static) -> AnyView {
    Effect::new(move |_| {
        if mine.answering.get_untracked() {
            mine.answering.set(false);
            // The button that was pressed is gone.
            request_animation_frame(|| dom::rescue_focus(".task-title"));
        }
    });
    let crumbs = vec![Crumb::to(strings::TASKS, "/tasks"), Crumb::here(plain(&task.title))];
    let people = task.assignees.join(", ");
    let open = task.state == "open";
    if open {
        watch(&task, mine, again);
    }
    let context = match task.kind == undo::COMPENSATION {
        true => Some(undo::about(&task)),
        false => (!task.context.is_null()).then(|| {
            view! { <Json id="task-context" title=strings::CONTEXT value=task.context.clone() unfolded=true/> }
                .into_any()
        }),
    };
    let due = task.due.map(|due| view! { <div><dt>{strings::DUE}</dt><dd>{ago(due)}</dd></div> });
    let linked = (open && task.kind == "approval").then(|| links::section(&task, listed));
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
                {if open { form(task, mine, again) } else { view! { {over(&task, mine)}{next::next(&task)} }.into_any() }}
                {linked}
            </div>
        </div>
    }
    .into_any()
}

/// Looks whether somebody else answers, as long as nobody here does.
fn watch(task: &Task, mine: Mine, again: impl Fn() + Copy + Send + Sync + 'static) {
    let (run, id, ports) = (task.run, task.id.clone(), StoredValue::new(use_ports()));
    let id = StoredValue::new(id);
    let read = move || {
        let Some(asked) =
            ports.try_with_value(|ports| id.try_with_value(|id| ports.tasks.get(run, id.clone()))).flatten()
        else {
            return;
        };
        spawn_local(async move {
            // Read again only when it is over: what was typed into the form would be gone.
            let over = asked.await.is_ok_and(|task| task.state != "open");
            if over && mine.answering.try_get_untracked() == Some(false) {
                mine.beaten.try_update(|beaten| *beaten = beaten.take().or(Some(Beaten::Looking)));
                again();
            }
        });
    };
    follow(|| None, read);
}

/// What became of it.
fn over(task: &Task, mine: Mine) -> AnyView {
    let choices = choices(&task.choices);
    let label = task.choice.as_ref().map(|chosen| {
        choices.iter().find(|(key, _)| key == chosen).map_or_else(|| chosen.clone(), |(_, label)| label.clone())
    });
    let by = answerer(task.answered_by.as_deref(), task.answered_by_name.as_deref());
    let told = strings::over(&task.state, label.as_deref(), by.as_deref());
    let filled = (!task.answer.is_null())
        .then(|| view! { <Json id="task-answer" title=strings::FILLED_IN value=task.answer.clone()/> });
    let when = task.ended_at.map(|at| view! { ", "{ago(at)} });
    // An answer of one's own that was kept for a while is nobody else's.
    let own = |by: &str| session_now().is_some_and(|session| session.person.id.to_string() == by);
    let beaten = mine
        .beaten
        .get_untracked()
        .filter(|beaten| *beaten != Beaten::Looking || !task.answered_by.as_deref().is_some_and(own));
    let class = if beaten.is_some() { "notice warn" } else { "notice" };
    let role = if beaten.is_some() { "alert" } else { "status" };
    let glyph = match (task.state.as_str(), &beaten) {
        (_, Some(_)) => "triangle-alert",
        ("answered", None) => "circle-check",
        _ => "circle-minus",
    };
    let title = match &beaten {
        Some(Beaten::Answer(mine)) => Some(strings::beaten(mine)),
        Some(Beaten::Looking) => Some(strings::WHILE_OPEN.to_owned()),
        None => None,
    };
    view! {
        <div class=class role=role>
            {icon(glyph)}
            {title.map(|title| view! { <span class="title">{title}</span> })}
            <span class="detail">{told}{when}"."</span>
        </div>
        {filled}
    }
    .into_any()
}

fn form(task: Task, mine: Mine, again: impl Fn() + Copy + Send + Sync + 'static) -> AnyView {
    let (ready, toasts) = (use_ready(), use_toasts());
    let (pending, problem) = (RwSignal::new(false), RwSignal::new(None::<Problem>));
    let hint = (task.kind == undo::COMPENSATION).then_some(strings::REASON_NEEDED);
    let (filled, drawn) = fields::fields(&task.form, hint, problem);
    let labels = StoredValue::new(choices(&task.choices));
    let sent = StoredValue::new(String::new());
    Effect::new(move |_| {
        // The first answer counts, and it was not this one: what became of the task is shown instead of the form.
        if problem.with(|problem| problem.as_ref().is_some_and(|problem| problem.code == Code::Conflict)) {
            let key = sent.get_value();
            let label =
                labels.with_value(|all| all.iter().find(|(known, _)| *known == key).map(|(_, label)| label.clone()));
            mine.beaten.set(Some(Beaten::Answer(label.unwrap_or(key))));
            mine.answering.set(true);
            again();
        }
    });
    let (run, id) = (task.run, StoredValue::new(task.id));
    let filled = StoredValue::new(filled);
    let answer = move |choice: String| {
        let Some(form) = filled.with_value(fields::Form::collected) else {
            return request_animation_frame(show_mistake);
        };
        sent.set_value(choice.clone());
        let body = AnswerTask { choice, form };
        let ask = id.with_value(|id| api::answer(run, id, &body));
        // Whoever looks meanwhile whether somebody else answered finds this answer.
        mine.answering.set(true);
        send(ask, pending, problem, move |kept| {
            toasts.good(if kept.is_some() { strings::KEPT } else { strings::ANSWERED });
            again();
        });
    };
    // An answer that was refused is none.
    Effect::new(move |_| {
        if problem.with(|problem| problem.as_ref().is_some_and(|problem| problem.code != Code::Conflict)) {
            mine.answering.set(false);
        }
    });
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
            {move || problem.get().filter(|problem| !filled.with_value(|form| form.tells(problem))).map(|problem| problem_notice(&problem))}
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
