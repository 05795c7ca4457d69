//! A proxy on the machine that the subnet's DHCP server runs on: both serve, whichever comes first, and the other server's
//! configuration knows nothing of us.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nextboot_tests::pxe::Rom;
use nextboot_tests::site::{Dhcp, SmallInstaller};
use nextboot_tests::{Lab, Namespace, PATIENCE, Process, Server, peer, wait_until};

const ONE_ASK: Duration = Duration::from_secs(2);
const US: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);

fn config(site: &SmallInstaller) -> String {
    site.config(Dhcp::Proxy, "")
        .replace("[boot]\n", "[boot]\nunknown = \"profile:local\"\n")
        .replace("mode = \"proxy\"", "mode = \"proxy\"\nnetworks = [\"10.99.0.0/24\"]")
}

/// Both orders, each with the checks of [`both_serve`].
fn beside(name: &str, other: impl Fn(&Lab) -> Result<Process>) {
    for ours_first in [true, false] {
        let order = if ours_first { "first" } else { "second" };
        Lab::run(&format!("same-host-{name}-{order}"), |lab| {
            let site = SmallInstaller::new(lab)?;
            let early = ours_first.then(|| lab.server(&config(&site))).transpose()?;
            let mut peer = other(lab)?;
            let late = (!ours_first).then(|| lab.server(&config(&site))).transpose()?;
            let mut server = early.or(late).context("one of the two")?;
            both_serve(lab, &mut server)?;
            peer.alive()
        });
    }
}

fn both_serve(lab: &Lab, server: &mut Server) -> Result<()> {
    let machine = lab.join("")?;
    // An operating system has its address from the other, and nothing from us.
    machine.run("timeout", &["30", "udhcpc", "-i", "eth0", "-n", "-q", "-s", "/bin/true"])?;
    ensure!(server.events_of("offered")?.is_empty(), "an operating system gets nothing from a proxy");

    // It is known by that, though its packets never come in.
    let list = server.json(&["neighbours"])?;
    ensure!(list["neighbours"][0]["server"] == "10.77.0.1", "{list}");

    // Firmware has both offers: the other's address and our boot file.
    let mut rom = Rom::new(&machine, "eth0", [2, 0, 0, 0, 7, 1], 0)?;
    wait_until("both offers to one DISCOVER", PATIENCE, || {
        let both = |got: &[nextboot_tests::pxe::Reply]| {
            got.iter().any(|reply| reply.is_proxy_offer())
                && got.iter().any(|reply| !reply.address.is_unspecified())
        };
        let replies = rom.discover(ONE_ASK, both)?;
        if !both(&replies) {
            return Ok(None);
        }
        let ours = replies.iter().find(|reply| reply.is_proxy_offer()).context("ours")?;
        ensure!(ours.server() == Some(US) && ours.from.port() == 67, "{ours:?}");
        Ok(Some(()))
    })?;

    // And port 4011 is ours.
    machine.ip(&["address", "add", "10.77.0.60/24", "dev", "eth0"])?;
    let ack = rom.ask_boot_server(US, None, PATIENCE)?.context("port 4011 is silent")?;
    ensure!(ack.kind() == Some(5) && ack.file == "pxelinux.0" && ack.from.port() == 4011, "{ack:?}");

    by_relay(lab, &mut rom)?;
    server.alive()
}

/// A relay of a network of ours is answered from port 67 though that belongs to the other server; any other is not.
fn by_relay(lab: &Lab, rom: &mut Rom) -> Result<()> {
    let relay = lab.join("10.77.0.61/24")?;
    for address in ["10.99.0.1/24", "10.98.0.1/24"] {
        relay.ip(&["address", "add", address, "dev", "lo"])?;
    }
    for network in ["10.99.0.0/24", "10.98.0.0/24"] {
        lab.namespace().ip(&["route", "add", network, "via", "10.77.0.61"])?;
    }
    let mut ask = |relay: &Namespace, giaddr, limit| {
        let replies = rom.discover_by_relay(relay, giaddr, US, limit)?;
        // The other server may know the relay's network or not; ours is the boot offer.
        Ok::<_, anyhow::Error>(replies.into_iter().find(|reply| reply.is_proxy_offer()))
    };
    let offer = ask(&relay, Ipv4Addr::new(10, 99, 0, 1), PATIENCE)?.context("the relay has no answer")?;
    ensure!(offer.server() == Some(US) && offer.from == (std::net::SocketAddrV4::new(US, 67)), "{offer:?}");
    ensure!(
        ask(&relay, Ipv4Addr::new(10, 98, 0, 1), ONE_ASK)?.is_none(),
        "a relay of an unknown network is answered"
    );
    Ok(())
}

#[test]
fn beside_dnsmasq_with_all_of_port_67() {
    beside("dnsmasq", |lab| peer::dnsmasq_on(lab, lab.namespace(), "br0", &[]));
}

#[test]
fn beside_dnsmasq_bound_to_its_interfaces() {
    beside("dnsmasq-bind", |lab| peer::dnsmasq_on(lab, lab.namespace(), "br0", &["--bind-interfaces"]));
}

#[test]
fn beside_kea() {
    beside("kea", |lab| peer::kea_on(lab, lab.namespace(), "br0"));
}
