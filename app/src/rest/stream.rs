//! Server-sent events: one subscription, closed when the tab is hidden, resumed where it was, and opened again after it was lost.

use std::time::Duration;

/// One message of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The event's name, `message` unless the server says otherwise; and three of our own: `open` when the stream begins,
    /// `reload` when it begins again after a pause in which something may have happened, `lost` when it broke off.
    pub event: &'static str,
    /// Its data.
    pub data: String,
}

/// A running subscription; dropping it closes the stream.
pub struct Subscription {
    #[cfg(target_arch = "wasm32")]
    _open: send_wrapper::SendWrapper<browser::Open>,
}

/// Listens to the stream at `path` (below `/api/v1`), from after the event `after` when one is given.
///
/// `hear` gets each message; `end` is the last one of a stream that is over.
#[cfg(target_arch = "wasm32")]
pub fn subscribe(path: &str, after: Option<&str>, hear: impl Fn(Message) + 'static) -> Subscription {
    // The page as a whole says when what it shows is not current.
    let share = super::connection::Share::take();
    let hear = move |message: Message| {
        share.note(message.event);
        hear(message);
    };
    Subscription { _open: send_wrapper::SendWrapper::new(browser::Open::new(path, after, Box::new(hear))) }
}

/// There is no stream while the server renders.
#[cfg(not(target_arch = "wasm32"))]
pub fn subscribe(_path: &str, _after: Option<&str>, _hear: impl Fn(Message) + 'static) -> Subscription {
    Subscription {}
}

/// How long to wait before what failed `times` times in a row, at least once, is tried again: a second, doubling to half a minute.
pub fn pause_after(times: u32) -> Duration {
    Duration::from_secs(1_u64.checked_shl(times.saturating_sub(1)).unwrap_or(u64::MAX).min(30))
}

#[cfg(target_arch = "wasm32")]
mod browser {
    //! An `EventSource` that sleeps while nobody looks.

    use std::cell::{OnceCell, RefCell};
    use std::rc::{Rc, Weak};

    use leptos::leptos_dom::helpers::TimeoutHandle;
    use leptos::prelude::set_timeout_with_handle;
    use wasm_bindgen::{JsCast, prelude::Closure};
    use web_sys::{Event, EventSource, MessageEvent};

    use super::{super::Query, Message, pause_after};

    type Listener = Closure<dyn FnMut(Event)>;

    /// What the server names its events.
    const NAMES: [&str; 5] = ["message", "run", "event", "reload", "end"];

    #[derive(Default)]
    struct State {
        /// Id of the last event that came.
        last: String,
        source: Option<EventSource>,
        /// Whether it was open at some time: each opening after that comes after a pause.
        opened: bool,
        /// How often in a row the server refused it.
        refused: u32,
        waiting: Option<TimeoutHandle>,
        over: bool,
    }

    struct Stream {
        path: String,
        hear: Box<dyn Fn(Message)>,
        state: RefCell<State>,
        listeners: OnceCell<Vec<(&'static str, Listener)>>,
    }

    pub struct Open {
        stream: Rc<Stream>,
        visibility: Closure<dyn FnMut()>,
    }

    impl Open {
        pub fn new(path: &str, after: Option<&str>, hear: Box<dyn Fn(Message)>) -> Self {
            let state = State { last: after.unwrap_or_default().into(), ..State::default() };
            let stream =
                Rc::new(Stream { path: path.into(), hear, state: RefCell::new(state), listeners: OnceCell::new() });
            let mut listeners: Vec<(&'static str, Listener)> = NAMES
                .iter()
                .map(|name| (*name, listener(&stream, move |stream, event| stream.told(name, event))))
                .collect();
            listeners.push(("open", listener(&stream, |stream, _| stream.begun())));
            listeners.push(("error", listener(&stream, |stream, _| stream.broken())));
            let _ = stream.listeners.set(listeners);
            let visibility = {
                let stream = Rc::downgrade(&stream);
                Closure::<dyn FnMut()>::new(move || {
                    if let Some(stream) = stream.upgrade() {
                        stream.sync();
                    }
                })
            };
            if let Some(document) = document() {
                let _ =
                    document.add_event_listener_with_callback("visibilitychange", visibility.as_ref().unchecked_ref());
            }
            stream.sync();
            Self { stream, visibility }
        }
    }

    impl Drop for Open {
        fn drop(&mut self) {
            if let Ok(mut state) = self.stream.state.try_borrow_mut() {
                state.over = true;
                close(&mut state);
            }
            if let Some(document) = document() {
                let callback = self.visibility.as_ref().unchecked_ref();
                let _ = document.remove_event_listener_with_callback("visibilitychange", callback);
            }
        }
    }

    /// A listener that does not keep the stream alive.
    fn listener(stream: &Rc<Stream>, act: impl Fn(&Rc<Stream>, &Event) + 'static) -> Listener {
        let stream: Weak<Stream> = Rc::downgrade(stream);
        Closure::new(move |event: Event| {
            if let Some(stream) = stream.upgrade() {
                act(&stream, &event);
            }
        })
    }

    fn document() -> Option<web_sys::Document> {
        web_sys::window()?.document()
    }

    impl Stream {
        /// The server said something.
        fn told(&self, name: &'static str, event: &Event) {
            let Some(message) = event.dyn_ref::<MessageEvent>() else { return };
            if let Ok(mut state) = self.state.try_borrow_mut() {
                let id = message.last_event_id();
                if !id.is_empty() {
                    state.last = id;
                }
                if name == "end" {
                    state.over = true;
                    close(&mut state);
                }
            }
            (self.hear)(Message { event: name, data: message.data().as_string().unwrap_or_default() });
        }

        fn begun(&self) {
            let again = self.state.try_borrow_mut().is_ok_and(|mut state| {
                state.refused = 0;
                std::mem::replace(&mut state.opened, true)
            });
            self.say(if again { "reload" } else { "open" });
        }

        /// A connection that broke off is made again by the browser; what the server refused is given up by it.
        fn broken(self: &Rc<Self>) {
            if let Ok(mut state) = self.state.try_borrow_mut() {
                let given_up = state.source.as_ref().is_some_and(|source| source.ready_state() == EventSource::CLOSED);
                if given_up && !state.over {
                    close(&mut state);
                    // What was not seen since the page was read is a pause too.
                    state.opened = true;
                    state.refused = state.refused.saturating_add(1);
                    let stream = Rc::downgrade(self);
                    let again = move || {
                        if let Some(stream) = stream.upgrade() {
                            stream.sync();
                        }
                    };
                    state.waiting = set_timeout_with_handle(again, pause_after(state.refused)).ok();
                }
            }
            self.say("lost");
        }

        fn say(&self, event: &'static str) {
            (self.hear)(Message { event, data: String::new() });
        }

        /// Opens the stream when the tab is looked at, closes it when it is not.
        fn sync(&self) {
            let Ok(mut state) = self.state.try_borrow_mut() else { return };
            let hidden = document().is_some_and(|document| document.hidden());
            if hidden || state.over {
                close(&mut state);
            } else if state.source.is_none() {
                if let Some(waiting) = state.waiting.take() {
                    waiting.clear();
                }
                let address = Query::new(&format!("/api/v1{}", self.path)).with("after", &state.last).build();
                let Ok(source) = EventSource::new(&address) else { return };
                for (event, listener) in self.listeners.get().into_iter().flatten() {
                    let _ = source.add_event_listener_with_callback(event, listener.as_ref().unchecked_ref());
                }
                state.source = Some(source);
            }
        }
    }

    fn close(state: &mut State) {
        if let Some(waiting) = state.waiting.take() {
            waiting.clear();
        }
        if let Some(source) = state.source.take() {
            source.close();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::pause_after;

    #[test]
    fn what_is_refused_is_asked_again_ever_later_but_never_given_up() {
        let pauses = [1, 2, 3, 4, 5, 6, 7, 64, u32::MAX].map(|times| pause_after(times).as_secs());
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30, 30, 30]);
    }
}
