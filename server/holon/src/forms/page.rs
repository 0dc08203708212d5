//! What a form looks like, and what is shown after it was sent.

use holon_engine::Response as FlowResponse;
use holon_model::error::FieldError;
use holon_model::{RunId, Value};
use holon_platform::crypto::random_token;

use super::strings;
use crate::plain::{Data, Draw, Html, Page, element, notice, text, void};

/// The name of what tells one opening of the page from another.
pub const ONCE: &str = "once";

/// The form; with what was sent and what is wrong with it, where something is.
pub fn form(config: &Value, data: Option<&Data>, wrong: &[FieldError]) -> Page {
    let schema = config.get("schema").cloned().unwrap_or_default();
    let draw = Draw::new(data, wrong);
    let refused = if wrong.is_empty() {
        Html::none()
    } else {
        let mut lines = draw.elsewhere(&schema);
        if lines.len() < wrong.len() {
            lines.insert(0, strings::MARKED.to_owned());
        }
        let lines = lines.iter().map(|line| element("p", &[], text(line))).collect();
        notice("bad", "circle-alert", "alert", strings::NOT_SENT, lines)
    };
    let once = data.and_then(once).map_or_else(random_token, str::to_owned);
    let label = own(config, "submit").unwrap_or(strings::SEND);
    let button = element("button", &[("type", "submit"), ("class", "button primary")], text(label));
    let inside = void("input", &[("type", "hidden"), ("name", ONCE), ("value", &once)])
        .and(draw.form(&schema))
        .and(element("div", &[("class", "actions")], button));
    let form = element("form", &[("method", "post"), ("class", "stack"), ("novalidate", "")], inside);
    let about = own(config, "about")
        .map_or_else(Html::none, |about| element("div", &[("class", "plain-text muted")], text(about)));
    Page::new(title(config), about.and(refused).and(form))
}

/// Which opening of the page this was sent from, unless that is something else.
pub fn once(data: &Data) -> Option<&str> {
    data.get(ONCE).filter(|once| (1..=64).contains(&once.len()) && once.bytes().all(|byte| byte.is_ascii_graphic()))
}

/// After it was sent: the flow's thanks; with `later` where the answer that was waited for did not come.
pub fn thanks(config: &Value, later: bool) -> Page {
    let thanks = said(own(config, "thanks").unwrap_or(strings::THANKS));
    let later = if later { element("p", &[("class", "muted")], text(strings::LATER)) } else { Html::none() };
    Page::new(title(config), thanks.and(later))
}

/// The flow's own answer as a page, where it is a text and nothing else.
pub fn answered(config: &Value, response: &FlowResponse) -> Option<Page> {
    let typed = response
        .headers
        .as_map()
        .is_some_and(|headers| headers.keys().any(|name| name.eq_ignore_ascii_case("content-type")));
    let words = response.body.as_str().filter(|_| !typed)?;
    let status = axum::http::StatusCode::from_u16(response.status).unwrap_or_default();
    Some(Page::new(title(config), said(words)).with_status(status))
}

/// The run failed: people are told that, and not why.
pub fn failed(run: RunId) -> Page {
    let what = element("p", &[], text(strings::FAILED_WHAT));
    let id = element("p", &[("class", "mono small")], text(&run.to_string()));
    Page::new(strings::FAILED, what.and(id)).with_status(axum::http::StatusCode::BAD_GATEWAY)
}

fn said(words: &str) -> Html {
    element("div", &[("class", "plain-text"), ("role", "status")], text(words))
}

fn title(config: &Value) -> String {
    own(config, "title").unwrap_or("Form").to_owned()
}

fn own<'c>(config: &'c Value, member: &str) -> Option<&'c str> {
    config.get(member).and_then(Value::as_str).filter(|text| !text.trim().is_empty())
}
