//! The OpenAPI document as a page that people read: operations by feature with what they take and answer and a call to try, then the
//! errors, then the shapes.

mod curl;
mod fields;
mod operation;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;
use utoipa::openapi::OpenApi;

/// Methods in the order in which a path's operations are shown.
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// The page, for a server that is reached at `base`.
pub fn render(api: &OpenApi, build: &str, base: &str) -> String {
    let document = serde_json::to_value(api).unwrap_or_default();
    let mut sections: BTreeMap<&str, String> = BTreeMap::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for method in METHODS.into_iter().filter(|method| item[method].is_object()) {
            let tag = item[method]["tags"][0].as_str().unwrap_or("other");
            operation::write(sections.entry(tag).or_default(), &document, base, (method, path), &item[method]);
        }
    }
    let mut body = String::from(
        "<h1>REST API</h1><p>Everything that the pages do, programs can do: this is the one API. The same as \
         <a href=\"/api/openapi.json\">OpenAPI 3.1</a>; a flow's definition has a \
         <a href=\"/api/flow.schema.json\">JSON Schema</a> of its own. Make a token on the <a href=\"/tokens\">tokens page</a> and send it as \
         <code>Authorization: Bearer holon_pat_…</code>. Errors are <code>application/problem+json</code>; each code has its page.</p>",
    );
    body.push_str("<nav aria-label=\"Features\"><ul>");
    for tag in sections.keys().copied().chain(["errors", "shapes"]) {
        let _ = write!(body, "<li><a href=\"#{tag}\">{tag}</a></li>", tag = escape(tag));
    }
    body.push_str("</ul></nav>");
    for (tag, operations) in &sections {
        let _ = write!(body, "<section id=\"{tag}\"><h2>{tag}</h2>{operations}</section>", tag = escape(tag));
    }
    write_errors(&mut body, &document);
    write_shapes(&mut body, &document);
    frame("REST API", &body, build)
}

/// A document page around `body`, with the design's own style sheet.
pub fn frame(title: &str, body: &str, build: &str) -> String {
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{} · Holon</title><link rel=\"stylesheet\" href=\"/pkg/{build}/holon.css\">\
         <link rel=\"icon\" href=\"/favicon.svg\" type=\"image/svg+xml\"></head><body class=\"document\"><header class=\"document-top\">\
         <a href=\"/\">Holon</a></header><main class=\"document-body\">{body}</main></body></html>",
        escape(title)
    )
}

fn write_errors(out: &mut String, document: &Value) {
    out.push_str(
        "<section id=\"errors\"><h2>errors</h2><table><thead><tr><th>Status</th><th>Codes</th></tr></thead><tbody>",
    );
    for (name, answer) in document["components"]["responses"].as_object().into_iter().flatten() {
        let Some(status) = name.strip_prefix("problem_") else { continue };
        let told = answer["description"].as_str().unwrap_or_default();
        let _ = write!(out, "<tr id=\"error-{status}\"><td><code>{status}</code></td><td>{}</td></tr>", codes(told));
    }
    out.push_str("</tbody></table></section>");
}

fn write_shapes(out: &mut String, document: &Value) {
    out.push_str("<section id=\"shapes\"><h2>shapes</h2>");
    for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
        let _ = write!(out, "<article id=\"shape-{name}\"><h3><code>{name}</code></h3>", name = escape(name));
        if let Some(about) = schema["description"].as_str() {
            let _ = write!(out, "<p>{}</p>", prose(about));
        }
        match fields::table(document, schema) {
            Some(table) => out.push_str(&table),
            None => {
                let _ = write!(out, "<p>{}.</p>", fields::kind(schema));
            }
        }
        out.push_str("</article>");
    }
    out.push_str("</section>");
}

/// Text in which `` `code` `` stands, as HTML.
fn prose(text: &str) -> String {
    let mut parts = text.split('`').enumerate();
    let first = parts.next().map(|(_, text)| escape(text)).unwrap_or_default();
    parts.fold(
        first,
        |out, (at, part)| {
            if at % 2 == 1 { format!("{out}<code>{}</code>", escape(part)) } else { out + &escape(part) }
        },
    )
}

/// The same where each code is an error's, with its page.
fn codes(text: &str) -> String {
    let mut parts = text.split('`').enumerate();
    let first = parts.next().map(|(_, text)| escape(text)).unwrap_or_default();
    parts.fold(first, |out, (at, part)| {
        let part = escape(part);
        if at % 2 == 1 { format!("{out}<a href=\"/docs/errors/{part}\"><code>{part}</code></a>") } else { out + &part }
    })
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
