//! Alone in its process, since it looks at what the process uses.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nextboot_files::{Content, Layout, Name, Roots};
use nextboot_http::{Asker, Desk, Found, Limits, Refusal, Sent, serve};
use nextboot_model::Mac;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

const LEN: u64 = 100_000_000;
const CLIENTS: usize = 100;
const CHUNK: usize = 1024 * 1024;

struct OneFile {
    content: Content,
    whole: AtomicUsize,
}

impl Desk for OneFile {
    async fn open(&self, _: &Asker, _: &str) -> Result<Found, Refusal> {
        Ok(Found::file(self.content.clone()))
    }
    async fn script(&self, _: &Asker, _: Option<Mac>) -> Result<Found, Refusal> {
        Err(Refusal::not_found(""))
    }
    async fn seed(&self, _: &Asker, _: Option<&str>, _: &str) -> Result<Found, Refusal> {
        Err(Refusal::not_found(""))
    }
    async fn call_back(&self, _: &Asker, _: &str) -> Result<String, Refusal> {
        Err(Refusal::not_found(""))
    }
    fn sent(&self, _: &Asker, sent: Sent) {
        self.whole.fetch_add(usize::from(sent.is_whole()), Ordering::SeqCst);
    }
}

/// The most memory that this process has had, KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn clients_that_read_nothing_share_a_bounded_memory() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::File::create(dir.path().join("image.iso")).unwrap().set_len(LEN).unwrap();
    let roots = Roots::open(&Layout::new(dir.path())).unwrap();
    let content = roots.get(&Name::parse("image.iso").unwrap()).unwrap();
    let desk = Arc::new(OneFile { content, whole: AtomicUsize::new(0) });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let limits = Limits { chunk: CHUNK, memory: 4 * CHUNK, ..Limits::default() };
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(serve(vec![listener], Arc::clone(&desk), limits, async {
        let _ = stopped.await;
    }));
    let before = peak();
    let mut silent = Vec::new();
    for _ in 0..CLIENTS {
        let mut stream = TcpStream::connect(at).await.unwrap();
        stream.write_all(b"GET /image.iso HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        // The answer begins, so its first chunk is in memory.
        stream.readable().await.unwrap();
        silent.push(stream);
    }
    let grown = peak() - before;
    assert!(grown < 24 * 1024, "{CLIENTS} silent clients took {grown} KiB");
    drop((stop, silent));
    server.await.unwrap();
    assert_eq!(desk.whole.load(Ordering::SeqCst), 0);
}
