//! The form of an alert: a new one, or one that is there.

use holon_model::wire::alerts::{Alert, AlertChannel, AlertWhat, SaveAlert};
use holon_model::wire::flows::FlowSummary;
use holon_model::{FlowId, Problem};
use leptos::prelude::*;

use super::{api, strings};
use crate::ui::form::{field_error, rest_of};
use crate::ui::select::{Choice, select};
use crate::ui::{Area, Field, Submit, problem_notice, send, strings as words, use_toasts};

const MINUTE: u64 = 60_000;
const WHATS: [AlertWhat; 7] = [
    AlertWhat::RunFailed,
    AlertWhat::RunParked,
    AlertWhat::ErrorRate,
    AlertWhat::ApprovalWaiting,
    AlertWhat::ScheduleMissed,
    AlertWhat::PollFailing,
    AlertWhat::QueueAge,
];
const CHANNELS: [(AlertChannel, &str); 4] = [
    (AlertChannel::Chat, strings::CHAT_WHAT),
    (AlertChannel::Email, strings::EMAIL_WHAT),
    (AlertChannel::Webhook, strings::WEBHOOK_WHAT),
    (AlertChannel::Flow, strings::FLOW_WHAT),
];
/// Minutes that can be chosen.
const WINDOWS: [u64; 5] = [5, 15, 60, 360, 1_440];
const AGES: [u64; 7] = [1, 5, 15, 60, 240, 1_440, 4_320];
const QUIETS: [u64; 5] = [0, 5, 30, 60, 1_440];

/// The fields.
#[derive(Clone, Copy)]
struct Fields {
    name: RwSignal<String>,
    what: RwSignal<String>,
    flow: RwSignal<String>,
    window: RwSignal<String>,
    percent: RwSignal<String>,
    age: RwSignal<String>,
    channel: RwSignal<AlertChannel>,
    url: RwSignal<String>,
    connection: RwSignal<String>,
    recipients: RwSignal<String>,
    target: RwSignal<String>,
    quiet: RwSignal<String>,
    enabled: bool,
}

impl Fields {
    fn of(known: Option<&Alert>) -> Self {
        let text = |start: Option<String>| RwSignal::new(start.unwrap_or_default());
        let rate = known.is_some_and(|known| known.what == AlertWhat::ErrorRate);
        let threshold = known.and_then(|known| known.threshold);
        let start = known.map_or(AlertWhat::RunFailed, |known| known.what);
        Self {
            name: text(known.map(|known| known.name.clone())),
            what: RwSignal::new(key(start)),
            flow: text(known.and_then(|known| known.flow).map(|flow| flow.to_string())),
            window: RwSignal::new(known.and_then(|known| known.window).unwrap_or(15 * MINUTE).to_string()),
            percent: RwSignal::new(threshold.filter(|_| rate).unwrap_or(20).to_string()),
            age: RwSignal::new(threshold.filter(|_| !rate).unwrap_or(60 * MINUTE).to_string()),
            channel: RwSignal::new(known.map_or(AlertChannel::Chat, |known| known.channel)),
            url: text(None),
            connection: text(known.and_then(|known| known.connection.clone())),
            recipients: text(known.and_then(|known| known.recipients.as_ref()).map(|all| all.join(", "))),
            target: text(known.and_then(|known| known.target).map(|flow| flow.to_string())),
            quiet: RwSignal::new(known.map_or(5 * MINUTE, |known| known.quiet).to_string()),
            enabled: known.is_none_or(|known| known.enabled),
        }
    }

    fn chosen(self) -> AlertWhat {
        of_key(&self.what.get())
    }

    fn body(self) -> SaveAlert {
        let what = of_key(&self.what.get_untracked());
        let (channel, number) =
            (self.channel.get_untracked(), |text: RwSignal<String>| text.get_untracked().trim().parse().ok());
        let flow = |text: RwSignal<String>| text.get_untracked().parse::<FlowId>().ok();
        let some =
            |text: RwSignal<String>| Some(text.get_untracked().trim().to_owned()).filter(|text| !text.is_empty());
        SaveAlert {
            name: self.name.get_untracked().trim().to_owned(),
            what,
            flow: flow(self.flow),
            window: number(self.window).filter(|_| what == AlertWhat::ErrorRate),
            threshold: match what {
                AlertWhat::ErrorRate => number(self.percent),
                AlertWhat::QueueAge | AlertWhat::ApprovalWaiting | AlertWhat::PollFailing => number(self.age),
                AlertWhat::RunFailed | AlertWhat::RunParked | AlertWhat::ScheduleMissed => None,
            },
            channel,
            url: some(self.url).filter(|_| matches!(channel, AlertChannel::Chat | AlertChannel::Webhook)),
            connection: some(self.connection)
                .filter(|_| matches!(channel, AlertChannel::Webhook | AlertChannel::Email)),
            recipients: (channel == AlertChannel::Email).then(|| addresses(&self.recipients.get_untracked())),
            target: flow(self.target).filter(|_| channel == AlertChannel::Flow),
            quiet: number(self.quiet),
            enabled: Some(self.enabled),
        }
    }
}

/// One address a line; commas part them too.
fn addresses(text: &str) -> Vec<String> {
    text.split([',', '\n']).map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned).collect()
}

fn key(what: AlertWhat) -> String {
    WHATS.iter().position(|known| *known == what).unwrap_or_default().to_string()
}

fn of_key(key: &str) -> AlertWhat {
    key.parse().ok().and_then(|at: usize| WHATS.get(at).copied()).unwrap_or(AlertWhat::RunFailed)
}

/// Choices of minutes, and the one that is there although it is none of them.
fn spans(minutes: &[u64], chosen: &str) -> Vec<Choice> {
    let mut all: Vec<u64> = minutes.iter().map(|minutes| minutes * MINUTE).collect();
    all.extend(chosen.parse().ok().filter(|chosen| !all.contains(chosen)));
    all.sort_unstable();
    let words = |millis: u64| if millis == 0 { strings::NO_TIME.to_owned() } else { strings::span(millis) };
    all.into_iter().map(|millis| (millis.to_string(), words(millis))).collect()
}

/// `known` is the alert that becomes another one; without it one is made.
pub fn form(
    known: Option<Alert>,
    flows: &[FlowSummary],
    open: RwSignal<bool>,
    done: impl Fn() + Copy + 'static,
) -> AnyView {
    let fields = Fields::of(known.as_ref());
    let (pending, problem, toasts) = (RwSignal::new(false), RwSignal::new(None::<Problem>), use_toasts());
    let id = known.as_ref().map(|known| known.id);
    let kept = known.is_some_and(|known| known.url.is_some());
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let body = fields.body();
        let ask = match id {
            Some(id) => api::replace(id, &body),
            None => api::create(&body),
        };
        send(ask, pending, problem, move |_| {
            open.try_set(false);
            toasts.good(strings::SAVED);
            done();
        });
    };
    let shown = rest_of(problem, &["/name", "/url", "/connection", "/recipients", "/target", "/threshold"]);
    let whats = WHATS.map(|what| (key(what), strings::what(what).to_owned())).to_vec();
    let named: Vec<Choice> = flows.iter().map(|flow| (flow.id.to_string(), flow.name.clone())).collect();
    let about = [vec![(String::new(), strings::ANY_FLOW.to_owned())], named.clone()].concat();
    let limits = move || limits(fields, problem);
    let place = move || place(fields, problem, kept, &named);
    view! {
        <form method="post" class="stack" novalidate=true on:submit=submit>
            {move || shown.get().map(|problem| problem_notice(&problem))}
            <Field id="alert-name" label=strings::NAME value=fields.name focused=true error=field_error(problem, "/name")/>
            {select("alert-what", strings::WHAT, whats, fields.what)}
            {limits}
            {select("alert-flow", strings::FLOWS_ONLY, about, fields.flow)}
            {channels(fields.channel)}
            {place}
            {select("alert-quiet", strings::QUIET, spans(&QUIETS, &fields.quiet.get_untracked()), fields.quiet)}
            <div class="dialog-foot">
                <button type="button" class="button" on:click=move |_| open.set(false)>{words::CANCEL}</button>
                <Submit pending label=if id.is_some() { strings::SAVE } else { strings::CREATE }/>
            </div>
        </form>
    }
    .into_any()
}

/// How much, and over how long.
fn limits(fields: Fields, problem: RwSignal<Option<Problem>>) -> AnyView {
    match fields.chosen() {
        AlertWhat::RunFailed | AlertWhat::RunParked | AlertWhat::ScheduleMissed => ().into_any(),
        AlertWhat::ErrorRate => view! {
            <Field id="alert-percent" label=strings::PERCENT kind="number" value=fields.percent hint=strings::PERCENT_HINT error=field_error(problem, "/threshold")/>
            {select("alert-window", strings::WITHIN, spans(&WINDOWS, &fields.window.get_untracked()), fields.window)}
        }
        .into_any(),
        AlertWhat::QueueAge | AlertWhat::ApprovalWaiting | AlertWhat::PollFailing => {
            select("alert-age", strings::FOR_LONGER, spans(&AGES, &fields.age.get_untracked()), fields.age)
        }
    }
}

/// Where it is told.
fn place(fields: Fields, problem: RwSignal<Option<Problem>>, kept: bool, flows: &[Choice]) -> AnyView {
    let hint = if kept { strings::ADDRESS_KEPT } else { strings::ADDRESS_HINT };
    let address = move || {
        view! {
            <Field id="alert-url" label=strings::ADDRESS value=fields.url mono=true optional=kept hint=hint placeholder="https://chat.example/hooks/…" error=field_error(problem, "/url")/>
        }
    };
    match fields.channel.get() {
        AlertChannel::Chat => address().into_any(),
        AlertChannel::Webhook => view! {
            {address()}
            <Field id="alert-key" label=strings::CONNECTION value=fields.connection mono=true optional=true hint=strings::CONNECTION_HINT placeholder="alerts-key" error=field_error(problem, "/connection")/>
        }
        .into_any(),
        AlertChannel::Email => view! {
            <Area id="alert-recipients" label=strings::RECIPIENTS value=fields.recipients hint=strings::RECIPIENTS_HINT placeholder="ada@example.com" error=field_error(problem, "/recipients")/>
            <Field id="alert-mail" label=strings::MAIL_SERVER value=fields.connection mono=true hint=strings::MAIL_SERVER_HINT placeholder="mail" error=field_error(problem, "/connection")/>
        }
        .into_any(),
        AlertChannel::Flow => {
            let wrong = field_error(problem, "/target");
            let choices = [vec![(String::new(), "—".to_owned())], flows.to_vec()].concat();
            view! {
                {select("alert-target", strings::STARTS, choices, fields.target)}
                {move || wrong.get().map(|wrong| view! { <p class="error" role="alert">{wrong}</p> })}
            }
            .into_any()
        }
    }
}

fn channels(chosen: RwSignal<AlertChannel>) -> AnyView {
    let choice = move |(channel, what): (AlertChannel, &'static str)| {
        view! {
            <label>
                <input type="radio" name="alert-channel" prop:checked=move || chosen.get() == channel on:change=move |_| chosen.set(channel)/>
                <span class="title">{strings::channel(channel)}</span>
                <span class="what">{what}</span>
            </label>
        }
        .into_any()
    };
    view! {
        <fieldset class="field">
            <legend>{strings::TELLS}</legend>
            <div class="choices">{CHANNELS.into_iter().map(choice).collect::<Vec<_>>()}</div>
        </fieldset>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_chosen_is_what_is_sent_and_nothing_that_does_not_belong_to_it() {
        for what in WHATS {
            assert_eq!(of_key(&key(what)), what);
        }
        // Signals belong to somebody.
        let owner = Owner::new();
        owner.set();
        let fields = Fields::of(None);
        fields.what.set(key(AlertWhat::ErrorRate));
        fields.connection.set("key".into());
        let body = fields.body();
        assert_eq!((body.window, body.threshold, body.connection), (Some(15 * MINUTE), Some(20), None));
        fields.channel.set(AlertChannel::Email);
        fields.recipients.set("ada@example.com, \nbob@example.com".into());
        fields.url.set("https://chat.example".into());
        let body = fields.body();
        assert_eq!(body.recipients, Some(vec!["ada@example.com".to_owned(), "bob@example.com".to_owned()]));
        assert_eq!((body.url, body.connection.as_deref()), (None, Some("key")));
        fields.channel.set(AlertChannel::Chat);
        assert_eq!(fields.body().recipients, None);
        fields.what.set(key(AlertWhat::RunFailed));
        let body = fields.body();
        assert_eq!((body.window, body.threshold, body.quiet), (None, None, Some(5 * MINUTE)));
    }

    #[test]
    fn a_time_that_is_stored_can_be_chosen_although_it_is_none_of_ours() {
        let odd = (7 * MINUTE).to_string();
        assert!(spans(&WINDOWS, &odd).iter().any(|(value, _)| *value == odd));
        assert_eq!(spans(&QUIETS, "0").len(), QUIETS.len());
    }
}
