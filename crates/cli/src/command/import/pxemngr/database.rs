use std::path::Path;

use rusqlite::{Connection, OpenFlags, Row, config::DbConfig};

use crate::{failure::Failure, output};

/// The moment in a column as Django writes it, as milliseconds since 1970; NULL where it is none.
pub(super) fn moment(column: &str) -> String {
    format!("CAST(round((julianday({column}) - 2440587.5) * 86400000.0) AS INTEGER)")
}

/// pxemngr's database. Nothing in it is changed, and nothing of it is run.
pub(super) struct Database {
    connection: Connection,
    file: String,
}

impl Database {
    pub(super) fn open(file: &Path) -> Result<Self, Failure> {
        let name = file.display().to_string();
        // SQLite would make one that is not there.
        if !file.is_file() {
            let why = "there is no such file; DATABASES in pxemngr's settings.py names it";
            return Err(Failure::Refused(format!("{name}: {why}")));
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let refused = |error: rusqlite::Error| Failure::Refused(format!("{name}: {}", said(&error)));
        let connection = Connection::open_with_flags(file, flags).map_err(refused)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true).map_err(refused)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false).map_err(refused)?;
        Ok(Self { connection, file: name })
    }

    pub(super) fn wrong(&self, why: &str) -> Failure {
        Failure::Refused(format!("{}: {}", self.file, output::plain(why)))
    }

    /// Whether there is a table of this name; a view could be anything.
    pub(super) fn has(&self, table: &str) -> Result<bool, Failure> {
        let sql = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1";
        let found = self.connection.query_row(sql, [table], |row| row.get::<_, i64>(0));
        found.map(|found| found > 0).map_err(|error| self.wrong(&said(&error)))
    }

    pub(super) fn wants(&self, tables: &[&str]) -> Result<(), Failure> {
        for table in tables {
            if !self.has(table)? {
                return Err(self.wrong(&format!("this is no database of pxemngr's: it has no table {table}")));
            }
        }
        Ok(())
    }

    /// Looks at each row until there are enough.
    pub(super) fn each(
        &self,
        sql: &str,
        look: impl FnMut(&Row<'_>) -> rusqlite::Result<bool>,
    ) -> Result<(), Failure> {
        self.look(sql, look).map_err(|error| self.wrong(&said(&error)))
    }

    fn look(
        &self,
        sql: &str,
        mut look: impl FnMut(&Row<'_>) -> rusqlite::Result<bool>,
    ) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.query(())?;
        while let Some(row) = rows.next()? {
            if !look(row)? {
                break;
            }
        }
        Ok(())
    }
}

fn said(error: &rusqlite::Error) -> String {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => "this is no SQLite database".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_django_writes_them() {
        let db = Connection::open_in_memory().unwrap();
        let read = |text: &str| {
            let sql = format!("SELECT {}", moment("?1"));
            db.query_row(&sql, [text], |row| row.get::<_, Option<i64>>(0)).unwrap()
        };
        for (text, millis) in [
            ("2016-11-20 23:53:06.431674", Some(1_479_685_986_432)),
            ("1970-01-01 00:00:00", Some(0)),
            ("2000-02-29T12:00:00.5+00:00", Some(951_825_600_500)),
            ("2016-11-20 23:53:06+02:00", Some(1_479_678_786_000)),
            ("", None),
            ("never", None),
            ("2016-13-01 00:00:00", None),
        ] {
            assert_eq!(read(text), millis, "{text}");
        }
    }
}
