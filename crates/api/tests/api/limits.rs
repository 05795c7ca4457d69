use std::time::Duration;

use nextboot_api::Limits;
use nextboot_store::Limits as StoreLimits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::server::{From, STRANGER, Server, TOKEN, TRUSTED, exchange, request};

async fn limited(limits: Limits) -> Server {
    Server::with(limits, StoreLimits::default()).await
}

#[tokio::test]
async fn a_body_has_a_largest_size_and_depth() {
    let server = Server::start().await;
    for call in ["POST /api/hosts", "PUT /configurations/local/deploy"] {
        let large = format!("[{}]", " ".repeat(1024 * 1024));
        let answer = server.ask(From::Token(TOKEN), call, &[], &large).await;
        assert_eq!(answer.error(), (413, "body-too-large".into()), "{call}");
        let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
        assert_eq!(server.ask(From::Token(TOKEN), call, &[], &deep).await.status, 400, "{call}");
    }
    // Also when its size is not told before.
    let mut stream = server.tcp_from(TRUSTED).await;
    let head =
        "POST /api/hosts HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    let mut answer = Vec::new();
    for _ in 0..17 {
        let _ = stream.write_all(chunk.as_bytes()).await;
    }
    let _ = stream.read_to_end(&mut answer).await;
    assert!(String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 413 "));
}

#[tokio::test]
async fn a_head_has_a_largest_size() {
    let server = Server::start().await;
    let long = format!("X: {}", "x".repeat(20_000));
    assert!(server.ask(From::Token(TOKEN), "GET /api/status", &[&long], "").await.status >= 431);
    let many: Vec<String> = (0..100).map(|at| format!("X{at}: x")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(server.ask(From::Token(TOKEN), "GET /api/status", &many, "").await.status, 431);
}

#[tokio::test]
async fn who_dawdles_is_cut_off() {
    let short = Duration::from_millis(50);
    let server = limited(Limits { header_time: short, body_time: short, ..Limits::default() }).await;
    for beginning in ["", "GET /api/status HT", "GET /api/status HTTP/1.1\r\nHost: x\r\n"] {
        let mut stream = server.tcp_from(STRANGER).await;
        stream.write_all(beginning.as_bytes()).await.unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
    }
    // Between two requests.
    let mut stream = server.tcp_from(TRUSTED).await;
    stream.write_all(b"GET /api/status HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "));
    // In a body.
    for call in ["POST /api/hosts", "PUT /configurations/local/deploy"] {
        let whole = request(call, &[], r#"{"hosts":[]}"#);
        let answer = exchange(server.tcp_from(TRUSTED).await, &whole[..whole.len() - 3]).await;
        assert_eq!(answer.error(), (408, "body-too-slow".into()), "{call}");
    }
}

#[tokio::test]
async fn one_address_holds_only_so_many_connections_and_the_others_none_of_them() {
    let server = limited(Limits { per_address: 2, connections: 3, ..Limits::default() }).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = server.tcp_from(TRUSTED).await;
        stream.write_all(b"GET /api/status HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut byte = [0];
        stream.read_exact(&mut byte).await.unwrap();
        held.push(stream);
    }
    let refused = async |from| {
        let mut stream = server.tcp_from(from).await;
        let _ = stream.write_all(b"GET /api/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        answer.is_empty()
    };
    assert!(refused(TRUSTED).await);
    assert_eq!(server.ask(From::Token(TOKEN), "GET /api/status", &[], "").await.status, 200);
    // The third takes the last place of all; root on the machine itself still gets in.
    let mut third = server.tcp_from(STRANGER).await;
    third.write_all(b"GET /api/status HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    third.read_exact(&mut [0]).await.unwrap();
    assert!(refused(STRANGER).await);
    assert_eq!(server.call("GET /api/status", "").await.status, 200);
    drop((held, third));
    while refused(TRUSTED).await {}
}

#[tokio::test]
async fn nonsense_is_answered_and_hurts_nobody() {
    let server = Server::start().await;
    for nonsense in
        [&b"\0\0\0\0\r\n\r\n"[..], b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00", b"PRI * HTTP/2.0\r\n\r\n"]
    {
        let mut stream = server.tcp_from(STRANGER).await;
        stream.write_all(nonsense).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
    }
    for path in
        ["/api/hosts/%ff", "/api/hosts/%00", "/api/nope", "/nope", "//api/hosts", "/api/hosts/../status"]
    {
        let answer = server.call(&format!("GET {path}"), "").await;
        assert!((400..500).contains(&answer.status), "{path}: {}", answer.body);
        assert!(answer.json()["error"]["code"].is_string(), "{path}: {}", answer.body);
    }
    let wrong = server.call("PUT /api/hosts", "").await;
    assert_eq!(wrong.error(), (405, "wrong-method".into()));
    assert!(wrong.head.contains("allow:"), "{}", wrong.head);
    assert_eq!(server.call("GET /configurations/local/deploy", "").await.status, 404, "as pxe-pilot says it");
}
