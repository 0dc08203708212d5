//! One request through the browser's `fetch`.

use holon_model::{Code, Problem};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use super::Ask;

/// Longest wait for an answer, in milliseconds: past the 25 seconds for which the server holds an answer back at most.
/// A connection that died without a word would leave a page "Saving" for minutes.
const LONGEST: u32 = 40_000;

/// To a person without a session.
const SIGNED_OUT: &str = "You are signed out, here or in another tab. Nothing was done; sign in, then do it again.";

/// Sends a request; the text of a 2xx answer, or the problem.
pub async fn send(ask: Ask) -> Result<String, Problem> {
    let window = web_sys::window().ok_or_else(unreachable_server)?;
    let request = prepare(&ask).map_err(|_| unreachable_server())?;
    let answer = JsFuture::from(window.fetch_with_request(&request)).await.map_err(|error| unanswered(&error))?;
    let answer: web_sys::Response = answer.dyn_into().map_err(|_| unreachable_server())?;
    let text = match answer.text() {
        Ok(text) => JsFuture::from(text).await.ok().and_then(|text| text.as_string()),
        Err(_) => None,
    };
    match text {
        Some(text) if answer.ok() => Ok(text),
        // It was done, but what it gave was lost on the way.
        None if answer.ok() => Err(unreachable_server()),
        text => Err(problem(answer.status(), &text.unwrap_or_default())),
    }
}

fn prepare(ask: &Ask) -> Result<web_sys::Request, JsValue> {
    let init = web_sys::RequestInit::new();
    init.set_method(ask.method);
    init.set_credentials(web_sys::RequestCredentials::SameOrigin);
    let headers = web_sys::Headers::new()?;
    headers.set("accept", "application/json")?;
    if let Some(body) = &ask.body {
        init.set_body(&JsValue::from_str(body));
        headers.set("content-type", "application/json")?;
    }
    for (name, value) in &ask.headers {
        headers.set(name, value)?;
    }
    init.set_headers(&headers);
    init.set_signal(Some(&web_sys::AbortSignal::timeout_with_u32(LONGEST)));
    web_sys::Request::new_with_str_and_init(&format!("/api/v1{}", ask.path), &init)
}

fn problem(status: u16, text: &str) -> Problem {
    let mut problem: Problem = serde_json::from_str(text).unwrap_or_else(|_| {
        let code = Code::ALL.iter().copied().find(|code| code.status() == status).unwrap_or(Code::Internal);
        Problem {
            status,
            ..Problem::new(code, format!("The server answered with status {status} and no explanation."))
        }
    });
    if problem.code == Code::Unauthenticated {
        // The API speaks to programs, which may send a token.
        problem.detail = SIGNED_OUT.to_owned();
    }
    problem
}

/// Why there was no answer: in time, or at all.
fn unanswered(error: &JsValue) -> Problem {
    let name = js_sys::Reflect::get(error, &JsValue::from_str("name")).ok().and_then(|name| name.as_string());
    if name.as_deref() == Some("TimeoutError") {
        let detail = format!(
            "The server did not answer within {} s, so it is not known what was done. Check the connection, then look again.",
            LONGEST / 1000
        );
        return Problem::new(Code::Unavailable, detail);
    }
    unreachable_server()
}

fn unreachable_server() -> Problem {
    Problem::new(Code::Unavailable, "The server cannot be reached. Check the connection, then try again.")
}
