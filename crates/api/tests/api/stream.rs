use std::time::Duration;

use nextboot_api::Limits;
use nextboot_model::EventKind;
use nextboot_store::{Limits as StoreLimits, NewEvent};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::UnixStream,
    sync::broadcast::error::RecvError,
};

use crate::server::{Server, request};

/// A reader of the stream.
struct Reader(Lines<BufReader<UnixStream>>);

#[derive(Debug, PartialEq)]
enum Line {
    Comment(String),
    Event(u64, String),
}

impl Reader {
    async fn open(server: &Server, query: &str, headers: &[&str]) -> Self {
        let mut stream = server.unix().await;
        let headers: Vec<String> = headers.iter().map(ToString::to_string).collect();
        let request = request(&format!("GET /api/events/stream{query}"), &headers, "");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut reader = Self(BufReader::new(stream).lines());
        let status = reader.0.next_line().await.unwrap().unwrap();
        assert!(status.contains(" 200 "), "{status}");
        reader
    }

    /// Opens one and waits until it follows.
    async fn follow(server: &Server, query: &str, headers: &[&str]) -> Self {
        let mut reader = Self::open(server, query, headers).await;
        assert_eq!(reader.next().await, Some(Line::Comment("nextboot events".into())));
        reader
    }

    async fn next(&mut self) -> Option<Line> {
        let mut id = None;
        while let Ok(Some(line)) = self.0.next_line().await {
            if let Some(comment) = line.strip_prefix(':') {
                return Some(Line::Comment(comment.trim().to_owned()));
            }
            if let Some(number) = line.strip_prefix("id:") {
                id = number.trim().parse().ok();
            }
            if let Some(data) = line.strip_prefix("data:") {
                let event: Value = serde_json::from_str(data).unwrap();
                assert_eq!(event["id"].as_u64(), id);
                assert!(event["text"].is_string());
                return Some(Line::Event(id.unwrap(), event["code"].as_str().unwrap().to_owned()));
            }
        }
        None
    }

    /// The next event. On a busy machine the stream may have to show first that it lives.
    async fn event(&mut self) -> (u64, String) {
        loop {
            match self.next().await {
                Some(Line::Event(id, code)) => return (id, code),
                Some(Line::Comment(text)) if text.is_empty() => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn what_happens_is_told_live_and_a_reader_resumes_where_it_was() {
    let server = Server::start().await;
    server.add("n0", "52:54:00:00:00:10").await;
    let mut reader = Reader::follow(&server, "", &[]).await;
    server.add("n1", "52:54:00:00:00:01").await;
    let (first, code) = reader.event().await;
    assert_eq!(code, "host-added", "and not what was before");
    drop(reader);
    server.add("n2", "52:54:00:00:00:02").await;
    server.add("n3", "52:54:00:00:00:03").await;
    let header = format!("Last-Event-ID: {first}");
    let mut next = first + 2;
    for (query, headers) in [
        (String::new(), vec![header.as_str()]),
        (format!("?after={first}"), vec![]),
        ("?after=0".into(), vec![header.as_str()]),
    ] {
        let mut reader = Reader::follow(&server, &query, &headers).await;
        for id in first + 1..=next {
            assert_eq!(reader.event().await.0, id, "{query} {headers:?}");
        }
        server.call("PATCH /api/hosts/n1", "{}").await;
        next += 1;
        assert_eq!(reader.event().await, (next, "host-changed".into()), "and then live");
    }
}

#[tokio::test]
async fn a_stream_about_one_machine_tells_nothing_of_others() {
    let server = Server::start().await;
    server.add("n1", "52:54:00:00:00:01").await;
    server.add("n2", "52:54:00:00:00:02").await;
    let mut by_name = Reader::follow(&server, "?host=n2&after=0", &[]).await;
    let mut by_mac = Reader::follow(&server, "?mac=52:54:00:00:00:02&after=0", &[]).await;
    server.call("PATCH /api/hosts/n1", "{}").await;
    server.call("PUT /api/assignments", r#"{"hosts":["n2"],"profile":"rescue"}"#).await;
    server.call("DELETE /api/hosts/n1", "").await;
    server.call("DELETE /api/hosts/n2", "").await;
    for reader in [&mut by_name, &mut by_mac] {
        for code in ["host-added", "assigned", "host-removed"] {
            assert_eq!(reader.event().await.1, code);
        }
    }
}

#[tokio::test]
async fn a_number_from_another_life_of_the_journal_does_not_silence_the_stream() {
    let server = Server::start().await;
    server.add("n1", "52:54:00:00:00:01").await;
    let mut reader = Reader::follow(&server, "?after=999999", &[]).await;
    server.add("n2", "52:54:00:00:00:02").await;
    assert_eq!(reader.event().await.1, "host-added");
}

#[tokio::test]
async fn numbers_that_are_none_are_refused() {
    let server = Server::start().await;
    let answer =
        server.ask(crate::server::From::Socket, "GET /api/events/stream", &["Last-Event-ID: x"], "").await;
    assert_eq!(answer.error(), (400, "bad-request".into()));
    assert_eq!(server.call("GET /api/events/stream?after=x", "").await.error(), (400, "bad-request".into()));
}

#[tokio::test]
async fn a_quiet_stream_shows_that_it_lives_and_says_when_the_server_stops() {
    let limits = Limits { heartbeat: Duration::from_millis(20), ..Limits::default() };
    let server = Server::with(limits, StoreLimits::default()).await;
    let mut reader = Reader::follow(&server, "", &[]).await;
    for _ in 0..3 {
        assert_eq!(reader.next().await, Some(Line::Comment(String::new())));
    }
    let reading = tokio::spawn(async move {
        let mut last = None;
        while let Some(line) = reader.next().await {
            last = Some(line);
        }
        last
    });
    server.stop().await;
    assert_eq!(reading.await.unwrap(), Some(Line::Comment("the server stops".into())));
}

#[tokio::test]
async fn a_reader_that_is_too_slow_is_cut_off_and_told_so() {
    let store = StoreLimits { follow: 8, ..StoreLimits::default() };
    let server = Server::with(Limits::default(), store).await;
    let mut reader = Reader::follow(&server, "", &[]).await;
    let flood = 300;
    let mut journal = server.store.follow();
    for _ in 0..flood {
        let kind = EventKind::Trouble { what: "x".repeat(100_000) };
        server.store.note(NewEvent { attempt: None, mac: None, host: None, kind });
    }
    // Until all of them were published, which nobody can miss that counts what was missed.
    let mut published = 0;
    while published < flood as u64 {
        published += match journal.recv().await {
            Ok(_) => 1,
            Err(RecvError::Lagged(missed)) => missed,
            Err(RecvError::Closed) => panic!("the store ended"),
        };
    }
    let (mut told, mut last) = (0, None);
    while let Some(line) = reader.next().await {
        told += usize::from(matches!(line, Line::Event(..)));
        last = Some(line);
    }
    assert!(told < flood, "{told}");
    assert!(matches!(&last, Some(Line::Comment(text)) if text.contains("cut off")), "{last:?}");
}
