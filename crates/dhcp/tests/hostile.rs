//! The corpus of hostile packets against a server and a proxy: whatever comes in, the right ones are answered, nobody else is,
//! and no packet makes more work than any other.
#![allow(clippy::unwrap_used)]

use std::cell::Cell;
use std::collections::{BTreeMap, HashSet};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::LazyLock;

use ipnet::Ipv4Net;
use nextboot_dhcp::{
    Arrival, Boot, BootAnswer, Destination, Heard, IdentityRule, LimitConfig, Note, Outcome, Parameters,
    PoolRange, Port, Proxy, ProxyConfig, Reservations, Reserved, Seen, Sending, Server, ServerConfig, Subnet,
    Why,
};
use nextboot_firmware::hostile::{Case, Fate, To, corpus};
use nextboot_firmware::message::{Kind, Message, Received};
use nextboot_model::{Mac, Timestamp, Uuid};
use proptest::prelude::*;

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
/// How much more goes out than came in, at most. A packet without option 57 can get 548 bytes for 244 of its own.
const LARGEST: usize = 3;

fn network() -> Ipv4Net {
    "10.0.0.0/24".parse().unwrap()
}

fn server(authoritative: bool) -> Server {
    server_with(ServerConfig { authoritative, ..ServerConfig::default() })
}

/// A server of the network with these settings.
fn server_with(config: ServerConfig) -> Server {
    let pools = vec![PoolRange { first: Ipv4Addr::new(10, 0, 0, 100), last: Ipv4Addr::new(10, 0, 0, 199) }];
    let dns = vec![SERVER, Ipv4Addr::new(10, 0, 0, 2)];
    let parameters = Parameters {
        routers: vec![Ipv4Addr::new(10, 0, 0, 254)],
        dns,
        domain: Some("lab.example".to_owned()),
        ..Parameters::default()
    };
    let subnet = Subnet { pools, parameters, ..Subnet::new(network()) };
    Server::new(ServerConfig { subnets: vec![subnet], ..config }, Vec::new())
}

fn proxy() -> Proxy {
    Proxy::new(ProxyConfig { networks: vec![network()], ..ProxyConfig::default() })
}

fn arrival(from: SocketAddrV4, to: To) -> Arrival {
    Arrival {
        interface: 2,
        local: format!("{SERVER}/24").parse().unwrap(),
        source: from,
        port: if to == To::BootServer { Port::Pxe } else { Port::Dhcp },
        broadcast: to == To::All,
    }
}

fn boot() -> BootAnswer {
    BootAnswer::Boot(Boot {
        next_server: SERVER,
        server_name: None,
        file: "pxelinux.0".to_owned(),
        options: Vec::new(),
    })
}

/// Counts what a packet makes the server look up.
#[derive(Default)]
struct Counted(Cell<usize>);

impl Reservations for Counted {
    fn reserved(&self, _: Mac, _: Option<Uuid>, _: Ipv4Net) -> Option<Reserved> {
        self.0.set(self.0.get() + 1);
        None
    }

    fn name(&self, _: Mac, _: Option<Uuid>) -> Option<String> {
        self.0.set(self.0.get() + 1);
        None
    }

    fn is_reserved(&self, _: Ipv4Addr) -> bool {
        self.0.set(self.0.get() + 1);
        false
    }
}

/// What a responder makes of a case; nothing of what is no request.
fn handle(case: &Case, responder: &mut dyn FnMut(&Arrival, &Seen) -> Outcome) -> Outcome {
    match Seen::read(&case.bytes) {
        Ok(seen) => responder(&arrival(case.from, case.to), &seen),
        Err(_) => Outcome::default(),
    }
}

/// Whatever was asked: an answer is for the sender, well formed, and no larger than the sender can read.
fn check(case: &Case, sent: &Sending) {
    let what = format!("{}, {}: {sent:?}", case.class, case.name);
    let asked = Received::read(&case.bytes).unwrap();
    let reply = Received::read(&sent.bytes).unwrap();
    assert_eq!((reply.header.op, reply.header.xid), (2, asked.header.xid), "{what}");
    assert_eq!(reply.header.chaddr, asked.header.chaddr, "{what}");
    // A relay may put its own address there, in a network that we know (RFC 5107).
    let relayed = !asked.header.giaddr.is_unspecified();
    let names = |server: Ipv4Addr| server == SERVER || (relayed && network().contains(&server));
    assert!(reply.server_id().is_some_and(names), "{what}");
    assert!(reply.end && reply.options.iter().all(|option| !option.value.is_empty()), "{what}");
    assert!(!reply.has(52), "{what}");
    assert!((300..=1472).contains(&sent.bytes.len()), "{what}");
    assert!(
        sent.bytes.len() <= case.bytes.len() * LARGEST,
        "{} for {}: {what}",
        sent.bytes.len(),
        case.bytes.len()
    );
    let given = reply.header.yiaddr;
    assert!(
        given.is_unspecified() || (100..200).contains(&given.octets()[3]) && network().contains(&given),
        "{what}"
    );
    match sent.to {
        Destination::Broadcast => {}
        Destination::Direct { ip, mac } => assert!(ip == given && mac == asked.header.mac(), "{what}"),
        Destination::Relay(to) => {
            assert_eq!(*to.ip(), asked.header.giaddr, "{what}");
            assert!(network().contains(to.ip()), "{what}");
        }
        Destination::Unicast(to) => {
            assert!(network().contains(to.ip()), "{what}");
            assert!(*to.ip() == asked.header.ciaddr || *to.ip() == *case.from.ip(), "{what}");
        }
    }
}

/// Runs the whole corpus and returns how many packets of each fate were answered.
fn run(responder: &mut dyn FnMut(&Arrival, &Seen) -> Outcome) -> BTreeMap<&'static str, usize> {
    let mut answered = BTreeMap::new();
    for case in corpus(SERVER) {
        // Nor does it harm who only listens to other servers.
        let _ = Heard::read(&case.bytes);
        let out = handle(&case, responder);
        assert!(out.replies.len() <= 1 && out.notes.len() <= 300 && out.lease_changes.len() <= 8, "{case:?}");
        out.replies.iter().for_each(|sent| check(&case, sent));
        let (what, replies) = (format!("{}, {}: {:?}", case.class, case.name, out.notes), out.replies.len());
        match case.fate {
            Fate::Silence => assert_eq!(replies, 0, "{what}"),
            Fate::Answer => assert_eq!(replies, 1, "{what}"),
            Fate::Either => {}
        }
        *answered.entry(case.class).or_default() += replies;
    }
    answered
}

#[test]
fn a_server_answers_what_is_harmless_and_nothing_else() {
    for config in [
        ServerConfig::default(),
        ServerConfig { authoritative: true, ..ServerConfig::default() },
        ServerConfig { identity: IdentityRule::ClientId, ..ServerConfig::default() },
        ServerConfig { cache_threshold: 50, probe: true, link_selection: false, ..ServerConfig::default() },
    ] {
        let mut server = server_with(config);
        let counted = Counted::default();
        let answered = run(&mut |arrival, seen| {
            let before = counted.0.get();
            let out = server.handle(Timestamp(1_000_000), arrival, seen, &boot(), &counted);
            let looked = counted.0.get() - before;
            assert!(looked <= 12, "one packet made {looked} look-ups: {seen:?}");
            out
        });
        assert!(answered["host name"] > 10 && answered["spoofed"] == 0, "{answered:?}");
        assert!(server.leases().iter().count() <= 100, "a pool's addresses are all there are");
        let kept = server.leases().iter().flat_map(|lease| &lease.client_id).map(Vec::len).max();
        assert!(kept <= Some(255), "{kept:?}");
    }
}

#[test]
fn a_proxy_answers_what_is_harmless_and_nothing_else() {
    let mut proxy = proxy();
    let answered = run(&mut |arrival, seen| {
        let out = proxy.handle(Timestamp(1_000_000), arrival, seen, &boot());
        assert!(out.lease_changes.is_empty());
        out
    });
    assert!(
        answered["host name"] > 10 && answered["wishes"] > 10 && answered["spoofed"] == 0,
        "{answered:?}"
    );
}

/// What a server wrote it must be able to read (CVE-2019-6474), and what it kept of hostile packets must not keep it from
/// serving others.
#[test]
fn what_a_server_keeps_of_it_a_new_one_can_read() {
    let mut server = server(false);
    run(&mut |arrival, seen| server.handle(Timestamp(1_000_000), arrival, seen, &boot(), &()));
    let kept: Vec<_> = server.leases().iter().cloned().collect();
    let mut again =
        Server::new(ServerConfig { subnets: vec![subnet()], ..ServerConfig::default() }, kept.clone());
    assert_eq!(again.leases().iter().count(), kept.len());
    run(&mut |arrival, seen| again.handle(Timestamp(2_000_000), arrival, seen, &boot(), &()));
}

fn subnet() -> Subnet {
    let pools = vec![PoolRange { first: Ipv4Addr::new(10, 0, 0, 100), last: Ipv4Addr::new(10, 0, 0, 199) }];
    Subnet { pools, ..Subnet::new(network()) }
}

/// Two of our own kind on one wire: neither makes anything of what the other says, so they cannot keep each other busy.
#[test]
fn our_own_replies_are_answered_by_nobody() {
    let mut replies = Vec::new();
    let mut server = server(true);
    run(&mut |arrival, seen| {
        let out = server.handle(Timestamp(1_000_000), arrival, seen, &boot(), &());
        replies.extend(out.replies.iter().map(|sent| sent.bytes.clone()));
        out
    });
    let mut proxy = proxy();
    run(&mut |arrival, seen| {
        let out = proxy.handle(Timestamp(1_000_000), arrival, seen, &boot());
        replies.extend(out.replies.iter().map(|sent| sent.bytes.clone()));
        out
    });
    assert!(replies.len() > 500, "{}", replies.len());
    for bytes in replies {
        assert!(Seen::read(&bytes).is_err());
    }
}

/// One sender that sends the corpus again and again under one hardware address is cut off; another is served.
#[test]
fn one_machine_s_flood_of_all_of_it_takes_nothing_from_others() {
    let mut server = server(false);
    let mut answered = 0;
    for _ in 0..20 {
        for case in corpus(SERVER) {
            let mut bytes = case.bytes;
            let Some(chaddr) = bytes.get_mut(28..34) else { continue };
            chaddr.copy_from_slice(&[2, 0, 0, 0, 0, 9]);
            let Ok(seen) = Seen::read(&bytes) else { continue };
            let out = server.handle(Timestamp(1_000_000), &arrival(case.from, case.to), &seen, &boot(), &());
            answered += out.replies.len();
        }
    }
    assert!(answered <= 20, "{answered}");
    let good = Message::new(Mac([2, 0, 0, 0, 0, 8])).kind(Kind::DISCOVER).bytes();
    let from = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68);
    let seen = Seen::read(&good).unwrap();
    assert_eq!(
        server.handle(Timestamp(1_000_000), &arrival(from, To::All), &seen, &boot(), &()).replies.len(),
        1
    );
}

/// Clones of one disk image may draw the same number; each gets its own answer.
#[test]
fn two_machines_with_one_transaction_get_an_address_each() {
    let mut server = server(false);
    let from = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68);
    let offers: HashSet<(Mac, Ipv4Addr)> = (1..=2)
        .map(|number| {
            let machine = Message::new(Mac([2, 0, 0, 0, 0, number])).set(|header| header.xid = 7);
            let seen = Seen::read(&machine.kind(Kind::DISCOVER).bytes()).unwrap();
            let out = server.handle(Timestamp(1), &arrival(from, To::All), &seen, &boot(), &());
            let offer = Received::read(&out.replies[0].bytes).unwrap();
            assert_eq!((offer.header.xid, offer.header.mac()), (7, seen.client().mac));
            (offer.header.mac(), offer.header.yiaddr)
        })
        .collect();
    let addresses: HashSet<Ipv4Addr> = offers.iter().map(|(_, address)| *address).collect();
    assert_eq!((offers.len(), addresses.len()), (2, 2), "{offers:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    /// Two cases spliced, then damaged: no panic, and what is answered is answered rightly.
    #[test]
    fn damage_to_all_of_it_is_survived(
        one: prop::sample::Index,
        other: prop::sample::Index,
        splice in prop::option::of(any::<prop::sample::Index>()),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut in prop::option::of(any::<prop::sample::Index>()),
        authoritative: bool,
    ) {
        static CORPUS: LazyLock<Vec<Case>> = LazyLock::new(|| corpus(SERVER));
        let mut case = CORPUS[one.index(CORPUS.len())].clone();
        let bytes = &mut case.bytes;
        if let Some(at) = splice.map(|at| at.index(bytes.len() + 1)) {
            let tail = &CORPUS[other.index(CORPUS.len())].bytes;
            bytes.truncate(at);
            bytes.extend(tail.iter().skip(at));
        }
        for (at, byte) in damage {
            let at = at.index(bytes.len().max(1));
            bytes.iter_mut().skip(at).take(1).for_each(|old| *old = byte);
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len() + 1));
        }
        let mut server = server(authoritative);
        let mut proxy = proxy();
        for _ in 0..2 {
            let of_server = handle(&case, &mut |arrival, seen| {
                server.handle(Timestamp(1), arrival, seen, &boot(), &())
            });
            let of_proxy =
                handle(&case, &mut |arrival, seen| proxy.handle(Timestamp(1), arrival, seen, &boot()));
            of_server.replies.iter().chain(&of_proxy.replies).for_each(|sent| check(&case, sent));
        }
    }
}

/// DECLINE and RELEASE by who holds nothing change nothing, whoever's addresses they name.
#[test]
fn strangers_cannot_take_away_what_others_hold() {
    let limits = LimitConfig { client_burst: u32::MAX, burst: u32::MAX, ..LimitConfig::default() };
    let config = ServerConfig { subnets: vec![subnet()], limits, ..ServerConfig::default() };
    let mut server = Server::new(config, Vec::new());
    let from = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68);
    let send = |server: &mut Server, message: Message, from: SocketAddrV4, to: To| {
        let seen = Seen::read(&message.bytes()).unwrap();
        server.handle(Timestamp(1_000_000), &arrival(from, to), &seen, &boot(), &())
    };
    let holder = Mac([2, 0, 0, 0, 0, 1]);
    let out = send(&mut server, Message::new(holder).kind(Kind::DISCOVER), from, To::All);
    let address = Received::read(&out.replies[0].bytes).unwrap().header.yiaddr;
    let select = Message::new(holder).kind(Kind::REQUEST).address(54, SERVER).address(50, address);
    assert_eq!(send(&mut server, select, from, To::All).replies.len(), 1);
    let before: Vec<_> = server.leases().iter().cloned().collect();
    for number in 2..=255u8 {
        let thief = Mac([2, 0, 0, 0, 0, number]);
        let decline = Message::new(thief).kind(Kind::DECLINE).address(54, SERVER).address(50, address);
        let release = Message::new(thief).kind(Kind::RELEASE).address(54, SERVER);
        let release = release.set(|header| header.ciaddr = address);
        let declined = send(&mut server, decline, from, To::All);
        let released = send(&mut server, release, SocketAddrV4::new(address, 68), To::Server);
        for out in [declined, released] {
            assert_eq!((out.replies.len(), out.notes), (0, vec![Note::Ignored(Why::NotHolder)]));
        }
    }
    assert_eq!(before, server.leases().iter().cloned().collect::<Vec<_>>());
}

/// A machine that declines whatever it is offered, under ever new hardware addresses, gets a tenth of the pool at most.
#[test]
fn a_flood_of_declines_leaves_most_of_the_pool() {
    let limits = LimitConfig { burst: u32::MAX, ..LimitConfig::default() };
    let config = ServerConfig { subnets: vec![subnet()], limits, ..ServerConfig::default() };
    let mut server = Server::new(config, Vec::new());
    let from = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68);
    let send = |server: &mut Server, message: Message| {
        let seen = Seen::read(&message.bytes()).unwrap();
        server.handle(Timestamp(1_000_000), &arrival(from, To::All), &seen, &boot(), &())
    };
    for number in 0..1000u16 {
        let [high, low] = number.to_be_bytes();
        let mac = Mac([6, 0, 0, 0, high, low]);
        let out = send(&mut server, Message::new(mac).kind(Kind::DISCOVER));
        let Some(sent) = out.replies.first() else { continue };
        let address = Received::read(&sent.bytes).unwrap().header.yiaddr;
        for kind in [Kind::REQUEST, Kind::DECLINE] {
            send(&mut server, Message::new(mac).kind(kind).address(54, SERVER).address(50, address));
        }
    }
    let given: HashSet<Ipv4Addr> = (1..=80u8)
        .filter_map(|number| {
            let mac = Mac([2, 0, 0, 0, 0, number]);
            let out = send(&mut server, Message::new(mac).kind(Kind::DISCOVER));
            let address = Received::read(&out.replies.first()?.bytes).ok()?.header.yiaddr;
            let select = Message::new(mac).kind(Kind::REQUEST).address(54, SERVER).address(50, address);
            let reply = Received::read(&send(&mut server, select).replies.first()?.bytes).ok()?;
            (reply.kind() == Some(Kind::ACK)).then_some(address)
        })
        .collect();
    assert_eq!(given.len(), 80);
}
