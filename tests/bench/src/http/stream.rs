use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::Range;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nextboot_tests::Namespace;
use rustix::net::RecvFlags;

use crate::load::Load;

/// How long a stream may stand still.
const PATIENCE: Duration = Duration::from_secs(30);

/// How much is taken in one go, bytes.
const TAKE: usize = 1 << 20;

/// Clients that each fetch the same part of a file at the same time, on a connection of their own.
#[derive(Debug, Clone)]
pub struct Streams<'a> {
    /// How many.
    pub clients: usize,
    /// The path of the file.
    pub path: &'a str,
    /// The part.
    pub part: Range<u64>,
}

impl Streams<'_> {
    /// Fetches from this server. A unit is a MiB.
    ///
    /// # Errors
    /// When a client gets no answer, or one that ends early.
    pub fn run(&self, namespace: &Namespace, server: SocketAddr) -> Result<Load> {
        let began = Instant::now();
        thread::scope(|scope| {
            let clients: Vec<_> =
                (0..self.clients).map(|_| scope.spawn(|| namespace.enter(|| self.fetch(server)))).collect();
            clients.into_iter().try_for_each(|client| match client.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            })
        })?;
        let bytes = self.clients as u64 * (self.part.end - self.part.start);
        Ok(Load::of(bytes >> 20, began.elapsed()))
    }

    /// The kernel throws the bytes away: a client that copied them would be slower than the servers.
    fn fetch(&self, server: SocketAddr) -> Result<()> {
        let (mut reader, mut left) = self.begin(server)?;
        // What came with the head.
        let begun = reader.buffer().len();
        reader.consume(begun);
        left -= begun as u64;
        let stream = reader.into_inner();
        let mut bytes = vec![0; TAKE];
        while left > 0 {
            let (taken, _) = rustix::net::recv(&stream, &mut bytes[..], RecvFlags::TRUNC)
                .with_context(|| format!("{left} bytes before the end"))?;
            ensure!(taken > 0, "the answer ends {left} bytes too early");
            left -= taken as u64;
        }
        Ok(())
    }

    /// Fetches once, and looks at every byte.
    ///
    /// # Errors
    /// When it is not what is expected.
    pub fn check(&self, server: SocketAddr, expected: impl Fn(u64) -> u8) -> Result<()> {
        let (mut reader, mut left) = self.begin(server)?;
        let mut at = self.part.start;
        while left > 0 {
            let bytes = reader.fill_buf()?;
            ensure!(!bytes.is_empty(), "the answer ends {left} bytes too early");
            for byte in bytes {
                ensure!(*byte == expected(at), "a wrong byte at {at}");
                at += 1;
            }
            let len = bytes.len();
            left -= len as u64;
            reader.consume(len);
        }
        Ok(())
    }

    /// Asks, and reads the head of the answer; how many bytes follow.
    fn begin(&self, server: SocketAddr) -> Result<(BufReader<TcpStream>, u64)> {
        let stream = TcpStream::connect(server)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let Range { start, end } = self.part;
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: {server}\r\nRange: bytes={start}-{}\r\nConnection: close\r\n\r\n",
            self.path,
            end - 1
        );
        (&stream).write_all(request.as_bytes())?;
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        ensure!(line.starts_with("HTTP/1.1 206 "), "{line}");
        while line.trim() != "" {
            line.clear();
            ensure!(reader.by_ref().take(4096).read_line(&mut line)? > 0, "the head ends early");
        }
        Ok((reader, end - start))
    }
}
