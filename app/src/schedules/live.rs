//! Keeps what is shown of schedules current: a firing starts a run, and runs are told of; a time that passed is read again.

use std::time::Duration;

use holon_model::Timestamp;
use leptos::prelude::*;

use crate::rest::{Subscription, subscribe};
use crate::ui::use_clock;

/// What happens within this time is read at once.
const TOGETHER: Duration = Duration::from_secs(1);
/// How long after a time has passed it is read what came of it, in milliseconds; and again, until the next one is known.
const AFTERWARDS: i64 = 2_000;

/// Calls `read` soon after a run changed, and when the earliest time shown has passed. In a browser only.
pub fn follow(
    due: impl Fn() -> Option<Timestamp> + Send + Sync + 'static,
    read: impl Fn() + Copy + Send + Sync + 'static,
) {
    let open = StoredValue::new(None::<Subscription>);
    let soon = StoredValue::new(None::<TimeoutHandle>);
    let ask = move || {
        if soon.try_with_value(Option::is_some) != Some(false) {
            return;
        }
        let then = move || {
            soon.try_set_value(None);
            read();
        };
        soon.try_set_value(set_timeout_with_handle(then, TOGETHER).ok());
    };
    on_cleanup(move || {
        if let Some(waiting) = soon.try_update_value(Option::take).flatten() {
            waiting.clear();
        }
    });
    Effect::new(move |_| {
        // The first `open` tells of what was just read.
        let first = StoredValue::new(true);
        let stream = subscribe("/events/runs", None, move |message| {
            let known = message.event == "open" && first.try_get_value() == Some(true);
            first.try_set_value(false);
            if !known && message.event != "lost" {
                ask();
            }
        });
        open.set_value(Some(stream));
    });
    let clock = use_clock();
    Effect::new(move |asked: Option<Option<Timestamp>>| {
        let now = clock.now();
        let passed = due().is_some_and(|due| now.0 > due.0 + AFTERWARDS);
        match asked.flatten() {
            Some(last) if passed && now.0 < last.0 + AFTERWARDS => Some(last),
            _ if passed => {
                ask();
                Some(now)
            }
            _ => None,
        }
    });
}
