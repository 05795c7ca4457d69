mod cache;
mod classes;
mod firmware;
mod identity;
mod messages;
mod pools;
mod probe;
mod property;
mod relays;
mod reservations;
mod shared;
mod starving;
mod states;

use std::{
    collections::HashMap,
    net::{Ipv4Addr, SocketAddrV4},
};

use ipnet::Ipv4Net;
use nextboot_model::{Lease, Mac, Timestamp, Uuid};

use super::*;
use crate::{
    Destination, Heard, IdentityRule, LimitConfig, Load,
    testkit::{Client, broadcast, reply, unicast},
};

pub(super) fn ip(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, last)
}

pub(super) fn net() -> Ipv4Net {
    "10.0.0.0/24".parse().unwrap()
}

/// 10.0.0.0/24 with one pool; leases of an hour; no limit on packets.
pub(super) fn config(first: u8, last: u8) -> ServerConfig {
    let limits = LimitConfig { client_burst: u32::MAX, burst: u32::MAX, ..LimitConfig::default() };
    let subnet = Subnet {
        pools: vec![PoolRange { first: ip(first), last: ip(last) }],
        parameters: Parameters {
            routers: vec![ip(254)],
            dns: vec![ip(253), ip(252)],
            domain: Some("example.org".to_owned()),
            search: vec!["example.org".to_owned(), "lab.example.org".to_owned()],
            ntp: vec![ip(251)],
            options: vec![SiteOption { code: 224, value: b"site".to_vec(), always: false }],
            never: Vec::new(),
        },
        lease_time: LeaseTime::Seconds(3600),
        ..Subnet::new(net())
    };
    ServerConfig { subnets: vec![subnet], limits, ..ServerConfig::default() }
}

/// A server, its clock, its hosts with addresses, and what a disk would have kept.
pub(super) struct World {
    pub(super) server: Server,
    pub(super) now: Timestamp,
    pub(super) hosts: Hosts,
    pub(super) disk: HashMap<Ipv4Addr, Lease>,
    /// False while the disk takes nothing.
    pub(super) disk_works: bool,
}

#[derive(Default)]
pub(super) struct Hosts(pub(super) Vec<(Mac, Ipv4Addr)>);

impl Reservations for Hosts {
    fn reserved(&self, mac: Mac, _: Option<Uuid>, network: Ipv4Net) -> Option<Reserved> {
        let mut mine = self.0.iter().filter(|(have, address)| *have == mac && network.contains(address));
        mine.next().map(|(_, address)| Reserved { address: *address, host_name: Some("node".to_owned()) })
    }

    fn name(&self, mac: Mac, _: Option<Uuid>) -> Option<String> {
        self.0.iter().any(|(have, _)| *have == mac).then(|| "node".to_owned())
    }

    fn is_reserved(&self, address: Ipv4Addr) -> bool {
        self.0.iter().any(|(_, reserved)| *reserved == address)
    }
}

impl World {
    pub(super) fn new(config: ServerConfig) -> Self {
        let now = Timestamp(1_800_000_000_000);
        Self {
            server: Server::new(config, Vec::new()),
            now,
            hosts: Hosts::default(),
            disk: HashMap::new(),
            disk_works: true,
        }
    }

    pub(super) fn pool(first: u8, last: u8) -> Self {
        Self::new(config(first, last))
    }

    pub(super) fn handle(&mut self, arrival: &Arrival, seen: &Seen, boot: &BootAnswer) -> Outcome {
        let out = self.server.handle(self.now, arrival, seen, boot, &self.hosts);
        self.keep(out)
    }

    /// Does what is due before replies leave: the changes go to the disk, if it works.
    pub(super) fn keep(&mut self, mut out: Outcome) -> Outcome {
        let changes = out.lease_changes.iter().filter(|change| change.must_be_durable());
        if !self.disk_works {
            if changes.count() > 0 {
                out.replies.clear();
            }
            return out;
        }
        for change in changes {
            match change {
                LeaseChange::Put(lease) => drop(self.disk.insert(lease.address, lease.clone())),
                LeaseChange::Remove(address) => drop(self.disk.remove(address)),
            }
        }
        self.server.written(&out.lease_changes);
        out
    }

    pub(super) fn send(&mut self, client: &Client) -> Outcome {
        self.handle(&broadcast(), &client.seen(), &BootAnswer::Silent)
    }

    pub(super) fn send_from(&mut self, source: Ipv4Addr, client: &Client) -> Outcome {
        let arrival = unicast(Port::Dhcp, SocketAddrV4::new(source, 68));
        self.handle(&arrival, &client.seen(), &BootAnswer::Silent)
    }

    pub(super) fn wait(&mut self, seconds: u64) {
        self.now = Timestamp(self.now.0 + seconds * 1000);
    }

    /// Loses the memory and starts again from the disk.
    pub(super) fn restart(&mut self) {
        let kept = self.disk.values().cloned().collect();
        self.server = Server::new(self.server.config.clone(), kept);
    }

    /// The address offered, if any.
    pub(super) fn offered(&mut self, client: &Client) -> Option<Ipv4Addr> {
        let out = self.send(client);
        (!out.replies.is_empty()).then(|| {
            let heard = reply(&out);
            assert_eq!(heard.message, Some(MessageType::Offer));
            heard.yiaddr
        })
    }

    /// DISCOVER, OFFER, REQUEST, ACK.
    pub(super) fn lease(&mut self, who: &Client) -> Ipv4Addr {
        let address = self.offered(&discover(who)).expect("an offer");
        let heard = reply(&self.send(&selecting(who, address)));
        assert_eq!((heard.message, heard.yiaddr), (Some(MessageType::Ack), address));
        address
    }
}

pub(super) fn discover(who: &Client) -> Client {
    who.clone().kind(1)
}

pub(super) fn selecting(who: &Client, address: Ipv4Addr) -> Client {
    who.clone().kind(3).address(54, ip(1)).address(50, address)
}

pub(super) fn init_reboot(who: &Client, address: Ipv4Addr) -> Client {
    who.clone().kind(3).address(50, address)
}

/// RENEWING or REBINDING, by the way it arrives.
pub(super) fn extending(who: &Client, address: Ipv4Addr) -> Client {
    who.clone().kind(3).ciaddr(address)
}

/// What came back, in short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Ack,
    Nak,
    Nothing,
}

pub(super) fn answer(out: &Outcome) -> Answer {
    if out.replies.is_empty() {
        return Answer::Nothing;
    }
    match reply(out).message {
        Some(MessageType::Ack) => Answer::Ack,
        Some(MessageType::Nak) => Answer::Nak,
        other => panic!("{other:?}"),
    }
}

pub(super) fn read(out: &Outcome) -> (Heard, Destination) {
    (reply(out), out.replies[0].to)
}
