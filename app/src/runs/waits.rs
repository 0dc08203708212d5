//! What a run waits for that no timer brings: people, signals, other runs.

use holon_model::RunId;
use holon_model::wire::runs::{NodeRun, WaitingFor};
use leptos::prelude::*;

use super::live::LiveRun;
use super::strings;
use crate::ui::icon;

/// Most notices in the head of a run: a map may ask for each of its items.
const MOST: usize = 5;

/// Above all of a run: which answers of people it waits for.
pub fn of_people(run: LiveRun) -> AnyView {
    let asked = Memo::new(move |_| {
        let of_person = |node: &NodeRun| {
            let waiting = node.waiting_for.clone().filter(|waiting| node.status == "waiting" && is_asked(waiting))?;
            Some((node.path.clone(), waiting))
        };
        run.nodes.with(|nodes| nodes.iter().filter_map(of_person).collect::<Vec<_>>())
    });
    let notice = move |(path, waiting): (String, WaitingFor)| {
        view! {
            <div class="notice">
                {icon("clipboard-check")}
                <span class="detail"><strong>{path}</strong>" · "{words(&waiting)}</span>
                {answer(run.id, &waiting)}
            </div>
        }
        .into_any()
    };
    let rest = move || {
        let left = asked.with(Vec::len).saturating_sub(MOST);
        (left > 0).then(|| {
            view! {
                <div class="notice">
                    {icon("clipboard-check")}
                    <span class="detail">{format!("{left} {}", strings::MORE_TASKS)}</span>
                    <a class="button" href="/tasks">{strings::ALL_TASKS}</a>
                </div>
            }
        })
    };
    view! {
        <div class="run-waits" role="status">
            {move || asked.get().into_iter().take(MOST).map(notice).collect::<Vec<_>>()}
            {rest}
        </div>
    }
    .into_any()
}

/// In the panel of the node that waits.
pub fn one(run: RunId, waiting: &WaitingFor) -> AnyView {
    let glyph = if is_asked(waiting) { "clipboard-check" } else { "clock" };
    view! {
        <div class="notice">
            {icon(glyph)}
            <span class="detail">{words(waiting)}</span>
            {answer(run, waiting)}
        </div>
    }
    .into_any()
}

/// Whether the node has not begun because as many of it go on as may.
pub fn for_turn(node: &NodeRun) -> bool {
    node.waiting_for.as_ref().is_some_and(|waiting| waiting.kind == "turn")
}

fn is_asked(waiting: &WaitingFor) -> bool {
    matches!(waiting.kind.as_str(), "task" | "person")
}

fn words(waiting: &WaitingFor) -> String {
    strings::waits(&waiting.kind, &waiting.name, &waiting.correlation)
}

fn answer(run: RunId, waiting: &WaitingFor) -> Option<AnyView> {
    if let Some(batch) = waiting.run {
        let href = format!("/runs/{batch}");
        return Some(view! { <a class="button" href=href>{strings::SEE_BATCH}</a> }.into_any());
    }
    let href = format!("/tasks/{run}/{}", waiting.id);
    is_asked(waiting).then(|| view! { <a class="button" href=href>{strings::ANSWER}</a> }.into_any())
}
