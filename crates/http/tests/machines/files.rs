use nextboot_http::Limits;

use crate::lab::Lab;

const AT: &str = "Fri, 01 Jan 2021 00:00:00 GMT";
const BEFORE: &str = "Thu, 31 Dec 2020 00:00:00 GMT";

#[tokio::test]
async fn every_rule_of_validators_and_ranges() {
    let lab = Lab::new(Limits::default()).await;
    let whole = lab.get("/hello.txt").await;
    let etag = whole.header("etag").to_owned();
    assert!(etag.starts_with('"') && etag.ends_with('"'), "strong: {etag}");
    let (same, other) = (format!("If-None-Match: {etag}"), "If-None-Match: \"x\"".to_owned());
    let since = format!("If-Modified-Since: {AT}");
    let range = |range: &str| format!("Range: bytes={range}");
    let if_range = |validator: &str| format!("Range: bytes=0-1\r\nIf-Range: {validator}");
    for (fields, status, body, content_range) in [
        (String::new(), 200, "Hello, world\n", ""),
        (same.clone(), 304, "", ""),
        (other.clone(), 200, "Hello, world\n", ""),
        (since.clone(), 304, "", ""),
        (format!("If-Modified-Since: {BEFORE}"), 200, "Hello, world\n", ""),
        (format!("{other}\r\n{since}"), 200, "Hello, world\n", ""),
        (format!("If-Match: {etag}"), 200, "Hello, world\n", ""),
        ("If-Match: \"x\"".into(), 412, "the file is another one by now\n", ""),
        (format!("If-Unmodified-Since: {BEFORE}"), 412, "the file is another one by now\n", ""),
        (range("0-4"), 206, "Hello", "bytes 0-4/13"),
        (range("7-"), 206, "world\n", "bytes 7-12/13"),
        (range("-6"), 206, "world\n", "bytes 7-12/13"),
        (range("0-"), 206, "Hello, world\n", "bytes 0-12/13"),
        (range("7-999"), 206, "world\n", "bytes 7-12/13"),
        (range("13-"), 416, "the file has 13 bytes\n", "bytes */13"),
        (range("-0"), 416, "the file has 13 bytes\n", "bytes */13"),
        (range("0-0,2-3"), 200, "Hello, world\n", ""),
        (range("0-0\r\nRange: bytes=2-3"), 200, "Hello, world\n", ""),
        (range("4-2"), 200, "Hello, world\n", ""),
        ("Range: lines=0-1".into(), 200, "Hello, world\n", ""),
        (if_range(&etag), 206, "He", "bytes 0-1/13"),
        (if_range("\"x\""), 200, "Hello, world\n", ""),
        (if_range(&format!("W/{etag}")), 200, "Hello, world\n", ""),
        (if_range(AT), 206, "He", "bytes 0-1/13"),
        (if_range(BEFORE), 200, "Hello, world\n", ""),
        (format!("{}\r\n{same}", range("0-4")), 304, "", ""),
    ] {
        let fields = if fields.is_empty() { fields } else { fields + "\r\n" };
        let answer = lab.ask(&format!("GET /hello.txt HTTP/1.1\r\nHost: x\r\n{fields}\r\n")).await;
        assert_eq!((answer.status, answer.text()), (status, body), "{fields}");
        assert_eq!(answer.header("content-range"), content_range, "{fields}");
        if matches!(status, 200 | 206 | 304) {
            assert_eq!(answer.header("etag"), etag, "{fields}");
            assert_eq!(answer.header("last-modified"), AT, "{fields}");
            assert_eq!(answer.header("accept-ranges"), "bytes", "{fields}");
            assert_eq!(answer.header("cache-control"), "max-age=5, must-revalidate", "{fields}");
        }
        if status != 304 {
            assert_eq!(answer.header("content-length"), body.len().to_string(), "{fields}");
        }
    }
    assert_eq!(lab.ask("GET /empty HTTP/1.1\r\nRange: bytes=0-\r\n\r\n").await.status, 416);
    let empty = lab.get("/empty").await;
    assert_eq!((empty.status, empty.header("content-length"), empty.text()), (200, "0", ""));
}

#[tokio::test]
async fn head_has_the_headers_of_get() {
    let lab = Lab::new(Limits::default()).await;
    for path in ["/hello.txt", "/empty", "/debian/pxelinux.cfg/default", "/ipxe", "/seed/x", "/nothing"] {
        let mut get = lab.get(path).await;
        let mut head = lab.ask(&format!("HEAD {path} HTTP/1.1\r\n\r\n")).await;
        get.headers.remove("date");
        head.headers.remove("date");
        assert_eq!((get.status, &get.headers), (head.status, &head.headers), "{path}");
    }
    let ranged = lab.ask("HEAD /hello.txt HTTP/1.1\r\nRange: bytes=0-1\r\n\r\n").await;
    assert_eq!((ranged.status, ranged.header("content-length")), (200, "13"), "HEAD has no ranges");
}

#[tokio::test]
async fn uefi_gets_the_type_it_takes() {
    let lab = Lab::new(Limits::default()).await;
    let answer = lab.get("/a%20b.efi?x=/y").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/efi"));
    assert_eq!(lab.get("/hello.txt").await.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(lab.get("/debian/linux").await.header("content-type"), "application/octet-stream");
}

#[tokio::test]
async fn what_is_decided_is_not_to_be_kept() {
    let lab = Lab::new(Limits::default()).await;
    for path in ["/debian/pxelinux.cfg/default", "/ipxe", "/seed/x", "/done/x", "/nothing"] {
        let answer = lab.ask(&format!("GET {path} HTTP/1.1\r\nRange: bytes=0-1\r\n\r\n")).await;
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert_eq!(answer.header("accept-ranges"), "", "{path}");
        assert_ne!(answer.status, 206, "{path}");
    }
}

#[tokio::test]
async fn a_large_file_comes_whole_and_in_order() {
    let lab = Lab::new(Limits { chunk: 100_000, ..Limits::default() }).await;
    let content: Vec<u8> = (0..300_001u32).map(|at| (at * 7 % 251) as u8).collect();
    std::io::Write::write_all(&mut lab.add("initrd", 0), &content).unwrap();
    assert!(lab.get("/initrd").await.body == content);
    for (first, last) in [
        (777, 299_999),
        // Around what is copied in one go, and what goes without a copy.
        (0, 16_383),
        (1, 16_385),
        (300, 300 + 65_535),
        (300, 300 + 65_536),
        (4097, 4097 + 65_537),
        (300_000, 300_000),
    ] {
        let request = format!("GET /initrd HTTP/1.1\r\nRange: bytes={first}-{last}\r\n\r\n");
        assert!(lab.ask(&request).await.body == content[first..=last], "{first}-{last}");
    }
}
