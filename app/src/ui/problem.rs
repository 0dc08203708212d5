//! A problem as the API tells it: what happened, to what, what to do; where the server is at fault the request, for its operator's log.

use holon_model::{Code, Problem};
use leptos::prelude::*;

use super::{copyable, icon, strings, words};

/// The notice. A session that is over leads to sign-in instead.
pub fn problem_notice(problem: &Problem) -> AnyView {
    if problem.code == Code::Unauthenticated {
        return view! { <crate::identity::ToSignIn/> }.into_any();
    }
    let fields: Vec<AnyView> = problem
        .errors
        .iter()
        .map(|error| {
            let place =
                if error.pointer.is_empty() { None } else { Some(view! { <code>{error.pointer.clone()}</code>" " }) };
            view! { <li class="detail">{place}{words(&error.detail)}</li> }.into_any()
        })
        .collect();
    const FAULT: u16 = 500;
    let request = problem.request_id.clone().filter(|_| problem.status >= FAULT).map(|id| {
        view! { <span class="aside line">{strings::REQUEST}" "{copyable(id, strings::REQUEST_ID)}</span> }
    });
    view! {
        <div class="notice bad" role="alert">
            {icon("circle-alert")}
            <span class="title">{problem.title.clone()}</span>
            <span class="detail">{words(&problem.detail)}</span>
            {(!fields.is_empty()).then(|| view! { <ul class="detail">{fields}</ul> })}
            {request}
        </div>
    }
    .into_any()
}
