//! Where management controllers are that are known by their MACs: by our leases, by what the kernel knows of its
//! neighbours, and by making it ask a whole network.

use std::{
    collections::{BTreeSet, HashMap},
    net::{IpAddr, Ipv4Addr},
    time::{Duration, Instant},
};

use ipnet::Ipv4Net;
use nextboot_model::Mac;
use nextboot_power::PowerError;
use tokio::{net::UdpSocket, time::sleep};

use crate::{
    appliance::{Appliance, Mutex},
    clock,
};

/// How many addresses are asked for at a time. The kernel keeps about a thousand unanswered questions, some seconds each.
const AT_A_TIME: usize = 128;
/// How long a neighbour may take to answer: the kernel asks three times, a second apart; the first gets lost seldom.
const ANSWER: Duration = Duration::from_millis(1100);
/// How long after a search the kernel still waits for those that did not answer. Until then it does not ask for them anew,
/// and somebody who was plugged in meanwhile would not be found.
const GIVES_UP: Duration = Duration::from_millis(2200);
/// How long a network is not searched again for somebody who was not there.
const SEARCHED: Duration = Duration::from_secs(60);
/// Most addresses remembered.
const MOST: usize = 65_536;
/// Nobody need listen there: what counts is that the kernel asks who has the address.
const DISCARD: u16 = 9;

/// What was found, and where was looked.
#[derive(Debug, Default)]
pub(crate) struct Controllers {
    found: FoundAt,
    searched: SearchedAt,
    /// Held while networks are searched: one search fills the kernel's table as it is.
    searching: tokio::sync::Mutex<()>,
}

/// Addresses by MAC.
#[derive(Debug)]
struct FoundAt(Mutex<HashMap<Mac, Ipv4Addr>>);

/// When each network was searched last.
#[derive(Debug)]
struct SearchedAt(Mutex<HashMap<Ipv4Net, Instant>>);

impl Default for FoundAt {
    fn default() -> Self {
        Self(Mutex::new(HashMap::new()))
    }
}

impl Default for SearchedAt {
    fn default() -> Self {
        Self(Mutex::new(HashMap::new()))
    }
}

impl Appliance {
    /// Where the controller with this MAC is.
    pub(super) async fn controller(&self, mac: Mac, subnet: Option<Ipv4Net>) -> Result<Ipv4Addr, PowerError> {
        if let Some(address) = self.known_controller(mac) {
            return Ok(address);
        }
        self.take_neighbours().await;
        if let Some(address) = self.known_controller(mac) {
            return Ok(address);
        }
        let mut searched = String::new();
        if let Some(subnet) = subnet {
            self.search(subnet, SEARCHED).await;
            if let Some(address) = self.known_controller(mac) {
                return Ok(address);
            }
            searched = format!(", and nobody in {subnet} has this address");
        }
        Err(PowerError::NotFound { mac, searched })
    }

    /// The same, without looking further than into memory. A lease of ours is newer than what was found once.
    pub(super) fn known_controller(&self, mac: Mac) -> Option<Ipv4Addr> {
        let leased = {
            let responder = self.responder.lock();
            let now = clock::now();
            responder.leases().and_then(|leases| {
                leases.iter().find(|lease| lease.mac == mac && lease.is_bound(now)).map(|lease| lease.address)
            })
        };
        leased.or_else(|| self.switches.controllers.found.0.lock().get(&mac).copied())
    }

    /// Forgets what was found and searches these networks.
    pub(super) async fn find_again(&self, subnets: impl Iterator<Item = Ipv4Net>) {
        self.switches.controllers.found.0.lock().clear();
        self.take_neighbours().await;
        for subnet in subnets.collect::<BTreeSet<_>>() {
            self.search(subnet, Duration::ZERO).await;
        }
    }

    /// Takes what the kernel knows of its neighbours now.
    async fn take_neighbours(&self) {
        match self.network.neighbours().await {
            Ok(neighbours) => {
                let mut found = self.switches.controllers.found.0.lock();
                for (address, mac) in neighbours {
                    if found.len() < MOST || found.contains_key(&Mac(mac)) {
                        found.insert(Mac(mac), address);
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "cannot read the neighbour table"),
        }
    }

    /// Makes the kernel ask for every address of a network, which is one of those that we are attached to; not when it did
    /// within this time. Whoever waits for another's search of the same network needs none of its own.
    async fn search(&self, subnet: Ipv4Net, unless_within: Duration) {
        let _alone = self.switches.controllers.searching.lock().await;
        let (same, overlapping) = {
            let searched = self.switches.controllers.searched.0.lock();
            let overlaps = |other: &Ipv4Net| other.contains(&subnet) || subnet.contains(other);
            let all = searched.iter().filter(|(other, _)| overlaps(other));
            (searched.get(&subnet).map(Instant::elapsed), all.map(|(_, at)| at.elapsed()).min())
        };
        if same.is_some_and(|ago| ago < unless_within) {
            return;
        }
        if let Some(ago) = overlapping {
            sleep(GIVES_UP.saturating_sub(ago)).await;
        }
        match self.ask_all(subnet).await {
            Ok(()) => {}
            Err(why) => tracing::warn!(%subnet, why, "cannot look for management controllers"),
        }
        let mut searched = self.switches.controllers.searched.0.lock();
        searched.retain(|_, at| at.elapsed() < SEARCHED);
        searched.insert(subnet, Instant::now());
    }

    async fn ask_all(&self, subnet: Ipv4Net) -> Result<(), String> {
        let interfaces = self.network.interfaces().await.map_err(|error| error.to_string())?;
        let own: BTreeSet<Ipv4Addr> =
            interfaces.iter().flat_map(|interface| interface.ipv4()).map(|(address, _)| address).collect();
        if !own.iter().any(|address| subnet.contains(address)) {
            return Err("no interface has an address in it; behind a router nobody sees MAC addresses".into());
        }
        let socket = UdpSocket::bind((IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0));
        let socket = socket.await.map_err(|error| error.to_string())?;
        let others: Vec<Ipv4Addr> = subnet.hosts().filter(|address| !own.contains(address)).collect();
        for some in others.chunks(AT_A_TIME) {
            for address in some {
                // Refused, unreachable: it is asked for all the same.
                let _ = socket.send_to(&[0], (*address, DISCARD)).await;
            }
            sleep(ANSWER).await;
            self.take_neighbours().await;
        }
        Ok(())
    }
}
