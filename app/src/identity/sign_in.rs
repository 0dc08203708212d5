//! Signing in.

use holon_model::Problem;
use holon_model::wire::identity::{Instance, SignIn, SignUpPolicy};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::Redirect;
use leptos_router::hooks::use_query_map;

use super::{api, gate::gate, strings};
use crate::ports::use_ports;
use crate::ui::form::{field_error, missing, refuse, rest_of};
use crate::ui::{Field, Submit, dom, problem_notice, send};

/// `/sign-in`; where nobody has signed up yet it leads to sign-up.
#[component]
pub fn SignInPage() -> impl IntoView {
    let ports = use_ports();
    let instance = Resource::new(|| (), move |()| ports.identity.instance());
    view! {
        <Title text=strings::SIGN_IN/>
        <Suspense>
            {move || Suspend::new(async move {
                match instance.await {
                    Ok(instance) if instance.first_run => view! { <Redirect path="/sign-up"/> }.into_any(),
                    Ok(instance) => page(&instance),
                    Err(problem) => gate(strings::SIGN_IN.into(), String::new(), None, problem_notice(&problem)),
                }
            })}
        </Suspense>
    }
}

fn page(instance: &Instance) -> AnyView {
    let (email, password) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let (pending, problem) = (RwSignal::new(false), RwSignal::new(None::<Problem>));
    let next = use_query_map().with_untracked(|query| query.get("next"));
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        // The server says of an empty e-mail what it says of a wrong one; here more is known.
        let blank = [
            ("/email", email.with_untracked(|email| email.trim().is_empty())),
            ("/password", password.with_untracked(String::is_empty)),
        ];
        if let Some(missing) = missing(&blank) {
            return refuse(problem, missing);
        }
        let body = SignIn { email: email.get_untracked().trim().to_owned(), password: password.get_untracked() };
        let next = next.clone();
        send(api::sign_in(&body), pending, problem, move |_| dom::leave_for(own(next.as_deref())));
    };
    let elsewhere = (instance.sign_up == SignUpPolicy::Open).then(|| {
        view! { <p class="switch-page">{strings::NEW_HERE}" "<a href="/sign-up">{strings::SIGN_UP}</a></p> }
    });
    let shown = rest_of(problem, &["/email", "/password"]);
    let form = view! {
        <form method="post" novalidate=true on:submit=submit>
            {move || shown.get().map(|problem| problem_notice_here(&problem))}
            <Field id="email" label=strings::EMAIL kind="email" value=email autocomplete="username" focused=true error=field_error(problem, "/email")/>
            {super::sign_up::password_field(password, "current-password", field_error(problem, "/password"))}
            <Submit pending label=strings::SIGN_IN block=true/>
        </form>
        {elsewhere}
    };
    gate(strings::SIGN_IN.into(), strings::SIGN_IN_WHAT.into(), instance.sign_in_obstacle.clone(), form.into_any())
}

/// Here a refusal is about the form, never a reason to go to this same page.
fn problem_notice_here(problem: &Problem) -> AnyView {
    let mut problem = problem.clone();
    if problem.code == holon_model::Code::Unauthenticated {
        problem.code = holon_model::Code::WrongCredentials;
    }
    problem_notice(&problem)
}

/// Where to go afterwards: only to a page of this site.
fn own(next: Option<&str>) -> &str {
    next.filter(|next| next.starts_with('/') && !next.starts_with("//") && !next.starts_with("/\\")).unwrap_or("/")
}

#[cfg(test)]
mod tests {
    use super::own;

    #[test]
    fn after_sign_in_nobody_is_led_to_another_site() {
        assert_eq!(own(Some("/runs?status=failed")), "/runs?status=failed");
        for elsewhere in ["https://example.com", "//example.com", "/\\example.com", ""] {
            assert_eq!(own(Some(elsewhere)), "/");
        }
    }
}
