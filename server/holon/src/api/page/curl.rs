//! A call of an operation as one types it into a shell. What differs from caller to caller stands in variables.

use serde_json::Value;

/// The call. `schemes` are those that lead in: a token is what a program has, a session is sent where no token counts.
pub(super) fn call(base: &str, method: &str, path: &str, operation: &Value, schemes: &[String]) -> String {
    let parameters = || operation["parameters"].as_array().into_iter().flatten();
    let required = |place: &'static str| parameters().filter(move |one| one["in"] == place && one["required"] == true);
    let mut address = format!("{base}{}", filled(path));
    for (at, parameter) in required("query").enumerate() {
        let name = parameter["name"].as_str().unwrap_or_default();
        address.push_str(&format!("{}{name}={}", if at == 0 { '?' } else { '&' }, variable(name)));
    }
    let streams = operation["responses"]["200"]["content"]["text/event-stream"].is_object();
    let mut parts = vec![format!("curl {}\"{address}\"", if streams { "-N " } else { "" })];
    if method != "get" {
        parts.push(format!("-X {}", method.to_uppercase()));
    }
    if schemes.iter().any(|scheme| scheme.ends_with("token")) {
        parts.push("-H \"Authorization: Bearer $TOKEN\"".to_owned());
    } else if !schemes.is_empty() {
        parts.push(format!("-H \"Cookie: $SESSION\" -H \"Origin: {base}\""));
    }
    for parameter in required("header") {
        let name = parameter["name"].as_str().unwrap_or_default();
        let value = if name == "If-Match" { "$ETAG".to_owned() } else { variable(name) };
        parts.push(format!("-H \"{name}: {value}\""));
    }
    let body = operation["requestBody"]["content"].as_object().into_iter().flatten().next().filter(|_| method != "get");
    if let Some((media, content)) = body {
        if media == "application/x-www-form-urlencoded" {
            parts.push("-d \"field=value\"".to_owned());
        } else {
            let media = if media == "*/*" { "application/json" } else { media };
            let example = content.get("example").map_or_else(|| "{}".to_owned(), ToString::to_string);
            parts.push(format!("-H \"Content-Type: {media}\""));
            parts.push(format!("-d '{}'", example.replace('\'', "'\\''")));
        }
    }
    parts.join(" \\\n  ")
}

/// `/flows/{id}` with a variable for each part that is a parameter.
fn filled(path: &str) -> String {
    let part = |part: &str| match part.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
        Some(name) => variable(name),
        None => part.to_owned(),
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

fn variable(name: &str) -> String {
    format!("${}", name.to_uppercase().replace('-', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_call_has_all_that_the_operation_needs_and_survives_the_shell() {
        let operation = json!({
            "parameters": [
                {"name": "id", "in": "path", "required": true},
                {"name": "If-Match", "in": "header", "required": true},
                {"name": "limit", "in": "query", "required": false},
            ],
            "requestBody": {"content": {"application/json": {"example": {"name": "Ada's"}}}},
        });
        let called =
            call("https://h.example", "put", "/api/v1/flows/{id}", &operation, &["session".into(), "token".into()]);
        let wanted = "curl \"https://h.example/api/v1/flows/$ID\" \\\n  -X PUT \\\n  -H \"Authorization: Bearer $TOKEN\" \\\n  \
                      -H \"If-Match: $ETAG\" \\\n  -H \"Content-Type: application/json\" \\\n  -d '{\"name\":\"Ada'\\''s\"}'";
        assert_eq!(called, wanted);
        let session = call("https://h.example", "post", "/api/v1/tokens", &json!({}), &["session".into()]);
        assert!(session.contains("Cookie: $SESSION") && session.contains("Origin: https://h.example"), "{session}");
        let stream = json!({"responses": {"200": {"content": {"text/event-stream": {}}}}});
        assert!(call("https://h.example", "get", "/api/v1/events/runs", &stream, &[]).starts_with("curl -N "));
    }
}
