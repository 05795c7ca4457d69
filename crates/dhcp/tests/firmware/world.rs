//! The network of the captures, and this crate in each of its parts.

use std::net::{Ipv4Addr, SocketAddrV4};

use nextboot_dhcp::{
    Arrival, Boot, BootAnswer, ClientKind, Destination, Outcome, Parameters, PoolRange, Port, Proxy,
    ProxyConfig, Seen, Sending, Server, ServerConfig, Subnet, Ways,
};
use nextboot_firmware::message::Received;
use nextboot_model::{OfferWay, Timestamp};

use crate::pcap::{self, Datagram};

pub(crate) const SERVER: Ipv4Addr = Ipv4Addr::new(192, 168, 77, 1);
pub(crate) const PROXY: Ipv4Addr = Ipv4Addr::new(192, 168, 77, 2);
pub(crate) const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 168, 77, 100);
pub(crate) const ROUTER: Ipv4Addr = Ipv4Addr::new(192, 168, 77, 254);

/// What we are in the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Server,
    Direct,
    Binl,
}

pub(crate) const ROLES: [Role; 3] = [Role::Server, Role::Direct, Role::Binl];

impl Role {
    /// Our address: the one that the captured machines' REQUESTs and port 4011 requests went to.
    pub(crate) fn address(self) -> Ipv4Addr {
        if self == Self::Server { SERVER } else { PROXY }
    }
}

pub(crate) fn server() -> Server {
    let pools = vec![PoolRange { first: CLIENT, last: Ipv4Addr::new(192, 168, 77, 200) }];
    let network = "192.168.77.0/24".parse().unwrap();
    let parameters = Parameters { routers: vec![ROUTER], dns: vec![SERVER], ..Parameters::default() };
    let subnet = Subnet { pools, parameters, ..Subnet::new(network) };
    Server::new(ServerConfig { subnets: vec![subnet], ..ServerConfig::default() }, Vec::new())
}

/// A file that this kind of client can use.
pub(crate) fn file_for(kind: ClientKind) -> &'static str {
    match kind {
        ClientKind::UefiHttp => "http://192.168.77.1/shimx64.efi",
        ClientKind::Ipxe => "http://192.168.77.1/boot.ipxe",
        _ => "shimx64.efi",
    }
}

pub(crate) fn boot(file: &str) -> BootAnswer {
    BootAnswer::Boot(Boot {
        next_server: Ipv4Addr::UNSPECIFIED,
        server_name: None,
        file: file.to_owned(),
        options: vec![(210, b"/tftp/".to_vec())],
    })
}

/// How a datagram reaches us in this role.
pub(crate) fn arrival(role: Role, from: SocketAddrV4, to: SocketAddrV4) -> Arrival {
    Arrival {
        interface: 2,
        local: format!("{}/24", role.address()).parse().unwrap(),
        source: from,
        port: if to.port() == 4011 { Port::Pxe } else { Port::Dhcp },
        broadcast: to.ip().is_broadcast(),
    }
}

/// What a machine that was just switched on is answered.
pub(crate) fn outcome(role: Role, datagram: &Datagram, answer: &BootAnswer) -> Outcome {
    let seen = Seen::read(&datagram.payload).unwrap();
    let arrival = arrival(role, datagram.from, datagram.to);
    let proxy = |uefi| {
        let networks = vec!["192.168.77.0/24".parse().unwrap()];
        let ways = Ways { uefi, ..Ways::default() };
        let config = ProxyConfig { ways, networks, ..ProxyConfig::default() };
        Proxy::new(config).handle(Timestamp(1), &arrival, &seen, answer)
    };
    match role {
        Role::Server => server().handle(Timestamp(1), &arrival, &seen, answer, &()),
        Role::Direct => proxy(OfferWay::Direct),
        Role::Binl => proxy(OfferWay::BootServer),
    }
}

/// A reply to one datagram.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) capture: String,
    pub(crate) role: Role,
    pub(crate) kind: ClientKind,
    /// The datagram that was answered.
    pub(crate) asked: Datagram,
    pub(crate) request: Received,
    pub(crate) reply: Received,
    pub(crate) sent: Sending,
}

impl Answered {
    /// Asked on port 4011.
    pub(crate) fn is_pxe(&self) -> bool {
        self.asked.to.port() == 4011
    }

    /// Where the reply goes.
    pub(crate) fn to(&self) -> Destination {
        self.sent.to
    }

    /// The whole exchange, for whoever reads why a test failed.
    pub(crate) fn what(&self) -> String {
        format!("{}, {:?}, {:?} asks {}: {:?}", self.capture, self.role, self.kind, self.asked.to, self.reply)
    }
}

/// The reply in this role; `None` for silence.
pub(crate) fn answered(role: Role, datagram: &Datagram) -> Option<Answered> {
    let kind = Seen::read(&datagram.payload).unwrap().client().kind;
    let mut out = outcome(role, datagram, &boot(file_for(kind)));
    assert!(out.replies.len() <= 1);
    let sent = out.replies.pop()?;
    Some(Answered {
        capture: String::new(),
        role,
        kind,
        asked: datagram.clone(),
        request: Received::read(&datagram.payload).unwrap(),
        reply: Received::read(&sent.bytes).unwrap(),
        sent,
    })
}

/// Every reply to every packet of every captured machine, in every role, with `change` made to the packet first.
pub(crate) fn all_changed(change: impl Fn(&mut Vec<u8>)) -> Vec<Answered> {
    let mut all = Vec::new();
    for capture in pcap::all() {
        for datagram in capture.requests() {
            let mut datagram = datagram.clone();
            change(&mut datagram.payload);
            for role in ROLES {
                let Some(answered) = answered(role, &datagram) else { continue };
                all.push(Answered { capture: capture.name.clone(), ..answered });
            }
        }
    }
    assert!(all.len() > 40, "{}", all.len());
    all
}

/// Every reply to every packet of every captured machine, in every role.
pub(crate) fn all() -> Vec<Answered> {
    all_changed(|_| {})
}
