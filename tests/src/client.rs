//! File clients: the programs that people use, each run inside a namespace.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::namespace::{Namespace, run};

/// How long a client may take for one file.
const LIMIT_SECONDS: &str = "60";

/// Fetches `name` with tftp-hpa's client in binary mode.
///
/// # Errors
/// When the server refuses; the error carries the client's words (it exits with 0 even then).
pub fn tftp_hpa(namespace: &Namespace, server: &str, name: &str) -> Result<Vec<u8>> {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("file");
    let output =
        run(limited(namespace, "tftp").args(["-m", "binary", server, "-c", "get", name]).arg(&file))?;
    if output.contains("Error code") || !file.exists() {
        bail!("tftp-hpa, {name}: {}", output.trim());
    }
    Ok(fs::read(file)?)
}

/// Fetches `name` with atftp; `options` are like `blksize 1428`.
///
/// # Errors
/// When the server refuses.
pub fn atftp(namespace: &Namespace, server: &str, name: &str, options: &[&str]) -> Result<Vec<u8>> {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("file");
    let mut command = limited(namespace, "atftp");
    for option in options {
        command.args(["--option", option]);
    }
    run(command.args(["--get", "--remote-file", name, "--local-file"]).arg(&file).arg(server))?;
    fs::read(file).with_context(|| format!("atftp, {name}"))
}

/// Fetches a URL (http or tftp) with curl, with more arguments of curl's before it; the body as it came.
///
/// # Errors
/// When curl fails; with `--fail` that includes statuses from 400 on.
pub fn curl(namespace: &Namespace, url: &str, arguments: &[&str]) -> Result<Vec<u8>> {
    let mut command = namespace.command("curl");
    command.args(["--silent", "--show-error", "--path-as-is", "--max-time", LIMIT_SECONDS]);
    let output = command.args(arguments).arg(url).output()?;
    if !output.status.success() {
        bail!("curl {url}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(output.stdout)
}

/// The HTTP status of a request with curl; `arguments` as in [`curl`].
///
/// # Errors
/// When there was no answer.
pub fn http_status(namespace: &Namespace, url: &str, arguments: &[&str]) -> Result<u16> {
    let mut all = vec!["--output", "/dev/null", "--write-out", "%{http_code}"];
    all.extend_from_slice(arguments);
    let status = curl(namespace, url, &all)?;
    String::from_utf8_lossy(&status).trim().parse().context("no status from curl")
}

/// Sends bytes over TCP as they are and returns what came back until the server closed or `limit` of silence.
///
/// # Errors
/// When there is no connection.
pub fn raw_tcp(namespace: &Namespace, server: SocketAddr, bytes: &[u8], limit: Duration) -> Result<Vec<u8>> {
    let mut stream = namespace.enter(|| Ok(TcpStream::connect_timeout(&server, limit)?))?;
    stream.set_read_timeout(Some(limit))?;
    // A server may hang up on nonsense before it has read all of it.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    Ok(answer)
}

fn limited(namespace: &Namespace, program: &str) -> Command {
    let mut command = namespace.command("timeout");
    command.args([LIMIT_SECONDS, program]);
    command
}
