//! A server to test against: real listeners, a real store in a directory of its own, and everything else made up.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::PathBuf,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use nextboot_api::{
    Access, BoxFuture, Control, Found, Limits, Listeners, PowerDone, PowerFailure, PowerKnown, PowerOutcome,
    Status, TestLimits, Token, Written, bind_socket, serve,
};
use nextboot_boot::{Body, Client, Linux, MemoryTree, OwnLoaders, Plan, Profile, Site, Tree};
use nextboot_model::{
    Attempt, Class, Conflict, Door, HostName, Lease, Mac, Neighbour, PowerAction, PowerState, TestName,
    Timestamp,
};
use nextboot_store::{Limits as StoreLimits, Store};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream, UnixStream},
    sync::oneshot,
    task::JoinHandle,
};

pub(crate) const TOKEN: &str = "5ecre7-5ecre7-5ecre7-5ecre7";
/// Nobody special.
pub(crate) const STRANGER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);
/// In the trusted network.
pub(crate) const TRUSTED: Ipv4Addr = Ipv4Addr::new(127, 0, 1, 5);
/// Has [`OWN_MAC`].
pub(crate) const MACHINE: Ipv4Addr = Ipv4Addr::new(127, 0, 2, 7);
pub(crate) const OWN_MAC: &str = "23:34:a3:e9:09:cc";

/// The appliance, made up.
pub(crate) struct Made {
    store: Store,
    site: Arc<Site>,
    tree: Arc<MemoryTree>,
    owners: HashMap<IpAddr, Mac>,
    pub(crate) attempts: Mutex<Vec<Attempt>>,
    pub(crate) leases: Mutex<Vec<Lease>>,
    pub(crate) sightings: Mutex<Vec<Client>>,
    pub(crate) complaints: Mutex<Option<String>>,
    pub(crate) switched: Mutex<Vec<(HostName, PowerAction)>>,
}

impl Control for Made {
    fn store(&self) -> &Store {
        &self.store
    }
    fn site(&self) -> Arc<Site> {
        Arc::clone(&self.site)
    }
    fn tree(&self) -> Arc<dyn Tree + Send + Sync> {
        Arc::clone(&self.tree) as Arc<dyn Tree + Send + Sync>
    }
    fn owner(&self, address: IpAddr) -> BoxFuture<'_, Option<Mac>> {
        Box::pin(async move { self.owners.get(&address).copied() })
    }
    fn attempts(&self) -> Vec<Attempt> {
        self.attempts.lock().unwrap().clone()
    }
    fn attempt(&self, mac: Mac) -> Option<Attempt> {
        self.attempts().into_iter().find(|attempt| attempt.mac == mac)
    }
    fn sightings(&self, _: &HostName) -> Vec<Client> {
        self.sightings.lock().unwrap().clone()
    }
    fn written(&self, client: &Client, plan: &Plan) -> Written {
        let Some(loader) = &plan.loader else { return Written::default() };
        Written {
            boot_file: Some(loader.boot_file(client, "http://10.0.0.1:8080")),
            language: loader.language(),
            text: Some(Ok("a text".into())),
        }
    }
    fn test_names(&self) -> Result<Vec<TestName>, String> {
        Ok(["cpu", "mem", "wait"].map(|name| name.parse().unwrap()).into())
    }
    fn test_limits(&self) -> TestLimits {
        TestLimits { keep: 1000, max_log: 10_000 }
    }
    fn leases(&self) -> Vec<Lease> {
        self.leases.lock().unwrap().clone()
    }
    fn neighbours(&self) -> Vec<Neighbour> {
        let server = Ipv4Addr::new(10, 0, 0, 2);
        vec![Neighbour {
            server,
            interface: "br0".into(),
            from: server,
            mac: None,
            gives_addresses: true,
            is_proxy: false,
            first: Timestamp(7),
            heard: Timestamp(8),
            offers: 1,
            acks: 0,
            naks: 0,
            vendor_class: Some("PXEClient".into()),
            discovery_control: None,
            next_server: None,
            file: None,
            options: [53, 54, 60].into(),
            conflicts: [Conflict::PxeClass].into(),
        }]
    }
    fn probe(&self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async { Ok(()) })
    }
    fn metrics(&self) -> String {
        "# TYPE up gauge\nup 1\n".into()
    }
    fn scrapers(&self) -> Vec<ipnet::IpNet> {
        vec!["127.0.3.0/24".parse().unwrap()]
    }
    fn trusted(&self) -> Vec<ipnet::IpNet> {
        vec!["127.0.1.0/24".parse().unwrap()]
    }
    fn proxies(&self) -> Arc<[ipnet::IpNet]> {
        Arc::new(["127.0.4.0/24".parse().unwrap()])
    }
    fn reload(&self) -> BoxFuture<'_, Result<Vec<String>, String>> {
        let complaints = self.complaints.lock().unwrap().clone();
        Box::pin(async move { complaints.map_or_else(|| Ok(vec!["log".into()]), Err) })
    }
    /// Hosts that have something that switches them are on.
    fn power(&self, hosts: Vec<HostName>, action: PowerAction, _: Door) -> BoxFuture<'_, Vec<PowerOutcome>> {
        Box::pin(async move {
            let one = |host: HostName| {
                let power = self.store.state().host(&host).and_then(|record| record.host.power.clone());
                let result = match power {
                    Some(_) => {
                        self.switched.lock().unwrap().push((host.clone(), action));
                        let was = Some(PowerState::On);
                        Ok(PowerDone { was, state: PowerState::On, did: action, remark: None })
                    }
                    None => Err(PowerFailure { code: "no-power", message: "nothing switches it".into() }),
                };
                PowerOutcome { host, result }
            };
            hosts.into_iter().map(one).collect()
        })
    }
    fn power_known(&self, _: &HostName) -> PowerKnown {
        PowerKnown::default()
    }
    fn find_controllers(&self) -> BoxFuture<'_, Vec<Found>> {
        Box::pin(async { Vec::new() })
    }
    fn status(&self) -> Status {
        Status {
            version: "1.2.3".into(),
            started: Timestamp(7),
            mode: "proxy".into(),
            interfaces: vec!["br0".into()],
            config: Some("/etc/nextboot.toml".into()),
        }
    }
}

fn site() -> Site {
    let profile = |name: &str, class, body| {
        let name = name.parse().unwrap();
        let seed = Some("node.seed".to_owned()).filter(|_| class == Class::Install);
        Profile { name, title: Some("A title".into()), class, body, seed, loaders: OwnLoaders::default() }
    };
    let linux =
        Linux { kernel: "small/vmlinuz".into(), initrds: vec!["small/initrd".into()], args: "quiet".into() };
    let all = [
        profile("small", Class::Install, Body::Linux(linux.clone())),
        profile("rescue", Class::Live, Body::Linux(linux)),
    ];
    Site {
        profiles: all.into_iter().map(|profile| (profile.name.clone(), Arc::new(profile))).collect(),
        attempts: 3,
        http_port: 8080,
        api_port: 3478,
        ..Site::default()
    }
}

/// A running server.
pub(crate) struct Server {
    pub(crate) store: Store,
    pub(crate) made: Arc<Made>,
    pub(crate) tcp: SocketAddr,
    pub(crate) socket: PathBuf,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
    _directory: TempDir,
}

/// Who calls.
#[derive(Debug, Clone, Copy)]
pub(crate) enum From<'a> {
    /// Over the unix socket.
    Socket,
    /// From that address, without a token.
    Address(Ipv4Addr),
    /// From nobody special's address, with this token.
    Token(&'a str),
}

/// What the server answered.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The status and the code of an error.
    pub(crate) fn error(&self) -> (u16, String) {
        (self.status, self.json()["error"]["code"].as_str().unwrap_or_default().to_owned())
    }

    fn read(text: &str) -> Self {
        assert!(!text.contains(TOKEN), "the token must not be told: {text}");
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(Limits::default(), StoreLimits::default()).await
    }

    /// One whose site says what rescues hosts.
    pub(crate) async fn with_rescue(profile: &str) -> Self {
        let site = Site { rescue: Some(profile.parse().unwrap()), ..site() };
        Self::with_site(Limits::default(), StoreLimits::default(), site).await
    }

    pub(crate) async fn with(limits: Limits, store_limits: StoreLimits) -> Self {
        Self::with_site(limits, store_limits, site()).await
    }

    async fn with_site(limits: Limits, store_limits: StoreLimits, site: Site) -> Self {
        crate::log::keep();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        // Others must reach the socket for being refused there.
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let (store, _) = Store::open(&path.join("state.sqlite"), store_limits).unwrap();
        let token_file = path.join("token");
        std::fs::write(&token_file, TOKEN).unwrap();
        std::fs::set_permissions(&token_file, std::fs::Permissions::from_mode(0o600)).unwrap();
        let access = Access {
            token: Token::load_or_create(&token_file).unwrap(),
            own_uid: std::fs::metadata(path).unwrap().uid(),
        };
        let mut tree = MemoryTree::default();
        tree.files.insert("pxelinux.cfg/conf/grml".into(), Bytes::from_static(b"DEFAULT grml\n\xff\n"));
        let made = Arc::new(Made {
            store: store.clone(),
            site: Arc::new(site),
            tree: Arc::new(tree),
            owners: HashMap::from([(MACHINE.into(), OWN_MAC.parse().unwrap())]),
            attempts: Mutex::default(),
            leases: Mutex::default(),
            sightings: Mutex::default(),
            complaints: Mutex::default(),
            switched: Mutex::default(),
        });
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await.unwrap();
        let tcp = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), listener.local_addr().unwrap().port());
        let socket = path.join("api.sock");
        let listeners = Listeners { tcp: vec![listener], unix: vec![bind_socket(&socket).unwrap()] };
        let (stop, stopped) = oneshot::channel::<()>();
        let control = Arc::clone(&made) as Arc<dyn Control>;
        let serving = tokio::spawn(serve(listeners, control, access, limits, async {
            let _ = stopped.await;
        }));
        Self { store, made, tcp, socket, stop: Some(stop), serving, _directory: directory }
    }

    /// Stops the server and waits until it has stopped.
    pub(crate) async fn stop(mut self) {
        let _ = self.stop.take().unwrap().send(());
        (&mut self.serving).await.unwrap();
    }

    pub(crate) async fn tcp_from(&self, from: Ipv4Addr) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(from.into(), 0)).unwrap();
        socket.connect(self.tcp).await.unwrap()
    }

    pub(crate) async fn unix(&self) -> UnixStream {
        UnixStream::connect(&self.socket).await.unwrap()
    }

    /// One call; its headers as lines.
    pub(crate) async fn ask(&self, from: From<'_>, call: &str, headers: &[&str], body: &str) -> Answer {
        let mut headers: Vec<String> = headers.iter().map(ToString::to_string).collect();
        if let From::Token(token) = from {
            headers.push(format!("Authorization: Bearer {token}"));
        }
        let request = request(call, &headers, body);
        match from {
            From::Socket => exchange(self.unix().await, &request).await,
            From::Address(address) => exchange(self.tcp_from(address).await, &request).await,
            From::Token(_) => exchange(self.tcp_from(STRANGER).await, &request).await,
        }
    }

    /// One call by root over the socket.
    pub(crate) async fn call(&self, call: &str, body: &str) -> Answer {
        self.ask(From::Socket, call, &[], body).await
    }

    /// Adds a host.
    pub(crate) async fn add(&self, name: &str, mac: &str) {
        let answer = self.call("POST /api/hosts", &format!(r#"{{"name":"{name}","macs":["{mac}"]}}"#)).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
    }

    /// The profile that a host has.
    pub(crate) async fn profile_of(&self, name: &str) -> String {
        let answer = self.call(&format!("GET /api/hosts/{name}"), "").await;
        answer.json()["assignment"]["profile"]
            .as_str()
            .unwrap_or_else(|| panic!("{}", answer.body))
            .to_owned()
    }
}

/// A request that asks for the connection to be closed after its answer.
pub(crate) fn request(call: &str, headers: &[String], body: &str) -> String {
    let host =
        if headers.iter().any(|line| line.starts_with("Host:")) { "" } else { "Host: 127.0.0.1:3478\r\n" };
    let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
    format!(
        "{call} HTTP/1.1\r\n{host}Connection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
}

pub(crate) async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &str) -> Answer {
    // A server that refuses before it has read all of it may have closed already.
    let _ = stream.write_all(request.as_bytes()).await;
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text).await;
    Answer::read(&String::from_utf8(text).unwrap())
}
