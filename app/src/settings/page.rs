//! The page of settings.

use holon_model::wire::identity::Session;
use leptos::prelude::*;
use leptos_meta::Title;

use super::{appearance, history, operator, strings};
use crate::frame::{Crumb, bar, use_session};
use crate::pauses::{self, Scope};
use crate::ports::use_ports;
use crate::ui::{problem_notice, skeleton};

/// `/settings`
#[component]
pub fn SettingsPage() -> impl IntoView {
    let (ports, session) = (use_ports(), use_session().0);
    let settings = Resource::new(
        || (),
        move |()| {
            let ports = ports.clone();
            async move {
                // Only an operator may read them: nobody else is asked to.
                match ports.identity.session().await {
                    Ok(session) if session.operator => ports.identity.settings().await.map(Some),
                    Ok(_) => Ok(None),
                    Err(problem) => Err(problem),
                }
            }
        },
    );
    let history_ports = use_ports();
    let kept = Resource::new(|| (), move |()| history_ports.history.kept(None));
    view! {
        <Title text=strings::SETTINGS/>
        {bar(vec![Crumb::here(strings::SETTINGS)], ())}
        <div class="content">
            <div class="page-head"><h1>{strings::SETTINGS}</h1></div>
            <div class="settings">
                <Suspense fallback=|| skeleton::table(3)>
                    {move || Suspend::new(async move { session.await.ok().map(|session| account(&session)) })}
                </Suspense>
                {appearance::appearance()}
                {pauses::panel(Scope::Workspace)}
                <section class="setting" aria-labelledby="alerts">
                    <h2 id="alerts">{strings::ALERTS}</h2>
                    <p>{strings::ALERTS_WHAT}</p>
                    <div><a class="button" href="/settings/alerts">{strings::ALERTS_GO}</a></div>
                </section>
                <section class="setting" aria-labelledby="tokens">
                    <h2 id="tokens">{strings::TOKENS}</h2>
                    <p>{strings::TOKENS_WHAT}</p>
                    <div><a class="button" href="/tokens">{strings::TOKENS_GO}</a></div>
                </section>
                <Suspense fallback=|| skeleton::table(2)>
                    {move || Suspend::new(async move {
                        match kept.await {
                            Ok(kept) => history::history(kept),
                            Err(problem) => problem_notice(&problem),
                        }
                    })}
                </Suspense>
                <Suspense>
                    {move || Suspend::new(async move {
                        match settings.await {
                            Ok(Some(settings)) => view! { {operator::operator(&settings)}{pauses::panel(Scope::Instance)} }.into_any(),
                            Ok(None) => ().into_any(),
                            Err(problem) => problem_notice(&problem),
                        }
                    })}
                </Suspense>
            </div>
        </div>
    }
}

fn account(session: &Session) -> AnyView {
    let fact =
        |name: &'static str, value: &str| view! { <div><dt>{name}</dt><dd>{value.to_owned()}</dd></div> }.into_any();
    view! {
        <section class="setting" aria-labelledby="account">
            <h2 id="account">{strings::ACCOUNT}</h2>
            <dl class="facts">
                {fact(strings::NAME, &session.person.name)}
                {fact(strings::EMAIL, &session.person.email)}
                {fact(strings::WORKSPACE, &session.tenant.name)}
                {fact(strings::ENVIRONMENT, &session.environment.name)}
            </dl>
        </section>
    }
    .into_any()
}
