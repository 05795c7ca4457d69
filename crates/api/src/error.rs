use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use nextboot_model::Refusal;
use nextboot_store::{ReadError, SubmitError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::reply::Reply;

/// Why a request was not carried out. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
}

/// The body of every answer that is not a success.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    error: ErrorText,
}

/// What went wrong.
#[derive(Debug, Serialize, ToSchema)]
struct ErrorText {
    /// For programs: stable.
    #[schema(example = "unknown-host")]
    code: &'static str,
    /// For people.
    #[schema(example = "no host is named n1")]
    message: String,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", message)
    }

    pub(crate) fn unknown_host(name: &str) -> Self {
        let name: String = name.chars().take(80).collect();
        Self::new(StatusCode::NOT_FOUND, "unknown-host", format!("no host is named {name}"))
    }

    pub(crate) fn unknown_net(name: &str) -> Self {
        let name: String = name.chars().take(80).collect();
        Self::new(StatusCode::NOT_FOUND, "unknown-net", format!("no networks are named {name}"))
    }

    pub(crate) fn unknown_profile(name: &str) -> Self {
        let name: String = name.chars().take(160).collect();
        Self::new(StatusCode::NOT_FOUND, "unknown-profile", format!("no profile is named {name}"))
    }

    /// A client that a proxy brings has too many requests under way.
    pub(crate) fn crowded() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "too-many", "too many requests from you are under way")
    }

    /// What went wrong is in the log, not in the answer.
    pub(crate) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "the server could not do this; its log says why",
        )
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    #[cfg(test)]
    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let (status, code) = match &refusal {
            Refusal::UnknownName(_) | Refusal::UnknownMac(_) => (StatusCode::NOT_FOUND, "unknown-host"),
            Refusal::NameTaken(_) => (StatusCode::CONFLICT, "name-taken"),
            Refusal::MacTaken { .. } => (StatusCode::CONFLICT, "mac-taken"),
            Refusal::UuidTaken { .. } => (StatusCode::CONFLICT, "uuid-taken"),
            Refusal::AddressTaken { .. } => (StatusCode::CONFLICT, "address-taken"),
            Refusal::Twice(_) => (StatusCode::CONFLICT, "host-twice"),
            Refusal::BadHost(_) => (StatusCode::BAD_REQUEST, "bad-host"),
            Refusal::Reserved => (StatusCode::BAD_REQUEST, "reserved-name"),
            Refusal::UnknownNet(_) => (StatusCode::NOT_FOUND, "unknown-net"),
            Refusal::NetworkTaken { .. } => (StatusCode::CONFLICT, "network-taken"),
            Refusal::BadNet(_) => (StatusCode::BAD_REQUEST, "bad-net"),
            Refusal::TooManyNets => (StatusCode::INSUFFICIENT_STORAGE, "table-full"),
            Refusal::Full => (StatusCode::INSUFFICIENT_STORAGE, "table-full"),
            Refusal::Stale(_) => (StatusCode::CONFLICT, "stale"),
            Refusal::UnknownTestRun(_) => (StatusCode::NOT_FOUND, "unknown-test-run"),
            Refusal::TestRunFinished(_) | Refusal::TestRunIs { .. } => {
                (StatusCode::CONFLICT, "test-run-status")
            }
            Refusal::TestQueueFull(_) => (StatusCode::CONFLICT, "test-queue-full"),
            Refusal::TestsFull => (StatusCode::INSUFFICIENT_STORAGE, "table-full"),
        };
        Self::new(status, code, refusal.to_string())
    }
}

impl From<SubmitError> for ApiError {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Refused(refusal) => refusal.into(),
            error => {
                tracing::error!(%error, "a change cannot be made");
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "not-written",
                    "the change could not be written to disk and was not made; the server's log says why",
                )
            }
        }
    }
}

impl From<ReadError> for ApiError {
    fn from(error: ReadError) -> Self {
        tracing::error!(%error, "a request for events failed");
        Self::internal()
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = ErrorBody { error: ErrorText { code: self.code, message: self.message } };
        let mut response = Reply(self.status, body).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"nextboot\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
