//! The rail: the pages, as icons, or with words when it is opened. On narrow screens it lies at the bottom.

use std::time::Duration;

use holon_model::error::Code;
use leptos::prelude::*;
use leptos_router::components::A;
use leptos_router::hooks::use_location;

use super::strings;
use crate::ports::use_ports;
use crate::rest::connection::lost_since;
use crate::runs::follow::every;
use crate::ui::{Menu, dom, icon::mark, icon_large, menu};

/// Where this browser remembers whether the rail is open; the document's first script reads it too.
const REMEMBERED: &str = "holon.rail";

/// How often it is looked how many tasks there are for who looks.
const ANYHOW: Duration = Duration::from_secs(30);

/// The menu of the pages that a narrow page has no room for.
const MORE: &str = "more-pages";

/// The rail.
pub fn rail() -> AnyView {
    let (open, set_open) = signal(false);
    Effect::new(move |_| set_open.set(dom::remembered(REMEMBERED).as_deref() == Some("open")));
    let toggle = move |_| {
        let state = (!open.get_untracked()).then_some("open");
        set_open.set(state.is_some());
        dom::remember(REMEMBERED, state);
        dom::root_attribute("data-rail", state);
    };
    let words = move || if open.get() { strings::CLOSE_RAIL } else { strings::TOGGLE_RAIL };
    view! {
        <nav class="rail" aria-label=strings::NAVIGATION>
            <a class="mark" href="/" aria-label="Holon" tabindex="-1">
                {mark(20)}
                <span class="label">"Holon"</span>
            </a>
            {item("/", "house", strings::HOME, "item")}
            {item("/flows", "workflow", strings::FLOWS, "item")}
            {item("/runs", "activity", strings::RUNS, "item")}
            {tasks()}
            {item("/schedules", "calendar-clock", strings::SCHEDULES, "item")}
            {item("/events", "radio", strings::EVENTS, "item wide-only")}
            {item("/workers", "hard-hat", strings::WORKERS, "item wide-only")}
            {item("/connections", "plug", strings::CONNECTIONS, "item wide-only")}
            {item("/tokens", "key-round", strings::TOKENS, "item wide-only")}
            {item("/settings", "settings", strings::SETTINGS, "item wide-only")}
            <button type="button" class="item narrow-only" popovertarget=MORE aria-haspopup="menu">
                {icon_large("ellipsis")}
                <span class="label">{strings::MORE}</span>
            </button>
            <button
                type="button"
                class="item toggle"
                aria-label=words
                title=words
                on:click=toggle
            >
                {icon_large("panel-left-open")}
                <span class="label" aria-hidden="true">{strings::CLOSE_RAIL}</span>
            </button>
        </nav>
        <Menu id=MORE label=strings::MORE>
            {menu::link("radio", strings::EVENTS, "/events".into())}
            {menu::link("hard-hat", strings::WORKERS, "/workers".into())}
            {menu::link("plug", strings::CONNECTIONS, "/connections".into())}
            {menu::link("key-round", strings::TOKENS, "/tokens".into())}
            {menu::link("settings", strings::SETTINGS, "/settings".into())}
        </Menu>
    }
    .into_any()
}

/// The tasks, with how many of them name who looks: that is how they are told.
fn tasks() -> AnyView {
    let ports = use_ports();
    let counts = Resource::new(|| (), move |()| ports.tasks.counts());
    let lost = lost_since();
    // How many there were at the last look, and whether who looks may look at all: one that failed otherwise is no news.
    let (last, forbidden) = (StoredValue::new(0), StoredValue::new(false));
    // What is asked of somebody while they look elsewhere is told within a moment.
    every(ANYHOW, move || {
        if lost.get().is_none() && !forbidden.get_value() {
            counts.refetch();
        }
    });
    // Whoever has just answered one has one less.
    let place = use_location().pathname;
    Effect::new(move |before: Option<String>| {
        let here = place.get();
        if before.is_some_and(|before| before != here) {
            counts.refetch();
        }
        here
    });
    let told = move || {
        Suspend::new(async move {
            match counts.await {
                Ok(counts) => last.set_value(counts.mine),
                Err(problem) => forbidden.set_value(problem.code == Code::Forbidden),
            }
            let mine = last.get_value();
            (mine > 0).then(|| {
                view! {
                    <span class="badge number" aria-hidden="true">{count(mine)}</span>
                    <span class="hidden-visually">{strings::for_you(mine)}</span>
                }
            })
        })
    };
    view! {
        <A href="/tasks" attr:class="item" attr:title=strings::TASKS>
            {icon_large("clipboard-check")}
            <span class="label">{strings::TASKS}</span>
            <Transition>{told}</Transition>
        </A>
    }
    .into_any()
}

/// Of many, that there are many.
fn count(mine: u32) -> String {
    if mine > 99 { "99+".to_owned() } else { mine.to_string() }
}

fn item(href: &'static str, glyph: &'static str, label: &'static str, class: &'static str) -> AnyView {
    view! {
        <A href=href exact=href == "/" attr:class=class attr:title=label>
            {icon_large(glyph)}
            <span class="label">{label}</span>
        </A>
    }
    .into_any()
}
