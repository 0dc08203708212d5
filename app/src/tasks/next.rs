//! What the run asks besides: after an answer, a try that fails again asks anew, and a flow may ask several people.

use holon_model::wire::tasks::{Task, TaskSummary};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::strings;
use crate::ports::{Ports, use_ports};
use crate::runs::follow::follow;
use crate::ui::{ago, icon, plain};

/// Open tasks of the same run, as they come.
pub(super) fn next(task: &Task) -> AnyView {
    let (run, this) = (task.run, StoredValue::new(task.id.clone()));
    let (open, ports) = (RwSignal::new(Vec::<TaskSummary>::new()), StoredValue::new(use_ports()));
    let look = move |ports: &Ports| {
        let asked = ports.tasks.of_run(run);
        spawn_local(async move {
            let Ok(page) = asked.await else { return };
            let Some(this) = this.try_get_value() else { return };
            open.try_set(page.data.into_iter().filter(|task| task.id != this).collect());
        });
    };
    let read = move || _ = ports.try_with_value(look);
    Effect::new(move |_| read());
    follow(|| None, read);
    let one = |task: TaskSummary| {
        view! {
            <li>
                <span class="status is-waiting">{icon("clipboard-check")}</span>
                <div class="grow"><a class="row-link" href=format!("/tasks/{}/{}", task.run, task.id)>{plain(&task.title)}</a></div>
                <span class="sub end">{ago(task.opened_at)}</span>
            </li>
        }
        .into_any()
    };
    let shown = move || {
        let open = open.get();
        (!open.is_empty()).then(|| {
            view! {
                <section class="stack tight" aria-labelledby="task-next">
                    <h2 id="task-next">{strings::ASKED_NEXT}</h2>
                    <ul class="list">{open.into_iter().map(one).collect::<Vec<_>>()}</ul>
                </section>
            }
        })
    };
    view! { <div role="status">{shown}</div> }.into_any()
}
