//! Completion of expressions: asked of the engine, walked with the arrow keys, taken with Enter or Tab.

use holon_studio::worker::{Ask, Choice, CompleteReply};
use leptos::task::spawn_local;
use leptos::{ev, html, prelude::*};

use super::Spot;
use crate::{editor::strings, engine};

/// Choices that are shown at once.
const MOST: usize = 60;

/// The list under one expression.
#[derive(Clone, Copy)]
pub(super) struct Completion {
    spot: StoredValue<Spot>,
    node: NodeRef<html::Textarea>,
    store: Callback<String>,
    each: bool,
    text: bool,
    found: RwSignal<CompleteReply>,
    active: RwSignal<usize>,
    asked: StoredValue<u32>,
}

impl Completion {
    pub(super) fn new(
        spot: Spot,
        node: NodeRef<html::Textarea>,
        store: Callback<String>,
        each: bool,
        text: bool,
    ) -> Self {
        Self {
            spot: StoredValue::new(spot),
            node,
            store,
            each,
            text,
            found: RwSignal::new(CompleteReply::default()),
            active: RwSignal::new(0),
            asked: StoredValue::new(0),
        }
    }

    pub(super) fn is_open(self) -> bool {
        self.found.with(|found| !found.items.is_empty())
    }

    pub(super) fn active_id(self) -> String {
        if self.is_open() { format!("choice-{}", self.active.get()) } else { String::new() }
    }

    /// The source and the cursor, in characters.
    fn now(self) -> Option<(String, usize)> {
        let node = self.node.get_untracked()?;
        let source = node.value();
        let units = usize::try_from(node.selection_start().ok()??).ok()?;
        let mut left = units;
        let cursor = source.chars().take_while(|character| {
            let within = left > 0;
            left = left.saturating_sub(character.len_utf16());
            within
        });
        let cursor = cursor.count();
        Some((source, cursor))
    }

    /// Asks what could follow at the cursor.
    pub(super) fn ask(self) {
        let (Some((source, cursor)), Some(spot)) = (self.now(), self.spot.try_get_value()) else { return };
        self.asked.update_value(|asked| *asked += 1);
        let number = self.asked.get_value();
        let question = Ask::Complete {
            iterations: spot.editor.scene.iterations.get_untracked(),
            at: spot.at,
            key: spot.key.to_string(),
            each: self.each,
            source,
            cursor: u32::try_from(cursor).unwrap_or(u32::MAX),
            text: self.text,
        };
        spawn_local(async move {
            let reply = engine::ask::<CompleteReply>(question).await.unwrap_or_default();
            if self.asked.try_get_value() == Some(number) {
                self.active.try_set(0);
                self.found.try_set(reply);
            }
        });
    }

    pub(super) fn close(self) {
        self.asked.try_update_value(|asked| *asked += 1);
        if self.found.try_with_untracked(|found| !found.items.is_empty()) == Some(true) {
            self.found.set(CompleteReply::default());
        }
    }

    /// The field lost the focus: a click on the list must still be heard.
    pub(super) fn leave(self) {
        set_timeout(move || self.close(), std::time::Duration::from_millis(150));
    }

    /// Handles a key; says whether it was one of the list's.
    pub(super) fn press(self, event: &ev::KeyboardEvent) -> bool {
        let key = event.key();
        if key == " " && event.ctrl_key() {
            self.ask();
            return true;
        }
        let count = self.found.with_untracked(|found| found.items.len().min(MOST));
        if count == 0 {
            return false;
        }
        match key.as_str() {
            "ArrowDown" => self.active.update(|at| *at = (*at + 1) % count),
            "ArrowUp" => self.active.update(|at| *at = (*at + count - 1) % count),
            "Enter" | "Tab" if !event.shift_key() => self.take(self.active.get_untracked()),
            "Escape" => self.close(),
            "ArrowLeft" | "ArrowRight" | "Home" | "End" => {
                self.close();
                return false;
            }
            _ => return false,
        }
        crate::ui::dom::reveal(&format!("#choice-{}", self.active.get_untracked()));
        true
    }

    fn take(self, index: usize) {
        let Some((source, cursor)) = self.now() else { return };
        let Some((from, choice)) =
            self.found.with_untracked(|found| found.items.get(index).map(|choice| (found.from, choice.clone())))
        else {
            return;
        };
        let from = usize::try_from(from).unwrap_or(0);
        let before: String = source.chars().take(from).collect();
        let after: String = source.chars().skip(cursor).collect();
        let place = before.encode_utf16().count() + choice.insert.encode_utf16().count();
        // After `name(` the cursor stands inside the parentheses.
        let place = if choice.insert.ends_with("()") { place - 1 } else { place };
        self.close();
        self.store.run(format!("{before}{}{after}", choice.insert));
        if let (Some(node), Ok(place)) = (self.node.get_untracked(), u32::try_from(place)) {
            node.set_value(&format!("{before}{}{after}", choice.insert));
            let _ = node.focus();
            let _ = node.set_selection_range(place, place);
        }
    }

    pub(super) fn view(self, id: String) -> AnyView {
        let option = move |(index, choice): (usize, Choice)| {
            view! {
                <div
                    class="choice"
                    id=format!("choice-{index}")
                    role="option"
                    aria-selected=move || (self.active.get() == index).to_string()
                    on:pointerdown=move |event: ev::PointerEvent| {
                        event.prevent_default();
                        self.take(index);
                    }
                >
                    <code>{choice.label}</code>
                    <span class="choice-detail">{choice.detail}</span>
                    <span class="choice-doc truncate">{choice.doc}</span>
                </div>
            }
            .into_any()
        };
        view! {
            <div class="choices-list" id=id role="listbox" aria-label=strings::SUGGESTIONS hidden=move || !self.is_open()>
                {move || self.found.get().items.into_iter().take(MOST).enumerate().map(option).collect::<Vec<_>>()}
            </div>
        }
        .into_any()
    }
}
