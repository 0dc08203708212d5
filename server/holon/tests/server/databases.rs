//! Queries of flows in databases of the workspace, over REST: the connection says where, and Holon's own server is never there.

use axum::http::StatusCode;
use holon_platform::db::Role;
use serde_json::{Value, json};
use tokio::net::{TcpListener, UnixStream};

use crate::support::Server;
use crate::waiting::{ended, published, started};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_in_holons_own_server_is_refused_by_whatever_way_it_comes() {
    let server = Server::with(&[("HOLON_EGRESS_ALLOW_LOOPBACK", "true")]).await;
    let ada = server.person("ada").await;
    // The server's own Postgres, by a way of which it knows nothing.
    let options = server.db.options(Role::App);
    let socket = options.get_socket().unwrap().join(format!(".s.PGSQL.{}", options.get_port()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut from, _)) = listener.accept().await {
            let mut to = UnixStream::connect(&socket).await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut from, &mut to).await });
        }
    });
    let place = json!({"host": "127.0.0.1", "port": port, "tls": "none", "user": "holon_app", "database": options.get_database()});
    let shop = json!({"name": "shop", "kind": "postgres", "secret": "open sesame", "server": place});
    let made = server.by(&ada, "POST", "/api/v1/connections", shop).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let nodes = json!({
        "start": {"kind": "trigger.manual@1"},
        "ask": {"kind": "sql.query@1", "config": {"connection": "shop", "sql": "select name from flow"}}});
    let flow = published(&server, &ada, nodes, &[("start.out", "ask.in")], Value::Null).await;
    let run = started(&server, &ada, &flow, json!({})).await;
    let over = ended(&server, &ada, &run).await;
    assert_eq!(over["summary"]["status"], json!("failed"));
    assert!(over["summary"]["error"].as_str().unwrap().starts_with("forbidden_database"), "{over}");
    assert!(!over.to_string().contains("open sesame"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_of_this_machine_is_refused_unless_the_operator_allows_it() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let place = json!({"host": "127.0.0.1", "port": 5432, "tls": "none", "user": "ada", "database": "shop"});
    let shop = json!({"name": "shop", "kind": "postgres", "secret": "open sesame", "server": place});
    let made = server.by(&ada, "POST", "/api/v1/connections", shop).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let nodes = json!({
        "start": {"kind": "trigger.manual@1"},
        "ask": {"kind": "sql.query@1", "config": {"connection": "shop", "sql": "select 1"}}});
    let flow = published(&server, &ada, nodes, &[("start.out", "ask.in")], Value::Null).await;
    let run = started(&server, &ada, &flow, json!({})).await;
    let over = ended(&server, &ada, &run).await;
    assert!(over["summary"]["error"].as_str().unwrap().starts_with("forbidden_address"), "{over}");
}
