//! Asking the engine: one function for each question.

use std::sync::Arc;

use holon_studio::{
    Kinds,
    worker::{Ask, KindsReply, PreviewReply},
};
use leptos::task::spawn_local;
use serde::de::DeserializeOwned;

/// Why the engine gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The browser runs no module workers or no WebAssembly.
    #[error("The engine could not be started: {0}. Preview needs a browser with WebAssembly and module workers.")]
    NotStarted(String),
    /// It crashed; the next question starts it anew.
    #[error("The engine stopped: {0}. It is started again when it is needed.")]
    Crashed(String),
    /// It did not answer in time; it was ended.
    #[error(
        "The engine did not answer within {0} s and was ended; it is started again when it is needed. The flow may compute too much for a browser."
    )]
    Hung(u32),
    /// It answered that it cannot.
    #[error("{0}")]
    Refused(String),
    /// A newer question took the place of this one.
    #[error("A newer question took the place of this one.")]
    Outdated,
}

/// Asks, and waits for the answer.
///
/// # Errors
/// See [`EngineError`].
pub async fn ask<T: DeserializeOwned>(question: Ask) -> Result<T, EngineError> {
    let text = send(question).await?;
    let answer: holon_studio::worker::Answer<T> =
        serde_json::from_str(&text).map_err(|error| EngineError::Refused(error.to_string()))?;
    match (answer.ok, answer.error) {
        (Some(value), _) => Ok(value),
        (None, error) => Err(EngineError::Refused(error.unwrap_or_default())),
    }
}

#[cfg(target_arch = "wasm32")]
async fn send(question: Ask) -> Result<String, EngineError> {
    super::client::send(question).await
}

#[cfg(not(target_arch = "wasm32"))]
async fn send(_question: Ask) -> Result<String, EngineError> {
    Err(EngineError::NotStarted("there is no browser".into()))
}

/// The node kinds, asked for once a tab.
///
/// # Errors
/// See [`EngineError`].
pub async fn kinds() -> Result<Arc<Kinds>, EngineError> {
    thread_local! {
        static KNOWN: std::cell::RefCell<Option<Arc<Kinds>>> = const { std::cell::RefCell::new(None) };
    }
    if let Some(kinds) = KNOWN.with_borrow(Clone::clone) {
        return Ok(kinds);
    }
    let reply: KindsReply = ask(Ask::Kinds).await?;
    let kinds = Arc::new(Kinds::new(reply.kinds));
    KNOWN.set(Some(kinds.clone()));
    Ok(kinds)
}

/// Runs previews one at a time: while one runs, only the latest of those asked for waits, the others are dropped.
///
/// `heard` gets each answer that was not overtaken.
pub fn preview(question: Ask, heard: impl Fn(Result<PreviewReply, EngineError>) + 'static) {
    type Waiting = (Ask, Box<dyn Fn(Result<PreviewReply, EngineError>)>);
    thread_local! {
        static BUSY: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
        static NEXT: std::cell::RefCell<Option<Waiting>> = const { std::cell::RefCell::new(None) };
    }
    NEXT.set(Some((question, Box::new(heard))));
    if BUSY.replace(true) {
        return;
    }
    spawn_local(async {
        while let Some((question, heard)) = NEXT.take() {
            let answer = ask::<PreviewReply>(question).await;
            heard(answer);
        }
        BUSY.set(false);
    });
}
