//! Forking a run after one of its inputs: on which version, and whether that version can take what was recorded.

use holon_model::wire::flows::VersionSummary;
use holon_model::wire::runs::{ForkCheck, ForkRun, ForkStep};
use holon_model::{FlowId, Problem};
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::debugger::Stepper;
use super::live::LiveRun;
use super::{api, strings};
use crate::ports::use_ports;
use crate::ui::{Dialog, Submit, format, icon, problem_notice, send, skeleton, use_toasts, words};

/// So many of the inputs that fit are listed; the first that does not is always there.
const LISTED: usize = 200;

/// The button in the bar one walks with, and its dialog.
pub fn from_here(stepper: Stepper, run: LiveRun) -> AnyView {
    let open = RwSignal::new(false);
    view! {
        <button type="button" class="button small" disabled=move || stepper.replay.len() == 0 on:click=move |_| open.set(true)>
            {icon("git-fork")}
            {strings::FORK}
        </button>
        {dialog(stepper, run, open)}
    }
    .into_any()
}

fn dialog(stepper: Stepper, run: LiveRun, open: RwSignal<bool>) -> AnyView {
    let (flow, own) = run.summary.with_untracked(|summary| (summary.flow, summary.version));
    let version = RwSignal::new(own);
    let versions = RwSignal::new(Vec::<VersionSummary>::new());
    let check = RwSignal::new(None::<Result<ForkCheck, Problem>>);
    let (pending, problem) = (RwSignal::new(false), RwSignal::new(None::<Problem>));
    let (toasts, navigate) = (use_toasts(), use_navigate());
    // The input that one stands at is the last that is copied.
    let seq = move || i64::from(stepper.at.get_untracked()) + 1;
    Effect::new(move |_| {
        if open.get() {
            problem.set(None);
            version.set(own);
        }
    });
    newer(flow, own, open, versions);
    Effect::new(move |_| {
        let (open, chosen) = (open.get(), version.get());
        check.set(None);
        if !open {
            return;
        }
        let asked = api::fork_check(run.id, &ForkRun { seq: seq(), version: Some(chosen) });
        spawn_local(async move {
            let answer = asked.await;
            if version.try_get_untracked() == Some(chosen) {
                check.try_set(Some(answer));
            }
        });
    });
    let fits = Memo::new(move |_| check.with(|check| matches!(check, Some(Ok(check)) if check.fits)));
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if !fits.get_untracked() {
            return;
        }
        let navigate = navigate.clone();
        let body = ForkRun { seq: seq(), version: Some(version.get_untracked()) };
        send(api::fork(run.id, &body), pending, problem, move |forked| {
            toasts.good(strings::FORKED);
            open.try_set(false);
            navigate(&format!("/runs/{}", forked.run), NavigateOptions::default());
        });
    };
    let submit = StoredValue::new_local(submit);
    view! {
        <Dialog open title=strings::FORK.to_owned() wide=true>
            <form method="post" class="stack" novalidate=true on:submit=move |event| submit.with_value(|submit| submit(event))>
                <p>{move || strings::fork_what(stepper.at.get())}</p>
                {move || problem.get().map(|problem| problem_notice(&problem))}
                {choose(own, version, versions)}
                <section class="stack tight" aria-label=strings::FORK_CHECK aria-live="polite">
                    <h3>{strings::FORK_CHECK}</h3>
                    {move || match check.get() {
                        None => skeleton::rows(3),
                        Some(Ok(check)) => checked(&check),
                        Some(Err(problem)) => problem_notice(&problem),
                    }}
                </section>
                <div class="dialog-foot">
                    <button type="button" class="button" on:click=move |_| open.set(false)>{crate::ui::strings::CANCEL}</button>
                    {move || fits.get().then(|| view! { <Submit pending label=strings::FORK_DO/> })}
                </div>
            </form>
        </Dialog>
    }
    .into_any()
}

/// The versions that can go on: the run's own and newer ones.
fn newer(flow: FlowId, own: i32, open: RwSignal<bool>, versions: RwSignal<Vec<VersionSummary>>) {
    let ports = use_ports();
    Effect::new(move |_| {
        if open.get() {
            let asked = ports.flows.versions(flow);
            spawn_local(async move {
                // Without them there is the run's own.
                let found = asked.await.map(|page| page.data).unwrap_or_default();
                versions.try_set(found.into_iter().filter(|version| version.version >= own).collect());
            });
        }
    });
}

fn choose(own: i32, version: RwSignal<i32>, versions: RwSignal<Vec<VersionSummary>>) -> AnyView {
    let option = move |number: i32, message: &str| {
        let mine = if number == own { strings::SAME_VERSION } else { "" };
        let name = format!("v{number}");
        let label = [&name, mine, message].into_iter().filter(|part| !part.is_empty());
        let label = label.collect::<Vec<_>>().join(" · ");
        view! { <option value=number.to_string() selected=move || version.get() == number>{label}</option> }.into_any()
    };
    let options = move || match versions.with(Vec::is_empty) {
        true => vec![option(own, "")],
        false => {
            versions.with(|versions| versions.iter().map(|version| option(version.version, &version.message)).collect())
        }
    };
    view! {
        <div class="field">
            <label for="fork-version">{strings::VERSION}</label>
            <select
                id="fork-version"
                class="input"
                on:change=move |event| if let Ok(number) = event_target_value(&event).parse() { version.set(number) }
            >
                {options}
            </select>
        </div>
    }
    .into_any()
}

/// Step by step, the one that does not fit in front.
fn checked(check: &ForkCheck) -> AnyView {
    let verdict = match (check.fits, &check.why) {
        (true, _) => {
            let words = strings::all_fit(&format::count(check.steps.len() as u64, "input", "inputs"));
            view! { <p><span class="status is-succeeded">{icon("circle-check")}{words}</span></p> }.into_any()
        }
        (false, Some(why)) => {
            view! { <p class="status is-failed">{icon("circle-x")}<span>{words(why)}</span></p> }.into_any()
        }
        (false, None) => {
            let words = strings::some_fit(check.copied);
            view! { <p><span class="status is-failed">{icon("circle-x")}{words}</span></p> }.into_any()
        }
    };
    let (bad, good): (Vec<&ForkStep>, Vec<&ForkStep>) = check.steps.iter().partition(|step| !step.fits);
    let left = good.len().saturating_sub(LISTED);
    let rows: Vec<AnyView> = bad.into_iter().chain(good.into_iter().take(LISTED)).map(row).collect();
    let more =
        (left > 0).then(|| view! { <p class="muted small">{strings::more_facts(&format::thousands(left as u64))}</p> });
    view! { {verdict}<ul class="list fork-steps">{rows}</ul>{more} }.into_any()
}

fn row(step: &ForkStep) -> AnyView {
    let (class, glyph) = if step.fits { ("is-succeeded", "circle-check") } else { ("is-failed", "circle-x") };
    let path = step.path.clone().map(|path| view! { <code>{path}</code> });
    let why = step.why.as_ref().map(|why| view! { <p class="muted small">{words(why)}</p> });
    view! {
        <li>
            <span class="number muted">{step.seq}</span>
            <span class=format!("status {class}")>{icon(glyph)}</span>
            <div class="grow"><span>{strings::input(&step.what)}</span>" "{path}{why}</div>
        </li>
    }
    .into_any()
}
