//! The span of a request, for a collector of traces: in the caller's trace when it names one, and with links to the runs that it started.

use std::cell::RefCell;
use std::future::Future;

use axum::extract::Request;
use axum::http::StatusCode;
use holon_model::{RunId, Timestamp};
use holon_platform::telemetry::{Kind, Span, of_parent, short};

use crate::http::request_id;

tokio::task_local! {
    static STARTED: RefCell<Vec<RunId>>;
}

/// That the request in hand started a run.
pub fn note_run(run: RunId) {
    // Outside of a request, and where nobody is told, there is nothing to note it in.
    let _ = STARTED.try_with(|started| started.borrow_mut().push(run));
}

/// Answers a request, with the runs that were noted meanwhile.
pub async fn noting_runs<T>(work: impl Future<Output = T>) -> (T, Vec<RunId>) {
    STARTED
        .scope(RefCell::default(), async {
            let answer = work.await;
            (answer, STARTED.with(RefCell::take))
        })
        .await
}

/// A request that came.
pub struct Asked {
    trace: [u8; 16],
    id: [u8; 8],
    parent: Option<[u8; 8]>,
    request: String,
    began: Timestamp,
}

impl Asked {
    /// What is known of it before it is answered.
    pub fn of(request: &Request, began: Timestamp) -> Self {
        let parent = request.headers().get("traceparent").and_then(|value| of_parent(value.to_str().ok()?));
        // Its own trace has the id that log and answer name.
        let own = request_id().map_or([1; 16], |id| *id.0.as_bytes());
        let trace = parent.map_or(own, |(trace, _)| trace);
        let request = request_id().map(|id| id.to_string()).unwrap_or_default();
        Self { trace, id: short(&own), parent: parent.map(|(_, span)| span), request, began }
    }

    /// The span, when it is answered.
    pub fn span(
        self,
        (method, route): (&str, &str),
        status: StatusCode,
        started: Vec<RunId>,
        ended: Timestamp,
    ) -> Span {
        let mut attributes = vec![
            ("http.request.method", method.to_owned()),
            ("http.route", route.to_owned()),
            ("http.response.status_code", status.as_str().to_owned()),
            ("holon.request", self.request),
        ];
        attributes.extend(started.iter().map(|run| ("holon.run", run.to_string())));
        let error = status.is_server_error().then(|| status.as_str().to_owned());
        let (trace, id, parent, began) = (self.trace, self.id, self.parent, self.began);
        Span {
            trace,
            id,
            parent,
            name: format!("{method} {route}"),
            kind: Kind::Server,
            began,
            ended,
            attributes,
            error,
            started,
        }
    }
}
