//! Who subscribes: which flow takes which subjects, and how far it is.

use holon_model::wire::events::Subscription;
use leptos::prelude::*;

use super::{replay, strings};

/// The table of subscriptions; nothing where nobody subscribes.
pub(super) fn table(found: Vec<Subscription>, again: impl Fn() + Copy + Send + Sync + 'static) -> AnyView {
    if found.is_empty() {
        return ().into_any();
    }
    let chosen = RwSignal::new(None::<Subscription>);
    let rows = found.into_iter().map(|subscription| row(subscription, chosen)).collect::<Vec<_>>();
    view! {
        <section class="stack schedule-part" aria-labelledby="subscriptions">
            <h2 id="subscriptions">{strings::SUBSCRIPTIONS}</h2>
            <div class="table-box">
                <table class="data">
                    <thead>
                        <tr>
                            <th scope="col">{strings::FLOW}</th>
                            <th scope="col">{strings::PATTERN}</th>
                            <th scope="col" style="width:190px">{strings::AT}</th>
                            <th scope="col" style="width:140px"><span class="hidden-visually">{strings::AGAIN}</span></th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </section>
        <replay::Replay chosen done=UnsyncCallback::new(move |()| again())/>
    }
    .into_any()
}

fn row(subscription: Subscription, chosen: RwSignal<Option<Subscription>>) -> AnyView {
    let all = subscription.clone();
    let far = format!("{} / {}", subscription.position, subscription.last);
    let waiting = (subscription.waiting > 0).then(|| format!(" · {} {}", subscription.waiting, strings::WAITING));
    let ordered = subscription.ordered.then(|| view! { " "<span class="tag">{strings::ONE_AT_A_TIME}</span> });
    view! {
        <tr>
            <td title=subscription.flow_name.clone()>
                <a href=format!("/flows/{}", subscription.flow)>{subscription.flow_name.clone()}</a>
                <span class="sub">" "{subscription.node.clone()}</span>
            </td>
            <td><code>{subscription.pattern.clone()}</code>{ordered}</td>
            <td class="mono sub">{far}{waiting}</td>
            <td class="acts">
                <button type="button" class="button ghost small" on:click=move |_| chosen.set(Some(all.clone()))>{strings::AGAIN}</button>
            </td>
        </tr>
    }
    .into_any()
}
