//! Routes of tasks.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use holon_authz::actions::{AnswerTasks, ReadTasks};
use holon_model::wire::Page;
use holon_model::wire::identity::Person;
use holon_model::wire::tasks::{AnswerKept, AnswerTask, ME, NOBODY, STATES, Task, TaskCounts, TaskSummary, WHOM};
use holon_model::{Code, Problem, RunId, Value};
use holon_runtime::Delivered;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{answer, list, read, store::Whom};
use crate::http::{Allowed, ApiResult, Fields, PAYLOAD, Path, Query, ValueBody, cursor, one_of};
use crate::state::AppState;

/// What it means that an answer is kept.
const KEPT: &str = "The answer is kept, and the run has not taken it in yet: it is paused, or the server that drives it has not \
                    answered. It counts unless another one came first. Read the task to see; answering again is not needed.";
/// Longer than any key of a choice, and than any assignee that a task keeps.
const LONGEST_KEY: usize = 1_000;

/// The feature's routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_tasks))
        .routes(routes!(count_tasks))
        .routes(routes!(tasks_of_run))
        .routes(routes!(read_task))
        .routes(routes!(answer_task))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// `open`, `answered` or `closed`; absent: all.
    state: Option<String>,
    /// `me`: tasks that name the caller by e-mail, name or id; `nobody`: tasks that name nobody. Not together with `assignee`.
    #[serde(rename = "for")]
    whom: Option<String>,
    /// Tasks that name this one, as the flow does; capitals do not matter.
    assignee: Option<String>,
    /// Where to go on: `next_cursor` of the page before.
    cursor: Option<String>,
    /// At most this many, 1 to 200; 50 if absent.
    limit: Option<u16>,
}

impl ListQuery {
    fn ask(self, run: Option<RunId>, person: &Person) -> ApiResult<list::ListTasks> {
        let cursor = self.cursor.as_deref().map(cursor::decode).transpose()?;
        let state = one_of("state", self.state, &STATES)?;
        let whom = whom(one_of("for", self.whom, &WHOM)?.as_deref(), self.assignee, person)?;
        Ok(list::ListTasks { state, run, whom, cursor, limit: self.limit.unwrap_or(50) })
    }
}

/// What runs of the environment ask people, of the newest run first.
#[utoipa::path(get, path = "/tasks", tag = "tasks", params(ListQuery), responses((status = 200, body = Page<TaskSummary>)))]
async fn list_tasks(
    State(state): State<AppState>,
    caller: Allowed<ReadTasks>,
    Query(query): Query<ListQuery>,
) -> ApiResult<Json<Page<TaskSummary>>> {
    Ok(Json(list::list(&state, caller.context(), caller.proof(), query.ask(None, &caller.caller().person)?).await?))
}

/// How many tasks are open, and how many of them name the caller or nobody.
#[utoipa::path(get, path = "/tasks/count", tag = "tasks", responses((status = 200, body = TaskCounts)))]
async fn count_tasks(State(state): State<AppState>, caller: Allowed<ReadTasks>) -> ApiResult<Json<TaskCounts>> {
    Ok(Json(list::counts(&state, caller.context(), caller.proof(), &caller.caller().person).await?))
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
    Ok(Json(
        list::list(&state, caller.context(), caller.proof(), query.ask(Some(run), &caller.caller().person)?).await?,
    ))
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

/// For whom tasks are asked for.
fn whom(whom: Option<&str>, assignee: Option<String>, person: &Person) -> Result<Whom, Problem> {
    let refused = |must: &str| {
        let problem = Problem::new(Code::ValidationFailed, format!("The parameter `assignee` {must}."));
        Err(problem.with_field("/assignee", must))
    };
    match (whom, assignee) {
        (Some(_), Some(_)) => refused("must be left out where `for` says whose tasks are meant"),
        (_, Some(name)) if name.is_empty() || name.len() > LONGEST_KEY || name.contains('\0') => {
            refused("must say something, and not contain U+0000")
        }
        (_, Some(name)) => Ok(Whom::Named(vec![name])),
        (Some(ME), None) => Ok(Whom::Named(list::names(person))),
        (Some(NOBODY), None) => Ok(Whom::Nobody),
        _ => Ok(Whom::Anybody),
    }
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
