//! What a newcomer does first; gone when it is done.

use holon_model::wire::flows::FlowSummary;
use leptos::prelude::*;

use super::strings;
use crate::ui::icon;

/// The steps, unless all are done.
pub fn first_steps(flows: &[FlowSummary], started: bool) -> Option<AnyView> {
    let made = !flows.is_empty();
    let published = flows.iter().any(|flow| flow.version.is_some());
    if made && published && started {
        return None;
    }
    let newest = flows.first().map(|flow| format!("/flows/{}", flow.id));
    let here = newest.unwrap_or_else(|| "/flows".to_owned());
    let steps = vec![
        step(made, true, strings::STEP_MAKE, strings::STEP_MAKE_WHAT, strings::GO_MAKE, "/flows".into()),
        step(published, made, strings::STEP_PUBLISH, strings::STEP_PUBLISH_WHAT, strings::OPEN_FLOWS, here.clone()),
        step(started, published, strings::STEP_RUN, strings::STEP_RUN_WHAT, strings::OPEN_FLOWS, here),
    ];
    Some(
        view! {
            <section aria-labelledby="first-steps">
                <div class="section-head"><h2 id="first-steps">{strings::FIRST_STEPS}</h2></div>
                <ol class="steps">{steps}</ol>
            </section>
        }
        .into_any(),
    )
}

fn step(done: bool, next: bool, title: &'static str, what: &'static str, verb: &'static str, href: String) -> AnyView {
    let go = (!done && next).then(|| view! { <a class="button primary" href=href>{verb}</a> });
    view! {
        <li class:done=done>
            <span class="dot">{done.then(|| icon("check"))}</span>
            <div>
                <p class="title">{title}{done.then(|| view! { <span class="hidden-visually">" ("{strings::DONE}")"</span> })}</p>
                <p class="what">{what}</p>
            </div>
            {go}
        </li>
    }
    .into_any()
}
