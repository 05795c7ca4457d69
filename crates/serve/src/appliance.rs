use std::{
    hash::Hash,
    net::IpAddr,
    sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError},
    time::Instant,
};

use arc_swap::ArcSwap;
use nextboot_boot::{Client, Plan, Secret, Site, decide};
use nextboot_config::Config;
use nextboot_dhcp::Neighbours;
use nextboot_files::Roots;
use nextboot_model::{
    AttemptId, Attempts, Command, EventKind, HostName, Mac, Rounds, State, Step, Timestamp,
};
use nextboot_net::{Neighbour, Network};
use nextboot_store::{NewEvent, Store};

use crate::{
    beside::Beside,
    clock,
    desk::Written,
    dhcp::{Responder, Sockets},
    links::Links,
    metrics::Metrics,
    owners::Owners,
    power::Switches,
    quiet::{Quiet, Room},
    settings::Source,
    sightings::Sightings,
    tree::DiskTree,
};

/// A lock whose holder can only have panicked in between two whole changes.
#[derive(Debug)]
pub(crate) struct Mutex<T>(StdMutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(StdMutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The configuration in force and what was made of it. A reload makes a new one.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) config: Config,
    pub(crate) site: Arc<Site>,
    pub(crate) roots: Roots,
    pub(crate) tree: Arc<DiskTree>,
    /// Where the templates of seeds lie.
    pub(crate) seeds: Option<Roots>,
}

/// The running appliance: what every part of it shares.
pub(crate) struct Appliance {
    pub(crate) store: Store,
    pub(crate) settings: ArcSwap<Settings>,
    /// Where the configuration is read again from.
    pub(crate) source: Source,
    /// dnsmasq's files, where they say what `[dhcp]` would.
    pub(crate) beside: Arc<Mutex<Option<Beside>>>,
    /// Held while the configuration is read again.
    pub(crate) reloading: tokio::sync::Mutex<()>,
    pub(crate) attempts: Mutex<Attempts>,
    pub(crate) responder: Mutex<Responder>,
    pub(crate) sockets: Arc<Sockets>,
    /// Other servers on our wires.
    pub(crate) neighbours: Mutex<Neighbours>,
    pub(crate) links: Arc<Links>,
    pub(crate) network: Arc<Network>,
    pub(crate) secret: Secret,
    /// Who shows it may change what machines boot.
    pub(crate) token: nextboot_api::Token,
    pub(crate) quiet: Mutex<Quiet>,
    /// Machines that fetch iPXE again and again.
    pub(crate) rounds: Mutex<Rounds>,
    pub(crate) sightings: Mutex<Sightings>,
    pub(crate) owners: Mutex<Owners>,
    pub(crate) written: Written,
    /// What switches hosts.
    pub(crate) switches: Switches,
    /// What the boot side of HTTP served.
    pub(crate) http: Arc<nextboot_http::Counters>,
    pub(crate) metrics: Metrics,
    pub(crate) started: Timestamp,
}

impl Appliance {
    /// The one decision, with what is in force now.
    pub(crate) fn plan(&self, state: &State, client: &Client) -> Plan {
        let settings = self.settings.load();
        decide(&settings.site, state, &settings.tree.now(), client)
    }

    /// True when we hear DHCP, and so every machine that begins to boot near us.
    pub(crate) fn hears_dhcp(&self) -> bool {
        !matches!(&*self.responder.lock(), Responder::Off)
    }

    /// True when we are the DHCP server.
    pub(crate) fn gives_addresses(&self) -> bool {
        matches!(&*self.responder.lock(), Responder::Server(_))
    }

    /// Puts an event about a machine, or about the server itself, into the journal.
    pub(crate) fn note(&self, mac: Option<Mac>, kind: EventKind) {
        let attempt = mac.and_then(|mac| self.attempts.lock().of(mac).map(|attempt| attempt.id));
        self.note_in(attempt, mac, kind);
    }

    fn note_in(&self, attempt: Option<AttemptId>, mac: Option<Mac>, kind: EventKind) {
        let host = mac.and_then(|mac| self.host_of(mac).or_else(|| self.configured_for(mac)));
        if mac.is_some() && host.is_none() {
            let room = self.quiet.lock().room_for_stranger(Instant::now());
            match room {
                Room::Yes(0) => {}
                Room::Yes(dropped) => {
                    let what = format!(
                        "{dropped} events about machines that are no hosts were not kept: too many came at once"
                    );
                    self.note_in(None, None, EventKind::Trouble { what });
                }
                Room::No => return self.metrics.dropped(),
            }
        }
        self.store.note(NewEvent { attempt, mac, host, kind });
    }

    fn host_of(&self, mac: Mac) -> Option<HostName> {
        self.store.state().by_mac(mac).map(|record| record.host.name.clone())
    }

    /// A host that was found by its UUID boots with a MAC that it is not known by.
    fn configured_for(&self, mac: Mac) -> Option<HostName> {
        self.attempts.lock().of(mac).and_then(|attempt| attempt.host.clone())
    }

    /// As [`Appliance::note`], but the same thing about the same machine only once a minute.
    pub(crate) fn note_once_in_a_while(&self, mac: Option<Mac>, from: Option<IpAddr>, kind: EventKind) {
        if self.may_tell((mac, from, kind.to_string())) {
            self.note(mac, kind);
        }
    }

    pub(crate) fn may_tell(&self, what: impl Hash) -> bool {
        self.quiet.lock().may_tell(Instant::now(), what)
    }

    /// Journals what an observation led to, and submits what it wishes.
    pub(crate) fn take(self: &Arc<Self>, step: Step) {
        for (attempt, mac, kind) in step.events {
            self.note_in(Some(attempt), Some(mac), kind);
        }
        if let Some(wish) = step.wish {
            self.submit_in_background(wish);
        }
    }

    /// A host that used up its attempts is taken off its installer for good when it comes again.
    pub(crate) fn give_up_if_exhausted(self: &Arc<Self>, plan: &Plan) {
        if plan.exhausted
            && let (Some(name), Some(armed)) = (plan.host.clone(), plan.armed)
        {
            self.submit_in_background(Command::GiveUp { name, armed, reason: plan.why.clone() });
        }
    }

    fn submit_in_background(self: &Arc<Self>, command: Command) {
        let app = Arc::clone(self);
        tokio::spawn(async move {
            match app.store.submit(command).await {
                // Somebody assigned something else meanwhile: theirs holds.
                Ok(_) | Err(nextboot_store::SubmitError::Refused(_)) => {}
                Err(error) => {
                    app.note(
                        None,
                        EventKind::Trouble { what: format!("a change cannot be written: {error}") },
                    );
                }
            }
        });
    }

    /// Whose address this is, by our lease, else by the kernel's neighbour table: good enough for a machine to speak for
    /// itself.
    pub(crate) async fn owner(&self, address: IpAddr) -> Option<Mac> {
        if let Some(mac) = self.leased_to(address) {
            return Some(mac);
        }
        let now = Instant::now();
        if let Some(owner) = self.owners.lock().of(now, address) {
            return owner;
        }
        // On the heap: it is large, and seldom asked.
        match Box::pin(self.network.neighbour(address)).await {
            // In a moment it may.
            Ok(Neighbour::Unknown) => None,
            Ok(neighbour) => {
                let owner = match neighbour {
                    Neighbour::Known(mac) => Some(Mac(mac)).filter(Mac::is_machine),
                    Neighbour::Unknown | Neighbour::Elsewhere => None,
                };
                self.owners.lock().remember(now, address, owner);
                owner
            }
            Err(error) => {
                tracing::warn!(%error, "cannot read the neighbour table");
                None
            }
        }
    }

    fn leased_to(&self, address: IpAddr) -> Option<Mac> {
        let IpAddr::V4(address) = address else { return None };
        let responder = self.responder.lock();
        let lease = responder.leases()?.get(address)?;
        lease.is_bound(clock::now()).then_some(lease.mac)
    }

    /// Who was heard to have this address: by our lease, or by what another server and it said on the wire.
    pub(crate) fn heard_at(&self, address: IpAddr) -> Option<Mac> {
        self.leased_to(address).or_else(|| self.attempts.lock().at(address))
    }

    /// Who asks, as far as the address tells: by our lease, by what we heard on the wire, by the neighbour table.
    pub(crate) async fn client_at(&self, address: IpAddr) -> Client {
        let mac = match self.heard_at(address) {
            Some(mac) => Some(mac),
            None => self.owner(address).await,
        };
        self.client_of(mac, Some(address))
    }

    /// A machine, with what the attempt that it is in tells of it.
    pub(crate) fn client_of(&self, mac: Option<Mac>, address: Option<IpAddr>) -> Client {
        let attempts = self.attempts.lock();
        let attempt = mac.and_then(|mac| attempts.of(mac));
        let known = attempt.map_or_else(Client::default, |attempt| Client {
            arch: attempt.arch,
            uuid: attempt.uuid,
            picked: attempt.picked,
            ..Client::default()
        });
        Client { mac, address, ..known }
    }
}
