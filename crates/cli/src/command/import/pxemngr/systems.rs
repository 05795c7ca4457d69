use std::collections::{BTreeMap, HashMap, HashSet, btree_map::Entry};

use hyper::Method;
use nextboot_model::{HostName, Mac, Network, ProfileName, Timestamp};
use serde_json::{Value, json};

use super::database::{self, Database};
use crate::{
    command::{Session, part},
    failure::Failure,
};

/// Most systems that are read; beyond that it is no database of pxemngr's.
const MOST: usize = 100_000;
/// Entries of a system's history that are taken over: the newest, and no more than one call takes.
const HISTORY: usize = 1_000;

/// The name of the system that stands for all machines that are none.
const DEFAULT: &str = "default";

/// A system as pxemngr has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct System {
    pub(super) id: i64,
    pub(super) name: String,
    /// As stored: twelve hexadecimal digits of a MAC, or two to eight of an address.
    pub(super) addresses: Vec<String>,
    /// What it was given, the newest first.
    given: Vec<(Timestamp, String)>,
}

/// A system as we take it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) name: HostName,
    pub(super) macs: Vec<Mac>,
    networks: Vec<Network>,
    profile: Option<ProfileName>,
    /// What it was given before that, the oldest first.
    history: Vec<(Timestamp, ProfileName)>,
}

/// What came of one system.
pub(super) enum Outcome {
    /// It is taken over, but for this.
    Taken(Vec<String>),
    /// It was here already, and is left as it is.
    Known,
}

impl Session {
    /// Takes a system over, and says what of it was not.
    pub(super) async fn take(&self, system: &Taken, dry_run: bool) -> Result<Outcome, Failure> {
        let name = &system.name;
        let path = format!("/api/systems/{}", part(name.as_str()));
        let keys = system.macs.iter().map(ToString::to_string);
        // When it was last told here what to boot.
        let mut told = None;
        for key in [name.to_string()].into_iter().chain(keys) {
            let Some(known) = self.known(&key).await? else { continue };
            let owner = known.get("name").and_then(Value::as_str).unwrap_or_default();
            if owner != name.as_str() {
                return Err(Failure::Refused(format!("{key} belongs to {owner}")));
            }
            told = self.last_told(name).await?;
            let is_free = name.as_str() == DEFAULT && known.get("profile").is_none_or(Value::is_null);
            if !is_free && self.is_whole(system, told).await? {
                return Ok(Outcome::Known);
            }
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
            return Ok(Outcome::Taken(notes));
        }
        if name.as_str() != DEFAULT {
            let body = json!({ "macs": system.macs, "networks": system.networks });
            self.client.call(Method::POST, &path, Some(&body)).await?;
        }
        if !system.history.is_empty() && told.is_none() {
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
        Ok(Outcome::Taken(notes))
    }

    async fn last_told(&self, name: &HostName) -> Result<Option<u64>, Failure> {
        let path = format!("/api/systems/{}/history?limit=1", part(name.as_str()));
        let answer = self.client.get(&path).await?;
        Ok(answer.pointer("/history/0/at").and_then(Value::as_u64))
    }

    /// Whether a system that is here is as it should be: a run that was cut off may have left it without its history or
    /// without its word.
    async fn is_whole(&self, system: &Taken, told: Option<u64>) -> Result<bool, Failure> {
        let before = system.history.last().map(|(at, _)| at.0);
        Ok(match &system.profile {
            Some(profile) if told.is_none() || told == before => !self.has_profile(profile).await?,
            _ => true,
        })
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
    pub(super) fn json(&self) -> Value {
        json!({
            "name": self.name, "macs": self.macs, "networks": self.networks, "profile": self.profile,
            "history": self.history.len(),
        })
    }

    pub(super) fn text(&self) -> String {
        let addresses = self.macs.iter().map(ToString::to_string);
        let addresses = addresses.chain(self.networks.iter().map(ToString::to_string)).collect::<Vec<_>>();
        let boots =
            self.profile.as_ref().map_or_else(|| "nothing said".into(), |name| format!("boots {name}"));
        format!("{} ({}): {boots}, {} older entries", self.name, addresses.join(", "), self.history.len())
    }
}

/// Tells what can be taken over from what cannot, and why not. A MAC address or network that several systems have is the
/// first one's: pxemngr allows that, and a machine boots one thing.
pub(super) fn sort(systems: Vec<System>) -> (Vec<Taken>, Vec<String>) {
    let (mut taken, mut left) = (Vec::new(), Vec::new());
    let mut owners: HashMap<String, HostName> = HashMap::new();
    let mut names = HashSet::new();
    for system in systems {
        let name: HostName = match system.name.parse() {
            Ok(name) => name,
            Err(error) => {
                left.push(format!("{error}"));
                continue;
            }
        };
        if !names.insert(name.clone()) {
            left.push(format!(
                "{name}: another system has that name, too; this one has {:?}",
                system.addresses
            ));
            continue;
        }
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
        let mut given = system.given.into_iter();
        // What holds is the newest, and nothing older where that cannot be had: an older one may install.
        let profile = match given.next().map(|(_, profile)| profile.parse()) {
            Some(Ok(profile)) => Some(profile),
            Some(Err(error)) => {
                left.push(format!("{name}: what it boots: {error}"));
                None
            }
            None => None,
        };
        let mut history: Vec<(Timestamp, ProfileName)> =
            given.filter_map(|(at, profile)| Some((at, profile.parse().ok()?))).collect();
        history.reverse();
        taken.push(Taken { name, macs, networks, profile, history });
    }
    (taken, left)
}

/// Reads all systems.
pub(super) fn read(db: &Database) -> Result<Vec<System>, Failure> {
    db.wants(&["pxe_system", "pxe_macaddress", "pxe_bootname", "pxe_log"])?;
    let mut systems: BTreeMap<i64, System> = BTreeMap::new();
    db.each("SELECT id, COALESCE(name, '') FROM pxe_system ORDER BY id", |row| {
        let (id, name): (_, String) = (row.get(0)?, row.get(1)?);
        if let Entry::Vacant(place) = systems.entry(id) {
            place.insert(System { id, name, ..System::default() });
        }
        Ok(systems.len() <= MOST)
    })?;
    if systems.len() > MOST {
        return Err(db.wrong(&format!("it has more than {MOST} systems")));
    }
    db.each("SELECT COALESCE(system_id, 0), COALESCE(mac, '') FROM pxe_macaddress ORDER BY id", |row| {
        let address: String = row.get(1)?;
        if let Some(system) = systems.get_mut(&row.get(0)?).filter(|system| system.addresses.len() < MOST) {
            system.addresses.push(address.chars().take(64).collect());
        }
        Ok(true)
    })?;
    let at = database::moment("log.date");
    let log = format!(
        "SELECT COALESCE(log.system_id, 0), COALESCE(name.name, ''), {at}
         FROM pxe_log log JOIN pxe_bootname name ON name.id = log.boot_name_id
         ORDER BY log.date DESC, log.id DESC"
    );
    db.each(&log, |row| {
        let at: Option<i64> = row.get(2)?;
        let (profile, at): (String, _) = (row.get(1)?, at.and_then(|at| u64::try_from(at).ok()));
        let system = systems.get_mut(&row.get(0)?).filter(|system| system.given.len() <= HISTORY);
        if let (Some(system), Some(at)) = (system, at) {
            system.given.push((Timestamp(at), profile));
        }
        Ok(true)
    })?;
    Ok(systems.into_values().collect())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rusqlite::Connection;

    use super::*;

    fn read(file: &Path) -> Result<Vec<System>, Failure> {
        super::read(&Database::open(file)?)
    }

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
    fn what_cannot_be_had_gives_way_to_nothing_older() {
        let rows = "INSERT INTO pxe_system VALUES (1, 'n1'); INSERT INTO pxe_macaddress VALUES (1, '00259003b6e8', 1);
            INSERT INTO pxe_bootname VALUES (1, 'inst', 1), (2, 'my rescue', 1);
            INSERT INTO pxe_log VALUES (1, '2016-11-20 23:53:06', 1, 1), (2, '2016-11-21 00:00:00', 1, 2);";
        let (_directory, file) = database(&format!("{SCHEMA}{rows}"));
        let (taken, left) = sort(read(&file).unwrap());
        assert_eq!((&taken[0].profile, taken[0].history.len()), (&None, 1));
        assert!(left.len() == 1 && left[0].contains("n1: what it boots: \"my rescue\""), "{left:?}");
    }

    #[test]
    fn odd_rows_are_named_and_do_not_hide_the_others() {
        let rows = "INSERT INTO pxe_system VALUES (1, 'n1'), (2, 'n1'), (3, 'n3'), (4, NULL);
            INSERT INTO pxe_macaddress VALUES (1, '00259003b6e8', 1), (2, '00259003b6e9', 2), (3, NULL, 3),
                (4, '00259003b6ea', 3), (5, '00259003b6eb', NULL);
            INSERT INTO pxe_bootname VALUES (1, 'inst', 1), (2, NULL, 1);
            INSERT INTO pxe_log VALUES (1, '2016-11-20 23:53:06', 1, 1), (2, '2016-11-20 23:53:06', 3, 2),
                (3, '2016-11-20 23:53:06', NULL, 1), (4, NULL, 1, 1), (5, '2016-11-20 23:53:06', 1, NULL);";
        let (_directory, file) = database(&format!("{}{rows}", SCHEMA.replace("NOT NULL", "")));
        let (taken, left) = sort(read(&file).unwrap());
        let names: Vec<_> = taken.iter().map(|system| (system.name.as_str(), system.macs.len())).collect();
        assert_eq!(names, [("n1", 1), ("n3", 1)]);
        for why in
            ["n1: another system", "n3: \"\" is no MAC", "n3: what it boots: \"\"", "\"\" cannot name a host"]
        {
            assert!(left.iter().any(|line| line.contains(why)), "{why}: {left:?}");
        }
        assert_eq!(left.len(), 4, "{left:?}");
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
