//! Filling a form by pasting a text that the kind can read, such as a cURL command.

use holon_studio::worker::{Ask, ImportReply};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::Spot;
use crate::{
    editor::{markdown, strings},
    engine,
    ui::icon,
};

/// The fold, where the kind offers it.
pub(super) fn import(spot: &Spot) -> Option<AnyView> {
    let kind = spot.kind()?;
    let (title, placeholder) = kind.import.clone()?;
    let text = RwSignal::new(String::new());
    let wrong = RwSignal::new(None::<String>);
    let left_out = RwSignal::new(Vec::<String>::new());
    let spot = spot.clone();
    let read = move |_| {
        let (spot, kind) = (spot.clone(), kind.id.clone());
        spawn_local(async move {
            let question = Ask::Import { kind, text: text.try_get_untracked().unwrap_or_default() };
            match engine::ask::<ImportReply>(question).await {
                Ok(reply) => {
                    wrong.try_set(None);
                    text.try_set(String::new());
                    left_out.try_set(reply.left_out);
                    spot.set("", Some(reply.config));
                }
                Err(error) => {
                    wrong.try_set(Some(error.to_string()));
                    left_out.try_set(Vec::new());
                }
            }
        });
    };
    Some(
        view! {
            <details class="form-more">
                <summary>{title.clone()}</summary>
                <div class="form">
                    <textarea class="input mono" rows="3" spellcheck="false" aria-label=title.clone() placeholder=placeholder prop:value=text on:input=move |event| text.set(event_target_value(&event))></textarea>
                    {move || wrong.get().map(|message| view! { <p class="form-problem" role="alert"><span>{markdown::inline(&message)}</span></p> })}
                    <Show when=move || !left_out.get().is_empty()>
                        <p class="form-problem warning" role="status">
                            {icon("triangle-alert")}
                            <span>{move || markdown::inline(&strings::left_out_of_import(&left_out.get()))}" "<a href="/connections?new=connection" target="_blank">{strings::NEW_CONNECTION}</a></span>
                        </p>
                    </Show>
                    <button type="button" class="button" on:click=read>{icon("clipboard-paste")}{strings::IMPORT}</button>
                </div>
            </details>
        }
        .into_any(),
    )
}
