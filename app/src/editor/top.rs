//! The editor's bar: where you are, whether it is saved, undo and redo, run, publish.

use leptos::prelude::*;

use super::{
    run,
    store::{Asking, Editor, Saving, use_editor},
    strings,
};
use crate::ui::icon;

/// The bar.
#[component]
pub(super) fn Top() -> impl IntoView {
    let editor = use_editor();
    let name = move || editor.definition.with(|definition| definition.name.clone());
    // What is run and delivered to is the published version.
    let differs = Memo::new(move |_| run::differs(editor));
    let run_title = move || match editor.published.with(|version| version.as_ref().map(|version| version.version)) {
        Some(version) => strings::run_version(version),
        None => strings::RUN.to_owned(),
    };
    let version = move || {
        editor.published.get().map(|version| {
            let hash = version.hash.chars().take(8).collect::<String>();
            let title = if differs.get() { strings::DIFFERS.to_owned() } else { version.hash.clone() };
            let told = match differs.get() {
                true => strings::changed_since(version.version),
                false => format!("v{} · {hash}", version.version),
            };
            view! { <a class="tag" class:changed=differs href=format!("/flows/{}/versions", editor.flow) title=title>{told}</a> }
        })
    };
    view! {
        <header class="bar editor-bar">
            <h1 class="hidden-visually">{name}</h1>
            <nav class="crumbs" aria-label=strings::FLOWS>
                <ol>
                    <li><a href="/flows">{strings::FLOWS}</a>{icon("chevron-right")}</li>
                    <li><span aria-current="page" title=name>{name}</span></li>
                </ol>
            </nav>
            {version}
            {move || saved(editor)}
            <div class="actions">
                {step(editor.undo, strings::UNDO, "undo-2", "Control+Z", move || editor.undo())}
                {step(editor.redo, strings::REDO, "redo-2", "Control+Shift+Z", move || editor.redo())}
                <button type="button" class="button ghost small only-icon" title=strings::KEYS aria-label=strings::KEYS on:click=move |_| editor.asking.set(Some(Asking::Keys))>{icon("keyboard")}</button>
                <button type="button" class="button run-now" title=run_title disabled=editor.starting aria-busy=move || editor.starting.get().to_string() on:click=move |_| run::ask(editor)>{icon("play")}<span class="words">{strings::RUN}</span></button>
                <button type="button" class="button primary" on:click=move |_| editor.asking.set(Some(Asking::Publish))>{strings::PUBLISH}</button>
            </div>
        </header>
    }
    .into_any()
}

fn saved(editor: Editor) -> AnyView {
    let (class, glyph, words) = match editor.saving.get() {
        Saving::Saved => ("saved", "check", strings::SAVED),
        Saving::Pending => ("saved", "circle-dashed", strings::PENDING),
        Saving::Running => ("saved", "loader-circle", strings::SAVING),
        // Why stands below the bar.
        Saving::Failed => ("saved is-failed", "circle-alert", strings::NOT_SAVED),
        Saving::Stale => {
            // The question can be closed, and asked again from here.
            return view! {
                <span class="saved is-failed" role="status">
                    <button type="button" class="button ghost small danger" title=strings::STALE_TEXT aria-label=strings::STALE on:click=move |_| editor.asking.set(Some(Asking::Stale))>
                        {icon("circle-alert")}
                        <span class="words">{strings::STALE}</span>
                    </button>
                </span>
            }
            .into_any();
        }
    };
    view! { <span class=class role="status">{icon(glyph)}<span class="words">{words}</span></span> }.into_any()
}

fn step(
    label: RwSignal<Option<String>>,
    word: &'static str,
    glyph: &'static str,
    keys: &'static str,
    act: impl Fn() + 'static,
) -> AnyView {
    let title = move || label.get().map_or_else(|| word.to_owned(), |label| format!("{word} {label}"));
    view! {
        <button type="button" class="button ghost small only-icon step" title=title aria-label=title aria-keyshortcuts=keys disabled=move || label.with(Option::is_none) on:click=move |_| act()>
            {icon(glyph)}
        </button>
    }
    .into_any()
}
