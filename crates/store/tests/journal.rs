//! The journal: what it holds, how it is asked, and who follows it.
#![allow(clippy::unwrap_used, reason = "a test fails where it must not go on")]

mod common;

use std::sync::Arc;

use common::{
    Place,
    model::{add, assign, host, mac, name},
    note,
};
use nextboot_model::{AttemptId, Class, Event, EventKind, Timestamp, Until};
use nextboot_store::{Limits, MAX_EVENTS, NewEvent, Order, Query, Store};
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

fn ids(events: &[Event]) -> Vec<u64> {
    events.iter().map(|event| event.id).collect()
}

async fn all(store: &Store) -> Vec<Event> {
    let query = Query { limit: MAX_EVENTS, order: Order::OldestFirst, ..Query::default() };
    store.events(query).await.unwrap()
}

/// Waits until everything that was noted is in the journal.
async fn settle(store: &Store) {
    store.put_leases(vec![], vec![]).await.unwrap();
}

#[tokio::test]
async fn what_was_noted_is_there_after_a_restart_with_its_moment() {
    let place = Place::new();
    let (store, _) = place.open();
    let event = NewEvent {
        attempt: Some(AttemptId(7)),
        mac: Some(mac(1)),
        host: Some(name(1)),
        kind: EventKind::Trouble { what: "ä \n\0 \u{1b}".into() },
    };
    place.set(Timestamp(42));
    store.note(event.clone());
    place.set(Timestamp(43));
    store.close().await;
    let (store, loaded) = place.open();
    assert_eq!(loaded.last_event, 1);
    let NewEvent { attempt, mac, host, kind } = event;
    assert_eq!(all(&store).await, [Event { id: 1, at: Timestamp(42), attempt, mac, host, kind }]);
}

#[tokio::test]
async fn events_keep_the_order_in_which_they_came() {
    let place = Place::new();
    let (store, _) = place.open();
    store.note(note(0));
    store.submit(add(host(1, &[1]))).await.unwrap();
    store.note(note(1));
    store.submit(assign(1, "grml", Class::Live, Until::Changed)).await.unwrap();
    let kinds: Vec<_> = all(&store).await.into_iter().map(|event| event.kind).collect();
    assert!(
        matches!(
            &kinds[..],
            [
                EventKind::SizeProbed { .. },
                EventKind::HostAdded { .. },
                EventKind::SizeProbed { .. },
                EventKind::Assigned { .. }
            ]
        ),
        "{kinds:?}"
    );
}

#[tokio::test]
async fn a_query_answers_what_everything_in_it_holds_for() {
    let place = Place::new();
    let (store, _) = place.open();
    for number in 0..60_u8 {
        store.note(NewEvent {
            attempt: (number % 2 == 0).then_some(AttemptId(u64::from(number % 4))),
            mac: (number % 3 == 0).then(|| mac(number % 6)),
            host: (number % 5 == 0).then(|| name(number % 10)),
            kind: EventKind::AttemptStarted,
        });
    }
    settle(&store).await;
    let everything = all(&store).await;
    assert_eq!(everything.len(), 60);
    for number in 0..768_u32 {
        let bit = |at: u32| number >> at & 1 == 1;
        let query = Query {
            host: bit(0).then(|| name(5)),
            mac: bit(1).then(|| mac(3)),
            attempt: bit(2).then_some(AttemptId(2)),
            codes: [&[][..], &["attempt-started", "trouble"], &["trouble"]][(number % 3) as usize],
            after: bit(3).then_some(20),
            before: bit(4).then_some(50),
            limit: [0, 1, 7, usize::MAX][(number >> 6) as usize % 4],
            order: if bit(5) { Order::OldestFirst } else { Order::NewestFirst },
        };
        let mut wanted: Vec<Event> = everything
            .iter()
            .filter(|event| query.codes.is_empty() || query.codes.contains(&event.kind.code()))
            .filter(|event| query.host.is_none() || event.host == query.host)
            .filter(|event| query.mac.is_none() || event.mac == query.mac)
            .filter(|event| query.attempt.is_none() || event.attempt == query.attempt)
            .filter(|event| {
                event.id > query.after.unwrap_or(0) && event.id < query.before.unwrap_or(u64::MAX)
            })
            .cloned()
            .collect();
        if query.order == Order::NewestFirst {
            wanted.reverse();
        }
        wanted.truncate(query.limit);
        assert_eq!(store.events(query.clone()).await.unwrap(), wanted, "{query:?}");
    }
    let beyond = Query { after: Some(u64::MAX), attempt: Some(AttemptId(u64::MAX)), ..Query::default() };
    assert_eq!(store.events(beyond).await.unwrap(), []);
}

#[tokio::test]
async fn only_the_newest_are_kept() {
    let mut place = Place::new();
    place.limits.events = 100;
    let (store, _) = place.open();
    for number in 0..1000 {
        store.note(note(number));
        if number % 30 == 0 {
            settle(&store).await;
        }
    }
    settle(&store).await;
    assert_eq!(ids(&all(&store).await), (901..=1000).collect::<Vec<_>>());
    store.close().await;

    // A lower limit comes true while events come.
    place.limits.events = 10;
    let (store, _) = place.open();
    store.note(note(1000));
    settle(&store).await;
    let left = all(&store).await.len();
    assert!(left > 10, "it is not done at once: {left}");
    store.note(note(1001));
    settle(&store).await;
    assert_eq!(ids(&all(&store).await), (993..=1002).collect::<Vec<_>>());
    store.close().await;

    // None at all would begin to count anew.
    place.limits.events = 0;
    let (store, _) = place.open();
    for number in 0..20 {
        store.note(note(number));
    }
    settle(&store).await;
    assert_eq!(ids(&all(&store).await), [1022]);
    store.close().await;
    assert_eq!(place.open().1.last_event, 1022);
}

#[tokio::test]
async fn who_is_told_finds_it_in_the_state_and_in_the_journal() {
    let place = Place::new();
    let (store, _) = place.open();
    let mut follower = store.follow();
    let work = {
        let store = store.clone();
        tokio::spawn(async move {
            for number in 0..50 {
                store.submit(add(host(number, &[number + 1]))).await.unwrap();
            }
        })
    };
    for _ in 0..50 {
        let event = follower.recv().await.unwrap();
        assert!(store.state().host(event.host.as_ref().unwrap()).is_some());
        let query = Query { after: Some(event.id - 1), before: Some(event.id + 1), ..Query::default() };
        assert_eq!(store.events(query).await.unwrap(), [Event::clone(&event)]);
    }
    work.await.unwrap();
}

#[tokio::test]
async fn a_slow_follower_misses_events_and_holds_nobody_up() {
    let place = Place { limits: Limits { follow: 8, ..Limits::default() }, ..Place::new() };
    let (store, _) = place.open();
    let mut follower = store.follow();
    for number in 0..100 {
        store.note(note(number));
    }
    settle(&store).await;
    assert!(matches!(follower.recv().await, Err(RecvError::Lagged(92))));
    assert_eq!(follower.recv().await.unwrap().id, 93);
    let rest: Vec<_> = std::iter::from_fn(|| follower.try_recv().ok()).map(|event| event.id).collect();
    assert_eq!(rest, (94..=100).collect::<Vec<_>>());
    assert_eq!(all(&store).await.len(), 100);
    drop(follower);
    store.submit(add(host(1, &[1]))).await.unwrap();
}

#[tokio::test]
async fn a_refused_command_leaves_no_trace() {
    let place = Place::new();
    let (store, _) = place.open();
    let mut follower = store.follow();
    store.submit(assign(1, "grml", Class::Live, Until::Once)).await.unwrap_err();
    assert_eq!((store.state().revision(), all(&store).await.len()), (0, 0));
    assert_eq!(follower.try_recv(), Err(TryRecvError::Empty));
}

#[tokio::test]
async fn an_entry_that_cannot_be_read_does_not_hide_the_others() {
    let place = Place::new();
    let (store, _) = place.open();
    (0..3).for_each(|number| store.note(note(number)));
    store.close().await;
    place.sql("UPDATE event SET doc = '{\"code\":\"from-the-future\"}', mac = 'x' WHERE id = 2");
    let (store, _) = place.open();
    let events = all(&store).await;
    assert_eq!(ids(&events), [1, 2, 3]);
    assert!(matches!(&events[1].kind, EventKind::Trouble { what } if what.contains("from-the-future")));
}

#[tokio::test]
async fn questions_do_not_wait_for_each_other_or_the_writer() {
    let place = Place { limits: Limits { readers: 2, ..Limits::default() }, ..Place::new() };
    let (store, _) = place.open();
    let store = Arc::new(store);
    (0..500).for_each(|number| store.note(note(number)));
    settle(&store).await;
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let store = Arc::clone(&store);
        asked.spawn(async move { all(&store).await.len() });
    }
    store.submit(add(host(1, &[1]))).await.unwrap();
    while let Some(found) = asked.join_next().await {
        assert!(found.unwrap() >= 500);
    }
}
