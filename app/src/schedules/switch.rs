//! The switch that pauses and resumes a schedule.

use holon_model::{Problem, ScheduleId};
use leptos::prelude::*;

use super::{api, strings};
use crate::ui::{send, use_ready, use_toasts};

/// The switch, named by whose it is. `done` is called when the server has done it.
pub fn active(id: ScheduleId, paused: bool, name: &str, done: impl Fn() + Copy + 'static) -> AnyView {
    let (ready, toasts) = (use_ready(), use_toasts());
    let (on, pending, problem) = (RwSignal::new(!paused), RwSignal::new(false), RwSignal::new(None::<Problem>));
    Effect::new(move |_| {
        if let Some(problem) = problem.get() {
            toasts.bad(problem.detail);
            on.set(!paused);
        }
    });
    let change = move |event| {
        let active = event_target_checked(&event);
        on.set(active);
        send(api::set_paused(id, !active), pending, problem, move |()| done());
    };
    view! {
        <label class="switch above">
            <input
                type="checkbox"
                role="switch"
                disabled=move || !ready.get() || pending.get()
                prop:checked=on
                checked=!paused
                on:change=change
                aria-label=format!("{}: {name}", strings::ACTIVE)
            />
            <span>{move || if on.get() { strings::ACTIVE } else { strings::PAUSED }}</span>
        </label>
    }
    .into_any()
}
