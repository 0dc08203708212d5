//! The worker: messages with numbers, promises by number, a clock on each, a new worker after a crash.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    time::Duration,
};

use holon_studio::worker::{Ask, Message};
use leptos::prelude::set_timeout;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{ErrorEvent, Event, MessageEvent, Worker, WorkerOptions, WorkerType};

use super::{EngineError, strings};
use crate::ui::dom;

/// Longest an answer may take once the engine is loaded.
const LONGEST: u32 = 2;
/// Longest that a piece of a replay may take.
const REPLAYING: u32 = 60;
/// Longest that loading may take: the first visit fetches and compiles the module.
const LOADING: u32 = 20;

/// Before the seconds, where a worker is ended because it took too long.
const HUNG: &str = "hung ";

/// A question that waits: its promise's two ends, and how long its answer may take.
struct Waiting {
    seconds: u32,
    watched: bool,
    resolve: js_sys::Function,
    reject: js_sys::Function,
}

struct Engine {
    worker: Worker,
    waiting: RefCell<BTreeMap<u32, Waiting>>,
    loaded: Cell<bool>,
    _heard: Closure<dyn FnMut(MessageEvent)>,
    _failed: Closure<dyn FnMut(Event)>,
}

thread_local! {
    static ENGINE: RefCell<Option<Rc<Engine>>> = const { RefCell::new(None) };
    static NUMBER: Cell<u32> = const { Cell::new(0) };
}

/// Sends a question and waits for the answer's text.
pub(super) async fn send(ask: Ask) -> Result<String, EngineError> {
    let engine = running()?;
    let id = NUMBER.replace(NUMBER.get().wrapping_add(1));
    let replays = matches!(
        ask,
        Ask::Replay { .. } | Ask::Feed { .. } | Ask::Seek { .. } | Ask::Told { .. } | Ask::Compare { .. }
    );
    let seconds = if replays { REPLAYING } else { LONGEST };
    let text = serde_json::to_string(&Message { id, ask }).map_err(|error| EngineError::Refused(error.to_string()))?;
    let promise = js_sys::Promise::new(&mut |resolve, reject| {
        engine.waiting.borrow_mut().insert(id, Waiting { seconds, watched: false, resolve, reject });
    });
    if engine.worker.post_message(&JsValue::from_str(&text)).is_err() {
        engine.waiting.borrow_mut().remove(&id);
        return Err(EngineError::Crashed("it takes no messages".into()));
    }
    watch(&engine);
    let answer = JsFuture::from(promise).await.map_err(|reason| {
        let reason = reason.as_string().unwrap_or_default();
        match reason.strip_prefix(HUNG) {
            Some(seconds) => EngineError::Hung(seconds.parse().unwrap_or(LONGEST)),
            None => EngineError::Crashed(reason),
        }
    })?;
    Ok(answer.as_string().unwrap_or_default())
}

/// Where the worker's script stands: beside the page's own, so that both are of one build.
fn script() -> String {
    let link = dom::document().and_then(|document| document.query_selector("link[rel=modulepreload]").ok().flatten());
    let page = link.and_then(|link| link.get_attribute("href")).unwrap_or_default();
    let folder = page.rsplit_once('/').map_or("/pkg", |(folder, _)| folder);
    format!("{folder}/preview-worker.js")
}

/// The engine, started if it is not running.
fn running() -> Result<Rc<Engine>, EngineError> {
    if let Some(engine) = ENGINE.with_borrow(Clone::clone) {
        return Ok(engine);
    }
    let options = WorkerOptions::new();
    options.set_type(WorkerType::Module);
    let worker =
        Worker::new_with_options(&script(), &options).map_err(|error| EngineError::NotStarted(format!("{error:?}")))?;
    let heard = Closure::<dyn FnMut(MessageEvent)>::new(|event: MessageEvent| {
        let Some(text) = event.data().as_string() else { return };
        hear(&text);
    });
    // A script that does not come gives a plain event, one that breaks an event with a message.
    let failed = Closure::<dyn FnMut(Event)>::new(|event: Event| {
        let message = event.dyn_ref::<ErrorEvent>().map(ErrorEvent::message).unwrap_or_default();
        end(if message.is_empty() { strings::NOT_LOADED } else { &message });
    });
    worker.set_onmessage(Some(heard.as_ref().unchecked_ref()));
    worker.set_onerror(Some(failed.as_ref().unchecked_ref()));
    let engine = Rc::new(Engine {
        worker,
        waiting: RefCell::default(),
        loaded: Cell::new(false),
        _heard: heard,
        _failed: failed,
    });
    ENGINE.set(Some(engine.clone()));
    Ok(engine)
}

/// An answer: its number stands first, so that the page parses the text only once.
fn hear(text: &str) {
    let Some(engine) = ENGINE.with_borrow(Clone::clone) else { return };
    engine.loaded.set(true);
    if let Some(reason) = text.strip_prefix("crash:") {
        return end(reason);
    }
    let number = text.strip_prefix("{\"id\":").and_then(|rest| rest.split([',', '}']).next()?.parse().ok());
    let waiting = number.and_then(|id: u32| engine.waiting.borrow_mut().remove(&id));
    if let Some(waiting) = waiting {
        let _ = waiting.resolve.call1(&JsValue::NULL, &JsValue::from_str(text));
    }
    watch(&engine);
}

/// Starts the clock of the question that is being answered: the oldest. One that waits for others is not late.
fn watch(engine: &Rc<Engine>) {
    let mut waiting = engine.waiting.borrow_mut();
    let Some((&id, first)) = waiting.iter_mut().next().filter(|(_, first)| !first.watched) else { return };
    first.watched = true;
    let seconds = if engine.loaded.get() { first.seconds } else { first.seconds.max(LOADING) };
    let engine = Rc::downgrade(engine);
    set_timeout(
        move || {
            let Some(engine) = engine.upgrade() else { return };
            if engine.waiting.borrow().contains_key(&id) {
                end(&format!("{HUNG}{seconds}"));
            }
        },
        Duration::from_secs(seconds.into()),
    );
}

/// Ends the worker; everything that waits learns why. The next question starts another.
fn end(reason: &str) {
    let Some(engine) = ENGINE.take() else { return };
    engine.worker.terminate();
    let waiting = std::mem::take(&mut *engine.waiting.borrow_mut());
    for one in waiting.into_values() {
        let _ = one.reject.call1(&JsValue::NULL, &JsValue::from_str(reason));
    }
}
