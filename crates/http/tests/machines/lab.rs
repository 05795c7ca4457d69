//! A server on the loopback with a desk for tests, and a client that writes raw bytes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use ipnet::IpNet;
use nextboot_files::{Layout, Name, Roots};
use nextboot_http::{
    Asker, BoxFuture, Claim, Counters, Desk, Found, Limits, Refusal, Sent, Ticket, Upload, What, Whom, Why,
    serve,
};
use nextboot_model::Mac;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// When all files of the lab were changed: Fri, 01 Jan 2021 00:00:00 GMT.
pub(crate) const CHANGED: Duration = Duration::from_secs(1_609_459_200);

/// More than a connection holds when its client reads nothing.
pub(crate) const LARGE: u64 = 64 << 20;

pub(crate) struct TestDesk {
    roots: Roots,
    reports: mpsc::UnboundedSender<Sent>,
    pub(crate) unacknowledged: Mutex<Option<u32>>,
    pub(crate) calls: AtomicUsize,
    pub(crate) proxies: Mutex<Arc<[IpNet]>>,
    pub(crate) tests: AtomicUsize,
    pub(crate) logs: Arc<Mutex<Vec<String>>>,
}

impl Desk for TestDesk {
    async fn open(&self, asker: &Asker, name: &str) -> Result<Found, Refusal> {
        if let Some(why) = name.strip_prefix("/refuse/") {
            let why = match why {
                "forbidden" => Why::Forbidden,
                "gone" => Why::Gone,
                "template" => Why::TemplateError,
                "unavailable" => Why::Unavailable,
                _ => Why::NotFound,
            };
            return Err(Refusal::new(why, "a.seed, line 3:\nthere is no \"x\""));
        }
        if name.ends_with("/pxelinux.cfg/default") {
            let text = format!("# {:?} at {}\n", asker.mac_hint, asker.to);
            return Ok(Found::written(What::Configuration, text));
        }
        if name.ends_with("/pxelinux.cfg/large") {
            return Ok(Found::written(What::Configuration, vec![b'#'; LARGE as usize]));
        }
        let name = Name::parse(name).map_err(|error| Refusal::not_found(error.to_string()))?;
        let content = self.roots.get(&name).map_err(|error| Refusal::not_found(error.to_string()))?;
        Ok(Found::file(content).with(Ticket::new(name)))
    }

    async fn script(&self, asker: &Asker, mac: Option<Mac>) -> Result<Found, Refusal> {
        let who = mac.map_or_else(|| asker.from.ip().to_string(), |mac| mac.to_string());
        Ok(Found::written(What::Script, format!("#!ipxe\n# {who}\n")))
    }

    async fn seed(&self, _: &Asker, token: Option<&str>, name: &str) -> Result<Found, Refusal> {
        Ok(Found::written(What::Seed, format!("{name} for {token:?}")))
    }

    async fn call_back(&self, _: &Asker, token: &str) -> Result<String, Refusal> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        Ok(format!("thank you, {token}"))
    }

    async fn next_boot(
        &self,
        _: &Asker,
        claim: Claim<'_>,
        whom: Whom<'_>,
        profile: Option<&str>,
    ) -> Result<String, Refusal> {
        if profile == Some("nothing") || profile == Some("debian") {
            return Err(Refusal::not_found("no such profile"));
        }
        self.calls.fetch_add(1, Ordering::SeqCst);
        Ok(format!("{whom:?} {profile:?} {:?}", claim.token))
    }

    async fn profile(&self, _: &Asker, mac: Option<Mac>) -> Result<String, Refusal> {
        Ok(format!("profile of {mac:?}"))
    }

    async fn next_test(&self, _: &Asker, _: Claim<'_>, _: Option<Mac>) -> Result<Found, Refusal> {
        let number = self.tests.fetch_add(1, Ordering::SeqCst);
        Ok(Found::written(What::Test, format!("test {number}")))
    }

    async fn test_script(&self, _: &Asker, test: &str) -> Result<Found, Refusal> {
        if test == "cpu" { Ok(Found::written(What::Test, "cpu")) } else { Err(Refusal::not_found("no test")) }
    }

    async fn upload(&self, _: &Asker, _: Claim<'_>, run: Option<u64>) -> Result<Box<dyn Upload>, Refusal> {
        if run == Some(404) {
            return Err(Refusal::not_found("no run"));
        }
        let logs = Arc::clone(&self.logs);
        Ok(Box::new(Log { name: format!("{run:?}"), text: Vec::new(), logs }))
    }

    fn sent(&self, _: &Asker, sent: Sent) {
        let _ = self.reports.send(sent);
    }

    fn proxies(&self) -> Arc<[IpNet]> {
        Arc::clone(&self.proxies.lock().unwrap())
    }

    fn unacknowledged(&self, _: BorrowedFd<'_>) -> Option<u32> {
        *self.unacknowledged.lock().unwrap()
    }
}

/// A log in memory.
struct Log {
    name: String,
    text: Vec<u8>,
    logs: Arc<Mutex<Vec<String>>>,
}

impl Upload for Log {
    fn write<'u>(&'u mut self, bytes: &'u [u8]) -> BoxFuture<'u, Result<(), Refusal>> {
        self.text.extend_from_slice(bytes);
        let large = self.text.len() > 1000;
        let outcome = if large { Err(Refusal::new(Why::TooLarge, "1000 bytes")) } else { Ok(()) };
        Box::pin(std::future::ready(outcome))
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<String, Refusal>> {
        let text = format!("{}: {}", self.name, String::from_utf8_lossy(&self.text));
        self.logs.lock().unwrap().push(text.clone());
        Box::pin(std::future::ready(Ok(text)))
    }

    fn without_file(self: Box<Self>) -> BoxFuture<'static, Refusal> {
        Box::pin(std::future::ready(Refusal::new(Why::Misunderstood, "no file")))
    }
}

pub(crate) struct Lab {
    pub(crate) at: SocketAddr,
    pub(crate) desk: Arc<TestDesk>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) reports: mpsc::UnboundedReceiver<Sent>,
    pub(crate) stop: Option<oneshot::Sender<()>>,
    pub(crate) server: JoinHandle<()>,
    dir: tempfile::TempDir,
}

impl Lab {
    /// A server with `hello.txt` (13 bytes), `empty`, `debian/linux`, and whatever a test adds.
    pub(crate) async fn new(limits: Limits) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (sender, reports) = mpsc::unbounded_channel();
        std::fs::create_dir(dir.path().join("debian")).unwrap();
        let lab = |dir: &Path, name: &str, content: &[u8]| {
            std::fs::write(dir.join(name), content).unwrap();
            std::fs::File::options().write(true).open(dir.join(name)).unwrap()
        };
        for (name, content) in [
            ("hello.txt", &b"Hello, world\n"[..]),
            ("empty", b""),
            ("debian/linux", b"kernel"),
            ("a b.efi", b"efi"),
        ] {
            lab(dir.path(), name, content).set_modified(SystemTime::UNIX_EPOCH + CHANGED).unwrap();
        }
        let layout = Layout { loaders: Vec::new(), ..Layout::new(dir.path()) };
        let desk = Arc::new(TestDesk {
            roots: Roots::open(&layout).unwrap(),
            reports: sender,
            proxies: Mutex::new(Arc::new([])),
            unacknowledged: Mutex::new(Some(0)),
            calls: AtomicUsize::new(0),
            tests: AtomicUsize::new(0),
            logs: Arc::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let counters = Arc::new(Counters::default());
        let ends = async {
            let _ = stopped.await;
        };
        let server = serve(vec![listener], Arc::clone(&desk), limits, Arc::clone(&counters), ends);
        let server = tokio::spawn(server);
        Self { at, desk, counters, reports, stop: Some(stop), server, dir }
    }

    /// A file of that size, full of holes.
    pub(crate) fn add(&self, name: &str, len: u64) -> std::fs::File {
        let file = std::fs::File::create(self.dir.path().join(name)).unwrap();
        file.set_len(len).unwrap();
        file
    }

    pub(crate) async fn connect(&self) -> Client {
        Client { stream: TcpStream::connect(self.at).await.unwrap(), read: Vec::new() }
    }

    /// One request on its own connection.
    pub(crate) async fn ask(&self, request: &str) -> Answer {
        let mut client = self.connect().await;
        client.send(request.as_bytes()).await;
        client.answer(request.starts_with("HEAD")).await.expect("an answer")
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")).await
    }

    /// The next delivery that ends.
    pub(crate) async fn report(&mut self) -> Sent {
        self.reports.recv().await.unwrap()
    }

    /// The server is alive.
    pub(crate) async fn serves(&self) {
        assert_eq!(self.get("/hello.txt").await.body, b"Hello, world\n");
    }
}

pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    read: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) version: String,
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

impl Client {
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// The next answer; nothing when the connection ends instead.
    pub(crate) async fn answer(&mut self, head: bool) -> Option<Answer> {
        let end = loop {
            if let Some(at) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if self.stream.read_buf(&mut self.read).await.ok()? == 0 {
                return None;
            }
        };
        let text = String::from_utf8(self.read.drain(..end).collect()).unwrap();
        let mut lines = text.lines();
        let (version, status) = lines.next()?.split_once(' ')?;
        let headers: BTreeMap<_, _> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let status = status[..3].parse().unwrap();
        let bodiless = head || status == 304;
        let len = if bodiless { 0 } else { headers["content-length"].parse().unwrap() };
        while self.read.len() < len {
            if self.stream.read_buf(&mut self.read).await.ok()? == 0 {
                return None;
            }
        }
        let body = self.read.drain(..len).collect();
        Some(Answer { version: version.to_owned(), status, headers, body })
    }

    /// All that comes until the connection ends, and whether it ended properly.
    pub(crate) async fn rest(&mut self) -> (u64, std::io::Result<()>) {
        let (mut count, mut buffer) = (self.read.len() as u64, vec![0; 65536]);
        loop {
            match self.stream.read(&mut buffer).await {
                Ok(0) => return (count, Ok(())),
                Ok(read) => count += read as u64,
                Err(error) => return (count, Err(error)),
            }
        }
    }
}
