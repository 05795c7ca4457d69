//! Test runs and their logs survive, whole or not at all.
#![allow(clippy::unwrap_used, reason = "a test fails where it must not go on")]

mod common;

use std::{fs, io::Read as _, path::PathBuf};

use common::{
    Place,
    model::{add, host, name, operator},
};
use nextboot_model::{Command, LineKind, TestCommand, TestRun, TestRunId, TestStatus, Timestamp};
use nextboot_store::{FileError, LogError, Order, Store, SubmitError, TestQuery};

const ONE: TestRunId = TestRunId(1);
const LARGE: u64 = 1 << 20;
const KEEP: usize = 100;

async fn with_runs(store: &Store, tests: &[&str]) {
    store.submit(add(host(0, &[0]))).await.unwrap();
    let tests = tests.iter().map(|test| test.parse().unwrap()).collect();
    let queue = TestCommand::Queue { host: name(0), tests, by: operator() };
    store.submit(Command::Test(queue)).await.unwrap();
}

async fn upload(store: &Store, id: u64, text: &str, keep: usize) -> Result<(), FileError> {
    let mut upload = store.test_logs().begin(TestRunId(id), LARGE)?;
    for piece in text.as_bytes().chunks(5) {
        upload.write(piece).await?;
    }
    store.file_log(upload, keep, None).await.map(drop)
}

fn log(store: &Store, id: u64) -> Option<String> {
    let (mut file, bytes) = store.test_logs().open(TestRunId(id)).ok()?;
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    assert_eq!(text.len() as u64, bytes);
    Some(text)
}

fn files(place: &Place) -> Vec<String> {
    let directory: PathBuf = place.path().parent().unwrap().join("tests");
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_queue_and_what_came_of_it_survive_a_restart() {
    let place = Place::new();
    let (store, _) = place.open();
    with_runs(&store, &["cpu", "mem", "disk"]).await;
    store.submit(Command::Test(TestCommand::Start { id: ONE })).await.unwrap();
    place.set(Timestamp(2000));
    upload(&store, 1, "V: 1.2\nE: bad\nI: well\nE:no\n", KEEP).await.unwrap();
    store.submit(Command::Test(TestCommand::Remove { ids: vec![TestRunId(3)] })).await.unwrap();
    let before = store.test_runs(TestQuery { limit: 10, ..TestQuery::default() }).await.unwrap();
    store.close().await;

    let (store, _) = place.open();
    let runs = store.test_runs(TestQuery { limit: 10, ..TestQuery::default() }).await.unwrap();
    assert_eq!(runs, before);
    let state = store.state();
    assert_eq!((state.tests().open_len(), state.tests().finished_len()), (1, 1));
    assert_eq!(state.tests().next(&name(0)).map(|run| run.id), Some(TestRunId(2)));
    let run = store.test_run(ONE).await.unwrap().unwrap();
    let TestRun { status, started, finished, version, infos, warnings, errors, bytes, .. } = &*run;
    assert_eq!(
        (*status, *started, *finished),
        (TestStatus::Done, Some(Timestamp(1000)), Some(Timestamp(2000)))
    );
    assert_eq!((version.as_deref(), *infos, *warnings, *errors, *bytes), (Some("1.2"), 1, 0, 1, 27));
    let lines = store.test_lines(ONE, 0, 10).await.unwrap();
    let lines: Vec<_> = lines.iter().map(|line| (line.kind, line.text.as_str())).collect();
    assert_eq!(lines, [(LineKind::Error, "bad"), (LineKind::Info, "well")]);
    assert_eq!(log(&store, 1).as_deref(), Some("V: 1.2\nE: bad\nI: well\nE:no\n"));
    with_number_after(&store, 4).await;
    store.close().await;
}

/// Numbers are not given again, not even that of a run which was removed.
async fn with_number_after(store: &Store, wanted: u64) {
    let queue = TestCommand::Queue { host: name(0), tests: vec!["cpu".parse().unwrap()], by: operator() };
    store.submit(Command::Test(queue)).await.unwrap();
    assert!(store.state().tests().run(TestRunId(wanted)).is_some());
}

#[tokio::test]
async fn a_later_log_replaces_the_one_before_and_its_lines() {
    let place = Place::new();
    let (store, _) = place.open();
    with_runs(&store, &["cpu"]).await;
    for (text, errors) in [("V: 1\nE: a\nE: b\n", 2), ("V: 2\nE: c\n", 1), ("", 0)] {
        upload(&store, 1, text, KEEP).await.unwrap();
        let run = store.test_run(ONE).await.unwrap().unwrap();
        assert_eq!(u64::from(run.errors), errors);
        assert_eq!(store.test_lines(ONE, 0, 10).await.unwrap().len() as u64, errors);
        assert_eq!(log(&store, 1).as_deref(), Some(text));
    }
    let versions = store.test_versions(None, 10).await.unwrap();
    assert!(versions.is_empty(), "no run tells of one any more: {versions:?}");
    assert_eq!(files(&place), ["1.log"]);
}

#[tokio::test]
async fn half_a_log_never_counts() {
    let place = Place::new();
    let (store, _) = place.open();
    with_runs(&store, &["cpu", "mem"]).await;
    upload(&store, 1, "E: a\n", KEEP).await.unwrap();
    let mut half = store.test_logs().begin(ONE, LARGE).unwrap();
    half.write(&vec![b'x'; 100_000]).await.unwrap();
    assert_eq!(store.test_logs().begin(ONE, LARGE).unwrap_err(), LogError::Busy);
    assert_eq!(log(&store, 1).as_deref(), Some("E: a\n"));
    drop(half);
    assert_eq!(files(&place), ["1.log"]);
    let mut large = store.test_logs().begin(TestRunId(2), 10).unwrap();
    large.write(&[0; 10]).await.unwrap();
    assert_eq!(large.write(&[0; 1]).await, Err(LogError::TooLarge(10)));
    drop(large);
    let unknown = upload(&store, 9, "E: a\n", KEEP).await;
    assert!(matches!(unknown, Err(FileError::Submit(SubmitError::Refused(_)))), "{unknown:?}");
    assert_eq!(files(&place), ["1.log"]);
    let directory = place.path().parent().unwrap().join("tests");
    fs::write(directory.join("1.7.part"), "a crash left this").unwrap();
    fs::write(directory.join("8.log"), "and this").unwrap();
    fs::write(directory.join("notes"), "somebody put this here").unwrap();
    store.close().await;
    let (store, _) = place.open();
    assert_eq!(files(&place), ["1.log", "notes"]);
    store.close().await;
}

#[tokio::test]
async fn runs_are_found_by_what_they_are_and_the_oldest_go_with_their_logs() {
    let place = Place::new();
    let (store, _) = place.open();
    with_runs(&store, &["cpu", "mem", "cpu", "mem"]).await;
    for (id, version) in [(1, "a"), (2, "b"), (3, "a"), (4, "c")] {
        upload(&store, id, &format!("V: {version}\nE: x\n"), 3).await.unwrap();
    }
    assert_eq!(files(&place), ["2.log", "3.log", "4.log"], "three are kept");
    let ids = |query: TestQuery| {
        let store = store.clone();
        async move {
            let runs = store.test_runs(TestQuery { limit: 10, ..query }).await.unwrap();
            runs.iter().map(|run| run.id.0).collect::<Vec<_>>()
        }
    };
    let all = TestQuery::default();
    assert_eq!(ids(all.clone()).await, [4, 3, 2]);
    assert_eq!(ids(TestQuery { order: Order::OldestFirst, ..all.clone() }).await, [2, 3, 4]);
    assert_eq!(ids(TestQuery { test: "mem".parse().ok(), ..all.clone() }).await, [4, 2]);
    assert_eq!(ids(TestQuery { version: Some("a".into()), ..all.clone() }).await, [3]);
    assert_eq!(ids(TestQuery { host: Some(name(1)), ..all.clone() }).await, [0; 0]);
    assert_eq!(ids(TestQuery { before: Some(TestRunId(4)), ..all.clone() }).await, [3, 2]);
    assert_eq!(ids(TestQuery { after: Some(TestRunId(3)), ..all.clone() }).await, [4]);
    assert_eq!(ids(TestQuery { status: Some(TestStatus::Queued), ..all }).await, [0; 0]);
    let versions = store.test_versions(None, 10).await.unwrap();
    let versions: Vec<_> =
        versions.iter().map(|v| (v.version.as_str(), v.first.0, v.runs, v.errors)).collect();
    assert_eq!(versions, [("c", 4, 1, 1), ("a", 3, 1, 1), ("b", 2, 1, 1)]);
    assert_eq!(store.test_versions(Some(TestRunId(3)), 10).await.unwrap().len(), 1);
    assert_eq!(store.tests_run().await.unwrap().len(), 2);
}
