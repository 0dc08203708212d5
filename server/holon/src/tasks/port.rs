//! What pages ask about tasks while the server renders them: the same use cases as REST, in process.

use holon_app::ports::PortFuture;
use holon_app::tasks::api::{TasksPort, TasksQuery};
use holon_authz::actions::ReadTasks;
use holon_model::RunId;
use holon_model::wire::Page;
use holon_model::wire::links::Link;
use holon_model::wire::tasks::{ME, NOBODY, Task, TaskCounts, TaskSummary};

use super::{list, read, store::Whom};
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
    fn list(&self, query: TasksQuery) -> PortFuture<Page<TaskSummary>> {
        let (server, visitor) = (self.state.clone(), self.visitor.clone());
        Box::pin(async move {
            let caller = visitor.allowed::<ReadTasks>()?;
            let TasksQuery { state, whom, cursor } = query;
            let cursor = cursor.as_deref().map(cursor::decode).transpose()?;
            let whom = match whom.as_deref() {
                Some(ME) => Whom::Named(list::names(&caller.caller().person)),
                Some(NOBODY) => Whom::Nobody,
                _ => Whom::Anybody,
            };
            let ask = list::ListTasks { state, run: None, whom, cursor, limit: 50 };
            list::list(&server, caller.context(), caller.proof(), ask).await.map_err(problem)
        })
    }

    fn of_run(&self, run: RunId) -> PortFuture<Page<TaskSummary>> {
        let (server, visitor) = (self.state.clone(), self.visitor.clone());
        Box::pin(async move {
            let caller = visitor.allowed::<ReadTasks>()?;
            let state = Some("open".to_owned());
            let ask = list::ListTasks { state, run: Some(run), limit: 50, ..list::ListTasks::default() };
            list::list(&server, caller.context(), caller.proof(), ask).await.map_err(problem)
        })
    }

    fn counts(&self) -> PortFuture<TaskCounts> {
        let (server, visitor) = (self.state.clone(), self.visitor.clone());
        Box::pin(async move {
            let caller = visitor.allowed::<ReadTasks>()?;
            let person = &caller.caller().person;
            list::counts(&server, caller.context(), caller.proof(), person).await.map_err(problem)
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
