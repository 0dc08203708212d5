//! One operation: who may call it, its parameters, what it takes, a call to try, what it answers.

use std::fmt::Write as _;

use serde_json::Value;

use super::{curl, escape, fields, prose};

/// Writes the operation that is called by this method at this path.
pub(super) fn write(out: &mut String, document: &Value, base: &str, (method, path): (&str, &str), operation: &Value) {
    let id = operation["operationId"].as_str().unwrap_or_default();
    let _ =
        write!(out, "<article id=\"{}\"><h3><code>{} {}</code></h3>", escape(id), method.to_uppercase(), escape(path));
    for about in ["summary", "description"] {
        if let Some(text) = operation[about].as_str() {
            let _ = write!(out, "<p>{}</p>", prose(text));
        }
    }
    let _ = write!(out, "<p>{}</p>", who(document, operation));
    parameters(out, operation);
    for (media, content) in operation["requestBody"]["content"].as_object().into_iter().flatten() {
        let optional = if operation["requestBody"]["required"] == true { "" } else { ", which may be left out" };
        let _ =
            write!(out, "<p>Takes {} as <code>{}</code>{optional}.", fields::kind(&content["schema"]), escape(media));
        if let Some(about) = operation["requestBody"]["description"].as_str() {
            let _ = write!(out, " {}.", prose(about));
        }
        out.push_str("</p>");
        out.push_str(&fields::table(document, &content["schema"]).unwrap_or_default());
    }
    let _ = write!(
        out,
        "<pre tabindex=\"0\"><code>{}</code></pre>",
        escape(&curl::call(base, method, path, operation, &who_calls(document, operation)))
    );
    answers(out, document, operation);
    out.push_str("</article>");
}

/// The names of the schemes of which each leads in; none for what anybody may call.
fn who_calls(document: &Value, operation: &Value) -> Vec<String> {
    let own = operation.get("security").unwrap_or(&document["security"]);
    let schemes = own.as_array().into_iter().flatten().filter_map(Value::as_object);
    schemes.flat_map(|scheme| scheme.keys().cloned()).collect()
}

fn who(document: &Value, operation: &Value) -> String {
    let schemes: Vec<String> = who_calls(document, operation).iter().map(|scheme| scheme.replace('_', " ")).collect();
    match schemes.as_slice() {
        [] => "Anybody may call it.".to_owned(),
        schemes => format!("Called with a {}.", escape(&schemes.join(" or a "))),
    }
}

fn parameters(out: &mut String, operation: &Value) {
    let row = |parameter: &Value| {
        let required = if parameter["required"] == true { " <strong>required</strong>" } else { "" };
        format!(
            "<tr><td><code>{}</code>{required}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            escape(parameter["name"].as_str().unwrap_or_default()),
            escape(parameter["in"].as_str().unwrap_or_default()),
            fields::kind(&parameter["schema"]),
            prose(parameter["description"].as_str().unwrap_or_default()),
        )
    };
    let rows: String = operation["parameters"].as_array().into_iter().flatten().map(row).collect();
    if !rows.is_empty() {
        let head = "<thead><tr><th>Parameter</th><th>In</th><th>Kind</th><th>Meaning</th></tr></thead>";
        let _ = write!(out, "<table>{head}<tbody>{rows}</tbody></table>");
    }
}

/// Successes with what they bring; then, in one line, the errors.
fn answers(out: &mut String, document: &Value, operation: &Value) {
    let mut errors = Vec::new();
    for (status, answer) in operation["responses"].as_object().into_iter().flatten() {
        if answer["$ref"].is_string() {
            errors.push(format!("<a href=\"#error-{status}\">{status}</a>", status = escape(status)));
            continue;
        }
        let about = prose(answer["description"].as_str().unwrap_or_default());
        let _ = write!(out, "<p>Answers <code>{}</code>: {about}", escape(status));
        let content = answer["content"].as_object().into_iter().flatten().next();
        let Some((media, content)) = content else {
            out.push_str("</p>");
            continue;
        };
        let _ = write!(out, " {} as <code>{}</code></p>", fields::kind(&content["schema"]), escape(media));
        out.push_str(&fields::table(document, &content["schema"]).unwrap_or_default());
    }
    if !errors.is_empty() {
        let _ = write!(out, "<p>Errors: {}.</p>", errors.join(", "));
    }
}
