//! Under the fields of a cron expression and its time zone: the next ten firings while they are written, or what is wrong and where.

use holon_model::Problem;
use holon_model::wire::schedules::{PreviewSchedule, ScheduleFault, SchedulePreview};
use leptos::prelude::*;

use super::one::occurrences;
use super::{api, strings};
use crate::ui::{icon, words};

/// How long the expression rests before the server is asked.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(250);

/// An expression that names times in whatever zone: asked with when only the zone is in question.
const ANY: &str = "* * * * *";

/// What the expression names. What is wrong with the zone stands at its own field.
pub(crate) fn ahead(cron: Signal<String>, time_zone: Signal<String>) -> AnyView {
    let found = answers(cron, time_zone);
    let shown = move || match found.get().flatten() {
        None => view! { <p class="muted small">{strings::ASKING}</p> }.into_any(),
        Some(Err(problem)) => view! { <p class="muted small">{words(&problem.detail)}</p> }.into_any(),
        Some(Ok((_, SchedulePreview { next, faults }))) if faults.is_empty() => {
            view! { <p class="form-title">{strings::AHEAD}</p>{occurrences(next, true)} }.into_any()
        }
        Some(Ok((cron, SchedulePreview { faults, .. }))) => {
            let own: Vec<_> = faults.into_iter().filter(of_cron).map(|fault| wrong(&cron, fault)).collect();
            if own.is_empty() {
                return view! { <p class="muted small">{strings::ZONE_FIRST}</p> }.into_any();
            }
            own.into_any()
        }
    };
    view! { <div class="ahead-box" aria-live="polite">{shown}</div> }.into_any()
}

/// What is wrong with the zone, if anything is.
pub(crate) fn zone(time_zone: Signal<String>) -> AnyView {
    let found = answers(Signal::stored(ANY.to_owned()), time_zone);
    let shown = move || {
        let faults = found.get().flatten().and_then(Result::ok).map(|(_, found)| found.faults).unwrap_or_default();
        faults.into_iter().map(|fault| wrong(ANY, fault)).collect::<Vec<_>>()
    };
    view! { <div aria-live="polite">{shown}</div> }.into_any()
}

/// What the server says of an expression and a zone, with the expression, once both have rested.
type Answer = Option<Result<(String, SchedulePreview), Problem>>;

fn answers(cron: Signal<String>, time_zone: Signal<String>) -> LocalResource<Answer> {
    let asked = RwSignal::new(None::<PreviewSchedule>);
    let timer = StoredValue::new(None::<TimeoutHandle>);
    let ask = move || PreviewSchedule { cron: cron.get(), time_zone: time_zone.get() };
    Effect::new(move |_| {
        let ask = ask();
        if let Some(waiting) = timer.try_update_value(Option::take).flatten() {
            waiting.clear();
        }
        let handle = set_timeout_with_handle(move || _ = asked.try_set(Some(ask)), PAUSE).ok();
        timer.set_value(handle);
    });
    on_cleanup(move || {
        if let Some(waiting) = timer.try_update_value(Option::take).flatten() {
            waiting.clear();
        }
    });
    LocalResource::new(move || {
        let ask = asked.get();
        async move {
            match ask {
                Some(ask) => Some(api::preview(&ask).await.map(|found| (ask.cron.clone(), found))),
                None => None,
            }
        }
    })
}

fn of_cron(fault: &ScheduleFault) -> bool {
    fault.pointer == "/cron"
}

/// What is wrong, with the faulty part of the expression marked.
fn wrong(cron: &str, fault: ScheduleFault) -> AnyView {
    let marked = fault.span.filter(|_| of_cron(&fault)).map(|(start, end)| {
        let part = |from: u32, to: u32| -> String {
            let width = usize::try_from(to.saturating_sub(from)).unwrap_or(0);
            cron.chars().skip(usize::try_from(from).unwrap_or(0)).take(width).collect()
        };
        let rest = part(end, u32::MAX);
        view! { <code class="fault">{part(0, start)}<mark>{part(start, end)}</mark>{rest}</code> }
    });
    view! { <p class="form-problem">{icon("circle-alert")}<span>{words(&fault.message)}{marked}</span></p> }.into_any()
}

/// The names of time zones that this browser knows, for a field's list.
pub(crate) fn zones(id: String) -> AnyView {
    let names = RwSignal::new(Vec::<String>::new());
    Effect::new(move |_| names.set(known_zones()));
    let options =
        move || names.get().into_iter().map(|name| view! { <option value=name></option> }).collect::<Vec<_>>();
    view! { <datalist id=id>{options}</datalist> }.into_any()
}

/// `Intl.supportedValuesOf('timeZone')`; none where a browser has no such function.
fn known_zones() -> Vec<String> {
    use wasm_bindgen::{JsCast as _, JsValue};
    let global = js_sys::global();
    let get = |of: &JsValue, name: &str| js_sys::Reflect::get(of, &JsValue::from_str(name)).ok();
    let names = get(&global, "Intl")
        .and_then(|intl| {
            get(&intl, "supportedValuesOf")?
                .dyn_into::<js_sys::Function>()
                .ok()?
                .call1(&intl, &JsValue::from_str("timeZone"))
                .ok()
        })
        .and_then(|names| names.dyn_into::<js_sys::Array>().ok());
    let mut names: Vec<String> =
        names.map(|names| names.iter().filter_map(|name| name.as_string()).collect()).unwrap_or_default();
    if !names.is_empty() && !names.iter().any(|name| name == "UTC") {
        names.insert(0, "UTC".to_owned());
    }
    names
}
