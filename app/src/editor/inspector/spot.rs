//! One node whose settings are edited: reading and writing any part of its config.

use std::sync::Arc;

use holon_flow::definition::{Definition, Key, Node};
use holon_model::{Value, wire::flows::Diagnostic};
use holon_studio::{Command, GraphPath, KindInfo, Kinds, path};
use leptos::prelude::*;

use crate::editor::store::Editor;

/// A node, wherever it stands.
#[derive(Clone)]
pub(in crate::editor) struct Spot {
    pub editor: Editor,
    pub at: GraphPath,
    pub key: Key,
    /// The schema of its config.
    pub root: Arc<Value>,
}

impl Spot {
    pub fn new(editor: Editor, at: GraphPath, key: Key) -> Self {
        let root = editor.definition.with_untracked(|definition| {
            let node = at.find(definition).and_then(|graph| graph.nodes.get(&key));
            editor
                .kinds
                .with_untracked(|kinds| node.and_then(|node| kinds.of_node(node)).map(|kind| kind.config.clone()))
        });
        Self { editor, at, key, root: Arc::new(root.unwrap_or(Value::Bool(true))) }
    }

    /// Reads the node, following changes.
    pub fn with<T>(&self, read: impl FnOnce(&Node) -> T) -> Option<T> {
        self.editor.definition.try_with(|definition: &Arc<Definition>| {
            self.at.find(definition).and_then(|graph| graph.nodes.get(&self.key)).map(read)
        })?
    }

    /// Reads the node as it is now. What is drawn from it is not drawn anew when the node changes.
    pub fn now<T>(&self, read: impl FnOnce(&Node) -> T) -> Option<T> {
        self.editor.definition.try_with_untracked(|definition: &Arc<Definition>| {
            self.at.find(definition).and_then(|graph| graph.nodes.get(&self.key)).map(read)
        })?
    }

    /// Its kind. What shows a node is drawn anew when its kind changes.
    pub fn kind(&self) -> Option<KindInfo> {
        let id = self.now(|node| node.kind.to_string())?;
        self.editor.kinds.with_untracked(|kinds| kinds.get(&id).cloned())
    }

    /// A part of its config.
    pub fn value(&self, pointer: &str) -> Option<Value> {
        self.with(|node| node.config.pointer(pointer).cloned())?
    }

    /// Sets or removes a part of its config.
    pub fn set(&self, pointer: &str, value: Option<Value>) {
        self.editor.perform(Command::Configure {
            at: self.at.clone(),
            key: self.key.clone(),
            pointer: pointer.to_owned(),
            value,
        });
    }

    /// Does what is composed for the definition as it is; says whether something was done.
    pub fn compose(&self, compose: impl FnOnce(&Definition, &Kinds) -> Option<Command>) -> bool {
        let definition = self.editor.definition.get_untracked();
        let command = self.editor.kinds.with_untracked(|kinds| compose(&definition, kinds));
        command.is_some_and(|command| self.editor.perform(command))
    }

    /// What is wrong with a part of its config, itself and not what is inside it. Without a node, with the graph's result, all of it.
    pub fn problems(&self, pointer: &str) -> Vec<Diagnostic> {
        if self.key.is_empty() {
            let here = |found: &&Diagnostic| path::locate_result(&found.pointer).as_ref() == Some(&self.at);
            return self.editor.preview.with(|preview| preview.diagnostics.iter().filter(here).cloned().collect());
        }
        let place = format!("{}/nodes/{}/config{pointer}", self.at.pointer(), self.key);
        self.editor.preview.with(|preview| {
            let here = |found: &&Diagnostic| {
                let found = found.pointer.as_str();
                found == place || found.strip_prefix(&place).is_some_and(|rest| matches!(rest, "/$cel" | "/$text"))
            };
            preview.diagnostics.iter().filter(here).cloned().collect()
        })
    }

    /// An id for the control at a pointer.
    pub fn id(&self, pointer: &str) -> String {
        format!("f{}", pointer.replace(['/', '~', ' '], "-"))
    }
}
