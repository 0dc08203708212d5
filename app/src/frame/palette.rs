//! The command palette: pages, flows and actions, reached by name. Ctrl+K or Cmd+K opens it anywhere.

use std::time::Duration;

use holon_model::RunId;
use holon_model::wire::flows::FlowSummary;
use leptos::ev;
use leptos::leptos_dom::helpers::TimeoutHandle;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::{Theme, apply_theme, person, strings};
use crate::flows::api::FlowsQuery;
use crate::ports::use_ports;
use crate::ui::{dom, icon, use_toasts};

/// What choosing an entry does.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Act {
    Go(String),
    Theme(Theme),
    SignOut,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    glyph: &'static str,
    label: String,
    more: &'static str,
    act: Act,
}

fn entry(glyph: &'static str, label: &str, more: &'static str, act: Act) -> Entry {
    Entry { glyph, label: label.to_owned(), more, act }
}

fn fixed() -> Vec<Entry> {
    let go = |href: &str| Act::Go(href.to_owned());
    vec![
        entry("house", strings::HOME, "", go("/")),
        entry("workflow", strings::FLOWS, "", go("/flows")),
        entry("activity", strings::RUNS, "", go("/runs")),
        entry("clipboard-check", strings::TASKS, "", go("/tasks")),
        entry("calendar-clock", strings::SCHEDULES, "", go("/schedules")),
        entry("radio", strings::EVENTS, "", go("/events")),
        entry("hard-hat", strings::WORKERS, "", go("/workers")),
        entry("plug", strings::CONNECTIONS, "", go("/connections")),
        entry("key-round", strings::TOKENS, "", go("/tokens")),
        entry("settings", strings::SETTINGS, "", go("/settings")),
        entry("plus", strings::NEW_FLOW, "", go("/flows?new=flow")),
        entry("plus", strings::NEW_CONNECTION, "", go("/connections?new=connection")),
        entry("plus", strings::NEW_TOKEN, "", go("/tokens?new=token")),
        entry("sun", strings::THEME_LIGHT, "", Act::Theme(Theme::Light)),
        entry("moon", strings::THEME_DARK, "", Act::Theme(Theme::Dark)),
        entry("monitor", strings::THEME_SYSTEM, "", Act::Theme(Theme::System)),
        entry("log-out", strings::SIGN_OUT, "", Act::SignOut),
    ]
}

/// How the palette is opened, as this machine writes it. Rendered as for most, corrected in an effect.
pub fn shortcut() -> AnyView {
    let (text, set_text) = signal("Ctrl K");
    Effect::new(move |_| {
        if dom::is_mac() {
            set_text.set("⌘ K");
        }
    });
    view! { {text} }.into_any()
}

/// The palette.
#[component]
pub fn Palette(
    /// Whether it is shown.
    open: RwSignal<bool>,
) -> impl IntoView {
    let node = NodeRef::<leptos::html::Dialog>::new();
    Effect::new(move |_| {
        let open = open.get();
        if let Some(dialog) = node.get() {
            dom::show_dialog(&dialog, open);
        }
    });
    Effect::new(move |_| {
        let listener = window_event_listener(ev::keydown, move |event| {
            if (event.ctrl_key() || event.meta_key()) && !event.alt_key() && event.key().eq_ignore_ascii_case("k") {
                event.prevent_default();
                open.try_update(|open| *open = !*open);
            }
        });
        on_cleanup(move || listener.remove());
    });
    view! {
        <dialog node_ref=node class="palette" aria-label=strings::PALETTE on:close=move |_| open.set(false)>
            {move || open.get().then(|| inside(open))}
        </dialog>
    }
    .into_any()
}

fn inside(open: RwSignal<bool>) -> AnyView {
    let (words, at) = (RwSignal::new(String::new()), RwSignal::new(0usize));
    let flows = RwSignal::new(Vec::<FlowSummary>::new());
    look_for_flows(words, flows);
    let found = Memo::new(move |_| matching(&words.get(), &flows.get()));
    // Flows that come a moment later are put in front: what was marked stays marked. Other words begin at the top.
    Effect::new(move |before: Option<(String, Vec<Entry>)>| {
        let now = (words.get(), found.get());
        let marked =
            before.filter(|before| before.0 == now.0).and_then(|before| before.1.get(at.get_untracked()).cloned());
        let place = marked.and_then(|marked| now.1.iter().position(|entry| *entry == marked)).unwrap_or(0);
        if at.get_untracked() != place {
            at.set(place);
        }
        now
    });
    let (navigate, toasts) = (use_navigate(), use_toasts());
    let choose = StoredValue::new_local(move |act: Act| {
        open.set(false);
        match act {
            Act::Go(href) => navigate(&href, NavigateOptions::default()),
            Act::Theme(theme) => apply_theme(theme),
            Act::SignOut => person::sign_out(toasts),
        }
    });
    let keys = move |event: ev::KeyboardEvent| {
        let last = found.with(Vec::len).saturating_sub(1);
        match event.key().as_str() {
            "ArrowDown" => at.update(|at| *at = if *at >= last { 0 } else { *at + 1 }),
            "ArrowUp" => at.update(|at| *at = at.checked_sub(1).unwrap_or(last)),
            "Enter" => {
                if let Some(entry) = found.with(|found| found.get(at.get()).cloned()) {
                    choose.with_value(|choose| choose(entry.act));
                }
            }
            _ => return,
        }
        event.prevent_default();
    };
    let option = move |(index, entry): (usize, Entry)| {
        let act = entry.act.clone();
        view! {
            <div
                role="option"
                id=format!("palette-{index}")
                aria-selected=move || if at.get() == index { "true" } else { "false" }
                on:pointermove=move |_| at.set(index)
                on:click=move |_| choose.with_value(|choose| choose(act.clone()))
            >
                {icon(entry.glyph)}
                <span class="truncate">{entry.label}</span>
                <span class="more">{entry.more}</span>
            </div>
        }
        .into_any()
    };
    view! {
        <div class="ask">
            {icon("search")}
            <input
                type="text"
                role="combobox"
                autofocus=true
                autocomplete="off"
                spellcheck="false"
                aria-label=strings::PALETTE
                aria-expanded="true"
                aria-controls="palette-list"
                aria-activedescendant=move || found.with(|found| !found.is_empty()).then(|| format!("palette-{}", at.get()))
                placeholder=strings::PALETTE_ASK
                on:input=move |event| {
                    words.set(event_target_value(&event));
                    at.set(0);
                }
                on:keydown=keys
            />
            <kbd>"Esc"</kbd>
        </div>
        <div role="listbox" id="palette-list" aria-label=strings::PALETTE>
            {move || found.get().into_iter().enumerate().map(option).collect::<Vec<_>>()}
        </div>
        {move || found.with(Vec::is_empty).then(|| view! { <p class="none" role="status">{strings::NOTHING_FOUND}</p> })}
    }
    .into_any()
}

/// Asks for flows a moment after the last keystroke.
fn look_for_flows(words: RwSignal<String>, flows: RwSignal<Vec<FlowSummary>>) {
    let ports = use_ports();
    let waiting = StoredValue::new_local(None::<TimeoutHandle>);
    Effect::new(move |_| {
        let q = words.get();
        let ports = ports.clone();
        let ask = move || {
            spawn_local(async move {
                let query = FlowsQuery { q, cursor: None, limit: Some(6) };
                if let Ok(page) = ports.flows.list(query).await {
                    flows.try_set(page.data);
                }
            });
        };
        if let Some(handle) = waiting.try_get_value().flatten() {
            handle.clear();
        }
        waiting.set_value(set_timeout_with_handle(ask, Duration::from_millis(120)).ok());
    });
}

/// The run whose id is in a text: pasted by itself, or with the sentence or the address that named it.
fn run_in(text: &str) -> Option<RunId> {
    const DIGITS: usize = 32;
    let named = text.match_indices("run_").find_map(|(at, _)| text.get(at..at + "run_".len() + DIGITS)?.parse().ok());
    let bare = || format!("run_{}", text.trim()).parse().ok();
    named.or_else(bare)
}

/// Entries that contain every word, and the flows that the server found. The run whose id is in it is all that is meant.
fn matching(words: &str, flows: &[FlowSummary]) -> Vec<Entry> {
    if let Some(run) = run_in(words) {
        return vec![entry("activity", &run.to_string(), strings::RUN, Act::Go(format!("/runs/{run}")))];
    }
    let words = words.to_lowercase();
    let fits = |label: &str| {
        let label = label.to_lowercase();
        words.split_whitespace().all(|word| label.contains(word))
    };
    let mut found: Vec<Entry> = fixed().into_iter().filter(|entry| fits(&entry.label)).collect();
    let flow =
        |flow: &FlowSummary| entry("workflow", &flow.name, strings::FLOW, Act::Go(format!("/flows/{}", flow.id)));
    let flows = flows.iter().filter(|flow| fits(&flow.name)).map(flow);
    if words.trim().is_empty() {
        found.extend(flows);
        return found;
    }
    flows.chain(found).collect()
}

#[cfg(test)]
mod tests {
    use super::run_in;

    #[test]
    fn the_id_of_a_run_is_found_in_what_is_pasted() {
        let id = "run_01900000000070008000000000000001";
        let sentence = format!("{id} was accepted and goes on; it has not answered within 30 s.");
        for text in [id, &id[4..], &format!("http://localhost:8080/runs/{id}?at=3"), &sentence] {
            assert_eq!(run_in(text).map(|run| run.to_string()).as_deref(), Some(id), "{text}");
        }
        for text in ["", "run_", "runs", "run_0190", "orders"] {
            assert_eq!(run_in(text), None, "{text}");
        }
    }
}
