//! Publishing a version.

use holon_model::Problem;
use holon_model::wire::flows::{Diagnostic, Publish, Published, Severity};
use holon_model::wire::polls::PollSummary;
use holon_model::wire::schedules::ScheduleSummary;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{
    addresses, dialogs,
    drawer::problem,
    save,
    store::{Asking, Editor, Tab, use_editor},
    strings,
};
use crate::{
    flows::api,
    ports::use_ports,
    ui::{Dialog, ago, copyable, focus_inside, icon, time, words},
};

/// The dialog: what changed, then the version with its hash and addresses.
#[component]
pub(super) fn PublishDialog() -> impl IntoView {
    let editor = use_editor();
    let open = dialogs::asked(|asking| *asking == Asking::Publish);
    let message = RwSignal::new(String::new());
    let working = RwSignal::new(false);
    let done = RwSignal::new(None::<String>);
    let wrong = RwSignal::new(None::<Refused>);
    let ports = StoredValue::new(use_ports());
    Effect::new(move |_| {
        if open.get() {
            done.set(None);
            wrong.set(None);
        }
    });
    let errors = Memo::new(move |_| {
        editor.preview.with(|preview| preview.diagnostics.iter().any(|found| found.severity == Severity::Error))
    });
    // The version that says the same already, if there is one.
    let same = Memo::new(move |_| {
        let hash = editor.preview.with(|preview| preview.hash.clone());
        editor
            .published
            .with(|version| version.as_ref().filter(|version| version.hash == hash).map(|version| version.version))
    });
    let warnings = Memo::new(move |_| {
        let found = editor.preview.with(|preview| preview.diagnostics.len());
        if errors.get() { 0 } else { found }
    });
    let look = move |_| {
        editor.asking.set(None);
        editor.drawer.set(Some(Tab::Problems));
    };
    let publish = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if working.get_untracked() || errors.get_untracked() || same.get_untracked().is_some() {
            return;
        }
        working.set(true);
        wrong.set(None);
        spawn_local(async move {
            let result = send(editor, message.try_get_untracked().unwrap_or_default()).await;
            working.try_set(false);
            match result {
                Ok(said) => {
                    done.try_set(Some(said));
                    focus_inside();
                    message.try_set(String::new());
                    // The addresses come with the flow.
                    let Some(ports) = ports.try_get_value() else { return };
                    if let Ok(flow) = ports.flows.get(editor.flow).await {
                        editor.webhooks.try_set(flow.webhooks);
                    }
                }
                Err(reason) => {
                    wrong.try_set(Some(reason));
                }
            }
        });
    };
    view! {
        <Dialog open title=strings::PUBLISH_TITLE.to_owned() wide=true>
            {move || if let Some(said) = done.get() {
                published(editor, said)
            } else {
                view! {
                    <form method="post" class="stack" on:submit=publish>
                        <p class="muted">{strings::PUBLISH_TEXT}</p>
                        {move || same.get().map(|version| view! { <p class="line" role="status">{icon("circle-check")}{strings::same_as(version)}</p> })}
                        <div class="field">
                            <label for="publish-message">{strings::MESSAGE}" "<span class="optional">{strings::OPTIONAL}</span></label>
                            <input class="input" id="publish-message" autocomplete="off" prop:value=message on:input=move |event| message.set(event_target_value(&event))/>
                        </div>
                        <Show when=move || errors.get()><p class="form-problem">{strings::CANNOT_PUBLISH}</p></Show>
                        <Show when=move || { warnings.get() > 0 }>
                            <p class="form-problem warning">{icon("triangle-alert")}<span>{move || strings::warnings(warnings.get())}</span></p>
                        </Show>
                        {move || wrong.get().map(|refused| refusal(editor, refused))}
                        <div class="dialog-foot">
                            <Show when=move || errors.get() || (warnings.get() > 0)>
                                <button type="button" class="button" on:click=look>{strings::PROBLEMS}</button>
                            </Show>
                            <button type="submit" class="button primary" disabled=move || working.get() || errors.get() || same.get().is_some() aria-busy=move || working.get().to_string()>{strings::PUBLISH}</button>
                        </div>
                    </form>
                }.into_any()
            }}
        </Dialog>
    }
    .into_any()
}

/// What publishing did, in words.
fn told(published: &Published) -> String {
    let version = published.summary.version;
    if published.unchanged { strings::unchanged(version) } else { strings::published(version) }
}

/// Why nothing was published, and what only the server finds: that a connection is not there, say.
#[derive(Debug, Clone)]
struct Refused {
    reason: String,
    found: Vec<Diagnostic>,
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        let found = problem.errors.into_iter().map(|error| Diagnostic {
            pointer: error.pointer,
            code: error.code.unwrap_or_default(),
            severity: Severity::Error,
            message: error.detail,
            hint: None,
            span: None,
        });
        Self { reason: problem.detail, found: found.collect() }
    }
}

/// What was refused, each a way to the place.
fn refusal(editor: Editor, refused: Refused) -> AnyView {
    let found = refused.found.into_iter().map(problem).collect::<Vec<_>>();
    view! {
        <div role="alert">
            <p class="form-problem"><span>{words(&refused.reason)}</span></p>
            <div class="problems" on:click=move |_| editor.asking.set(None)>{found}</div>
        </div>
    }
    .into_any()
}

/// Saves, then publishes; what that did in words, or why it was not done.
async fn send(editor: Editor, message: String) -> Result<String, Refused> {
    if !save::now(editor).await {
        return Err(Refused { reason: strings::SAVE_FIRST.into(), found: Vec::new() });
    }
    let published = api::publish(editor.flow, &Publish { message }).await?;
    let said = told(&published);
    editor.said.try_set(said.clone());
    editor.published.try_set(Some(published.summary));
    Ok(said)
}

/// When it starts by itself next.
fn fires(schedule: ScheduleSummary) -> AnyView {
    let when = match (schedule.paused, schedule.next_at) {
        (false, Some(at)) => view! { {strings::FIRES}" "{ago(at)}" · "{time::in_zone(at)} }.into_any(),
        (true, _) => view! { {strings::FIRES_NOT} }.into_any(),
        (false, None) => view! { {strings::FIRES_NEVER} }.into_any(),
    };
    let href = format!("/schedules/{}", schedule.id);
    view! { <p class="line">{icon("calendar-clock")}<span><a href=href>{schedule.node}</a>": "{when}</span></p> }
        .into_any()
}

/// When it looks next.
fn looks(poll: PollSummary) -> AnyView {
    let href = format!("/polls/{}", poll.id);
    let when = view! { {strings::LOOKS}" "{ago(poll.next_at)} };
    view! { <p class="line">{icon("rss")}<span><a href=href>{poll.node}</a>": "{when}</span></p> }.into_any()
}

fn published(editor: Editor, said: String) -> AnyView {
    let (coming, looking) = (RwSignal::new(Vec::new()), RwSignal::new(Vec::new()));
    let ports = use_ports();
    let polls = ports.polls.list(None);
    spawn_local(async move {
        if let Ok(page) = polls.await {
            looking.try_set(page.data.into_iter().filter(|poll| poll.flow == editor.flow).collect());
        }
    });
    let asked = ports.schedules.list(None);
    spawn_local(async move {
        // Of very many schedules this one may not be among the first; its page says the same.
        if let Ok(page) = asked.await {
            coming.try_set(page.data.into_iter().filter(|schedule| schedule.flow == editor.flow).collect());
        }
    });
    view! {
        <p class="line" role="status">{icon("circle-check")}{said}</p>
        {move || editor.published.get().map(|version| view! {
            <dl class="facts"><div><dt>{strings::HASH}</dt><dd>{copyable(version.hash, strings::THE_HASH)}</dd></div></dl>
        })}
        {move || coming.get().into_iter().map(fires).collect::<Vec<_>>()}
        {move || looking.get().into_iter().map(looks).collect::<Vec<_>>()}
        {move || editor.webhooks.get().into_iter().map(|one| addresses::address(editor, one, true)).collect::<Vec<_>>()}
        <div class="dialog-foot">
            <button type="button" class="button primary" on:click=move |_| editor.asking.set(None)>{strings::CLOSE}</button>
        </div>
    }
    .into_any()
}
