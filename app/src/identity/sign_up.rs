//! Signing up: a person and a workspace. The first person becomes the operator.

use holon_model::Problem;
use holon_model::wire::identity::{Instance, SHORTEST_PASSWORD, SignUp, SignUpPolicy};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::{api, gate::gate, strings};
use crate::ports::use_ports;
use crate::ui::form::{field_error, rest_of};
use crate::ui::{Field, Submit, dom, icon, problem_notice, send, strings as words};

/// `/sign-up`
#[component]
pub fn SignUpPage() -> impl IntoView {
    let ports = use_ports();
    let instance = Resource::new(|| (), move |()| ports.identity.instance());
    let invitation = use_query_map().with_untracked(|query| query.get("invitation"));
    view! {
        <Title text=strings::SIGN_UP/>
        <Suspense>
            {move || {
                let invitation = invitation.clone();
                Suspend::new(async move {
                    match instance.await {
                        Ok(instance) => page(&instance, invitation),
                        Err(problem) => gate(strings::SIGN_UP.into(), String::new(), None, problem_notice(&problem)),
                    }
                })
            }}
        </Suspense>
    }
}

fn page(instance: &Instance, invitation: Option<String>) -> AnyView {
    let obstacle = instance.sign_in_obstacle.clone();
    let sign_in =
        || view! { <p class="switch-page">{strings::HAVE_ACCOUNT}" "<a href="/sign-in">{strings::SIGN_IN}</a></p> };
    if instance.first_run {
        return gate(strings::FIRST_RUN.into(), strings::FIRST_RUN_WHAT.into(), obstacle, form(invitation));
    }
    match instance.sign_up {
        SignUpPolicy::Closed => {
            gate(strings::CLOSED.into(), strings::CLOSED_WHAT.into(), obstacle, sign_in().into_any())
        }
        SignUpPolicy::Invitation if invitation.is_none() => {
            gate(strings::BY_INVITATION.into(), strings::BY_INVITATION_WHAT.into(), obstacle, sign_in().into_any())
        }
        SignUpPolicy::Open | SignUpPolicy::Invitation => {
            let form = view! { {form(invitation)}{sign_in()} };
            gate(strings::SIGN_UP_TITLE.into(), strings::SIGN_UP_WHAT.into(), obstacle, form.into_any())
        }
    }
}

fn form(invitation: Option<String>) -> AnyView {
    let text = || RwSignal::new(String::new());
    let (name, email, password, workspace) = (text(), text(), text(), text());
    let (pending, problem) = (RwSignal::new(false), RwSignal::new(None::<Problem>));
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let body = SignUp {
            name: name.get_untracked().trim().to_owned(),
            email: email.get_untracked().trim().to_owned(),
            password: password.get_untracked(),
            workspace: workspace.get_untracked().trim().to_owned(),
            invitation: invitation.clone(),
        };
        send(api::sign_up(&body), pending, problem, |_| dom::leave_for("/"));
    };
    let shown = rest_of(problem, &["/name", "/email", "/password", "/workspace"]);
    let long = Signal::derive(move || password.with(|password| password.chars().count() >= SHORTEST_PASSWORD));
    let own = Signal::derive(move || {
        let (password, email, name) =
            (password.get().to_lowercase(), email.get().to_lowercase(), name.get().to_lowercase());
        !password.is_empty() && password != email.trim() && password != name.trim()
    });
    view! {
        <form method="post" novalidate=true on:submit=submit>
            {move || shown.get().map(|problem| problem_notice(&problem))}
            <Field id="name" label=strings::NAME value=name autocomplete="name" focused=true error=field_error(problem, "/name")/>
            <Field id="email" label=strings::EMAIL kind="email" value=email autocomplete="username" error=field_error(problem, "/email")/>
            <div class="stack tight">
                {password_field(password, "new-password", field_error(problem, "/password"))}
                <ul class="rules" id="password-rules">{rule(strings::rule_length(), long)}{rule(strings::RULE_EMAIL.to_owned(), own)}</ul>
            </div>
            <Field id="workspace" label=strings::WORKSPACE value=workspace autocomplete="organization" hint=strings::WORKSPACE_HINT error=field_error(problem, "/workspace")/>
            <Submit pending label=strings::CREATE block=true/>
        </form>
    }
    .into_any()
}

fn rule(text: String, met: Signal<bool>) -> AnyView {
    view! { <li class:met=met>{move || icon(if met.get() { "check" } else { "dot" })}{text}</li> }.into_any()
}

/// A password with a button that shows it.
pub(super) fn password_field(
    value: RwSignal<String>,
    autocomplete: &'static str,
    error: Signal<Option<String>>,
) -> AnyView {
    let shown = RwSignal::new(false);
    let kind = Signal::derive(move || if shown.get() { "text" } else { "password" });
    view! {
        <Field id="password" label=strings::PASSWORD kind=kind value=value autocomplete=autocomplete error=error>
            <button
                type="button"
                class="button ghost small"
                aria-pressed=move || if shown.get() { "true" } else { "false" }
                aria-label=move || format!("{} {}", if shown.get() { words::HIDE } else { words::SHOW }, strings::PASSWORD.to_lowercase())
                on:click=move |_| shown.update(|shown| *shown = !*shown)
            >
                {move || if shown.get() { words::HIDE } else { words::SHOW }}
            </button>
        </Field>
    }
    .into_any()
}
