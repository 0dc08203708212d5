//! What a back-test found: how many of each, the runs, and one of them in detail.

use holon_model::wire::runs::RunSummary;
use holon_studio::worker::{Compared, RunEnd, StepOutcome};
use leptos::prelude::*;

use super::store::{Backtest, Phase, Tried};
use super::strings;
use crate::ui::format::{short_id, thousands};
use crate::ui::more::left;
use crate::ui::status::{status_chip, word};
use crate::ui::{Dialog, Json, about, ago, empty, icon, keys, words};

/// Rows at once.
const STEP: usize = 200;

/// The verdicts, what matters most in front: its name, its words, its look.
const VERDICTS: [(&str, &str, &str, &str); 5] = [
    ("different", strings::DIFFERENT, "is-failed", "circle-alert"),
    ("open", strings::OPEN, "is-waiting", "circle-question-mark"),
    ("steps", strings::STEPS, "is-compensating", "git-branch"),
    ("same", strings::SAME, "is-succeeded", "circle-check"),
    ("failed", strings::NOT_TRIED, "is-none", "circle-x"),
];

fn look(verdict: &str) -> (&'static str, &'static str, &'static str) {
    let found = VERDICTS.into_iter().find(|(name, ..)| *name == verdict);
    found.map_or(("", "is-none", "circle-minus"), |(_, words, class, glyph)| (words, class, glyph))
}

/// Counts and rows.
pub fn results(test: Backtest) -> AnyView {
    let (shown, open) = (RwSignal::new("different"), RwSignal::new(None::<Tried>));
    let limit = RwSignal::new(STEP);
    // Looked at first is the worst that was found.
    Effect::new(move |_| {
        if matches!(test.phase.get(), Phase::Done(_) | Phase::Stopped) {
            let worst = test.tried.with_untracked(|tried| {
                VERDICTS.into_iter().map(|(name, ..)| name).find(|name| tried.iter().any(|one| one.verdict() == *name))
            });
            shown.set(worst.unwrap_or("different"));
            limit.set(STEP);
        }
    });
    let rows = Memo::new(move |_| {
        let verdict = shown.get();
        test.tried.with(|tried| tried.iter().filter(|one| one.verdict() == verdict).cloned().collect::<Vec<_>>())
    });
    let count = move |verdict: &'static str| {
        test.tried.with(|tried| tried.iter().filter(|one| one.verdict() == verdict).count())
    };
    let choice = move |(name, words, class, glyph): (&'static str, &'static str, &'static str, &'static str)| {
        let number = Memo::new(move |_| count(name));
        view! {
            <button
                type="button"
                class=format!("verdict {class}")
                hidden=move || name == "failed" && number.get() == 0
                aria-pressed=move || (shown.get() == name).to_string()
                on:click=move |_| {
                    shown.set(name);
                    limit.set(STEP);
                }
            >
                {icon(glyph)}
                <strong class="number">{move || thousands(number.get() as u64)}</strong>
                <span>{words}</span>
            </button>
        }
        .into_any()
    };
    // What was found of the run that somebody came from stands above all others.
    let mine = Memo::new(move |_| {
        let with = test.with?;
        test.tried.with(|tried| tried.iter().find(|one| one.run.id == with).cloned())
    });
    let from = move || {
        mine.get().map(|one| {
            let (words_of, class, glyph) = look(one.verdict());
            let told = match &one.found {
                Ok(found) if one.verdict() == "different" => ends(found),
                _ => words_of.to_owned(),
            };
            view! {
                <span>{strings::RUN_FROM}" "<code>{short_id(&one.run.id)}</code></span>
                <span class=format!("status {class}")>{icon(glyph)}{told}</span>
                <button type="button" class="button small" on:click=move |_| open.set(Some(one.clone()))>{strings::IN_DETAIL}</button>
            }
        })
    };
    let some = Memo::new(move |_| test.tried.with(|tried| !tried.is_empty()));
    let nothing = move || {
        (matches!(test.phase.get(), Phase::Done(_)) && !some.get())
            .then(|| empty("flask-conical", strings::EMPTY, strings::EMPTY_WHAT, ()))
    };
    let total = Signal::derive(move || rows.with(Vec::len));
    let first = move || rows.with(|rows| rows.iter().take(limit.get()).cloned().collect::<Vec<_>>());
    let choices: Vec<AnyView> = VERDICTS.map(choice).into_iter().collect();
    let none =
        move || rows.with(Vec::is_empty).then(|| view! { <p class="empty small muted">{strings::NONE_HERE}</p> });
    view! {
        {nothing}
        <div class="stack" hidden=move || !some.get()>
            <div class="line wrap" role="status" hidden=move || mine.with(Option::is_none)>{from}</div>
            <div class="verdicts" role="group" aria-label=strings::SHOWN>{choices}</div>
            <div class="table-box">
                <table class="data" hidden=move || rows.with(Vec::is_empty) on:keydown=move |event| keys::vertical(&event, ".row-link")>
                    <thead>
                        <tr>
                            <th scope="col" style="width:130px">{strings::RUN}</th>
                            <th scope="col" style="width:260px">{strings::VERDICT}</th>
                            <th scope="col">{strings::WHAT_DIFFERS}</th>
                            <th scope="col" style="width:90px">{strings::VERSION}</th>
                            <th scope="col" style="width:120px">{crate::runs::strings::STARTED}</th>
                        </tr>
                    </thead>
                    <tbody>
                        <For
                            each=first
                            key=|one| one.run.id
                            children=move |one| row(one, open)
                        />
                    </tbody>
                </table>
                {none}
                {left(limit, STEP, total)}
            </div>
        </div>
        {detail(open)}
    }
    .into_any()
}

fn row(one: Tried, open: RwSignal<Option<Tried>>) -> AnyView {
    let RunSummary { id, version, started_at, .. } = one.run;
    let (ends, why) = match &one.found {
        Ok(found) => (ends(found), why(found)),
        Err(error) => (strings::NOT_TRIED.to_owned(), error.clone()),
    };
    let (_, class, glyph) = look(one.verdict());
    view! {
        <tr>
            <td><button type="button" class="row-link mono" on:click=move |_| open.set(Some(one.clone()))>{short_id(&id)}</button></td>
            <td><span class=format!("status {class}")>{icon(glyph)}<span class="truncate">{ends}</span></span></td>
            <td class="sub">{words(&why)}</td>
            <td class="sub">{format!("v{version}")}</td>
            <td class="sub">{ago(started_at)}</td>
        </tr>
    }
    .into_any()
}

/// How the end changes.
fn ends(found: &Compared) -> String {
    let (was, now) = (word(&found.was.status), word(&found.now.status));
    match found.verdict.as_str() {
        "different" => strings::ends(was, now),
        "open" => strings::OPEN.to_owned(),
        _ => was.to_owned(),
    }
}

/// What to look at first.
fn why(found: &Compared) -> String {
    if found.verdict == "open" {
        return strings::asks(&found.missing);
    }
    let step = found.first.as_ref().map(|first| strings::first_step(&first.path));
    let otherwise = found.asked_otherwise.first().map(|path| strings::otherwise(path));
    let no_more = found.not_asked.first().map(|path| strings::no_more(path));
    step.or(otherwise).or(no_more).unwrap_or_default()
}

fn detail(open: RwSignal<Option<Tried>>) -> AnyView {
    let shown = about(open);
    let title = Signal::derive(move || {
        open.with(|one| {
            one.as_ref().map(|one| format!("{} {}", strings::RUN, short_id(&one.run.id))).unwrap_or_default()
        })
    });
    let body = move || {
        let Tried { run, found } = open.get()?;
        let found = match found {
            Ok(found) => compared(&found),
            Err(error) => view! { <p>{words(&error)}</p> }.into_any(),
        };
        Some(view! {
            {found}
            <div class="dialog-foot"><a class="button" href=format!("/runs/{}", run.id)>{strings::OPEN_RUN}</a></div>
        })
    };
    view! { <Dialog open=shown title wide=true>{body}</Dialog> }.into_any()
}

fn compared(found: &Compared) -> AnyView {
    let (words_of, class, glyph) = look(&found.verdict);
    let paths = |title: &'static str, paths: &[String]| {
        (!paths.is_empty()).then(|| {
            let rows: Vec<AnyView> =
                paths.iter().take(20).map(|path| view! { <li><code>{path.clone()}</code></li> }.into_any()).collect();
            view! { <h3>{title}</h3><ul class="list">{rows}</ul> }
        })
    };
    let first = found.first.as_ref().map(|first| {
        view! {
            <h3>{strings::FIRST_STEP}": "<code>{first.path.clone()}</code></h3>
            <div class="sides">
                {step("was-step", strings::RECORDED, first.was.as_ref())}
                {step("now-step", strings::DRAFT, first.now.as_ref())}
            </div>
        }
    });
    view! {
        <p><span class=format!("status {class}")>{icon(glyph)}{words_of}</span></p>
        <div class="sides">
            {end("was-end", strings::RECORDED, &found.was)}
            {end("now-end", strings::DRAFT, &found.now)}
        </div>
        {first}
        {paths(strings::MISSING, &found.missing)}
        {paths(strings::ASKED_OTHERWISE, &found.asked_otherwise)}
        {paths(strings::NOT_ASKED, &found.not_asked)}
    }
    .into_any()
}

fn end(id: &'static str, title: &'static str, end: &RunEnd) -> AnyView {
    let error = end.error.as_ref().map(|error| view! { <p>{words(&error.message)}</p> });
    let output = end.output.clone().map(|value| view! { <Json id title=crate::runs::strings::WHOLE_OUTPUT value/> });
    view! { <section class="stack tight"><h3>{title}</h3>{status_chip(&end.status)}{error}{output}</section> }
        .into_any()
}

fn step(id: &'static str, title: &'static str, step: Option<&StepOutcome>) -> AnyView {
    let shown = match step {
        None => view! { <p class="muted">{strings::STEP_ABSENT}</p> }.into_any(),
        Some(step) => {
            let port = (!step.port.is_empty()).then(|| view! { <code>{step.port.clone()}</code> });
            let error = step.error.as_ref().map(|error| view! { <p>{words(&error.message)}</p> });
            let output = step.output.clone().map(|value| view! { <Json id title=crate::runs::strings::OUTPUT value/> });
            view! { <p class="line">{status_chip(&step.status)}{port}</p>{error}{output} }.into_any()
        }
    };
    view! { <section class="stack tight"><p class="muted small">{title}</p>{shown}</section> }.into_any()
}
