//! Interfaces: several, tagged, later, gone and back. Each is answered on by its own address.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nextboot_tests::pxe::Rom;
use nextboot_tests::site::{Dhcp, SmallInstaller};
use nextboot_tests::wire::Clients;
use nextboot_tests::{Lab, Namespace, PATIENCE, Server, wait_until};

/// How long one DISCOVER waits; a wait for an interface that comes asks again and again.
const ONE_ASK: Duration = Duration::from_millis(700);

/// A bridge in the server's namespace with its address, and a namespace plugged into it.
fn second_bridge(lab: &Lab, bridge: &str, address: &str) -> Result<Namespace> {
    let server = lab.namespace();
    server.ip(&["link", "add", bridge, "type", "bridge"])?;
    server.ip(&["address", "add", address, "dev", bridge])?;
    server.ip(&["link", "set", bridge, "up"])?;
    let machine = Namespace::new()?;
    plug(lab, bridge, &machine)?;
    Ok(machine)
}

fn plug(lab: &Lab, bridge: &str, machine: &Namespace) -> Result<()> {
    let server = lab.namespace();
    let port = format!("p-{bridge}");
    server.ip(&["link", "add", &port, "type", "veth", "peer", "name", "eth0", "netns", machine.name()])?;
    server.ip(&["link", "set", &port, "master", bridge, "up"])?;
    machine.ip(&["link", "set", "eth0", "up"]).map(drop)
}

/// Tagged interfaces on both ends of the first bridge; a cable of their own where this kernel has no VLANs.
fn vlan(lab: &Lab, machine: &Namespace, address: &str) -> Result<()> {
    let ends = [(lab.namespace(), "br0"), (machine, "eth0")];
    for (namespace, link) in ends {
        let name = format!("{link}.20");
        let vlan = ["link", "add", "link", link, "name", &name, "type", "vlan", "id", "20"];
        if let Err(error) = namespace.ip(&vlan) {
            ensure!(error.to_string().contains("Unknown device type"), "{error:#}");
            eprintln!("links: this kernel has no VLANs; what is tested as one is a cable");
            let cable = ["type", "veth", "peer", "name", "eth0.20", "netns", machine.name()];
            lab.namespace().ip(&[&["link", "add", "br0.20"][..], &cable].concat())?;
            break;
        }
    }
    for (namespace, link) in ends {
        namespace.ip(&["link", "set", &format!("{link}.20"), "up"])?;
    }
    lab.namespace().ip(&["address", "add", address, "dev", "br0.20"]).map(drop)
}

/// Asks until the proxy answers; the server identifier and the source of its offer.
fn offered_by(machine: &Namespace, interface: &str, mac: u8) -> Result<Ipv4Addr> {
    let mut rom = Rom::new(machine, interface, [2, 0, 0, 0, 9, mac], 0)?;
    let offer = wait_until("a proxy's offer", PATIENCE, || {
        let replies = rom.discover(ONE_ASK, |got| !got.is_empty())?;
        Ok(replies.into_iter().next())
    })?;
    ensure!(offer.is_proxy_offer() && offer.file == "pxelinux.0", "{offer:?}");
    ensure!(offer.from.ip() == &offer.next_server && offer.from.port() == 67, "{offer:?}");
    let server = offer.server().context("no option 54")?;
    ensure!(server == offer.next_server, "{offer:?}");
    Ok(server)
}

/// A configuration for these interfaces whose unknown machines get a boot file.
fn config(site: &SmallInstaller, dhcp: Dhcp, interfaces: &str) -> String {
    let config =
        site.config(dhcp, "").replace("interfaces = [\"br0\"]", &format!("interfaces = {interfaces}"));
    config.replace("[boot]\n", "[boot]\nunknown = \"profile:local\"\n")
}

fn appeared(server: &Server, interface: &str) -> Result<()> {
    server.wait_for_event("interface-appeared", PATIENCE, |event| event["interface"] == interface).map(drop)
}

#[test]
fn every_interface_is_answered_on_by_its_own_address_also_one_that_comes_later_or_again() {
    Lab::run("links-proxy", |lab| {
        let site = SmallInstaller::new(lab)?;
        let first = lab.join("")?;
        vlan(lab, &first, "10.20.0.1/24")?;
        let server = lab.server(&config(&site, Dhcp::Proxy, "[\"br0*\", \"br1\", \"eth9\"]"))?;
        ensure!(server.log().text().contains("waits for this interface"), "br1 and eth9 are not there yet");
        ensure!(offered_by(&first, "eth0", 1)? == Ipv4Addr::new(10, 77, 0, 1), "untagged");
        ensure!(offered_by(&first, "eth0.20", 2)? == Ipv4Addr::new(10, 20, 0, 1), "tagged");

        let second = second_bridge(lab, "br1", "10.88.0.1/24")?;
        appeared(&server, "br1")?;
        ensure!(offered_by(&second, "eth0", 3)? == Ipv4Addr::new(10, 88, 0, 1), "it came later");

        lab.namespace().ip(&["link", "delete", "p-br1"])?;
        lab.namespace().ip(&["link", "delete", "br1"])?;
        server.wait_for_event("interface-gone", PATIENCE, |event| event["interface"] == "br1")?;
        ensure!(offered_by(&first, "eth0", 4)? == Ipv4Addr::new(10, 77, 0, 1), "the others are heard on");
        let second = second_bridge(lab, "br1", "10.99.0.1/24")?;
        ensure!(offered_by(&second, "eth0", 5)? == Ipv4Addr::new(10, 99, 0, 1), "made again, other index");

        // Not served: no interface of ours has this name.
        let stranger = second_bridge(lab, "lab7", "10.66.0.1/24")?;
        let mut rom = Rom::new(&stranger, "eth0", [2, 0, 0, 0, 9, 6], 0)?;
        ensure!(rom.discover(ONE_ASK, |got| !got.is_empty())?.is_empty(), "lab7 is not served");
        Ok(())
    });
}

#[test]
fn a_server_leases_on_every_interface_from_its_own_subnet() {
    Lab::run("links-server", |lab| {
        let site = SmallInstaller::new(lab)?;
        let first = lab.join("10.77.0.250/24")?;
        vlan(lab, &first, "10.20.0.1/24")?;
        let subnet = |network: &str| {
            format!(
                "\n[[dhcp.subnet]]\nnetwork = \"{network}.0/24\"\npool = \"{network}.100-{network}.199\"\n"
            )
        };
        let config = config(&site, Dhcp::Server, "[\"br*\"]")
            .replace("\n[tftp]", &format!("{}{}\n[tftp]", subnet("10.20.0"), subnet("10.88.0")));
        let server = lab.server(&config)?;
        let lease = |machine: &Namespace, interface: &str, mac: u8| -> Result<Ipv4Addr> {
            let mut clients = Clients::on(machine, interface)?;
            wait_until("a lease", PATIENCE, || clients.lease([2, 0, 0, 0, 8, mac]))
        };
        ensure!(lease(&first, "eth0", 1)?.octets()[..3] == [10, 77, 0], "untagged");
        ensure!(lease(&first, "eth0.20", 2)?.octets()[..3] == [10, 20, 0], "tagged");
        let second = second_bridge(lab, "br1", "10.88.0.1/24")?;
        appeared(&server, "br1")?;
        ensure!(lease(&second, "eth0", 3)?.octets()[..3] == [10, 88, 0], "it came later");
        Ok(())
    });
}
