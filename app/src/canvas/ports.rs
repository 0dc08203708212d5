//! The ports of a card: circles of 10 px in targets of 24, labelled when there is more than one.

use holon_studio::{geometry, view::NodeView};
use leptos::prelude::*;

use super::CanvasEvent;

/// All ports of a card.
pub(super) fn ports(view: &NodeView, editable: bool, on: Option<Callback<CanvasEvent>>) -> Vec<AnyView> {
    let inputs = view.inputs.iter().enumerate().map(|(index, port)| input(view, index, port));
    let outputs =
        view.outputs.iter().enumerate().map(|(index, port)| output(view, index, port, on.filter(|_| editable)));
    inputs.chain(outputs).collect()
}

fn top(index: usize, count: usize) -> String {
    format!("{}px", geometry::port_y(index, count))
}

fn input(view: &NodeView, index: usize, port: &str) -> AnyView {
    let name = format!("{}.{port}", view.key);
    let label = (view.inputs.len() > 1).then(|| view! { <span class="port-label">{port.to_owned()}</span> });
    view! {
        <span class="port in" data-in=name.clone() title=name style:top=top(index, view.inputs.len())>{label}</span>
    }
    .into_any()
}

fn output(view: &NodeView, index: usize, port: &str, on: Option<Callback<CanvasEvent>>) -> AnyView {
    let name = format!("{}.{port}", view.key);
    let label = (view.outputs.len() > 1).then(|| view! { <span class="port-label">{port.to_owned()}</span> });
    let Some(on) = on else {
        return view! {
            <span class="port out" class:error=port == "error" title=name style:top=top(index, view.outputs.len())>{label}</span>
        }
        .into_any();
    };
    // Pressing it without a pointer is a click; the pointer's own way is in `gesture`.
    let press = {
        let name = name.clone();
        move |event: leptos::ev::MouseEvent| {
            if event.detail() == 0 {
                on.run(CanvasEvent::Picked(name.clone()));
            }
        }
    };
    view! {
        <button
            type="button"
            class="port out"
            class:error=port == "error"
            tabindex="-1"
            data-out=name.clone()
            title=name.clone()
            aria-label=format!("Connect {name}")
            style:top=top(index, view.outputs.len())
            on:click=press
        >
            {label}
        </button>
    }
    .into_any()
}
