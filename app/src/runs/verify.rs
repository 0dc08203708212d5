//! The log hash of a run, held against what this browser's engine computes from its journal: input by input, and which one is the
//! first that differs.

use holon_model::RunId;
use holon_studio::worker::{Difference, Parting};
use leptos::prelude::*;

use super::replay::{Reading, Replay};
use super::strings;
use crate::rest::connection::lost_since;
use crate::ui::{Dialog, copyable, format, icon, words};

/// So many inputs are replayed without being asked to.
const UNASKED: u64 = 2_000;
/// So many are replayed before stopping could be wanted.
const LONG: u64 = 400;

/// The hash, and whether this browser's engine computes the same.
#[component]
pub fn LogHash(
    /// The run.
    run: RunId,
    /// Its replay.
    replay: Replay,
    /// The hash as the server says it; the replay goes on when it changes.
    #[prop(into)]
    log_hash: Signal<String>,
    /// How many inputs the run has taken, as far as the page knows.
    total: Signal<u64>,
    /// Whether the run is over: only then the record ends with its hash.
    over: Signal<bool>,
) -> impl IntoView {
    let open = RwSignal::new(false);
    Effect::new(move |_| {
        let expected = log_hash.get();
        let wanted = match replay.reading.get_untracked() {
            Reading::Idle => total.get_untracked() <= UNASKED,
            Reading::Working => true,
            Reading::Stopped | Reading::Failed(_) => false,
            Reading::Done => replay.last_hash() != expected && replay.difference.with_untracked(Option::is_none),
        };
        if wanted {
            replay.read();
        }
    });
    // What could not be read while the server was away is read when it is back.
    let lost = lost_since();
    Effect::new(move |before: Option<bool>| {
        let lost = lost.get().is_some();
        let failed = matches!(replay.reading.get_untracked(), Reading::Failed(_));
        if before == Some(true) && !lost && failed {
            replay.start_over();
        }
        lost
    });
    view! {
        <section class="log-hash" aria-label=strings::LOG_HASH>
            <code class="truncate" title=log_hash>{log_hash}</code>
            <div class="line wrap">
                <span role="status">{move || verdict(replay, total.get(), &log_hash.get(), over.get())}</span>
                {move || act(replay, total.get(), open)}
            </div>
        </section>
        {dialog(run, replay, open)}
    }
    .into_any()
}

fn verdict(replay: Replay, total: u64, expected: &str, over: bool) -> AnyView {
    let rows = replay.steps.with(Vec::len) as u64;
    let line = |class: &'static str, glyph: &'static str, text: String| {
        view! { <span class=class>{icon(glyph)}<span>{words(&text)}</span></span> }.into_any()
    };
    if let Some(difference) = replay.difference.get() {
        return line("status is-failed", "circle-x", strings::differs(&difference));
    }
    match replay.reading.get() {
        Reading::Idle => line("status is-none", "circle-minus", strings::not_replayed(total)),
        Reading::Working => line("status is-running", "loader-circle", strings::replaying(rows, total.max(rows))),
        Reading::Stopped => line("status is-none", "circle-minus", strings::stopped(rows, total.max(rows))),
        Reading::Failed(why) => line("status is-none", "circle-minus", strings::not_checked(&why)),
        // A live run goes on while its journal is read: then its last input is what counts.
        Reading::Done if over && replay.last_hash() != expected => {
            line("status is-failed", "circle-x", strings::ends_otherwise(&replay.last_hash()))
        }
        Reading::Done => line("status is-succeeded", "circle-check", strings::confirmed(rows)),
    }
}

/// What can be done about it now.
fn act(replay: Replay, total: u64, open: RwSignal<bool>) -> Option<AnyView> {
    let button = |words: &'static str, act: fn(Replay)| {
        view! { <button type="button" class="button ghost small" on:click=move |_| act(replay)>{words}</button> }
            .into_any()
    };
    if replay.difference.with(Option::is_some) {
        return Some(
            view! { <button type="button" class="button small" on:click=move |_| open.set(true)>{strings::SHOW_DIFFERENCE}</button> }
                .into_any(),
        );
    }
    match replay.reading.get() {
        Reading::Idle => Some(button(strings::VERIFY, Replay::read)),
        Reading::Working if total > LONG => Some(button(strings::STOP, Replay::stop)),
        Reading::Working => None,
        Reading::Stopped => Some(button(strings::GO_ON, Replay::read)),
        Reading::Done => Some(button(strings::VERIFY_AGAIN, Replay::start_over)),
        Reading::Failed(_) => Some(button(strings::VERIFY_AGAIN, Replay::start_over)),
    }
}

/// The first difference: which input, what was recorded, what the engine gives.
fn dialog(run: RunId, replay: Replay, open: RwSignal<bool>) -> AnyView {
    let body = move || {
        let difference = replay.difference.get()?;
        let index = usize::try_from(difference.seq).ok();
        let step = index.and_then(|index| replay.steps.with(|steps| steps.get(index).cloned()));
        let about = step.map(|step| {
            let node = step.path.map(|path| view! { <div><dt>{strings::NODE}</dt><dd><code>{path}</code></dd></div> });
            view! { <div><dt>{strings::KIND}</dt><dd>{strings::input(&step.kind)}</dd></div>{node} }
        });
        let before = u64::try_from(difference.seq).unwrap_or(0);
        let walk = index.filter(|index| *index < replay.len()).map(|at| {
            view! { <a class="button primary" href=format!("/runs/{run}?at={at}") on:click=move |_| open.set(false)>{icon("footprints")}{strings::STEP_TO_IT}</a> }
        });
        Some(view! {
            <p>{parting(&difference)}</p>
            <dl class="facts">
                <div><dt>{strings::INPUT_NUMBER}</dt><dd>{difference.seq}</dd></div>
                {about}
                <div><dt>{strings::AGREE_BEFORE}</dt><dd>{format::count(before, "input", "inputs")}</dd></div>
            </dl>
            <dl class="facts">
                {hash(strings::RECORDED, difference.recorded)}
                {hash(strings::COMPUTED, difference.computed)}
            </dl>
            <p class="muted small">{strings::DIFFERENCE_MEANS}</p>
            <div class="dialog-foot">{walk}</div>
        })
    };
    view! { <Dialog open title=strings::FIRST_DIFFERENCE.to_owned() wide=true>{body}</Dialog> }.into_any()
}

fn parting(difference: &Difference) -> Vec<AnyView> {
    let text = match difference.what {
        Parting::Hash => strings::PARTED_BY_HASH.to_owned(),
        Parting::Missing => strings::parted_missing(difference.seq),
        Parting::Unreadable => strings::parted_unreadable(&difference.why),
        Parting::Refused => strings::parted_refused(&difference.why),
    };
    words(&text)
}

fn hash(title: &'static str, hash: String) -> Option<AnyView> {
    (!hash.is_empty())
        .then(|| view! { <div class="grow"><dt>{title}</dt><dd>{copyable(hash, title)}</dd></div> }.into_any())
}
