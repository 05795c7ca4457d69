use std::time::Duration;

use nextboot_http::{Delivery, Limits};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::lab::Lab;

#[tokio::test]
async fn answers_that_have_begun_come_to_their_end() {
    let mut lab = Lab::new(Limits { grace: Duration::from_secs(3600), ..Limits::default() }).await;
    lab.add("initrd", 64 << 20);
    let mut idle = lab.connect().await;
    idle.send(b"GET /nothing HTTP/1.1\r\n\r\n").await;
    idle.answer(false).await.unwrap();
    let mut busy = lab.connect().await;
    busy.send(b"GET /initrd HTTP/1.1\r\n\r\n").await;
    busy.stream.read_exact(&mut [0; 4000]).await.unwrap();
    lab.stop.take();
    assert!(idle.rest().await.1.is_ok(), "idle connections end at once");
    let (bytes, end) = busy.rest().await;
    assert!(bytes + 4000 > 64 << 20 && end.is_ok());
    assert!(lab.report().await.is_whole());
    lab.server.await.unwrap();
    assert!(TcpStream::connect(lab.at).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn whoever_takes_too_long_is_cut_off() {
    let mut lab = Lab::new(Limits { grace: Duration::from_millis(10), ..Limits::default() }).await;
    lab.add("initrd", 64 << 20);
    let mut stuck = lab.connect().await;
    stuck.send(b"GET /initrd HTTP/1.0\r\n\r\n").await;
    stuck.stream.read_exact(&mut [0; 4000]).await.unwrap();
    lab.stop.take();
    assert_eq!(lab.report().await.delivery, Delivery::Cut("the server ended the connection".into()));
    assert!(stuck.rest().await.1.is_err(), "a reset, no proper end");
}
