//! A server on a database of its own, with a clock that the test moves.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use holon::compose::{Ground, Kinds, compose_with};
use holon::state::AppState;
use holon_model::Timestamp;
use holon_platform::clock::TestClock;
use holon_platform::config::{Config, Sources};
use holon_platform::crypto::Keyring;
use holon_platform::db::test_db::TestDb;
use holon_platform::shutdown::Shutdown;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::documented;

/// The public address of the tests' servers.
pub const ORIGIN: &str = "http://localhost:8080";
/// A password that is accepted.
pub const PASSWORD: &str = "tangerine boat ladder";

/// A server.
pub struct Server {
    pub db: TestDb,
    pub clock: Arc<TestClock>,
    pub state: AppState,
    router: Router,
}

/// What it answered.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    /// The body as JSON; null when there is none.
    pub fn json(&self) -> Value {
        if self.text.is_empty() { Value::Null } else { serde_json::from_str(&self.text).expect("the body is JSON") }
    }

    /// The code of a problem.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// `name=value` of the cookie that was set.
    pub fn cookie(&self) -> String {
        let cookie = self.headers["set-cookie"].to_str().unwrap();
        cookie.split(';').next().unwrap().to_owned()
    }

    /// A problem without what differs from request to request.
    pub fn comparable(&self) -> (StatusCode, Value) {
        let mut body = self.json();
        if let Some(map) = body.as_object_mut() {
            map.remove("request_id");
        }
        (self.status, body)
    }
}

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub struct Person {
    pub cookie: String,
    pub session: Value,
}

impl Server {
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    /// A server with configuration of its own.
    pub async fn with(extra: &[(&str, &str)]) -> Self {
        // An instant of the present: partitions of history are made around it.
        Self::on(TestDb::new().await, TestClock::at(Timestamp(1_795_250_000_000)), extra).await
    }

    /// A server with other kinds of nodes.
    pub async fn with_kinds(kinds: Kinds) -> Self {
        Self::made_of(TestDb::new().await, TestClock::at(Timestamp(1_795_250_000_000)), &[], kinds).await
    }

    /// A server on a database that is there already.
    pub async fn on(db: TestDb, clock: Arc<TestClock>, extra: &[(&str, &str)]) -> Self {
        Self::made_of(db, clock, extra, Kinds::built_in()).await
    }

    async fn made_of(db: TestDb, clock: Arc<TestClock>, extra: &[(&str, &str)], kinds: Kinds) -> Self {
        let mut env = BTreeMap::from([("HOLON_DATA_DIR".to_owned(), "/nonexistent/holon".to_owned())]);
        env.extend(extra.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
        let config = Config::from_sources(&Sources::new(env).unwrap()).unwrap();
        let ground = Ground {
            config,
            pools: db.pools.clone(),
            keyring: Arc::new(Keyring::from_bytes([7; 32])),
            clock: clock.clone(),
            shutdown: Shutdown::new(),
            address: "test".to_owned(),
            alone: true,
        };
        let state = compose_with(ground, kinds).await.unwrap();
        Self { db, clock, router: holon::router(state.clone()), state }
    }

    /// Sends a request. What answers must be in the document.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        documented::hold(&method, &path, parts.status, &parts.headers);
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    /// Sends a request and looks at nothing but the status: of a stream, the rest never ends.
    pub async fn status(&self, request: Request<Body>) -> StatusCode {
        self.router.clone().oneshot(request).await.unwrap().status()
    }

    /// The paths of every route there is, as the router itself names them.
    pub fn routes(&self) -> Vec<String> {
        let told = format!("{:?}", self.router);
        let paths = told.split('"').filter(|part| part.starts_with('/'));
        // What stands in for everything that is no route, `/` among it.
        paths.filter(|path| *path != "/" && !path.contains("axum_fallback")).map(str::to_owned).collect()
    }

    /// Sends JSON as nobody.
    pub async fn anonymous(&self, method: &str, path: &str, body: Value) -> Answer {
        self.send(request(method, path, &[("origin", ORIGIN)], body)).await
    }

    /// Sends JSON as somebody's browser.
    pub async fn by(&self, person: &Person, method: &str, path: &str, body: Value) -> Answer {
        self.send(request(method, path, &[("origin", ORIGIN), ("cookie", &person.cookie)], body)).await
    }

    /// Sends JSON as a program with a token.
    pub async fn with_token(&self, token: &str, method: &str, path: &str, body: Value) -> Answer {
        self.send(request(method, path, &[("authorization", &format!("Bearer {token}"))], body)).await
    }

    /// Signs somebody up.
    pub async fn person(&self, name: &str) -> Person {
        let answer = self.anonymous("POST", "/api/v1/sign-up", sign_up(name)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        Person { cookie: answer.cookie(), session: answer.json() }
    }
}

/// The body that signs somebody up.
pub fn sign_up(name: &str) -> Value {
    json!({"name": name, "email": format!("{name}@example.com"), "password": PASSWORD, "workspace": format!("{name}'s")})
}

/// A request with headers and, unless it is null, a JSON body.
pub fn request(method: &str, path: &str, headers: &[(&str, &str)], body: Value) -> Request<Body> {
    let mut builder = Request::builder().method(Method::from_bytes(method.as_bytes()).unwrap()).uri(path);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    if body.is_null() {
        return builder.body(Body::empty()).unwrap();
    }
    builder.header("content-type", "application/json").body(Body::from(body.to_string())).unwrap()
}
