//! The page of an error code, from `docs/errors/`: where the `type` of every problem leads.

use axum::extract::{Path, State};
use axum::response::Html;
use holon_model::{Code, Problem};
use include_dir::{Dir, include_dir};
use pulldown_cmark::{Parser, html};

use crate::http::ApiResult;
use crate::state::AppState;

static PAGES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../docs/errors");

/// The page.
pub async fn page(State(state): State<AppState>, Path(code): Path<String>) -> ApiResult<Html<String>> {
    let text = text(&code).ok_or_else(|| Problem::new(Code::NotFound, format!("There is no error code `{code}`.")))?;
    let mut body = String::new();
    html::push_html(&mut body, Parser::new(text));
    // Pages link to each other by file; here they are routes.
    Ok(Html(super::page::frame(&code, &body.replace(".md\"", "\""), &state.build.id)))
}

fn text(code: &str) -> Option<&'static str> {
    PAGES.get_file(format!("{code}.md"))?.contents_utf8()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_page_that_names_it_and_its_status() {
        for code in Code::ALL {
            let text = text(code.as_str()).unwrap_or_else(|| panic!("docs/errors/{}.md is missing", code.as_str()));
            assert!(text.contains(&format!("`{}` · HTTP {}", code.as_str(), code.status())), "{}", code.as_str());
        }
        assert_eq!(text("../../Cargo"), None);
    }
}
