//! The road out against a real listener: addresses, redirects, limits and a resolver that changes its mind.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use holon_platform::egress::{Egress, EgressRequest, NetworkPolicy, Resolve};
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// Addresses that must never be dialled, in every spelling that a parser could let through.
const REFUSED: &[&str] = &[
    "http://127.0.0.1/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://127.0.0.1./",
    "http://１２７.０.０.１/",
    "http://0/",
    "http://0.0.0.0/",
    "http://10.0.0.1/",
    "http://10.255.255.255/",
    "http://100.64.0.1/",
    "http://100.127.255.255/",
    "http://169.254.169.254/latest/meta-data/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.0.0.1/",
    "http://192.0.2.1/",
    "http://192.88.99.1/",
    "http://192.168.1.1/",
    "http://198.18.0.1/",
    "http://198.19.255.255/",
    "http://198.51.100.1/",
    "http://203.0.113.1/",
    "http://224.0.0.1/",
    "http://239.255.255.255/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://[::]/",
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::127.0.0.1]/",
    "http://[::ffff:10.0.0.1]/",
    "http://[::ffff:169.254.169.254]/",
    "http://[64:ff9b::127.0.0.1]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[64:ff9b:1::10.0.0.1]/",
    "http://[64:ff9b:1:1::1]/",
    "http://[2002:7f00:1::]/",
    "http://[2002:a9fe:a9fe::1]/",
    "http://[2002:c0a8:101::]/",
    "http://[fc00::1]/",
    "http://[fd00:ec2::254]/",
    "http://[fe80::1]/",
    "http://[febf::1]/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
    "http://[2001:db8::1]/",
    "http://[100::1]/",
    "http://[5f00::1]/",
    "http://[2001::1]/",
    "http://[2001:10::1]/",
    "http://[::ffff:0:127.0.0.1]/",
    "http://[3fff::1]/",
    "http://localhost/",
    "http://LOCALHOST/",
    "http://localhost./",
    "http://foo.localhost/",
];

/// Addresses that are not addresses, or of a kind that is not allowed.
const BAD: &[(&str, &str)] = &[
    ("ftp://example.com/", "forbidden_scheme"),
    ("file:///etc/passwd", "forbidden_scheme"),
    ("gopher://example.com/", "forbidden_scheme"),
    ("javascript:alert(1)", "forbidden_scheme"),
    ("example.com", "bad_url"),
    ("", "bad_url"),
    ("http://", "bad_url"),
    ("https://[127.0.0.1]/", "bad_url"),
    ("https://[fe80::1%25eth0]/", "bad_url"),
    ("http://user:password@example.com/", "bad_url"),
    ("http://exa mple.com/", "bad_url"),
    ("http://example.com:99999/", "bad_url"),
    ("http://example.com:22/", "forbidden_port"),
    ("http://example.com:25/", "forbidden_port"),
    ("http://example.com:5432/", "forbidden_port"),
    ("http://example.com:6379/", "forbidden_port"),
    ("http://metadata.google.internal/computeMetadata/v1/", "forbidden_host"),
    ("http://metadata.google.internal./", "forbidden_host"),
    ("http://instance-data/", "forbidden_host"),
];

/// Answers with the given addresses, one after the other, the last one for ever.
struct Flipping(Vec<&'static str>, AtomicUsize);

#[async_trait]
impl Resolve for Flipping {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let asked = self.1.fetch_add(1, Ordering::Relaxed).min(self.0.len() - 1);
        if name.ends_with("localhost") {
            return Ok(vec![[127, 0, 0, 1].into()]);
        }
        Ok(vec![self.0[asked].parse().unwrap()])
    }
}

fn resolving(allow_loopback: bool, to: &[&'static str]) -> Egress {
    Egress::with_resolver(allow_loopback, Arc::new(Flipping(to.to_vec(), AtomicUsize::new(0))))
}

fn get(url: impl Into<String>) -> EgressRequest {
    EgressRequest::new(Method::GET, url)
}

async fn code(egress: &Egress, request: EgressRequest) -> &'static str {
    egress.send(request).await.map_or_else(|e| e.code, |r| panic!("answered {}", r.status))
}

/// A server that answers each connection with the next of `answers` and keeps what it was sent.
async fn server(answers: Vec<String>) -> (SocketAddr, tokio::task::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        let mut heard = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            let mut buffer = [0; 4096];
            while !request.windows(4).any(|w| w == b"\r\n\r\n") {
                let n = stream.read(&mut buffer).await.unwrap();
                assert_ne!(n, 0, "the request ended early");
                request.extend_from_slice(&buffer[..n]);
            }
            heard.push(String::from_utf8(request).unwrap().to_lowercase());
            // The client may hang up on what is too large; that is what some tests want.
            let _ = stream.write_all(answer.as_bytes()).await;
        }
        heard
    });
    (address, task)
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn redirect(status: u16, to: &str) -> String {
    format!("HTTP/1.1 {status} Moved\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n")
}

#[tokio::test]
async fn no_spelling_of_a_private_address_is_dialled() {
    let egress = resolving(false, &["93.184.215.14"]);
    for url in REFUSED {
        assert_eq!(code(&egress, get(*url)).await, "forbidden_address", "{url}");
    }
}

#[tokio::test]
async fn what_is_not_an_allowed_address_is_refused_with_its_reason() {
    let egress = resolving(false, &["127.0.0.1"]);
    for (url, expected) in BAD {
        assert_eq!(code(&egress, get(*url)).await, *expected, "{url}");
    }
}

#[tokio::test]
async fn loopback_allowed_is_not_private_allowed() {
    let egress = resolving(true, &["127.0.0.1"]);
    for url in ["http://10.0.0.1/", "http://169.254.169.254/", "http://[fd00:ec2::254]/", "http://0.0.0.0/"] {
        assert_eq!(code(&egress, get(url)).await, "forbidden_address", "{url}");
    }
}

#[tokio::test]
async fn a_name_that_resolves_to_a_private_address_is_refused() {
    for to in ["127.0.0.1", "10.1.2.3", "::1", "::ffff:192.168.0.1", "64:ff9b::7f00:1"] {
        assert_eq!(code(&resolving(false, &[to]), get("http://rebind.example/")).await, "forbidden_address", "{to}");
    }
}

#[tokio::test]
async fn a_request_arrives_with_its_headers_and_the_answer_comes_back_whole() {
    let (address, heard) = server(vec![ok("hello")]).await;
    let mut request = get(format!("http://name.localhost:{}/a/b?c=d#e", address.port()));
    request.headers.insert("x-one", HeaderValue::from_static("1"));
    request.headers.insert("host", HeaderValue::from_static("evil.example"));
    request.headers.insert("transfer-encoding", HeaderValue::from_static("chunked"));
    let answer = resolving(true, &["127.0.0.1"]).send(request).await.unwrap();
    assert_eq!((answer.status, &answer.body[..]), (StatusCode::OK, &b"hello"[..]));
    let heard = heard.await.unwrap().remove(0);
    assert!(heard.starts_with("get /a/b?c=d http/1.1\r\n"), "{heard}");
    assert!(heard.contains(&format!("host: name.localhost:{}\r\n", address.port())), "{heard}");
    assert!(heard.contains("x-one: 1\r\n") && !heard.contains("evil") && !heard.contains("chunked"), "{heard}");
}

#[tokio::test]
async fn redirects_are_not_followed_unless_asked_and_never_into_a_private_network() {
    let egress = resolving(true, &["127.0.0.1"]);
    let (address, _) = server(vec![redirect(302, "/there")]).await;
    let answer = egress.send(get(format!("http://{address}/"))).await.unwrap();
    assert_eq!(answer.status, StatusCode::FOUND);

    for (to, expected) in [
        ("http://169.254.169.254/", "forbidden_address"),
        ("http://[::ffff:10.0.0.1]/", "forbidden_address"),
        ("file:///etc/passwd", "forbidden_scheme"),
        ("http://user@example.com/", "bad_url"),
        ("//metadata.google.internal/", "forbidden_host"),
    ] {
        let (address, _) = server(vec![redirect(302, to)]).await;
        let mut request = get(format!("http://{address}/"));
        request.policy.redirects = 3;
        assert_eq!(code(&egress, request).await, expected, "{to}");
    }
}

#[tokio::test]
async fn a_redirect_to_another_origin_loses_the_secrets_and_one_within_keeps_them() {
    let egress = resolving(true, &["127.0.0.1"]);
    let (other, other_heard) = server(vec![ok("end")]).await;
    let (first, first_heard) = server(vec![redirect(307, "/again"), redirect(307, &format!("http://{other}/"))]).await;
    let mut request = get(format!("http://{first}/"));
    request.policy.redirects = 5;
    request.headers.insert(AUTHORIZATION, HeaderValue::from_static("bearer s3cret"));
    let mut key = HeaderValue::from_static("s3cret");
    key.set_sensitive(true);
    request.headers.insert(HeaderName::from_static("x-api-key"), key);
    request.headers.insert("x-plain", HeaderValue::from_static("kept"));
    let answer = egress.send(request).await.unwrap();
    assert_eq!(answer.final_url.port(), Some(other.port()));
    for heard in first_heard.await.unwrap() {
        assert_eq!(heard.matches("s3cret").count(), 2, "{heard}");
    }
    let last = other_heard.await.unwrap().remove(0);
    assert!(!last.contains("s3cret") && last.contains("x-plain: kept"), "{last}");
}

#[tokio::test]
async fn a_post_becomes_a_get_after_303_and_stays_a_post_after_307() {
    for (status, expected) in [(303, "get /next"), (307, "post /next")] {
        let (address, heard) = server(vec![redirect(status, "/next"), ok("")]).await;
        let mut request = EgressRequest::new(Method::POST, format!("http://{address}/"));
        request.policy.redirects = 1;
        resolving(true, &["127.0.0.1"]).send(request).await.unwrap();
        assert!(heard.await.unwrap()[1].starts_with(expected), "{status}");
    }
}

#[tokio::test]
async fn endless_redirects_end() {
    let (address, _) = server(vec![redirect(302, "/x"); 10]).await;
    let mut request = get(format!("http://{address}/"));
    request.policy.redirects = 200;
    assert_eq!(code(&resolving(true, &["127.0.0.1"]), request).await, "too_many_redirects");
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_cut_off_whether_it_says_so_or_not() {
    let long = "x".repeat(2_000);
    let chunked = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7d0\r\n{long}\r\n0\r\n\r\n");
    for answer in [ok(&long), chunked] {
        let (address, _) = server(vec![answer]).await;
        let mut request = get(format!("http://{address}/"));
        request.limits.body = 1_000;
        assert_eq!(code(&resolving(true, &["127.0.0.1"]), request).await, "response_too_large");
    }
}

#[tokio::test]
async fn a_server_that_hangs_resets_or_talks_nonsense_gives_a_retryable_error() {
    let egress = resolving(true, &["127.0.0.1"]);
    let hanging = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut request = get(format!("http://{}/", hanging.local_addr().unwrap()));
    request.limits.first_byte = Duration::from_millis(50);
    let error = egress.send(request).await.unwrap_err();
    assert_eq!((error.code, error.retryable), ("timeout", true));

    for (answer, expected) in [("", "connection_lost"), ("SSH-2.0-nonsense\r\n\r\n", "bad_response")] {
        let (address, _) = server(vec![answer.to_owned()]).await;
        let error = egress.send(get(format!("http://{address}/"))).await.unwrap_err();
        assert_eq!((error.code, error.retryable), (expected, true), "{}", error.message);
    }
}

#[tokio::test]
async fn the_policy_of_hosts_and_networks_holds() {
    let egress = resolving(true, &["127.0.0.1"]);
    let mut request = get("http://api.example.com/");
    request.policy.network = NetworkPolicy::NoNetwork;
    assert_eq!(code(&egress, request).await, "no_network");
    for (pattern, host, allowed) in [
        ("api.example.com", "api.example.com", true),
        ("API.example.com.", "api.example.com", true),
        ("*.example.com", "api.example.com", true),
        ("*.example.com", "example.com", false),
        ("*.example.com", "evilexample.com", false),
        ("example.com", "example.com.evil.test", false),
    ] {
        // Nothing listens on port 9999: past the policy there is a refused connection.
        let mut request = get(format!("http://{host}:9999/"));
        request.policy.hosts = vec![pattern.to_owned()];
        let expected = if allowed { "connect_failed" } else { "forbidden_host" };
        assert_eq!(code(&egress, request).await, expected, "{pattern} and {host}");
    }
    let mut request = get("http://example.com:8080/");
    request.policy.network = NetworkPolicy::HttpOnly;
    assert_eq!(code(&egress, request).await, "forbidden_port");
}
