//! Starting a flow: empty with a name, or from an example.

use holon_model::Problem;
use holon_model::wire::Page;
use holon_model::wire::flows::{CreateFlow, Example, Flow};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::{api, strings};
use crate::ui::form::{field_error, rest_of};
use crate::ui::{Dialog, Field, Submit, icon, problem_notice, send};

/// The dialog of a new flow.
#[component]
pub fn NewFlow(
    /// Whether it is shown.
    open: RwSignal<bool>,
    /// The examples to choose from.
    examples: Resource<Result<Page<Example>, Problem>>,
    /// Whether they are shown elsewhere.
    bare: RwSignal<bool>,
) -> impl IntoView {
    view! {
        <Dialog open title=strings::NEW.to_owned() wide=true>
            {form()}
            <Transition>
                {move || Suspend::new(async move {
                    let all = examples.await.map(|page| page.data).unwrap_or_default();
                    (!all.is_empty() && !bare.get()).then(|| view! { <h3 class="muted">{strings::OR_EXAMPLE}</h3>{self::examples(all)} })
                })}
            </Transition>
        </Dialog>
    }
}

fn form() -> AnyView {
    let name = RwSignal::new(String::new());
    let (pending, problem) = (RwSignal::new(false), RwSignal::new(None::<Problem>));
    let opened = opener();
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let body = CreateFlow { definition: None, example: None, name: Some(name.get_untracked().trim().to_owned()) };
        let opened = opened.clone();
        send(api::create(&body), pending, problem, move |flow| opened(&flow));
    };
    let shown = rest_of(problem, &["/name"]);
    view! {
        <form method="post" class="stack" on:submit=submit>
            {move || shown.get().map(|problem| problem_notice(&problem))}
            <Field id="flow-name" label=strings::NAME value=name placeholder=strings::NAME_PLACEHOLDER focused=true error=field_error(problem, "/name")/>
            <div class="line"><Submit pending label=strings::CREATE/></div>
        </form>
    }
    .into_any()
}

/// Goes to the editor of a flow.
pub(super) fn opener() -> impl Fn(&Flow) + Clone + 'static {
    let navigate = use_navigate();
    move |flow: &Flow| navigate(&format!("/flows/{}", flow.id), NavigateOptions::default())
}

/// Cards of examples; choosing one makes a flow of it and opens it.
pub fn examples(all: Vec<Example>) -> AnyView {
    let (pending, problem) = (RwSignal::new(false), RwSignal::new(None::<Problem>));
    let opened = opener();
    let card = move |example: Example| {
        let opened = opened.clone();
        let name = example.name.clone();
        let press = move |_| {
            let body = CreateFlow { definition: None, example: Some(name.clone()), name: None };
            let opened = opened.clone();
            send(api::create(&body), pending, problem, move |flow| opened(&flow));
        };
        view! {
            <button type="button" class="example" on:click=press disabled=move || pending.get()>
                <span class="glyph">{icon(glyph(&example.name))}</span>
                <span class="title">{example.title}</span>
                <span class="what">{example.description}</span>
                <span class="go">{strings::START_EXAMPLE}{icon("arrow-right")}</span>
            </button>
        }
        .into_any()
    };
    view! {
        {move || problem.get().map(|problem| problem_notice(&problem))}
        <div class="examples">{all.into_iter().map(card).collect::<Vec<_>>()}</div>
    }
    .into_any()
}

/// An icon that hints at what an example is about.
fn glyph(name: &str) -> &'static str {
    let about = [
        ("order", "shopping-cart"),
        ("push", "git-branch"),
        ("repository", "git-branch"),
        ("csv", "sheet"),
        ("database", "database-search"),
        ("travel", "map"),
        ("labels", "tag"),
        ("import", "layers"),
        ("word", "hard-hat"),
        ("failure", "triangle-alert"),
        ("ticket", "rss"),
    ];
    about.iter().find(|(word, _)| name.contains(word)).map_or("workflow", |(_, glyph)| glyph)
}
