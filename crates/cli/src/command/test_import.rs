//! Test runs out of pxemngr's database, which Django made.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt::Display,
    path::Path,
};

use bytes::Bytes;
use hyper::Method;
use nextboot_model::{Mac, TestName, TestStatus, Timestamp};
use rusqlite::{Connection, OpenFlags, config::DbConfig};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Session, part};
use crate::{args::TestImportArgs, failure::Failure, output, view::TestRun};

/// Runs and bytes of one call: the API takes a MiB.
const BATCH: (usize, usize) = (500, 500_000);
/// Lines of one run that are taken from the database; its log has them all.
const LINES: usize = 3000;
/// Longest text of a line, in characters; pxemngr's own limit is 100.
const TEXT: usize = 1000;
/// Largest log that is sent.
const LOG: u64 = 256 * 1024 * 1024;
/// Runs per request when listing.
const PAGE: usize = 10_000;

/// What the database holds of tests.
struct Past {
    runs: Vec<PastRun>,
    systems: BTreeMap<i64, System>,
}

/// A system of pxemngr.
#[derive(Default)]
struct System {
    name: String,
    macs: Vec<Mac>,
}

/// A run as pxemngr has it.
struct PastRun {
    id: i64,
    system: i64,
    test: String,
    status: TestStatus,
    at: Timestamp,
    version: Option<String>,
    lines: Vec<(String, String)>,
}

/// What came of an import.
#[derive(Default)]
struct Tally {
    taken: usize,
    had: usize,
    logs: usize,
    doubts: Vec<String>,
}

#[derive(Deserialize)]
struct HostSeen {
    name: String,
    #[serde(default)]
    macs: Vec<Mac>,
}

impl Session {
    /// Takes over what pxemngr knows of tests. What was taken over before is left alone, so it may be done again.
    pub(super) async fn test_import(&self, import: TestImportArgs) -> Result<(), Failure> {
        let past = read(&import.file)?;
        let hosts = self.hosts_of(&past.systems).await?;
        let mut known = self.known_runs().await?;
        let mut tally = Tally::default();
        let mut batch: Vec<(i64, Value)> = Vec::new();
        let mut size = 0;
        for run in past.runs {
            let name = past.systems.get(&run.system).map_or("?", |system| system.name.as_str());
            let Some(host) = hosts.get(&run.system) else {
                tally.doubts.push(format!("run {}: system {name} is no host here; add it first", run.id));
                continue;
            };
            if let Err(error) = run.test.parse::<TestName>() {
                tally.doubts.push(format!("run {}: {error}", run.id));
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
                self.send_runs(&import, std::mem::take(&mut batch), &mut tally).await?;
                size = 0;
            }
        }
        self.send_runs(&import, batch, &mut tally).await?;
        for doubt in &tally.doubts {
            eprintln!("nextboot: {}", output::plain(doubt));
        }
        let Tally { taken, had, logs, doubts } = tally;
        if self.json {
            return output::json(
                &json!({ "taken": taken, "had": had, "logs": logs, "doubts": doubts, "dry_run": import.dry_run }),
            );
        }
        let would = if import.dry_run { "would be " } else { "" };
        output::print(&format!(
            "{taken} test runs {would}taken over, {had} were here already, {logs} logs {would}copied, {} left out",
            doubts.len()
        ))
    }

    /// Which host each system is: by its name, else by one of its MAC addresses.
    async fn hosts_of(&self, systems: &BTreeMap<i64, System>) -> Result<HashMap<i64, String>, Failure> {
        let mut found = HashMap::new();
        for (id, system) in systems {
            let macs = system.macs.iter().map(ToString::to_string);
            for wanted in std::iter::once(system.name.clone()).chain(macs) {
                match self.client.get(&format!("/api/hosts/{}", part(&wanted))).await {
                    Ok(answer) => {
                        let host: HostSeen = self.read(&answer, None)?;
                        if host.name == system.name || system.macs.iter().any(|mac| host.macs.contains(mac)) {
                            found.insert(*id, host.name);
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
        import: &TestImportArgs,
        batch: Vec<(i64, Value)>,
        tally: &mut Tally,
    ) -> Result<(), Failure> {
        if batch.is_empty() {
            return Ok(());
        }
        let (ids, values): (Vec<i64>, Vec<Value>) = batch.into_iter().unzip();
        tally.taken += values.len();
        let log_of = |id: i64| {
            let file = import.logs.as_ref()?.join(format!("{id}.log"));
            file.is_file().then_some(file)
        };
        if import.dry_run {
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
                Err(error) => tally.doubts.push(format!("{}: {error}", file.display())),
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

/// Reads the database. Nothing in it is changed, and nothing of it is run.
fn read(file: &Path) -> Result<Past, Failure> {
    let wrong = |why: &dyn Display| Failure::Refused(format!("{}: {why}", file.display()));
    // SQLite would make one that is not there.
    if !file.is_file() {
        return Err(wrong(
            &"there is no such file; it is called pxemngr.sqlite, or as DATABASES in settings.py says",
        ));
    }
    read_tables(file).map_err(|error| wrong(&error))
}

fn read_tables(file: &Path) -> Result<Past, String> {
    let text = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => "this is no SQLite database".to_owned(),
        _ => error.to_string(),
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(file, flags).map_err(text)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true).map_err(text)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false).map_err(text)?;
    for table in [
        "pxe_system",
        "pxe_macaddress",
        "tester_testname",
        "tester_systemversion",
        "tester_testlog",
        "tester_infoline",
    ] {
        // A view of that name could be anything.
        let found: i64 = db
            .query_row(
                "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?1",
                [table],
                |row| row.get(0),
            )
            .map_err(text)?;
        if found == 0 {
            return Err(format!("this is no database of pxemngr: it has no table {table}"));
        }
    }
    let mut systems = BTreeMap::<i64, System>::new();
    each(&db, "SELECT id, name FROM pxe_system", |row| {
        systems.entry(row.get(0)?).or_default().name = row.get(1)?;
        Ok(())
    })?;
    each(&db, "SELECT system_id, mac FROM pxe_macaddress", |row| {
        // Prefixes of addresses are in this table, too.
        if let (Some(system), Ok(mac)) = (systems.get_mut(&row.get(0)?), row.get::<_, String>(1)?.parse()) {
            system.macs.push(mac);
        }
        Ok(())
    })?;
    let mut runs = Vec::new();
    let mut places = HashMap::new();
    each(
        &db,
        "SELECT log.id, log.system_id, test.name, log.status, log.date, version.name FROM tester_testlog log
         JOIN tester_testname test ON test.id = log.test_name_id
         LEFT JOIN tester_systemversion version ON version.id = log.version_id ORDER BY log.id",
        |row| {
            let (status, date): (String, String) = (row.get(3)?, row.get(4)?);
            let (Ok(status), Some(at)) = (status.parse(), moment(&date)) else { return Ok(()) };
            let run = PastRun {
                id: row.get(0)?,
                system: row.get(1)?,
                test: row.get(2)?,
                status,
                at,
                version: row.get(5)?,
                lines: Vec::new(),
            };
            places.insert(run.id, runs.len());
            runs.push(run);
            Ok(())
        },
    )?;
    // A log that was uploaded twice has its lines twice, one after the other.
    each(&db, "SELECT log_id, type, text FROM tester_infoline ORDER BY log_id, id", |row| {
        let run = places.get(&row.get(0)?).and_then(|place: &usize| runs.get_mut(*place));
        let (kind, text): (String, String) = (row.get(1)?, row.get(2)?);
        if let Some(run) = run.filter(|run| run.lines.len() < LINES && matches!(&*kind, "I" | "W" | "E")) {
            run.lines.push((kind, text.chars().take(TEXT).collect()));
        }
        Ok(())
    })?;
    for run in &mut runs {
        undouble(&mut run.lines);
    }
    Ok(Past { runs, systems })
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

fn each(
    db: &Connection,
    sql: &str,
    mut take: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<()>,
) -> Result<(), String> {
    let mut statement = db.prepare(sql).map_err(|error| error.to_string())?;
    let mut rows = statement.query(()).map_err(|error| error.to_string())?;
    while let Some(row) = rows.next().map_err(|error| error.to_string())? {
        take(row).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// `2016-11-20 23:53:06.431674` as Django keeps it, UTC; a zone behind it is taken for UTC as well.
fn moment(text: &str) -> Option<Timestamp> {
    let (date, time) = text.split_once([' ', 'T'])?;
    let numbers = |text: &str, by: char| {
        text.split(by).map(|part| part.parse::<u64>().ok()).collect::<Option<Vec<_>>>()
    };
    let (seconds, fraction) = time.split_once('.').unwrap_or((time, ""));
    let seconds = seconds.get(..8).unwrap_or(seconds);
    let ([year, month, day], [hour, minute, second]) =
        (<[u64; 3]>::try_from(numbers(date, '-')?).ok()?, <[u64; 3]>::try_from(numbers(seconds, ':')?).ok()?);
    let sound = (1970..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    if !sound || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let digits: String =
        fraction.chars().take_while(char::is_ascii_digit).chain("000".chars()).take(3).collect();
    // Days from civil, with years that begin in March.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let of_era = year % 400;
    let days =
        year / 400 * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * month + 2) / 5 + day - 1;
    let days = days.checked_sub(719_468)?;
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second;
    Some(Timestamp(seconds * 1000 + digits.parse::<u64>().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_they_are_written() {
        for (text, written) in [
            ("2016-11-20 23:53:06.431674", "2016-11-20T23:53:06.431Z"),
            ("1970-01-01 00:00:00", "1970-01-01T00:00:00.000Z"),
            ("2000-02-29T12:00:00.5+00:00", "2000-02-29T12:00:00.500Z"),
            ("2100-03-01 00:00:00Z", "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(moment(text).map(|at| at.to_string()).as_deref(), Some(written), "{text}");
        }
        for text in [
            "",
            "x",
            "2016-11-20",
            "1969-12-31 00:00:00",
            "2016-13-01 00:00:00",
            "2016-01-01 25:00:00",
            "2016-01-01 00:00",
        ] {
            assert_eq!(moment(text), None, "{text}");
        }
    }

    #[test]
    fn lines_that_came_twice_count_once() {
        let lines = |text: &str| text.chars().map(|c| ("E".to_owned(), c.to_string())).collect::<Vec<_>>();
        for (from, to) in [("abab", "ab"), ("abc", "abc"), ("aaaa", "a"), ("abba", "abba"), ("", "")] {
            let mut found = lines(from);
            undouble(&mut found);
            assert_eq!(found, lines(to), "{from}");
        }
    }

    #[test]
    fn what_is_no_database_of_pxemngr_is_told_so() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("db");
        let says = |text: &str| {
            let why = read(&file).map(drop).unwrap_err().to_string();
            assert!(why.contains(text), "{why}");
        };
        says("no such file");
        std::fs::write(&file, "nothing of the kind").unwrap();
        says("no SQLite database");
        std::fs::remove_file(&file).unwrap();
        let db = Connection::open(&file).unwrap();
        db.execute_batch("CREATE VIEW pxe_system AS SELECT 1 AS id").unwrap();
        says("no table pxe_system");
    }
}
