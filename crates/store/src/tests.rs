//! What needs a hand on the writer: disks that do not take anything, and queues that are full.

use std::{sync::mpsc, time::Duration};

use nextboot_model::{
    Class, Command, Door, Event, EventKind, Host, HostName, Lease, LeaseState, Mac, Refusal, Target,
    Timestamp, Until,
};
use tokio::{sync::broadcast::Receiver, task::JoinSet};

use crate::{LeaseError, Limits, Loaded, NewEvent, Query, Store, SubmitError, writer::is_time};

fn door() -> Door {
    Door::Api { who: "a test".into() }
}

fn name(number: u8) -> HostName {
    format!("n{number}").parse().unwrap()
}

fn add(number: u8, text: &str) -> Command {
    let macs = vec![Mac([0x52, 0x54, 0, 0, 1, number])];
    let vars = (0..8).map(|at| (format!("v{at}"), text.to_owned())).collect();
    Command::AddHost {
        host: Host {
            name: name(number),
            macs,
            uuid: None,
            address: None,
            loader: None,
            exit: None,
            pxelinux: Default::default(),
            power: None,
            vars,
        },
        by: door(),
    }
}

fn assign(number: u8) -> Command {
    Command::Assign {
        targets: vec![Target::Name(name(number))],
        profile: "grml".parse().unwrap(),
        class: Class::Live,
        until: Until::Changed,
        by: door(),
    }
}

fn lease(hostname: &str) -> Lease {
    Lease {
        address: "10.0.0.5".parse().unwrap(),
        mac: Mac([0x52, 0x54, 0, 0, 1, 1]),
        client_id: None,
        hostname: Some(hostname.into()),
        uuid: None,
        relay_info: None,
        state: LeaseState::Bound,
        expires: Timestamp::NEVER,
        heard: Timestamp(0),
    }
}

fn note(number: usize) -> NewEvent {
    NewEvent {
        attempt: None,
        mac: None,
        host: None,
        kind: EventKind::SizeProbed { name: number.to_string() },
    }
}

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn open(&self, limits: Limits) -> (Store, Loaded) {
        Store::open(&self.0.path().join("state.sqlite"), limits).unwrap()
    }
}

/// The writer stands still until this is dropped; what is queued meanwhile becomes one batch.
struct Standstill(#[expect(dead_code, reason = "dropping it lets the writer go on")] mpsc::Sender<()>);

fn stand_still(store: &Store) -> Standstill {
    let (sender, receiver) = mpsc::channel::<()>();
    let (there, arrived) = mpsc::channel();
    store.meddle(move |_| {
        let _ = there.send(());
        let _ = receiver.recv();
    });
    arrived.recv().unwrap();
    Standstill(sender)
}

fn pragma(store: &Store, pragma: &'static str) {
    store.meddle(move |connection| connection.execute_batch(pragma).unwrap());
}

/// Starts to submit these, and answers when all of them are in the queue.
async fn queue(store: &Store, commands: Vec<Command>) -> JoinSet<Result<crate::Receipt, SubmitError>> {
    let (before, count) = (store.commands_waiting(), commands.len());
    let mut tasks = JoinSet::new();
    for command in commands {
        let store = store.clone();
        tasks.spawn(async move { store.submit(command).await });
    }
    while store.commands_waiting() < before + count {
        tokio::task::yield_now().await;
    }
    tasks
}

fn told(follower: &mut Receiver<std::sync::Arc<Event>>) -> Vec<EventKind> {
    std::iter::from_fn(|| follower.try_recv().ok()).map(|event| event.kind.clone()).collect()
}

#[tokio::test]
async fn a_full_disk_changes_nothing_and_is_got_over() {
    let place = Place::new();
    let (store, _) = place.open(Limits::default());
    store.submit(add(0, "")).await.unwrap();
    pragma(&store, "PRAGMA max_page_count = 1");
    let text = "x".repeat(4000);
    let error = store.submit(add(1, &text)).await.unwrap_err();
    assert!(matches!(&error, SubmitError::Disk(what) if what.contains("full")), "{error}");
    assert_eq!((store.state().len(), store.state().revision()), (1, 1));
    assert!(store.state().host(&name(1)).is_none());

    pragma(&store, "PRAGMA max_page_count = 1000000");
    store.submit(add(1, &text)).await.unwrap();
    store.close().await;
    assert_eq!(place.open(Limits::default()).0.state().len(), 2);
}

#[tokio::test]
async fn what_was_observed_while_the_disk_was_full_is_written_later() {
    let place = Place::new();
    let (store, _) = place.open(Limits::default());
    store.submit(add(0, "")).await.unwrap();
    let mut follower = store.follow();
    pragma(&store, "PRAGMA query_only = ON");
    store.note(note(1));
    store.submit(assign(0)).await.unwrap_err();
    store.note(note(2));
    assert!(matches!(store.put_leases(vec![lease("a")], vec![]).await, Err(LeaseError::Disk(_))));
    assert_eq!(told(&mut follower), [], "nobody is told what is not in the journal");

    pragma(&store, "PRAGMA query_only = OFF");
    store.submit(assign(0)).await.unwrap();
    let kinds = told(&mut follower);
    let [first, second, EventKind::Assigned { .. }] = &kinds[..] else { panic!("{kinds:?}") };
    assert_eq!([first, second], [&note(1).kind, &note(2).kind]);
    let journal = store.events(Query::default()).await.unwrap();
    assert_eq!(journal.iter().map(|event| event.id).collect::<Vec<_>>(), [4, 3, 2, 1]);
    store.close().await;
    assert_eq!(place.open(Limits::default()).1, Loaded { leases: vec![], last_event: 4 });
}

#[tokio::test]
async fn what_cannot_be_written_for_long_is_bounded_and_counted() {
    let place = Place::new();
    let (store, _) = place.open(Limits { notes: 4, ..Limits::default() });
    let mut follower = store.follow();
    pragma(&store, "PRAGMA query_only = ON");
    for number in 0..10 {
        store.note(note(number));
        store.put_leases(vec![lease("a")], vec![]).await.unwrap_err();
    }
    pragma(&store, "PRAGMA query_only = OFF");
    store.put_leases(vec![lease("a")], vec![]).await.unwrap();
    let kinds = told(&mut follower);
    let [.., last, EventKind::Trouble { what }] = &kinds[..] else { panic!("{kinds:?}") };
    assert_eq!((kinds.len(), last), (5, &note(9).kind));
    assert!(what.starts_with("6 events"), "{what}");
}

#[tokio::test]
async fn a_batch_sees_its_own_earlier_commands() {
    let place = Place::new();
    let (store, _) = place.open(Limits::default());
    let standstill = stand_still(&store);
    let mut first = queue(&store, vec![add(1, "")]).await;
    let mut second = queue(&store, vec![add(1, "")]).await;
    let mut third = queue(&store, vec![assign(1)]).await;
    assert!(store.state().is_empty(), "nothing is seen before it is durable");
    drop(standstill);
    assert_eq!(first.join_next().await.unwrap().unwrap().unwrap().revision, 1);
    let refused = second.join_next().await.unwrap().unwrap();
    assert_eq!(refused, Err(SubmitError::Refused(Refusal::NameTaken(name(1)))));
    assert_eq!(third.join_next().await.unwrap().unwrap().unwrap().revision, 2);
}

#[tokio::test]
async fn a_batch_that_cannot_be_written_fails_as_a_whole() {
    let place = Place::new();
    let (store, _) = place.open(Limits::default());
    store.submit(add(0, "")).await.unwrap();
    let standstill = stand_still(&store);
    let mut tasks = queue(&store, vec![add(1, "")]).await;
    let mut refused = queue(&store, vec![add(1, "")]).await;
    // Somebody takes the MAC of the third behind our back.
    store.meddle(|connection| {
        connection.execute("INSERT INTO mac VALUES ('52:54:00:00:01:03', 'n0', 5)", ()).unwrap();
    });
    let mut third = queue(&store, vec![add(3, "")]).await;
    let leases = store.put_leases(vec![lease("a")], vec![]);
    drop(standstill);
    for tasks in [&mut tasks, &mut refused, &mut third] {
        let answer = tasks.join_next().await.unwrap().unwrap();
        assert!(matches!(&answer, Err(SubmitError::Disk(what)) if what.contains("UNIQUE")), "{answer:?}");
    }
    assert!(matches!(leases.await, Err(LeaseError::Disk(_))));
    assert_eq!(store.state().len(), 1);
    store.submit(add(1, "")).await.unwrap();
    assert_eq!(store.state().revision(), 2);
}

#[tokio::test]
async fn a_row_that_somebody_else_took_away_is_an_error() {
    let place = Place::new();
    let (store, _) = place.open(Limits::default());
    store.submit(add(0, "")).await.unwrap();
    pragma(&store, "DELETE FROM host");
    for command in [assign(0), Command::RemoveHost { name: name(0) }] {
        let error = store.submit(command).await.unwrap_err();
        assert!(matches!(&error, SubmitError::Disk(what) if what.contains("somebody else")), "{error}");
    }
}

#[tokio::test]
async fn a_full_queue_holds_commands_back() {
    let place = Place::new();
    let (store, _) = place.open(Limits { commands: 3, batch: 2, ..Limits::default() });
    let standstill = stand_still(&store);
    let mut tasks = JoinSet::new();
    for number in 0..20 {
        let store = store.clone();
        tasks.spawn(async move { store.submit(add(number, "")).await });
    }
    while store.commands_waiting() < 3 {
        tokio::task::yield_now().await;
    }
    drop(standstill);
    while let Some(answer) = tasks.join_next().await {
        answer.unwrap().unwrap();
    }
    assert_eq!(store.state().len(), 20);
}

#[tokio::test]
async fn leases_are_queued_in_the_order_of_the_calls() {
    let place = Place::new();
    let (store, _) = place.open(Limits { leases: 3, ..Limits::default() });
    let standstill = stand_still(&store);
    let first = store.put_leases(vec![lease("first")], vec![]);
    let second = store.put_leases(vec![lease("second")], vec!["10.0.0.5".parse().unwrap()]);
    // The second takes two places.
    assert_eq!(store.put_leases(vec![lease("third")], vec![]).await, Err(LeaseError::Busy));
    drop(standstill);
    assert_eq!((second.await, first.await), (Ok(()), Ok(())));
    store.close().await;
    assert_eq!(place.open(Limits::default()).1.leases, [lease("second")]);
}

#[tokio::test]
async fn removed_leases_are_gone() {
    let place = Place::new();
    let (store, _) = place.open(Limits::default());
    store.put_leases(vec![lease("a")], vec![]).await.unwrap();
    store.put_leases(vec![], vec!["10.0.0.5".parse().unwrap(), "10.0.0.6".parse().unwrap()]).await.unwrap();
    store.close().await;
    assert_eq!(place.open(Limits::default()).1.leases, []);
}

#[tokio::test]
async fn what_is_noted_too_fast_is_dropped_and_counted() {
    let place = Place::new();
    let (store, _) = place.open(Limits { notes: 4, ..Limits::default() });
    let mut follower = store.follow();
    let standstill = stand_still(&store);
    (0..10).for_each(|number| store.note(note(number)));
    drop(standstill);
    store.put_leases(vec![], vec![]).await.unwrap();
    let kinds = told(&mut follower);
    // What was dropped while the writer stood still is told with the batch that it stood in.
    let [EventKind::Trouble { what }, rest @ ..] = &kinds[..] else { panic!("{kinds:?}") };
    assert!(what.starts_with("6 events"), "{what}");
    assert_eq!(rest.len(), 4);
}

#[tokio::test]
async fn what_was_noted_before_the_question_is_in_the_answer() {
    let place = Place::new();
    let (store, _) = place.open(Limits { linger: Duration::from_secs(3600), ..Limits::default() });
    for number in 0..3 {
        store.note(note(number));
        let seen = store.events(Query::default()).await.unwrap();
        assert_eq!(seen.first().map(|event| &event.kind), Some(&note(number).kind));
    }
    store.close().await;
    store.note(note(3));
    assert!(store.events(Query::default()).await.is_err(), "nobody can read a store that is closed");
}

#[tokio::test]
async fn what_is_queued_is_done_before_the_store_closes() {
    let place = Place::new();
    let (store, _) = place.open(Limits::default());
    let standstill = stand_still(&store);
    let mut tasks = queue(&store, (0..10).map(|number| add(number, "")).collect()).await;
    store.note(note(1));
    let close = store.close();
    drop(standstill);
    close.await;
    while let Some(answer) = tasks.join_next().await {
        answer.unwrap().unwrap();
    }
    let (again, loaded) = place.open(Limits::default());
    assert_eq!((again.state().len(), loaded.last_event), (10, 11));
}

#[tokio::test]
async fn a_forgotten_store_is_written_and_let_go() {
    let place = Place::new();
    let (store, _) = place.open(Limits::default());
    let standstill = stand_still(&store);
    store.note(note(1));
    let mut follower = store.follow();
    drop((store, standstill));
    assert_eq!(follower.recv().await.unwrap().kind, note(1).kind);
    // Its end is told by the end of the events.
    assert!(follower.recv().await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_want_the_same_one_gets_it() {
    let place = Place::new();
    let (store, _) = place.open(Limits::default());
    for round in 0..100_u8 {
        let mut tasks = JoinSet::new();
        for racer in 0..2_u8 {
            let store = store.clone();
            let mut command = add(round, "");
            if let Command::AddHost { host, .. } = &mut command {
                host.name = format!("r{round}-{racer}").parse().unwrap();
            }
            tasks.spawn(async move { (racer, store.submit(command).await) });
        }
        let answers = tasks.join_all().await;
        let winners: Vec<u8> =
            answers.iter().filter(|(_, answer)| answer.is_ok()).map(|(racer, _)| *racer).collect();
        let [winner] = winners[..] else { panic!("{answers:?}") };
        let owner = store.state().by_mac(Mac([0x52, 0x54, 0, 0, 1, round])).unwrap().host.name.clone();
        assert_eq!(owner.as_str(), format!("r{round}-{winner}"));
        for (_, answer) in answers.into_iter().filter(|(racer, _)| *racer != winner) {
            assert!(matches!(answer, Err(SubmitError::Refused(Refusal::MacTaken { .. }))), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn whoever_watches_learns_that_nothing_can_be_written_any_more() {
    let place = Place::new();
    let (store, _) = place.open(Limits::default());
    let watcher = store.clone();
    let watching = tokio::spawn(async move { watcher.ended().await });
    store.submit(add(1, "")).await.unwrap();
    assert!(!watching.is_finished());
    store.meddle(|_| panic!("the writer fails, as this test wants"));
    watching.await.unwrap();
    assert!(matches!(store.submit(add(2, "")).await, Err(SubmitError::Stopped)));
}

#[test]
fn the_journal_of_a_server_that_is_never_idle_is_inspected_too() {
    let [soon, late] = [1, 600].map(Duration::from_secs);
    assert!(is_time(true, soon) && !is_time(false, soon) && is_time(false, late));
}

#[tokio::test]
async fn a_slow_disk_is_told_once_and_counted_each_time() {
    let place = Place::new();
    // Every disk is slower than this.
    let (store, _) = place.open(Limits { slow: Duration::ZERO, ..Limits::default() });
    let mut follower = store.follow();
    for number in 0..5 {
        store.submit(add(number, "")).await.unwrap();
    }
    store.close().await;
    let complains =
        |kind: &EventKind| matches!(kind, EventKind::Trouble { what } if what.contains("the disk"));
    let events = told(&mut follower);
    assert_eq!(events.iter().filter(|kind| complains(kind)).count(), 1, "{events:?}");
    assert!(store.measured().slow() >= 5, "{}", store.measured().slow());

    let (store, _) = Place::new().open(Limits { slow: Duration::MAX, ..Limits::default() });
    let mut follower = store.follow();
    store.submit(add(0, "")).await.unwrap();
    store.close().await;
    assert_eq!(
        (told(&mut follower).iter().filter(|kind| complains(kind)).count(), store.measured().slow()),
        (0, 0)
    );
}
