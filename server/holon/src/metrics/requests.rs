//! Counts requests by the template of their route, which is one of a few dozens, never by their path.

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use holon_platform::telemetry::{Counter, Exposition, Family, Histogram, LATENCY};
use tokio::time::Instant;

use super::spans::{Asked, noting_runs};
use crate::state::AppState;

/// Routes times methods times classes of answers.
const MOST: usize = 2_000;

/// What requests came to.
#[derive(Debug)]
pub struct Requests {
    answered: Family<Counter>,
    took: Family<Histogram>,
}

impl Default for Requests {
    fn default() -> Self {
        Self {
            answered: Family::new(&["method", "route", "status"], MOST, Counter::default),
            took: Family::new(&["route"], MOST / 8, || Histogram::new(LATENCY)),
        }
    }
}

impl Requests {
    /// Writes them for Prometheus.
    pub fn expose(&self, out: &mut Exposition) {
        out.counters("holon_http_requests_total", "Requests answered.", &self.answered);
        let help = "From a request to the head of its answer.";
        out.seconds_of("holon_http_request_seconds", help, &self.took);
    }
}

/// The layer. Behind the router, so that the route is known; what no route took is `none`.
pub async fn count_request(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = known(request.method());
    let began = Instant::now();
    let asked = state.traces.is_on().then(|| Asked::of(&request, state.clock.now()));
    let (response, started) = match &asked {
        Some(_) => noting_runs(next.run(request)).await,
        None => (next.run(request).await, Vec::new()),
    };
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    state.requests.answered.of(&[method, route, response.status().as_str()]).one();
    state.requests.took.of(&[route]).took(began.elapsed());
    if let Some(asked) = asked {
        state.traces.tell(asked.span((method, route), response.status(), started, state.clock.now()));
    }
    response
}

/// Anybody can send any word as a method.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
