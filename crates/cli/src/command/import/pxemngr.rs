//! Systems out of pxemngr's database, which Django made.

use std::{
    collections::{BTreeMap, HashMap, btree_map::Entry},
    path::Path,
};

use hyper::Method;
use nextboot_model::{HostName, Mac, Network, ProfileName, Timestamp};
use rusqlite::{Connection, OpenFlags, Row, config::DbConfig};
use serde_json::{Value, json};

use crate::{
    args::ImportFile,
    command::{Session, part},
    failure::Failure,
    output,
};

/// Most systems that are read; beyond that it is no database of pxemngr's.
const MOST: usize = 100_000;
/// Entries of a system's history that are taken over: the newest, and no more than one call takes.
const HISTORY: usize = 1_000;

/// The name of the system that stands for all machines that are none.
const DEFAULT: &str = "default";

/// A system as pxemngr has it.
#[derive(Debug, Default, PartialEq, Eq)]
struct System {
    name: String,
    /// As stored: twelve hexadecimal digits of a MAC, or two to eight of an address.
    addresses: Vec<String>,
    /// What it was given, the newest first.
    given: Vec<(Timestamp, String)>,
}

/// A system as we take it.
#[derive(Debug, PartialEq, Eq)]
struct Taken {
    name: HostName,
    macs: Vec<Mac>,
    networks: Vec<Network>,
    profile: Option<ProfileName>,
    /// What it was given before that, the oldest first.
    history: Vec<(Timestamp, ProfileName)>,
}

impl Session {
    pub(super) async fn import_pxemngr(&self, from: &ImportFile) -> Result<(), Failure> {
        let systems = read(&from.file)?;
        let (taken, mut left) = sort(systems);
        let mut done = Vec::new();
        for system in taken {
            match self.take(&system, from.dry_run).await {
                Ok(notes) => {
                    left.extend(notes);
                    done.push(system);
                }
                Err(Failure::Refused(why)) => left.push(format!("{}: {why}", system.name)),
                Err(failure) => return Err(failure),
            }
        }
        if self.json {
            let systems: Vec<Value> = done.iter().map(Taken::json).collect();
            output::json(&json!({ "dry_run": from.dry_run, "systems": systems, "left": left }))?;
        } else {
            let did = if from.dry_run { "would be taken over" } else { "taken over" };
            let mut text: Vec<String> =
                done.iter().map(|system| format!("{did}: {}", system.text())).collect();
            text.extend(left.iter().map(|why| format!("left: {why}")));
            if text.is_empty() {
                text.push("there are no systems in it".into());
            }
            output::print(&output::plain_lines(&text.join("\n")))?;
        }
        if left.is_empty() {
            Ok(())
        } else {
            Err(Failure::Refused("not all was taken over; see above".into()))
        }
    }

    /// Takes a system over, and says what of it was not.
    async fn take(&self, system: &Taken, dry_run: bool) -> Result<Vec<String>, Failure> {
        let name = &system.name;
        let path = format!("/api/systems/{}", part(name.as_str()));
        let keys = system.macs.iter().map(ToString::to_string);
        for key in [name.to_string()].into_iter().chain(keys) {
            let Some(known) = self.known(&key).await? else { continue };
            let profile = known.get("profile").is_some_and(|profile| !profile.is_null());
            if name.as_str() == DEFAULT && !profile {
                continue;
            }
            let owner = known.get("name").and_then(Value::as_str).unwrap_or_default();
            let why = if owner == name.as_str() {
                "known already, and left as it is".to_owned()
            } else {
                format!("{key} belongs to {owner}")
            };
            return Err(Failure::Refused(why));
        }
        let mut notes = Vec::new();
        let profile = match &system.profile {
            Some(profile) if self.has_profile(profile).await? => Some(profile),
            Some(profile) => {
                notes.push(format!(
                    "{name}: there is no profile {profile}; put {profile}.prof into pxelinux.cfg/profiles/, then say \
                     `pxemngr nextboot {name} {profile}`"
                ));
                None
            }
            None => None,
        };
        if dry_run {
            return Ok(notes);
        }
        if name.as_str() != DEFAULT {
            let body = json!({ "macs": system.macs, "networks": system.networks });
            self.client.call(Method::POST, &path, Some(&body)).await?;
        }
        if !system.history.is_empty() {
            let history: Vec<Value> =
                system.history.iter().map(|(at, profile)| json!({ "at": at, "profile": profile })).collect();
            let body = json!({ "from": "pxemngr", "history": history });
            self.client.call(Method::POST, &format!("{path}/history"), Some(&body)).await?;
        }
        if let Some(profile) = profile {
            let body = json!({ "profile": profile });
            match self.client.call(Method::PUT, &format!("{path}/assignment"), Some(&body)).await {
                Err(Failure::Refused(why)) => {
                    notes.push(format!("{name} is known, but boots nothing yet: {why}"))
                }
                other => drop(other?),
            }
        }
        Ok(notes)
    }

    async fn known(&self, key: &str) -> Result<Option<Value>, Failure> {
        match self.client.get(&format!("/api/systems/{}", part(key))).await {
            Ok(system) => Ok(Some(system)),
            Err(Failure::Refused(_)) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    async fn has_profile(&self, name: &ProfileName) -> Result<bool, Failure> {
        match self.client.get(&format!("/api/profiles/{}", part(name.as_str()))).await {
            Ok(_) => Ok(true),
            Err(Failure::Refused(_)) => Ok(false),
            Err(failure) => Err(failure),
        }
    }
}

impl Taken {
    fn json(&self) -> Value {
        json!({
            "name": self.name, "macs": self.macs, "networks": self.networks, "profile": self.profile,
            "history": self.history.len(),
        })
    }

    fn text(&self) -> String {
        let addresses = self.macs.iter().map(ToString::to_string);
        let addresses = addresses.chain(self.networks.iter().map(ToString::to_string)).collect::<Vec<_>>();
        let boots =
            self.profile.as_ref().map_or_else(|| "nothing said".into(), |name| format!("boots {name}"));
        format!("{} ({}): {boots}, {} older entries", self.name, addresses.join(", "), self.history.len())
    }
}

/// Tells what can be taken over from what cannot, and why not. A MAC address or network that several systems have is the
/// first one's: pxemngr allows that, and a machine boots one thing.
fn sort(systems: Vec<System>) -> (Vec<Taken>, Vec<String>) {
    let (mut taken, mut left) = (Vec::new(), Vec::new());
    let mut owners: HashMap<String, HostName> = HashMap::new();
    for system in systems {
        let name: HostName = match system.name.parse() {
            Ok(name) => name,
            Err(error) => {
                left.push(format!("{error}"));
                continue;
            }
        };
        let (mut macs, mut networks) = (Vec::new(), Vec::new());
        for address in system.addresses {
            if let Some(owner) = owners.get(&address) {
                if *owner != name {
                    left.push(format!("{name}: {address} belongs to {owner}, too, which keeps it"));
                }
                continue;
            }
            match (address.parse::<Mac>(), Network::of_pxelinux(&address)) {
                (Ok(mac), _) => macs.push(mac),
                (_, Some(network)) => networks.push(network),
                _ => {
                    left.push(format!(
                        "{name}: {address:?} is no MAC address and no beginning of an address"
                    ));
                    continue;
                }
            }
            owners.insert(address, name.clone());
        }
        if macs.is_empty() && networks.is_empty() && name.as_str() != DEFAULT {
            left.push(format!("{name}: it has no address of its own"));
            continue;
        }
        let mut given =
            system.given.into_iter().filter_map(|(at, profile)| Some((at, profile.parse().ok()?)));
        let profile = given.next().map(|(_, profile)| profile);
        let mut history: Vec<(Timestamp, ProfileName)> = given.collect();
        history.reverse();
        taken.push(Taken { name, macs, networks, profile, history });
    }
    (taken, left)
}

/// Reads the database. Nothing in it is changed, and nothing of it is run.
fn read(file: &Path) -> Result<Vec<System>, Failure> {
    let wrong = |why: String| Failure::Refused(format!("{}: {why}", file.display()));
    // SQLite would make one that is not there.
    if !file.is_file() {
        return Err(wrong("there is no such file; DATABASES in pxemngr's settings.py names it".into()));
    }
    read_tables(file).map_err(|error| wrong(output::plain(&error)))
}

fn read_tables(file: &Path) -> Result<Vec<System>, String> {
    let text = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => "this is no SQLite database".to_owned(),
        _ => error.to_string(),
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(file, flags).map_err(text)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true).map_err(text)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false).map_err(text)?;
    let tables = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1";
    for table in ["pxe_system", "pxe_macaddress", "pxe_bootname", "pxe_log"] {
        // A view of that name could be anything.
        let found: i64 = db.query_row(tables, [table], |row| row.get(0)).map_err(text)?;
        if found == 0 {
            return Err(format!("this is no database of pxemngr's: it has no table {table}"));
        }
    }
    let mut systems: BTreeMap<i64, System> = BTreeMap::new();
    each(&db, "SELECT id, name FROM pxe_system ORDER BY id", |row| {
        let name: String = row.get(1)?;
        if let Entry::Vacant(place) = systems.entry(row.get(0)?) {
            place.insert(System { name, ..System::default() });
        }
        Ok(systems.len() <= MOST)
    })
    .map_err(text)?;
    if systems.len() > MOST {
        return Err(format!("it has more than {MOST} systems"));
    }
    each(&db, "SELECT system_id, mac FROM pxe_macaddress ORDER BY id", |row| {
        let address: String = row.get(1)?;
        if let Some(system) = systems.get_mut(&row.get(0)?).filter(|system| system.addresses.len() < MOST) {
            system.addresses.push(address.chars().take(64).collect());
        }
        Ok(true)
    })
    .map_err(text)?;
    // SQLite reads the date as Django writes it; milliseconds since 1970.
    let log = "SELECT log.system_id, name.name,
             CAST(round((julianday(log.date) - 2440587.5) * 86400000.0) AS INTEGER)
         FROM pxe_log log JOIN pxe_bootname name ON name.id = log.boot_name_id
         ORDER BY log.date DESC, log.id DESC";
    each(&db, log, |row| {
        let at: Option<i64> = row.get(2)?;
        let (profile, at): (String, _) = (row.get(1)?, at.and_then(|at| u64::try_from(at).ok()));
        let system = systems.get_mut(&row.get(0)?).filter(|system| system.given.len() <= HISTORY);
        if let (Some(system), Some(at)) = (system, at) {
            system.given.push((Timestamp(at), profile));
        }
        Ok(true)
    })
    .map_err(text)?;
    Ok(systems.into_values().collect())
}

/// Looks at each row until there are enough.
fn each(
    db: &Connection,
    sql: &str,
    mut look: impl FnMut(&Row<'_>) -> rusqlite::Result<bool>,
) -> rusqlite::Result<()> {
    let mut statement = db.prepare(sql)?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        if !look(row)? {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tables as Django 1.6 makes them.
    const SCHEMA: &str = "
        CREATE TABLE pxe_system (id integer NOT NULL PRIMARY KEY, name varchar(100) NOT NULL);
        CREATE TABLE pxe_macaddress (
            id integer NOT NULL PRIMARY KEY, mac varchar(12) NOT NULL,
            system_id integer NOT NULL REFERENCES pxe_system (id)
        );
        CREATE TABLE pxe_bootname (id integer NOT NULL PRIMARY KEY, name varchar(100) NOT NULL, available bool NOT NULL);
        CREATE TABLE pxe_log (
            id integer NOT NULL PRIMARY KEY, date datetime NOT NULL,
            system_id integer NOT NULL REFERENCES pxe_system (id),
            boot_name_id integer NOT NULL REFERENCES pxe_bootname (id)
        );";

    fn database(rows: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("db.sqlite");
        Connection::open(&file).unwrap().execute_batch(rows).unwrap();
        (directory, file)
    }

    #[test]
    fn systems_come_with_their_addresses_and_what_they_were_given() {
        let rows = "
            INSERT INTO pxe_system VALUES (1, 'n1'), (2, 'net1'), (3, 'alias'), (4, 'my host'), (5, 'default');
            INSERT INTO pxe_macaddress VALUES (1, '00259003b6e8', 1), (2, '0A22', 2), (3, '00259003b6e8', 3),
                (4, '00259003b6e9', 1), (5, 'nonsense', 1);
            INSERT INTO pxe_bootname VALUES (1, 'inst', 1), (2, 'local', 1);
            INSERT INTO pxe_log VALUES (1, '2016-11-20 23:53:06.431674', 1, 1), (2, '2016-11-21 00:00:00', 1, 2),
                (3, '2016-11-22 00:00:00', 1, 1), (4, '2016-11-22 00:00:00', 2, 2), (5, 'never', 2, 1);";
        let (_directory, file) = database(&format!("{SCHEMA}{rows}"));
        let (taken, left) = sort(read(&file).unwrap());
        let names: Vec<&str> = taken.iter().map(|system| system.name.as_str()).collect();
        assert_eq!(names, ["n1", "net1", "default"]);
        let n1 = &taken[0];
        assert_eq!(n1.macs.len(), 2);
        assert_eq!(n1.profile.as_ref().unwrap().as_str(), "inst");
        let history: Vec<_> = n1.history.iter().map(|(at, name)| format!("{at} {name}")).collect();
        assert_eq!(history, ["2016-11-20T23:53:06.432Z inst", "2016-11-21T00:00:00.000Z local"]);
        assert_eq!(taken[1].networks, ["10.34".parse().unwrap()]);
        for why in
            ["nonsense", "alias: 00259003b6e8 belongs to n1", "alias: it has no address", "\"my host\""]
        {
            assert!(left.iter().any(|line| line.contains(why)), "{why}: {left:?}");
        }
        assert_eq!(left.len(), 4);
    }

    #[test]
    fn what_is_no_database_of_pxemngrs_is_refused_in_words() {
        let says = |file: &Path, wanted: &str| {
            let error = read(file).unwrap_err().to_string();
            assert!(error.contains(wanted), "{wanted}: {error}");
        };
        let (directory, file) = database("CREATE TABLE x (y)");
        says(&file, "no table pxe_system");
        says(&directory.path().join("nothing"), "no such file");
        says(directory.path(), "no such file");
        let text = directory.path().join("text");
        std::fs::write(
            &text,
            "this is a text, and long enough to be taken for a database by its length alone",
        )
        .unwrap();
        says(&text, "no SQLite database");
        let (_directory, file) = database(&SCHEMA.replace("boot_name_id", "other_id"));
        says(&file, "boot_name_id");
        let view = "CREATE VIEW pxe_system AS SELECT 1 AS id, 'x' AS name";
        let (_directory, file) = database(view);
        says(&file, "no table pxe_system");
        let blobs = format!("{SCHEMA} INSERT INTO pxe_system VALUES (1, x'00ff')");
        let (_directory, file) = database(&blobs);
        says(&file, "Invalid column type");
        let (_directory, file) = database(SCHEMA);
        let bytes = std::fs::read(&file).unwrap();
        std::fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
        assert!(read(&file).is_err(), "half a database");
    }

    #[test]
    fn one_system_has_no_endless_history() {
        let rows = "INSERT INTO pxe_system VALUES (1, 'n1'); INSERT INTO pxe_macaddress VALUES (1, '00259003b6e8', 1);
            INSERT INTO pxe_bootname VALUES (1, 'inst', 1);
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
            INSERT INTO pxe_log SELECT i, datetime(1400000000 + i, 'unixepoch'), 1, 1 FROM n;";
        let (_directory, file) = database(&format!("{SCHEMA}{rows}"));
        let (taken, _) = sort(read(&file).unwrap());
        assert_eq!(taken[0].history.len(), HISTORY);
        assert_eq!(taken[0].history.last().unwrap().0, Timestamp((1_400_000_000 + 2999) * 1000));
    }
}
