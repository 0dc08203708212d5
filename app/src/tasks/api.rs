//! Tasks: the port and its REST client.

use holon_model::wire::Page;
use holon_model::wire::links::{Link, MadeLink, MakeLink};
use holon_model::wire::tasks::{AnswerKept, AnswerTask, Task, TaskCounts, TaskSummary};
use holon_model::{LinkId, RunId};

use crate::ports::PortFuture;
use crate::rest::{Ask, Query, Rest};

/// Which tasks to list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TasksQuery {
    /// Only in this state: `open`, `answered` or `closed`.
    pub state: Option<String>,
    /// Only for these: `me` or `nobody`.
    pub whom: Option<String>,
    /// Where the last page ended.
    pub cursor: Option<String>,
}

/// What pages read about tasks.
pub trait TasksPort: Send + Sync {
    /// Tasks, of the newest run first.
    fn list(&self, query: TasksQuery) -> PortFuture<Page<TaskSummary>>;
    /// How many are open.
    fn counts(&self) -> PortFuture<TaskCounts>;
    /// Tasks of one run that are open.
    fn of_run(&self, run: RunId) -> PortFuture<Page<TaskSummary>>;
    /// One task of one run.
    fn get(&self, run: RunId, task: String) -> PortFuture<Task>;
    /// The links to a task, newest first, without their addresses.
    fn links(&self, run: RunId, task: String) -> PortFuture<Page<Link>>;
}

impl TasksPort for Rest {
    fn list(&self, query: TasksQuery) -> PortFuture<Page<TaskSummary>> {
        let address = Query::new("/tasks")
            .with("state", &query.state.unwrap_or_default())
            .with("for", &query.whom.unwrap_or_default())
            .with("cursor", &query.cursor.unwrap_or_default());
        Ask::get(address.build()).read()
    }

    fn counts(&self) -> PortFuture<TaskCounts> {
        Ask::get("/tasks/count".to_owned()).read()
    }

    fn of_run(&self, run: RunId) -> PortFuture<Page<TaskSummary>> {
        Ask::get(format!("/runs/{run}/tasks?state=open")).read()
    }

    fn get(&self, run: RunId, task: String) -> PortFuture<Task> {
        Ask::get(format!("/runs/{run}/tasks/{task}")).read()
    }

    fn links(&self, run: RunId, task: String) -> PortFuture<Page<Link>> {
        Ask::get(format!("/runs/{run}/tasks/{task}/links")).read()
    }
}

/// Answers a task; the first answer counts. It says so where the run has not said yet whether this was the first.
pub fn answer(run: RunId, task: &str, body: &AnswerTask) -> PortFuture<Option<AnswerKept>> {
    Ask::post(format!("/runs/{run}/tasks/{task}/answer")).json(body).read_if_any()
}

/// Makes a link to a task; the answer is the only time that its address is shown.
pub fn make_link(run: RunId, task: &str, body: &MakeLink) -> PortFuture<MadeLink> {
    Ask::post(format!("/runs/{run}/tasks/{task}/links")).json(body).read()
}

/// Takes a link back.
pub fn revoke_link(run: RunId, task: &str, link: LinkId) -> PortFuture<()> {
    Ask::delete(format!("/runs/{run}/tasks/{task}/links/{link}")).done()
}
