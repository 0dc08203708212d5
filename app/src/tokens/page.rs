//! All tokens of a person: a table, making one, revoking one.

use holon_model::Problem;
use holon_model::wire::tokens::Token;
use leptos::prelude::*;
use leptos_meta::Title;

use super::{api, create, strings};
use crate::frame::{Crumb, bar};
use crate::ports::use_ports;
use crate::ui::{Confirm, about, ago, asked, empty, icon, problem_notice, send, skeleton};

/// `/tokens`
#[component]
pub fn TokensPage() -> impl IntoView {
    let ports = use_ports();
    let all = Resource::new(|| (), move |()| ports.tokens.list());
    let (making, doomed) = (RwSignal::new(false), RwSignal::new(None::<Token>));
    asked::when_new("/tokens", move || making.set(true));
    let start = move |primary: bool| {
        view! { <button type="button" class="button" class:primary=primary on:click=move |_| making.set(true)>{icon("plus")}{strings::NEW}</button> }
    };
    view! {
        <Title text=strings::TOKENS/>
        {bar(vec![Crumb::here(strings::TOKENS)], ())}
        <div class="content">
            <div class="page-head">
                <h1>{strings::TOKENS}</h1>
                <div class="actions">{start(true)}</div>
                <p>{strings::ABOUT}</p>
            </div>
            <Transition fallback=|| skeleton::table(3)>
                {move || Suspend::new(async move {
                    match all.await {
                        Ok(page) if page.data.is_empty() => {
                            view! { <div class="table-box">{empty("key-round", strings::EMPTY, strings::EMPTY_WHAT, start(false))}</div> }.into_any()
                        }
                        Ok(page) => table(page.data, doomed),
                        Err(problem) => problem_notice(&problem),
                    }
                })}
            </Transition>
        </div>
        <create::CreateToken open=making made=UnsyncCallback::new(move |()| all.refetch())/>
        {revoke(doomed, move || all.refetch())}
    }
}

fn table(rows: Vec<Token>, doomed: RwSignal<Option<Token>>) -> AnyView {
    let row = |token: Token| {
        let gone = token.clone();
        let workers = token.pools.as_deref().map(strings::workers);
        let title =
            workers.as_ref().map_or_else(|| token.name.clone(), |workers| format!("{} · {workers}", token.name));
        let when = |at: Option<holon_model::Timestamp>| at.map_or_else(|| view! { {strings::NEVER} }.into_any(), ago);
        view! {
            <tr>
                <td title=title><strong>{token.name.clone()}</strong>{workers.map(|workers| view! { <span class="sub">" · "{workers}</span> })}</td>
                <td class="mono sub">{token.prefix.clone()}"…"</td>
                <td class="sub wide">{ago(token.created_at)}</td>
                <td class="sub">{when(token.last_used_at)}</td>
                <td class="sub wide">{when(token.expires_at)}</td>
                <td class="acts">
                    <button type="button" class="button ghost small danger" on:click=move |_| doomed.set(Some(gone.clone()))>{strings::REVOKE}</button>
                </td>
            </tr>
        }
        .into_any()
    };
    view! {
        <div class="table-box">
            <table class="data">
                <thead>
                    <tr>
                        <th scope="col">{strings::NAME}</th>
                        <th scope="col" style="width:170px">{strings::PREFIX}</th>
                        <th scope="col" style="width:120px">{strings::MADE}</th>
                        <th scope="col" style="width:120px">{strings::LAST_USED}</th>
                        <th scope="col" style="width:120px">{strings::ENDS}</th>
                        <th scope="col" style="width:88px"><span class="hidden-visually">{strings::REVOKE}</span></th>
                    </tr>
                </thead>
                <tbody>{rows.into_iter().map(row).collect::<Vec<_>>()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn revoke(doomed: RwSignal<Option<Token>>, done: impl Fn() + Copy + 'static) -> AnyView {
    let (open, pending, problem) = (about(doomed), RwSignal::new(false), RwSignal::new(None::<Problem>));
    let title = Signal::derive(move || {
        doomed
            .with(|gone| gone.as_ref().map(|gone| format!("{} “{}”?", strings::REVOKE, gone.name)).unwrap_or_default())
    });
    let act = UnsyncCallback::new(move |()| {
        let Some(gone) = doomed.get_untracked() else { return };
        send(api::revoke(gone.id), pending, problem, move |()| {
            open.try_set(false);
            done();
        });
    });
    view! { <Confirm open title body=strings::REVOKE_WHAT.to_owned() verb=strings::REVOKE_TOKEN pending problem act/> }
        .into_any()
}
