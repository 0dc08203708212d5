//! The id of the request in hand: in the log, in the answer's header, and in every error.

use std::future::Future;

use holon_model::RequestId;

tokio::task_local! {
    static REQUEST: RequestId;
}

/// Makes a request's id known to everything that runs for it.
pub struct RequestScope;

impl RequestScope {
    /// Runs the work of one request.
    pub async fn run<T>(id: RequestId, work: impl Future<Output = T>) -> T {
        REQUEST.scope(id, work).await
    }
}

/// The request in hand; none outside of one.
pub fn request_id() -> Option<RequestId> {
    REQUEST.try_with(|id| *id).ok()
}
