//! What stands in while data is fetched, as large as what comes.

use leptos::prelude::*;

/// So many rows of a table.
pub fn rows(count: usize) -> AnyView {
    const WIDTHS: [&str; 5] = ["width:38%", "width:52%", "width:30%", "width:46%", "width:34%"];
    let row = |at: usize| {
        view! {
            <div>
                <span class="skeleton" style=WIDTHS[at % WIDTHS.len()]></span>
                <span class="skeleton" style="width:12%"></span>
                <span class="skeleton" style="width:16%"></span>
            </div>
        }
    };
    view! { <div class="skeleton-rows" aria-hidden="true">{(0..count).map(row).collect::<Vec<_>>()}</div> }.into_any()
}

/// A box with rows.
pub fn table(count: usize) -> AnyView {
    view! { <div class="table-box" aria-busy="true">{rows(count)}</div> }.into_any()
}
