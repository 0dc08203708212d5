//! Path and query parameters whose rejections are problems like every other.

use axum::extract::{FromRequestParts, rejection::PathRejection};
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
            Err(rejection) => Err(Problem::new(Code::InvalidRequest, rejection.body_text()).into()),
        }
    }
}
