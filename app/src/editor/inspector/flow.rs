//! The flow itself, shown while nothing is selected: name, description, result.

use holon_model::Value;
use holon_studio::{Command, form};
use leptos::prelude::*;

use super::{Spot, expression};
use crate::{
    editor::{keys, store::use_editor, strings},
    ui::icon,
};

pub(super) fn flow() -> AnyView {
    let editor = use_editor();
    let name = Memo::new(move |_| editor.definition.with(|definition| definition.name.clone()));
    let description = Memo::new(move |_| editor.definition.with(|definition| definition.description.clone()));
    let at = editor.scene.path.get();
    let result = {
        let at = at.clone();
        Memo::new(move |_| {
            let value = editor.definition.with(|definition| at.find(definition).and_then(|graph| graph.result.clone()));
            match form::mode(value.as_ref()) {
                form::Mode::Expression(source) | form::Mode::Text(source) => source,
                form::Mode::Fixed => value.map(|value| value.to_json()).unwrap_or_default(),
            }
        })
    };
    let store = {
        let at = at.clone();
        Callback::new(move |source: String| {
            let value = (!source.trim().is_empty()).then(|| Value::map([("$cel", Value::from(source))]));
            editor.perform(Command::SetResult { at: at.clone(), value });
        })
    };
    // The result is an expression of the graph, not of a node.
    let spot = Spot { editor, at: at.clone(), key: "".into(), root: std::sync::Arc::new(Value::Bool(true)) };
    let about = at.is_root().then(|| {
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
        <div class="inspector-head"><h2>{move || name.get()}</h2></div>
        <div class="form">
            {about}
            <div class="form-field">
                <label class="form-title" for="flow-result">{strings::RESULT}</label>
                {expression::editor(spot, result, store, false, false, "flow-result".to_owned(), "nodes.totals".to_owned())}
                <p class="hint">{strings::RESULT_HINT}</p>
            </div>
            <button type="button" class="button" on:click=move |_| keys::tidy(editor)>{icon("layout-grid")}{strings::TIDY}</button>
        </div>
    }
    .into_any()
}
