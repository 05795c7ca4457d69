//! Hostile DHCP over a real cable, as DHCP server and as proxy, with everything logged: whatever is sent, the server goes on,
//! answers whom it should and nobody else, serves a well-behaved machine meanwhile, does not grow, and starts again on
//! what it kept.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nextboot_firmware::hostile::{Case, Fate, To, corpus};
use nextboot_firmware::message::{Kind, Message, Received};
use nextboot_model::Mac;
use nextboot_net::packet::build;
use nextboot_tests::site::{Dhcp, SmallInstaller};
use nextboot_tests::wire::{Cable, ethernet, fragments, server as our_address};
use nextboot_tests::{Lab, Namespace, PATIENCE, Server};

/// How often a machine asks within that time.
const TRIES: u32 = 24;
/// How much the server may grow under rounds of the corpus after the first, in KiB. One round is 1300 packets: a leak of 16
/// bytes a packet would not show, one of a packet's size would.
const GROWTH: u64 = 8 * 1024;
/// Rounds of the corpus after the first.
const ROUNDS: usize = 6;

const NOBODY: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68);
const ALL: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::BROADCAST, 67);

struct Scene<'a> {
    lab: &'a Lab,
    server: Server,
    dhcp: Dhcp,
    bad: Cable,
    good: Cable,
    /// The hardware address of the server's interface.
    link: [u8; 6],
    /// Exchanges of well-behaved machines so far.
    exchanges: u16,
    _homes: [Namespace; 2],
}

impl<'a> Scene<'a> {
    fn new(lab: &'a Lab, dhcp: Dhcp, log: &str) -> Result<Self> {
        let config = SmallInstaller::new(lab)?.config(dhcp, "");
        let config = config.replace("[boot]\n", "[boot]\nunknown = \"profile:local\"\n");
        let server = lab.server(&format!("log = {log:?}\n{config}"))?;
        let homes = [lab.join("10.77.0.66/24")?, lab.join("10.77.0.20/24")?];
        let link = lab.namespace().run("cat", &["/sys/class/net/br0/address"])?;
        Ok(Self {
            lab,
            server,
            dhcp,
            bad: Cable::new(&homes[0])?,
            good: Cable::new(&homes[1])?,
            link: link.trim().parse::<Mac>().with_context(|| link.clone())?.0,
            exchanges: 0,
            _homes: homes,
        })
    }

    fn send(&self, case: &Case) -> Result<()> {
        self.frames(case)?.iter().try_for_each(|frame| self.bad.send_frame(frame))
    }

    /// The case as it goes over a cable of 1500 bytes.
    fn frames(&self, case: &Case) -> Result<Vec<Vec<u8>>> {
        let (to, link) = match case.to {
            To::All => (ALL, [0xff; 6]),
            To::Server => (SocketAddrV4::new(our_address(), 67), self.link),
            To::BootServer => (SocketAddrV4::new(our_address(), 4011), self.link),
        };
        let packets = fragments(&build(case.from, to, &case.bytes).context("too long")?);
        Ok(packets.iter().map(|packet| ethernet(case.mac.0, link, packet)).collect())
    }

    /// A machine that does all right, on a cable of its own, and its address; none where we give none. It is iPXE: a proxy
    /// answers that, and always in one way.
    fn well(&mut self, number: u8) -> Result<Option<Ipv4Addr>> {
        let mac = Mac([2, 0, 0, 0, 1, number]);
        let offer = self.ask(ipxe(mac, Kind::DISCOVER))?;
        ensure!(offer.kind() == Some(Kind::OFFER), "{offer:?}");
        ensure!(offer.header.siaddr == our_address() && offer.header.file[0] != 0, "no boot file: {offer:?}");
        if self.dhcp == Dhcp::Proxy {
            return Ok(None);
        }
        let address = offer.header.yiaddr;
        let ack = self.ask(ipxe(mac, Kind::REQUEST).address(54, our_address()).address(50, address))?;
        ensure!(ack.kind() == Some(Kind::ACK) && ack.header.yiaddr == address, "{ack:?}");
        Ok(Some(address))
    }

    fn ask(&mut self, message: Message) -> Result<Received> {
        self.exchanges += 1;
        let xid = 0x600d_0000 | u32::from(self.exchanges);
        let message = message.set(|header| header.xid = xid);
        // As every client does: what the kernel dropped in a storm is asked again.
        for _ in 0..TRIES {
            self.good.send((message.header.mac().0, [0xff; 6]), NOBODY, ALL, &message.bytes())?;
            let deadline = Instant::now() + PATIENCE / TRIES;
            while let Some(reply) = hear(&self.good, deadline)? {
                if reply.header.xid == xid {
                    return Ok(reply);
                }
            }
        }
        anyhow::bail!("the well-behaved machine got no answer")
    }

    /// Everything of one class, and the well-behaved machine behind it.
    fn class(&mut self, cases: &[Case]) -> Result<()> {
        let Some(first) = cases.first() else { return Ok(()) };
        let mut open: BTreeMap<u32, &Case> = BTreeMap::new();
        for some in cases.chunks(100) {
            // The kernel's queue has a bound, too.
            for case in some {
                self.send(case)?;
                if case.fate == Fate::Answer {
                    open.insert(case.xid, case);
                }
            }
            let deadline = Instant::now() + PATIENCE;
            while !open.is_empty() {
                let Some(reply) = hear(&self.bad, deadline)? else { break };
                self.check(cases, &reply)?;
                open.remove(&reply.header.xid);
            }
            ensure!(
                open.is_empty(),
                "not answered: {:#?}",
                open.values().map(|case| &case.name).collect::<Vec<_>>()
            );
        }
        // In turns, for a server may bound what one machine asks in a second.
        let number = 10 + (self.exchanges / 2 % 60) as u8;
        self.well(number).with_context(|| format!("after the class \"{}\"", first.class))?;
        // All that was sent has been handled now, for packets are handled one behind the other.
        while let Some(reply) = hear(&self.bad, Instant::now() + Duration::from_millis(5))? {
            self.check(cases, &reply)?;
        }
        self.server.alive()
    }

    /// Whatever was asked: nobody is answered who should not be, and the answer is well formed.
    fn check(&self, cases: &[Case], reply: &Received) -> Result<()> {
        ensure!(reply.server_id() == Some(our_address()), "whose is this? {reply:?}");
        let asked = cases.iter().find(|case| case.mac == reply.header.mac() && case.xid == reply.header.xid);
        if let Some(case) = asked {
            ensure!(case.fate != Fate::Silence, "{}, {} is answered: {reply:?}", case.class, case.name);
        }
        let sound = reply.end && reply.options.iter().all(|option| !option.value.is_empty());
        ensure!(sound && !reply.has(52) && (300..=1472).contains(&reply.bytes.len()), "{reply:?}");
        Ok(())
    }

    fn round(&mut self) -> Result<()> {
        let cases = corpus(our_address());
        for class in cases.chunk_by(|one, other| one.class == other.class) {
            self.class(class)?;
        }
        Ok(())
    }
}

/// The next message of a server on this cable.
fn hear(cable: &Cable, deadline: Instant) -> Result<Option<Received>> {
    while let Some(datagram) = cable.hear(deadline)? {
        if [67, 4011].contains(&datagram.from.port())
            && let Ok(reply) = Received::read(&datagram.payload)
            && reply.header.op == 2
            && *datagram.from.ip() == our_address()
        {
            return Ok(Some(reply));
        }
    }
    Ok(None)
}

fn ipxe(mac: Mac, kind: Kind) -> Message {
    let rom = Message::new(mac).broadcast().kind(kind).option(60, "PXEClient:Arch:00000:UNDI:002001");
    rom.option(93, [0, 0]).option(77, "iPXE").option(55, [1, 3, 6])
}

fn everything(name: &str, dhcp: Dhcp) {
    Lab::run(name, |lab| {
        let mut scene = Scene::new(lab, dhcp, "trace")?;
        let address = scene.well(1)?;
        let kept = scene.well(2)?;
        scene.round()?;
        let before = scene.server.resident_kib()?;
        for _ in 0..ROUNDS {
            scene.round()?;
        }
        let after = scene.server.resident_kib()?;
        println!("resident: {before} KiB after one round, {after} KiB after {ROUNDS} more");
        ensure!(after < before + GROWTH, "the server grew from {before} to {after} KiB");

        // What was written of all that can be read (CVE-2019-6474), after an end in good order and after none.
        let status = scene.server.stop()?;
        ensure!(status.success(), "{status}");
        scene.server.restart()?;
        ensure!(scene.well(1)? == address, "the machine's address after a restart");
        scene.round()?;
        scene.server.kill9();
        scene.server.restart()?;
        ensure!(scene.well(2)? == kept, "the machine's address after a power failure");
        let log = scene.server.log().text();
        ensure!(log.contains("TRACE") || log.contains("DEBUG"), "this was to be logged in full");
        ensure!(!log.contains("panicked") && !log.contains('\x1b'), "{}", scene.lab.dir().display());
        Ok(())
    });
}

/// Machines boot while all of it comes as fast as another machine can send it, at the server's usual level of logging.
fn storm(name: &str, dhcp: Dhcp) {
    Lab::run(name, |lab| {
        let mut scene = Scene::new(lab, dhcp, "info")?;
        let home = lab.join("10.77.0.67/24")?;
        let cable = Cable::new(&home)?;
        let frames: Vec<Vec<u8>> =
            corpus(our_address()).iter().map(|case| scene.frames(case)).collect::<Result<Vec<_>>>()?.concat();
        let (stop, sent) = (AtomicBool::new(false), AtomicUsize::new(0));
        thread::scope(|scope| -> Result<()> {
            let storm = scope.spawn(|| -> Result<()> {
                while !stop.load(Ordering::Relaxed) {
                    for some in frames.chunks(50) {
                        some.iter().try_for_each(|frame| cable.send_frame(frame))?;
                        sent.fetch_add(some.len(), Ordering::Relaxed);
                        // Not a wait but a rate: beyond it the kernel drops the good packets, too.
                        thread::sleep(Duration::from_millis(5));
                    }
                }
                Ok(())
            });
            let outcome = (0..60).try_for_each(|number| scene.well(10 + number).map(drop));
            stop.store(true, Ordering::Relaxed);
            storm.join().map_err(|_| anyhow::anyhow!("the storm panicked"))??;
            outcome
        })?;
        println!("60 machines served during {} hostile packets", sent.into_inner());
        scene.well(1)?;
        scene.server.alive()
    });
}

#[test]
fn machines_boot_from_a_dhcp_server_in_a_storm_of_it() {
    storm("dhcp-storm-server", Dhcp::Server);
}

#[test]
fn machines_boot_from_a_proxy_in_a_storm_of_it() {
    storm("dhcp-storm-proxy", Dhcp::Proxy);
}

/// Replies of servers that do not exist, by thousands: they are remembered and told within bounds, and cost nobody anything.
#[test]
fn invented_servers_take_nothing_from_real_machines() {
    Lab::run("dhcp-hostile-invented", |lab| {
        let mut scene = Scene::new(lab, Dhcp::Server, "info")?;
        scene.well(1)?;
        let before = scene.server.resident_kib()?;
        let holder = Mac([2, 0, 0, 0, 1, 1]);
        for number in 0..10_000u16 {
            let [high, low] = number.to_be_bytes();
            let server = Ipv4Addr::new(10, 99, high, low);
            // To machines that are not there, and to one that holds a lease of ours.
            let to = if number % 2 == 0 { holder } else { Mac([2, 0xab, 0, 0, high, low]) };
            let kind = [Kind::OFFER, Kind::ACK, Kind::NAK][usize::from(number % 3)];
            let reply = Message::new(to).kind(kind).address(54, server).option(60, "PXEClient");
            let reply = reply.set(|header| {
                header.op = 2;
                header.yiaddr = Ipv4Addr::new(10, 99, high, low);
                header.set_file("x");
            });
            let from = SocketAddrV4::new(server, 67);
            let everybody = SocketAddrV4::new(Ipv4Addr::BROADCAST, 68);
            let link = Mac([2, 0xac, 0, 0, high, low]).0;
            scene.bad.send((link, [0xff; 6]), from, everybody, &reply.bytes())?;
            if number % 500 == 0 {
                scene.well(10 + (number / 500) as u8)?;
            }
        }
        scene.well(1)?;
        let known = scene.server.json(&["neighbours"])?;
        let known = known["neighbours"].as_array().context("no list")?.len();
        ensure!(known > 0 && known <= 256, "{known} servers are remembered");
        let told = scene.server.events_of("neighbour-found")?.len();
        ensure!(told > 0 && told <= 100, "{told} servers are told of");
        let after = scene.server.resident_kib()?;
        ensure!(after < before + GROWTH, "the server grew from {before} to {after} KiB");
        scene.server.alive()
    });
}

#[test]
fn a_dhcp_server_outlives_every_hostile_packet() {
    everything("dhcp-hostile-server", Dhcp::Server);
}

#[test]
fn a_proxy_outlives_every_hostile_packet() {
    everything("dhcp-hostile-proxy", Dhcp::Proxy);
}
