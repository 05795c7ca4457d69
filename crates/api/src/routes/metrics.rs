use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};

use crate::{
    Peer,
    app::App,
    error::{ApiError, ErrorBody},
};

/// Version 0.0.4 is what every scraper reads.
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// What was counted and measured, for Prometheus.
///
/// Counters begin at zero when the server is started. Beside those who may use the rest of the API, the networks that
/// `[api] metrics` names may read this without a token. A scrape configuration:
///
/// ```yaml
/// scrape_configs:
///   - job_name: nextboot
///     static_configs: [{targets: ["pxe-server:3478"]}]
///     # Not needed from a network that [api] metrics names:
///     authorization: {credentials_file: /etc/prometheus/nextboot.token}
/// ```
#[utoipa::path(
    get, path = "/metrics", tag = "watch",
    responses(
        (status = 200, description = "Prometheus' text format", body = String, content_type = "text/plain"),
        (status = 401, body = ErrorBody),
    ),
)]
pub(crate) async fn metrics(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let readers = [app.control.trusted(), app.control.scrapers()].concat();
    app.access.judge(&readers, peer, &headers)?;
    let text = app.look(|app| app.control.metrics()).await?;
    let headers =
        [(header::CONTENT_TYPE, TEXT), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((headers, text).into_response())
}
