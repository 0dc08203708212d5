//! How long the history of runs is kept: what is kept now, what would go, and the choice.

use holon_model::Problem;
use holon_model::wire::retention::Retention;
use leptos::prelude::*;

use super::{api, strings};
use crate::ports::use_ports;
use crate::ui::select::{Choice, select};
use crate::ui::{Confirm, ago, problem_notice, send, use_ready, use_toasts};

/// Days that are offered.
const OFFERED: [u32; 8] = [1, 7, 14, 30, 90, 180, 365, 3650];
/// The choice to choose nothing.
const DEFAULT: &str = "";

/// Days as the value of a choice, and back.
fn key(days: Option<u32>) -> String {
    days.map_or_else(|| DEFAULT.to_owned(), |days| days.to_string())
}

fn of_key(key: &str) -> Option<u32> {
    key.parse().ok()
}

/// What can be chosen: what the instance allows, and what is chosen although it is none of ours.
fn choices(kept: &Retention) -> Vec<Choice> {
    let most = kept.most.unwrap_or(u32::MAX);
    let mut days: Vec<u32> = OFFERED.into_iter().filter(|days| *days <= most).collect();
    days.extend(kept.days.filter(|chosen| !days.contains(chosen)));
    days.sort_unstable();
    let default = kept.default.into_iter().chain(kept.most).min();
    let default = format!("{} ({})", strings::HISTORY_DEFAULT, strings::kept_for(default).to_lowercase());
    let each = days.into_iter().map(|days| (key(Some(days)), strings::kept_for(Some(days))));
    [(DEFAULT.to_owned(), default)].into_iter().chain(each).collect()
}

/// The section of the page.
pub fn history(kept: Retention) -> AnyView {
    let offered = choices(&kept);
    let chosen = RwSignal::new(key(kept.days));
    let (state, sure) = (RwSignal::new(kept), RwSignal::new(None::<Retention>));
    let (pending, problem) = (RwSignal::new(false), RwSignal::new(None::<Problem>));
    let (ready, toasts, ports) = (use_ready(), use_toasts(), use_ports());
    let asked = move || {
        of_key(&chosen.get_untracked())
            .or_else(|| state.with_untracked(|kept| kept.default.into_iter().chain(kept.most).min()))
    };
    // What would go is asked first, and told before it goes.
    let press = move |_| match asked() {
        None => sure.set(Some(Retention { goes: 0, ..state.get_untracked() })),
        Some(days) => {
            send(ports.history.kept(Some(days)), pending, problem, move |would| _ = sure.try_set(Some(would)));
        }
    };
    let open = crate::ui::about(sure);
    let act = UnsyncCallback::new(move |()| {
        send(api::choose(of_key(&chosen.get_untracked())), pending, problem, move |now| {
            state.try_set(now);
            open.try_set(false);
            toasts.good(strings::HISTORY_SAVED);
        });
    });
    let title =
        Signal::derive(move || format!("{} {}?", strings::HISTORY_KEEP, strings::kept_for(asked()).to_lowercase()));
    let body = Signal::derive(move || {
        sure.with(|sure| {
            let goes = sure.as_ref().map_or(0, |would| would.goes);
            let words = strings::would_go(goes);
            if goes == 0 { words } else { format!("{words} {}", strings::HISTORY_SURE) }
        })
    });
    let unchanged = move || state.with(|kept| key(kept.days) == chosen.get());
    view! {
        <section class="setting" aria-labelledby="history">
            <h2 id="history">{strings::HISTORY}</h2>
            <p>{strings::HISTORY_WHAT}</p>
            {move || problem.get().map(|problem| problem_notice(&problem))}
            {move || state.with(|kept| match kept.oldest {
                None => view! { <p class="muted">{strings::HISTORY_EMPTY}</p> }.into_any(),
                Some(oldest) => view! { <p class="muted">{strings::kept_now(kept.runs)}", "{strings::OLDEST}" "{ago(oldest)}"."</p> }.into_any(),
            })}
            {select("history-days", strings::HISTORY_FOR, offered, chosen)}
            <div>
                <button type="button" class="button" disabled=move || !ready.get() || pending.get() || unchanged() on:click=press>{strings::SAVE}</button>
            </div>
            <Confirm open title body verb=strings::HISTORY_KEEP pending problem act/>
        </section>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(days: Option<u32>, default: Option<u32>, most: Option<u32>) -> Retention {
        Retention { days, in_force: None, default, most, runs: 0, oldest: None, goes: 0 }
    }

    #[test]
    fn only_what_the_instance_allows_is_offered_and_what_is_chosen_stays() {
        let values = |kept: &Retention| choices(kept).into_iter().map(|(value, _)| value).collect::<Vec<_>>();
        assert_eq!(values(&kept(Some(10), None, Some(30))), ["", "1", "7", "10", "14", "30"]);
        let named = choices(&kept(None, Some(90), Some(30)))[0].1.clone();
        assert_eq!(named, "As the instance says (30 days)");
        for days in [None, Some(7)] {
            assert_eq!(of_key(&key(days)), days);
        }
    }
}
