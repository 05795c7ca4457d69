use axum::{extract::State, http::StatusCode};
use nextboot_model::{
    Command, HostName, LineKind, TestCommand, TestLine, TestName, TestReport, TestRun, TestRunId, TestStatus,
    Timestamp,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::{LineView, TestList, opened};
use crate::{
    app::App,
    error::{ApiError, ErrorBody},
    extract::Body,
    reply::Reply,
};

/// A test run of another system.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PastTest {
    /// Its number, which it keeps where that is free.
    #[serde(default)]
    id: Option<u64>,
    /// The name of a host.
    #[schema(value_type = String)]
    host: HostName,
    #[schema(value_type = String)]
    test: TestName,
    /// `queued`, `started`, `done` or `error`.
    #[schema(value_type = String)]
    status: TestStatus,
    /// When it came to that, in milliseconds since 1970.
    #[schema(value_type = u64)]
    at: Timestamp,
    #[serde(default)]
    version: Option<String>,
    /// What its log told of.
    #[serde(default)]
    lines: Vec<LineView>,
}

/// Test runs of another system.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PastTests {
    tests: Vec<PastTest>,
}

/// Take over test runs from another system.
///
/// All of them, or none when one is wrong. Those that are not finished there are queued or under way here.
#[utoipa::path(
    post, path = "/api/tests/import", tag = "tests", request_body = PastTests,
    responses(
        (status = 201, description = "As they are now, in the same order", body = TestList),
        (status = 400, body = ErrorBody),
        (status = 404, description = "No such host", body = ErrorBody),
    ),
)]
pub(crate) async fn import(
    State(app): State<App>,
    Body(past): Body<PastTests>,
) -> Result<Reply<TestList>, ApiError> {
    let runs = past.tests.into_iter().map(PastTest::read).collect::<Result<Vec<_>, _>>()?;
    let import = TestCommand::Import { runs, keep: app.control.test_limits().keep };
    let receipt = app.store().submit(Command::Test(import)).await?;
    Ok(Reply(StatusCode::CREATED, TestList { tests: opened(&receipt.changes) }))
}

impl PastTest {
    fn read(self) -> Result<(TestRun, Vec<TestLine>), ApiError> {
        // Databases and journals count in 63 bits.
        if i64::try_from(self.at.0).is_err() {
            return Err(ApiError::bad_request("at is a moment in milliseconds since 1970"));
        }
        let mut report = TestReport::default();
        for LineView { kind, text } in self.lines {
            let kind = LineKind::of(&kind)
                .ok_or_else(|| ApiError::bad_request("the kind of a line is \"I\", \"W\" or \"E\""))?;
            report.add(kind, text);
        }
        let Self { id, host, test, status, at, version, .. } = self;
        let id = TestRunId(id.unwrap_or(0));
        let run = TestRun {
            status,
            started: (status != TestStatus::Queued).then_some(at),
            finished: status.is_finished().then_some(at),
            version,
            infos: report.infos,
            warnings: report.warnings,
            errors: report.errors,
            note: report.note(),
            ..TestRun::queued(id, host, test, at)
        };
        Ok((run, report.lines))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_database_can_hold_is_refused_before_one_is_asked() {
        let past = |at: u64| PastTest {
            id: None,
            host: "n1".parse().unwrap(),
            test: "cpu".parse().unwrap(),
            status: TestStatus::Done,
            at: Timestamp(at),
            version: None,
            lines: vec![LineView { kind: "E".into(), text: "bad".into() }],
        };
        assert_eq!(past(1_479_685_986_432).read().unwrap().0.errors, 1);
        assert!(past(u64::MAX).read().is_err());
    }
}
