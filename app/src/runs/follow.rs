//! Keeps current what comes of runs: a task is asked by one, a firing starts one, and runs are told of. A time that passed is
//! read again, and all of it now and then: what another replica drives is not told of here.

use std::time::Duration;

use holon_model::Timestamp;
use leptos::prelude::*;

use crate::rest::{Subscription, subscribe};
use crate::ui::{dom, use_clock};

/// What happens within this time is read at once.
const TOGETHER: Duration = Duration::from_secs(1);
/// How long after a time has passed it is read what came of it, in milliseconds; and again, until the next one is known.
const AFTERWARDS: i64 = 2_000;
/// How often it is read although nothing was told.
const ANYHOW: Duration = Duration::from_secs(20);

/// Calls `read` soon after a run changed, and when the earliest time shown has passed. In a browser only.
pub fn follow(
    due: impl Fn() -> Option<Timestamp> + Send + Sync + 'static,
    read: impl Fn() + Copy + Send + Sync + 'static,
) {
    let open = StoredValue::new(None::<Subscription>);
    let soon = StoredValue::new(None::<TimeoutHandle>);
    // Nobody answers meanwhile, and what is shown is better than that.
    let lost = StoredValue::new(false);
    let ask = move || {
        if soon.try_with_value(Option::is_some) != Some(false) || lost.try_get_value() != Some(false) {
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
            lost.try_set_value(message.event == "lost");
            if !known {
                ask();
            }
        });
        open.set_value(Some(stream));
    });
    every(ANYHOW, ask);
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

/// Does something each time so long has passed while somebody looks. In a browser only.
pub fn every(time: Duration, act: impl Fn() + 'static) {
    let act = StoredValue::new_local(act);
    Effect::new(move |_| {
        let tick = move || {
            if dom::document().is_some_and(|document| !document.hidden()) {
                act.try_with_value(|act| act());
            }
        };
        if let Ok(handle) = set_interval_with_handle(tick, time) {
            on_cleanup(move || handle.clear());
        }
    });
}
