//! Alone in its process, since it looks at what the process uses.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod one_file;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nextboot_files::{Layout, Name, Roots};
use nextboot_http::{Limits, serve};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use one_file::{OneFile, peak};

const LEN: u64 = 100_000_000;
const CLIENTS: usize = 100;
const CHUNK: usize = 1024 * 1024;

#[tokio::test]
async fn clients_that_read_nothing_share_a_bounded_memory() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::File::create(dir.path().join("image.iso")).unwrap().set_len(LEN).unwrap();
    let roots = Roots::open(&Layout::new(dir.path())).unwrap();
    let content = roots.get(&Name::parse("image.iso").unwrap()).unwrap();
    let desk = Arc::new(OneFile { content, whole: AtomicUsize::new(0) });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let limits = Limits { chunk: CHUNK, ..Limits::default() };
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(serve(vec![listener], Arc::clone(&desk), limits, Arc::default(), async {
        let _ = stopped.await;
    }));
    let before = peak();
    let mut silent = Vec::new();
    for _ in 0..CLIENTS {
        let mut stream = TcpStream::connect(at).await.unwrap();
        stream.write_all(b"GET /image.iso HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        // The answer begins.
        stream.readable().await.unwrap();
        silent.push(stream);
    }
    let grown = peak() - before;
    assert!(grown < 8 * 1024, "{CLIENTS} silent clients took {grown} KiB");
    drop((stop, silent));
    server.await.unwrap();
    assert_eq!(desk.whole.load(Ordering::SeqCst), 0);
}
