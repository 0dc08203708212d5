//! Error codes and the one shape in which errors cross the wire: `application/problem+json` (RFC 9457).

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $status:literal, $title:literal;)*) => {
        /// Every error code of Holon. Each has a page `docs/errors/<code>.md`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub enum Code {
            $($(#[$doc])* #[serde(rename = $code)] $name,)*
        }

        impl Code {
            /// All of them.
            pub const ALL: &'static [Code] = &[$(Code::$name),*];

            /// The code as written in answers and documents.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$name => $code),* }
            }

            /// The HTTP status that goes with it.
            pub fn status(self) -> u16 {
                match self { $(Code::$name => $status),* }
            }

            /// What happened, in a few words.
            pub fn title(self) -> &'static str {
                match self { $(Code::$name => $title),* }
            }
        }
    };
}

codes! {
    /// The body is not JSON.
    InvalidJson = "invalid_json", 400, "The body is not valid JSON";
    /// The request is not well formed in another way.
    InvalidRequest = "invalid_request", 400, "The request is not well formed";
    /// A field has a value that is not accepted.
    ValidationFailed = "validation_failed", 422, "Some fields are not valid";
    /// No session or token, or one that is over.
    Unauthenticated = "unauthenticated", 401, "Sign in first";
    /// The e-mail or the password is wrong.
    WrongCredentials = "wrong_credentials", 401, "The e-mail or the password is wrong";
    /// Signed in, but not allowed.
    Forbidden = "forbidden", 403, "You may not do this";
    /// The request came from another site.
    CrossSite = "cross_site", 403, "The request came from another site";
    /// Sign-up is closed or by invitation.
    SignUpClosed = "sign_up_closed", 403, "Sign-up is not open";
    /// There is no such thing, or not for you.
    NotFound = "not_found", 404, "There is nothing here";
    /// What was here was for once, and is over.
    Gone = "gone", 410, "It was used already";
    /// The address exists, the method does not.
    MethodNotAllowed = "method_not_allowed", 405, "This address does not answer that method";
    /// The name or address is taken.
    AlreadyExists = "already_exists", 409, "It exists already";
    /// The thing is not in a state in which this can be done.
    Conflict = "conflict", 409, "Its present state does not allow this";
    /// The idempotency key was used for a different request.
    IdempotencyMismatch = "idempotency_mismatch", 422, "The idempotency key was used for another request";
    /// The revision sent is not the present one.
    StaleRevision = "stale_revision", 412, "Somebody saved a newer revision";
    /// `If-Match` is missing.
    PreconditionRequired = "precondition_required", 428, "Say which revision you are changing";
    /// The body is larger than allowed.
    PayloadTooLarge = "payload_too_large", 413, "The body is too large";
    /// The content type is not one that this address reads.
    UnsupportedMediaType = "unsupported_media_type", 415, "The content type is not one that is read here";
    /// The definition does not validate and so cannot be published or run.
    InvalidDefinition = "invalid_definition", 422, "The flow has problems";
    /// The webhook's signature is missing or wrong.
    BadSignature = "bad_signature", 401, "The signature is missing or wrong";
    /// Too many requests.
    TooManyRequests = "too_many_requests", 429, "Too many requests";
    /// The server is starting, draining or its database is away.
    Unavailable = "unavailable", 503, "Holon is not ready";
    /// A person has paused the flow, the workspace or the instance.
    Paused = "paused", 503, "It is paused";
    /// The disk of the database is full.
    StorageFull = "storage_full", 507, "There is no space left";
    /// The run that a webhook's caller waited for failed or was cancelled.
    RunFailed = "run_failed", 502, "The run did not complete";
    /// The run did not answer in time.
    RunTimeout = "run_timeout", 504, "The run has not answered yet";
    /// Something went wrong inside.
    Internal = "internal", 500, "Something went wrong inside Holon";
}

/// One field that is at fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldError {
    /// JSON pointer into the body, `""` for the whole.
    pub pointer: String,
    /// What is wrong with it and what to do.
    pub detail: String,
    /// A code for programs, such as a diagnostic's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// An error as the API answers it and as pages show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[error("{title}: {detail}")]
pub struct Problem {
    /// Where the code is explained: `/docs/errors/<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What happened, in a few words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened, to which thing, and what to do.
    pub detail: String,
    /// The code.
    pub code: Code,
    /// The request, for the operator's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The fields at fault, if any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

impl Problem {
    /// A problem with what a person should read.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("/docs/errors/{}", code.as_str()),
            title: code.title().into(),
            status: code.status(),
            detail: detail.into(),
            code,
            request_id: None,
            errors: Vec::new(),
        }
    }

    /// The same with one more field at fault.
    #[must_use]
    pub fn with_field(mut self, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        self.errors.push(FieldError { pointer: pointer.into(), detail: detail.into(), code: None });
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_reads_back_from_its_json() {
        let problem = Problem::new(Code::NotFound, "There is no flow with this id.").with_field("/id", "unknown");
        let text = serde_json::to_string(&problem).unwrap();
        assert!(text.contains(r#""code":"not_found""#) && text.contains(r#""type":"/docs/errors/not_found""#));
        assert_eq!(serde_json::from_str::<Problem>(&text).unwrap(), problem);
    }
}
