use std::io::Write as _;
use std::time::{Duration, SystemTime};

use nextboot_files::Name;
use nextboot_http::{Delivery, Limits, Sent, What};
use tokio::io::AsyncReadExt;

use crate::lab::{CHANGED, LARGE, Lab};

#[tokio::test]
async fn a_whole_file_is_reported_whole() {
    let mut lab = Lab::new(Limits::default()).await;
    lab.serves().await;
    let report = lab.report().await;
    assert!(report.is_whole());
    let expected = Sent {
        name: "/hello.txt".into(),
        what: What::File,
        ticket: report.ticket.clone(),
        start: 0,
        end: 13,
        of: 13,
        millis: report.millis,
        delivery: Delivery::Complete,
    };
    assert_eq!(report, expected);
    assert_eq!(
        report.ticket.get::<Name>().map(Name::as_str),
        Some("hello.txt"),
        "the desk gets its own back"
    );
    for (path, what, of) in
        [("/empty", What::File, 0), ("/ipxe", What::Script, 19), ("/seed/x", What::Seed, 10)]
    {
        lab.get(path).await;
        let report = lab.report().await;
        assert!(report.is_whole(), "{report:?}");
        assert_eq!((report.what, report.of), (what, of));
    }
    assert_eq!(lab.get("/seed/x").await.text(), "x for None");
    assert_eq!(lab.report().await.name, "x");
}

#[tokio::test]
async fn a_part_is_complete_but_not_whole() {
    let mut lab = Lab::new(Limits::default()).await;
    lab.ask("GET /hello.txt HTTP/1.1\r\nRange: bytes=2-4\r\n\r\n").await;
    let report = lab.report().await;
    assert_eq!((report.start, report.end, report.of), (2, 5, 13));
    assert!(report.is_complete() && !report.is_whole());
}

#[tokio::test]
async fn a_look_is_no_delivery() {
    let mut lab = Lab::new(Limits::default()).await;
    lab.ask("HEAD /hello.txt HTTP/1.1\r\n\r\n").await;
    let report = lab.report().await;
    assert_eq!((report.delivery, report.end, report.of), (Delivery::Probed, 0, 13));
    lab.ask("GET /hello.txt HTTP/1.1\r\nIf-None-Match: *\r\n\r\n").await;
    assert_eq!(lab.report().await.delivery, Delivery::Probed);
}

#[tokio::test]
async fn a_client_that_goes_away_is_reported() {
    let mut lab = Lab::new(Limits::default()).await;
    lab.add("initrd", LARGE);
    let mut client = lab.connect().await;
    client.send(b"GET /initrd HTTP/1.1\r\n\r\n").await;
    client.stream.read_exact(&mut [0; 4000]).await.unwrap();
    drop(client);
    let report = lab.report().await;
    assert_eq!(report.delivery, Delivery::Cut("the client closed the connection".into()));
    assert!(report.end < LARGE);
}

/// What is in memory could be called sent when the kernel has seen only the beginning of it.
#[tokio::test]
async fn a_text_that_is_not_read_to_its_end_was_not_all_sent() {
    let mut lab = Lab::new(Limits::default()).await;
    let mut client = lab.connect().await;
    client.send(b"GET /pxelinux.cfg/large HTTP/1.1\r\n\r\n").await;
    client.stream.read_exact(&mut [0; 4000]).await.unwrap();
    drop(client);
    let report = lab.report().await;
    assert_eq!(report.delivery, Delivery::Cut("the client closed the connection".into()));
    assert!(report.end < LARGE, "{report:?}");
}

/// A kernel takes a megabyte and more before the client has any of it.
#[tokio::test]
async fn what_was_not_acknowledged_is_not_complete() {
    let mut lab = Lab::new(Limits::default()).await;
    let few = |lab: &Lab, bytes| *lab.desk.unacknowledged.lock().unwrap() = Some(bytes);
    few(&lab, 5);
    let mut client = lab.connect().await;
    client.send(b"GET /hello.txt HTTP/1.1\r\n\r\n").await;
    client.answer(false).await.unwrap();
    client.stream.set_zero_linger().unwrap();
    drop(client);
    assert_eq!(lab.report().await.delivery, left("the client closed the connection"));

    // UEFI firmware resets the connection when it has everything.
    few(&lab, 0);
    let mut client = lab.connect().await;
    client.send(b"GET /hello.txt HTTP/1.1\r\n\r\n").await;
    client.answer(false).await.unwrap();
    client.stream.set_zero_linger().unwrap();
    drop(client);
    assert_eq!(lab.report().await.delivery, Delivery::Complete);

    // The acknowledgement comes later, on a connection that stays open and on one that is closed.
    for connection in ["keep-alive", "close"] {
        few(&lab, 5);
        let mut client = lab.connect().await;
        client.send(format!("GET /hello.txt HTTP/1.1\r\nConnection: {connection}\r\n\r\n").as_bytes()).await;
        client.answer(false).await.unwrap();
        assert!(lab.reports.try_recv().is_err());
        few(&lab, 0);
        assert_eq!(lab.report().await.delivery, Delivery::Complete, "{connection}");
    }
}

#[tokio::test]
async fn an_acknowledgement_that_never_comes_is_not_waited_for_for_ever() {
    let soon = Duration::from_millis(50);
    let mut lab = Lab::new(Limits { write_idle: soon, settle: soon, ..Limits::default() }).await;
    *lab.desk.unacknowledged.lock().unwrap() = Some(5);
    for connection in ["keep-alive", "close"] {
        let mut client = lab.connect().await;
        client.send(format!("GET /hello.txt HTTP/1.1\r\nConnection: {connection}\r\n\r\n").as_bytes()).await;
        client.answer(false).await.unwrap();
        let cut = left("the client was silent for too long");
        assert_eq!(lab.report().await.delivery, cut, "{connection}");
    }
}

#[tokio::test]
async fn without_acknowledgements_a_silent_or_talking_client_counts() {
    let soon = Duration::from_millis(50);
    let mut lab = Lab::new(Limits { settle: soon, ..Limits::default() }).await;
    *lab.desk.unacknowledged.lock().unwrap() = None;
    for connection in ["keep-alive", "close"] {
        let mut client = lab.connect().await;
        client.send(format!("GET /hello.txt HTTP/1.1\r\nConnection: {connection}\r\n\r\n").as_bytes()).await;
        client.answer(false).await.unwrap();
        assert_eq!(lab.report().await.delivery, Delivery::Complete, "{connection}");
    }
    let mut lab = Lab::new(Limits { settle: Duration::from_secs(3600), ..Limits::default() }).await;
    *lab.desk.unacknowledged.lock().unwrap() = None;
    let mut client = lab.connect().await;
    for _ in 0..2 {
        client.send(b"GET /hello.txt HTTP/1.1\r\n\r\n").await;
        client.answer(false).await.unwrap();
    }
    assert_eq!(lab.report().await.delivery, Delivery::Complete, "it asked for more");
    client.stream.set_zero_linger().unwrap();
    drop(client);
    assert_eq!(lab.report().await.delivery, left("the client closed the connection"));
}

/// iPXE acknowledges when it is called, and nobody calls it once the system that it read from an image has a driver of its own.
#[tokio::test]
async fn a_machine_that_goes_on_with_what_it_read_leaves_a_part_that_was_sent() {
    let mut lab = Lab::new(Limits::default()).await;
    *lab.desk.unacknowledged.lock().unwrap() = Some(3);
    let mut client = lab.connect().await;
    client.send(b"GET /hello.txt HTTP/1.1\r\nRange: bytes=2-4\r\n\r\n").await;
    client.answer(false).await.unwrap();
    client.stream.set_zero_linger().unwrap();
    drop(client);
    let report = lab.report().await;
    assert_eq!(report.delivery, left("the client closed the connection"));
    assert!(!report.spans_all() && !report.is_complete(), "{report:?}");

    lab.add("initrd", LARGE);
    let mut client = lab.connect().await;
    client.send(b"GET /initrd HTTP/1.1\r\nRange: bytes=2-60000000\r\n\r\n").await;
    client.stream.read_exact(&mut [0; 4000]).await.unwrap();
    drop(client);
    let report = lab.report().await;
    assert_eq!(report.delivery, Delivery::Cut("the client closed the connection".into()));
}

/// Ended, when nothing was left to be sent.
fn left(reason: &str) -> Delivery {
    Delivery::Unacknowledged(reason.into())
}

#[tokio::test]
async fn a_file_that_changes_breaks_the_connection() {
    for version in ["1.0", "1.1"] {
        for shrinks in [true, false] {
            let mut lab = Lab::new(Limits::default()).await;
            let file = lab.add("initrd", LARGE);
            let mut client = lab.connect().await;
            client.send(format!("GET /initrd HTTP/{version}\r\n\r\n").as_bytes()).await;
            client.stream.read_exact(&mut [0; 4000]).await.unwrap();
            if shrinks {
                file.set_len(LARGE / 4).unwrap();
            } else {
                file.set_len(LARGE + 1).unwrap();
            }
            let (bytes, end) = client.rest().await;
            assert!(end.is_err() && bytes < LARGE, "a proper end would say that this is all: {version}");
            let report = lab.report().await;
            assert_eq!(
                report.delivery,
                Delivery::Cut("the file was changed while it was being read".into()),
                "{version}"
            );
            lab.serves().await;
        }
    }
}

/// What the kernel sends without a copy is read when it leaves, or leaves again: a change that comes before the client has it
/// must not become a delivery.
#[tokio::test]
async fn a_file_that_changes_before_it_has_arrived_is_cut() {
    const LEN: u64 = 200_000;
    for changes in [true, false] {
        let mut lab = Lab::new(Limits::default()).await;
        let mut file = lab.add("initrd", LEN);
        file.set_modified(SystemTime::UNIX_EPOCH + CHANGED).unwrap();
        *lab.desk.unacknowledged.lock().unwrap() = Some(1_000_000);
        let mut client = lab.connect().await;
        client.send(b"GET /initrd HTTP/1.1\r\nConnection: close\r\n\r\n").await;
        // All but what is held back is on its way, as far as the server knows.
        let mut begun = vec![0; 180_000];
        client.stream.read_exact(&mut begun).await.unwrap();
        if changes {
            file.write_all(b"another version").unwrap();
        }
        *lab.desk.unacknowledged.lock().unwrap() = Some(0);
        let (rest, end) = client.rest().await;
        let report = lab.report().await;
        if changes {
            assert!(rest + 180_000 < LEN && end.is_err(), "{rest} more bytes came");
            assert_eq!(report.delivery, Delivery::Cut("the file was changed while it was being read".into()));
        } else {
            assert!(rest + 180_000 > LEN && end.is_ok(), "{rest} more bytes came");
            assert!(report.is_whole(), "{report:?}");
        }
    }
}
