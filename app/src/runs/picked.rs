//! Which of the runs in a list are selected: one by one, a range, or all that are shown.

use std::collections::BTreeSet;

use holon_model::RunId;
use holon_model::wire::runs::RunSummary;
use leptos::prelude::*;

/// The selection. What is not in the list any more is not selected any more.
#[derive(Clone, Copy)]
pub struct Picked {
    rows: RwSignal<Vec<RunSummary>>,
    ids: RwSignal<BTreeSet<RunId>>,
    /// Where a range begins.
    anchor: StoredValue<Option<RunId>>,
}

impl Picked {
    /// Nothing of these.
    pub fn new(rows: RwSignal<Vec<RunSummary>>) -> Self {
        Self { rows, ids: RwSignal::new(BTreeSet::new()), anchor: StoredValue::new(None) }
    }

    /// Whether a run is selected.
    pub fn has(self, id: RunId) -> bool {
        self.ids.with(|ids| ids.contains(&id))
    }

    /// Selects a run, or not any more; a range does so to all between it and the one before.
    pub fn set(self, id: RunId, on: bool, range: bool) {
        let anchor = self.anchor.get_value().filter(|_| range).unwrap_or(id);
        let ids = self.rows.with_untracked(|rows| {
            let place = |id: RunId| rows.iter().position(|row| row.id == id);
            let (Some(a), Some(b)) = (place(anchor), place(id)) else { return vec![id] };
            rows[a.min(b)..=a.max(b)].iter().map(|row| row.id).collect()
        });
        self.anchor.set_value(Some(id));
        self.ids.update(|known| {
            for id in ids {
                if on {
                    known.insert(id)
                } else {
                    known.remove(&id)
                };
            }
        });
    }

    /// Selects all that are in the list.
    pub fn all(self) {
        let ids = self.rows.with_untracked(|rows| rows.iter().map(|row| row.id).collect());
        self.ids.set(ids);
    }

    /// Selects nothing.
    pub fn none(self) {
        self.ids.set(BTreeSet::new());
    }

    /// The selected runs as the list has them.
    pub fn runs(self) -> Vec<RunSummary> {
        self.ids.with(|ids| match ids.is_empty() {
            true => Vec::new(),
            false => self.rows.with(|rows| rows.iter().filter(|row| ids.contains(&row.id)).cloned().collect()),
        })
    }

    /// Whether all that are in the list are selected, and whether any is.
    pub fn extent(self) -> (bool, bool) {
        let (known, rows) = (self.runs().len(), self.rows.with(Vec::len));
        (rows > 0 && known == rows, known > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runs::live::tests::run;

    #[test]
    fn a_range_goes_from_the_one_before_in_both_directions_and_what_left_the_list_is_not_selected() {
        Owner::new().with(|| {
            let rows = RwSignal::new((1..=6).map(|id| run(id, "failed", 10)).collect::<Vec<_>>());
            let id = |at: usize| rows.with_untracked(|rows| rows[at].id);
            let picked = Picked::new(rows);
            let chosen = || picked.runs().iter().map(|run| run.id).collect::<Vec<_>>();
            picked.set(id(3), true, false);
            picked.set(id(1), true, true);
            assert_eq!(chosen(), [id(1), id(2), id(3)]);
            picked.set(id(2), false, true);
            assert_eq!(chosen(), [id(3)]);
            assert_eq!(picked.extent(), (false, true));
            picked.all();
            assert_eq!(picked.extent(), (true, true));
            rows.update(|rows| rows.truncate(2));
            assert_eq!(picked.runs().len(), 2);
            picked.none();
            assert_eq!(picked.extent(), (false, false));
        });
    }
}
