//! How fast assignments become durable: `flips [WRITERS] [HOSTS] [FLIPS]`, in a directory beneath the current one, for
//! what counts is the disk that it is on.
#![allow(clippy::unwrap_used, reason = "a measurement that fails may say so in any way")]

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use nextboot_model::{Class, Command, Door, Host, Mac, Target, Until};
use nextboot_store::{Limits, Store};
use tokio::task::JoinSet;

fn host(number: usize) -> Host {
    let [.., a, b, c, d] = number.to_be_bytes();
    Host {
        name: format!("host-{number}").parse().unwrap(),
        macs: vec![Mac([2, 0, a, b, c, d])],
        uuid: None,
        address: None,
        loader: None,
        exit: None,
        vars: BTreeMap::new(),
    }
}

#[tokio::main]
async fn main() {
    let mut given = std::env::args().skip(1).map(|number| number.parse::<usize>().unwrap());
    let mut next = |usual| given.next().unwrap_or(usual);
    let (writers, hosts, flips) = (next(32), next(100_000), next(50_000));
    let directory = tempfile::tempdir_in(".").unwrap();
    let path = directory.path().join("state.sqlite");
    let (store, _) = Store::open(&path, Limits::default()).unwrap();
    let by = Door::Api { who: "a measurement".into() };

    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for first in 0..256 {
        let (store, by) = (store.clone(), by.clone());
        tasks.spawn(async move {
            for number in (first..hosts).step_by(256) {
                store.submit(Command::AddHost { host: host(number), by: by.clone() }).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    println!("{hosts} hosts added in {:?}", start.elapsed());

    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for writer in 0..writers {
        let (store, by) = (store.clone(), by.clone());
        tasks.spawn(async move {
            let mut waits = Vec::new();
            for flip in 0..flips / writers {
                // Hosts in no order: neighbours would share pages.
                let name = host((flip * writers + writer) * 7919 % hosts).name;
                let command = Command::Assign {
                    targets: vec![Target::Name(name)],
                    profile: "grml".parse().unwrap(),
                    class: Class::Live,
                    until: Until::Changed,
                    by: by.clone(),
                };
                let asked = Instant::now();
                store.submit(command).await.unwrap();
                waits.push(asked.elapsed());
            }
            waits
        });
    }
    let mut waits: Vec<Duration> = tasks.join_all().await.into_iter().flatten().collect();
    let took = start.elapsed();
    waits.sort();
    let at = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize];
    println!(
        "{} flips by {writers} writers in {took:?}: {:.0} per second, half within {:?}, 99 % within {:?}, all within {:?}",
        waits.len(),
        waits.len() as f64 / took.as_secs_f64(),
        at(0.5),
        at(0.99),
        at(1.0)
    );
    let start = Instant::now();
    store.close().await;
    let closed = start.elapsed();
    let start = Instant::now();
    let (store, loaded) = Store::open(&path, Limits::default()).unwrap();
    println!(
        "closed in {closed:?}; opened in {:?} with {} hosts and {} events, {} bytes",
        start.elapsed(),
        store.state().len(),
        loaded.last_event,
        std::fs::metadata(&path).unwrap().len()
    );
}
