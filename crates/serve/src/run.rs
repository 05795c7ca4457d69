use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use arc_swap::ArcSwap;
use nextboot_api::Listeners;
use nextboot_boot::Secret;
use nextboot_config::{Config, Mode};
use nextboot_dhcp::{Neighbours, Proxy, ProxyConfig, Server};
use nextboot_model::{Attempts, EventKind, Lease, Rounds};
use nextboot_net::{Changes, Network};
use nextboot_store::{Limits as StoreLimits, Store};
use tokio::{
    net::{TcpListener, TcpSocket},
    signal::unix::{Signal, SignalKind, signal},
    task::JoinSet,
};

use crate::{
    appliance::{Appliance, Mutex, Settings},
    beside, clock,
    desk::{HttpDesk, Written},
    dhcp::{self, Responder},
    links::Links,
    metrics::{self, Metrics},
    notify,
    owners::Owners,
    power::Switches,
    quiet::Quiet,
    settings::Source,
    sightings::Sightings,
    stop::Stop,
    tftp, written_links,
};

/// The release that is running.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// How many connections may wait to be accepted. A rack that comes back from a power cut connects within a second, and those
/// that find no room try again only after one, then after two more. The kernel takes no more than `net.core.somaxconn`, 4096
/// since Linux 5.4.
const WAITING: u32 = 4096;

/// How often attempts that fell silent are let go.
const SWEEP: Duration = Duration::from_secs(60);

/// Runs the appliance until SIGTERM or SIGINT. `config` was read from `source` and is right; only now is anything bound.
///
/// # Errors
/// What kept it from starting: a directory, the state, a port, an interface.
pub async fn run(config: Config, source: Source) -> anyhow::Result<()> {
    if source.file.is_none() {
        make_default_roots(&config)?;
    }
    // From now on, so that a SIGHUP that comes while it starts does not end it.
    let signals = Signals::take()?;
    allow_descriptors();
    let whole = beside::whole(config)?;
    let settings = Settings::new(whole.config)?;
    let config = settings.config.clone();
    let network = Arc::new(Network::open()?);
    let changes = Changes::watch()?;
    let links = Arc::new(Links::find(&network, &config.interfaces).await?);

    let limits = StoreLimits { events: config.journal_events, ..StoreLimits::default() };
    let (store, mut loaded) = Store::open(&config.data_dir.join("state.sqlite"), limits)?;
    let secret = Secret(store.secret());
    let token = nextboot_api::Token::load_or_create(&config.api.token_file)?;

    let taken = match &whole.lease_file {
        Some(file) if config.dhcp.mode == Mode::Server => {
            beside::take_over(&store, &config.data_dir, file, &mut loaded.leases, clock::now()).await?
        }
        _ => beside::TakenOver::default(),
    };

    let sockets = Arc::new(dhcp::Sockets::bind(config.dhcp.mode, &links)?);
    let tftp = config.tftp.enabled.then(|| tftp::bind(config.tftp.port)).transpose()?;
    let http = listeners("http", &config.http.addresses, config.http.port)?;
    let api = listeners("api", &config.api.addresses, config.api.port)?;
    let unix = vec![nextboot_api::bind_socket(&config.api.socket)?];
    let api = Listeners { tcp: api, unix };

    let app = Arc::new(Appliance {
        responder: Mutex::new(responder(&config, &links, &sockets, loaded.leases)),
        sockets: Arc::clone(&sockets),
        neighbours: Mutex::new(Neighbours::default()),
        store,
        settings: ArcSwap::from_pointee(settings),
        source,
        beside: Arc::new(Mutex::new(whole.beside)),
        reloading: tokio::sync::Mutex::new(()),
        attempts: Mutex::new(Attempts::default()),
        links: Arc::clone(&links),
        network: Arc::clone(&network),
        secret,
        token: token.clone(),
        quiet: Mutex::new(Quiet::default()),
        rounds: Mutex::new(Rounds::default()),
        sightings: Mutex::new(Sightings::default()),
        owners: Mutex::new(Owners::default()),
        written: Written::default(),
        switches: Switches::new(&config.power),
        http: Arc::default(),
        metrics: Metrics::default(),
        started: clock::now(),
    });
    // Before anything happens.
    let events = app.store.follow();

    let (stopper, stop) = Stop::new();
    let mut parts = JoinSet::new();
    if config.dhcp.mode != Mode::Off {
        parts.spawn(dhcp::run(Arc::clone(&app), Arc::clone(&sockets), stop.clone()));
    }
    if let Some(socket) = tftp {
        parts.spawn(tftp::run(Arc::clone(&app), socket, stop.clone()));
    }
    let mut ends = stop.clone();
    let limits = nextboot_http::Limits {
        connections: config.http.max_connections as usize,
        per_address: config.http.max_per_client as usize,
        rate: config.http.max_rate,
        upload: config.tests.max_log,
        ..nextboot_http::Limits::default()
    };
    let (desk, counters) = (Arc::new(HttpDesk(Arc::clone(&app))), Arc::clone(&app.http));
    parts.spawn(nextboot_http::serve(http, desk, limits, counters, async move { ends.wait().await }));
    parts.spawn(crate::control::serve(Arc::clone(&app), api, token, stop.clone()));
    parts.spawn(follow_call_backs(Arc::clone(&app), stop.clone()));
    parts.spawn(metrics::follow(Arc::clone(&app), events, loaded.last_event, stop.clone()));
    parts.spawn(sweep(Arc::clone(&app), stop.clone()));
    parts.spawn(notify::watchdog(stop.clone()));
    parts.spawn(watch_store(Arc::clone(&app), stop.clone()));
    parts.spawn(beside::watch(Arc::clone(&app), stop.clone()));
    let told = Arc::clone(&app);
    let watcher = tokio::spawn(Arc::clone(&links).follow(network, changes, move |links, moved| {
        for interface in moved.gone {
            told.note(None, EventKind::InterfaceGone { interface });
        }
        for interface in moved.appeared {
            told.note(None, EventKind::InterfaceAppeared { interface });
        }
        if let Err(error) = sockets.follow(links) {
            let what = format!("cannot hear on the interfaces that there are now: {error}");
            told.note(None, EventKind::Trouble { what });
        }
        if let Responder::Server(server) = &mut *told.responder.lock() {
            server.set_own_addresses(links.by_interface());
        }
    }));

    app.take_pilot_hosts(None).await;
    parts.spawn(written_links::follow(Arc::clone(&app), app.store.follow(), stop.clone()));
    announce(&app, &config);
    app.tell_lines(&whole.notes);
    if taken.leases > 0 {
        tracing::info!(leases = taken.leases, "took dnsmasq's leases over; from now on these count");
    }
    app.tell_lines(&taken.notes);
    notify::ready();
    if config.dhcp.probe_at_start && config.dhcp.mode != Mode::Off {
        parts.spawn(probe(Arc::clone(&app), stop.clone()));
    }
    tokio::select! {
        () = signals.wait(&app) => {}
        // Half a server is worse than one that is started again.
        part = parts.join_next() => {
            app.store.close().await;
            anyhow::bail!("a part of the server ended by itself: {part:?}");
        }
    }
    notify::stopping();
    app.note(None, EventKind::Stopped);
    stopper.stop();
    while parts.join_next().await.is_some() {}
    watcher.abort();
    app.store.close().await;
    // Whoever asks from now on is told that there is no server, and not that it refuses.
    let _ = std::fs::remove_file(&config.api.socket);
    Ok(())
}

/// A shell gives its programs 1024 descriptors at first, and lets them have many more: a rack needs a connection or a transfer
/// for every machine.
fn allow_descriptors() {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let most = rustix::process::Rlimit { current: limit.maximum, ..limit };
    if let Err(error) = rustix::process::setrlimit(rustix::process::Resource::Nofile, most) {
        tracing::warn!(%error, "cannot have more than {:?} files open at a time", limit.current);
    }
}

/// Whoever starts nextboot without a configuration has named no directory, so there need not be one yet.
fn make_default_roots(config: &Config) -> anyhow::Result<()> {
    for root in &config.files.roots {
        std::fs::create_dir_all(root)
            .with_context(|| format!("cannot make the directory {}", root.display()))?;
    }
    Ok(())
}

fn responder(config: &Config, links: &Links, sockets: &dhcp::Sockets, leases: Vec<Lease>) -> Responder {
    match config.dhcp.mode {
        Mode::Server => {
            let mut server = Server::new(config.dhcp.server.clone(), leases);
            server.set_own_addresses(links.by_interface());
            Responder::Server(Box::new(server))
        }
        Mode::Proxy => {
            let without_pxe_port = !sockets.serves_pxe();
            let proxy = Proxy::new(ProxyConfig { without_pxe_port, ..config.dhcp.proxy.clone() });
            Responder::Proxy(Box::new(proxy))
        }
        Mode::Off => Responder::Off,
    }
}

/// Binds a TCP port on these addresses; on every address of the machine when there is none.
fn listeners(section: &str, addresses: &[IpAddr], port: u16) -> anyhow::Result<Vec<TcpListener>> {
    let any = [IpAddr::V4(Ipv4Addr::UNSPECIFIED)];
    let addresses = if addresses.is_empty() { &any } else { addresses };
    let mut bound = Vec::with_capacity(addresses.len());
    for address in addresses {
        let place = SocketAddr::new(*address, port);
        bound.push(listen(place).with_context(|| {
            format!("cannot listen on {place} (TCP); another program has it, or choose another with [{section}] port")
        })?);
    }
    Ok(bound)
}

fn listen(place: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if place.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A server that is started again need not wait for the connections of the one before.
    socket.set_reuseaddr(true)?;
    socket.bind(place)?;
    socket.listen(WAITING)
}

fn announce(app: &Appliance, config: &Config) {
    tracing::info!(
        interfaces = app.links.names().join(", "),
        dhcp = config.dhcp.mode.key(),
        tftp = if config.tftp.enabled { config.tftp.port } else { 0 },
        http = config.http.port,
        api = config.api.port,
        socket = %config.api.socket.display(),
        token = %config.api.token_file.display(),
        "serving"
    );
    for name in app.links.waited_for() {
        tracing::warn!(
            interface = name,
            "waits for this interface, which does not exist yet; it is served as soon as it does"
        );
    }
    for name in app.links.without_address() {
        tracing::warn!(
            interface = name,
            "this interface has no IPv4 address yet; nothing is answered there until it has"
        );
    }
    app.note(None, EventKind::Started { version: VERSION.into(), hosts: app.store.state().len() });
    for what in app.settings.load().hidden_profiles() {
        app.note(None, EventKind::Trouble { what });
    }
}

/// SIGHUP reads the configuration again; SIGTERM and SIGINT end.
struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn take() -> std::io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits until it is time to end.
    async fn wait(mut self, app: &Arc<Appliance>) {
        loop {
            tokio::select! {
                _ = self.hangup.recv() => {
                    // What is wrong with it is in the journal and the log.
                    let _ = app.reload().await;
                }
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
            }
        }
    }
}

/// A call-back ends its attempt, by whichever door it came.
async fn follow_call_backs(app: Arc<Appliance>, mut stop: Stop) {
    let mut events = app.store.follow();
    loop {
        let event = tokio::select! {
            () = stop.wait() => return,
            event = events.recv() => event,
        };
        match event {
            Ok(event) => {
                if let EventKind::CalledBack { .. } = &event.kind {
                    let steps = {
                        let mut attempts = app.attempts.lock();
                        let by_mac = event.mac.map(|mac| attempts.called_back(mac));
                        let by_host = event.host.as_ref().map(|host| attempts.host_called_back(host));
                        by_mac.into_iter().chain(by_host)
                    };
                    steps.for_each(|step| app.take(step));
                }
            }
            Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {}
            Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
        }
    }
}

/// Learns right at the start who else serves. What gets in our way is told as it is heard.
async fn probe(app: Arc<Appliance>, mut stop: Stop) {
    tokio::select! {
        () = stop.wait() => return,
        probed = app.probe() => if let Err(error) = probed {
            tracing::warn!(error, "cannot ask who else serves");
        },
    }
    // A part that ends would end the server.
    stop.wait().await;
}

async fn watch_store(app: Arc<Appliance>, mut stop: Stop) {
    tokio::select! {
        () = stop.wait() => {}
        () = app.store.ended() => tracing::error!("the state cannot be written any more"),
    }
}

async fn sweep(app: Arc<Appliance>, mut stop: Stop) {
    let mut ticks = tokio::time::interval(SWEEP);
    loop {
        tokio::select! {
            () = stop.wait() => return,
            _ = ticks.tick() => {
                let step = app.attempts.lock().sweep(clock::now());
                app.take(step);
                app.sweep_offers();
            }
        }
    }
}
