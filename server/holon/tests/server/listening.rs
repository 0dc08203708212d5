//! Taking connections in, and letting them go; the address that a server says it is at.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use holon::listen::listen;
use holon_platform::db::Role;
use holon_platform::db::test_db::TestDb;
use holon_platform::shutdown::Shutdown;
use sqlx::ConnectOptions as _;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::replicas::ask;

#[expect(clippy::disallowed_methods, reason = "the test is the client")]
async fn connect(address: std::net::SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.unwrap()
}

#[tokio::test]
async fn a_drain_finishes_the_request_in_hand_and_does_not_wait_for_idle_connections() {
    let (arrived, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let handler = {
        let (arrived, go_on) = (Arc::clone(&arrived), Arc::clone(&go_on));
        async move || {
            arrived.notify_one();
            go_on.notified().await;
            "finished"
        }
    };
    let router = Router::new().route("/slow", get(handler));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = Shutdown::new();
    let server = {
        let shutdown = shutdown.clone();
        tokio::spawn(async move { listen(listener, router, &shutdown, Duration::from_secs(3600)).await })
    };
    let mut idle = connect(address).await;
    let mut busy = connect(address).await;
    busy.write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    arrived.notified().await;

    shutdown.begin();
    assert_eq!(idle.read(&mut [0; 8]).await.unwrap(), 0, "an idle connection is closed");
    go_on.notify_one();
    let mut answer = String::new();
    busy.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("finished"), "{answer}");
    server.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_on_a_free_port_says_its_address_and_people_can_sign_up_there() {
    let db = TestDb::new().await;
    let dir = std::env::temp_dir().join(format!("holon-port-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let url = |role| db.options(role).to_url_lossy().to_string();
    let mut child = tokio::process::Command::new(env!("CARGO_BIN_EXE_holon"))
        .arg("serve")
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOLON_PORT", "0")
        .env("HOLON_DATA_DIR", &dir)
        .env("HOLON_DATABASE_OWNER_URL", url(Role::Owner))
        .env("HOLON_DATABASE_APP_URL", url(Role::App))
        .env("HOLON_DATABASE_AUTH_URL", url(Role::Auth))
        .env("HOLON_DATABASE_ENGINE_URL", url(Role::Engine))
        .env("HOLON_LOG", "error")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let said = tokio::time::timeout(Duration::from_secs(60), lines.next_line()).await.unwrap().unwrap().unwrap();
    let address = said.strip_prefix("Holon is ready at ").and_then(|rest| rest.split_whitespace().next()).unwrap();
    let port: u16 = address.strip_prefix("http://localhost:").unwrap().parse().unwrap();
    assert_ne!(port, 0, "{said}");
    let sign_up = |name: &str, origin: String| {
        let body = crate::support::sign_up(name);
        async move { ask(port, "POST", "/api/v1/sign-up", &[("origin", &origin)], &body).await.unwrap() }
    };
    let made = sign_up("ada", address.to_owned()).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert!(made.headers["set-cookie"].starts_with(&format!("holon_{port}=")), "{:?}", made.headers);
    // Any other origin is somebody else's page, the address of no port too.
    for origin in ["http://localhost:0", "http://localhost:8080", "https://evil.example"] {
        let refused = sign_up("bob", origin.to_owned()).await;
        assert_eq!(refused.status, 403, "{origin}: {}", refused.body);
    }
    child.kill().await.unwrap();
    // What is left behind is of no harm.
    let _ = std::fs::remove_dir_all(&dir);
}
