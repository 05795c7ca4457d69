use std::{io::Write as _, path::Path, time::Duration};

use http_body_util::BodyExt as _;
use hyper::Method;
use nextboot_model::TestRunId;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout_at};

use super::{Session, part};
use crate::{
    args::{TestCommand, TestReportArgs, TestRunArgs, TestWanted},
    client::Sse,
    failure::Failure,
    output, view,
    view::TestRun,
};

/// How long to wait before looking again when the server was not there.
const RETRY: Duration = Duration::from_secs(2);
/// How long to trust that nothing happened when no event came.
const QUIET: Duration = Duration::from_secs(50);

impl Session {
    pub(super) async fn test(&self, command: TestCommand) -> Result<(), Failure> {
        match command {
            TestCommand::Queue { host, tests } => {
                let answer = self.test_queue(&json!({ "host": host, "tests": tests })).await?;
                self.say_tests(&answer)
            }
            TestCommand::Run(run) => self.test_run(run).await,
            TestCommand::Ls(wanted) => {
                let answer = self.client.get(&format!("/api/tests?{}", query(&wanted))).await?;
                self.say_tests(&answer)
            }
            TestCommand::Show { id } => {
                let answer = self.client.get(&format!("/api/tests/{id}")).await?;
                self.say(&answer, || Ok(view::test(&self.read(&answer, None)?, view::now())))
            }
            TestCommand::Log { id, follow } => self.test_log(id, follow).await,
            TestCommand::Rm { ids } => self.test_rm(ids).await,
            TestCommand::Requeue { id } => {
                let answer =
                    self.client.call(Method::POST, &format!("/api/tests/{id}/requeue"), None).await?;
                self.say(&answer, || Ok(view::step(&self.read(&answer, None)?)))
            }
            TestCommand::Names => {
                let answer = self.client.get("/api/tests/names").await?;
                self.say(&answer, || {
                    let names: Vec<String> = self.read(&answer, Some("tests"))?;
                    Ok(names.iter().map(|name| output::plain(name)).collect::<Vec<_>>().join("\n"))
                })
            }
            TestCommand::Report(report) => self.test_report(report).await,
        }
    }

    async fn test_queue(&self, body: &Value) -> Result<Value, Failure> {
        self.client.call(Method::POST, "/api/tests", Some(body)).await
    }

    fn say_tests(&self, answer: &Value) -> Result<(), Failure> {
        self.say(answer, || Ok(view::test_runs(&self.read::<Vec<_>>(answer, Some("tests"))?, view::now())))
    }

    async fn test_run(&self, run: TestRunArgs) -> Result<(), Failure> {
        if let Some(file) = &run.junit {
            can_be_written(file)?;
        }
        let end = run.timeout.map(|seconds| Instant::now() + Duration::from_secs(seconds));
        let last = self.newest_event().await?;
        let answer = self.test_queue(&json!({ "host": run.host, "tests": run.tests })).await?;
        if !run.wait {
            return self.say_tests(&answer);
        }
        let queued: Vec<TestRun> = self.read(&answer, Some("tests"))?;
        let outcome = self.wait_for(queued, last, end).await?;
        if let Some(file) = &run.junit {
            self.write_junit(file, &self.whole(&outcome).await?)?;
        }
        let bad: Vec<&TestRun> = outcome.iter().filter(|run| !run.passed).collect();
        if self.json {
            let ids = |runs: &[&TestRun]| runs.iter().map(|run| run.id).collect::<Vec<_>>();
            let all: Vec<&TestRun> = outcome.iter().collect();
            output::json(&json!({ "passed": bad.is_empty(), "runs": ids(&all), "failed": ids(&bad) }))?;
        } else if run.junit.as_deref() != Some(Path::new("-")) {
            output::print(&view::test_runs(&outcome, view::now()))?;
        }
        match bad.as_slice() {
            [] => Ok(()),
            bad if bad.iter().all(|run| run.is_finished()) => {
                Err(Failure::Refused(format!("{} of {} tests did not pass", bad.len(), outcome.len())))
            }
            _ => Err(Failure::Refused("not all tests were done in time; they stay queued".into())),
        }
    }

    async fn newest_event(&self) -> Result<u64, Failure> {
        let answer = self.client.get("/api/events?limit=1").await?;
        let events: Vec<Value> = self.read(&answer, Some("events"))?;
        Ok(events.last().and_then(|event| event.get("id")?.as_u64()).unwrap_or_default())
    }

    /// Waits until all of these are finished, or until `end`, and tells of every step.
    async fn wait_for(
        &self,
        mut runs: Vec<TestRun>,
        mut last: u64,
        end: Option<Instant>,
    ) -> Result<Vec<TestRun>, Failure> {
        for run in &runs {
            self.tell_step(run);
        }
        loop {
            let open = runs.iter().filter(|run| !run.is_finished()).count();
            if open == 0 || end.is_some_and(|end| Instant::now() >= end) {
                return Ok(runs);
            }
            match self.next_step(&runs, &mut last, end).await {
                Ok(()) => {}
                Err(failure) if failure.is_passing() => sleep(RETRY).await,
                Err(failure) => return Err(failure),
            }
            for run in runs.iter_mut().filter(|run| !run.is_finished()) {
                let now: TestRun = match self.client.get(&format!("/api/tests/{}", run.id)).await {
                    Ok(answer) => self.read(&answer, None)?,
                    Err(failure) if failure.is_passing() => continue,
                    Err(Failure::Refused(_)) => {
                        TestRun { status: "error".into(), note: Some("it was removed".into()), ..run.clone() }
                    }
                    Err(failure) => return Err(failure),
                };
                if now.status != run.status {
                    self.tell_step(&now);
                }
                *run = now;
            }
        }
    }

    fn tell_step(&self, run: &TestRun) {
        // Who does not read it goes without.
        let _ = writeln!(std::io::stderr(), "{}", view::step(run));
    }

    /// Waits until something happened to one of these, or until it is time to look.
    async fn next_step(&self, runs: &[TestRun], last: &mut u64, end: Option<Instant>) -> Result<(), Failure> {
        let host = runs.first().map(|run| part(&run.host)).unwrap_or_default();
        let path = format!("/api/events/stream?after={last}&host={host}");
        let quiet = Instant::now() + QUIET;
        let end = end.map_or(quiet, |end| end.min(quiet));
        let mut stream = self.client.stream(&path, *last).await?;
        let mut sse = Sse::default();
        loop {
            let frame = match timeout_at(end, stream.frame()).await {
                // It is looked at in any case.
                Err(_) | Ok(None) => return Ok(()),
                Ok(Some(Err(error))) => return Err(self.client.strange(error)),
                Ok(Some(Ok(frame))) => frame,
            };
            let Ok(piece) = frame.into_data() else { continue };
            let mut moved = false;
            for message in sse.push(&piece) {
                let event: Value =
                    serde_json::from_str(&message.data).map_err(|error| self.client.strange(error))?;
                let number = |key: &str| event.get(key).and_then(Value::as_u64).unwrap_or_default();
                *last = number("id").max(*last);
                let code = event.get("code").and_then(Value::as_str).unwrap_or_default();
                moved |= code.starts_with("test-") && runs.iter().any(|run| run.id == number("run"));
                moved |= code == "host-removed";
            }
            if moved {
                return Ok(());
            }
        }
    }

    async fn test_log(&self, id: TestRunId, follow: bool) -> Result<(), Failure> {
        if follow {
            let last = self.newest_event().await?;
            let answer = self.client.get(&format!("/api/tests/{id}")).await?;
            let run: TestRun = self.read(&answer, None)?;
            let runs = self.wait_for(vec![run], last, None).await?;
            if let Some(run) = runs.iter().find(|run| run.status == "error") {
                return Err(Failure::Refused(view::step(run)));
            }
        }
        let mut log = self.client.bytes(&format!("/api/tests/{id}/log")).await?;
        let mut out = std::io::stdout();
        let raw = !std::io::IsTerminal::is_terminal(&out);
        while let Some(piece) = log.frame().await {
            let piece = piece.map_err(|error| self.client.strange(error))?;
            let Ok(piece) = piece.into_data() else { continue };
            if raw {
                out.write_all(&piece)?;
            } else {
                // What a machine wrote must not move the cursor.
                out.write_all(output::plain_lines(&String::from_utf8_lossy(&piece)).as_bytes())?;
            }
        }
        out.flush()?;
        Ok(())
    }

    async fn test_rm(&self, ids: Vec<TestRunId>) -> Result<(), Failure> {
        let mut removed = Vec::new();
        for id in ids {
            if let Err(failure) = self.client.call(Method::DELETE, &format!("/api/tests/{id}"), None).await {
                if !removed.is_empty() {
                    let _ =
                        writeln!(std::io::stderr(), "{} forgotten, but not the others", removed.join(", "));
                }
                return Err(failure);
            }
            removed.push(id.to_string());
        }
        if self.json {
            return output::json(&json!({ "removed": removed }));
        }
        output::print(&format!("{} forgotten", removed.join(", ")))
    }

    async fn test_report(&self, report: TestReportArgs) -> Result<(), Failure> {
        let TestReportArgs { ids, host, test, of_version, limit, junit } = report;
        let runs = if ids.is_empty() {
            let wanted = TestWanted { host, test, of_version, status: None, limit };
            let answer = self.client.get(&format!("/api/tests?{}", query(&wanted))).await?;
            self.read::<Vec<TestRun>>(&answer, Some("tests"))?
        } else {
            ids.iter().map(|id| TestRun { id: id.0, ..TestRun::default() }).collect()
        };
        self.write_junit(&junit, &self.whole(&runs).await?)
    }

    /// The runs with their lines. One that was removed stays what it was.
    async fn whole(&self, runs: &[TestRun]) -> Result<Vec<TestRun>, Failure> {
        let mut whole = Vec::with_capacity(runs.len());
        for run in runs {
            match self.client.get(&format!("/api/tests/{}", run.id)).await {
                Ok(answer) => whole.push(self.read(&answer, None)?),
                Err(Failure::Refused(_)) if !run.host.is_empty() => whole.push(run.clone()),
                Err(failure) => return Err(failure),
            }
        }
        Ok(whole)
    }

    fn write_junit(&self, file: &Path, runs: &[TestRun]) -> Result<(), Failure> {
        let text = view::junit(runs);
        if file == Path::new("-") {
            return output::print(&text);
        }
        std::fs::write(file, text).map_err(|error| not_written(file, &error))
    }
}

/// Looks before tests run for hours of which nobody would then be told.
fn can_be_written(file: &Path) -> Result<(), Failure> {
    if file == Path::new("-") {
        return Ok(());
    }
    let opened = std::fs::File::options().append(true).create(true).open(file);
    opened.map(drop).map_err(|error| not_written(file, &error))
}

fn not_written(file: &Path, error: &std::io::Error) -> Failure {
    Failure::Output(std::io::Error::new(error.kind(), format!("{}: {error}", file.display())))
}

fn query(wanted: &TestWanted) -> String {
    let TestWanted { host, test, of_version, status, limit } = wanted;
    let pairs = [
        ("host", host.as_deref().map(part)),
        ("test", test.as_ref().map(|test| part(test.as_str()))),
        ("version", of_version.as_deref().map(part)),
        ("status", status.map(|status| status.to_string())),
        ("limit", Some(limit.to_string())),
    ];
    let pairs = pairs.into_iter().filter_map(|(key, value)| value.map(|value| format!("{key}={value}")));
    pairs.collect::<Vec<_>>().join("&")
}
