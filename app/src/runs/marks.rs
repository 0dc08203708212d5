//! What a run can be found by: its correlation and its labels, each a link to the runs that share it.

use holon_model::wire::runs::RunSummary;
use leptos::prelude::*;

use super::strings;
use crate::rest::Query;
use crate::ui::icon;

/// All of them, one after the other; nothing when there are none.
pub fn tags(run: &RunSummary) -> Option<AnyView> {
    let about = run.correlation.as_ref().map(|about| {
        let href = Query::new("/runs").with("correlation", about).build();
        tag("hash", about.clone(), strings::same_correlation(about), href)
    });
    let labels = run.labels.iter().map(|(key, value)| {
        let label = format!("{key}:{value}");
        let href = Query::new("/runs").with("label", &label).build();
        tag("tag", label.clone(), strings::same_label(&label), href)
    });
    let all: Vec<AnyView> = about.into_iter().chain(labels).collect();
    (!all.is_empty()).then(|| view! { <span class="marks">{all}</span> }.into_any())
}

fn tag(glyph: &'static str, text: String, title: String, href: String) -> AnyView {
    view! { <a class="tag above" href=href title=title>{icon(glyph)}<span class="truncate">{text}</span></a> }
        .into_any()
}

/// Among the facts in the head of a run.
pub fn fact(run: &RunSummary) -> Option<AnyView> {
    tags(run).map(|tags| view! { <div><dt>{strings::MARKS}</dt><dd>{tags}</dd></div> }.into_any())
}
