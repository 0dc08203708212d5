//! One node of a run: what went in, what came out, why it failed, how long it took.

use holon_model::RunId;
use holon_model::Value;
use holon_model::wire::runs::{NodeFailure, NodeRun};
use holon_studio::way::Way;
use leptos::prelude::*;

use super::{saga, strings, waits};
use crate::ui::status::status_chip;
use crate::ui::time::took;
use crate::ui::{Json, ago, copyable, icon, sentence, words};

/// The panel.
pub fn panel(run: RunId, node: &NodeRun, way: Memo<Option<Way>>) -> AnyView {
    let name = node.path.rsplit('/').next().unwrap_or(&node.path).to_owned();
    let input = node.input.clone().map(|value| view! { <Json id="node-input" title=strings::INPUT value/> });
    view! {
        <div class="panel-head"><h2>{name}</h2>{node.cached_at.map(|_| from_cache())}{status_chip(&node.status)}</div>
        {facts(node)}
        {node.waiting_for.as_ref().map(|waiting| waits::one(run, waiting))}
        {node.error.as_ref().map(failure)}
        {move || way.with(|way| way.as_ref().map(saga::paths))}
        {node.output.as_ref().map(outputs)}
        {input}
    }
    .into_any()
}

/// That what it gave is an earlier answer.
pub(super) fn from_cache() -> AnyView {
    view! { <span class="tag" title=strings::FROM_CACHE_HINT>{strings::FROM_CACHE}</span> }.into_any()
}

fn facts(node: &NodeRun) -> AnyView {
    let time = node.started_at.filter(|_| !waits::for_turn(node)).map(|started| {
        view! {
            <div><dt>{strings::STARTED}</dt><dd>{ago(started)}</dd></div>
            <div><dt>{strings::TOOK}</dt><dd>{took(started, node.finished_at)}</dd></div>
        }
    });
    // While it waits its start is not known yet: it stands as when it came.
    let turn = node.queued_at.map(|queued| {
        let begun = node.started_at.filter(|_| !waits::for_turn(node));
        view! { <div><dt>{strings::WAITED_TURN}</dt><dd>{took(queued, begun)}</dd></div> }
    });
    let attempts =
        (node.attempts > 0).then(|| view! { <div><dt>{strings::ATTEMPTS}</dt><dd>{node.attempts}</dd></div> });
    let given = node.cached_at.map(|given| view! { <div><dt>{strings::GIVEN_FIRST}</dt><dd>{ago(given)}</dd></div> });
    let until =
        node.waiting_until.map(|until| view! { <div><dt>{strings::WAITS_UNTIL}</dt><dd>{ago(until)}</dd></div> });
    view! {
        <dl class="facts">
            {turn}
            {time}
            {attempts}
            {given}
            {until}
            <div><dt>{strings::PATH}</dt><dd>{copyable(node.path.clone(), strings::THE_PATH)}</dd></div>
        </dl>
    }
    .into_any()
}

fn failure(error: &NodeFailure) -> AnyView {
    let detail = (!error.detail.is_null())
        .then(|| view! { <Json id="node-error" title=strings::ERROR value=error.detail.clone()/> });
    view! {
        <div class="notice bad">
            {icon("circle-x")}
            <span class="title">{words(&sentence(&error.message))}</span>
            <code class="aside">{error.code.clone()}</code>
        </div>
        {detail}
    }
    .into_any()
}

/// What it emitted, by port; the usual port goes without its name.
fn outputs(output: &Value) -> AnyView {
    let port = |name: &str, value: &Value| {
        let title = if name == "out" { strings::OUTPUT.to_owned() } else { format!("{} · {name}", strings::OUTPUT) };
        view! { <Json id=format!("node-out-{name}") title value=value.clone()/> }.into_any()
    };
    match output.as_map() {
        Some(ports) => ports.iter().map(|(name, value)| port(name, value)).collect::<Vec<_>>().into_any(),
        None => port("out", output),
    }
}
