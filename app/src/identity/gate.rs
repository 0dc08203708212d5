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
        <svg viewBox="0 0 776 420" role="presentation">
            <path class="edge" d="M236 92h64"></path>
            <text class="data" x="264" y="84">"1"</text>
            <path class="edge" d="M476 92h12c32 0 32 92 0 92H44c-32 0 -32 122 0 122h16"></path>
            <rect class="scope" x="60" y="224" width="448" height="132" rx="8"></rect>
            <text x="76" y="248">"For each line"</text>
            <text class="data" x="446" y="248">"3 of 8"</text>
            <path class="edge on" d="M252 306h64"></path>
            <path class="edge" d="M508 306h64"></path>
            {card(60, 62, "webhook", "Order received", "POST /hooks/9f2c", ("circle-check", "ok"), (false, true))}
            {card(300, 62, "list-checks", "Check it", "schema order@2", ("circle-check", "ok"), (true, true))}
            {card(76, 276, "calculator", "Price the line", "qty * price", ("circle-check", "ok"), (false, true))}
            {card(316, 276, "globe", "Reserve stock", "POST api.stock/…", ("loader-circle", "run"), (true, false))}
            {card(572, 276, "reply", "Respond", "201", ("circle-dashed", "glyph"), (true, false))}
            <circle class="port" cx="60" cy="306" r="5"></circle>
            <circle class="port" cx="508" cy="306" r="5"></circle>
        </svg>
    }
    .into_any()
}

/// One node: what it is, what it does, its state, and its ports in and out.
fn card(
    x: i32,
    y: i32,
    glyph: &'static str,
    title: &'static str,
    what: &'static str,
    (state, class): (&'static str, &'static str),
    (incoming, outgoing): (bool, bool),
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
            {incoming.then(|| view! { <circle class="port" cx="0" cy="30" r="5"></circle> })}
            {outgoing.then(|| view! { <circle class="port" cx="176" cy="30" r="5"></circle> })}
        </g>
    }
    .into_any()
}
