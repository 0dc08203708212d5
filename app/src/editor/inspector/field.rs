//! A field of a form: its name, whether it is fixed or computed, its control, its hint and what is wrong with it.

use holon_model::wire::flows::Severity;
use holon_studio::form::{self, Field, Input, Mode};
use leptos::prelude::*;

use super::{Spot, expression, inputs, lists};
use crate::{
    editor::{markdown, strings},
    ui::{dom, icon},
};

/// How a value is written, without its source: what decides which control is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    Fixed,
    Expression,
    Text,
}

/// The field with everything around it.
pub(super) fn field(spot: Spot, field: Field) -> AnyView {
    let id = spot.id(&field.pointer);
    let written = written(&spot, &field);
    let shown = {
        let (spot, field) = (spot.clone(), field.clone());
        Memo::new(move |_| visible(&spot, &field))
    };
    let labelled = !matches!(field.input, Input::Group(_) | Input::List(_) | Input::Table(_));
    let title = {
        let required = field.required.then(|| view! { <span class="optional">{strings::REQUIRED}</span> });
        let words = field.title.clone();
        if labelled {
            view! { <label class="form-title" for=id.clone()>{words}" "{required}</label> }.into_any()
        } else {
            view! { <span class="form-title">{words}" "{required}</span> }.into_any()
        }
    };
    let description =
        (!field.description.is_empty()).then(|| view! { <p class="hint">{markdown::inline(&field.description)}</p> });
    let fx = switch(&spot, &field, written);
    let problems = problems(&spot, &field.pointer, written, &id);
    view! {
        <div class="form-field" class:absent=move || !shown.get()>
            <div class="form-head">{title}{fx}</div>
            {control(spot, field, written, id)}
            {description}
            {problems}
        </div>
    }
    .into_any()
}

/// The control alone: items of lists and values of maps have no name that is seen, and this one for who does not see where they stand.
pub(super) fn bare(spot: Spot, field: Field, name: String) -> AnyView {
    let id = spot.id(&field.pointer);
    let written = written(&spot, &field);
    let fx = switch(&spot, &field, written);
    let problems = problems(&spot, &field.pointer, written, &id);
    view! {
        <div class="form-bare">
            <label class="hidden-visually" for=id.clone()>{name}</label>
            <div class="grow">{control(spot, field, written, id)}{problems}</div>
            {fx}
        </div>
    }
    .into_any()
}

fn visible(spot: &Spot, field: &Field) -> bool {
    let Some((sibling, values, default)) = &field.when else { return true };
    spot.value(sibling).or_else(|| default.clone()).is_some_and(|value| values.contains(&value))
}

fn written(spot: &Spot, field: &Field) -> Memo<Written> {
    let (spot, field) = (spot.clone(), field.clone());
    Memo::new(move |_| {
        let value = spot.value(&field.pointer);
        let given = value.as_ref().is_some_and(|value| !value.is_null());
        let words = value.as_ref().is_none_or(|value| value.as_str().is_some());
        match (form::mode(value.as_ref()), &field.input) {
            (Mode::Expression(_), _) => Written::Expression,
            (Mode::Text(_), _) => Written::Text,
            // Written by hand as JSON with expressions inside: it stays JSON.
            (Mode::Fixed, Input::Expression) if !given => Written::Expression,
            (Mode::Fixed, Input::Template) if words => Written::Text,
            (Mode::Fixed, _) => Written::Fixed,
        }
    })
}

fn control(spot: Spot, field: Field, written: Memo<Written>, id: String) -> impl Fn() -> AnyView + Send + 'static {
    move || match written.get() {
        Written::Expression => expression::expression(spot.clone(), &field, false, id.clone()),
        Written::Text => expression::expression(spot.clone(), &field, true, id.clone()),
        Written::Fixed => match &field.input {
            Input::List(items) => lists::list(spot.clone(), &field, items.clone()),
            Input::Table(values) => lists::table(spot.clone(), &field, values.clone()),
            Input::Group(fields) => lists::group(spot.clone(), fields.clone()),
            Input::Variant(variants) => lists::variant(spot.clone(), &field, variants.clone(), id.clone()),
            _ => inputs::input(spot.clone(), &field, id.clone()),
        },
    }
}

/// The switch between a fixed value and an expression.
fn switch(spot: &Spot, field: &Field, written: Memo<Written>) -> Option<AnyView> {
    if field.constant
        || matches!(field.input, Input::Expression | Input::Template | Input::Group(_) | Input::Connection(_))
    {
        return None;
    }
    let (spot, field) = (spot.clone(), field.clone());
    let computed = move || written.get() != Written::Fixed;
    let press = move |_| {
        let now = spot.with(|node| node.config.pointer(&field.pointer).cloned()).flatten();
        if written.get_untracked() != Written::Fixed {
            return spot.set(&field.pointer, form::to_fixed(now.as_ref(), &field.input));
        }
        match form::to_expression(now.as_ref().or(field.default.as_ref())) {
            Some(next) => spot.set(&field.pointer, Some(next)),
            None => spot.editor.toasts.bad(strings::NO_EXPRESSION),
        }
    };
    Some(
        view! {
            <button
                type="button"
                class="fx"
                aria-pressed=move || computed().to_string()
                title=move || if computed() { strings::TO_FIXED } else { strings::TO_EXPRESSION }
                aria-label=move || if computed() { strings::TO_FIXED } else { strings::TO_EXPRESSION }
                on:click=press
            >
                "fx"
            </button>
        }
        .into_any(),
    )
}

/// What validation says about the field, tied to its control.
pub(super) fn problems<W: Send + Sync + 'static>(spot: &Spot, pointer: &str, written: Memo<W>, id: &str) -> AnyView {
    let (spot, pointer) = (spot.clone(), pointer.to_owned());
    let found = Memo::new(move |_| spot.problems(&pointer));
    let (control, paragraphs) = (id.to_owned(), format!("{id}-problems"));
    let own = paragraphs.clone();
    Effect::new(move |before: Option<bool>| {
        written.track();
        let wrong = found.with(|found| found.iter().any(|found| found.severity == Severity::Error));
        let any = found.with(|found| !found.is_empty());
        let (control, paragraphs) = (control.clone(), paragraphs.clone());
        if any || before == Some(true) {
            // Another way of writing the value is another control, which is drawn first.
            request_animation_frame(move || tie(&control, any.then_some(&*paragraphs), wrong));
        }
        any
    });
    let one = |found: holon_model::wire::flows::Diagnostic| {
        let class = if found.severity == Severity::Error { "form-problem" } else { "form-problem warning" };
        let hint = found.hint.map(|hint| view! { <span class="hint">{markdown::inline(&hint)}</span> });
        view! { <p class=class>{icon("circle-alert")}<span>{markdown::inline(&found.message)}{hint}</span></p> }
            .into_any()
    };
    let shown = move || {
        let found = found.get();
        (!found.is_empty()).then(|| view! { <div class="form-problems" id=own.clone()>{found.into_iter().map(one).collect::<Vec<_>>()}</div> })
    };
    view! { {shown} }.into_any()
}

/// Tells a control what describes it, and whether it is wrong. Groups and lists have no control of their own.
fn tie(control: &str, described: Option<&str>, wrong: bool) {
    let Some(element) = dom::document().and_then(|document| document.get_element_by_id(control)) else { return };
    let _ = match described {
        Some(described) => element.set_attribute("aria-describedby", described),
        None => element.remove_attribute("aria-describedby"),
    };
    let _ = element.set_attribute("aria-invalid", if wrong { "true" } else { "false" });
}
