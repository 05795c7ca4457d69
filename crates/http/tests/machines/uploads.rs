//! Logs that machines send, and what else may come instead of one.

use std::time::Duration;

use nextboot_http::Limits;
use tokio::io::AsyncWriteExt as _;

use crate::lab::{Answer, Lab};

fn form(content: &str) -> String {
    format!(
        "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"../../etc/passwd\"\r\n\r\n{content}\r\n--XX--\r\n"
    )
}

fn head(path: &str, more: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=XX\r\n{more}\r\n")
}

fn request(path: &str, body: &str) -> String {
    format!("{}{body}", head(path, &format!("Content-Length: {}\r\n", body.len())))
}

async fn ask(lab: &Lab, request: &str) -> (u16, String) {
    let Answer { status, body, .. } = lab.ask(request).await;
    (status, String::from_utf8(body).unwrap())
}

fn small() -> Limits {
    Limits { upload: 1000, header_time: Duration::from_millis(300), ..Limits::default() }
}

#[tokio::test]
async fn a_log_comes_to_the_desk_to_the_byte_and_the_connection_goes_on() {
    let lab = Lab::new(small()).await;
    let mut client = lab.connect().await;
    for path in ["/upload/", "/upload", "/upload/7", "/upload/7/"] {
        let run = if path.contains('7') { "Some(7)" } else { "None" };
        client.send(request(path, &form("E: a\r\n--X")).as_bytes()).await;
        let answer = client.answer(false).await.unwrap();
        assert_eq!((answer.status, answer.body), (200, format!("{run}: E: a\r\n--X").into_bytes()));
    }
    let body = form("abc");
    let (first, rest) = body.split_at(30);
    let chunks = format!("{:x}\r\n{first}\r\n{:X}\r\n{rest}\r\n0\r\n\r\n", first.len(), rest.len());
    let chunked = format!(
        "{}{chunks}GET /hello.txt HTTP/1.1\r\n\r\n",
        head("/upload/", "Transfer-Encoding: chunked\r\n")
    );
    client.send(chunked.as_bytes()).await;
    assert_eq!(client.answer(false).await.unwrap().body, b"None: abc");
    assert_eq!(
        client.answer(false).await.unwrap().body,
        b"Hello, world\n",
        "what follows is the next request"
    );
}

#[tokio::test]
async fn who_waits_to_be_told_is_told_to_go_on_or_not_to() {
    let lab = Lab::new(small()).await;
    let mut client = lab.connect().await;
    let body = form("abc");
    let waits = format!("Expect: 100-continue\r\nContent-Length: {}\r\n", body.len());
    client.send(head("/upload/", &waits).as_bytes()).await;
    assert_eq!(client.answer(true).await.unwrap().status, 100);
    client.send(body.as_bytes()).await;
    assert_eq!(client.answer(false).await.unwrap().status, 200);
    let large = "Expect: 100-continue\r\nContent-Length: 10737418240\r\n";
    assert_eq!(ask(&lab, &head("/upload/", large)).await.0, 413, "10 GB are refused before they come");
    assert_eq!(ask(&lab, &head("/upload/404/", &waits)).await.0, 404);
}

#[tokio::test]
async fn what_is_no_log_is_refused_and_nothing_is_kept() {
    let lab = Lab::new(small()).await;
    let without = "--XX\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\nabc\r\n--XX--\r\n";
    let many = format!("{}--XX--", "--XX\r\n\r\n\r\n".repeat(50));
    let other = form("abc").replace("XX", "YY");
    for (body, status, says) in [
        (without, 400, "no file"),
        (&many, 400, "too many parts"),
        (&other, 400, "not at its end"),
        ("", 400, "not at its end"),
        (&form("abc")[..50], 400, "not at its end"),
        (&form(&"x".repeat(1001)), 413, "1000 bytes"),
        (&form(&"x".repeat(300_000)), 413, "1000 bytes"),
    ] {
        let (found, text) = ask(&lab, &request("/upload/", body)).await;
        assert!(found == status && text.contains(says), "{says}: {found} {text}");
    }
    for more in [
        "",
        "Content-Length: x\r\n",
        "Content-Length: 3\r\nContent-Length: 3\r\n",
        "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: gzip\r\n",
    ] {
        assert_eq!(ask(&lab, &format!("{}abc", head("/upload/", more))).await.0, 400, "{more:?}");
    }
    let chunks = "Transfer-Encoding: chunked\r\n";
    assert_eq!(ask(&lab, &format!("{}zz\r\nabc", head("/upload/", chunks))).await.0, 400);
    let plain = "POST /upload/ HTTP/1.1\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nabc";
    assert_eq!(ask(&lab, plain).await.0, 400);
    assert_eq!(lab.desk.logs.lock().unwrap().len(), 0);
    lab.serves().await;
}

#[tokio::test]
async fn who_sends_slowly_or_without_end_is_cut_off() {
    let lab = Lab::new(small()).await;
    let mut slow = lab.connect().await;
    slow.send(head("/upload/", "Content-Length: 500\r\n").as_bytes()).await;
    slow.send(b"--XX\r\n").await;
    assert_eq!(slow.answer(false).await.unwrap().status, 408);
    let mut endless = lab.connect().await;
    endless.send(head("/upload/", "Transfer-Encoding: chunked\r\n").as_bytes()).await;
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    for _ in 0..100 {
        if endless.stream.write_all(chunk.as_bytes()).await.is_err() {
            break;
        }
    }
    let answer = endless.answer(false).await;
    assert!(answer.is_none_or(|answer| answer.status == 413), "it is told, or cut off");
    let mut gone = lab.connect().await;
    gone.send(head("/upload/", "Content-Length: 500\r\n").as_bytes()).await;
    drop(gone);
    lab.serves().await;
    assert_eq!(lab.desk.logs.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn to_look_takes_no_test() {
    let lab = Lab::new(Limits::default()).await;
    let head = lab.ask("HEAD /nexttest/ HTTP/1.1\r\n\r\n").await;
    assert_eq!((head.status, lab.desk.tests.load(std::sync::atomic::Ordering::SeqCst)), (200, 0));
    assert_eq!(lab.get("/nexttest/").await.body, b"test 0");
    assert_eq!(lab.get("/nexttest/52-54-00-aa-bb-0c/").await.body, b"test 1");
    assert_eq!(lab.get("/script/cpu/").await.body, b"cpu");
    assert_eq!(
        lab.get("/script/hello.txt").await.status,
        404,
        "that is no test, and the tree has no such file"
    );
    assert_eq!(lab.get("/upload/").await.status, 404);
    assert_eq!(lab.ask("DELETE /upload/ HTTP/1.1\r\n\r\n").await.status, 405);
    assert_eq!(lab.ask("POST /nexttest/ HTTP/1.1\r\n\r\n").await.status, 405);
}
