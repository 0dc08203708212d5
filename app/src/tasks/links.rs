//! Links to an approval: who was given one, making one, taking one back.

use holon_model::wire::Page;
use holon_model::wire::links::{Link, MakeLink};
use holon_model::wire::tasks::Task;
use holon_model::{Problem, RunId, Value};
use leptos::prelude::*;

use super::{api, strings};
use crate::ui::form::{field_error, rest_of};
use crate::ui::select::select;
use crate::ui::{
    Confirm, Dialog, Field, Submit, about, ago, code, focus_inside, icon, problem_notice, send, strings as words,
};

/// The links to a task, as they are read.
pub(super) type Listed = Resource<Result<Page<Link>, Problem>>;

/// The section of a task that is open: its links, without their addresses.
pub(super) fn section(task: &Task, all: Listed) -> AnyView {
    let (run, id) = (task.run, StoredValue::new(task.id.clone()));
    let (making, doomed) = (RwSignal::new(false), RwSignal::new(None::<Link>));
    view! {
        <section class="stack tight" aria-labelledby="task-links">
            <div class="section-head">
                <h2 id="task-links">{strings::LINKS}</h2>
                <span class="end">
                    <button type="button" class="button small" on:click=move |_| making.set(true)>{icon("link")}{strings::NEW_LINK}</button>
                </span>
            </div>
            <p class="muted small">{strings::LINKS_WHAT}</p>
            <Transition>
                {move || Suspend::new(async move {
                    match all.await {
                        Ok(page) if page.data.is_empty() => ().into_any(),
                        Ok(page) => table(page.data, doomed),
                        Err(problem) => problem_notice(&problem),
                    }
                })}
            </Transition>
            {make(making, run, id, move || all.refetch())}
            {revoke(doomed, run, id, move || all.refetch())}
        </section>
    }
    .into_any()
}

fn table(rows: Vec<Link>, doomed: RwSignal<Option<Link>>) -> AnyView {
    let row = |link: Link| {
        let gone = link.clone();
        let whom = link.assignee.clone().unwrap_or_else(|| strings::ANYBODY.to_owned());
        let end = match link.used_at {
            Some(at) => ago(at),
            None => ago(link.expires_at),
        };
        let revoke = (link.state == "open").then(|| {
            view! { <button type="button" class="button ghost small danger" on:click=move |_| doomed.set(Some(gone.clone()))>{strings::REVOKE}</button> }
        });
        view! {
            <tr>
                <td title=whom.clone()>{whom.clone()}</td>
                <td class="sub wide">{ago(link.created_at)}</td>
                <td class="sub"><span class="tag">{strings::link_state(&link.state)}</span></td>
                <td class="sub wide">{end}</td>
                <td class="acts">{revoke}</td>
            </tr>
        }
        .into_any()
    };
    view! {
        <div class="table-box">
            <table class="data">
                <thead>
                    <tr>
                        <th scope="col">{strings::FOR}</th>
                        <th scope="col" style="width:120px">{strings::MADE}</th>
                        <th scope="col" style="width:110px">{strings::STATE}</th>
                        <th scope="col" style="width:120px">{strings::ENDS}</th>
                        <th scope="col" style="width:88px"><span class="hidden-visually">{strings::REVOKE}</span></th>
                    </tr>
                </thead>
                <tbody>{rows.into_iter().map(row).collect::<Vec<_>>()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

/// The dialog of a new link: for whom and how long, then its address, once.
fn make(
    open: RwSignal<bool>,
    run: RunId,
    id: StoredValue<String>,
    made: impl Fn() + Copy + Send + Sync + 'static,
) -> AnyView {
    let address = RwSignal::new(None::<String>);
    Effect::new(move |_| {
        if !open.get() {
            address.set(None);
        }
    });
    let (whom, valid) = (RwSignal::new(String::new()), RwSignal::new("7d".to_owned()));
    let (pending, problem) = (RwSignal::new(false), RwSignal::new(None::<Problem>));
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let assignee = Some(whom.get_untracked().trim().to_owned()).filter(|whom| !whom.is_empty());
        let body = MakeLink { assignee, choices: None, valid_for: Value::from(valid.get_untracked()) };
        let ask = id.with_value(|id| api::make_link(run, id, &body));
        send(ask, pending, problem, move |link| {
            address.try_set(Some(link.url));
            whom.set(String::new());
            focus_inside();
            made();
        });
    };
    let shown = rest_of(problem, &["/assignee"]);
    let form = move || {
        let choices = [("1d", strings::ONE_DAY), ("7d", strings::SEVEN_DAYS), ("30d", strings::THIRTY_DAYS)];
        let choices = choices.map(|(valid, words)| (valid.to_owned(), words.to_owned())).to_vec();
        view! {
            <form method="post" class="stack" novalidate=true on:submit=submit>
                {move || shown.get().map(|problem| problem_notice(&problem))}
                <Field id="link-for" label=strings::FOR value=whom hint=strings::FOR_HINT focused=true error=field_error(problem, "/assignee")/>
                {select("link-valid", strings::ENDS_AFTER, choices, valid)}
                <div class="dialog-foot">
                    <button type="button" class="button" on:click=move |_| open.set(false)>{words::CANCEL}</button>
                    <Submit pending label=strings::MAKE_LINK/>
                </div>
            </form>
        }
        .into_any()
    };
    let once = move |url: String| {
        view! {
            <div class="stack">
                <div class="notice warn" role="alert">{icon("triangle-alert")}<span class="title">{strings::ONCE}</span></div>
                <div class="field"><span class="label">{strings::THE_LINK}</span>{code(url, strings::THE_ADDRESS, true)}</div>
                <div class="dialog-foot">
                    <button type="button" class="button primary" on:click=move |_| open.set(false)>{strings::DONE}</button>
                </div>
            </div>
        }
        .into_any()
    };
    view! {
        <Dialog open title=strings::NEW_LINK.to_owned()>
            {move || match address.get() {
                Some(url) => once(url),
                None => form(),
            }}
        </Dialog>
    }
    .into_any()
}

fn revoke(
    doomed: RwSignal<Option<Link>>,
    run: RunId,
    id: StoredValue<String>,
    done: impl Fn() + Copy + Send + Sync + 'static,
) -> AnyView {
    let (open, pending, problem) = (about(doomed), RwSignal::new(false), RwSignal::new(None::<Problem>));
    let title = Signal::derive(|| strings::REVOKE_TITLE.to_owned());
    let act = UnsyncCallback::new(move |()| {
        let Some(gone) = doomed.get_untracked() else { return };
        send(id.with_value(|id| api::revoke_link(run, id, gone.id)), pending, problem, move |()| {
            open.try_set(false);
            done();
        });
    });
    view! { <Confirm open title body=strings::REVOKE_WHAT.to_owned() verb=strings::REVOKE pending problem act/> }
        .into_any()
}
