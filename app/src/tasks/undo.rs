//! A step that could not be undone: what it did, why undoing it failed, and with what it was tried.

use holon_model::wire::runs::{NodeRun, Run};
use holon_model::wire::tasks::Task;
use holon_model::{RunId, Value};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::strings;
use crate::ports::use_ports;
use crate::ui::{Json, icon, words};

/// The kind of such tasks.
pub(super) const COMPENSATION: &str = "compensation";

/// All that is known about it: what the task says, then what the run knows.
pub(super) fn about(task: &Task) -> AnyView {
    let text = |pointer: &str| task.context.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let step = text("/step");
    let tries = match task.context.get("tries") {
        Some(Value::Int(tries)) => *tries,
        _ => 0,
    };
    let detail = task.context.pointer("/error/detail").filter(|detail| !detail.is_null()).cloned();
    let detail = detail.map(|detail| view! { <Json id="undo-error" title=crate::runs::strings::ERROR value=detail/> });
    let (id, run) = (task.run, follow(task.run));
    let (path, name) = (task.path.clone(), step.clone());
    let known = move || {
        run.with(|run| {
            let tried = tried(run.as_ref()?, &path)?;
            Some(gave(id, &tried))
        })
    };
    view! {
        <section class="stack tight" aria-label=strings::UNDOING>
            <div class="notice bad">
                {icon("undo-2")}
                <span class="title">{words(&text("/error/message"))}</span>
                <code class="aside">{text("/error/code")}</code>
            </div>
            <dl class="facts">
                <div><dt>{strings::STEP}</dt><dd><code>{name}</code></dd></div>
                <div><dt>{strings::TRIED}</dt><dd>{strings::tried(tries)}</dd></div>
            </dl>
            {detail}
        </section>
        {known}
    }
    .into_any()
}

/// The run, once it is read. In a browser: what the task itself says is there at once.
fn follow(id: RunId) -> RwSignal<Option<Run>> {
    let (run, ports) = (RwSignal::new(None), use_ports());
    Effect::new(move |_| {
        let asked = ports.runs.get(id);
        spawn_local(async move {
            // Whoever may answer tasks may not be one who may look at runs: then the task says all there is.
            if let Ok(found) = asked.await {
                run.try_set(Some(found));
            }
        });
    });
    run
}

/// A try to undo: its node, and what it was given.
struct Tried {
    path: String,
    /// What the step that is to be undone gave.
    output: Value,
    /// What the saga was started with.
    input: Value,
}

/// What was tried last and failed in the saga at `path`. Compensations get all that there is to know about the step.
fn tried(run: &Run, path: &str) -> Option<Tried> {
    let body = format!("{path}.");
    let within = |node: &&NodeRun| node.path.starts_with(&body);
    let failed = run.nodes.iter().filter(within).rfind(|node| node.status == "failed" && of_undoing(node))?;
    let given = failed.input.as_ref()?;
    let part = |name: &str| given.get(name).cloned().unwrap_or_default();
    Some(Tried { path: failed.path.clone(), output: part("output"), input: part("input") })
}

/// Compensations receive `{input, steps, output, error}`.
fn of_undoing(node: &NodeRun) -> bool {
    let given = node.input.as_ref().and_then(Value::as_map);
    given.is_some_and(|given| ["input", "steps", "output", "error"].iter().all(|name| given.contains_key(*name)))
}

fn gave(run: RunId, tried: &Tried) -> AnyView {
    view! {
        <Json id="undo-output" unfolded=true title=strings::STEP_GAVE value=tried.output.clone()/>
        <Json id="undo-input" unfolded=true title=strings::STEP_TOOK value=tried.input.clone()/>
        <dl class="facts">
            <div>
                <dt>{strings::UNDONE_BY}</dt>
                <dd><a class="mono" href=format!("/runs/{run}")>{tried.path.clone()}</a></dd>
            </div>
        </dl>
    }
    .into_any()
}
