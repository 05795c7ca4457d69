//! The server is killed at random moments: what it acknowledged is there afterwards, what it did not acknowledge is
//! there as a whole or not at all, and no address belongs to two machines.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nextboot_tests::site::{Dhcp, INSTALL, SmallInstaller};
use nextboot_tests::wire::Clients;
use nextboot_tests::{Caller, Lab, PATIENCE, Random, Server, wait_until};

const ROUNDS: usize = 8;

/// What the other side remembers having been promised.
#[derive(Debug, Default)]
struct Promised {
    /// How often each host was changed: 1 = added, 2 = and armed.
    hosts: BTreeMap<String, u8>,
    leases: BTreeMap<[u8; 6], Ipv4Addr>,
    tried: u32,
}

#[test]
fn nothing_acknowledged_is_lost_and_no_lease_is_given_twice() {
    Lab::run("kill9", |lab| {
        let mut random = Random::new();
        let site = SmallInstaller::new(lab)?;
        let mut server = lab.server(&site.config(Dhcp::Server, ""))?;
        let desk = lab.join("10.77.0.20/24")?;
        let mut clients = Clients::on(&desk, "eth0")?;
        let mut promised = Promised::default();
        for round in 0..ROUNDS {
            let moment = Duration::from_micros(20_000 + random.below(700_000));
            let stop = AtomicBool::new(false);
            let caller = server.caller();
            let Promised { hosts, leases, tried } = &mut promised;
            thread::scope(|scope| -> Result<()> {
                let wishes = scope.spawn(|| wish(&caller, &stop, hosts, tried));
                let asks = scope.spawn(|| ask(&mut clients, &stop, leases, round));
                // The moment is what is being tested: this is no wait for something to be ready.
                thread::sleep(moment);
                server.kill9();
                stop.store(true, Ordering::Relaxed);
                wishes.join().map_err(|_| anyhow::anyhow!("the wishing thread panicked"))?;
                asks.join().map_err(|_| anyhow::anyhow!("the asking thread panicked"))?
            })?;
            server.restart()?;
            check(&server, &mut clients, &promised)
                .with_context(|| format!("round {round}, killed after {moment:?}"))?;
        }
        println!("{} hosts and {} leases over {ROUNDS} kills", promised.hosts.len(), promised.leases.len());
        ensure!(!promised.hosts.is_empty() && !promised.leases.is_empty(), "nothing was ever promised");
        Ok(())
    });
}

#[test]
fn an_installation_survives_kills_of_the_server_in_its_midst() {
    Lab::run("kill9-boot", |lab| {
        const MAC: &str = "52:54:00:00:00:09";
        let mut random = Random::new();
        let site = SmallInstaller::new(lab)?;
        let mut server = lab.server(&site.config(Dhcp::Server, ""))?;
        server.cli(&["host", "add", "node1", MAC])?;
        server.cli(&["boot", "node1", INSTALL])?;
        let mut machine = lab.machine("node1").mac(MAC).disk_mib(64).start()?;
        // While it asks for an address, and while it loads its kernel.
        for (event, within) in [("discovered", 300_000), ("configuration-sent", 2_000_000)] {
            server.wait_for_event(event, BOOT, |_| true)?;
            thread::sleep(Duration::from_micros(random.below(within)));
            server.kill9();
            server.restart()?;
        }
        // PXELINUX asks for 134 s after the rest of a file whose server is gone, and then waits 300 s before it starts
        // again (seen with 6.04). A person would press the button.
        machine.power_on()?;
        machine.wait_for("is bootable now", BOOT)?;
        machine.wait_for("HTTP/1.1 200", BOOT)?;
        machine.wait_for("nextboot: this is the disk of node1", BOOT)?;
        ensure!(machine.serial().count("installer: kernel") == 1, "one installation and no more");
        ensure!(server.events_of("called-back")?.len() == 1, "one call-back");
        Ok(())
    });
}

/// From power-on to the kernel, or to the disk.
const BOOT: Duration = Duration::from_secs(150);

/// Adds hosts with two MACs and arms them, and remembers what was acknowledged.
fn wish(server: &Caller, stop: &AtomicBool, hosts: &mut BTreeMap<String, u8>, tried: &mut u32) {
    while !stop.load(Ordering::Relaxed) {
        *tried += 1;
        let name = format!("h{tried}");
        let macs = [format!("02:00:00:01:{:02x}:{:02x}", *tried >> 8, *tried & 255), mac_two(*tried)];
        if server.cli(&["host", "add", &name, &macs[0], &macs[1]]).is_err() {
            continue;
        }
        hosts.insert(name.clone(), 1);
        if server.cli(&["boot", &name, INSTALL]).is_ok() {
            hosts.insert(name, 2);
        }
    }
}

fn mac_two(number: u32) -> String {
    format!("02:00:00:02:{:02x}:{:02x}", number >> 8, number & 255)
}

/// Leases for ever new machines, remembered when acknowledged.
fn ask(
    clients: &mut Clients,
    stop: &AtomicBool,
    leases: &mut BTreeMap<[u8; 6], Ipv4Addr>,
    round: usize,
) -> Result<()> {
    let round = u8::try_from(round)?;
    // The pool has a hundred addresses: some of it must be left for the next rounds.
    for number in 0..10 {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let mac = [2, 0, 0, 0x0a, round, number];
        if let Some(address) = clients.lease(mac)? {
            leases.insert(mac, address);
        }
    }
    Ok(())
}

fn check(server: &Server, clients: &mut Clients, promised: &Promised) -> Result<()> {
    for (name, changes) in &promised.hosts {
        let host =
            server.json(&["show", name]).with_context(|| format!("{name} was acknowledged"))?.to_string();
        ensure!(*changes < 2 || host.contains(INSTALL), "{name} was armed: {host}");
    }
    // Of a host that was not acknowledged there is all or nothing: both of its MACs.
    for number in 1..=promised.tried {
        if let Ok(host) = server.json(&["show", &format!("h{number}")]) {
            ensure!(host.to_string().contains(&mac_two(number)), "half a host: {host}");
        }
    }
    let mut owners = BTreeMap::new();
    for (mac, address) in &promised.leases {
        let other = owners.insert(address, mac);
        ensure!(other.is_none(), "{address} was given to {mac:x?} and to {other:x?}");
        let again = wait_until(&format!("a lease for {mac:x?}"), PATIENCE, || clients.lease(*mac))?;
        ensure!(again == *address, "{mac:x?} had {address} and now gets {again}");
    }
    Ok(())
}
