//! Whatever is done, the store is a state table that survives.
#![allow(clippy::unwrap_used, reason = "a test fails where it must not go on")]

mod common;

use common::{
    Place, assert_same,
    model::{Step, steps},
};
use nextboot_model::{Event, State};
use nextboot_store::{Order, Query, SubmitError};
use proptest::{collection::vec, prelude::*};

async fn run(runs: &[Vec<Step>]) {
    let place = Place::new();
    let mut model = State::default();
    let mut told = Vec::new();
    for steps in runs {
        let (store, loaded) = place.open();
        assert_same(&store.state(), &model);
        assert_eq!(loaded.last_event, told.last().map_or(0, |event: &Event| event.id));
        let mut follower = store.follow();
        for step in steps {
            place.set(step.now);
            let command = step.command(&model);
            match (command.check(&model, step.now), store.submit(command).await) {
                (Ok(verdict), Ok(receipt)) => {
                    verdict.changes.iter().for_each(|change| model.apply(change));
                    assert_eq!((receipt.revision, receipt.at), (model.revision(), step.now));
                    assert_eq!(receipt.changes, verdict.changes);
                    for (host, mac, kind) in verdict.events {
                        let event = Event::clone(&*follower.try_recv().unwrap());
                        assert_eq!((event.host.as_ref(), event.mac, &event.kind), (Some(&host), mac, &kind));
                        assert_eq!((event.id, event.at), (loaded_after(&told) + 1, step.now));
                        told.push(event);
                    }
                }
                (Err(wanted), Err(SubmitError::Refused(refusal))) => assert_eq!(refusal, wanted),
                (wanted, found) => panic!("{wanted:?} became {found:?}"),
            }
            assert_same(&store.state(), &model);
        }
        assert!(follower.try_recv().is_err());
        let all = Query { order: Order::OldestFirst, limit: 1000, ..Query::default() };
        assert_eq!(store.events(all).await.unwrap(), told);
        store.close().await;
    }
}

fn loaded_after(told: &[Event]) -> u64 {
    told.last().map_or(0, |event| event.id)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn any_commands_and_restarts_lead_where_the_model_does(runs in vec(vec(steps(), 0..25), 1..4)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(run(&runs));
    }
}
