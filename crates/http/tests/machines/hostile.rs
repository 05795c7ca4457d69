use std::time::Duration;

use nextboot_http::{Delivery, Limits};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::lab::Lab;

const SOON: Duration = Duration::from_millis(50);

#[tokio::test]
async fn a_head_that_never_ends_holds_nobody() {
    let lab = Lab::new(Limits { header_time: SOON, ..Limits::default() }).await;
    let mut slow = Vec::new();
    for start in ["", "G", "GET / HTTP/1.1\r\nX", "GET / HTTP/1.1\r\nX: y\r\n"] {
        let mut client = lab.connect().await;
        client.send(start.as_bytes()).await;
        slow.push(client);
    }
    lab.serves().await;
    for client in &mut slow {
        let _ = client.rest().await;
    }
    let mut idle = lab.connect().await;
    idle.send(b"GET /hello.txt HTTP/1.1\r\n\r\n").await;
    assert_eq!(idle.answer(false).await.unwrap().status, 200);
    assert!(idle.rest().await.1.is_ok(), "idle connections end, too");
}

#[tokio::test]
async fn a_client_that_takes_nothing_holds_nobody() {
    let mut lab = Lab::new(Limits { write_idle: SOON, connections: 1, ..Limits::default() }).await;
    lab.add("initrd", 1 << 30);
    let mut stuck = lab.connect().await;
    stuck.send(b"GET /initrd HTTP/1.1\r\n\r\n").await;
    let report = lab.report().await;
    assert_eq!(report.delivery, Delivery::Cut("the client took nothing for too long".into()));
    assert!(report.end < 1 << 30 && report.of == 1 << 30);
    // There is one seat, so this one has got it.
    lab.serves().await;
    let (bytes, end) = stuck.rest().await;
    assert!(bytes < 1 << 30 && end.is_err(), "a reset, no proper end");
}

#[tokio::test]
async fn one_address_may_not_have_every_connection() {
    let lab = Lab::new(Limits { per_address: 2, ..Limits::default() }).await;
    let (mut one, mut two) = (lab.connect().await, lab.connect().await);
    for client in [&mut one, &mut two] {
        client.send(b"GET /hello.txt HTTP/1.1\r\n\r\n").await;
        assert_eq!(client.answer(false).await.unwrap().status, 200);
    }
    let refused = lab.connect().await.answer(false).await.unwrap();
    assert_eq!((refused.status, refused.text()), (503, "too many connections from you"));
    drop(one);
    // The seat is free as soon as the server has seen the end.
    while lab.connect().await.answer_to(b"GET /hello.txt HTTP/1.1\r\n\r\n").await != Some(200) {}
}

impl crate::lab::Client {
    async fn answer_to(&mut self, request: &[u8]) -> Option<u16> {
        self.stream.write_all(request).await.ok()?;
        self.answer(false).await.map(|answer| answer.status)
    }
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let lab = Lab::new(Limits::default()).await;
    let path = "x".repeat(3000);
    assert_eq!(lab.get(&format!("/{path}")).await.status, 414);
    let field = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "y".repeat(40_000));
    assert_eq!(lab.ask(&field).await.status, 431);
    let fields = format!("GET / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(100));
    assert_eq!(lab.ask(&fields).await.status, 431);
    let line = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(100_000));
    let mut client = lab.connect().await;
    client.send(line.as_bytes()).await;
    let status = client.answer(false).await.map(|answer| answer.status);
    assert!(matches!(status, Some(414 | 431)), "{status:?}");
    for nonsense in ["\0\0\0\0\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n"] {
        assert_eq!(lab.ask(nonsense).await.status, 400, "{nonsense:?}");
    }
    lab.serves().await;
}

fn request() -> impl Strategy<Value = Vec<u8>> {
    let token = prop_oneof![
        Just(b"GET ".to_vec()),
        Just(b"HEAD /hello.txt HTTP/1.1\r\n".to_vec()),
        Just(b"GET /initrd HTTP/1.0\r\n".to_vec()),
        Just(b"POST /done/x HTTP/1.1\r\n".to_vec()),
        Just(b" HTTP/1.1\r\n".to_vec()),
        Just(b"Content-Length: 5\r\n".to_vec()),
        Just(b"Content-Length: 99999999999999999999\r\n".to_vec()),
        Just(b"Transfer-Encoding: chunked\r\n".to_vec()),
        Just(b"Range: bytes=5-\r\n".to_vec()),
        Just(b"Connection: close, keep-alive, upgrade\r\nUpgrade: h2c\r\n".to_vec()),
        Just(b"Cookie: _Syslinux_BOOTIF=01-\r\n".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"ffffffffffffffff\r\n".to_vec()),
        "/[%.a-f0-9/]{0,20}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..30),
    ];
    prop::collection::vec(token, 0..12).prop_map(|tokens| tokens.concat())
}

#[test]
fn no_request_keeps_the_server_from_serving() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let limits = Limits { header_time: SOON, settle: SOON, ..Limits::default() };
    let lab = runtime.block_on(Lab::new(limits));
    lab.add("initrd", 3 << 20);
    proptest!(ProptestConfig::with_cases(400), |(bytes in request())| {
        runtime.block_on(async {
            let mut client = lab.connect().await;
            let _ = client.stream.write_all(&bytes).await;
            let _ = client.stream.shutdown().await;
            let mut start = [0; 100];
            let _ = client.stream.read(&mut start).await;
        });
    });
    runtime.block_on(lab.serves());
}
