//! The one road out: every outbound request of Holon goes through here. A URL is parsed once; a name is resolved by
//! us; only vetted addresses are dialled, never names; redirects are followed by hand with the same checks. Mail takes the same
//! road in its own protocol.
//! Proxies of the environment are ignored: a proxied fetch would resolve out of our sight.

mod dial;
mod exchange;
mod policy;
mod room;
mod smtp;
mod stream;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, LOCATION, PROXY_AUTHORIZATION};
use http::{HeaderMap, Method, StatusCode};
use url::Url;

pub use dial::{Resolve, SystemResolver};
pub use policy::{NetworkPolicy, Target};
pub use smtp::{Login, MailAccepted, MailRequest};
pub use stream::{Dial, Opened};

use dial::Dialler;
use holon_model::TenantId;
use room::{Held, Room, Share};
use tokio::time::Instant;

use crate::telemetry::{Counter, Exposition, Family, Histogram, LATENCY};

/// The most redirects that are followed, whatever a request asks for.
pub const MOST_REDIRECTS: u8 = 5;

/// One outbound request.
#[derive(Clone, Debug)]
pub struct EgressRequest {
    /// The method.
    pub method: Method,
    /// The address, as a person wrote it; parsed here and nowhere else.
    pub url: String,
    /// Headers. Those marked sensitive are dropped when a redirect leaves the origin; those that belong to the
    /// connection (`Host`, `Connection`, `Content-Length`, …) are set here and ignored when given.
    pub headers: HeaderMap,
    /// The body, empty for none.
    pub body: Bytes,
    /// How long and how much.
    pub limits: Limits,
    /// Where to.
    pub policy: Policy,
}

impl EgressRequest {
    /// A request with the default limits and policy.
    #[must_use]
    pub fn new(method: Method, url: impl Into<String>) -> Self {
        Self {
            method,
            url: url.into(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            limits: Limits::default(),
            policy: Policy::default(),
        }
    }
}

/// How long a request may take and how much it may bring.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Time for resolving and connecting, TLS included.
    pub connect: Duration,
    /// Time from the request to the answer's headers.
    pub first_byte: Duration,
    /// Time for everything, redirects included.
    pub total: Duration,
    /// Bytes of the answer's body.
    pub body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first_byte: Duration::from_secs(15),
            total: Duration::from_secs(60),
            body: 10 << 20,
        }
    }
}

/// Where a request may go.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Which network.
    pub network: NetworkPolicy,
    /// Redirects to follow, at most `MOST_REDIRECTS`; none by default.
    pub redirects: u8,
    /// Hosts the request may go to (exact, or `*.example.com`), redirects included. Empty: any.
    pub hosts: Vec<String>,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct EgressResponse {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// The address that answered, after redirects.
    pub final_url: Url,
    /// The body's place in memory, until this is dropped.
    _held: Arc<Held>,
}

/// Why nothing came back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EgressError {
    /// For programs: `busy`, `bad_url`, `bad_header`, `no_network`, `forbidden_scheme`, `forbidden_port`, `forbidden_host`,
    /// `forbidden_address`, `dns_failed`, `connect_failed`, `tls_failed`, `timeout`, `connection_lost`,
    /// `bad_response`, `response_too_large`, `too_many_redirects`, `bad_redirect`; of mail besides `tls_not_offered`,
    /// `sign_in_refused`, `mail_refused`, `mail_deferred`, `outcome_unknown`.
    pub code: &'static str,
    /// For people.
    pub message: String,
    /// Whether the same request could succeed later.
    pub retryable: bool,
}

impl EgressError {
    pub(crate) fn refused(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retryable: false }
    }

    pub(crate) fn failed(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: without_number(message.into()), retryable: true }
    }
}

/// The number that the system has for what it says (`Connection refused (os error 111)`) says nothing to people.
fn without_number(message: String) -> String {
    let cut = message.split_once(" (os error ").and_then(|(before, rest)| {
        let (number, after) = rest.split_once(')')?;
        number.bytes().all(|byte| byte.is_ascii_digit()).then(|| format!("{before}{after}"))
    });
    cut.unwrap_or(message)
}

/// The connector. One per process; cheap to share.
#[derive(Clone)]
pub struct Egress {
    dialler: Arc<Dialler>,
    room: Arc<Room>,
    share: Share,
    told: Arc<Told>,
}

/// What is told to operators.
struct Told {
    sent: Family<Counter>,
    took: Histogram,
}

impl Egress {
    /// A connector that asks the system's resolver. `allow_loopback` comes from `HOLON_EGRESS_ALLOW_LOOPBACK`.
    #[must_use]
    pub fn new(allow_loopback: bool) -> Self {
        Self::with_resolver(allow_loopback, Arc::new(SystemResolver))
    }

    /// A connector with another resolver, for tests.
    #[must_use]
    pub fn with_resolver(allow_loopback: bool, resolver: Arc<dyn Resolve>) -> Self {
        let room = Arc::<Room>::default();
        let share = room.share();
        let told = Told { sent: Family::new(&["outcome"], 64, Counter::default), took: Histogram::new(LATENCY) };
        Self { dialler: Arc::new(Dialler::new(allow_loopback, resolver)), room, share, told: Arc::new(told) }
    }

    /// A road for what the operator configures, such as where traces go: private addresses are not refused. Nothing of a tenant
    /// takes it.
    #[must_use]
    pub fn for_operator() -> Self {
        let dialler = Arc::new(Dialler::anywhere(Arc::new(SystemResolver)));
        Self { dialler, ..Self::new(false) }
    }

    /// The same road for the requests of one tenant: what it reads is bounded apart from what others read.
    #[must_use]
    pub fn for_tenant(&self, tenant: TenantId) -> Self {
        Self { share: self.room.share_of(tenant), ..self.clone() }
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// When policy, network or limits end it; the code says which.
    pub async fn send(&self, request: EgressRequest) -> Result<EgressResponse, EgressError> {
        let (total, began) = (request.limits.total, Instant::now());
        let answered = tokio::time::timeout(total, self.follow(request)).await.unwrap_or_else(|_| {
            Err(EgressError::failed("timeout", format!("no complete answer within {} s", total.as_secs_f32())))
        });
        let outcome = match &answered {
            Ok(answer) => ["1xx", "2xx", "3xx", "4xx", "5xx"]
                .get(usize::from(answer.status.as_u16() / 100).wrapping_sub(1))
                .copied()
                .unwrap_or("other"),
            Err(error) => error.code,
        };
        self.told.sent.of(&[outcome]).one();
        self.told.took.took(began.elapsed());
        answered
    }

    /// Hands a message to a mail server.
    ///
    /// # Errors
    /// When policy, network, limits or the server end it; the code says which. `outcome_unknown` when the whole message was sent
    /// and the server did not say whether it took it.
    pub async fn send_mail(&self, request: MailRequest) -> Result<MailAccepted, EgressError> {
        let began = Instant::now();
        let sent = smtp::send(&self.dialler, &request).await;
        self.told.sent.of(&[sent.as_ref().map_or_else(|error| error.code, |_| "mail")]).one();
        self.told.took.took(began.elapsed());
        sent
    }

    /// Opens a stream for another protocol.
    ///
    /// # Errors
    /// When policy or network end it; the code says which.
    pub async fn open(&self, dial: &Dial) -> Result<Opened, EgressError> {
        let began = Instant::now();
        let opened = Opened::open(&self.dialler, dial).await;
        self.told.sent.of(&[opened.as_ref().map_or_else(|error| error.code, |_| "stream")]).one();
        self.told.took.took(began.elapsed());
        opened
    }

    /// Writes what went out, for Prometheus.
    pub fn expose(&self, out: &mut Exposition) {
        let help = "Requests that went out, by the class of their answer or why there was none.";
        out.counters("holon_egress_requests_total", help, &self.told.sent);
        out.seconds("holon_egress_seconds", "From a request to its whole answer.", &self.told.took);
    }

    async fn follow(&self, mut request: EgressRequest) -> Result<EgressResponse, EgressError> {
        let mut target = Target::parse(&request.url)?;
        exchange::strip_connection_headers(&mut request.headers);
        let mut left = request.policy.redirects.min(MOST_REDIRECTS);
        loop {
            target.check(&request.policy)?;
            let stream = self.dialler.connect(&target, request.limits.connect).await?;
            let (status, headers, body, held) = exchange::exchange(stream, &target, &request, &self.share).await?;
            let location = headers.get(LOCATION).filter(|_| follows(status));
            let (Some(location), true) = (location, request.policy.redirects > 0) else {
                let (final_url, _held) = (target.into_url(), Arc::new(held));
                return Ok(EgressResponse { status, headers, body, final_url, _held });
            };
            if left == 0 {
                let most = request.policy.redirects.min(MOST_REDIRECTS);
                return Err(EgressError::refused("too_many_redirects", format!("more than {most} redirects")));
            }
            left -= 1;
            let next = target.redirect(location.as_bytes())?;
            rewrite(&mut request, status, !target.same_origin(&next));
            target = next;
        }
    }
}

fn follows(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// What the Fetch standard does to a request that is redirected, and what belongs to the origin that it leaves.
fn rewrite(request: &mut EgressRequest, status: StatusCode, leaves_origin: bool) {
    let post = request.method == Method::POST;
    let becomes_get = match status.as_u16() {
        301 | 302 => post,
        303 => request.method != Method::HEAD && request.method != Method::GET,
        _ => false,
    };
    if becomes_get {
        request.method = Method::GET;
        request.body = Bytes::new();
        for name in [CONTENT_TYPE, CONTENT_LENGTH, http::header::CONTENT_ENCODING] {
            request.headers.remove(name);
        }
    }
    if leaves_origin {
        for name in [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION] {
            request.headers.remove(name);
        }
        let secret: Vec<_> =
            request.headers.iter().filter(|(_, value)| value.is_sensitive()).map(|(name, _)| name.clone()).collect();
        for name in secret {
            request.headers.remove(name);
        }
    }
}
