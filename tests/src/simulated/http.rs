use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use nextboot_firmware::{HttpAnswer, HttpRequest};

use crate::namespace::Namespace;

/// How long a server may take to begin, and between two parts of its answer.
const LIMIT: Duration = Duration::from_secs(30);

/// Asks from the machine's address. The kernel has that address only meanwhile: otherwise it would refuse the datagrams
/// that are for the simulated machine.
pub(super) fn ask(
    port: &Namespace,
    address: &str,
    request: &HttpRequest,
) -> Result<Result<HttpAnswer, String>> {
    port.ip(&["address", "add", address, "dev", "eth0"])?;
    let answer = port.enter(|| exchange(request)).map_err(|error| format!("{error:#}"));
    port.ip(&["address", "del", address, "dev", "eth0"])?;
    Ok(answer)
}

/// HTTP/1.1, one request per connection.
fn exchange(request: &HttpRequest) -> Result<HttpAnswer> {
    let rest = request.url.strip_prefix("http://").context("only http:// is spoken here")?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let address = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
    let address: SocketAddr = address.to_socket_addrs()?.next().context("no such host")?;
    let mut stream = TcpStream::connect_timeout(&address, LIMIT)?;
    stream.set_read_timeout(Some(LIMIT))?;
    let mut head = format!(
        "{} /{path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {}\r\nAccept: */*\r\nConnection: close\r\n",
        request.method, request.agent
    );
    if !request.body.is_empty() {
        head.push_str(&format!("Content-Length: {}\r\n", request.body.len()));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes())?;
    stream.write_all(&request.body)?;
    read(&mut BufReader::new(stream), request.method == "HEAD")
}

fn read(stream: &mut impl BufRead, head_only: bool) -> Result<HttpAnswer> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let status =
        line.split(' ').nth(1).and_then(|status| status.parse().ok()).with_context(|| line.clone())?;
    let mut answer = HttpAnswer { status, ..HttpAnswer::default() };
    let mut chunked = false;
    loop {
        line.clear();
        ensure!(stream.read_line(&mut line)? > 0, "the connection ended in the middle of the headers");
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-type" => answer.content_type = Some(value.to_owned()),
            "content-length" => answer.content_length = Some(value.parse()?),
            "transfer-encoding" => chunked = value.eq_ignore_ascii_case("chunked"),
            _ => {}
        }
    }
    match answer.content_length {
        _ if head_only => {}
        Some(length) => {
            stream.take(length).read_to_end(&mut answer.body)?;
            ensure!(answer.body.len() as u64 == length, "{} of {length} bytes came", answer.body.len());
        }
        None if chunked => bail!("chunked answers are not understood: boot firmware may not either"),
        None => {
            stream.read_to_end(&mut answer.body)?;
        }
    }
    Ok(answer)
}
