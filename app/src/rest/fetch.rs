//! One request through the browser's `fetch`.

use holon_model::{Code, Problem};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use super::Ask;

/// Sends a request; the text of a 2xx answer, or the problem.
pub async fn send(ask: Ask) -> Result<String, Problem> {
    let window = web_sys::window().ok_or_else(unreachable_server)?;
    let request = prepare(&ask).map_err(|_| unreachable_server())?;
    let answer = JsFuture::from(window.fetch_with_request(&request)).await.map_err(|_| unreachable_server())?;
    let answer: web_sys::Response = answer.dyn_into().map_err(|_| unreachable_server())?;
    let text = match answer.text() {
        Ok(text) => JsFuture::from(text).await.ok().and_then(|text| text.as_string()).unwrap_or_default(),
        Err(_) => String::new(),
    };
    if answer.ok() { Ok(text) } else { Err(problem(answer.status(), &text)) }
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
    web_sys::Request::new_with_str_and_init(&format!("/api/v1{}", ask.path), &init)
}

fn problem(status: u16, text: &str) -> Problem {
    serde_json::from_str(text).unwrap_or_else(|_| {
        let code = Code::ALL.iter().copied().find(|code| code.status() == status).unwrap_or(Code::Internal);
        Problem {
            status,
            ..Problem::new(code, format!("The server answered with status {status} and no explanation."))
        }
    })
}

fn unreachable_server() -> Problem {
    Problem::new(Code::Unavailable, "The server cannot be reached. Check the connection, then try again.")
}
