//! The REST client of the pages: `fetch` in the browser, and an answer that says so where there is none.

pub mod connection;
#[cfg(target_arch = "wasm32")]
mod fetch;
mod query;
mod stream;

use holon_model::{Code, Problem};
use serde::{Serialize, de::DeserializeOwned};

use crate::ports::PortFuture;

pub use query::{Query, segment};
pub use stream::{Message, Subscription, pause_after, subscribe};

/// Answers every port by asking `/api/v1`.
#[derive(Debug, Clone, Copy)]
pub struct Rest;

/// One request. Paths are below `/api/v1`.
#[derive(Debug, Clone)]
pub struct Ask {
    method: &'static str,
    path: String,
    body: Option<String>,
    headers: Vec<(&'static str, String)>,
}

impl Ask {
    /// Reads.
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: "GET", path: path.into(), body: None, headers: Vec::new() }
    }

    /// Creates, or does something.
    pub fn post(path: impl Into<String>) -> Self {
        Self { method: "POST", ..Self::get(path) }
    }

    /// Replaces.
    pub fn put(path: impl Into<String>) -> Self {
        Self { method: "PUT", ..Self::get(path) }
    }

    /// Removes.
    pub fn delete(path: impl Into<String>) -> Self {
        Self { method: "DELETE", ..Self::get(path) }
    }

    /// With a JSON body.
    #[must_use]
    pub fn json(mut self, body: &impl Serialize) -> Self {
        // Wire types have string keys and no foreign numbers: they always serialise.
        self.body = serde_json::to_string(body).ok();
        self
    }

    /// Only if the thing still has this revision.
    #[must_use]
    pub fn if_match(mut self, revision: i64) -> Self {
        self.headers.push(("if-match", format!("\"{revision}\"")));
        self
    }

    /// Done once, however often it is sent.
    #[must_use]
    pub fn idempotent(mut self, key: String) -> Self {
        self.headers.push(("idempotency-key", key));
        self
    }

    /// Sends it and reads the answer.
    pub fn read<T: DeserializeOwned + Send + 'static>(self) -> PortFuture<T> {
        let answer = send(self);
        Box::pin(async move {
            let text = answer.await?;
            serde_json::from_str(&text).map_err(|error| {
                Problem::new(
                    Code::Internal,
                    format!("The server's answer could not be read: {error}. Reload the page."),
                )
            })
        })
    }

    /// Sends it and reads the answer, where there is one.
    pub fn read_if_any<T: DeserializeOwned + Send + 'static>(self) -> PortFuture<Option<T>> {
        let answer = send(self);
        Box::pin(async move { answer.await.map(|text| serde_json::from_str(&text).ok()) })
    }

    /// Sends it; what is answered does not matter.
    pub fn done(self) -> PortFuture<()> {
        let answer = send(self);
        Box::pin(async move { answer.await.map(|_| ()) })
    }
}

#[cfg(target_arch = "wasm32")]
fn send(ask: Ask) -> PortFuture<String> {
    Box::pin(send_wrapper::SendWrapper::new(fetch::send(ask)))
}

#[cfg(not(target_arch = "wasm32"))]
fn send(ask: Ask) -> PortFuture<String> {
    let detail = format!("{} {} is only asked for in a browser.", ask.method, ask.path);
    Box::pin(std::future::ready(Err(Problem::new(Code::Unavailable, detail))))
}

/// A fresh key for an idempotent request.
#[cfg(target_arch = "wasm32")]
pub fn fresh_key() -> String {
    let mut bytes = [0u8; 16];
    let filled = web_sys::window()
        .and_then(|window| window.crypto().ok())
        .is_some_and(|crypto| crypto.get_random_values_with_u8_array(&mut bytes).is_ok());
    if !filled {
        return format!("{}", js_sys::Math::random());
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A fresh key for an idempotent request; nothing is sent outside a browser.
#[cfg(not(target_arch = "wasm32"))]
pub fn fresh_key() -> String {
    String::new()
}
