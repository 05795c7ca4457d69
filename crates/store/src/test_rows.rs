//! Test runs and the lines of their logs in the database.

use nextboot_model::{
    HostName, LineKind, TestLine, TestName, TestRun, TestRunId, TestStatus, TestTable, Timestamp,
};
use rusqlite::{Connection, OptionalExtension as _, Row, types::Value};

use crate::{failure::Failure, journal::Order};

/// Most runs, versions or lines that one query answers.
pub const MAX_TEST_ROWS: usize = 10_000;

/// Which test runs: those that everything given here holds for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TestQuery {
    /// Of this host.
    pub host: Option<HostName>,
    /// Of this test.
    pub test: Option<TestName>,
    /// Of this version, as the log names it.
    pub version: Option<String>,
    /// As far as this.
    pub status: Option<TestStatus>,
    /// With a greater number.
    pub after: Option<TestRunId>,
    /// With a smaller number.
    pub before: Option<TestRunId>,
    /// No more than so many; [`MAX_TEST_ROWS`] at most.
    pub limit: usize,
    /// Which come first, and are kept when there are more than `limit`.
    pub order: Order,
}

/// What was tested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestVersion {
    /// Its name.
    pub version: String,
    /// The first run that told of it: versions are as old as that.
    pub first: TestRunId,
    /// How many runs tell of it.
    pub runs: u64,
    /// How many errors they have together.
    pub errors: u64,
}

fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn moment(at: Option<Timestamp>) -> Option<i64> {
    at.and_then(|at| i64::try_from(at.0).ok())
}

/// Writes a run over what was known of it.
pub(crate) fn put(connection: &Connection, run: &TestRun) -> Result<(), Failure> {
    let mut put = connection.prepare_cached(
        "INSERT INTO test_run
             (id, host, test, status, queued, started, finished, version, infos, warnings, errors, bytes, note)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
         ON CONFLICT (id) DO UPDATE SET host = ?2, test = ?3, status = ?4, queued = ?5, started = ?6, finished = ?7,
             version = ?8, infos = ?9, warnings = ?10, errors = ?11, bytes = ?12, note = ?13",
    )?;
    put.execute((
        number(run.id.0),
        run.host.as_str(),
        run.test.as_str(),
        run.status.word(),
        moment(Some(run.queued)),
        moment(run.started),
        moment(run.finished),
        &run.version,
        run.infos,
        run.warnings,
        run.errors,
        number(run.bytes),
        &run.note,
    ))?;
    Ok(())
}

/// Writes the lines of a run's log in place of those that it had.
pub(crate) fn put_lines(connection: &Connection, id: TestRunId, lines: &[TestLine]) -> Result<(), Failure> {
    connection.prepare_cached("DELETE FROM test_line WHERE run = ?1")?.execute([number(id.0)])?;
    let mut put = connection
        .prepare_cached("INSERT INTO test_line (run, place, kind, text) VALUES (?1, ?2, ?3, ?4)")?;
    for (place, line) in (0_i64..).zip(lines) {
        put.execute((number(id.0), place, line.kind.letter(), &line.text))?;
    }
    Ok(())
}

/// Forgets a run and its lines.
pub(crate) fn remove(connection: &Connection, id: TestRunId) -> Result<(), Failure> {
    connection.prepare_cached("DELETE FROM test_run WHERE id = ?1")?.execute([number(id.0)])?;
    Ok(())
}

/// Remembers that numbers up to this one were given.
pub(crate) fn put_last(connection: &Connection, last: u64) -> Result<(), Failure> {
    connection
        .prepare_cached("INSERT INTO meta (key, value) VALUES ('test_run', ?1) ON CONFLICT (key) DO UPDATE SET value = ?1")?
        .execute([number(last)])?;
    Ok(())
}

const COLUMNS: &str =
    "id, host, test, status, queued, started, finished, version, infos, warnings, errors, bytes, note";

/// The columns that [`read`] wants, of the runs that are open.
pub(crate) fn open_runs() -> String {
    format!("SELECT {COLUMNS} FROM test_run WHERE status IN ('queued', 'started') ORDER BY id")
}

/// Of the runs that are finished, their numbers and hosts.
pub(crate) const FINISHED: &str =
    "SELECT id, host FROM test_run WHERE status NOT IN ('queued', 'started') ORDER BY id";

/// Reads a row of [`FINISHED`] into the table.
pub(crate) fn remember(row: &Row<'_>, table: &mut TestTable) -> Result<(), String> {
    let host: String = row.get(1).map_err(|error| error.to_string())?;
    let host = host.parse().map_err(|error: nextboot_model::BadName| error.to_string())?;
    table.remember(id(row)?, host);
    Ok(())
}

fn id(row: &Row<'_>) -> Result<TestRunId, String> {
    let id: i64 = row.get(0).map_err(|error| error.to_string())?;
    let id = u64::try_from(id).ok().filter(|id| (1..=TestRunId::MAX.0).contains(id));
    id.map(TestRunId).ok_or_else(|| "this is no number of a test run".into())
}

/// Reads a run.
pub(crate) fn read(row: &Row<'_>) -> Result<TestRun, String> {
    let text = |at: usize| row.get::<_, String>(at).map_err(|error| error.to_string());
    let maybe = |at: usize| row.get::<_, Option<String>>(at).map_err(|error| error.to_string());
    let count = |at: usize| row.get::<_, u32>(at).map_err(|error| error.to_string());
    let moment = |at: usize| {
        let moment: Option<i64> = row.get(at).map_err(|error| error.to_string())?;
        let read = |at: i64| u64::try_from(at).map(Timestamp).map_err(|_| format!("{at} is before 1970"));
        moment.map(read).transpose()
    };
    Ok(TestRun {
        id: id(row)?,
        host: text(1)?.parse().map_err(|error: nextboot_model::BadName| error.to_string())?,
        test: text(2)?.parse().map_err(|error: nextboot_model::BadName| error.to_string())?,
        status: text(3)?.parse()?,
        queued: moment(4)?.unwrap_or_default(),
        started: moment(5)?,
        finished: moment(6)?,
        version: maybe(7)?,
        infos: count(8)?,
        warnings: count(9)?,
        errors: count(10)?,
        bytes: row
            .get::<_, i64>(11)
            .map(|bytes| u64::try_from(bytes).unwrap_or(0))
            .map_err(|error| error.to_string())?,
        note: maybe(12)?,
    })
}

/// One run.
pub(crate) fn one(connection: &Connection, id: TestRunId) -> rusqlite::Result<Option<TestRun>> {
    let mut statement =
        connection.prepare_cached(&format!("SELECT {COLUMNS} FROM test_run WHERE id = ?1"))?;
    statement.query_row([number(id.0)], |row| Ok(read(row).ok())).optional().map(Option::flatten)
}

/// Answers a query. A row that cannot be read does not hide the others.
pub(crate) fn select(connection: &Connection, query: &TestQuery) -> rusqlite::Result<Vec<TestRun>> {
    let mut wanted = vec!["TRUE"];
    let mut values: Vec<Value> = Vec::new();
    let mut want = |condition, value: Option<Value>| {
        if let Some(value) = value {
            wanted.push(condition);
            values.push(value);
        }
    };
    want("host = ?", query.host.as_ref().map(|host| Value::Text(host.to_string())));
    want("test = ?", query.test.as_ref().map(|test| Value::Text(test.to_string())));
    want("version = ?", query.version.clone().map(Value::Text));
    want("status = ?", query.status.map(|status| Value::Text(status.to_string())));
    want("id > ?", query.after.map(|after| Value::Integer(number(after.0))));
    want("id < ?", query.before.map(|before| Value::Integer(number(before.0))));
    values.push(limit(query.limit));
    let order = if query.order == Order::NewestFirst { "DESC" } else { "ASC" };
    let sql =
        format!("SELECT {COLUMNS} FROM test_run WHERE {} ORDER BY id {order} LIMIT ?", wanted.join(" AND "));
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(rusqlite::params_from_iter(values), |row| Ok(read(row)))?;
    rows.filter_map(|row| row.map(Result::ok).transpose()).collect()
}

/// The lines of a run's log from place `from` on.
pub(crate) fn lines(
    connection: &Connection,
    id: TestRunId,
    from: usize,
    most: usize,
) -> rusqlite::Result<Vec<TestLine>> {
    let mut statement = connection.prepare_cached(
        "SELECT kind, text FROM test_line WHERE run = ?1 AND place >= ?2 ORDER BY place LIMIT ?3",
    )?;
    let from = Value::Integer(i64::try_from(from).unwrap_or(i64::MAX));
    let rows = statement.query_map((number(id.0), from, limit(most)), |row| {
        let kind = LineKind::of(&row.get::<_, String>(0)?).unwrap_or(LineKind::Info);
        Ok(TestLine { kind, text: row.get(1)? })
    })?;
    rows.collect()
}

/// The versions that runs tell of, the newest first, those older than `before`.
pub(crate) fn versions(
    connection: &Connection,
    before: Option<TestRunId>,
    most: usize,
) -> rusqlite::Result<Vec<TestVersion>> {
    let mut statement = connection.prepare_cached(
        "SELECT version, min(id) AS first, count(*), sum(errors) FROM test_run WHERE version IS NOT NULL
         GROUP BY version HAVING first < ?1 ORDER BY first DESC LIMIT ?2",
    )?;
    let before = before.map_or(i64::MAX, |before| number(before.0));
    let rows = statement.query_map((before, limit(most)), |row| {
        let count = |at| Ok::<_, rusqlite::Error>(u64::try_from(row.get::<_, i64>(at)?).unwrap_or(0));
        Ok(TestVersion {
            version: row.get(0)?,
            first: TestRunId(count(1)?),
            runs: count(2)?,
            errors: count(3)?,
        })
    })?;
    rows.collect()
}

/// The names of the tests that runs tell of.
pub(crate) fn names(connection: &Connection) -> rusqlite::Result<Vec<TestName>> {
    let mut statement =
        connection.prepare_cached("SELECT DISTINCT test FROM test_run ORDER BY test LIMIT ?1")?;
    let rows = statement.query_map([limit(MAX_TEST_ROWS)], |row| row.get::<_, String>(0))?;
    rows.filter_map(|name| name.map(|name| name.parse().ok()).transpose()).collect()
}

fn limit(most: usize) -> Value {
    Value::Integer(i64::try_from(most.min(MAX_TEST_ROWS)).unwrap_or(0))
}
