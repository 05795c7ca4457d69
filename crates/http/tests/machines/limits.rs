use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use nextboot_http::Limits;

use crate::lab::Lab;

#[tokio::test]
async fn a_client_is_not_served_faster_than_it_may_be() {
    let rate = NonZeroU64::new(2_000_000);
    let lab = Lab::new(Limits { rate, ..Limits::default() }).await;
    lab.add("initrd", 3_000_000);
    let began = Instant::now();
    assert_eq!(lab.get("/initrd").await.body.len(), 3_000_000);
    // 1.5 s, but for what may leave at once.
    assert!(began.elapsed() > Duration::from_secs(1), "{:?}", began.elapsed());
}

#[tokio::test]
async fn what_was_served_is_counted() {
    let lab = Lab::new(Limits { per_address: 2, ..Limits::default() }).await;
    let mut client = lab.connect().await;
    for path in ["/hello.txt", "/nothing", "/hello.txt", "/debian"] {
        client.send(format!("GET {path} HTTP/1.1\r\n\r\n").as_bytes()).await;
        client.answer(false).await.unwrap();
    }
    let answers = |status| lab.counters.answers().find(|(code, _)| *code == status).map(|(_, count)| count);
    assert_eq!((answers(200), answers(404), answers(206)), (Some(2), Some(2), Some(0)));
    assert!(lab.counters.bytes() > 26, "{}", lab.counters.bytes());
    assert_eq!((lab.counters.connections(), lab.counters.open(), lab.counters.refused()), (1, 1, 0));
    let mut other = lab.connect().await;
    other.send(b"GET /hello.txt HTTP/1.1\r\n\r\n").await;
    other.answer(false).await.unwrap();
    assert_eq!(lab.connect().await.answer(false).await.unwrap().status, 503);
    assert_eq!((lab.counters.connections(), lab.counters.open(), lab.counters.refused()), (2, 2, 1));
}

/// Seats that idle connections hold are lost to whoever waits for one.
#[tokio::test]
async fn connections_do_not_stay_open_when_seats_are_rare() {
    let lab = Lab::new(Limits { connections: 4, ..Limits::default() }).await;
    let mut idle = Vec::new();
    for at in 0..4 {
        let mut client = lab.connect().await;
        client.send(b"GET /hello.txt HTTP/1.1\r\n\r\n").await;
        let answer = client.answer(false).await.unwrap();
        assert_eq!(answer.header("connection"), if at < 3 { "" } else { "close" }, "{at}");
        idle.push(client);
    }
}
