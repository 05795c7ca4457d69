use std::io;

use axum::{
    body::Body as Stream,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use nextboot_model::TestRunId;
use nextboot_store::{FileError, LogError};
use tokio::{io::AsyncReadExt as _, sync::mpsc};
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};

use super::{find::found, view::TestRunView};
use crate::{
    app::App,
    error::{ApiError, ErrorBody},
    extract::Named,
    reply::Reply,
};

/// How much of a log is read in one go, bytes.
const PIECE: usize = 64 * 1024;

/// Read the log of a test run, as the machine sent it.
#[utoipa::path(
    get, path = "/api/tests/{id}/log", tag = "tests", params(("id" = u64, Path, description = "Its number")),
    responses(
        (status = 200, body = String, content_type = "text/plain"),
        (status = 404, description = "No such run, or it has no log yet", body = ErrorBody),
    ),
)]
pub(crate) async fn log(State(app): State<App>, Named(id): Named) -> Result<Response, ApiError> {
    let run = found(&app, &id).await?;
    log_of(&app, run.id).await
}

/// The log of a run as an answer.
pub(crate) async fn log_of(app: &App, id: TestRunId) -> Result<Response, ApiError> {
    let opened = app.look(move |app| app.store().test_logs().open(id)).await?;
    let (file, bytes) = opened
        .map_err(|_| ApiError::new(StatusCode::NOT_FOUND, "no-log", format!("test run {id} has no log")))?;
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(send(tokio::fs::File::from_std(file), bytes, sender));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8")),
        (header::CONTENT_LENGTH, HeaderValue::from(bytes)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'")),
    ];
    Ok((headers, Stream::from_stream(ReceiverStream::new(receiver))).into_response())
}

/// Reads a log piece by piece, as fast as somebody takes it.
async fn send(file: tokio::fs::File, bytes: u64, sender: mpsc::Sender<io::Result<Vec<u8>>>) {
    let mut file = file.take(bytes);
    loop {
        let mut piece = Vec::with_capacity(PIECE);
        let read = file.read_buf(&mut piece).await;
        let is_end = matches!(read, Ok(0) | Err(_));
        match read {
            Ok(0) => {}
            Ok(_) => {
                if sender.send(Ok(piece)).await.is_err() {
                    return;
                }
            }
            Err(error) => drop(sender.send(Err(error)).await),
        }
        if is_end {
            return;
        }
    }
}

/// Give a test run its log.
///
/// The body is the log itself. It replaces the one that the run has, and finishes a run that is under way.
#[utoipa::path(
    put, path = "/api/tests/{id}/log", tag = "tests", params(("id" = u64, Path, description = "Its number")),
    request_body(content = String, content_type = "text/plain"),
    responses(
        (status = 200, body = TestRunView),
        (status = 404, body = ErrorBody),
        (status = 408, description = "It came too slowly", body = ErrorBody),
        (status = 413, description = "It is too large", body = ErrorBody),
    ),
)]
pub(crate) async fn put_log(
    State(app): State<App>,
    Named(id): Named,
    body: Stream,
) -> Result<Reply<TestRunView>, ApiError> {
    let run = found(&app, &id).await?;
    let limits = app.control.test_limits();
    let id = run.id;
    let mut upload =
        app.look(move |app| app.store().test_logs().begin(id, limits.max_log)).await?.map_err(refused)?;
    let mut pieces = body.into_data_stream();
    loop {
        let slow =
            || ApiError::new(StatusCode::REQUEST_TIMEOUT, "body-too-slow", "the log did not come in time");
        let piece = tokio::time::timeout(app.limits.body_time, pieces.next()).await.map_err(|_| slow())?;
        let Some(piece) = piece else { break };
        let piece = piece.map_err(|error| ApiError::bad_request(error.to_string()))?;
        upload.write(&piece).await.map_err(refused)?;
    }
    // A log that somebody adds later does not make the test a later one.
    match app.store().file_log(upload, limits.keep, run.finished).await {
        Ok(_) => {}
        Err(FileError::Log(error)) => return Err(refused(error)),
        Err(FileError::Submit(error)) => return Err(error.into()),
        Err(FileError::Read(error)) => return Err(error.into()),
    }
    let run = found(&app, &id.to_string()).await?;
    Ok(Reply::ok(TestRunView::of(&run)))
}

fn refused(error: LogError) -> ApiError {
    let (status, code) = match &error {
        LogError::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "log-too-large"),
        LogError::Busy => (StatusCode::CONFLICT, "log-busy"),
        LogError::Disk(_) => (StatusCode::SERVICE_UNAVAILABLE, "not-written"),
    };
    ApiError::new(status, code, error.to_string())
}
