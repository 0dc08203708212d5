//! Server-sent events: one subscription, closed when the tab is hidden and resumed where it was.

/// One message of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The event's name, `message` unless the server says otherwise.
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
    Subscription { _open: send_wrapper::SendWrapper::new(browser::Open::new(path, after, Box::new(hear))) }
}

/// There is no stream while the server renders.
#[cfg(not(target_arch = "wasm32"))]
pub fn subscribe(_path: &str, _after: Option<&str>, _hear: impl Fn(Message) + 'static) -> Subscription {
    Subscription {}
}

#[cfg(target_arch = "wasm32")]
mod browser {
    //! An `EventSource` that sleeps while nobody looks.

    use std::{cell::RefCell, rc::Rc};

    use wasm_bindgen::{JsCast, prelude::Closure};
    use web_sys::{EventSource, MessageEvent};

    use super::{super::Query, Message};

    type Listener = Closure<dyn FnMut(MessageEvent)>;

    struct State {
        path: String,
        last: String,
        source: Option<EventSource>,
        over: bool,
    }

    pub struct Open {
        state: Rc<RefCell<State>>,
        visibility: Closure<dyn FnMut()>,
        _listeners: Rc<Vec<(&'static str, Listener)>>,
    }

    impl Open {
        pub fn new(path: &str, after: Option<&str>, hear: Box<dyn Fn(Message)>) -> Self {
            let state = State { path: path.into(), last: after.unwrap_or_default().into(), source: None, over: false };
            let state = Rc::new(RefCell::new(state));
            let hear = Rc::new(hear);
            let listen = |event: &'static str| {
                let (state, hear) = (Rc::clone(&state), Rc::clone(&hear));
                let listener = Closure::<dyn FnMut(MessageEvent)>::new(move |message: MessageEvent| {
                    let id = message.last_event_id();
                    if let Ok(mut state) = state.try_borrow_mut() {
                        if !id.is_empty() {
                            state.last = id;
                        }
                        if event == "end" {
                            state.over = true;
                            close(&mut state);
                        }
                    }
                    hear(Message { event, data: message.data().as_string().unwrap_or_default() });
                });
                (event, listener)
            };
            let listeners =
                Rc::new(vec![listen("message"), listen("run"), listen("event"), listen("reload"), listen("end")]);
            let visibility = {
                let (state, listeners) = (Rc::clone(&state), Rc::clone(&listeners));
                Closure::<dyn FnMut()>::new(move || sync(&state, &listeners))
            };
            if let Some(document) = document() {
                let _ =
                    document.add_event_listener_with_callback("visibilitychange", visibility.as_ref().unchecked_ref());
            }
            sync(&state, &listeners);
            Self { state, visibility, _listeners: listeners }
        }
    }

    impl Drop for Open {
        fn drop(&mut self) {
            if let Ok(mut state) = self.state.try_borrow_mut() {
                state.over = true;
                close(&mut state);
            }
            if let Some(document) = document() {
                let callback = self.visibility.as_ref().unchecked_ref();
                let _ = document.remove_event_listener_with_callback("visibilitychange", callback);
            }
        }
    }

    fn document() -> Option<web_sys::Document> {
        web_sys::window()?.document()
    }

    /// Opens the stream when the tab is looked at, closes it when it is not.
    fn sync(state: &Rc<RefCell<State>>, listeners: &[(&'static str, Listener)]) {
        let Ok(mut state) = state.try_borrow_mut() else { return };
        let hidden = document().is_some_and(|document| document.hidden());
        if hidden || state.over {
            close(&mut state);
        } else if state.source.is_none() {
            let address = Query::new(&format!("/api/v1{}", state.path)).with("after", &state.last).build();
            let Ok(source) = EventSource::new(&address) else { return };
            for (event, listener) in listeners {
                let _ = source.add_event_listener_with_callback(event, listener.as_ref().unchecked_ref());
            }
            state.source = Some(source);
        }
    }

    fn close(state: &mut State) {
        if let Some(source) = state.source.take() {
            source.close();
        }
    }
}
