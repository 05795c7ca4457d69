use std::{
    io::{Read, Write},
    net::Ipv4Addr,
    os::unix::net::UnixStream,
};

use crate::log;
use crate::server::{From, MACHINE, STRANGER, Server, TOKEN, TRUSTED, request};

const STATUS: &str = "GET /api/status";

#[tokio::test]
async fn the_socket_the_token_and_trusted_networks_open_the_api_and_nothing_else_does() {
    let server = Server::start().await;
    for from in [From::Socket, From::Token(TOKEN), From::Address(TRUSTED)] {
        assert_eq!(server.ask(from, STATUS, &[], "").await.status, 200, "{from:?}");
    }
    for from in [From::Address(STRANGER), From::Address(MACHINE)] {
        let answer = server.ask(from, STATUS, &[], "").await;
        assert_eq!(answer.error(), (401, "token-needed".into()), "{from:?}");
        assert!(answer.head.contains("www-authenticate: bearer"));
    }
    for token in ["wrong", &TOKEN[1..], &format!("{TOKEN}x")] {
        let answer = server.ask(From::Token(token), STATUS, &[], "").await;
        assert_eq!(answer.error(), (401, "wrong-token".into()));
    }
}

#[tokio::test]
async fn a_stranger_reaches_no_call_and_learns_no_path() {
    let server = Server::start().await;
    for call in [
        "GET /api/hosts",
        "POST /api/hosts",
        "GET /api/hosts/n1",
        "PATCH /api/hosts/n1",
        "DELETE /api/hosts/n1",
        "GET /api/hosts/n1/attempts",
        "GET /api/profiles",
        "GET /api/profiles/local",
        "PUT /api/assignments",
        "POST /api/cancel",
        "GET /api/attempts",
        "GET /api/events",
        "GET /api/events/stream",
        "GET /api/leases",
        "POST /api/reload",
        "GET /no/such/path",
    ] {
        let answer = server.ask(From::Address(STRANGER), call, &[], "{}").await;
        assert_eq!(answer.error(), (401, "token-needed".into()), "{call}");
    }
}

#[tokio::test]
async fn a_browser_on_a_trusted_network_is_not_talked_into_a_change() {
    let server = Server::start().await;
    let add = r#"{"name":"evil","macs":["52:54:00:00:00:66"]}"#;
    for headers in [
        &["Origin: http://evil.example"][..],
        &["Origin: null"],
        &["Sec-Fetch-Site: cross-site"],
        &["Host: evil.example:3478", "Origin: http://evil.example:3478"],
    ] {
        let answer = server.ask(From::Address(TRUSTED), "POST /api/hosts", headers, add).await;
        assert_eq!(answer.error(), (403, "cross-site".into()), "{headers:?}");
    }
    assert!(server.store.state().is_empty());
    let own = ["Origin: http://127.0.0.1:3478", "Sec-Fetch-Site: same-origin"];
    assert_eq!(server.ask(From::Address(TRUSTED), "POST /api/hosts", &own, add).await.status, 201);
    // A browser asks first whether it may; it is not told yes.
    let preflight = ["Origin: http://evil.example", "Access-Control-Request-Method: PUT"];
    let answer = server.ask(From::Address(TRUSTED), "OPTIONS /api/assignments", &preflight, "").await;
    assert!(answer.status >= 400 && !answer.head.contains("access-control-allow"), "{}", answer.head);
}

#[tokio::test]
async fn a_scraper_reads_the_metrics_and_nothing_else() {
    let server = Server::start().await;
    const METRICS: &str = "GET /metrics";
    const SCRAPER: Ipv4Addr = Ipv4Addr::new(127, 0, 3, 7);
    for from in [From::Address(SCRAPER), From::Address(TRUSTED), From::Token(TOKEN), From::Socket] {
        let answer = server.ask(from, METRICS, &[], "").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(
            answer.head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"),
            "{}",
            answer.head
        );
        assert_eq!(answer.body, "# TYPE up gauge\nup 1\n");
    }
    assert_eq!(server.ask(From::Address(STRANGER), METRICS, &[], "").await.status, 401);
    for other in [STATUS, "GET /api/hosts", "POST /api/reload", "PUT /configurations/rescue/deploy"] {
        let answer = server.ask(From::Address(SCRAPER), other, &[], "{\"hosts\":[]}").await;
        assert_eq!(answer.status, 401, "{other}: {}", answer.body);
    }
    // A browser beside the scraper does not carry its trust to other pages.
    let foreign = ["Origin: http://evil.example"];
    assert_eq!(server.ask(From::Address(SCRAPER), METRICS, &foreign, "").await.status, 403);
}

#[tokio::test]
async fn who_changed_something_is_written_down() {
    let server = Server::start().await;
    server.add("n1", "52:54:00:00:00:01").await;
    let assign = r#"{"hosts":["n1"],"profile":"rescue"}"#;
    for (from, who) in [
        (From::Token(TOKEN), "token from 127.0.0.9"),
        (From::Address(TRUSTED), "127.0.1.5 (trusted network)"),
        (From::Socket, "over the socket"),
    ] {
        let answer = server.ask(from, "PUT /api/assignments", &[], assign).await;
        let by = answer.json()["hosts"][0]["assignment"]["by_text"].as_str().unwrap().to_owned();
        assert!(by.contains(who), "{by}");
    }
}

/// Only root can become somebody else for this; without root the socket's rule is tested where it stands.
#[tokio::test]
async fn other_users_of_the_machine_need_the_token_on_the_socket_too() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let server = Server::start().await;
    let path = server.socket.clone();
    let ask = move |headers: &[String]| {
        let mut stream = UnixStream::connect(&path).unwrap();
        stream.write_all(request(STATUS, headers, "").as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    };
    let (without, with) = tokio::task::spawn_blocking(move || {
        let nobody = std::thread::spawn(move || {
            // Of this thread only.
            rustix::thread::set_thread_uid(rustix::process::Uid::from_raw(65_534)).unwrap();
            (ask(&[]), ask(&[format!("Authorization: Bearer {TOKEN}")]))
        });
        nobody.join().unwrap()
    })
    .await
    .unwrap();
    assert!(without.starts_with("HTTP/1.1 401 ") && without.contains("token-needed"), "{without}");
    assert!(with.starts_with("HTTP/1.1 200 "), "{with}");
}

#[tokio::test]
async fn the_token_is_in_no_log() {
    let server = Server::start().await;
    assert_eq!(server.ask(From::Token(TOKEN), STATUS, &[], "").await.status, 200);
    assert_eq!(server.ask(From::Token(&format!("{TOKEN}x")), STATUS, &[], "").await.status, 401);
    let text = log::text();
    assert!(text.contains("refused"), "the log must have seen the calls: {text}");
    assert!(!text.contains(TOKEN));
}
