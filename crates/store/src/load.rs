//! What the database holds, checked as strictly as what comes in.

use std::{collections::HashMap, fmt::Display, path::Path, sync::Arc};

use nextboot_model::{Change, Command, Lease, Mac, Network, State, TestChange, TestTable};
use rusqlite::{Connection, OptionalExtension, Row, types::ValueRef};

use crate::{OpenError, journal, nets, open::explain, rows, test_rows};

/// All that a database holds but the journal.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) state: State,
    pub(crate) leases: Vec<Lease>,
    pub(crate) secret: [u8; 32],
    /// The ids of the oldest and the newest event.
    pub(crate) events: (u64, u64),
}

/// Reads the database.
///
/// A row that cannot be read refuses the start: leaving it out could let an old assignment hold again, or give a
/// machine's MAC to another.
pub(crate) fn load(path: &Path, connection: &Connection) -> Result<Contents, OpenError> {
    let explain = |error: rusqlite::Error| explain(path, &error);
    let table = |table| Table { path, table, connection };
    let hosts = state(&table("mac"), &table("host"))?;
    let hosts = with_nets(hosts, &table("network"), &table("net"))?;
    let tests = tests(&table("test_run"), &table("meta"))?;
    let leases = table("lease").read(rows::LEASE, rows::read_lease)?;
    Ok(Contents {
        state: hosts.with_tests(tests).with_revision(revision(&table("meta"))?),
        leases,
        secret: secret(&table("meta"))?,
        events: journal::ends(connection).map_err(explain)?,
    })
}

struct Table<'a> {
    path: &'a Path,
    table: &'static str,
    connection: &'a Connection,
}

impl Table<'_> {
    fn bad(&self, key: impl Display, why: impl Display) -> OpenError {
        let (path, key, why) = (self.path.to_owned(), key.to_string(), why.to_string());
        OpenError::BadRow { path, table: self.table, key, why }
    }

    fn broken(&self, error: &rusqlite::Error) -> OpenError {
        explain(self.path, error)
    }

    /// All rows; the first column is the key that complaints name.
    fn read<T>(
        &self,
        sql: &str,
        mut read: impl FnMut(&Row<'_>) -> Result<T, String>,
    ) -> Result<Vec<T>, OpenError> {
        let mut statement = self.connection.prepare(sql).map_err(|error| self.broken(&error))?;
        let mut rows = statement.query(()).map_err(|error| self.broken(&error))?;
        let mut all = Vec::new();
        while let Some(row) = rows.next().map_err(|error| self.broken(&error))? {
            all.push(read(row).map_err(|why| self.bad(key(row), why))?);
        }
        Ok(all)
    }

    fn meta<T: rusqlite::types::FromSql>(&self, key: &str) -> Result<Option<T>, OpenError> {
        let found = self
            .connection
            .query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| Ok(row.get(0)))
            .optional()
            .map_err(|error| self.broken(&error))?;
        found.transpose().map_err(|error| self.bad(key, error))
    }

    fn set_meta(&self, key: &str, value: impl rusqlite::ToSql) -> Result<(), OpenError> {
        self.connection
            .execute("INSERT INTO meta (key, value) VALUES (?1, ?2)", (key, value))
            .map_err(|error| self.broken(&error))?;
        Ok(())
    }
}

fn key(row: &Row<'_>) -> String {
    match row.get_ref(0) {
        Ok(ValueRef::Text(text)) => String::from_utf8_lossy(text).chars().take(128).collect(),
        Ok(ValueRef::Integer(number)) => number.to_string(),
        Ok(other) => format!("{other:?}").chars().take(128).collect(),
        Err(_) => String::new(),
    }
}

fn state(macs: &Table<'_>, hosts: &Table<'_>) -> Result<State, OpenError> {
    let mut owners: HashMap<String, Vec<Mac>> = HashMap::new();
    let pairs = macs.read("SELECT mac, host FROM mac ORDER BY host, place", |row| {
        let text = |at| row.get::<_, String>(at).map_err(|error| error.to_string());
        let mac: Mac = text(0)?.parse().map_err(|error: nextboot_model::BadMac| error.to_string())?;
        if mac.to_string() != text(0)? {
            return Err(format!("write it as {mac}, or it may get two owners"));
        }
        Ok((text(1)?, mac))
    })?;
    for (owner, mac) in pairs {
        owners.entry(owner).or_default().push(mac);
    }
    let mut state = State::default();
    hosts.read(rows::RECORD, |row| {
        let name: String = row.get(0).map_err(|error| error.to_string())?;
        let record = rows::read_record(row, owners.remove(&name).unwrap_or_default())?;
        // The very check that let it in.
        let add = Command::AddHost { host: record.host.clone(), by: record.assignment.by.clone() };
        add.check(&state, record.assignment.since).map_err(|refusal| refusal.to_string())?;
        state.apply(&Change::Put(Arc::new(record)));
        Ok(())
    })?;
    match owners.into_iter().next() {
        Some((owner, orphans)) => {
            let mac = orphans.first().map(Mac::to_string).unwrap_or_default();
            Err(macs.bad(mac, format!("there is no host {owner:?}")))
        }
        None => Ok(state),
    }
}

fn tests(runs: &Table<'_>, meta: &Table<'_>) -> Result<TestTable, OpenError> {
    let mut state = State::default();
    runs.read(&test_rows::open_runs(), |row| {
        let run = Arc::new(test_rows::read(row)?);
        state.apply(&Change::Test(TestChange::Open(run)));
        Ok(())
    })?;
    let mut table = state.tests().clone();
    runs.read(test_rows::FINISHED, |row| test_rows::remember(row, &mut table))?;
    let last = meta.meta::<i64>("test_run")?.unwrap_or(0);
    let last = u64::try_from(last).map_err(|_| meta.bad("test_run", "it is negative"))?;
    Ok(table.counting_from(last))
}

fn with_nets(mut state: State, networks: &Table<'_>, nets: &Table<'_>) -> Result<State, OpenError> {
    let mut owners: HashMap<String, Vec<Network>> = HashMap::new();
    for (network, owner) in networks.read(nets::NETWORK, nets::read_network)? {
        owners.entry(owner).or_default().push(network);
    }
    for net in nets.read(nets::NET, |row| nets::read_net(row, &mut owners))? {
        state.apply(&Change::PutNet(Arc::new(net)));
    }
    match owners.into_iter().next() {
        Some((owner, orphans)) => {
            let network = orphans.first().map(Network::to_string).unwrap_or_default();
            Err(networks.bad(network, format!("there is no net {owner:?}")))
        }
        None => Ok(state),
    }
}

/// Goes on counting where the last run ended, so that no revision ever means two states.
fn revision(meta: &Table<'_>) -> Result<u64, OpenError> {
    if let Some(revision) = meta.meta::<i64>("revision")? {
        return u64::try_from(revision).map_err(|_| meta.bad("revision", "it is negative"));
    }
    meta.set_meta("revision", 0)?;
    Ok(0)
}

/// Made when the database is, and then kept: what it proves must hold over restarts.
fn secret(meta: &Table<'_>) -> Result<[u8; 32], OpenError> {
    if let Some(secret) = meta.meta::<Vec<u8>>("secret")? {
        return secret.try_into().map_err(|_| meta.bad("secret", "it does not have 32 bytes"));
    }
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(|error| OpenError::System(error.to_string()))?;
    meta.set_meta("secret", secret)?;
    Ok(secret)
}
