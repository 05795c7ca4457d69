use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use percent_encoding::percent_decode_str;

use super::test_runs::log::log_of;
use crate::{
    app::App,
    error::ApiError,
    pages::{NoPage, PAGE_POLICY, Page, PagePlace, page},
};

/// The page at this path.
pub(crate) async fn show(State(app): State<App>, uri: Uri) -> Result<Response, ApiError> {
    let path = percent_decode_str(uri.path()).decode_utf8_lossy();
    let place = PagePlace::read(&path).ok_or_else(|| not_found("there is no such page".into()))?;
    match page(&*app.control, &place).await {
        Ok(Page::Html(html)) => {
            let headers = [
                (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
                (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
                (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY)),
                (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
                (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
            ];
            Ok((headers, html).into_response())
        }
        Ok(Page::Log(id)) => log_of(&app, id).await,
        Err(NoPage::NotFound(why)) => Err(not_found(why)),
        Err(NoPage::Failed(_)) => Err(ApiError::internal()),
    }
}

fn not_found(why: String) -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "no-page", why)
}
