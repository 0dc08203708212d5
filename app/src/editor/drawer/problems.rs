//! What is wrong with the flow, each a way to the place.

use holon_model::wire::flows::{Diagnostic, Severity};
use holon_studio::path;
use leptos::prelude::*;

use crate::{
    editor::{
        inspector::RESULT_FIELD,
        store::{Editor, Tab, use_editor},
        strings,
    },
    ui::{dom, icon, joint, keys, words},
};

pub(super) fn problems() -> AnyView {
    let editor = use_editor();
    let found = Memo::new(move |_| editor.preview.with(|preview| preview.diagnostics.clone()));
    view! {
        <div class="problems" on:keydown=move |event| keys::vertical(&event, "button")>
            {move || {
                let found = found.get();
                if found.is_empty() {
                    return none(editor);
                }
                found.into_iter().map(problem).collect::<Vec<_>>().into_any()
            }}
        </div>
    }
    .into_any()
}

/// Nothing is wrong with the drawing; what the sample did in it may be.
fn none(editor: Editor) -> AnyView {
    let failed = editor.preview.with(|preview| preview.error.is_some());
    if !failed {
        return view! { <p class="muted">{strings::NO_PROBLEMS}</p> }.into_any();
    }
    view! {
        <div class="line">
            <span class="status is-failed">{icon("circle-x")}</span>
            <span>{strings::PREVIEW_FAILED}</span>
            <button type="button" class="button small" on:click=move |_| editor.drawer.set(Some(Tab::Output))>{strings::OUTPUT}</button>
        </div>
    }
    .into_any()
}

/// One of them: pressed, it leads to its place.
pub(in crate::editor) fn problem(found: Diagnostic) -> AnyView {
    let editor = use_editor();
    let place = path::locate(&found.pointer);
    let of_result = path::locate_result(&found.pointer);
    let shown = match &of_result {
        Some(at) => at.place(strings::RESULT),
        None => place.as_ref().map(|(at, key, _)| at.place(key)).unwrap_or_default(),
    };
    let (class, glyph) =
        if found.severity == Severity::Error { ("is-failed", "circle-x") } else { ("is-waiting", "triangle-alert") };
    let go = move |_| {
        if let Some(at) = of_result.clone() {
            editor.show(at);
            // The inspector is drawn first.
            return set_timeout(|| dom::focus(&format!("#{RESULT_FIELD}")), std::time::Duration::from_millis(30));
        }
        let Some((at, key, rest)) = place.clone() else { return };
        editor.go_to(at, &key);
        let field = rest
            .strip_prefix("/config")
            .unwrap_or_default()
            .trim_end_matches("/$cel")
            .trim_end_matches("/$text")
            .to_owned();
        if !field.is_empty() {
            // The inspector is drawn first.
            let id = format!("#f{}", field.replace(['/', '~', ' '], "-"));
            set_timeout(move || dom::focus(&id), std::time::Duration::from_millis(30));
        }
    };
    view! {
        <button type="button" class="problem" on:click=go>
            <span class=format!("status {class}")>{icon(glyph)}</span>
            <code>{shown}</code>
            <span class="grow">{words(&found.message)}{found.hint.map(|hint| view! { <span class="muted">{joint(&found.message, &hint)}{words(&hint)}</span> })}</span>
            <span class="muted mono problem-code">{found.code}</span>
        </button>
    }
    .into_any()
}
