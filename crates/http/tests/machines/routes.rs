use std::sync::atomic::Ordering;

use nextboot_http::Limits;

use crate::lab::Lab;

#[tokio::test]
async fn paths_lead_where_they_should() {
    let lab = Lab::new(Limits::default()).await;
    let token = "5a".repeat(30);
    let with_token = format!("/seed/{token}/meta-data");
    for (path, status, text) in [
        ("/ipxe", 200, "#!ipxe\n# 127.0.0.1\n"),
        ("/ipxe/", 200, "#!ipxe\n# 127.0.0.1\n"),
        ("/ipxe/52%3A54%3A00%3Aaa%3Abb%3A0C.ipxe?x", 200, "#!ipxe\n# 52:54:00:aa:bb:0c\n"),
        (&with_token, 200, &format!("meta-data for Some({token:?})")),
        ("/seed/debian.seed", 200, "debian.seed for None"),
        ("/debian/linux", 200, "kernel"),
        ("//debian//linux", 200, "kernel"),
        ("/debian/./linux", 200, "kernel"),
        ("/debian%2flinux", 200, "kernel"),
        ("/debian/x/../linux", 200, "kernel"),
        ("http://elsewhere/debian/linux", 200, "kernel"),
        ("/debian%5clinux", 200, "kernel"),
    ] {
        let answer = lab.get(path).await;
        assert_eq!((answer.status, answer.text()), (status, text), "{path}");
    }
    for (path, status) in [
        ("/", 404),
        ("/debian", 404),
        ("/debian/", 404),
        ("/nothing", 404),
        ("/%2e%2e/%2e%2e/etc/passwd", 404),
        ("/..%2f..%2fetc%2fpasswd", 404),
        ("/%252e%252e/etc/passwd", 404),
        ("/../../../etc/passwd", 404),
        ("//etc/passwd", 404),
        ("/hello.txt%00", 400),
        ("/%00", 400),
        ("/%ff%fe", 400),
        ("/a%0d%0aX-Header:%20y", 400),
        ("/%", 404),
        ("/seed/", 404),
        ("/done/", 404),
    ] {
        let answer = lab.get(path).await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.header("location"), "", "{path}");
        assert_eq!(answer.text().lines().count(), 1, "one line for people: {path}");
    }
}

#[tokio::test]
async fn refusals_become_statuses_with_one_line() {
    let lab = Lab::new(Limits::default()).await;
    for (why, status) in
        [("not-found", 404), ("forbidden", 403), ("gone", 410), ("template", 500), ("unavailable", 503)]
    {
        let answer = lab.get(&format!("/refuse/{why}")).await;
        assert_eq!((answer.status, answer.text()), (status, "a.seed, line 3: there is no \"x\"\n"));
        assert_eq!(answer.header("retry-after"), if status == 503 { "5" } else { "" });
    }
}

#[tokio::test]
async fn call_backs_work_with_every_method_but_head() {
    let lab = Lab::new(Limits::default()).await;
    for (request, status, calls) in [
        ("HEAD /done/x HTTP/1.1\r\n\r\n", 200, 0),
        ("GET /done/x HTTP/1.1\r\n\r\n", 200, 1),
        ("POST /done/x HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 200, 2),
        ("PUT /done/x/ HTTP/1.1\r\nContent-Length: 3\r\n\r\nyes", 200, 3),
        ("PUT /done/x HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 30000\r\n\r\n", 200, 4),
        ("POST /done/x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nyes\r\n0\r\n\r\n", 200, 5),
        ("DELETE /done/x HTTP/1.1\r\n\r\n", 405, 5),
    ] {
        let answer = lab.ask(request).await;
        assert_eq!((answer.status, lab.desk.calls.load(Ordering::SeqCst)), (status, calls), "{request}");
    }
    assert_eq!(lab.get("/done/x").await.text(), "thank you, x\n");
}

#[tokio::test]
async fn other_methods_are_told_what_works() {
    let lab = Lab::new(Limits::default()).await;
    for request in ["POST /hello.txt", "PUT /ipxe", "DELETE /seed/x", "OPTIONS *", "PATCH /", "CONNECT a:1"] {
        let answer = lab.ask(&format!("{request} HTTP/1.1\r\nHost: x\r\n\r\n")).await;
        assert_eq!((answer.status, answer.header("allow")), (405, "GET, HEAD"), "{request}");
    }
    let done = lab.ask("DELETE /done/x HTTP/1.1\r\n\r\n").await;
    assert_eq!(done.header("allow"), "GET, HEAD, POST, PUT");
}

/// The request is what lpxelinux.0 6.04 sends.
#[tokio::test]
async fn pxelinux_reads_to_the_end_of_the_connection() {
    let lab = Lab::new(Limits::default()).await;
    let mut client = lab.connect().await;
    client
        .send(
            b"GET /web//debian/pxelinux.cfg/default HTTP/1.0\r\nHost: 127.0.0.1\r\n\
              User-Agent: Syslinux/6.04\r\nConnection: close\r\n\
              Cookie: _Syslinux_ip=10.0.0.5:10.0.0.1:10.0.0.1:255.255.255.0; \
              _Syslinux_BOOTIF=01-52-54-00-aa-bb-0c; _Syslinux_SYSUUID=x\r\n\r\n",
        )
        .await;
    let answer = client.answer(false).await.unwrap();
    assert_eq!((answer.version.as_str(), answer.status), ("HTTP/1.0", 200));
    assert_eq!(answer.text(), "# Some(52:54:00:aa:bb:0c) at 127.0.0.1\n");
    let (more, end) = client.rest().await;
    assert!(more == 0 && end.is_ok());
}

#[tokio::test]
async fn connections_stay_open_for_more_requests() {
    let lab = Lab::new(Limits::default()).await;
    let mut client = lab.connect().await;
    for _ in 0..3 {
        client.send(b"GET /nothing HTTP/1.1\r\n\r\n").await;
        assert_eq!(client.answer(false).await.unwrap().status, 404);
    }
    client.send(b"GET /hello.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").await;
    assert_eq!(client.answer(false).await.unwrap().status, 200);
    client.send(b"GET /hello.txt HTTP/1.1\r\nConnection: close\r\n\r\n").await;
    assert_eq!(client.answer(false).await.unwrap().status, 200);
    assert!(client.rest().await.1.is_ok());
}

#[tokio::test]
async fn requests_behind_each_other_are_answered_in_order() {
    let lab = Lab::new(Limits::default()).await;
    let mut client = lab.connect().await;
    let requests: String =
        (0..40).map(|at| format!("GET /seed/{at} HTTP/1.1\r\n\r\nHEAD /empty HTTP/1.1\r\n\r\n")).collect();
    client.send(requests.as_bytes()).await;
    for at in 0..40 {
        assert_eq!(client.answer(false).await.unwrap().text(), format!("{at} for None"));
        assert_eq!(client.answer(true).await.unwrap().status, 200);
    }
}

/// `nc -N` and busybox close their sending side behind the request.
#[tokio::test]
async fn a_client_that_has_said_all_still_gets_its_answer() {
    let lab = Lab::new(Limits::default()).await;
    lab.add("initrd", 20 << 20);
    let mut client = lab.connect().await;
    client.send(b"GET /initrd HTTP/1.1\r\n\r\n").await;
    tokio::io::AsyncWriteExt::shutdown(&mut client.stream).await.unwrap();
    let (bytes, end) = client.rest().await;
    assert!(bytes > 20 << 20 && end.is_ok());
}

#[tokio::test]
async fn a_machine_is_told_what_it_boots_and_says_what_it_wants_to() {
    let lab = Lab::new(Limits::default()).await;
    for (path, text) in [
        ("/profile", "profile of None"),
        ("/profile/", "profile of None"),
        ("/profile/525400AABB0C/", "profile of Some(52:54:00:aa:bb:0c)"),
        ("/localboot", "Itself None None"),
        ("/localboot/", "Itself None None"),
        ("/localboot/52-54-00-aa-bb-0c", "Machine(52:54:00:aa:bb:0c) None None"),
        ("/nextboot/n1/inst", "Named(\"n1\") Some(\"inst\") None"),
        ("/nextboot/n1/inst/", "Named(\"n1\") Some(\"inst\") None"),
        ("/inst/", "Itself Some(\"inst\") None"),
    ] {
        let answer = lab.get(path).await;
        assert_eq!((answer.status, answer.text()), (200, text), "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
    }
    let calls = || lab.desk.calls.load(Ordering::SeqCst);
    let before = calls();
    for (path, status) in
        [("/localboot/", 200), ("/nextboot/n1/inst", 200), ("/profile/", 200), ("/inst/", 404)]
    {
        assert_eq!(lab.ask(&format!("HEAD {path} HTTP/1.1\r\n\r\n")).await.status, status, "{path}");
    }
    assert_eq!(calls(), before, "HEAD changes nothing");
    for path in ["/nothing/", "/inst", "/debian/"] {
        assert_eq!(lab.get(path).await.status, 404, "{path}");
    }
    assert_eq!(calls(), before, "a name is no wish");
}
