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
    assert_eq!(lock(&runner.known).len(), 1);
}
