//! `/t/{token}`: the page of one task, for whoever has the link. Looking answers nothing: mail scanners look at links, too.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::Response;
use holon_model::error::FieldError;
use holon_model::wire::tasks::Task;
use holon_model::{Code, Problem};

use super::answer::{Answered, answer};
use super::open::{Opened, open};
use super::strings;
use crate::http::{ApiError, Path, read_body};
use crate::middleware::ClientIp;
use crate::plain::{self, Data, Draw, Html, MOST_FORM, Page, element, notice, shown, text, void};
use crate::state::AppState;

/// Path of links to tasks; the token follows.
pub const PREFIX: &str = "/t/";

/// Shows what is asked.
#[utoipa::path(get, path = "/t/{token}", tag = "links", operation_id = "look_at_task", security(()),
    params(("token" = String, Path, description = "What the link ends with")),
    responses((status = 200, description = "A page with the question and a form.", content_type = "text/html", body = String)))]
pub async fn look(State(state): State<AppState>, ip: ClientIp, Path(token): Path<String>) -> Response {
    match open(&state, ip, &token).await {
        Ok(None) => plain::gone(&state),
        Ok(Some(Opened { task: None, .. })) => not_yet(&state),
        Ok(Some(Opened { task: Some(ref task), ref assignee, ref choices, .. })) => {
            asked(task, assignee.as_deref(), choices, None, &[]).answer(&state)
        }
        Err(error) => plain::trouble(&state, error),
    }
}

/// Takes the answer of whoever has the link. The task's first answer counts.
#[utoipa::path(post, path = "/t/{token}", tag = "links", operation_id = "answer_by_link", security(()),
    params(("token" = String, Path, description = "What the link ends with")),
    request_body(content = serde_json::Value, content_type = "application/x-www-form-urlencoded", description = "`choice`, and the fields of the form"),
    responses((status = 200, description = "A page that says that it was taken.", content_type = "text/html", body = String),
        (status = 202, description = "A page that says that it is kept for the run.", content_type = "text/html", body = String)))]
pub async fn take(
    State(state): State<AppState>,
    ip: ClientIp,
    Path(token): Path<String>,
    request: Request<Body>,
) -> Response {
    match taken(&state, ip, &token, request).await {
        Ok(answer) => answer,
        Err(error) => plain::trouble(&state, error),
    }
}

async fn taken(state: &AppState, ip: ClientIp, token: &str, request: Request<Body>) -> Result<Response, ApiError> {
    // Before the body: whoever guesses is not listened to.
    let Some(opened) = open(state, ip, token).await? else { return Ok(plain::gone(state)) };
    let Some(task) = &opened.task else { return Ok(not_yet(state)) };
    let data = sent(request).await?;
    let again = |wrong: &[FieldError]| {
        let page = asked(task, opened.assignee.as_deref(), &opened.choices, Some(&data), wrong);
        Ok(page.with_status(StatusCode::UNPROCESSABLE_ENTITY).answer(state))
    };
    let chosen = data.get("choice").and_then(|choice| opened.choices.iter().find(|(key, _)| key == choice));
    let Some((choice, label)) = chosen else {
        return again(&[FieldError { pointer: "choice".into(), detail: strings::CHOOSE_ONE.into(), code: None }]);
    };
    let form = match plain::read(&task.form, &data) {
        Ok(form) => form,
        Err(wrong) => return again(&wrong),
    };
    if !task.form.is_null() {
        let wrong = plain::mismatches(&task.form, &form);
        if !wrong.is_empty() {
            return again(&wrong);
        }
    }
    match answer(state, &opened, task, choice, form).await? {
        Answered::Taken => {
            let what = element("p", &[], text(&strings::chose(label))).and(element(
                "p",
                &[("class", "muted")],
                text(strings::ANSWERED_WHAT),
            ));
            Ok(Page::new(strings::ANSWERED, what).answer(state))
        }
        Answered::Kept => {
            let what = element("p", &[], text(&strings::chose(label))).and(element(
                "p",
                &[("class", "muted"), ("role", "status")],
                text(strings::KEPT_WHAT),
            ));
            Ok(Page::new(strings::KEPT, what).with_status(StatusCode::ACCEPTED).answer(state))
        }
        Answered::Over => Ok(plain::gone(state)),
        Answered::Wrong(wrong) => again(&wrong),
    }
}

/// The form that a browser sent.
///
/// # Errors
/// When it is too large or no form.
pub async fn sent(request: Request<Body>) -> Result<Data, ApiError> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        let detail = "This address reads forms: `application/x-www-form-urlencoded`.";
        return Err(Problem::new(Code::UnsupportedMediaType, detail).into());
    }
    Ok(Data::of(&read_body(request.into_body(), MOST_FORM).await?))
}

fn not_yet(state: &AppState) -> Response {
    let what = element("p", &[("class", "muted"), ("role", "status")], text(strings::NOT_YET_WHAT));
    let mut page = Page::new(strings::NOT_YET, what);
    page.again_after = Some(3);
    page.answer(state)
}

/// The page with the question, and with what is wrong with an answer.
fn asked(
    task: &Task,
    assignee: Option<&str>,
    choices: &[(String, String)],
    data: Option<&Data>,
    wrong: &[FieldError],
) -> Page {
    let draw = Draw::new(data, wrong);
    let facts = [
        task.due.map(|due| (strings::DUE, plain::moment(due))),
        assignee.map(|assignee| (strings::FOR, assignee.to_owned())),
    ];
    let facts: Html = facts
        .into_iter()
        .flatten()
        .map(|(name, value)| element("div", &[], element("dt", &[], text(name)).and(element("dd", &[], text(&value)))))
        .collect();
    let facts = if facts.is_none() { facts } else { element("dl", &[("class", "facts")], facts) };
    let elsewhere = draw.elsewhere(&task.form);
    let refused = if wrong.is_empty() {
        Html::none()
    } else {
        let lines = elsewhere.iter().map(|line| element("p", &[], text(line))).collect();
        notice("bad", "circle-alert", "alert", strings::NOT_TAKEN, lines)
    };
    let button = |(at, (key, label)): (usize, &(String, String))| {
        let class = if at == 0 { "button primary" } else { "button" };
        element("button", &[("type", "submit"), ("class", class), ("name", "choice"), ("value", key)], text(label))
    };
    let buttons = choices.iter().enumerate().map(button).collect();
    // Enter in a field presses the first button of a form: this one, which chooses nothing, so that nothing is answered by a slip.
    let guard = void("input", &[("type", "submit"), ("hidden", ""), ("value", strings::CHOOSE_ONE)]);
    let form = guard.and(draw.form(&task.form)).and(element("div", &[("class", "actions")], buttons)).and(element(
        "p",
        &[("class", "muted small")],
        text(strings::ONCE),
    ));
    let form = element("form", &[("method", "post"), ("class", "stack"), ("novalidate", "")], form);
    Page::new(task.title.clone(), shown(&task.context).and(facts).and(refused).and(form))
}
