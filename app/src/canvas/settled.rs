//! The part of the graph that is seen, for what need not follow every frame: sizes of words, what is counted, what is far away.
//!
//! While the view moves, only the layer's transform changes; restyling every card at each step of a gesture would take longer than
//! everything else together (`cargo xtask bench studio` measures it).

use std::time::Duration;

use holon_studio::geometry::Viewport;
use leptos::leptos_dom::helpers::TimeoutHandle;
use leptos::prelude::*;

/// So long after the last step of a zoom, and so often while the view is only moved.
const REST: Duration = Duration::from_millis(90);
/// Words that are this many times too large or too small do not wait for that.
const OFF: f64 = 3.0;

/// The viewport as it is when it begins to move, now and then while it does, when a zoom has come to rest, and when it is far from what
/// was said last.
pub(super) fn settled(viewport: RwSignal<Viewport>) -> RwSignal<Viewport> {
    let said = RwSignal::new(viewport.get_untracked());
    let moving = StoredValue::new_local(None::<TimeoutHandle>);
    Effect::new(move |last: Option<Viewport>| {
        let now = viewport.get();
        let before = said.get_untracked();
        if now == before {
            return now;
        }
        let ratio = now.zoom / before.zoom;
        let begins = moving.with_value(Option::is_none);
        if begins || !(1.0 / OFF..OFF).contains(&ratio) {
            said.set(now);
        }
        let zooms = last.is_none_or(|last| last.zoom != now.zoom);
        if !begins && !zooms {
            return now;
        }
        let rested = move || {
            moving.try_set_value(None);
            if let Some(now) = viewport.try_get_untracked()
                && said.try_get_untracked() != Some(now)
            {
                said.try_set(now);
            }
        };
        moving.update_value(|moving| {
            if let Some(handle) = moving.take() {
                handle.clear();
            }
            *moving = set_timeout_with_handle(rested, REST).ok();
        });
        now
    });
    on_cleanup(move || {
        moving.try_update_value(|moving| {
            if let Some(handle) = moving.take() {
                handle.clear();
            }
        });
    });
    said
}
