//! The errors that an operation can answer. What kind of route it is decides them, here and for all: whether it asks who calls, names a
//! thing, reads a body, changes something. `tests/server/support.rs` holds every answer of every test against this.

use std::collections::BTreeSet;

use holon_model::{Code, Problem};
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Content, OpenApi, Ref, RefOr, Required, Response, ResponseBuilder};
use utoipa::{PartialSchema as _, ToSchema};

use super::operations;

/// Tags of operations on what has a state, a name or a limit that may stand against what is asked.
const MAY_CONFLICT: &[&str] =
    &["alerts", "connections", "flows", "identity", "runs", "schedules", "state", "tasks", "workers"];

/// Says of every operation what errors it answers, and something of every answer.
pub fn describe(api: &mut OpenApi) {
    let (mut problems, mut pages) = (BTreeSet::new(), BTreeSet::new());
    for (path, item) in &mut api.paths.paths {
        let item_operations: Vec<_> = operations(item).collect();
        let several = item_operations.len() > 1;
        for (method, operation) in item_operations {
            let (statuses, name, used): (_, fn(u16) -> String, _) = match Kind::of(path) {
                Kind::Rest => (of_rest(method, operation), problem_name, &mut problems),
                Kind::Delivery(statuses) => (statuses.to_vec(), problem_name, &mut problems),
                Kind::Page => (of_page(method), page_name, &mut pages),
                Kind::About => (Vec::new(), problem_name, &mut problems),
            };
            let responses = &mut operation.responses.responses;
            for status in statuses {
                used.insert(status);
                let answer = RefOr::Ref(Ref::from_response_name(name(status)));
                responses.entry(status.to_string()).or_insert(answer);
            }
            for (status, response) in responses {
                if let RefOr::T(response) = response
                    && response.description.is_empty()
                {
                    response.description = done(status).to_owned();
                }
            }
            // One route that answers several methods is several operations.
            if several && matches!(Kind::of(path), Kind::Delivery(_)) {
                operation.operation_id = operation.operation_id.take().map(|id| format!("{id}_by_{method}"));
            }
        }
    }
    let components = api.components.get_or_insert_default();
    components.schemas.insert(Problem::name().into_owned(), Problem::schema());
    let mut more = Vec::new();
    Problem::schemas(&mut more);
    components.schemas.extend(more);
    components.responses.extend(problems.into_iter().map(|status| (problem_name(status), RefOr::T(problem(status)))));
    components.responses.extend(pages.into_iter().map(|status| (page_name(status), RefOr::T(page(status)))));
}

/// The kinds of routes.
enum Kind {
    /// The REST API.
    Rest,
    /// What other programs deliver to, with the errors it answers.
    Delivery(&'static [u16]),
    /// A page for whoever has its address: its errors are pages, too.
    Page,
    /// Probes, and what describes the API: nothing can be wrong with asking.
    About,
}

impl Kind {
    fn of(path: &str) -> Self {
        match path.split('/').nth(1) {
            Some("hooks") if path.starts_with("/hooks/test/") => Self::Delivery(&[400, 404, 413, 415, 500, 503, 507]),
            Some("hooks") => Self::Delivery(&[400, 401, 404, 405, 409, 413, 415, 422, 429, 500, 502, 503, 504, 507]),
            Some("c") => Self::Delivery(&[400, 404, 405, 409, 410, 413, 415, 422, 429, 500, 503, 507]),
            Some("t" | "f") => Self::Page,
            Some("api") if path.starts_with("/api/v1/") => Self::Rest,
            _ => Self::About,
        }
    }
}

fn of_rest(method: &str, operation: &Operation) -> Vec<u16> {
    let unsafe_method = method != "get";
    let secured = operation.security.is_none() || operation.security.iter().flatten().any(names_a_scheme);
    let parameters = || {
        operation.parameters.iter().flatten().filter_map(|parameter| match parameter {
            RefOr::T(parameter) => Some(parameter),
            RefOr::Ref(_) => None,
        })
    };
    let takes = |place: &ParameterIn| parameters().any(|parameter| parameter.parameter_in == *place);
    let body = operation.request_body.is_some();
    let revision = parameters().find(|parameter| parameter.name.eq_ignore_ascii_case("if-match"));
    let may_conflict = operation.tags.iter().flatten().any(|tag| MAY_CONFLICT.contains(&tag.as_str()));
    let rules: [(bool, &[u16]); 9] = [
        (true, &[500, 503]),
        // Requests are counted by workspace; those of whoever is nobody yet by address.
        (secured || body, &[401, 429]),
        (secured || unsafe_method, &[403]),
        (takes(&ParameterIn::Path), &[404]),
        (takes(&ParameterIn::Query) || takes(&ParameterIn::Header), &[400, 422]),
        (body, &[400, 413, 415, 422]),
        (unsafe_method, &[507]),
        (unsafe_method && may_conflict, &[409]),
        (revision.is_some(), &[412]),
    ];
    let mut statuses: Vec<u16> =
        rules.iter().filter(|(applies, _)| *applies).flat_map(|(_, statuses)| statuses.iter().copied()).collect();
    if revision.is_some_and(|parameter| parameter.required == Required::True) {
        statuses.push(428);
    }
    statuses
}

fn of_page(method: &str) -> Vec<u16> {
    let sent: &[u16] = if method == "post" { &[403, 409, 413, 415, 422, 507] } else { &[] };
    [&[400, 404, 429, 500, 502, 503, 504], sent].concat()
}

fn names_a_scheme(requirement: &utoipa::openapi::security::SecurityRequirement) -> bool {
    *requirement != utoipa::openapi::security::SecurityRequirement::default()
}

/// `problem_404`.
fn problem_name(status: u16) -> String {
    format!("problem_{status}")
}

/// `page_404`.
fn page_name(status: u16) -> String {
    format!("page_{status}")
}

fn problem(status: u16) -> Response {
    let codes = Code::ALL.iter().filter(|code| code.status() == status);
    let told: Vec<String> = codes.map(|code| format!("`{}`: {}.", code.as_str(), code.title())).collect();
    let body = Content::new(Some(Ref::from_schema_name(Problem::name())));
    let answer = ResponseBuilder::new().description(told.join(" ")).content("application/problem+json", body);
    let (name, about, kind) = match status {
        401 => ("WWW-Authenticate", "`Bearer`.", Type::String),
        405 => ("Allow", "The method that is answered.", Type::String),
        429 | 503 => ("Retry-After", "Seconds after which to try again, where that is known.", Type::Integer),
        _ => return answer.build(),
    };
    let schema = ObjectBuilder::new().schema_type(kind).build();
    answer.header(name, HeaderBuilder::new().schema(Some(schema)).description(Some(about)).build()).build()
}

fn page(status: u16) -> Response {
    let schema = ObjectBuilder::new().schema_type(Type::String).build();
    let told = Code::ALL.iter().find(|code| code.status() == status).map_or("An error", |code| code.title());
    let about = format!("{told}, said on a page.");
    ResponseBuilder::new().description(about).content("text/html", Content::new(Some(schema))).build()
}

/// What a success is, where the operation says nothing of it.
fn done(status: &str) -> &'static str {
    match status {
        "200" => "What was asked for.",
        "201" => "It was made.",
        "202" => "It is durably accepted.",
        "204" => "It was done.",
        _ => "An error.",
    }
}
