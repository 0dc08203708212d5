//! Whether what happens on the server still reaches this page: every stream that the page reads tells when it breaks off.

use holon_model::Timestamp;
use leptos::prelude::*;

use crate::ui::time::browser_now;

/// The connection of this page, in the context of the app.
#[derive(Debug, Clone, Copy)]
pub struct Connection {
    /// The streams that are broken at the moment, each with since when.
    broken: RwSignal<Vec<(u32, Timestamp)>>,
    taken: StoredValue<u32>,
}

/// One stream's share in it; dropped with its stream.
#[derive(Debug)]
pub struct Share {
    of: Option<Connection>,
    id: u32,
}

impl Connection {
    /// Puts it into the context.
    pub(crate) fn provide() -> Self {
        let connection = Self { broken: RwSignal::new(Vec::new()), taken: StoredValue::new(0) };
        provide_context(connection);
        connection
    }

    /// Since when something of this page is not current any more, if anything is.
    pub fn lost(self) -> Option<Timestamp> {
        self.broken.try_with(|broken| broken.iter().map(|(_, since)| *since).min()).flatten()
    }
}

/// Since when what is shown may be out of date. It lives as long as the app, whatever part of a page asks.
#[derive(Debug, Clone, Copy)]
pub struct LostSince(Option<Connection>);

impl LostSince {
    /// That instant, if anything is out of date; whoever reads it is run again when it changes.
    pub fn get(self) -> Option<Timestamp> {
        self.0.and_then(Connection::lost)
    }
}

/// Since when what is shown may be out of date.
pub fn lost_since() -> LostSince {
    LostSince(use_context::<Connection>())
}

impl Share {
    /// The share of a stream that begins here.
    pub fn take() -> Self {
        let of = use_context::<Connection>();
        let take = |of: Connection| {
            of.taken.try_update_value(|taken| {
                *taken = taken.wrapping_add(1);
                *taken
            })
        };
        Self { of, id: of.and_then(take).unwrap_or_default() }
    }

    /// Takes note of an event of the stream.
    pub fn note(&self, event: &str) {
        let Some(of) = self.of else { return };
        let known = of.broken.try_with_untracked(|broken| broken.iter().any(|(id, _)| *id == self.id));
        match (event, known) {
            // Since when: a stream that is tried again and fails again was lost the first time.
            ("lost", Some(false)) => _ = of.broken.try_update(|broken| broken.push((self.id, browser_now()))),
            ("lost", _) | (_, Some(false) | None) => {}
            _ => self.forget(),
        }
    }

    fn forget(&self) {
        if let Some(of) = self.of {
            of.broken.try_update(|broken| broken.retain(|(id, _)| *id != self.id));
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.forget();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_current_again_when_the_last_of_its_broken_streams_is_back_or_gone() {
        Owner::new().with(|| {
            let connection = Connection::provide();
            let lost = || untrack(|| connection.lost().is_some());
            let (one, two) = (Share::take(), Share::take());
            one.note("open");
            assert!(!lost());
            one.note("lost");
            two.note("lost");
            one.note("lost");
            assert!(lost());
            one.note("reload");
            assert!(lost());
            drop(two);
            assert!(!lost());
        });
    }
}
