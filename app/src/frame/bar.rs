//! The bar of a page: where you are, and what can be done here.

use leptos::prelude::*;

use super::strings;
use crate::ui::icon;

/// One step of the way to a page; the last one has no address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crumb {
    /// What it is called.
    pub label: String,
    /// Where it is.
    pub href: Option<String>,
}

impl Crumb {
    /// A step that can be gone back to.
    pub fn to(label: impl Into<String>, href: impl Into<String>) -> Self {
        Self { label: label.into(), href: Some(href.into()) }
    }

    /// The page itself.
    pub fn here(label: impl Into<String>) -> Self {
        Self { label: label.into(), href: None }
    }
}

/// The bar. On its right it leaves room for the tools that every page has.
pub fn bar(crumbs: Vec<Crumb>, actions: impl IntoView) -> AnyView {
    let last = crumbs.len().saturating_sub(1);
    let step = |(at, crumb): (usize, Crumb)| {
        let label = match crumb.href {
            Some(href) => view! { <a href=href>{crumb.label}</a> }.into_any(),
            None => {
                view! { <span aria-current="page" title=crumb.label.clone()>{crumb.label.clone()}</span> }.into_any()
            }
        };
        view! { <li>{label}{(at < last).then(|| icon("chevron-right"))}</li> }.into_any()
    };
    view! {
        <header class="bar">
            <nav class="crumbs" aria-label=strings::CRUMBS>
                <ol>{crumbs.into_iter().enumerate().map(step).collect::<Vec<_>>()}</ol>
            </nav>
            <div class="actions">{actions.into_any()}</div>
        </header>
    }
    .into_any()
}
