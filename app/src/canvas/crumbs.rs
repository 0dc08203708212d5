//! Where in the flow the canvas is: from the flow down to the body that is shown, which of its scope's bodies that is, and which
//! item of a loop.

use holon_flow::definition::Key;
use leptos::prelude::*;

use super::{Scene, Selection, strings};
use crate::ui::icon;

/// The breadcrumbs; nothing while the flow itself is shown. `count` says how many items the innermost loop has.
#[component]
pub fn Crumbs(
    /// The canvas.
    scene: Scene,
    /// Items of the loop that is entered, 0 when it is none.
    #[prop(into)]
    count: Signal<u32>,
) -> impl IntoView {
    let leave = move |depth: usize| {
        scene.selection.set(Selection::default());
        scene.iterations.update(|iterations| iterations.truncate(depth));
        scene.path.update(|path| *path = path.prefix(depth));
    };
    let siblings =
        Memo::new(move |_| scene.definition.with(|definition| scene.path.with(|path| path.siblings(definition))));
    let crumbs = move || {
        let path = scene.path.get();
        let last = path.0.len();
        // Which body of the last scope it is, the choice beside it says where there are several.
        let chosen = siblings.with(Vec::len) > 1;
        let words = std::iter::once(strings::FLOW.to_owned()).chain(
            path.0.iter().enumerate().map(
                |(at, step)| {
                    if chosen && at + 1 == last { step.node.to_string() } else { step.words() }
                },
            ),
        );
        words
            .enumerate()
            .map(|(depth, word)| {
                let current = depth == last;
                view! {
                    <li>
                        {(depth > 0).then(|| icon("chevron-right"))}
                        <button type="button" class="button ghost small" disabled=current aria-current=current.then_some("location") on:click=move |_| leave(depth)>
                            {word}
                        </button>
                    </li>
                }
            })
            .collect::<Vec<_>>()
    };
    let beside = move || {
        let (parent, step) = scene.path.with(|path| path.parent().map(|(parent, step)| (parent, step.clone())))?;
        let bodies = siblings.get();
        (bodies.len() > 1).then(|| {
            let options = bodies
                .iter()
                .map(|body| view! { <option value=body.to_string() selected=*body == step.body>{body.to_string()}</option> })
                .collect::<Vec<_>>();
            let depth = parent.0.len();
            let label = strings::body_of(&step.node);
            let go = move |event| {
                scene.selection.set(Selection::default());
                // Which item of the loops around it is looked at stays; its own begins anew.
                scene.iterations.update(|iterations| iterations.truncate(depth));
                scene.path.set(parent.child(&step.node, &Key::from(event_target_value(&event).as_str())));
            };
            view! { <li class="crumb-item"><select class="input" aria-label=label.clone() title=label on:change=go>{options}</select></li> }
        })
    };
    let item = move || {
        let depth = scene.path.with(|path| path.0.len());
        let count = count.get();
        (depth > 0 && count > 0).then(|| {
            let chosen = move || scene.iterations.with(|iterations| iterations.get(depth - 1).copied().unwrap_or(0));
            let set = move |index: u32| {
                scene.iterations.update(|iterations| {
                    iterations.resize(depth, 0);
                    iterations[depth - 1] = index.min(count - 1);
                });
            };
            view! {
                <li class="crumb-item">
                    <label>
                        {strings::ITEM}
                        <input
                            class="input"
                            type="number"
                            min="1"
                            max=count.to_string()
                            prop:value=move || (chosen() + 1).to_string()
                            on:change=move |event| set(event_target_value(&event).parse::<u32>().unwrap_or(1).saturating_sub(1))
                        />
                        {format!("of {count}")}
                    </label>
                </li>
            }
        })
    };
    view! {
        <nav class="canvas-crumbs" aria-label=strings::FLOW hidden=move || scene.path.with(|path| path.is_root())>
            <ol>{crumbs}{beside}{item}</ol>
        </nav>
    }
    .into_any()
}
