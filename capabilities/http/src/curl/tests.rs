//! Commands as people paste them, and the config they become.

use super::*;

fn gives(command: &str, config: &str) {
    leaves_out(command, config, &[]);
}

fn leaves_out(command: &str, config: &str, names: &[&str]) {
    let config = json::parse(config.as_bytes()).unwrap();
    let left_out = names.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(from_curl(command), Ok(Imported { config, left_out }), "{command}");
}

#[test]
fn simple_requests() {
    gives("curl https://example.com/a", r#"{"method":"GET","url":"https://example.com/a","redirects":0}"#);
    gives("$ curl -sSL example.com", r#"{"method":"GET","url":"http://example.com","redirects":5}"#);
    gives(
        "curl -I --max-redirs 2 'https://example.com/?a=1&b=2'",
        r#"{"method":"HEAD","url":"https://example.com/?a=1&b=2","redirects":2}"#,
    );
    gives(
        "curl -XDELETE --url=https://example.com/7 -m 2.5",
        r#"{"method":"DELETE","url":"https://example.com/7","redirects":0,"timeout":2500}"#,
    );
    gives("curl https://example.com | jq .", r#"{"method":"GET","url":"https://example.com","redirects":0}"#);
}

#[test]
fn bodies_become_json_forms_or_text() {
    gives(
        r#"curl -X POST https://e.com/orders -H 'Content-Type: application/json' -H "Accept: application/json" -d '{"id": 7, "price": 19.90}'"#,
        r#"{"method":"POST","url":"https://e.com/orders","redirects":0,"headers":{"Accept":"application/json"},"body":{"json":{"id":7,"price":19.90}}}"#,
    );
    gives(
        r#"curl --json '{"a":1}' e.com"#,
        r#"{"method":"POST","url":"http://e.com","redirects":0,"body":{"json":{"a":1}}}"#,
    );
    gives(
        "curl -d a=1 -d 'b=x%20y&a=2' e.com",
        r#"{"method":"POST","url":"http://e.com","redirects":0,"body":{"form":{"a":["1","2"],"b":"x y"}}}"#,
    );
    gives(
        "curl --data-urlencode 'q=a b&c' -G e.com/s",
        r#"{"method":"GET","url":"http://e.com/s?q=a%20b%26c","redirects":0}"#,
    );
    gives(
        "curl -H 'content-type: text/xml' --data-raw '@<a/>' e.com",
        r#"{"method":"POST","url":"http://e.com","redirects":0,"body":{"text":"@<a/>","content_type":"text/xml"}}"#,
    );
    gives(
        "curl -H 'Content-Type: application/json' -d '{broken' e.com",
        r#"{"method":"POST","url":"http://e.com","redirects":0,"body":{"text":"{broken","content_type":"application/json"}}"#,
    );
}

#[test]
fn what_browsers_copy_is_understood() {
    leaves_out(
        "curl 'https://e.com/api' \\\n  -H 'accept: */*' \\\n  -H 'accept: text/html' \\\n  -b 'sid=1' \\\n  --data-raw $'{\"a\":\"it\\'s\"}' \\\n  -H 'content-type: application/json' \\\n  --compressed",
        r#"{"method":"POST","url":"https://e.com/api","redirects":0,"headers":{"accept":"text/html"},"body":{"json":{"a":"it's"}}}"#,
        &["the header `Cookie`"],
    );
}

#[test]
fn secrets_are_left_out_by_name_and_all_else_is_kept() {
    let kept = r#"{"method":"GET","url":"https://e.com/a","redirects":0,"headers":{"x-trace":"a"}}"#;
    for (secret, name) in [
        ("-H 'Authorization: Bearer S3CRET'", "the header `Authorization`"),
        ("-H 'proxy-authorization: Basic S3CRET'", "the header `proxy-authorization`"),
        ("-H 'X-Api-Key: S3CRET'", "the header `X-Api-Key`"),
        ("-H 'PRIVATE-TOKEN:S3CRET'", "the header `PRIVATE-TOKEN`"),
        ("-H 'cookie: sid=S3CRET'", "the header `cookie`"),
        ("-b sid=S3CRET", "the header `Cookie`"),
        ("-u me:S3CRET", "`-u`"),
        ("-ume:S3CRET", "`-u`"),
        ("--user me:S3CRET", "`--user`"),
        ("--oauth2-bearer=S3CRET", "`--oauth2-bearer`"),
    ] {
        leaves_out(&format!("curl https://e.com/a {secret} -H 'x-trace: a'"), kept, &[name]);
    }
    leaves_out(
        "curl -H 'x-trace: a' -u me:S3CRET -H 'Authorization: S3CRET' -H 'Authorization: again' https://me:S3CRET@e.com/a",
        kept,
        &["`-u`", "the header `Authorization`", "the name and password in the address"],
    );
    // What is imported is what may be published: it holds nothing that validation would refuse.
    let empty = r#"{"method":"GET","url":"http://e.com","redirects":0,"headers":{"Authorization":""}}"#;
    gives("curl e.com -H 'Authorization;'", empty);
}

#[test]
fn what_cannot_be_kept_is_refused_by_name() {
    for (command, part) in [
        ("curl e.com -u", "needs a value"),
        ("curl -b jar e.com", "files"),
        ("curl -k https://e.com", "certificates"),
        ("curl -F a=@b e.com", "multipart"),
        ("curl -d @file e.com", "files"),
        ("curl -x proxy:1 e.com", "road"),
        ("curl --frobnicate e.com", "--frobnicate"),
        ("curl -X TRACE e.com", "TRACE"),
        ("curl", "no address"),
        ("curl a b", "more than one"),
        ("curl -H", "needs a value"),
        ("curl 'a", "quote"),
    ] {
        let message = import(command).unwrap().unwrap_err();
        assert!(message.contains(part), "{command}: {message}");
    }
    assert_eq!(import("https://example.com"), None);
    assert_eq!(import("curly e.com"), None);
}

#[test]
fn every_config_fits_the_kinds_schema() {
    let capability = crate::capability().unwrap();
    let kind = &capability.kinds[0];
    assert!(kind.import.as_ref().unwrap().read.is_some());
    let placeholder = &kind.import.as_ref().unwrap().placeholder;
    for command in [
        placeholder.as_str(),
        "curl -d a=1 -m 3 e.com",
        "curl -H 'a: b' --data-raw x -H 'content-type: text/plain' e.com",
    ] {
        let config = from_curl(command).unwrap().config;
        let mut meter = holon_flow::expr::Meter::new(10_000, 0);
        let found = holon_flow::schema::check(
            kind.config.as_value(),
            &config,
            holon_flow::schema::Options::default(),
            &mut meter,
        );
        assert_eq!(found, Ok(vec![]), "{command}");
    }
}
