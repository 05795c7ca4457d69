//! The process is killed at any point: what it acknowledged is there, and nothing is there by halves.
#![allow(clippy::unwrap_used, reason = "a test fails where it must not go on")]

mod common;

use std::{
    io::{BufRead, BufReader, Write},
    net::Ipv4Addr,
    path::Path,
    process::{Command as Process, Stdio},
    sync::{Arc, Mutex},
};

use common::model::{add, host, mac, name, operator, profile};
use nextboot_model::{Class, Command, EventKind, Lease, LeaseState, State, Target, Timestamp, Until};
use nextboot_store::{Limits, Order, Query, Store};

/// Where the child works; without it the child has nothing to do.
const PLACE: &str = "NEXTBOOT_STORE_CRASH_TEST";
/// Hosts that are assigned together, by one command.
const TOGETHER: std::ops::Range<u8> = 0..8;
/// Hosts that are assigned one by one, by a task each.
const ALONE: std::ops::Range<u8> = 8..12;
const ROUNDS: usize = 60;

fn all(numbers: std::ops::Range<u8>) -> Vec<Target> {
    numbers.map(|number| Target::Name(name(number))).collect()
}

fn order(targets: Vec<Target>, count: usize) -> Command {
    let (profile, class, until) = (profile(&format!("p{count}")), Class::Live, Until::Changed);
    Command::Assign { targets, profile, class, until, by: operator() }
}

fn count_of(text: &str) -> usize {
    text.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().unwrap()
}

/// How often the host was assigned something.
fn assigned(state: &State, number: u8) -> usize {
    let boots = &state.host(&name(number)).unwrap().assignment.profile;
    if boots.is_local() { 0 } else { count_of(boots.as_str()) }
}

fn lease(task: u8, half: u8, count: usize) -> Lease {
    Lease {
        address: Ipv4Addr::new(10, 1, task, half),
        mac: mac(half),
        client_id: None,
        hostname: Some(format!("l{count}")),
        uuid: None,
        relay_info: None,
        state: LeaseState::Bound,
        expires: Timestamp::NEVER,
        heard: Timestamp(5),
    }
}

fn leased(leases: &[Lease], task: u8, half: u8) -> usize {
    let address = Ipv4Addr::new(10, 1, task, half);
    let lease = leases.iter().find(|lease| lease.address == address);
    lease.map_or(0, |lease| count_of(lease.hostname.as_ref().unwrap()))
}

/// Tells the parent, in one piece.
fn tell(line: &str) {
    static OUT: Mutex<()> = Mutex::new(());
    let _held = OUT.lock().unwrap();
    std::io::stdout().write_all(format!("\n>{line}\n").as_bytes()).unwrap();
    std::io::stdout().flush().unwrap();
}

/// What the child does: works until it is killed.
#[test]
fn child() {
    let Some(place) = std::env::var_os(PLACE) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let limits = Limits { events: 2000, ..Limits::default() };
        let (store, loaded) = Store::open(Path::new(&place), limits).unwrap();
        let store = Arc::new(store);
        for number in TOGETHER.chain(ALONE) {
            if store.state().host(&name(number)).is_none() {
                store.submit(add(host(number, &[number + 1]))).await.unwrap();
            }
        }
        let mut tasks = tokio::task::JoinSet::new();
        for (targets, first) in ALONE.map(|n| (n..n + 1, n)).chain([(TOGETHER, TOGETHER.start)]) {
            let (store, from) = (Arc::clone(&store), assigned(&store.state(), first));
            tasks.spawn(async move {
                for count in from + 1.. {
                    let receipt = store.submit(order(all(targets.clone()), count)).await.unwrap();
                    assert!(store.state().revision() >= receipt.revision);
                    tell(&format!("host {first} {count}"));
                }
            });
        }
        for task in 0..2 {
            let (store, from) = (Arc::clone(&store), leased(&loaded.leases, task, 0));
            tasks.spawn(async move {
                for count in from + 1.. {
                    let both = vec![lease(task, 0, count), lease(task, 1, count)];
                    store.put_leases(both, vec![]).await.unwrap();
                    tell(&format!("lease {task} {count}"));
                    store.note(common::note(count));
                }
            });
        }
        let mut follower = store.follow();
        tasks.spawn(async move {
            loop {
                if let Ok(event) = follower.recv().await {
                    tell(&format!("event 0 {}", event.id));
                }
            }
        });
        tasks.join_next().await.unwrap().unwrap();
    });
}

/// Runs the child, kills it after so many lines, and says what it acknowledged: by what and which, the last count.
fn run_and_kill(place: &Path, lines: usize) -> std::collections::HashMap<(String, u8), usize> {
    let mut child = Process::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture", "--test-threads=1"])
        .env(PLACE, place)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut acknowledged = std::collections::HashMap::new();
    let mut told = 0;
    let mut killed = lines == 0;
    if killed {
        child.kill().unwrap();
    }
    // What it said before it was killed is still in the pipe.
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let Some(words) = line.strip_prefix('>') else { continue };
        let words: Vec<&str> = words.split(' ').collect();
        let [kind, which, count] = words[..] else { continue };
        acknowledged.insert((kind.to_owned(), which.parse().unwrap()), count.parse().unwrap());
        told += 1;
        if told == lines {
            killed = true;
            child.kill().unwrap();
        }
    }
    assert!(killed, "the child ended by itself");
    child.wait().unwrap();
    acknowledged
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_and_nothing_is_half_done() {
    if std::env::var_os(PLACE).is_some() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.sqlite");
    let mut dice: u64 = 0x9e37_79b9;
    for round in 0..ROUNDS {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let lines = usize::try_from(dice >> 33).unwrap() % 400;
        let acknowledged = run_and_kill(&path, if round < 3 { round } else { lines });
        let last = |kind: &str, which| acknowledged.get(&(kind.to_owned(), which)).copied().unwrap_or(0);

        let (store, loaded) = Store::open(&path, Limits::default()).unwrap();
        let state = store.state();
        let events = Query { limit: 10_000, order: Order::OldestFirst, ..Query::default() };
        let events = store.events(events).await.unwrap();
        for number in TOGETHER.chain(ALONE).filter(|number| state.host(&name(*number)).is_some()) {
            let now = assigned(&state, number);
            let first = if TOGETHER.contains(&number) { TOGETHER.start } else { number };
            assert_eq!(now, assigned(&state, first), "all of them or none");
            if last("host", first) > 0 {
                assert!(
                    [last("host", first), last("host", first) + 1].contains(&now),
                    "round {round}: {now}"
                );
            }
            // The journal says the same, for it was written with it.
            let journal = events.iter().rfind(|event| {
                event.host == Some(name(number)) && matches!(event.kind, EventKind::Assigned { .. })
            });
            if let Some(EventKind::Assigned { profile, .. }) = journal.map(|event| &event.kind) {
                assert_eq!(count_of(profile.as_str()), now);
            }
        }
        for task in 0..2 {
            let now = leased(&loaded.leases, task, 0);
            assert_eq!(now, leased(&loaded.leases, task, 1), "both leases or none");
            if last("lease", task) > 0 {
                assert!(
                    [last("lease", task), last("lease", task) + 1].contains(&now),
                    "round {round}: {now}"
                );
            }
        }
        assert!(
            usize::try_from(loaded.last_event).unwrap() >= last("event", 0),
            "who was told finds it there"
        );
        assert!(events.windows(2).all(|pair| pair[0].id + 1 == pair[1].id), "no id is missing or used twice");
        store.close().await;
    }
}
