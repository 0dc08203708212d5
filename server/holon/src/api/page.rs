//! The OpenAPI document as a page that people read: operations by feature, what they take and what they answer.

use std::fmt::Write as _;

use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::{Content, OpenApi, Ref, RefOr, Schema, schema::ArrayItems};

/// The page.
pub fn render(api: &OpenApi, build: &str) -> String {
    let mut sections: std::collections::BTreeMap<&str, String> = std::collections::BTreeMap::new();
    for (path, item) in &api.paths.paths {
        let methods = [("GET", &item.get), ("POST", &item.post), ("PUT", &item.put), ("DELETE", &item.delete)];
        for (method, operation) in
            methods.into_iter().filter_map(|(method, operation)| Some((method, operation.as_ref()?)))
        {
            let tag = operation.tags.iter().flatten().next().map_or("other", String::as_str);
            write_operation(sections.entry(tag).or_default(), method, path, operation);
        }
    }
    let mut body = String::from(
        "<h1>REST API</h1><p>Everything that the pages do, programs can do: this is the one API. The same as \
         <a href=\"/api/openapi.json\">OpenAPI 3.1</a>. Make a token on the <a href=\"/tokens\">tokens page</a> and send it as \
         <code>Authorization: Bearer holon_pat_…</code>. Errors are <code>application/problem+json</code>; each code has its page.</p>",
    );
    body.push_str("<nav aria-label=\"Features\"><ul>");
    for tag in sections.keys() {
        let _ = write!(body, "<li><a href=\"#{tag}\">{tag}</a></li>", tag = escape(tag));
    }
    body.push_str("</ul></nav>");
    for (tag, operations) in &sections {
        let _ = write!(body, "<section id=\"{tag}\"><h2>{tag}</h2>{operations}</section>", tag = escape(tag));
    }
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

fn write_operation(out: &mut String, method: &str, path: &str, operation: &Operation) {
    let _ = write!(out, "<article><h3><code>{method} {}</code></h3>", escape(path));
    for text in [&operation.summary, &operation.description].into_iter().flatten() {
        let _ = write!(out, "<p>{}</p>", escape(text));
    }
    let parameters = operation.parameters.iter().flatten().filter_map(|parameter| match parameter {
        RefOr::T(parameter) => Some(parameter),
        RefOr::Ref(_) => None,
    });
    let rows: String = parameters
        .map(|parameter| {
            let place = match parameter.parameter_in {
                ParameterIn::Query | ParameterIn::QueryString => "query",
                ParameterIn::Path => "path",
                ParameterIn::Header => "header",
                ParameterIn::Cookie => "cookie",
            };
            let about = parameter.description.as_deref().unwrap_or_default();
            format!(
                "<tr><td><code>{}</code></td><td>{place}</td><td>{}</td></tr>",
                escape(&parameter.name),
                escape(about)
            )
        })
        .collect();
    if !rows.is_empty() {
        let _ = write!(
            out,
            "<table><thead><tr><th>Parameter</th><th>In</th><th>Meaning</th></tr></thead><tbody>{rows}</tbody></table>"
        );
    }
    if let Some(RefOr::T(body)) = &operation.request_body
        && let Some(name) = body.content.values().find_map(name)
    {
        let _ = write!(out, "<p>Takes <code>{}</code>.</p>", escape(&name));
    }
    for (status, response) in &operation.responses.responses {
        if let RefOr::T(response) = response {
            let what = response.content.values().find_map(name).map(|name| format!(": <code>{}</code>", escape(&name)));
            let _ = write!(out, "<p>Answers {}{}.</p>", escape(status), what.unwrap_or_default());
        }
    }
    out.push_str("</article>");
}

/// The name of what a body holds.
fn name(content: &RefOr<Content>) -> Option<String> {
    let RefOr::T(content) = content else { return None };
    match content.schema.as_ref()? {
        RefOr::Ref(reference) => Some(last(reference).to_owned()),
        RefOr::T(Schema::Array(array)) => match &array.items {
            ArrayItems::RefOrSchema(item) => match &**item {
                RefOr::Ref(reference) => Some(format!("list of {}", last(reference))),
                RefOr::T(_) => Some("list".into()),
            },
            ArrayItems::False => Some("list".into()),
        },
        RefOr::T(_) => None,
    }
}

fn last(reference: &Ref) -> &str {
    reference.ref_location.rsplit('/').next().unwrap_or_default()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
