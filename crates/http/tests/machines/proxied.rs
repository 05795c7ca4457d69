//! Requests that a proxy brings: who asks is whom it asks for, and limits are that client's.

use std::sync::Arc;

use nextboot_http::Limits;

use crate::lab::Lab;

/// A lab in front of which the loopback is a proxy.
async fn behind_a_proxy(limits: Limits) -> Lab {
    let lab = Lab::new(limits).await;
    *lab.desk.proxies.lock().unwrap() = Arc::new(["127.0.0.1/32".parse().unwrap()]);
    lab
}

/// A request with these further lines.
fn request(path: &str, fields: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\n{fields}\r\n")
}

#[tokio::test]
async fn who_asks_is_whom_the_proxy_asks_for() {
    let lab = behind_a_proxy(Limits::default()).await;
    for (fields, who) in [
        ("", "127.0.0.1"),
        ("X-Forwarded-For: 10.0.0.8\r\n", "10.0.0.8"),
        ("Forwarded: for=10.0.0.8\r\n", "10.0.0.8"),
        ("X-Forwarded-For: 10.0.0.66, 10.0.0.8\r\n", "10.0.0.8"),
        ("X-Forwarded-For: 10.0.0.66\r\nX-FORWARDED-FOR: 10.0.0.8\r\n", "10.0.0.8"),
    ] {
        let answer = lab.ask(&request("/ipxe", fields)).await;
        assert_eq!(answer.text(), format!("#!ipxe\n# {who}\n"), "{fields}");
    }
    let long = format!("X-Forwarded-For: {}10.0.0.8\r\n", "10.0.0.66,".repeat(500));
    for fields in
        ["X-Forwarded-For: x\r\n", "Forwarded: for=10.0.0.66\r\nX-Forwarded-For: 10.0.0.8\r\n", &long]
    {
        assert_eq!(lab.ask(&request("/ipxe", fields)).await.status, 400, "{fields:.60}");
    }
    *lab.desk.proxies.lock().unwrap() = Arc::new([]);
    let answer = lab.ask(&request("/ipxe", "X-Forwarded-For: 10.0.0.8\r\nForwarded: for=x\r\n")).await;
    assert_eq!(answer.text(), "#!ipxe\n# 127.0.0.1\n", "nobody's word is taken now");
}

#[tokio::test]
async fn limits_are_the_clients_and_not_the_proxys() {
    let lab = behind_a_proxy(Limits { per_address: 1, ..Limits::default() }).await;
    let of = |client: &str, path: &str| request(path, &format!("X-Forwarded-For: 10.0.0.{client}\r\n"));
    // Takes nothing of what it asked for.
    let mut slow = lab.connect().await;
    slow.send(of("8", "/debian/pxelinux.cfg/large").as_bytes()).await;
    while lab.ask(&of("8", "/hello.txt")).await.status != 503 {}
    for (client, status) in [("9", 200), ("8", 503), ("10", 200)] {
        assert_eq!(lab.ask(&of(client, "/hello.txt")).await.status, status, "10.0.0.{client}");
    }
    drop(slow);
    while lab.ask(&of("8", "/hello.txt")).await.status != 200 {}
}
