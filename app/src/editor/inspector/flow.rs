//! The graph itself, shown while nothing is selected: of the flow its name, description and result, of a body its result.

use holon_studio::Command;
use leptos::prelude::*;

use super::{limits, result};
use crate::{
    editor::{keys, store::use_editor, strings},
    ui::icon,
};

pub(super) fn flow() -> AnyView {
    let editor = use_editor();
    let name = Memo::new(move |_| editor.definition.with(|definition| definition.name.clone()));
    let description = Memo::new(move |_| editor.definition.with(|definition| definition.description.clone()));
    let at = editor.scene.path.get();
    let title = match at.parent() {
        None => view! { <h2>{move || name.get()}</h2> }.into_any(),
        Some((_, step)) => view! { <h2>{strings::inside(&step.words())}</h2> }.into_any(),
    };
    let root = at.is_root();
    let about = root.then(|| {
        view! {
            <div class="form-field">
                <label class="form-title" for="flow-name">{strings::NAME}</label>
                <input class="input" id="flow-name" prop:value=name on:input=move |event| _ = editor.perform(Command::SetName { name: event_target_value(&event) })/>
            </div>
            <div class="form-field">
                <label class="form-title" for="flow-description">{strings::DESCRIPTION}</label>
                <textarea class="input" id="flow-description" rows="3" prop:value=description on:input=move |event| _ = editor.perform(Command::SetDescription { description: event_target_value(&event) })></textarea>
            </div>
        }
    });
    view! {
        <div class="inspector-head">{title}</div>
        <div class="form">
            {about}
            {result::result(editor, at)}
            {root.then(|| limits::limits(editor))}
            <button type="button" class="button" on:click=move |_| keys::tidy(editor)>{icon("layout-grid")}{strings::TIDY}</button>
        </div>
    }
    .into_any()
}
