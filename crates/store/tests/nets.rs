//! Networks are kept as they were, and the file promises what the model does.
#![allow(clippy::unwrap_used)]

mod common;

use common::Place;
use nextboot_model::{Class, Command, Door, Mac, Network};
use nextboot_store::OpenError;

fn by() -> Door {
    Door::Pxemngr { who: "test".into() }
}

fn network(text: &str) -> Network {
    text.parse().unwrap()
}

#[tokio::test]
async fn networks_survive_a_restart_with_what_they_were_assigned() {
    let place = Place::new();
    let (store, _) = place.open();
    let name = |text: &str| text.parse().unwrap();
    for command in [
        Command::AddNet { name: name("net1"), networks: vec![network("10.35"), network("10.34")] },
        Command::AssignNet {
            name: name("net1"),
            profile: Some((name("live").to_string().parse().unwrap(), Class::Live)),
            by: by(),
        },
        Command::AssignNet {
            name: name("default"),
            profile: Some(("local".parse().unwrap(), Class::Local)),
            by: by(),
        },
        Command::AddSystem {
            name: name("mixed"),
            macs: vec![Mac([2, 0, 0, 0, 0, 1])],
            networks: vec![network("10.36.0.7")],
            by: by(),
        },
        Command::AddNet { name: name("gone"), networks: vec![network("10.37")] },
        Command::RemoveNet { name: name("gone") },
    ] {
        store.submit(command).await.unwrap();
    }
    let wanted: Vec<_> = store.state().nets().cloned().collect();
    assert_eq!(wanted.len(), 3);
    store.close().await;
    drop(store);
    let (store, _) = place.open();
    let found: Vec<_> = store.state().nets().cloned().collect();
    assert_eq!(found, wanted);
    assert_eq!(store.state().net_of(network("10.36.0.7")).unwrap().name, name("mixed"));
}

#[tokio::test]
async fn a_network_that_cannot_be_refuses_the_start() {
    for (sql, why) in [
        ("UPDATE network SET network = '10.34.1.0/16'", "no network"),
        ("UPDATE network SET network = '10.34'", "write it as"),
        (
            "UPDATE net SET profile = 'wipe', class = 'install', since = 1, by = '{\"door\":\"rule\",\"rule\":\"x\"}'",
            "installs",
        ),
        ("DELETE FROM network", "at least one network"),
        ("PRAGMA foreign_keys = OFF; DELETE FROM net", "there is no net"),
    ] {
        let place = Place::new();
        let (store, _) = place.open();
        let add = Command::AddNet { name: "net1".parse().unwrap(), networks: vec![network("10.34")] };
        store.submit(add).await.unwrap();
        store.close().await;
        drop(store);
        place.sql(sql);
        let error = place.try_open().err().map(|error| match error {
            OpenError::BadRow { why, .. } => why,
            other => other.to_string(),
        });
        assert!(error.as_deref().is_some_and(|error| error.contains(why)), "{sql}: {error:?}");
    }
}
