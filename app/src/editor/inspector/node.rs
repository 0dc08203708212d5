//! A node: head, tabs, and the tab that is open.

use holon_flow::definition::Key;
use holon_studio::{GraphPath, form};
use leptos::prelude::*;

use super::{Spot, address, data, field, head, help, import, options, raw};
use crate::{
    editor::{
        keys,
        store::{SETTINGS, use_editor},
        strings,
    },
    ui::{Tabs, icon},
};

pub(super) fn node(at: GraphPath, key: Key) -> AnyView {
    let editor = use_editor();
    let spot = Spot::new(editor, at, key);
    let open = editor.tab;
    let tabs = vec![
        (SETTINGS, strings::SETTINGS, None),
        ("data", strings::DATA, None),
        ("options", strings::OPTIONS, None),
        ("json", strings::JSON, None),
        ("help", strings::HELP, None),
    ];
    let body = {
        let spot = spot.clone();
        move || match open.get() {
            "data" => data::of_node(&spot),
            "options" => options::options(&spot),
            "json" => raw::raw(&spot),
            "help" => help::help(&spot),
            _ => settings(&spot),
        }
    };
    view! {
        {head::head(&spot)}
        <Tabs id="inspector" label=strings::SETTINGS tabs open/>
        <div class="inspector-tab" id="inspector-panel" role="tabpanel">{body}</div>
    }
    .into_any()
}

fn settings(spot: &Spot) -> AnyView {
    let fields = form::fields(&spot.root);
    let (advanced, plain): (Vec<_>, Vec<_>) = fields.into_iter().partition(|field| field.advanced);
    let none = plain.is_empty() && advanced.is_empty();
    let draw =
        |fields: Vec<form::Field>| fields.into_iter().map(|one| field::field(spot.clone(), one)).collect::<Vec<_>>();
    let more = (!advanced.is_empty()).then(|| {
        view! { <details class="form-more"><summary>{strings::ADVANCED}</summary><div class="form">{draw(advanced)}</div></details> }
    });
    view! {
        <div class="form">
            {address::address(spot)}
            {import::import(spot)}
            {head::branches(spot)}
            {draw(plain)}
            {none.then(|| view! { <p class="muted">{strings::NO_FIELDS}</p> })}
            {more}
        </div>
    }
    .into_any()
}

/// Several nodes at once.
pub(super) fn several(count: usize) -> AnyView {
    let editor = use_editor();
    view! {
        <div class="inspector-head"><h2>{strings::selected(count)}</h2></div>
        <div class="form">
            <button type="button" class="button" on:click=move |_| keys::duplicate(editor)>{icon("copy")}{strings::DUPLICATE}</button>
            <button type="button" class="button" on:click=move |_| keys::tidy(editor)>{icon("layout-grid")}{strings::TIDY}</button>
            <button type="button" class="button danger" on:click=move |_| editor.delete()>{icon("trash")}{strings::DELETE}</button>
        </div>
    }
    .into_any()
}
