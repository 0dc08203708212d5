//! What pages ask about tasks while the server renders them: the same use cases as REST, in process.

use holon_app::ports::PortFuture;
use holon_app::tasks::api::TasksPort;
use holon_authz::actions::ReadTasks;
use holon_model::RunId;
use holon_model::wire::Page;
use holon_model::wire::links::Link;
use holon_model::wire::tasks::{Task, TaskSummary};

use super::{list, read};
use crate::http::{Visitor, cursor, problem};
use crate::links;
use crate::state::AppState;

/// The port, bound to one request's caller.
pub struct TasksInProcess {
    /// The server.
    pub state: AppState,
    /// Who asks; may be nobody.
    pub visitor: Visitor,
}

impl TasksPort for TasksInProcess {
    fn list(&self, state: Option<String>, cursor: Option<String>) -> PortFuture<Page<TaskSummary>> {
        let (server, visitor) = (self.state.clone(), self.visitor.clone());
        Box::pin(async move {
            let caller = visitor.allowed::<ReadTasks>()?;
            let cursor = cursor.as_deref().map(cursor::decode).transpose()?;
            let ask = list::ListTasks { state, run: None, cursor, limit: 50 };
            list::list(&server, caller.context(), caller.proof(), ask).await.map_err(problem)
        })
    }

    fn of_run(&self, run: RunId) -> PortFuture<Page<TaskSummary>> {
        let (server, visitor) = (self.state.clone(), self.visitor.clone());
        Box::pin(async move {
            let caller = visitor.allowed::<ReadTasks>()?;
            let ask = list::ListTasks { state: Some("open".to_owned()), run: Some(run), cursor: None, limit: 50 };
            list::list(&server, caller.context(), caller.proof(), ask).await.map_err(problem)
        })
    }

    fn get(&self, run: RunId, task: String) -> PortFuture<Task> {
        let (server, visitor) = (self.state.clone(), self.visitor.clone());
        Box::pin(async move {
            let caller = visitor.allowed::<ReadTasks>()?;
            read::read(&server, caller.context(), caller.proof(), run, &task).await.map_err(problem)
        })
    }

    fn links(&self, run: RunId, task: String) -> PortFuture<Page<Link>> {
        let (server, visitor) = (self.state.clone(), self.visitor.clone());
        Box::pin(async move {
            let caller = visitor.allowed::<ReadTasks>()?;
            links::list(&server, caller.context(), caller.proof(), run, &task).await.map_err(problem)
        })
    }
}
