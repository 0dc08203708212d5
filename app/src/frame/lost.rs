//! The strip above a page whose server cannot be heard: what is shown is not what is.

use leptos::prelude::*;

use super::strings;
use crate::rest::connection::lost_since;
use crate::ui::{format, icon, time, use_clock};

/// A break as short as this is mended before anybody could do anything about it, in milliseconds.
const SHORT: u64 = 1_500;

/// The strip, while there is something to say.
pub fn strip() -> AnyView {
    let (clock, lost) = (use_clock(), lost_since());
    let since = Memo::new(move |_| lost.get().filter(|since| clock.now().since(*since).0 >= SHORT));
    let shown = move || {
        since.get().map(|since| {
            // How long ago is counted beside it: a screen reader is not told each second.
            view! {
                <div class="lost">
                    {icon("wifi-off")}
                    <p role="status">{strings::lost(&time::second_of_day(since))}</p>
                    <span class="ago number" aria-hidden="true">{move || format::relative(since, clock.now())}</span>
                </div>
            }
        })
    };
    view! { {shown} }.into_any()
}
