//! The editor opened: loads the flow and the kinds, then draws palette, canvas, inspector and drawer.

use std::sync::Arc;

use holon_flow::Definition;
use holon_model::{Code, FlowId, Problem, wire::flows::Flow};
use holon_studio::Kinds;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::{
    connect::ConnectDialog,
    dialogs::{KeysDialog, StaleDialog},
    drawer::Drawer,
    inspector::Inspector,
    keys, leave,
    leave::LeaveDialog,
    outline::Outline,
    palette::{self, Palette},
    publish::PublishDialog,
    run::RunDialog,
    save, skeleton,
    store::{Adding, Asking, Editor},
    strings,
    top::Top,
    unsaved::Unsaved,
};
use crate::{
    canvas::{CanvasEvent, Crumbs, FlowCanvas},
    engine,
    ports::use_ports,
    ui::{Tabs, problem_notice},
};

/// What opening gave: the flow, its draft if it can be read, and the kinds or why there are none.
type Opened = Result<(Flow, Option<Definition>, Result<Arc<Kinds>, String>), Problem>;

/// Loads, then shows the editor or what went wrong.
#[component]
pub(super) fn Open() -> impl IntoView {
    let params = use_params_map();
    let ports = use_ports();
    let opened = LocalResource::new(move || {
        let id = params.with(|params| params.get("id")).and_then(|id| id.parse::<FlowId>().ok());
        let ports = ports.clone();
        async move { open(ports, id).await }
    });
    move || match opened.get() {
        None => skeleton(),
        Some(Err(problem)) => view! { <div class="content">{problem_notice(&problem)}</div> }.into_any(),
        Some(Ok((_, None, _))) => {
            view! { <div class="content"><p class="notice bad">{strings::UNREADABLE}</p></div> }.into_any()
        }
        Some(Ok((flow, Some(definition), kinds))) => view! { <Workbench flow definition kinds/> }.into_any(),
    }
}

async fn open(ports: crate::ports::Ports, id: Option<FlowId>) -> Opened {
    let id = id.ok_or_else(|| Problem::new(Code::NotFound, strings::NO_FLOW))?;
    save::settled(id).await;
    let flow = ports.flows.get(id).await?;
    let definition = Definition::from_value(&flow.definition).ok();
    let kinds = engine::kinds().await.map_err(|error| error.to_string());
    Ok((flow, definition, kinds))
}

#[component]
fn Workbench(flow: Flow, definition: Definition, kinds: Result<Arc<Kinds>, String>) -> impl IntoView {
    let trouble = kinds.as_ref().err().cloned();
    let editor = Editor::new(&flow, definition, kinds.unwrap_or_default());
    if trouble.is_some() {
        editor.trouble.set(trouble);
    }
    provide_context(editor);
    save::guard(editor);
    leave::guard(editor);
    let side = editor.side;
    // What is to be added is chosen from the palette.
    Effect::new(move |_| {
        if editor.adding.with(|adding| *adding != Adding::default()) && side.get_untracked() != palette::SIDE {
            side.set(palette::SIDE);
        }
    });
    // The keys work at once.
    Effect::new(move |_| request_animation_frame(|| crate::ui::dom::rescue_focus("#canvas")));
    let on = Callback::new(move |event| heard(editor, event));
    let count = Memo::new(move |_| {
        let path = editor.scene.path.get();
        let chosen = editor.scene.iterations.get();
        editor.preview.with(|preview| holon_studio::states::iterations(&path, &chosen, &preview.nodes))
    });
    let scene = editor.scene;
    view! {
        <Top/>
        <Unsaved/>
        <div
            class="editor"
            on:focusout=move |_| editor.seal()
            on:keydown=move |event| keys::press(editor, &event)
            on:copy=move |event| keys::clipboard(editor, &event)
            on:cut=move |event| keys::clipboard(editor, &event)
            on:paste=move |event| keys::clipboard(editor, &event)
        >
            <aside class="editor-side" aria-label=strings::PALETTE>
                <Tabs id="side" label=strings::PALETTE tabs=vec![(palette::SIDE, strings::NODES, None), ("outline", strings::OUTLINE, None)] open=side/>
                <div id="side-panel" class="side-panel" role="tabpanel">
                    {move || if side.get() == palette::SIDE { view! { <Palette/> }.into_any() } else { view! { <Outline/> }.into_any() }}
                </div>
            </aside>
            <div class="editor-middle">
                <Crumbs scene count/>
                <FlowCanvas scene on=Some(on)/>
                <Drawer/>
            </div>
            <Inspector/>
        </div>
        <p class="hidden-visually" role="status" aria-live="polite">{editor.said}</p>
        <ConnectDialog/>
        <PublishDialog/>
        <RunDialog/>
        <StaleDialog/>
        <KeysDialog/>
        <LeaveDialog/>
    }
    .into_any()
}

/// What was done on the canvas becomes commands.
fn heard(editor: Editor, event: CanvasEvent) {
    match event {
        CanvasEvent::Moved(by) => {
            // Each drag is a step of its own.
            editor.seal();
            editor.move_by(by);
        }
        CanvasEvent::Connect { from, to } => editor.connect(&from, &to),
        CanvasEvent::Dropped { from, at } => {
            editor.adding.set(Adding { after: Some(from), at: Some(at.snapped()), edge: None })
        }
        CanvasEvent::Picked(from) => editor.asking.set(Some(Asking::Connect(from))),
        CanvasEvent::Enter { node, body } => editor.enter(&node, &body),
        CanvasEvent::Open(key) => {
            let body = editor.scene.view.with_untracked(|view| {
                view.nodes.get(&key).and_then(|node| node.bodies.first().map(|(body, _)| body.clone()))
            });
            match body {
                Some(body) => editor.enter(&key, &body),
                None => crate::ui::dom::focus(".inspector-tab input, .inspector-tab textarea, .inspector-tab select"),
            }
        }
        CanvasEvent::Add(at) => {
            editor.adding.set(Adding { at: Some(at.snapped()), ..Adding::default() });
        }
        CanvasEvent::Fell { data, at } => {
            editor.adding.set(Adding { at: Some(at.snapped()), ..Adding::default() });
            editor.add(&data);
        }
    }
}
