//! The editor's keys. Single letters work only while the canvas has the focus.

use holon_flow::definition::{Graph, Key};
use holon_studio::{Command, Fragment, Kinds, Point, compose, geometry::GRID, outline};
use leptos::{ev, prelude::*};

use super::{
    palette, save,
    store::{Asking, Editor},
    strings,
};
use crate::{
    canvas::{self, Selection},
    ui::dom,
};

/// Handles a key of the editor.
pub(super) fn press(editor: Editor, event: &ev::KeyboardEvent) {
    if event.key() == "Escape" && dom::inside(event, ".editor-inspector, .drawer") && !event.default_prevented() {
        // From a form back to the node it is about.
        dom::focus("#canvas");
        event.prevent_default();
        return;
    }
    let command = event.ctrl_key() || event.meta_key();
    let key = event.key();
    if command && key == "s" {
        // In a field too: the browser would save the page.
        event.prevent_default();
        event.stop_propagation();
        return save::soon(editor);
    }
    // Text has an undo of its own; a switch or a choice has none.
    let text = "input:not([type=checkbox]), textarea, [contenteditable], dialog";
    let steps = command && matches!(key.as_str(), "z" | "Z" | "y");
    if dom::inside(event, text) || dom::inside(event, "input, select") && !steps {
        return;
    }
    let used = match (key.as_str(), command) {
        ("z" | "Z", true) if event.shift_key() => done(|| editor.redo()),
        ("z", true) => done(|| editor.undo()),
        ("y", true) => done(|| editor.redo()),
        ("a", true) => done(|| select_all(editor)),
        ("d", true) => done(|| duplicate(editor)),
        ("Escape", _) => done(|| escape(editor)),
        _ if command || !dom::inside(event, ".canvas") => false,
        ("Delete" | "Backspace", _) => done(|| editor.delete()),
        ("/", _) => done(|| palette::focus(editor)),
        // Only after a click on the canvas: who walks the page with keys goes on to what follows.
        ("Tab", _) if !event.shift_key() && !dom::inside(event, ".keyed, .canvas-tools") => {
            done(|| palette::focus(editor))
        }
        ("Enter", _) => done(|| {
            dom::focus(
                ".editor-inspector input, .editor-inspector textarea, .editor-inspector select, .editor-inspector button:not(.inspector-close)",
            )
        }),
        ("c", _) => done(|| ask_connect(editor)),
        ("d", _) => done(|| toggle(editor)),
        ("t", _) => done(|| tidy(editor)),
        (".", _) => done(|| canvas::fit(editor.scene)),
        ("+" | "=", _) => done(|| canvas::zoom(editor.scene, 1.25)),
        ("-", _) => done(|| canvas::zoom(editor.scene, 0.8)),
        ("?", _) => done(|| editor.asking.set(Some(Asking::Keys))),
        ("ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown", _) => done(|| arrow(editor, &key, event)),
        ("Home", _) => done(|| step_to(editor, outline::first)),
        ("End", _) => done(|| step_to(editor, |graph, _| outline::last(graph))),
        _ => false,
    };
    if used {
        event.prevent_default();
        event.stop_propagation();
    }
}

fn done(act: impl FnOnce()) -> bool {
    act();
    true
}

fn select_all(editor: Editor) {
    let nodes = editor.scene.view.with_untracked(|view| view.nodes.keys().cloned().collect());
    editor.scene.selection.set(Selection { nodes, edge: None });
}

fn escape(editor: Editor) {
    let scene = editor.scene;
    if editor.adding.with_untracked(|adding| *adding != Default::default()) {
        editor.adding.set(Default::default());
        dom::focus("#canvas");
    } else if scene.selection.with_untracked(|selection| *selection != Selection::default()) {
        scene.selection.set(Selection::default());
        dom::focus("#canvas");
    } else if let Some((parent, step)) =
        scene.path.get_untracked().parent().map(|(parent, step)| (parent, step.node.clone()))
    {
        editor.go_to(parent, &step);
    } else if editor.drawer.get_untracked().is_some() {
        editor.drawer.set(None);
    }
}

/// Opens the list of what the first output of the selected node can be connected to.
fn ask_connect(editor: Editor) {
    let Some(key) = editor.scene.selection.with_untracked(|selection| selection.single().cloned()) else { return };
    let port =
        editor.scene.view.with_untracked(|view| view.nodes.get(&key).and_then(|node| node.outputs.first().cloned()));
    if let Some(port) = port {
        editor.asking.set(Some(Asking::Connect(format!("{key}.{port}"))));
    }
}

fn toggle(editor: Editor) {
    let (definition, at) = (editor.definition.get_untracked(), editor.at());
    let Some(graph) = at.find(&definition) else { return };
    let commands = editor.scene.selection.with_untracked(|selection| {
        let change = |key: &Key| {
            let disabled = !graph.nodes.get(key)?.disabled;
            Some(Command::SetDisabled { at: at.clone(), key: key.clone(), disabled })
        };
        selection.nodes.iter().filter_map(change).collect::<Vec<_>>()
    });
    match <[Command; 1]>::try_from(commands) {
        Ok([one]) => _ = editor.perform(one),
        Err(several) if !several.is_empty() => {
            let label = changes(&several);
            editor.perform(Command::Batch { label, commands: several });
        }
        Err(_) => {}
    }
}

/// What switching several nodes does: `disabling 3 nodes`, `enabling 2 nodes, disabling 1`.
fn changes(commands: &[Command]) -> String {
    let off = commands.iter().filter(|command| matches!(command, Command::SetDisabled { disabled: true, .. })).count();
    match (off, commands.len() - off) {
        (off, 0) => format!("disabling {off} nodes"),
        (0, on) => format!("enabling {on} nodes"),
        (off, on) => format!("enabling {on} nodes, disabling {off}"),
    }
}

/// Lays the flow out.
pub(super) fn tidy(editor: Editor) {
    let only = editor.scene.selection.with_untracked(|selection| selection.nodes.clone());
    let command = compose::tidy(&editor.definition.get_untracked(), &editor.at(), &editor.kinds.get_untracked(), &only);
    if command.is_some_and(|command| editor.perform(command)) && only.len() < 2 {
        canvas::fit(editor.scene);
    }
}

/// A copy of what is selected beside it.
pub(super) fn duplicate(editor: Editor) {
    let (definition, at) = (editor.definition.get_untracked(), editor.at());
    let keys = editor.scene.selection.with_untracked(|selection| selection.nodes.clone());
    paste(editor, &Fragment::copy(&definition, &at, &keys), Point::new(32, 96));
}

fn paste(editor: Editor, fragment: &Fragment, by: Point) {
    match compose::paste(&editor.definition.get_untracked(), &editor.at(), fragment, by) {
        Ok((command, keys)) if !keys.is_empty() => {
            if editor.perform_settled(command) {
                editor.said.set(strings::pasted(keys.len()));
                editor.scene.selection.set(Selection { nodes: keys, edge: None });
            }
        }
        Ok(_) => {}
        Err(error) => editor.toasts.bad(strings::paste_failed(&error)),
    }
}

/// `copy`, `cut` and `paste` of the browser, while the canvas has the focus.
pub(super) fn clipboard(editor: Editor, event: &ev::ClipboardEvent) {
    if !dom::inside(event, ".canvas") {
        return;
    }
    let Some(data) = event.clipboard_data() else { return };
    let (definition, at) = (editor.definition.get_untracked(), editor.at());
    match event.type_().as_str() {
        "paste" => {
            event.prevent_default();
            let text = data.get_data("text/plain").unwrap_or_default();
            match Fragment::from_text(&text) {
                Ok(fragment) => paste(editor, &fragment, Point::new(32, 96)),
                Err(error) => editor.toasts.bad(strings::paste_failed(&error)),
            }
        }
        kind => {
            let keys = editor.scene.selection.with_untracked(|selection| selection.nodes.clone());
            if keys.is_empty() {
                return;
            }
            event.prevent_default();
            let _ = data.set_data("text/plain", &Fragment::copy(&definition, &at, &keys).to_text());
            editor.said.set(strings::copied(keys.len()));
            if kind == "cut" {
                editor.delete();
            }
        }
    }
}

fn arrow(editor: Editor, key: &str, event: &ev::KeyboardEvent) {
    let one = editor.scene.selection.with_untracked(|selection| selection.single().cloned());
    if editor.scene.selection.with_untracked(|selection| selection.nodes.is_empty()) {
        return step_to(editor, outline::first);
    }
    if event.alt_key() {
        if let Some(next) = one.and_then(|one| follow(editor, &one, key)) {
            editor.go_to(editor.at(), &next);
        }
        return;
    }
    let step = GRID * if event.shift_key() { 5 } else { 1 };
    editor.move_by(match key {
        "ArrowLeft" => Point::new(-step, 0),
        "ArrowRight" => Point::new(step, 0),
        "ArrowUp" => Point::new(0, -step),
        _ => Point::new(0, step),
    });
}

/// Right and left along edges; up and down through the nodes in their order.
fn follow(editor: Editor, one: &Key, key: &str) -> Option<Key> {
    let (definition, at) = (editor.definition.get_untracked(), editor.at());
    let graph = at.find(&definition)?;
    match key {
        "ArrowRight" => graph.edges.iter().find(|edge| edge.from.node == *one).map(|edge| edge.to.node.clone()),
        "ArrowLeft" => graph.edges.iter().find(|edge| edge.to.node == *one).map(|edge| edge.from.node.clone()),
        _ => {
            let order = outline::order(graph);
            let at = order.iter().position(|key| key == one)?;
            let next = if key == "ArrowUp" { at.checked_sub(1)? } else { at + 1 };
            order.get(next).cloned()
        }
    }
}

fn step_to(editor: Editor, choose: impl FnOnce(&Graph, &Kinds) -> Option<Key>) {
    let (definition, at) = (editor.definition.get_untracked(), editor.at());
    let chosen = at.find(&definition).and_then(|graph| editor.kinds.with_untracked(|kinds| choose(graph, kinds)));
    if let Some(key) = chosen {
        editor.go_to(at, &key);
    }
}
