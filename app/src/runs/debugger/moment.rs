//! What one input did: what became true with it, what the run asked for because of it, and what came in.

use holon_model::Value;
use holon_model::wire::runs::NodeRun;
use holon_studio::worker::{Ask, Fact, Moment, Told};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::Stepper;
use crate::engine::ask;
use crate::runs::looking::Looking;
use crate::runs::strings;
use crate::ui::status::status_chip;
use crate::ui::{Json, format, icon, time, words};

/// The moment that is shown.
pub fn moment(stepper: Stepper, looking: Looking) -> AnyView {
    let shown = move || stepper.shown.get().map(|shown| one(&shown, looking));
    view! { <section class="moment stack" aria-label=strings::WHAT_HAPPENED>{shown}</section> }.into_any()
}

fn one(moment: &Moment, looking: Looking) -> AnyView {
    let list = |title: &'static str, facts: &[Fact]| {
        (!facts.is_empty()).then(|| {
            let rows: Vec<AnyView> = facts.iter().map(|fact| row(fact, looking)).collect();
            view! { <h3>{title}</h3><ul class="facts-list">{rows}</ul> }
        })
    };
    let more = (moment.more > 0)
        .then(|| view! { <p class="muted small">{strings::more_facts(&format::thousands(moment.more.into()))}</p> });
    view! {
        <div class="panel-head"><h2>{strings::input_title(moment.at)}</h2>{status_chip(&moment.status)}</div>
        {list(strings::BECAME, &moment.became)}
        {list(strings::ASKED, &moment.asked)}
        {more}
        <Json id="moment-input" title=strings::CAME_IN value=moment.input.clone()/>
    }
    .into_any()
}

fn row(fact: &Fact, looking: Looking) -> AnyView {
    let (class, glyph) = strings::fact_look(&fact.what);
    let before = if fact.what == "node_waiting" { strings::UNTIL } else { "" };
    let until = fact.until.map(|until| {
        view! { {before}<time class="number" title=time::in_zone(until)>{time::of_day(until)}</time> }
    });
    let path = fact.path.clone().filter(|path| !path.is_empty()).map(|path| {
        let node = path.clone();
        view! { <button type="button" class="plain node-link" on:click=move |_| looking.at_node(node.clone())><code>{path}</code></button> }
    });
    let text = (!fact.text.is_empty()).then(|| view! { <span class="muted">{words(&fact.text)}</span> });
    view! {
        <li><span class=class>{icon(glyph)}</span><span>{path}" "{strings::fact(&fact.what)}" "{until}" "{text}</span></li>
    }
    .into_any()
}

/// What the node that is looked at had been told to do, asked of the engine.
pub fn told(stepper: Stepper, node: Memo<Option<NodeRun>>) -> AnyView {
    let config = RwSignal::new(None::<Value>);
    let path = Memo::new(move |_| {
        node.with(|node| {
            let node = node.as_ref()?;
            (node.status != "pending" && node.status != "skipped").then(|| node.path.clone())
        })
    });
    Effect::new(move |_| {
        let at = stepper.shown.with(|shown| shown.as_ref().map(|shown| shown.at));
        let asked = path.get().zip(at).zip(stepper.replay.number());
        let Some(((path_asked, at), replay)) = asked else {
            config.set(None);
            return;
        };
        spawn_local(async move {
            let answer = ask::<Told>(Ask::Told { replay, at, path: path_asked.clone() }).await;
            // Somebody may look elsewhere by now.
            let here = path.try_get_untracked().flatten().as_ref() == Some(&path_asked);
            let found = answer.ok().and_then(|told| told.config);
            if here && config.try_with_untracked(|known| *known != found) == Some(true) {
                config.try_set(found);
            }
        });
    });
    let empty = |value: &Value| value.as_map().is_some_and(|map| map.is_empty());
    let shown = move || {
        config
            .get()
            .filter(|value| !empty(value))
            .map(|value| view! { <Json id="node-config" title=strings::CONFIG value/> })
    };
    view! { {shown} }.into_any()
}
