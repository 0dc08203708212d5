//! Short messages at the corner, spoken by screen readers.

use std::time::Duration;

use leptos::prelude::*;

use super::{icon, strings, words};

#[derive(Debug, Clone, PartialEq, Eq)]
struct Toast {
    id: u32,
    bad: bool,
    text: String,
}

/// So many are shown at once.
const MOST: usize = 3;

/// The messages that are shown.
#[derive(Debug, Clone, Copy)]
pub struct Toasts {
    shown: RwSignal<Vec<Toast>>,
    next: StoredValue<u32>,
}

/// The messages of this page.
pub fn use_toasts() -> Toasts {
    use_context::<Toasts>().unwrap_or_else(Toasts::new)
}

impl Toasts {
    pub(crate) fn new() -> Self {
        Self { shown: RwSignal::new(Vec::new()), next: StoredValue::new(0) }
    }

    /// Says what was done; gone after six seconds.
    pub fn good(self, text: impl Into<String>) {
        let id = self.push(false, text.into());
        set_timeout(move || self.close(id), Duration::from_secs(6));
    }

    /// Says what went wrong; stays until it is closed.
    pub fn bad(self, text: impl Into<String>) {
        self.push(true, text.into());
    }

    fn push(self, bad: bool, text: String) -> u32 {
        let id = self.next.get_value();
        self.next.set_value(id + 1);
        self.shown.try_update(|shown| {
            shown.retain(|toast| toast.text != text);
            shown.push(Toast { id, bad, text });
            if shown.len() > MOST {
                // What went wrong stays until it is closed, as long as there is good news to give way.
                let oldest = shown.iter().position(|toast| !toast.bad).unwrap_or(0);
                shown.remove(oldest);
            }
        });
        id
    }

    fn close(self, id: u32) {
        self.shown.try_update(|shown| shown.retain(|toast| toast.id != id));
    }

    /// Where they are shown.
    pub(crate) fn view(self) -> AnyView {
        let toast = move |toast: Toast| {
            let id = toast.id;
            view! {
                <div class="toast" class:bad=toast.bad role=if toast.bad { "alert" } else { "status" }>
                    {icon(if toast.bad { "circle-alert" } else { "circle-check" })}
                    <span>{words(&toast.text)}</span>
                    <button type="button" class="button ghost small only-icon" aria-label=strings::CLOSE on:click=move |_| self.close(id)>
                        {icon("x")}
                    </button>
                </div>
            }
        };
        view! {
            <div class="toasts" aria-live="polite">
                <For each=move || self.shown.get() key=|toast| toast.id children=toast/>
            </div>
        }
        .into_any()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_news_give_way_before_what_went_wrong() {
        Owner::new().with(|| {
            let toasts = Toasts::new();
            let shown = || {
                toasts.shown.with_untracked(|shown| shown.iter().map(|toast| toast.text.clone()).collect::<Vec<_>>())
            };
            for (bad, text) in [(true, "broken"), (false, "saved"), (false, "copied"), (false, "sent")] {
                toasts.push(bad, text.to_owned());
            }
            assert_eq!(shown(), ["broken", "copied", "sent"]);
            for text in ["one", "two", "three"] {
                toasts.push(true, text.to_owned());
            }
            // All of them are bad by now: the oldest goes.
            assert_eq!(shown(), ["one", "two", "three"]);
        });
    }
}
