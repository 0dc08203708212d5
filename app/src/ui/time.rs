//! Instants on a page: how long ago, with the exact time in the reader's zone on hover and focus.

use holon_model::Timestamp;
use leptos::prelude::*;

use super::format;
use crate::rest::connection::lost_since;

/// Now, as the pages count it: the server's time in the rendered page, then the browser's, each second.
#[derive(Debug, Clone, Copy)]
pub struct Clock(pub ReadSignal<Timestamp>);

impl Clock {
    /// Puts the clock into the context; `rendered` is when the server rendered.
    pub(crate) fn provide(rendered: Timestamp) {
        let (now, set_now) = signal(rendered);
        provide_context(Self(now));
        Effect::new(move |_| {
            set_now.set(browser_now());
            let tick = move || {
                if super::dom::document().is_some_and(|document| !document.hidden()) {
                    set_now.try_set(browser_now());
                }
            };
            if let Ok(handle) = set_interval_with_handle(tick, std::time::Duration::from_secs(1)) {
                on_cleanup(move || handle.clear());
            }
        });
    }

    /// The present instant; whoever reads it is run again each second.
    pub fn now(self) -> Timestamp {
        self.0.get()
    }
}

/// The clock of this page.
pub fn use_clock() -> Clock {
    use_context::<Clock>().unwrap_or_else(|| Clock(signal(browser_now()).0))
}

/// `3 min ago`, with the exact time on hover and on focus of its row.
pub fn ago(at: Timestamp) -> AnyView {
    let clock = use_clock();
    let (zoned, set_zoned) = signal(format::exact(at, 0, "UTC"));
    Effect::new(move |_| set_zoned.set(in_zone(at)));
    let lost = lost_since();
    let told = move || format::relative(at, known(clock.now(), lost.get().filter(|lost| at > *lost)));
    view! { <time datetime=format::iso(at) title=zoned>{told}</time> }.into_any()
}

/// Up to when something is known: what was not heard of since the connection was lost may have happened, or may not.
fn known(now: Timestamp, lost: Option<Timestamp>) -> Timestamp {
    lost.map_or(now, |lost| Timestamp(lost.0.min(now.0)))
}

/// How long something took, or takes so far.
pub fn took(started: Timestamp, finished: Option<Timestamp>) -> AnyView {
    match finished {
        Some(finished) => {
            view! { <span class="number">{format::duration(finished.since(started).0)}</span> }.into_any()
        }
        None => {
            let (clock, lost) = (use_clock(), lost_since());
            let so_far = move || format::so_far(known(clock.now(), lost.get()).since(started).0);
            view! { <span class="number">{so_far}</span> }.into_any()
        }
    }
}

/// The exact time in the reader's zone. In a browser only.
pub fn in_zone(at: Timestamp) -> String {
    format::exact(at, offset(at), &zone())
}

/// The time of day in the reader's zone. In a browser only.
pub fn of_day(at: Timestamp) -> String {
    format::clock(at, offset(at))
}

/// The time of day in whole seconds in the reader's zone. In a browser only.
pub fn second_of_day(at: Timestamp) -> String {
    of_day(at).chars().take(8).collect()
}

/// The instant as a field for local times has it. In a browser only.
pub fn local_input(at: Timestamp) -> String {
    let local = Timestamp(at.0 + offset(at) * 60_000);
    format::iso(local).get(..16).unwrap_or_default().to_owned()
}

/// What a field for local times says. In a browser only.
pub fn from_local_input(text: &str) -> Option<Timestamp> {
    let millis = js_sys::Date::parse(text);
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 fit")]
    let at = Timestamp(millis as i64);
    millis.is_finite().then_some(at)
}

/// Minutes that the reader's zone was ahead of UTC at that instant.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "milliseconds fit a float's 53 bits, minutes a word"
)]
fn offset(at: Timestamp) -> i64 {
    let date = js_sys::Date::new(&wasm_bindgen::JsValue::from_f64(at.0 as f64));
    -(date.get_timezone_offset() as i64)
}

fn zone() -> String {
    let format = js_sys::Intl::DateTimeFormat::new(&js_sys::Array::new(), &js_sys::Object::new());
    let name = js_sys::Reflect::get(&format.resolved_options(), &wasm_bindgen::JsValue::from_str("timeZone"));
    name.ok().and_then(|name| name.as_string()).unwrap_or_default()
}

/// Now, by the reader's clock; the epoch outside a browser.
#[cfg(target_arch = "wasm32")]
pub fn browser_now() -> Timestamp {
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 fit")]
    Timestamp(js_sys::Date::now() as i64)
}

/// Now, by the reader's clock; the epoch outside a browser.
#[cfg(not(target_arch = "wasm32"))]
pub fn browser_now() -> Timestamp {
    Timestamp(0)
}
