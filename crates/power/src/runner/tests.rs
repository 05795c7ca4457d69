use std::{collections::BTreeMap, time::Duration};

use nextboot_model::{Adapter as HostAdapter, Power};

use super::*;
use crate::{Adapter, Template};

/// Hosts whose `on` takes a moment, during which nobody else may be at the place that it names.
fn settings(place: &std::path::Path, parallel: usize) -> Settings {
    let script =
        format!("mkdir {0}/$0 || echo $0 >>{0}/bad; sleep 0.1; rmdir {0}/$0 || true", place.display());
    let adapter = Adapter {
        name: "a".into(),
        on: Some(Template::command(&format!("sh -c \"{script}\" {{{{.place}}}}")).unwrap()),
        ..Adapter::default()
    };
    let adapters = BTreeMap::from([("a".to_owned(), Arc::new(adapter))]);
    Settings { parallel, adapters, limit: Duration::from_secs(30), ..Settings::default() }
}

fn target(host: &str, place: &str) -> Target {
    let vars = BTreeMap::from([("place".to_owned(), nextboot_model::Secret::new(place))]);
    Target {
        host: host.parse().unwrap(),
        power: Power::Command(HostAdapter { adapter: "a".into(), vars, ..HostAdapter::default() }),
        address: None,
        macs: Vec::new(),
        wires: Vec::new(),
        uefi: false,
    }
}

async fn all(runner: &Arc<Runner>, settings: &Settings, targets: Vec<Target>) {
    let mut running = tokio::task::JoinSet::new();
    for target in targets {
        let (runner, settings) = (Arc::clone(runner), settings.clone());
        running.spawn(async move { runner.perform(&settings, &target, PowerAction::On, Timestamp(1)).await });
    }
    while let Some(done) = running.join_next().await {
        assert_eq!(done.unwrap().unwrap().state, PowerState::On);
    }
}

#[tokio::test]
async fn one_operation_at_a_time_at_one_controller_and_bounded_ones_side_by_side() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path(), 8);
    let runner = Arc::new(Runner::new(&settings));
    let five_times = (0..5).map(|_| target("n1", "x")).collect();
    all(&runner, &settings, five_times).await;
    assert!(!dir.path().join("bad").exists(), "two were at one host at the same time");
    assert!(lock(&runner.turns).is_empty(), "nothing is kept of what is over");
    assert_eq!(runner.known(&"n1".parse().unwrap()).state, PowerState::On);

    // Different hosts that share a place get in each other's way exactly when they run side by side.
    let hosts = || (0..6).map(|number| target(&format!("n{number}"), "y")).collect::<Vec<_>>();
    let alone = Settings { parallel: 1, ..settings.clone() };
    runner.resize(&alone);
    all(&runner, &alone, hosts()).await;
    assert!(!dir.path().join("bad").exists(), "two ran although one may");
    runner.resize(&settings);
    all(&runner, &settings, hosts()).await;
    assert!(dir.path().join("bad").exists(), "eight may run, and none did beside another");
    runner.forget(|host| host.as_str() == "n2");
    assert_eq!(lock(&runner.seen).len(), 1);
}

/// A host whose controller says nothing until the limit is over.
fn silent(number: usize) -> Target {
    target(&format!("silent{number}"), "never")
}

#[tokio::test]
async fn a_room_full_of_silent_controllers_keeps_nobody_from_being_switched_and_is_asked_once() {
    let dir = tempfile::tempdir().unwrap();
    let asked = dir.path().join("asked");
    let status =
        format!("sh -c \"echo $0 >>{}; test $0 = here || sleep 30\" {{{{.place}}}}", asked.display());
    let adapter = Adapter {
        name: "a".into(),
        status: Some(Template::command(&status).unwrap()),
        on: Some(Template::command("true").unwrap()),
        ..Adapter::default()
    };
    let adapters = BTreeMap::from([("a".to_owned(), Arc::new(adapter))]);
    let limit = Duration::from_secs(3);
    let settings = Settings { parallel: 2, adapters, limit, retries: 0, ..Settings::default() };
    let runner = Arc::new(Runner::new(&settings));
    let mut looking = tokio::task::JoinSet::new();
    let mut look = |target: Target| {
        let (runner, settings) = (Arc::clone(&runner), settings.clone());
        looking.spawn(
            async move { runner.perform(&settings, &target, PowerAction::Status, Timestamp(1)).await },
        );
    };
    for _ in 0..3 {
        (0..4).map(silent).for_each(&mut look);
    }
    look(target("good", "here"));
    while !asked.exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let began = Instant::now();
    let good = target("good", "here");
    runner.perform(&settings, &good, PowerAction::On, Timestamp(2)).await.unwrap();
    assert!(began.elapsed() < limit / 2, "it waited {:?} for those who look", began.elapsed());
    let mut slow = 0;
    while let Some(done) = looking.join_next().await {
        slow += usize::from(done.unwrap().is_err_and(|error| error.code() == "slow"));
    }
    assert_eq!(slow, 12, "all who asked are told");
    let asked = std::fs::read_to_string(&asked).unwrap();
    assert_eq!(asked.lines().filter(|line| *line == "never").count(), 4, "twelve looks at four: {asked}");
}
