//! A body that each operation takes, for its place in the document and for the call that the readable page shows. A test sends them all.

use serde_json::Value;
use utoipa::openapi::{OpenApi, RefOr};

use super::operations;

/// `method path`, then JSON.
const BODIES: &[(&str, &str)] = &[
    (
        "post /api/v1/sign-up",
        r#"{"name": "Ada Lovelace", "email": "ada@example.com", "password": "tangerine boat ladder", "workspace": "Engines"}"#,
    ),
    ("post /api/v1/sign-in", r#"{"email": "ada@example.com", "password": "tangerine boat ladder"}"#),
    ("put /api/v1/settings", r#"{"sign_up": "invitation"}"#),
    ("put /api/v1/retention", r#"{"days": 90}"#),
    ("put /api/v1/instance/pause", r#"{"mode": "drain", "reason": "moving to another machine"}"#),
    ("put /api/v1/workspace/pause", r#"{"mode": "pause", "reason": "the warehouse is down"}"#),
    ("put /api/v1/flows/{id}/pause", r#"{"mode": "pause", "reason": "the warehouse is down"}"#),
    ("post /api/v1/tokens", r#"{"name": "deployment", "days": 90}"#),
    (
        "post /api/v1/connections",
        r#"{"name": "shop", "kind": "http_bearer", "secret": "s3cret", "hosts": ["api.example.com"]}"#,
    ),
    (
        "put /api/v1/connections/{id}",
        r#"{"name": "shop", "kind": "http_bearer", "secret": "s3cret", "hosts": ["api.example.com"]}"#,
    ),
    ("post /api/v1/flows", r#"{"example": "order-intake"}"#),
    (
        "put /api/v1/flows/{id}",
        r#"{"holon": 1, "name": "Hello", "nodes": {"start": {"kind": "trigger.manual@1"}}, "edges": []}"#,
    ),
    ("post /api/v1/flows/{id}/commands", r#"{"base_rev": 7, "commands": [{"set_name": {"name": "Order intake"}}]}"#),
    ("post /api/v1/flows/{id}/publish", r#"{"message": "Refuse empty orders"}"#),
    ("post /api/v1/flows/{id}/runs", r#"{"input": {"order": "A-7"}, "labels": {"region": "eu"}}"#),
    ("put /api/v1/flows/{id}/state/{key}", r#"{"last_order": "A-7"}"#),
    ("post /api/v1/events", r#"{"subject": "orders.eu.paid", "data": {"order": "A-7"}}"#),
    ("post /api/v1/subscriptions/{id}/replay", r#"{"from": 1}"#),
    ("post /api/v1/runs/bulk", r#"{"action": "retry", "runs": ["run_01900000000070008000000000000001"]}"#),
    ("post /api/v1/runs/{id}/cancel", r#"{"reason": "ordered twice"}"#),
    ("post /api/v1/runs/{id}/terminate", r#"{"reason": "ordered twice"}"#),
    ("post /api/v1/runs/{id}/pause", r#"{"reason": "the warehouse is down"}"#),
    ("post /api/v1/runs/{id}/again", r#"{"input": {"order": "A-7"}}"#),
    ("post /api/v1/flows/{id}/backtest", r#"{"version": 3, "most": 100}"#),
    ("post /api/v1/runs/{id}/fork", r#"{"seq": 3}"#),
    ("post /api/v1/runs/{id}/fork/check", r#"{"seq": 3}"#),
    ("post /api/v1/runs/{id}/signals", r#"{"name": "paid", "payload": {"amount": 68}}"#),
    ("post /api/v1/signals", r#"{"name": "paid", "correlation": "A-7", "payload": {"amount": 68}}"#),
    ("post /api/v1/runs/{id}/tasks/{task}/answer", r#"{"choice": "approve", "form": {"comment": "checked"}}"#),
    ("post /api/v1/runs/{id}/tasks/{task}/links", r#"{"choices": ["approve"], "valid_for": "2d"}"#),
    ("post /api/v1/schedules/preview", r#"{"cron": "30 3 * * *", "time_zone": "Europe/Berlin"}"#),
    (
        "post /api/v1/alerts",
        r#"{"name": "Failed runs", "what": "run_failed", "channel": "chat", "url": "https://chat.example.com/hook"}"#,
    ),
    (
        "put /api/v1/alerts/{id}",
        r#"{"name": "Failed runs", "what": "run_failed", "channel": "chat", "url": "https://chat.example.com/hook"}"#,
    ),
    ("post /api/v1/workers/claims", r#"{"pool": "gpu", "most": 2, "wait": 0}"#),
    ("post /api/v1/runs/{id}/work/{claim}/heartbeat", r#"{"progress": "40 of 90 pages"}"#),
    ("post /api/v1/runs/{id}/work/{claim}/complete", r#"{"output": {"pages": 90}}"#),
    (
        "post /api/v1/runs/{id}/work/{claim}/fail",
        r#"{"code": "no_disk", "message": "The disk is full.", "retry_after": 60}"#,
    ),
];

/// Puts each in its place.
pub fn describe(api: &mut OpenApi) {
    let mut used = 0;
    for (path, item) in &mut api.paths.paths {
        for (method, operation) in operations(item) {
            let called = format!("{method} {path}");
            let Some((_, body)) = BODIES.iter().find(|(name, _)| *name == called) else { continue };
            let Some(RefOr::T(request)) = &mut operation.request_body else { continue };
            for content in request.content.values_mut() {
                if let RefOr::T(content) = content {
                    content.example = serde_json::from_str::<Value>(body).ok();
                    used += 1;
                }
            }
        }
    }
    debug_assert_eq!(used, BODIES.len(), "an example of an operation that is not there");
}
