//! Programs of others, each in a process group of its own: with a limit in time, and with one on what it may say.

use std::{
    ffi::OsStr,
    path::Path,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use nextboot_model::Secret;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, Command},
    time::timeout,
};

use crate::PowerError;

/// Most of each output that is kept, in bytes; the rest is read and dropped.
const MAX_OUTPUT: usize = 64 * 1024;
/// Shortest value that is looked for in what a program says: shorter ones are no secrets, and would be found everywhere.
const SHORTEST_SECRET: usize = 3;
/// How long outputs may stay open after the program's end: something that it left behind may hold them for ever.
const AFTER_ITS_END: Duration = Duration::from_millis(500);

/// What a program said, and how it ended.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) status: ExitStatus,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Output {
    /// The last line that it said on one of its outputs: that is where programs say what went wrong.
    pub(crate) fn complaint(&self) -> String {
        let last =
            |text: &str| text.lines().rev().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned);
        let line = last(&self.err).or_else(|| last(&self.out));
        let line = line.unwrap_or_else(|| format!("it ended with {}", self.status));
        line.chars().filter(|c| !c.is_control()).take(300).collect()
    }
}

/// Runs a program. It sees `PATH`, `HOME`, the C locale and `variables` of the environment, nothing on its standard input,
/// and it is killed, with all that it started in its process group, when it takes longer than `limit` or when this future
/// is dropped. `place` is whom it talks to, for the complaint.
pub(crate) async fn run(
    program: &Path,
    arguments: &[impl AsRef<OsStr>],
    variables: &[(&str, &str)],
    secrets: &[Secret],
    limit: Duration,
    place: &str,
) -> Result<Output, PowerError> {
    let mut command = Command::new(program);
    command.args(arguments).env_clear().env("LC_ALL", "C").envs(variables.iter().copied());
    for name in ["PATH", "HOME"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.process_group(0).kill_on_drop(true).spawn();
    let child = child.map_err(|error| PowerError::Program {
        program: program.to_owned(),
        why: error.to_string(),
        remedy: if error.kind() == std::io::ErrorKind::NotFound { "; is it installed?" } else { "" },
    })?;
    let mut group = Group(child);
    let mut said = (Vec::new(), Vec::new());
    let (out, err) = (group.0.stdout.take(), group.0.stderr.take());
    let run = async {
        let reading = async { tokio::join!(keep(out, &mut said.0), keep(err, &mut said.1)) };
        tokio::pin!(reading);
        let status = tokio::select! {
            status = group.0.wait() => {
                let _ = timeout(AFTER_ITS_END, &mut reading).await;
                status
            }
            _ = &mut reading => group.0.wait().await,
        };
        status.map_err(|error| PowerError::Refused { place: place.to_owned(), why: error.to_string() })
    };
    let status =
        timeout(limit, run).await.map_err(|_| PowerError::Slow { place: place.to_owned(), limit })??;
    let text = |bytes: &[u8]| scrub(&String::from_utf8_lossy(bytes), secrets);
    Ok(Output { status, out: text(&said.0), err: text(&said.1) })
}

/// Reads to the end and keeps the beginning.
async fn keep(from: Option<impl AsyncRead + Unpin>, kept: &mut Vec<u8>) {
    let Some(mut from) = from else { return };
    let mut chunk = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut chunk).await {
        let room = MAX_OUTPUT.saturating_sub(kept.len()).min(length);
        kept.extend_from_slice(chunk.get(..room).unwrap_or_default());
    }
}

/// A text without the secrets that it repeats: usage messages do that.
fn scrub(text: &str, secrets: &[Secret]) -> String {
    let mut text = text.to_owned();
    for secret in secrets.iter().map(Secret::reveal).filter(|secret| secret.len() >= SHORTEST_SECRET) {
        text = text.replace(secret, "(secret)");
    }
    text
}

/// A child that is the first of its process group. Dropping it kills all of them, unless its end was seen.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        // Once its end was seen, it has no number any more.
        if let Some(pid) = self.0.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw) {
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    async fn sh(script: &str, limit: Duration) -> Result<Output, PowerError> {
        let secrets = [Secret::new("s3cr3t"), Secret::new("")];
        run(Path::new("sh"), &["-c", script], &[("GIVEN", "a b")], &secrets, limit, "there").await
    }

    #[tokio::test]
    async fn a_program_sees_what_it_is_given_and_what_it_says_is_bounded_and_without_secrets() {
        let output =
            sh("echo \"$GIVEN\" s3cr3t; echo bad >&2; exit 3", Duration::from_secs(20)).await.unwrap();
        assert_eq!((output.out.as_str(), output.status.code()), ("a b (secret)\n", Some(3)));
        assert_eq!(output.complaint(), "bad");
        let output = sh("head -c 300000 /dev/zero; env", Duration::from_secs(20)).await.unwrap();
        assert_eq!(output.out.len(), MAX_OUTPUT);
        let output = sh("env", Duration::from_secs(20)).await.unwrap();
        assert!(!output.out.contains("CARGO"), "{}", output.out);
    }

    #[tokio::test]
    async fn one_that_hangs_is_killed_with_what_it_started() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pid");
        let script = format!("sleep 1000 & echo $! > {}; wait", file.display());
        let began = Instant::now();
        let error = sh(&script, Duration::from_millis(500)).await.unwrap_err();
        assert_eq!(error, PowerError::Slow { place: "there".into(), limit: Duration::from_millis(500) });
        assert!(began.elapsed() < Duration::from_secs(20));
        let pid = std::fs::read_to_string(&file).unwrap();
        let alive = || std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
        // Who has been killed may be a zombie until init looks after it.
        while alive().is_ok_and(|stat| !stat.contains(") Z")) {
            assert!(began.elapsed() < Duration::from_secs(20), "it still runs");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    #[tokio::test]
    async fn what_it_leaves_behind_does_not_hold_us_up() {
        let output = sh("sleep 5 & echo done", Duration::from_secs(4)).await.unwrap();
        assert_eq!(output.out, "done\n");
    }

    #[tokio::test]
    async fn one_that_is_not_there_is_named() {
        let run = run(Path::new("/no/such"), &["x"], &[], &[], Duration::from_secs(1), "there").await;
        assert_eq!(
            run.unwrap_err().to_string(),
            "cannot start /no/such: No such file or directory (os error 2); is it installed?"
        );
    }
}
