use axum::http::StatusCode;

/// Whether the server answers.
///
/// Anybody may ask: it tells nothing else, and what watches a service has no token.
#[utoipa::path(
    get, path = "/v1/healthcheck", tag = "compatible", security(()),
    responses((status = 204, description = "It does")),
)]
pub(super) async fn healthcheck() -> StatusCode {
    StatusCode::NO_CONTENT
}
