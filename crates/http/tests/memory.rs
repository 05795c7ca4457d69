//! Alone in its process, since it looks at what the process uses.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod one_file;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nextboot_files::{Layout, Name, Roots};
use nextboot_http::{Limits, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use one_file::{OneFile, peak};

const LEN: u64 = 100_000_000;
const CLIENTS: usize = 8;

#[tokio::test]
async fn large_files_do_not_pass_through_memory_whole() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::File::create(dir.path().join("image.iso")).unwrap().set_len(LEN).unwrap();
    let roots = Roots::open(&Layout::new(dir.path())).unwrap();
    let content = roots.get(&Name::parse("image.iso").unwrap()).unwrap();
    let desk = Arc::new(OneFile { content, whole: AtomicUsize::new(0) });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let limits = Limits { settle: std::time::Duration::from_millis(10), ..Limits::default() };
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(serve(vec![listener], Arc::clone(&desk), limits, Arc::default(), async {
        let _ = stopped.await;
    }));
    let before = peak();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            tokio::spawn(async move {
                let mut stream = TcpStream::connect(at).await.unwrap();
                stream.write_all(b"GET /image.iso HTTP/1.0\r\n\r\n").await.unwrap();
                let (mut buffer, mut count) = (vec![0; 65536], 0);
                loop {
                    match stream.read(&mut buffer).await.unwrap() {
                        0 => return count,
                        read => count += read as u64,
                    }
                }
            })
        })
        .collect();
    for client in clients {
        assert!(client.await.unwrap() > LEN);
    }
    let grown = peak() - before;
    assert!(grown < 16 * 1024, "{CLIENTS} clients took {grown} KiB");
    drop(stop);
    server.await.unwrap();
    assert_eq!(desk.whole.load(Ordering::SeqCst), CLIENTS);
}
