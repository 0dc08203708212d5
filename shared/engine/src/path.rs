//! Structural paths (`each[3]/call`, `guard.catch/tell`) and the ids made from them.
//!
//! A path is kept as a chain of shared links and rendered only where text is needed: hot runs make thousands of frames.

use crate::EffectId;
use holon_model::RunId;
use std::{fmt::Write as _, sync::Arc};

/// Name of the body that paths leave out.
const MAIN_BODY: &str = "body";

/// Where a running graph stands: the definition's own graph is the root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FramePath(Option<Arc<Link>>);

#[derive(Debug, PartialEq, Eq)]
struct Link {
    parent: FramePath,
    scope: Arc<str>,
    body: Arc<str>,
    index: Option<u32>,
    /// Which attempt of the scope, from 1.
    attempt: u32,
    /// Which try within it, where the body may run again; 0 for all else.
    round: u32,
}

impl FramePath {
    /// A body of the scope node `scope` in this graph; `index` where it runs for each item, `round` where it is tried again.
    pub(crate) fn body(&self, scope: &Arc<str>, body: &Arc<str>, index: Option<u32>, attempt: u32, round: u32) -> Self {
        let link = Link { parent: self.clone(), scope: scope.clone(), body: body.clone(), index, attempt, round };
        Self(Some(Arc::new(link)))
    }

    /// The path of the node `key` in this graph.
    pub fn node(&self, key: &str) -> String {
        let mut text = String::new();
        self.render(&mut text, true);
        text.push_str(key);
        text
    }

    fn render(&self, text: &mut String, indices: bool) {
        if let Some(link) = &self.0 {
            link.parent.render(text, indices);
            text.push_str(&link.scope);
            if *link.body != *MAIN_BODY {
                text.push('.');
                text.push_str(&link.body);
            }
            if let Some(index) = link.index.filter(|_| indices) {
                // Writing to a string cannot fail.
                let _ = write!(text, "[{index}]");
            }
            text.push('/');
        }
    }

    /// The effect of the node `key`: blake3 of run id, path and iteration, without the effect's own attempt.
    ///
    /// The iteration is the attempts of the scopes around it: a scope that is tried again does its effects anew.
    pub(crate) fn effect(&self, run: RunId, key: &str) -> EffectId {
        self.effect_id(run, key, None)
    }

    /// The same, in which it makes no difference in which round the body is that is so many bodies outwards.
    pub(crate) fn effect_of_all_rounds(&self, run: RunId, key: &str, outwards: u32) -> EffectId {
        self.effect_id(run, key, Some(outwards))
    }

    fn effect_id(&self, run: RunId, key: &str, without: Option<u32>) -> EffectId {
        let mut hasher = blake3::Hasher::new();
        hasher.update(run.as_bytes());
        hasher.update(self.node(key).as_bytes());
        hasher.update(&[0]);
        let (mut frame, mut outwards) = (self, 0);
        while let Some(link) = &frame.0 {
            hasher.update(&link.attempt.to_le_bytes());
            if link.round > 0 && without != Some(outwards) {
                hasher.update(b"r").update(&link.round.to_le_bytes());
            }
            frame = &link.parent;
            outwards += 1;
        }
        let mut id = [0; 16];
        id.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        EffectId(id)
    }
}

/// The structural path without indices of a node in a body: what samples are keyed by.
pub(crate) fn static_path(parent: &str, scope: &str, body: &str) -> String {
    let body = if body == MAIN_BODY { String::new() } else { format!(".{body}") };
    format!("{parent}{scope}{body}/")
}

/// Takes the indices out of a structural path: `each[3]/call` is `each/call`.
pub fn without_indices(path: &str) -> String {
    let mut inside = false;
    path.chars()
        .filter(|c| {
            inside = (inside || *c == '[') && *c != ']';
            !inside && *c != ']'
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_scope_body_and_index() {
        let each = FramePath::default().body(&"each".into(), &"body".into(), Some(3), 1, 0);
        assert_eq!(each.node("call"), "each[3]/call");
        let catch = each.body(&"guard".into(), &"catch".into(), None, 1, 0);
        assert_eq!(catch.node("tell"), "each[3]/guard.catch/tell");
        assert_eq!(without_indices(&catch.node("tell")), "each/guard.catch/tell");
    }

    #[test]
    fn an_effect_keeps_its_id_unless_run_path_or_a_scope_attempt_differ() {
        let run = |n: u8| format!("run_{n:032}").parse::<RunId>().unwrap();
        let root = FramePath::default();
        assert_eq!(root.effect(run(1), "call"), FramePath::default().effect(run(1), "call"));
        assert_ne!(root.effect(run(1), "call"), root.effect(run(2), "call"));
        assert_ne!(root.effect(run(1), "call"), root.effect(run(1), "call2"));
        let tried =
            |attempt, round| root.body(&"guard".into(), &"body".into(), None, attempt, round).effect(run(1), "call");
        assert_ne!(tried(1, 0), tried(2, 0));
        assert_ne!(tried(1, 1), tried(1, 2));
        let undone = |attempt, round| {
            let body = root.body(&"trip".into(), &"undo".into(), None, attempt, round);
            let inner = body.body(&"guard".into(), &"body".into(), None, 1, 0);
            inner.effect_of_all_rounds(run(1), "call", 1)
        };
        assert_eq!(undone(1, 1), undone(1, 2));
        assert_ne!(undone(1, 1), undone(2, 1));
    }
}
