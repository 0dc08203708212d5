//! Making a token: its name and end, then the token itself, once.

use holon_model::Problem;
use holon_model::wire::tokens;
use leptos::prelude::*;

use super::{api, strings};
use crate::ui::form::{field_error, rest_of};
use crate::ui::select::select;
use crate::ui::{Dialog, Field, Submit, code, dom, focus_inside, icon, problem_notice, send, strings as words};

/// A token for workers, in the choice of what it may do.
const WORKERS: &str = "workers";

/// The dialog of a new token.
#[component]
pub fn CreateToken(
    /// Whether it is shown.
    open: RwSignal<bool>,
    /// Told when one was made.
    made: UnsyncCallback<()>,
) -> impl IntoView {
    let secret = RwSignal::new(None::<String>);
    Effect::new(move |_| {
        if !open.get() {
            secret.set(None);
        }
    });
    view! {
        <Dialog open title=strings::NEW.to_owned()>
            {move || match secret.get() {
                Some(secret) => shown_once(secret, open),
                None => form(secret, open, made),
            }}
        </Dialog>
    }
}

fn form(secret: RwSignal<Option<String>>, open: RwSignal<bool>, made: UnsyncCallback<()>) -> AnyView {
    let (name, days) = (RwSignal::new(String::new()), RwSignal::new("90".to_owned()));
    let (may, pools) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let (pending, problem) = (RwSignal::new(false), RwSignal::new(None::<Problem>));
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let body = tokens::CreateToken {
            name: name.get_untracked().trim().to_owned(),
            days: days.get_untracked().parse().ok(),
            pools: (may.get_untracked() == WORKERS).then(|| named(&pools.get_untracked())),
        };
        send(api::create(&body), pending, problem, move |created| {
            secret.try_set(Some(created.secret));
            focus_inside();
            made.run(());
        });
    };
    let choices =
        [("30", strings::DAYS_30), ("90", strings::DAYS_90), ("365", strings::DAYS_365), ("", strings::NEVER)];
    let choices = choices.map(|(days, words)| (days.to_owned(), words.to_owned())).to_vec();
    let grants = [("", strings::MAY_ALL), (WORKERS, strings::MAY_WORK)];
    let grants = grants.map(|(may, words)| (may.to_owned(), words.to_owned())).to_vec();
    let for_workers = move || {
        (may.get() == WORKERS).then(|| view! {
        <Field id="token-pools" label=strings::POOLS value=pools hint=strings::POOLS_HINT error=field_error(problem, "/pools")/>
    })
    };
    let shown = rest_of(problem, &["/name", "/pools"]);
    view! {
        <form method="post" class="stack" novalidate=true on:submit=submit>
            {move || shown.get().map(|problem| problem_notice(&problem))}
            <Field id="token-name" label=strings::NAME value=name hint=strings::NAME_HINT focused=true error=field_error(problem, "/name")/>
            {select("token-may", strings::MAY, grants, may)}
            {for_workers}
            {select("token-days", strings::ENDS_AFTER, choices, days)}
            <div class="dialog-foot">
                <button type="button" class="button" on:click=move |_| open.set(false)>{words::CANCEL}</button>
                <Submit pending label=strings::CREATE/>
            </div>
        </form>
    }
    .into_any()
}

/// Names that stand between commas or spaces.
fn named(text: &str) -> Vec<String> {
    text.split([',', ' ']).map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn shown_once(secret: String, open: RwSignal<bool>) -> AnyView {
    let origin = dom::window().and_then(|window| window.location().origin().ok()).unwrap_or_default();
    let call = format!("curl -H \"Authorization: Bearer {secret}\" {origin}/api/v1/flows");
    view! {
        <div class="stack">
            <div class="notice warn" role="alert">{icon("triangle-alert")}<span class="title">{strings::ONCE}</span></div>
            <div class="field"><span class="label">{strings::YOUR_TOKEN}</span>{code(secret, strings::THE_TOKEN, true)}</div>
            <div class="field"><span class="label">{strings::TRY}</span>{code(call, strings::THE_CALL, true)}</div>
            <div class="dialog-foot">
                <button type="button" class="button primary" on:click=move |_| open.set(false)>{strings::DONE}</button>
            </div>
        </div>
    }
    .into_any()
}
