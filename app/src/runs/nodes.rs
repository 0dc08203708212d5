//! The nodes of a run: a list in the order of the flow, those of a scope below it by step or body, and the chosen one beside it.

use std::collections::BTreeMap;

use holon_model::RunId;
use holon_model::wire::runs::NodeRun;
use leptos::prelude::*;

use super::looking::{self, Looking};
use super::{node, saga, strings};
use crate::ui::keys;
use crate::ui::more::left;
use crate::ui::status::{state_icon, word};
use crate::ui::time::took;

/// Rows shown at once; the rest on demand.
const STEP: usize = 200;

/// List and panel. The canvas above chooses too; `more` is shown of a node below what the node itself says.
pub fn nodes(
    run: RunId,
    all: RwSignal<Vec<NodeRun>>,
    looking: Looking,
    more: impl FnOnce(Memo<Option<NodeRun>>) -> AnyView,
) -> AnyView {
    let limit = RwSignal::new(STEP);
    let ordered = Memo::new(move |_| all.with(|nodes| in_order(nodes)));
    let shown = move || ordered.with(|all| rows(&all[..all.len().min(limit.get())]));
    let none =
        move || ordered.with(Vec::is_empty).then(|| view! { <p class="empty small muted">{strings::NO_NODES}</p> });
    // Until somebody chooses, what matters most is shown: it moves to what fails while one looks.
    let at = Memo::new(move |_| looking.node.get().or_else(|| all.with(|nodes| first(nodes))));
    // One stop of the Tab key for the whole list: the chosen row, or the first where that is not shown yet.
    let stop = Memo::new(move |_| {
        let at = at.get();
        ordered.with(|all| {
            let shown = &all[..all.len().min(limit.get())];
            let chosen = shown.iter().find(|node| Some(&node.path) == at.as_ref()).or_else(|| shown.first());
            chosen.map(|node| node.path.clone())
        })
    });
    view! {
        <div class="run-split">
            <div class="nodes">
                <div class="nodes-list" role="listbox" aria-label=strings::NODES on:keydown=move |event| keys::vertical(&event, ".run-node")>
                    <For each=shown key=key children=move |line| match line {
                        Row::Body { name, depth, .. } => body(name, depth),
                        Row::Node(node) => row(&node, at, stop, looking),
                    }/>
                </div>
                {none}
                {left(limit, STEP, Signal::derive(move || ordered.with(Vec::len)))}
            </div>
            {panel(run, all, looking, at, more)}
        </div>
    }
    .into_any()
}

/// What is looked at: an edge's data, else the node `at` this path, as it stands among these.
pub fn panel(
    run: RunId,
    all: RwSignal<Vec<NodeRun>>,
    looking: Looking,
    at: Memo<Option<String>>,
    more: impl FnOnce(Memo<Option<NodeRun>>) -> AnyView,
) -> AnyView {
    let current = Memo::new(move |_| {
        let path = at.get()?;
        all.with(|nodes| nodes.iter().find(|node| node.path == path).cloned())
    });
    let edge = Memo::new(move |_| looking.edge.get());
    let node = Memo::new(move |_| current.get().filter(|_| edge.with(Option::is_none)));
    // What its nodes did changes more often than the saga's own node does.
    let way = Memo::new(move |_| node.with(|node| all.with(|all| saga::way(node.as_ref(), all))));
    let shown = move || match edge.get() {
        Some(edge) => Some(all.with(|nodes| looking::edge(&edge, nodes))),
        None => node.get().map(|node| node::panel(run, &node, way)),
    };
    view! { <div class="panel">{shown}{more(node)}</div> }.into_any()
}

/// A line of the list.
#[derive(Debug, Clone, PartialEq)]
enum Row {
    /// Above the nodes of a body that has a name: a step, a branch, `catch`.
    Body {
        /// Where it is.
        at: String,
        name: String,
        depth: usize,
    },
    Node(Box<NodeRun>),
}

/// The lines of nodes in their order.
fn rows(nodes: &[NodeRun]) -> Vec<Row> {
    let mut rows = Vec::with_capacity(nodes.len());
    let mut open = "";
    for node in nodes {
        let scope = node.path.rsplit_once('/').map_or("", |(scope, _)| scope);
        // Back from what is deeper it is the same body still.
        let still = open == scope || open.strip_prefix(scope).is_some_and(|rest| rest.starts_with('/'));
        if let (false, Some(name)) = (still, named_body(scope)) {
            rows.push(Row::Body { at: scope.to_owned(), name: name.to_owned(), depth: depth(scope) });
        }
        open = scope;
        rows.push(Row::Node(Box::new(node.clone())));
    }
    rows
}

/// A row is made anew when what it shows changed.
fn key(row: &Row) -> (String, String, u32, bool) {
    match row {
        Row::Body { at, .. } => (at.clone(), String::new(), 0, false),
        Row::Node(node) => (node.path.clone(), node.status.clone(), node.attempts, node.finished_at.is_some()),
    }
}

/// How deep a node or a body stands: each scope around it is a level, and its body's name another one.
fn depth(path: &str) -> usize {
    let around = path.rsplit_once('/').map_or("", |(scope, _)| scope);
    let own = usize::from(!around.is_empty());
    own + around.split('/').filter(|segment| segment.contains('.')).count()
        + around.matches('/').count()
        + usize::from(named_body(path).is_some())
}

/// The name of the body at the end of a scope's path: `hotel` of `trip.hotel`; nothing of `each[3]`, whose body has none.
fn named_body(scope: &str) -> Option<&str> {
    let last = scope.rsplit('/').next().unwrap_or(scope);
    let (_, body) = last.split_once('.')?;
    Some(body.split('[').next().unwrap_or(body))
}

/// The heading of a body.
fn body(name: String, depth: usize) -> AnyView {
    view! { <div class="run-body-name" role="presentation" style=format!("--depth:{depth}")>{name}</div> }.into_any()
}

/// What to look at first: what failed (the innermost, a scope only passes it on), else what came first.
fn first(nodes: &[NodeRun]) -> Option<String> {
    let failed = nodes.iter().filter(|node| node.status == "failed");
    failed.max_by_key(|node| node.path.matches('/').count()).or_else(|| nodes.first()).map(|node| node.path.clone())
}

fn row(node: &NodeRun, at: Memo<Option<String>>, stop: Memo<Option<String>>, looking: Looking) -> AnyView {
    let depth = depth(&node.path);
    let path = node.path.clone();
    let (scope, within, name) = match node.path.rsplit_once('/') {
        Some((scope, name)) => (item(scope), named_body(scope).map(strings::within), name.to_owned()),
        None => (None, None, node.path.clone()),
    };
    let (is_chosen, is_stop, pressed) = (path.clone(), path.clone(), path.clone());
    let time = node.started_at.map(|started| took(started, node.finished_at));
    view! {
        <button
            type="button"
            role="option"
            class=format!("run-node is-{}", node.status)
            style=format!("--depth:{depth}")
            title=path
            tabindex=move || if stop.with(|at| at.as_deref() == Some(is_stop.as_str())) { "0" } else { "-1" }
            aria-selected=move || if at.with(|at| at.as_deref() == Some(is_chosen.as_str())) { "true" } else { "false" }
            on:click=move |_| looking.at_node(pressed.clone())
        >
            {state_icon(&node.status)}
            <span class="name">{name}{scope.map(|scope| view! { <span class="scope">" "{scope}</span> })}{within.map(|within| view! { <span class="hidden-visually">" "{within}</span> })}</span>
            <span class="state">{word(&node.status)}{node.cached_at.map(|_| view! { " " {node::from_cache()} })}</span>
            <span class="took">{time}</span>
        </button>
    }
    .into_any()
}

/// The item that a scope's child belongs to: `[3]` of `each[3]`.
fn item(scope: &str) -> Option<String> {
    let last = scope.rsplit('/').next().unwrap_or(scope);
    last.find('[').map(|at| last[at..].to_owned())
}

/// Parents before their children, items in their order, siblings as they started.
fn in_order(nodes: &[NodeRun]) -> Vec<NodeRun> {
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for node in nodes {
        for (name, _) in prefixes(&node.path) {
            let next = u32::try_from(seen.len()).unwrap_or(u32::MAX);
            seen.entry(name).or_insert(next);
        }
    }
    let place = |node: &NodeRun| -> Vec<(u32, i64)> {
        prefixes(&node.path).into_iter().map(|(name, item)| (seen.get(&name).copied().unwrap_or(0), item)).collect()
    };
    let mut all: Vec<(Vec<(u32, i64)>, NodeRun)> = nodes.iter().map(|node| (place(node), node.clone())).collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all.into_iter().map(|(_, node)| node).collect()
}

/// `each[3]/call` → `each` with item 3, then `each/call`; `trip.hotel/book` → `trip`, `trip.hotel`, `trip.hotel/book`; −1 stands for
/// what is no item.
fn prefixes(path: &str) -> Vec<(String, i64)> {
    let mut name = String::new();
    let mut all = Vec::new();
    for segment in path.split('/') {
        let (key, item) = match segment.split_once('[') {
            Some((key, rest)) => (key, rest.trim_end_matches(']').parse().unwrap_or(-1)),
            None => (segment, -1),
        };
        if !name.is_empty() {
            name.push('/');
        }
        // A body stands below its scope.
        if let Some((scope, _)) = key.split_once('.') {
            all.push((format!("{name}{scope}"), -1));
        }
        name.push_str(key);
        all.push((name.clone(), item));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(path: &str) -> NodeRun {
        crate::runs::live::tests::node(path, "succeeded")
    }

    #[test]
    fn children_stand_below_their_scope_and_items_in_their_order() {
        let started = [
            "hook",
            "each",
            "each[1]/price",
            "each[0]/price",
            "each[0]/call",
            "tail",
            "each[1]/call",
            "each[10]/price",
        ];
        let ordered = in_order(&started.map(node));
        let paths: Vec<_> = ordered.iter().map(|node| node.path.as_str()).collect();
        let expected = [
            "hook",
            "each",
            "each[0]/price",
            "each[0]/call",
            "each[1]/price",
            "each[1]/call",
            "each[10]/price",
            "tail",
        ];
        assert_eq!(paths, expected);
    }

    #[test]
    fn steps_stand_below_their_saga_each_under_its_name() {
        let started = [
            "go",
            "trip",
            "tail",
            "trip.hotel/book",
            "trip.cancel_hotel/call",
            "trip.hotel/each",
            "trip.hotel/each[0]/x",
        ];
        let lines: Vec<_> = rows(&in_order(&started.map(node)))
            .into_iter()
            .map(|row| match row {
                Row::Body { name, depth, .. } => format!("{depth} {name}:"),
                Row::Node(node) => format!("{} {}", depth(&node.path), node.path),
            })
            .collect();
        let expected = [
            "0 go",
            "0 trip",
            "1 hotel:",
            "2 trip.hotel/book",
            "2 trip.hotel/each",
            "3 trip.hotel/each[0]/x",
            "1 cancel_hotel:",
            "2 trip.cancel_hotel/call",
            "0 tail",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn the_item_of_a_child_is_that_of_its_own_scope() {
        assert_eq!(item("each[3]").as_deref(), Some("[3]"));
        assert_eq!(item("outer[1]/each[3]").as_deref(), Some("[3]"));
        assert_eq!(item("guard"), None);
    }
}
