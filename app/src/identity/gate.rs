//! What stands around the form before anybody is signed in: the mark, and beside it a flow at work, drawn.

use leptos::prelude::*;

use super::strings;
use crate::ui::{icon, icon::mark};

/// A page with one form.
pub fn gate(title: String, what: String, obstacle: Option<String>, form: AnyView) -> AnyView {
    let obstacle = obstacle.map(|why| {
        view! {
            <div class="notice warn" role="alert">
                {icon("triangle-alert")}
                <span class="title">{strings::CANNOT_SIGN_IN}</span>
                <span class="detail">{why}</span>
            </div>
        }
    });
    view! {
        <main class="gate">
            <div class="gate-form">
                <div class="mark">{mark(28)}"Holon"</div>
                <div>
                    <h1>{title}</h1>
                    <p class="muted">{what}</p>
                </div>
                {obstacle}
                {form}
            </div>
            <div class="gate-art" aria-hidden="true">{drawing()}</div>
        </main>
    }
    .into_any()
}

/// An order comes in, is checked, and each of its lines is sent on: the canvas, as it looks while a run is live.
fn drawing() -> AnyView {
    view! {
        <svg viewBox="0 0 720 420" role="presentation">
            <path class="edge" d="M184 122h24c20 0 14 0 34 0h6"></path>
            <path class="edge" d="M424 122h20c30 0 10 112 -20 112H330c-40 0 -60 0 -80 0h-96c-26 0 -26 72 0 72h6"></path>
            <path class="edge on" d="M250 306h40"></path>
            <path class="edge on" d="M466 306h40"></path>
            <rect class="scope" x="142" y="252" width="388" height="128" rx="8"></rect>
            <text x="158" y="274">"For each line"</text>
            <text class="data" x="462" y="274">"3 of 8"</text>
            {card(8, 92, "webhook", "Order received", "POST /hooks/9f2c", "circle-check", "ok")}
            {card(248, 92, "list-checks", "Check the order", "schema order@2", "circle-check", "ok")}
            {card(160, 292, "calculator", "Price the line", "qty * price", "circle-check", "ok")}
            {card(336, 292, "globe", "Reserve stock", "POST api.stock/…", "loader-circle", "run")}
            {card(538, 292, "reply", "Respond", "201", "circle-dashed", "glyph")}
            <path class="edge" d="M530 322h8"></path>
            <text class="data" x="194" y="112">"1"</text>
        </svg>
    }
    .into_any()
}

fn card(
    x: i32,
    y: i32,
    glyph: &'static str,
    title: &'static str,
    what: &'static str,
    state: &'static str,
    class: &'static str,
) -> AnyView {
    let place = format!("translate({x} {y})");
    let href = |name: &str| format!("/pkg/icons.svg#{name}");
    view! {
        <g transform=place>
            <rect class="card" width="176" height="60" rx="8"></rect>
            <rect class="box" x="10" y="12" width="28" height="28" rx="6"></rect>
            <svg class="glyph" x="16" y="18" width="16" height="16"><use href=href(glyph)></use></svg>
            <text x="48" y="25">{title}</text>
            <text class="sub" x="48" y="43">{what}</text>
            <svg class=class x="152" y="10" width="14" height="14"><use href=href(state)></use></svg>
            <circle class="port" cx="0" cy="30" r="5"></circle>
            <circle class="port" cx="176" cy="30" r="5"></circle>
        </g>
    }
    .into_any()
}
