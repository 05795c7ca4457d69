use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use super::{Answer, HttpAnswer, HttpRequest};
use crate::random::Random;
use crate::tcp::{Connection, Segment};

/// How long the other end may take to close, once its answer is whole.
const LINGER: Duration = Duration::from_secs(1);

/// One HTTP/1.1 request on a connection of its own.
#[derive(Debug)]
pub(crate) struct Fetch {
    connection: Connection,
    answer: Answer,
    /// When its answer was whole.
    whole: Option<Duration>,
}

impl Fetch {
    /// Begins it.
    ///
    /// # Errors
    /// In words, where the URL is none that boot firmware without DNS can fetch.
    pub(crate) fn start(
        own: Ipv4Addr,
        request: &HttpRequest,
        random: &mut Random,
        now: Duration,
        out: &mut Vec<Segment>,
    ) -> Result<Self, String> {
        let (peer, bytes) = compose(request)?;
        let own = SocketAddrV4::new(own, random.port());
        let connection = Connection::open(own, peer, bytes, random, now, out);
        Ok(Self { connection, answer: Answer::new(request), whole: None })
    }

    /// A segment came.
    pub(crate) fn receive(&mut self, now: Duration, segment: Segment, out: &mut Vec<Segment>) {
        let Self { connection, answer, .. } = self;
        connection.receive(now, segment, out, &mut |bytes| answer.read(bytes));
        if self.whole.is_none() && self.answer.is_whole() {
            self.whole = Some(now);
        }
    }

    /// The time of [`Fetch::deadline`] has come.
    pub(crate) fn due(&mut self, now: Duration, out: &mut Vec<Segment>) {
        self.connection.due(now, out);
    }

    /// When it wants to be called again at the latest.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        let linger = self.whole.map(|whole| whole + LINGER);
        linger.into_iter().chain(self.connection.deadline()).min()
    }

    /// How many segments were sent again because no answer came.
    pub(crate) fn repeats(&self) -> u64 {
        self.connection.repeats()
    }

    /// The answer, or in words why there is none; once.
    pub(crate) fn outcome(&mut self, now: Duration) -> Option<Result<HttpAnswer, String>> {
        let lingered = self.whole.is_some_and(|whole| now >= whole + LINGER);
        if self.connection.closed() || lingered {
            return Some(self.answer.take());
        }
        self.connection.failure().map(|why| match self.whole {
            // All was there before it broke.
            Some(_) => self.answer.take(),
            None => Err(why.to_owned()),
        })
    }
}

/// Where to, and the request as it is written.
fn compose(request: &HttpRequest) -> Result<(SocketAddrV4, Vec<u8>), String> {
    let rest = request.url.strip_prefix("http://").ok_or("only http:// is spoken here")?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (name, port) = host.split_once(':').unwrap_or((host, "80"));
    let peer = match (name.parse(), port.parse()) {
        (Ok(address), Ok(port)) => SocketAddrV4::new(address, port),
        _ => return Err(format!("{host} is no address")),
    };
    let mut head = format!(
        "{} /{path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {}\r\nAccept: */*\r\nConnection: close\r\n",
        request.method, request.agent
    );
    if !request.body.is_empty() {
        head.push_str(&format!("Content-Length: {}\r\n", request.body.len()));
    }
    head.push_str("\r\n");
    Ok((peer, [head.as_bytes(), &request.body].concat()))
}
