//! What is opened, what is refused, and what the refusal says.
#![allow(clippy::unwrap_used, reason = "a test fails where it must not go on")]

mod common;

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use common::{
    Place, lease,
    model::{add, assign, host, uuid},
};
use nextboot_model::{Class, Lease, Timestamp, Until};
use nextboot_store::{OpenError, Store};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// A closed database with two hosts, a lease and the events of it.
async fn filled() -> Place {
    let place = Place::new();
    let (store, _) = place.open();
    let mut first = host(1, &[1, 2]);
    first.uuid = Some(uuid(0));
    first.address = Some("10.0.0.9".parse().unwrap());
    store.submit(add(first)).await.unwrap();
    store.submit(add(host(2, &[3]))).await.unwrap();
    store.submit(assign(1, "ubuntu", Class::Install, Until::Once)).await.unwrap();
    store.put_leases(vec![lease(1)], vec![]).await.unwrap();
    store.close().await;
    place
}

fn refusal(place: &Place) -> (OpenError, String) {
    let error = place.try_open().map(drop).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("state.sqlite"), "{text}");
    (error, text)
}

#[tokio::test]
async fn a_new_database_belongs_to_its_owner_alone() {
    let place = Place::new();
    let (store, loaded) = place.open();
    assert_eq!((loaded.leases.len(), loaded.last_event, store.state().revision()), (0, 0, 0));
    store.submit(add(host(1, &[1]))).await.unwrap();
    let directory = place.path().parent().unwrap().to_owned();
    assert_eq!(mode(&directory), 0o700);
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[tokio::test]
async fn the_secret_is_random_and_stays() {
    let (place, other) = (Place::new(), Place::new());
    let (store, _) = place.open();
    let secret = store.secret();
    assert_ne!(secret, [0; 32]);
    assert_ne!(secret, other.open().0.secret());
    store.close().await;
    assert_eq!(place.open().0.secret(), secret);
}

#[tokio::test]
async fn revisions_and_ids_go_on_counting() {
    let place = filled().await;
    let (store, loaded) = place.open();
    assert_eq!((store.state().revision(), loaded.last_event), (3, 3));
    assert_eq!(loaded.leases, [lease(1)]);
    assert_eq!(store.submit(add(host(3, &[4]))).await.unwrap().revision, 4);
}

#[tokio::test]
async fn only_one_has_it_at_a_time() {
    let place = Place::new();
    let (store, _) = place.open();
    let (error, text) = refusal(&place);
    assert!(matches!(error, OpenError::InUse { owner: Some(pid), .. } if pid == std::process::id()));
    assert!(text.contains("in use by another nextboot"), "{text}");
    store.close().await;
    place.open();
}

#[tokio::test]
async fn a_closed_store_shows_its_last_state_and_takes_nothing() {
    let place = Place::new();
    let (store, _) = place.open();
    store.submit(add(host(1, &[1]))).await.unwrap();
    store.close().await;
    store.close().await;
    assert_eq!(store.submit(add(host(2, &[2]))).await, Err(nextboot_store::SubmitError::Stopped));
    assert_eq!(store.put_leases(vec![], vec![]).await, Err(nextboot_store::LeaseError::Stopped));
    let query = nextboot_store::Query::default();
    assert_eq!(store.events(query).await, Err(nextboot_store::ReadError::Stopped));
    store.note(common::note(1));
    assert_eq!(store.state().len(), 1);
    let beside = place.path().with_extension("sqlite-wal");
    assert!(!beside.exists(), "everything is in the one file that a backup copies");
}

#[test]
fn a_file_of_something_else_is_refused_and_left_alone() {
    let junk: Vec<u8> = (0..8192_u32).map(|at| (at * 31 % 251) as u8).collect();
    for bytes in [&b"not a database, but a letter to my aunt"[..], &junk] {
        let place = Place::new();
        fs::create_dir_all(place.path().parent().unwrap()).unwrap();
        fs::write(place.path(), bytes).unwrap();
        let (error, text) = refusal(&place);
        assert!(matches!(error, OpenError::Foreign { .. }), "{text}");
        assert!(text.contains("is not a state file of nextboot"), "{text}");
        assert_eq!(fs::read(place.path()).unwrap(), bytes);
    }
}

#[test]
fn a_database_of_something_else_is_refused_and_left_alone() {
    for sql in [
        "CREATE TABLE host (name)",
        "PRAGMA application_id = 7; CREATE TABLE t (x)",
        "PRAGMA user_version = 3",
    ] {
        let place = Place::new();
        fs::create_dir_all(place.path().parent().unwrap()).unwrap();
        place.sql(sql);
        let before = fs::read(place.path()).unwrap();
        let (error, text) = refusal(&place);
        assert!(matches!(error, OpenError::Foreign { .. }), "{text}");
        assert_eq!(fs::read(place.path()).unwrap(), before);
    }
}

#[test]
fn what_is_no_file_is_refused() {
    let place = Place::new();
    fs::create_dir_all(place.path()).unwrap();
    assert!(matches!(refusal(&place).0, OpenError::Foreign { .. }));
    let place = Place::new();
    fs::write(place.path().parent().unwrap(), "in the way").unwrap();
    assert!(matches!(place.try_open(), Err(OpenError::Io { .. })));
}

#[test]
fn an_empty_file_and_an_empty_database_become_ours() {
    for sql in ["", "CREATE TABLE t (x); DROP TABLE t; VACUUM;"] {
        let place = Place::new();
        fs::create_dir_all(place.path().parent().unwrap()).unwrap();
        place.sql(sql);
        place.open();
    }
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let place = filled().await;
    place.sql("PRAGMA user_version = 99");
    let (error, text) = refusal(&place);
    assert!(matches!(error, OpenError::Newer { found: 99, .. }), "{text}");
    assert!(text.contains("newer nextboot"), "{text}");
}

#[tokio::test]
async fn a_database_of_the_first_release_is_brought_up_to_date_and_loses_nothing() {
    let place = filled().await;
    place.sql(
        "ALTER TABLE lease DROP COLUMN uuid; ALTER TABLE lease DROP COLUMN relay_info;
         ALTER TABLE host DROP COLUMN loader; ALTER TABLE host DROP COLUMN exit;
         ALTER TABLE host DROP COLUMN pxelinux; ALTER TABLE host DROP COLUMN power;
         ALTER TABLE host DROP COLUMN secrets; DROP TABLE test_line; DROP TABLE test_run;
         DROP TABLE network; DROP TABLE net;
         PRAGMA user_version = 1",
    );
    let (store, loaded) = place.open();
    assert_eq!(loaded.leases, [Lease { uuid: None, relay_info: None, ..lease(1) }]);
    store.put_leases(vec![lease(1)], vec![]).await.unwrap();
    store.close().await;
    assert_eq!(place.open().1.leases, [lease(1)]);
}

#[tokio::test]
async fn tables_that_are_not_as_we_made_them_are_refused() {
    for sql in [
        "DROP TABLE lease",
        "DROP TABLE mac; CREATE TABLE mac (mac TEXT, host TEXT, place INTEGER)",
        "CREATE TRIGGER t AFTER UPDATE ON host BEGIN DELETE FROM lease; END",
        "DROP INDEX event_host",
    ] {
        let place = filled().await;
        place.sql(sql);
        assert!(matches!(refusal(&place).0, OpenError::Damaged { .. }), "{sql}");
    }
    let place = filled().await;
    place.sql("CREATE VIEW mine AS SELECT * FROM host; CREATE INDEX mine2 ON lease (mac)");
    place.open();
}

#[tokio::test]
async fn a_row_that_no_state_can_hold_is_named() {
    for (sql, table, key) in [
        ("UPDATE host SET profile = '../etc' WHERE name = 'n1'", "host", "n1"),
        ("UPDATE host SET class = 'harmless' WHERE name = 'n1'", "host", "n1"),
        ("UPDATE host SET until = 'done' WHERE name = 'n1'", "host", "n1"),
        ("UPDATE host SET until = 'once' WHERE name = 'n2'", "host", "n2"),
        ("UPDATE host SET doc = '{}' WHERE name = 'n1'", "host", "n1"),
        ("UPDATE host SET doc = 'nonsense' WHERE name = 'n1'", "host", "n1"),
        ("UPDATE host SET doc = replace(hex(zeroblob(100000)), '00', '[') WHERE name = 'n1'", "host", "n1"),
        ("UPDATE host SET since = -1 WHERE name = 'n2'", "host", "n2"),
        ("UPDATE host SET vars = '{\"a b\":\"\"}' WHERE name = 'n2'", "host", "n2"),
        (
            "INSERT INTO test_run VALUES (7, '../x', 't', 'done', 1, 1, 1, NULL, 0, 0, 0, 0, NULL)",
            "test_run",
            "7",
        ),
        (
            "INSERT INTO test_run VALUES (7, 'n1', '../t', 'queued', 1, 1, 1, NULL, 0, 0, 0, 0, NULL)",
            "test_run",
            "7",
        ),
        (
            "INSERT INTO test_run VALUES (7, 'n1', 't', 'started', -1, 1, 1, NULL, 0, 0, 0, 0, NULL)",
            "test_run",
            "7",
        ),
        ("UPDATE host SET vars = '[]' WHERE name = 'n2'", "host", "n2"),
        ("UPDATE host SET uuid = 'x' WHERE name = 'n2'", "host", "n2"),
        // The other byte order of n1's.
        ("UPDATE host SET uuid = '04030201-0605-0807-090a-0b0c0d0e0f00' WHERE name = 'n2'", "host", "n2"),
        ("UPDATE host SET uuid = '00000000-0000-0000-0000-000000000000' WHERE name = 'n2'", "host", "n2"),
        ("UPDATE host SET address = '224.0.0.1' WHERE name = 'n2'", "host", "n2"),
        (
            "UPDATE host SET name = 'n 1' WHERE name = 'n2'; UPDATE mac SET host = 'n 1' WHERE host = 'n2'",
            "host",
            "n 1",
        ),
        ("UPDATE host SET name = CAST(x'6eff' AS TEXT) WHERE name = 'n2'", "host", "n\u{fffd}"),
        ("DELETE FROM mac WHERE host = 'n2'", "host", "n2"),
        ("DELETE FROM host WHERE name = 'n2'", "mac", "52:54:00:00:00:03"),
        ("UPDATE mac SET mac = '52:54' WHERE host = 'n2'", "mac", "52:54"),
        ("INSERT INTO mac VALUES ('5254.0000.0001', 'n2', 7)", "mac", "5254.0000.0001"),
        ("UPDATE mac SET mac = '00:00:00:00:00:00' WHERE host = 'n2'", "host", "n2"),
        ("UPDATE lease SET address = '10.0.0.300'", "lease", "10.0.0.300"),
        ("UPDATE lease SET mac = 'x'", "lease", "10.0.0.2"),
        ("UPDATE lease SET state = 'x'", "lease", "10.0.0.2"),
        ("UPDATE lease SET expires = -5", "lease", "10.0.0.2"),
        ("UPDATE lease SET client_id = zeroblob(256)", "lease", "10.0.0.2"),
        ("UPDATE lease SET uuid = 'x'", "lease", "10.0.0.2"),
        ("UPDATE lease SET relay_info = zeroblob(256)", "lease", "10.0.0.2"),
        ("UPDATE lease SET hostname = CAST(x'ff' AS TEXT)", "lease", "10.0.0.2"),
        ("UPDATE meta SET value = 'x' WHERE key = 'secret'", "meta", "secret"),
        ("UPDATE meta SET value = x'00' WHERE key = 'secret'", "meta", "secret"),
        ("UPDATE meta SET value = -1 WHERE key = 'revision'", "meta", "revision"),
    ] {
        let place = filled().await;
        place.sql(&format!("PRAGMA foreign_keys = OFF; {sql}"));
        let (error, text) = refusal(&place);
        match error {
            OpenError::BadRow { table: found, key: row, .. } => {
                assert_eq!((found, &*row), (table, key), "{text}")
            }
            error => panic!("{sql}: {error}"),
        }
        assert!(text.contains("Mend or delete this row"), "{text}");
    }
}

/// Every page in turn is overwritten; nothing may panic, and what opens must answer.
#[tokio::test]
async fn a_damaged_file_is_an_error_and_never_a_panic() {
    let place = filled().await;
    let whole = fs::read(place.path()).unwrap();
    for noise in [0x00_u8, 0xff, 0x5a] {
        for page in 0..whole.len() / 4096 {
            for (from, to) in [(0, 4096), (0, 128), (2048, 4096), (3900, 4096)] {
                let mut bytes = whole.clone();
                bytes[page * 4096 + from..page * 4096 + to].fill(noise);
                fs::write(place.path(), &bytes).unwrap();
                match place.try_open() {
                    Ok((store, _)) => {
                        // Stopped would mean that the writer panicked.
                        let answer = store.submit(add(host(3, &[5]))).await;
                        assert!(!matches!(answer, Err(nextboot_store::SubmitError::Stopped)), "{answer:?}");
                        let answer = store.events(nextboot_store::Query::default()).await;
                        assert!(!matches!(answer, Err(nextboot_store::ReadError::Stopped)), "{answer:?}");
                        store.close().await;
                    }
                    Err(error) => assert!(error.to_string().contains("state.sqlite"), "{error}"),
                }
            }
        }
    }
    fs::write(place.path(), &whole[..whole.len() / 2]).unwrap();
    assert!(matches!(refusal(&place).0, OpenError::Damaged { .. }));
}

#[tokio::test]
async fn the_system_clock_does_for_most() {
    let place = Place::new();
    let (store, _) = Store::open(&place.path(), nextboot_store::Limits::default()).unwrap();
    let receipt = store.submit(add(host(1, &[1]))).await.unwrap();
    assert!(receipt.at > Timestamp(1_600_000_000_000), "{}", receipt.at);
}
