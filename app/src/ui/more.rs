//! The next page of a list, fetched when asked for and added below.

use holon_model::Problem;
use holon_model::wire::Page;
use leptos::prelude::*;

use super::{form::send, problem_notice, strings};
use crate::ports::PortFuture;

/// Shows the first page as it was read again; rows of pages below it stay as they are.
pub fn renew<T: Clone + Send + Sync + 'static, K: PartialEq>(rows: RwSignal<Vec<T>>, page: Page<T>, id: fn(&T) -> K) {
    rows.try_update(|rows| {
        let below = rows
            .iter()
            .filter(|row| page.data.iter().all(|new| id(new) != id(row)))
            .skip_while(|_| page.next_cursor.is_none());
        let below: Vec<_> = below.cloned().collect();
        *rows = page.data;
        rows.extend(below);
    });
}

/// A button below a list while there is a next page.
pub fn more<T: Clone + Send + Sync + 'static>(
    rows: RwSignal<Vec<T>>,
    cursor: RwSignal<Option<String>>,
    next: impl Fn(String) -> PortFuture<Page<T>> + Send + Sync + 'static,
) -> AnyView {
    let (pending, problem) = (RwSignal::new(false), RwSignal::new(None::<Problem>));
    let next = StoredValue::new(next);
    let press = move |_| {
        let Some(from) = cursor.get_untracked() else { return };
        send(next.with_value(|next| next(from)), pending, problem, move |page| {
            rows.try_update(|rows| rows.extend(page.data));
            cursor.try_set(page.next_cursor);
        });
    };
    view! {
        {move || problem.get().map(|problem| problem_notice(&problem))}
        {move || {
            cursor.with(Option::is_some).then(|| {
                view! {
                    <div class="more-rows">
                        <button type="button" class="button ghost small" aria-busy=move || if pending.get() { "true" } else { "false" } on:click=press>
                            {strings::SHOW_MORE}
                        </button>
                    </div>
                }
            })
        }}
    }
    .into_any()
}

/// A button below a long list that is all here, but shown in steps.
pub fn left(limit: RwSignal<usize>, step: usize, total: Signal<usize>) -> AnyView {
    let rest = move || total.get().saturating_sub(limit.get());
    let button = move || {
        (rest() > 0).then(|| {
            let words = format!("{} ({} {})", strings::SHOW_MORE, super::format::thousands(rest() as u64), strings::LEFT);
            view! {
                <div class="more-rows">
                    <button type="button" class="button ghost small" on:click=move |_| limit.update(|limit| *limit += step)>{words}</button>
                </div>
            }
        })
    };
    view! { {button} }.into_any()
}
