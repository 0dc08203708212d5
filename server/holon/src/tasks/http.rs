//! Routes of tasks.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use holon_authz::actions::{AnswerTasks, ReadTasks};
use holon_model::wire::Page;
use holon_model::wire::tasks::{AnswerKept, AnswerTask, STATES, Task, TaskSummary};
use holon_model::{Problem, RunId, Value};
use holon_runtime::Delivered;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{answer, list, read};
use crate::http::{Allowed, ApiResult, Fields, PAYLOAD, Path, Query, ValueBody, cursor, one_of};
use crate::state::AppState;

/// What it means that an answer is kept.
const KEPT: &str = "The answer is kept, and the run has not taken it in yet: it is paused, or the server that drives it has not \
                    answered. It counts unless another one came first. Read the task to see; answering again is not needed.";
/// Longer than any key of a choice.
const LONGEST_KEY: usize = 1_000;

/// The feature's routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_tasks))
        .routes(routes!(tasks_of_run))
        .routes(routes!(read_task))
        .routes(routes!(answer_task))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// `open`, `answered` or `closed`; absent: all.
    state: Option<String>,
    /// Where to go on: `next_cursor` of the page before.
    cursor: Option<String>,
    /// At most this many, 1 to 200; 50 if absent.
    limit: Option<u16>,
}

impl ListQuery {
    fn ask(self, run: Option<RunId>) -> ApiResult<list::ListTasks> {
        let cursor = self.cursor.as_deref().map(cursor::decode).transpose()?;
        let state = one_of("state", self.state, &STATES)?;
        Ok(list::ListTasks { state, run, cursor, limit: self.limit.unwrap_or(50) })
    }
}

/// What runs of the environment ask people, of the newest run first.
#[utoipa::path(get, path = "/tasks", tag = "tasks", params(ListQuery), responses((status = 200, body = Page<TaskSummary>)))]
async fn list_tasks(
    State(state): State<AppState>,
    caller: Allowed<ReadTasks>,
    Query(query): Query<ListQuery>,
) -> ApiResult<Json<Page<TaskSummary>>> {
    Ok(Json(list::list(&state, caller.context(), caller.proof(), query.ask(None)?).await?))
}

/// What one run asks people.
#[utoipa::path(get, path = "/runs/{id}/tasks", tag = "tasks", params(("id" = RunId, Path), ListQuery),
    responses((status = 200, body = Page<TaskSummary>)))]
async fn tasks_of_run(
    State(state): State<AppState>,
    caller: Allowed<ReadTasks>,
    Path(run): Path<RunId>,
    Query(query): Query<ListQuery>,
) -> ApiResult<Json<Page<TaskSummary>>> {
    Ok(Json(list::list(&state, caller.context(), caller.proof(), query.ask(Some(run))?).await?))
}

/// One task of one run.
#[utoipa::path(get, path = "/runs/{id}/tasks/{task}", tag = "tasks",
    params(("id" = RunId, Path), ("task" = String, Path, description = "The task's id: 32 hexadecimal digits")),
    responses((status = 200, body = Task)))]
async fn read_task(
    State(state): State<AppState>,
    caller: Allowed<ReadTasks>,
    Path((run, task)): Path<(RunId, String)>,
) -> ApiResult<Json<Task>> {
    Ok(Json(read::read(&state, caller.context(), caller.proof(), run, &task).await?))
}

/// Answers a task. The first answer counts. 202: it is kept for the run, which has not said yet whether it was the first.
#[utoipa::path(post, path = "/runs/{id}/tasks/{task}/answer", tag = "tasks",
    params(("id" = RunId, Path), ("task" = String, Path, description = "The task's id: 32 hexadecimal digits")),
    request_body = AnswerTask, responses((status = 204), (status = 202, body = AnswerKept)))]
async fn answer_task(
    State(state): State<AppState>,
    caller: Allowed<AnswerTasks>,
    Path((run, task)): Path<(RunId, String)>,
    ValueBody(body): ValueBody<PAYLOAD>,
) -> ApiResult<Response> {
    let answer = read_answer(&body)?;
    let intent = caller.intent(&*state.clock, answer::Answer { run, task, answer });
    Ok(match answer::answer(&state, caller.proof(), intent).await? {
        Delivered::TakenIn => StatusCode::NO_CONTENT.into_response(),
        Delivered::Kept => (StatusCode::ACCEPTED, Json(AnswerKept { detail: KEPT.into() })).into_response(),
    })
}

fn read_answer(body: &Value) -> Result<AnswerTask, Problem> {
    let mut fields =
        Fields::of(body, &["choice", "form"], "The answer is not as it must be. The task was not answered.");
    let answer = AnswerTask {
        choice: fields.required("choice", LONGEST_KEY, "must be the key of one of the task's choices"),
        form: fields.value("form"),
    };
    fields.done().map(|()| answer)
}
