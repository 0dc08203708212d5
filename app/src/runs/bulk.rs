//! Doing something to many runs: the bar below the list, the question before, and what became of each.

use holon_model::wire::runs::{BulkAction, BulkResult, BulkRuns, RunSummary};
use holon_model::{Problem, RunId};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::api::{self, RunsQuery};
use super::live::LiveList;
use super::picked::Picked;
use super::strings;
use crate::ports::Ports;
use crate::ui::form::{field_error, rest_of};
use crate::ui::status::is_live;
use crate::ui::{Dialog, Field, Submit, about, dom, focus_inside, format, icon, problem_notice, words};

/// So many are asked for at once: after each piece it is told how many are done, and whoever closes the question stops there.
const AT_ONCE: usize = 50;

/// What can be done, in the order of the buttons.
const ACTIONS: [BulkAction; 5] =
    [BulkAction::Retry, BulkAction::Pause, BulkAction::Resume, BulkAction::Cancel, BulkAction::Terminate];

/// A question that is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asking {
    action: BulkAction,
    /// Those to which it can be done.
    runs: Vec<RunSummary>,
    /// How many more were selected.
    left_out: usize,
}

/// Whether an action does anything to a run as it stands.
fn applies(action: BulkAction, run: &RunSummary) -> bool {
    let live = is_live(&run.status);
    match action {
        BulkAction::Retry => matches!(run.status.as_str(), "failed" | "cancelled" | "terminated"),
        BulkAction::Cancel | BulkAction::Terminate => live,
        BulkAction::Pause => live && run.status != "paused",
        // Only what a person paused can be resumed.
        BulkAction::Resume => run.status == "paused" && run.paused_by.is_some(),
    }
}

fn keeps_reason(action: BulkAction) -> bool {
    matches!(action, BulkAction::Cancel | BulkAction::Terminate | BulkAction::Pause)
}

fn destroys(action: BulkAction) -> bool {
    matches!(action, BulkAction::Cancel | BulkAction::Terminate)
}

/// The bar, while anything is selected.
pub fn bar(list: LiveList, picked: Picked, query: RunsQuery, ports: &Ports) -> AnyView {
    let chosen = Memo::new(move |_| picked.runs());
    let asking = RwSignal::new(None::<Asking>);
    let ask = move |action: BulkAction| {
        let (runs, others): (Vec<_>, Vec<_>) = chosen.get_untracked().into_iter().partition(|run| applies(action, run));
        asking.set(Some(Asking { action, runs, left_out: others.len() }));
    };
    let button = move |action: BulkAction| {
        let count = chosen.with(|runs| runs.iter().filter(|run| applies(action, run)).count());
        let class = if destroys(action) { "button small danger" } else { "button small" };
        (count > 0).then(|| {
            let (glyph, verb) = strings::bulk(action);
            view! {
                <button type="button" class=class on:click=move |_| ask(action)>
                    {icon(glyph)}
                    {verb}
                    <span class="count">{format::thousands(count as u64)}</span>
                </button>
            }
            .into_any()
        })
    };
    let shown = move || {
        let count = chosen.with(Vec::len);
        (count > 0).then(|| {
            view! {
                <div class="bulk-bar" role="toolbar" aria-label=strings::BULK>
                    <strong class="number" role="status">{strings::selected(count as u64)}</strong>
                    {move || ACTIONS.into_iter().filter_map(button).collect::<Vec<_>>()}
                    <button type="button" class="button ghost small only-icon" title=strings::CLEAR_SELECTION aria-label=strings::CLEAR_SELECTION on:click=move |_| picked.none()>
                        {icon("x")}
                    </button>
                </div>
            }
        })
    };
    let again = StoredValue::new((query, ports.clone()));
    let done = move || {
        if let Some((query, ports)) = again.try_get_value() {
            list.look_again(query, ports);
        }
    };
    view! { {shown}{dialog(asking, picked, done)} }.into_any()
}

/// The question, and after it what became of each run.
fn dialog(asking: RwSignal<Option<Asking>>, picked: Picked, done: impl Fn() + Copy + Send + Sync + 'static) -> AnyView {
    let (pending, problem) = (RwSignal::new(false), RwSignal::new(None::<Problem>));
    let (reason, results) = (RwSignal::new(String::new()), RwSignal::new(Vec::<BulkResult>::new()));
    let finished = RwSignal::new(false);
    // Which time it is opened: pieces that were begun before go no further, whatever is asked meanwhile.
    let turn = StoredValue::new(0_u32);
    let open = about(asking);
    Effect::new(move |was: Option<bool>| {
        let is = open.get();
        turn.update_value(|turn| *turn += 1);
        if is {
            pending.set(false);
            problem.set(None);
            results.set(Vec::new());
            finished.set(false);
            reason.set(String::new());
        } else if was == Some(true) {
            request_animation_frame(|| dom::rescue_focus("table.runs .row-link"));
        }
        is
    });
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let Some(Asking { action, runs, .. }) = asking.get_untracked() else { return };
        if pending.get_untracked() {
            return;
        }
        pending.set(true);
        problem.set(None);
        let why = reason.get_untracked().trim().to_owned();
        let why = (!why.is_empty() && keeps_reason(action)).then_some(why);
        // What was done before something broke is not done again.
        let over: Vec<RunId> = results.with_untracked(|results| results.iter().map(|result| result.run).collect());
        let left: Vec<RunId> = runs.iter().map(|run| run.id).filter(|id| !over.contains(id)).collect();
        let mine = turn.get_value();
        spawn_local(async move {
            for some in left.chunks(AT_ONCE) {
                let answer = api::bulk(&BulkRuns { action, runs: some.to_vec(), reason: why.clone() }).await;
                if turn.try_get_value() != Some(mine) {
                    // Stopped: what is done stays done, and the list shows it.
                    return done();
                }
                match answer {
                    Ok(answer) => _ = results.try_update(|results| results.extend(answer.results)),
                    Err(error) => {
                        problem.try_set(Some(error));
                        pending.try_set(false);
                        return;
                    }
                }
            }
            pending.try_set(false);
            finished.try_set(true);
            picked.none();
            done();
            focus_inside();
        });
    };
    let title = Signal::derive(move || {
        asking.with(|asking| {
            let Some(asking) = asking else { return String::new() };
            match finished.get() {
                true => strings::RESULTS.to_owned(),
                false => strings::bulk_ask(asking.action, asking.runs.len() as u64),
            }
        })
    });
    let told = rest_of(problem, &["/reason"]);
    let question = move |asking: &Asking| {
        let action = asking.action;
        let (_, verb) = strings::bulk(action);
        let left_out =
            (asking.left_out > 0).then(|| view! { <p class="muted">{strings::left_out(asking.left_out as u64)}</p> });
        let why = keeps_reason(action).then(|| {
            view! { <Field id="reason" label=strings::REASON value=reason optional=true error=field_error(problem, "/reason")/> }
        });
        let all = asking.runs.len() as u64;
        let progress = move || {
            let (count, failed) = results.with(|results| (results.len(), results.iter().filter(|one| !one.ok).count()));
            (count > 0 || pending.get() && all > AT_ONCE as u64).then(|| {
                view! {
                    <progress aria-label=strings::bulk_ask(action, all) max=all.to_string() value=count.to_string()></progress>
                    <p role="status">{strings::done_so_far(count as u64, all, failed as u64)}</p>
                }
            })
        };
        view! {
            <form method="post" class="stack" novalidate=true on:submit=submit>
                <p>{strings::bulk_what(action)}</p>
                {left_out}
                {move || told.get().map(|problem| problem_notice(&problem))}
                {why}
                {progress}
                <div class="dialog-foot">
                    <button type="button" class="button" on:click=move |_| open.set(false)>{move || if pending.get() { strings::STOP } else { crate::ui::strings::CANCEL }}</button>
                    <Submit pending danger=destroys(action) label=verb/>
                </div>
            </form>
        }
        .into_any()
    };
    let body = move || {
        let asking = asking.get()?;
        Some(match finished.get() {
            false => question(&asking),
            true => results.with(|results| outcome(asking.action, results, &asking.runs, open)),
        })
    };
    view! { <Dialog open title>{body}</Dialog> }.into_any()
}

/// The failures by name, in front; then what was done.
fn outcome(action: BulkAction, results: &[BulkResult], runs: &[RunSummary], open: RwSignal<bool>) -> AnyView {
    let (good, bad): (Vec<&BulkResult>, Vec<&BulkResult>) = results.iter().partition(|result| result.ok);
    let name = |id: RunId| {
        let flow = runs.iter().find(|run| run.id == id).map(|run| run.flow_name.clone()).unwrap_or_default();
        format!("{flow} {}", format::short_id(&id))
    };
    let line = |result: &BulkResult| {
        let (class, glyph) = if result.ok { ("is-succeeded", "circle-check") } else { ("is-failed", "circle-x") };
        let why = result.problem.as_ref().map(|problem| {
            view! { <p class="muted small">{words(&problem.detail)}</p> }
        });
        let new = result.new.map(|new| {
            view! { <a class="end small" href=format!("/runs/{new}")>{strings::NEW_RUN}</a> }
        });
        view! {
            <li>
                <span class=format!("status {class}")>{icon(glyph)}</span>
                <div class="grow"><a href=format!("/runs/{}", result.run)>{name(result.run)}</a>{why}</div>
                {new}
            </li>
        }
        .into_any()
    };
    let (done, failed) = (good.len() as u64, bad.len() as u64);
    let failures = (failed > 0).then(|| {
        view! { <ul class="list bulk-results">{bad.into_iter().map(line).collect::<Vec<_>>()}</ul> }
    });
    let others = (done > 0).then(|| {
        let rows: Vec<AnyView> = good.into_iter().map(line).collect();
        view! { <details open=failed == 0 && done <= 10><summary>{strings::done(done)}</summary><ul class="list bulk-results">{rows}</ul></details> }
    });
    view! {
        <p role="status">{strings::bulk_done(action, done, failed)}</p>
        {failures}
        {others}
        <div class="dialog-foot"><button type="button" class="button primary" on:click=move |_| open.set(false)>{strings::DONE_WITH}</button></div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runs::live::tests::run;

    #[test]
    fn an_action_is_offered_only_to_runs_that_it_changes() {
        let of = |status: &str| {
            let run = RunSummary { paused_by: Some("Ada".into()), ..run(1, status, 10) };
            ACTIONS.into_iter().filter(|action| applies(*action, &run)).collect::<Vec<_>>()
        };
        use BulkAction::{Cancel, Pause, Resume, Retry, Terminate};
        assert_eq!(of("failed"), [Retry]);
        assert_eq!(of("completed"), []);
        assert_eq!(of("running"), [Pause, Cancel, Terminate]);
        assert_eq!(of("paused"), [Resume, Cancel, Terminate]);
        assert!(!applies(Resume, &run(1, "paused", 10)), "what was parked cannot go on");
    }
}
