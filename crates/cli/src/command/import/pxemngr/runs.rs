use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use bytes::Bytes;
use hyper::Method;
use nextboot_model::{Mac, TestName, TestStatus, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    database::{self, Database},
    systems::System,
};
use crate::{
    args::ImportPxemngr,
    command::{Session, part},
    failure::Failure,
    view::TestRun,
};

/// Runs and bytes of one call: the API takes a MiB.
const BATCH: (usize, usize) = (500, 500_000);
/// Most runs that are read.
const MOST: usize = 1_000_000;
/// Lines of one run that are taken from the database; its log has them all.
const LINES: usize = 3000;
/// Longest text of a line, in characters; pxemngr's own limit is 100.
const TEXT: usize = 1000;
/// Largest log that is sent.
const LOG: u64 = 256 * 1024 * 1024;
/// Runs per request when listing.
const PAGE: usize = 10_000;

/// A run as pxemngr has it.
pub(super) struct PastRun {
    id: i64,
    system: i64,
    test: String,
    status: TestStatus,
    at: Timestamp,
    version: Option<String>,
    lines: Vec<(String, String)>,
}

/// What came of the runs.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) taken: usize,
    pub(super) had: usize,
    pub(super) logs: usize,
    /// What was not taken over, and why.
    pub(super) left: Vec<String>,
}

#[derive(Deserialize)]
struct HostSeen {
    name: String,
    #[serde(default)]
    macs: Vec<Mac>,
}

impl Session {
    /// Takes over what pxemngr knows of tests. What was taken over before is left alone, so it may be done again.
    pub(super) async fn take_runs(
        &self,
        from: &ImportPxemngr,
        runs: Vec<PastRun>,
        hosts: &HashMap<i64, String>,
    ) -> Result<Tally, Failure> {
        let mut tally = Tally::default();
        if runs.is_empty() {
            return Ok(tally);
        }
        let mut known = self.known_runs().await?;
        let mut batch: Vec<(i64, Value)> = Vec::new();
        let mut size = 0;
        for run in runs {
            let Some(host) = hosts.get(&run.system) else {
                tally.left.push(format!("test run {}: its system is no host here", run.id));
                continue;
            };
            if let Err(error) = run.test.parse::<TestName>() {
                tally.left.push(format!("test run {}: {error}", run.id));
                continue;
            }
            if !known.insert((host.clone(), run.test.clone(), run.at.0)) {
                tally.had += 1;
                continue;
            }
            let value = run.value(host);
            size += value.to_string().len();
            batch.push((run.id, value));
            if batch.len() >= BATCH.0 || size >= BATCH.1 {
                self.send_runs(from, std::mem::take(&mut batch), &mut tally).await?;
                size = 0;
            }
        }
        self.send_runs(from, batch, &mut tally).await?;
        Ok(tally)
    }

    /// Which host each system is: by its name, else by one of its MAC addresses.
    pub(super) async fn hosts_of(&self, systems: &[System]) -> Result<HashMap<i64, String>, Failure> {
        let mut found = HashMap::new();
        for system in systems {
            let macs: Vec<Mac> = system.addresses.iter().filter_map(|address| address.parse().ok()).collect();
            let keys = macs.iter().map(ToString::to_string);
            for wanted in std::iter::once(system.name.clone()).chain(keys) {
                match self.client.get(&format!("/api/hosts/{}", part(&wanted))).await {
                    Ok(answer) => {
                        let host: HostSeen = self.read(&answer, None)?;
                        if host.name == system.name || macs.iter().any(|mac| host.macs.contains(mac)) {
                            found.insert(system.id, host.name);
                            break;
                        }
                    }
                    Err(Failure::Refused(_)) => {}
                    Err(failure) => return Err(failure),
                }
            }
        }
        Ok(found)
    }

    /// What tells one run from the next here: host, test and moment.
    async fn known_runs(&self) -> Result<HashSet<(String, String, u64)>, Failure> {
        let mut known = HashSet::new();
        let mut path = format!("/api/tests?limit={PAGE}");
        loop {
            let answer = self.client.get(&path).await?;
            let runs: Vec<TestRun> = self.read(&answer, Some("tests"))?;
            let oldest = runs.last().map(|run| run.id).filter(|_| runs.len() == PAGE);
            known.extend(runs.into_iter().map(|run| (run.host, run.test, run.queued)));
            let Some(oldest) = oldest else { return Ok(known) };
            let next = format!("/api/tests?limit={PAGE}&before={oldest}");
            if next == path {
                return Err(self.client.strange("the list of tests does not end"));
            }
            path = next;
        }
    }

    async fn send_runs(
        &self,
        from: &ImportPxemngr,
        batch: Vec<(i64, Value)>,
        tally: &mut Tally,
    ) -> Result<(), Failure> {
        if batch.is_empty() {
            return Ok(());
        }
        let (ids, values): (Vec<i64>, Vec<Value>) = batch.into_iter().unzip();
        tally.taken += values.len();
        let log_of = |id: i64| {
            let file = from.logs.as_ref()?.join(format!("{id}.log"));
            file.is_file().then_some(file)
        };
        if from.from.dry_run {
            tally.logs += ids.iter().filter(|id| log_of(**id).is_some()).count();
            return Ok(());
        }
        let done: Vec<bool> = values.iter().map(|value| value["status"] == "done").collect();
        let answer =
            self.client.call(Method::POST, "/api/tests/import", Some(&json!({ "tests": values }))).await?;
        let runs: Vec<TestRun> = self.read(&answer, Some("tests"))?;
        for ((id, run), done) in ids.into_iter().zip(runs).zip(done) {
            let Some(file) = log_of(id).filter(|_| done) else { continue };
            match copy(&file) {
                Ok(log) => {
                    self.client.put_bytes(&format!("/api/tests/{}/log", run.id), log).await?;
                    tally.logs += 1;
                }
                Err(error) => tally.left.push(format!("{}: {error}", file.display())),
            }
        }
        Ok(())
    }
}

fn copy(file: &Path) -> Result<Bytes, String> {
    let size = std::fs::metadata(file).map_err(|error| error.to_string())?.len();
    if size > LOG {
        return Err(format!("it is larger than {LOG} bytes"));
    }
    std::fs::read(file).map(Bytes::from).map_err(|error| error.to_string())
}

impl PastRun {
    fn value(&self, host: &str) -> Value {
        let lines: Vec<Value> =
            self.lines.iter().map(|(kind, text)| json!({ "kind": kind, "text": text })).collect();
        json!({
            "id": self.id.max(0), "host": host, "test": self.test, "status": self.status.word(), "at": self.at,
            "version": self.version, "lines": lines,
        })
    }
}

/// Reads all runs, and says which cannot be read; none where pxemngr was used without its tests.
pub(super) fn read(db: &Database) -> Result<(Vec<PastRun>, Vec<String>), Failure> {
    let (mut runs, mut left) = (Vec::new(), Vec::new());
    if !db.has("tester_testlog")? {
        return Ok((runs, left));
    }
    db.wants(&["tester_testname", "tester_systemversion", "tester_infoline"])?;
    let mut places = HashMap::new();
    let at = database::moment("log.date");
    let sql = format!(
        "SELECT log.id, COALESCE(log.system_id, 0), test.name, log.status, {at}, version.name FROM tester_testlog log
         LEFT JOIN tester_testname test ON test.id = log.test_name_id
         LEFT JOIN tester_systemversion version ON version.id = log.version_id ORDER BY log.id"
    );
    db.each(&sql, |row| {
        let id = row.get(0)?;
        let (test, status, at): (Option<String>, Option<String>, Option<i64>) =
            (row.get(2)?, row.get(3)?, row.get(4)?);
        let status = status.as_deref().and_then(|status| status.parse().ok());
        let at = at.and_then(|at| u64::try_from(at).ok());
        let (Some(test), Some(status), Some(at)) = (test, status, at) else {
            left.push(format!("test run {id}: it has no test, no status of R, S, D, E, or no date"));
            return Ok(runs.len() + left.len() <= MOST);
        };
        let run = PastRun {
            id,
            system: row.get(1)?,
            test,
            status,
            at: Timestamp(at),
            version: row.get(5)?,
            lines: Vec::new(),
        };
        places.insert(run.id, runs.len());
        runs.push(run);
        Ok(runs.len() + left.len() <= MOST)
    })?;
    if runs.len() + left.len() > MOST {
        return Err(db.wrong(&format!("it has more than {MOST} test runs")));
    }
    // A log that was uploaded twice has its lines twice, one after the other.
    db.each("SELECT COALESCE(log_id, 0), COALESCE(type, ''), COALESCE(text, '') FROM tester_infoline ORDER BY log_id, id", |row| {
        let run = places.get(&row.get(0)?).and_then(|place: &usize| runs.get_mut(*place));
        let (kind, text): (String, String) = (row.get(1)?, row.get(2)?);
        if let Some(run) = run.filter(|run| run.lines.len() < LINES && matches!(&*kind, "I" | "W" | "E")) {
            run.lines.push((kind, text.chars().take(TEXT).collect()));
        }
        Ok(true)
    })?;
    for run in &mut runs {
        undouble(&mut run.lines);
    }
    Ok((runs, left))
}

/// pxemngr added the lines of a log to those that it had when the log was uploaded again.
fn undouble(lines: &mut Vec<(String, String)>) {
    while !lines.is_empty() && lines.len().is_multiple_of(2) {
        let half = lines.len() / 2;
        if lines[..half] != lines[half..] {
            return;
        }
        lines.truncate(half);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_came_twice_count_once() {
        let lines = |text: &str| text.chars().map(|c| ("E".to_owned(), c.to_string())).collect::<Vec<_>>();
        for (from, to) in [("abab", "ab"), ("abc", "abc"), ("aaaa", "a"), ("abba", "abba"), ("", "")] {
            let mut found = lines(from);
            undouble(&mut found);
            assert_eq!(found, lines(to), "{from}");
        }
    }
}
