//! The head of a node's inspector: icon, key, actions; and the bodies of a scope.

use holon_flow::definition::Key;
use holon_studio::{Command, bodies, fragment::free_key};
use leptos::prelude::*;

use super::{Spot, refuse};
use crate::{
    canvas::Selection,
    editor::{keys, store::Asking, strings},
    ui::icon,
};

pub(super) fn head(spot: &Spot) -> AnyView {
    let editor = spot.editor;
    let kind = spot.kind();
    let title = kind
        .as_ref()
        .map_or_else(|| spot.now(|node| node.kind.to_string()).unwrap_or_default(), |kind| kind.title.clone());
    let glyph = kind.as_ref().map_or_else(|| "circle-question-mark".to_owned(), |kind| kind.icon.clone());
    let key = spot.key.clone();
    let rename = {
        let spot = spot.clone();
        move |event: leptos::ev::Event| {
            let to = event_target_value(&event);
            let to = to.trim();
            if to == &*spot.key || to.is_empty() {
                return refuse::put_back(&event, &spot.key);
            }
            let command = Command::Rename { at: spot.at.clone(), key: spot.key.clone(), to: to.into() };
            if editor.perform(command) {
                editor.scene.selection.set(Selection::node(&Key::from(to)));
            } else {
                // Why was said.
                refuse::put_back(&event, &spot.key);
            }
        }
    };
    let first = kind.and_then(|kind| kind.out_ports(&spot.now(|node| node.config.clone())?).into_iter().next());
    let connect = first.map(|port| {
        let from = format!("{key}.{port}");
        let press = move |_| editor.asking.set(Some(Asking::Connect(from.clone())));
        view! {
            <button type="button" class="button ghost small only-icon" title=strings::CONNECT aria-label=strings::CONNECT on:click=press>{icon("arrow-right")}</button>
        }
    });
    view! {
        <div class="inspector-head">
            <span class="node-icon" title=title.clone()>{icon(&glyph)}</span>
            <div class="inspector-name">
                <input class="input key-input mono" aria-label=strings::KEY title=strings::KEY_HINT spellcheck="false" prop:value=key.to_string() on:change=rename/>
                <span class="muted truncate">{title}</span>
            </div>
            {connect}
            <button type="button" class="button ghost small only-icon" title=strings::DUPLICATE aria-label=strings::DUPLICATE on:click=move |_| keys::duplicate(editor)>{icon("copy")}</button>
            <button type="button" class="button ghost small only-icon" title=strings::DELETE aria-label=strings::DELETE on:click=move |_| editor.delete()>{icon("trash")}</button>
        </div>
    }
    .into_any()
}

/// The bodies of a scope: look inside, add a branch, rename or remove one where they are named freely.
pub(super) fn branches(spot: &Spot) -> Option<AnyView> {
    let kind = spot.kind().filter(|kind| kind.is_scope())?;
    let list = {
        let spot = spot.clone();
        Memo::new(move |_| {
            spot.with(|node| {
                node.bodies.iter().map(|(name, body)| (name.clone(), body.nodes.len())).collect::<Vec<_>>()
            })
            .unwrap_or_default()
        })
    };
    let rows = {
        let (spot, kind) = (spot.clone(), kind.clone());
        move || list.get().into_iter().map(|(body, count)| row(&spot, &kind, body, count)).collect::<Vec<_>>()
    };
    let missing = {
        let (spot, kind) = (spot.clone(), kind.clone());
        move || {
            let there = list.get();
            let absent = |name: &String| !there.iter().any(|(body, _)| **body == **name);
            let fixed = kind.bodies.iter().map(|(name, _)| name.clone()).filter(absent);
            let free = kind
                .named_bodies
                .then(|| free_key("branch", &|name| there.iter().any(|(body, _)| **body == *name)).to_string());
            fixed.chain(free).map(|name| add_button(&spot, name, kind.named_bodies)).collect::<Vec<_>>()
        }
    };
    Some(
        view! {
            <section class="form-field" aria-label=strings::BODIES>
                <div class="form-head"><span class="form-title">{strings::BODIES}</span></div>
                <div class="bodies">{rows}</div>
                <div class="line wrap">{missing}</div>
            </section>
        }
        .into_any(),
    )
}

fn row(spot: &Spot, kind: &holon_studio::KindInfo, body: Key, count: usize) -> AnyView {
    let editor = spot.editor;
    let (key, entered) = (spot.key.clone(), body.clone());
    let optional = kind.named_bodies || kind.bodies.iter().any(|(name, optional)| *optional && **name == *body);
    let remove = optional.then(|| {
        let (spot, gone) = (spot.clone(), body.clone());
        let press = move |_| _ = spot.compose(|definition, kinds| bodies::remove(definition, &spot.at, kinds, &spot.key, &gone));
        view! {
            <button type="button" class="button ghost small only-icon" aria-label=format!("{} {body}", strings::REMOVE) on:click=press>{icon("x")}</button>
        }
    });
    let name = if kind.named_bodies {
        let (spot, before) = (spot.clone(), body.clone());
        let rename = move |event: leptos::ev::Event| {
            let to = event_target_value(&event);
            let to = Key::from(to.trim());
            let renamed = to != before
                && spot
                    .compose(|definition, kinds| bodies::rename(definition, &spot.at, kinds, &spot.key, &before, &to));
            if !renamed {
                // Why was said.
                refuse::put_back(&event, &before);
            }
        };
        view! { <input class="input mono" aria-label=strings::MAP_KEY prop:value=body.to_string() on:change=rename/> }
            .into_any()
    } else {
        view! { <code class="grow">{body.to_string()}</code> }.into_any()
    };
    view! {
        <div class="line">
            {name}
            <span class="muted nowrap">{crate::ui::format::count(count as u64, "node", "nodes")}</span>
            <button type="button" class="button small" on:click=move |_| editor.enter(&key, &entered)>{strings::OPEN_BODY}{icon("chevron-right")}</button>
            {remove}
        </div>
    }
    .into_any()
}

fn add_button(spot: &Spot, name: String, free: bool) -> AnyView {
    let (spot, body) = (spot.clone(), Key::from(name.as_str()));
    let press = move |_| {
        _ = spot.compose(|definition, kinds| bodies::add(definition, &spot.at, kinds, &spot.key, &body));
    };
    let label = if free { strings::ADD_BODY.to_owned() } else { format!("{} {name}", strings::ADD) };
    view! { <button type="button" class="button ghost small" on:click=press>{icon("plus")}{label}</button> }.into_any()
}
