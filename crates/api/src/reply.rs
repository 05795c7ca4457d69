use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::error::ApiError;

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// An answer of JSON. It is about this moment, so nothing may keep it.
#[derive(Debug)]
pub(crate) struct Reply<T>(pub(crate) StatusCode, pub(crate) T);

impl<T> Reply<T> {
    pub(crate) fn ok(value: T) -> Self {
        Self(StatusCode::OK, value)
    }
}

impl<T: Serialize> IntoResponse for Reply<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.1) {
            Ok(text) => json(self.0, text),
            Err(error) => {
                tracing::error!(%error, "an answer cannot be written");
                ApiError::internal().into_response()
            }
        }
    }
}

/// An answer of JSON that is written already.
pub(crate) fn json(status: StatusCode, text: Vec<u8>) -> Response {
    let headers =
        [(header::CONTENT_TYPE, JSON), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (status, headers, text).into_response()
}
