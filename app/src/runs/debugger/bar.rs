//! The bar one walks with: first, previous, a scrubber, next, last, and where one is.

use leptos::prelude::*;
use web_sys::KeyboardEvent;

use super::Stepper;
use crate::runs::replay::Reading;
use crate::runs::strings;
use crate::ui::{dom, format, icon, time};

/// So many failures are marked on the scrubber: more would be one line.
const MARKS: usize = 200;

/// The bar; `acts` stand at its end.
pub fn bar(stepper: Stepper, acts: AnyView) -> AnyView {
    let last = Memo::new(move |_| u32::try_from(stepper.replay.len().saturating_sub(1)).unwrap_or(u32::MAX));
    let none = Memo::new(move |_| stepper.replay.len() == 0);
    let at_start = move || none.get() || stepper.at.get() == 0;
    let at_end = move || none.get() || stepper.at.get() >= last.get();
    let words = move || {
        let at = stepper.at.get();
        let step = stepper.replay.steps.with(|steps| steps.get(at as usize).cloned());
        step.map(|step| strings::moment(at, stepper.replay.len() as u64, &step.kind, step.path.as_deref()))
    };
    let close = format!("/runs/{}", stepper.run);
    view! {
        <div class="stepper" role="group" aria-label=strings::STEP_THROUGH on:keydown=move |event| keys(&event, stepper)>
            <div class="stepper-buttons">
                {button("chevron-first", strings::FIRST, "Home", at_start, move || stepper.go(0))}
                {button("chevron-left", strings::PREVIOUS, "ArrowLeft", at_start, move || stepper.back())}
            </div>
            <div class="stepper-track">
                {move || marks(stepper)}
                <input
                    type="range"
                    id="scrubber"
                    aria-label=strings::SCRUBBER
                    min="0"
                    max=move || last.get().to_string()
                    step="1"
                    prop:value=move || stepper.at.get().min(last.get()).to_string()
                    aria-valuetext=move || words().unwrap_or_default()
                    disabled=none
                    on:input=move |event| if let Ok(at) = event_target_value(&event).parse() { stepper.go(at) }
                />
            </div>
            <div class="stepper-buttons">
                {button("chevron-right", strings::NEXT, "ArrowRight", at_end, move || stepper.forth())}
                {button("chevron-last", strings::LAST, "End", at_end, move || stepper.go(stepper.last()))}
            </div>
            <p class="stepper-words" aria-live="polite">{move || place(stepper)}</p>
            <div class="stepper-acts">
                {acts}
                <a class="button ghost small only-icon" href=close title=strings::LEAVE aria-label=strings::LEAVE>{icon("x")}</a>
            </div>
        </div>
    }
    .into_any()
}

fn button(
    glyph: &'static str,
    label: &'static str,
    keys: &'static str,
    off: impl Fn() -> bool + Copy + Send + Sync + 'static,
    act: impl Fn() + 'static,
) -> AnyView {
    // Not `disabled`: the focus would be lost at either end.
    view! {
        <button
            type="button"
            class="button ghost only-icon"
            title=label
            aria-label=label
            aria-keyshortcuts=keys
            aria-disabled=move || off().to_string()
            on:click=move |_| act()
        >
            {icon(glyph)}
        </button>
    }
    .into_any()
}

/// Where one is: which of how many, when, and what happened.
fn place(stepper: Stepper) -> AnyView {
    if let Some(problem) = stepper.problem.get() {
        return view! { <span class="status is-failed">{icon("circle-x")}{problem}</span> }.into_any();
    }
    let (at, known) = (stepper.at.get(), stepper.replay.len());
    let step = stepper.replay.steps.with(|steps| {
        let first = steps.first()?.at;
        steps.get(at as usize).map(|step| (step.clone(), step.at.since(first).0))
    });
    let Some((step, after)) = step else {
        return match stepper.replay.reading.get() {
            Reading::Failed(why) => view! { <span class="status is-failed">{icon("circle-x")}{why}</span> }.into_any(),
            _ => view! { <span class="muted">{strings::REPLAYING}</span> }.into_any(),
        };
    };
    let more = (stepper.replay.reading.get() == Reading::Working).then_some("+");
    let node = step.path.map(|path| view! { <code class="truncate">{path}</code> });
    view! {
        <strong class="number">{format::thousands(at.into())}</strong>
        <span class="muted number">{format!(" / {}{}", format::thousands(known.saturating_sub(1) as u64), more.unwrap_or_default())}</span>
        <span>{strings::input(&step.kind)}</span>
        {node}
        <time class="muted number" title=time::in_zone(step.at)>{format!("{} (+{})", time::of_day(step.at), format::duration(after))}</time>
    }
    .into_any()
}

/// Where something failed, above the track.
fn marks(stepper: Stepper) -> Option<AnyView> {
    let differs = stepper.replay.difference.with(|found| found.as_ref().map(|found| found.seq));
    let (marks, len) = stepper.replay.steps.with(|steps| {
        let failed = |(at, kind): (usize, &str)| (kind == "effect_failed").then_some((at, "failed"));
        let found = steps.iter().map(|step| step.kind.as_str()).enumerate().filter_map(failed);
        (found.take(MARKS).collect::<Vec<_>>(), steps.len())
    });
    let differs = differs.and_then(|seq| Some((usize::try_from(seq).ok()?, "differs")));
    let all: Vec<_> = marks.into_iter().chain(differs).collect();
    let last = len.saturating_sub(1).max(1);
    let mark = |(at, class): (usize, &'static str)| {
        let place = at.min(last) * 1_000 / last;
        view! { <i class=class style=format!("--place:{}.{}%", place / 10, place % 10)></i> }.into_any()
    };
    let marks: Vec<AnyView> = all.into_iter().map(mark).collect();
    (!marks.is_empty()).then(|| view! { <span class="stepper-marks" aria-hidden="true">{marks}</span> }.into_any())
}

/// The arrow keys walk wherever in the bar the focus is; Escape leaves. What is asked in a dialog keeps its keys.
fn keys(event: &KeyboardEvent, stepper: Stepper) {
    if dom::inside(event, "dialog")
        || event.alt_key()
        || event.ctrl_key()
        || event.meta_key()
        || event.default_prevented()
    {
        return;
    }
    match event.key().as_str() {
        "ArrowLeft" | "ArrowDown" => stepper.back(),
        "ArrowRight" | "ArrowUp" => stepper.forth(),
        "PageUp" => stepper.go(stepper.at.get_untracked().saturating_add(10)),
        "PageDown" => stepper.go(stepper.at.get_untracked().saturating_sub(10)),
        "Home" => stepper.go(0),
        "End" => stepper.go(stepper.last()),
        "Escape" => dom::press(".stepper-acts a[href]"),
        _ => return,
    }
    event.prevent_default();
}
