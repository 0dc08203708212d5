//! Path, query and header parameters whose rejections are problems like every other.

use axum::extract::{FromRequestParts, rejection::PathRejection};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use holon_model::{Code, Problem};
use serde::de::DeserializeOwned;

use super::ApiError;

/// Parameters in the path. An id that is not one is unknown: 404, like every unknown id.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(PathRejection::FailedToDeserializePathParams(_)) => {
                Err(Problem::new(Code::NotFound, "There is nothing with this id.").into())
            }
            Err(other) => Err(ApiError::internal(&other)),
        }
    }
}

/// Parameters behind the question mark.
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match axum::extract::Query::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(unread(&rejection.body_text())),
        }
    }
}

/// `Failed to deserialize query string: limit: invalid digit found in string`: the last two parts are for the caller.
fn unread(said: &str) -> ApiError {
    let why = said.split_once(": ").map_or(said, |(_, why)| why);
    match why.split_once(": ") {
        Some((name, why)) => {
            let detail = format!("The parameter `{name}` cannot be read: {why}.");
            Problem::new(Code::InvalidRequest, detail).with_field(format!("/{name}"), why.to_owned()).into()
        }
        None => Problem::new(Code::InvalidRequest, format!("The parameters behind `?` cannot be read: {why}.")).into(),
    }
}

/// A parameter that is one of these words: a slip must not look like an empty list.
///
/// # Errors
/// `validation_failed` for any other word.
pub fn one_of(name: &str, given: Option<String>, words: &[&str]) -> Result<Option<String>, ApiError> {
    match given {
        Some(word) if !words.contains(&word.as_str()) => {
            let known: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            let detail = format!("The parameter `{name}` is one of {}.", known.join(", "));
            Err(Problem::new(Code::ValidationFailed, detail)
                .with_field(format!("/{name}"), "is not one of them")
                .into())
        }
        given => Ok(given),
    }
}

/// The `Idempotency-Key`, if there is one: 1 to 255 characters.
///
/// # Errors
/// `invalid_request` for anything else.
pub fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    match value.to_str() {
        Ok(key) if (1..=255).contains(&key.len()) => Ok(Some(key.to_owned())),
        _ => {
            let detail = "`Idempotency-Key` must have 1 to 255 visible ASCII characters.";
            Err(Problem::new(Code::InvalidRequest, detail).into())
        }
    }
}
