//! What people read on the page of workers.

pub const ABOUT: &str = "Tasks that flows hand out to programs of your own, and the programs that take them.";
pub const ASKED: &str = "Handed out";
pub const ATTEMPT: &str = "Attempt";
pub const EMPTY: &str = "No workers yet";
pub const EMPTY_WHAT: &str =
    "Put a Task for workers into a flow, make a token for workers, and start a program that takes tasks of the pool.";
pub const FLOW: &str = "Flow";
pub const MAKE_TOKEN: &str = "Make a token";
pub const NOBODY: &str = "None seen today";
pub const NONE: &str = "—";
pub const NO_TASKS: &str = "Nothing is handed out";
pub const NO_TASKS_WHAT: &str =
    "Tasks stand here from when a run hands them out until a worker says what became of them.";
pub const OLDEST: &str = "Oldest waiting";
pub const POOL: &str = "Pool";
pub const POOLS: &str = "Pools";
pub const STATE: &str = "State";
pub const TASK: &str = "Task";
pub const TASKS: &str = "Tasks";
pub const TAKEN: &str = "With workers";
pub const WAITING: &str = "Waiting";
pub const WORKER: &str = "Worker";
pub const WORKERS: &str = "Workers";

/// The state of a task in a word.
pub fn state(state: &str, claims: u32) -> &'static str {
    match (state, claims) {
        ("claimed", _) => "With a worker",
        (_, 0) => WAITING,
        _ => "Lost by a worker, waiting",
    }
}

/// How many tasks a worker has.
pub fn has(tasks: u32) -> String {
    match tasks {
        0 => "idle".to_owned(),
        1 => "1 task".to_owned(),
        more => format!("{more} tasks"),
    }
}
