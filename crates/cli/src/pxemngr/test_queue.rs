//! pxemngr's sub-commands about tests.

use hyper::Method;
use nextboot_model::Timestamp;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{SubCommand, usage};
use crate::{client::Client, command::part, failure::Failure, output, view::TestRun};

/// Runs per request when listing.
const PAGE: usize = 1000;

pub(super) const DPYTEST: SubCommand = (
    "dpytest",
    "-l | <system>",
    "Show what a system ran and is to run, the newest first; -l lists all tests.",
);
pub(super) const NEXTTEST: SubCommand =
    ("nexttest", "<system> <test> [<test2>...]", "Queue tests for a system, which takes them at /nexttest/.");
pub(super) const SYNCTESTNAMES: SubCommand = (
    "synctestnames",
    "",
    "List the tests that there are: the files NAME.test in the server's [tests] directory.",
);

/// Carries out one of them.
pub(super) async fn run(client: &Client, name: &str, words: &[String]) -> Result<(), Failure> {
    match (name, words) {
        ("synctestnames", []) => synctestnames(client).await,
        ("synctestnames", _) => Err(usage(SYNCTESTNAMES)),
        ("nexttest", [system, tests @ ..]) if !tests.is_empty() => nexttest(client, system, tests).await,
        ("nexttest", _) => Err(usage(NEXTTEST)),
        (_, [list]) if list == "-l" => list_tests(client).await,
        (_, [system]) => dpytest(client, system).await,
        _ => Err(usage(DPYTEST)),
    }
}

/// The tests that there are.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Names {
    tests: Vec<String>,
    gone: Vec<String>,
}

fn read<T: DeserializeOwned>(client: &Client, answer: &Value) -> Result<T, Failure> {
    T::deserialize(answer).map_err(|error| client.strange(error))
}

async fn names(client: &Client) -> Result<Names, Failure> {
    read(client, &client.get("/api/tests/names").await?)
}

/// The server looks at its directory whenever it is asked, so there is nothing to register: what there is is told.
async fn synctestnames(client: &Client) -> Result<(), Failure> {
    let names = names(client).await?.tests;
    let mut lines: Vec<String> = names.iter().map(|name| format!("registering {name}")).collect();
    if !names.iter().any(|name| name == "wait") {
        lines.push("you must add a wait test".into());
    }
    say(lines)
}

/// Queues tests, in their order; all of them, or none when one is not known.
async fn nexttest(client: &Client, system: &str, tests: &[String]) -> Result<(), Failure> {
    known(client, system).await?;
    let names = names(client).await?.tests;
    if let Some(unknown) = tests.iter().find(|test| !names.contains(test)) {
        return Err(Failure::Refused(format!("Test name {unknown} not defined")));
    }
    let body = json!({ "host": system, "tests": tests });
    client.call(Method::POST, "/api/tests", Some(&body)).await.map(drop)
}

/// The names of all tests, those included whose files are gone.
async fn list_tests(client: &Client) -> Result<(), Failure> {
    let Names { tests, gone } = names(client).await?;
    say(tests.into_iter().chain(gone).collect())
}

/// What a system ran and what it is to run, the newest first: as pxemngr's first release told it. Its last one left out what
/// had been run.
async fn dpytest(client: &Client, system: &str) -> Result<(), Failure> {
    let name = known(client, system).await?;
    let mut lines = vec![format!("Name: {name}")];
    let mut path = format!("/api/tests?host={}&limit={PAGE}", part(&name));
    loop {
        let answer = client.get(&path).await?;
        let runs: Vec<TestRun> = read(client, answer.get("tests").unwrap_or(&Value::Null))?;
        lines.extend(runs.iter().map(|run| format!("{} {} {}", date(run.at()), run.test, run.letter)));
        match runs.last() {
            Some(last) if runs.len() == PAGE => {
                path = format!("/api/tests?host={}&limit={PAGE}&before={}", part(&name), last.id);
            }
            _ => return say(lines),
        }
    }
}

/// The name of a system.
async fn known(client: &Client, system: &str) -> Result<String, Failure> {
    let unknown = || Failure::Refused(format!("System {system} not defined"));
    match client.get(&format!("/api/hosts/{}", part(system))).await {
        Ok(host) => host.get("name").and_then(Value::as_str).map(str::to_owned).ok_or_else(unknown),
        Err(Failure::Refused(_)) => Err(unknown()),
        Err(failure) => Err(failure),
    }
}

fn say(lines: Vec<String>) -> Result<(), Failure> {
    if lines.is_empty() { Ok(()) } else { output::print(&output::plain_lines(&lines.join("\n"))) }
}

/// `2026-11-20 23:53:06.431000+00:00`, as Django writes a moment.
fn date(at: u64) -> String {
    Timestamp(at).to_string().replace('T', " ").replace('Z', "000+00:00")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_django_does() {
        assert_eq!(date(1_795_247_532_034), "2026-11-21 07:52:12.034000+00:00");
    }
}
