//! A place, built: the networks, the other servers, and ours.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::place::Place;
use super::row::{Reached, Row};
use crate::lab::{Lab, SERVER, SUBNET};
use crate::machine::{Machine, MachineBuilder};
use crate::namespace::Namespace;
use crate::peer;
use crate::process::Process;
use crate::server::Server;
use crate::site::SmallInstaller;

/// How long a cell may take in all: several times what the slowest takes on two cores that do nothing else.
const LIMIT: Duration = Duration::from_secs(300);

/// The address of the machine under test. Places are one to a network, so it can be the same everywhere.
pub(crate) const MAC: &str = "52:54:00:00:00:01";

/// The profile that the machine under test gets; every row's configuration has it.
pub(crate) const PROFILE: &str = "kernel";

/// One place, ready for its client.
#[derive(Debug)]
pub(crate) struct Stage<'lab> {
    pub(crate) lab: &'lab Lab,
    pub(crate) place: Place,
    pub(crate) server: Server,
    /// The server's address as its clients see it.
    pub(crate) address: &'static str,
    /// The DHCP server that gives the addresses, where that is not ours.
    pub(crate) other: Option<Process>,
    /// The relay, where there is one.
    _relay: Option<Process>,
    /// The namespace with the clients' bridge `br0`, where that is not the server's.
    clients: Option<Namespace>,
    /// The machine of the other DHCP server.
    _beside: Option<Namespace>,
    ends: Instant,
}

impl<'lab> Stage<'lab> {
    /// Builds the place for that row.
    pub(crate) fn new(lab: &'lab Lab, place: Place, site: &SmallInstaller, row: &Row) -> Result<Self> {
        let ends = Instant::now() + LIMIT;
        let (mut other, mut relay, mut clients, mut beside) = (None, None, None, None);
        let mut address = SERVER;
        let ours = |interfaces: &[&str], mode: &str, more: &str| {
            let dhcp = format!("mode = \"{mode}\"\n{}\n{more}", row.dhcp);
            lab.server(&site.config_with(interfaces, &dhcp, (row.config)(place)))
        };
        let lab_net = subnet(SUBNET, SERVER, "10.77.0.100-10.77.0.199");
        let server = match place {
            Place::Server => ours(&["br0"], "server", &lab_net)?,
            Place::ProxyDirect | Place::Proxy4011 => {
                let namespace = lab.join("10.77.0.2/24")?;
                other = Some(peer::dnsmasq(lab, &namespace, row.beside)?);
                beside = Some(namespace);
                let way = if place == Place::ProxyDirect { "direct" } else { "boot-server" };
                ours(&["br0"], "proxy", &format!("uefi_proxy = \"{way}\""))?
            }
            Place::SameHost => {
                other = Some(peer::dnsmasq_on(lab, lab.namespace(), "br0", &[])?);
                ours(&["br0"], "proxy", "")?
            }
            Place::SameHostKea => {
                let server = ours(&["br0"], "proxy", "")?;
                other = Some(peer::kea(lab, lab.namespace(), "br0")?);
                server
            }
            Place::Relay => {
                clients = Some(router(lab)?);
                let far = subnet("10.78.0.0/24", "10.78.0.1", "10.78.0.100-10.78.0.199");
                let server = ours(&["br0"], "server", &format!("{lab_net}{far}"))?;
                if let Some(router) = &clients {
                    // With -a it adds option 82, and drops answers that do not bring it back.
                    let args = ["-4", "-d", "-a", "-id", "br0", "-iu", "eth0", SERVER];
                    let mut process = lab.start(router, "dhcrelay", "dhcrelay", &args)?;
                    process.wait_for("Sending on", Duration::from_secs(20))?;
                    relay = Some(process);
                }
                server
            }
            Place::Vlan => {
                address = "10.79.0.1";
                clients = Some(vlan(lab, address)?);
                let tagged = subnet("10.79.0.0/24", address, "10.79.0.100-10.79.0.199");
                ours(&["br0", "br0.79"], "server", &format!("{lab_net}{tagged}"))?
            }
        };
        server.cli(&["host", "add", "node1", MAC])?;
        server.cli(&["boot", "node1", PROFILE])?;
        Ok(Self { lab, place, server, address, other, _relay: relay, clients, _beside: beside, ends })
    }

    /// The machine under test to be, plugged into the clients' network.
    pub(crate) fn machine(&'lab self) -> MachineBuilder<'lab> {
        self.lab.machine("node1").mac(MAC).on(self.network())
    }

    /// A namespace in the clients' network, whose `eth0` has no address yet.
    pub(crate) fn system(&self) -> Result<Namespace> {
        let system = self.lab.join_at(self.network(), "")?;
        system.ip(&["link", "set", "eth0", "address", MAC])?;
        Ok(system)
    }

    /// A port in the clients' network for a simulated machine.
    pub(crate) fn plug(&self) -> Result<Namespace> {
        self.lab.plug_at(self.network())
    }

    /// What the addresses of the clients' network begin with.
    pub(crate) fn network_prefix(&self) -> &'static str {
        match self.place {
            Place::Relay => "10.78.0",
            Place::Vlan => "10.79.0",
            _ => "10.77.0",
        }
    }

    fn network(&self) -> &Namespace {
        self.clients.as_ref().unwrap_or_else(|| self.lab.namespace())
    }

    /// How much of the cell's time is left.
    pub(crate) fn left(&self) -> Result<Duration> {
        match self.ends.checked_duration_since(Instant::now()) {
            Some(left) => Ok(left),
            None => bail!("the cell's {} s are over", LIMIT.as_secs()),
        }
    }

    /// Waits for `pattern` on the machine's serial line; what it reached by that.
    pub(crate) fn reach(&self, machine: &mut Machine, pattern: &str, what: &'static str) -> Result<Reached> {
        let after = machine.wait_for(pattern, self.left()?)?;
        Ok(Reached { what, after })
    }
}

/// A `[[dhcp.subnet]]` block.
fn subnet(network: &str, router: &str, pool: &str) -> String {
    format!(
        "\n[[dhcp.subnet]]\nnetwork = \"{network}\"\npool = \"{pool}\"\nrouter = \"{router}\"\ndns = \"{router}\"\n"
    )
}

/// The router to the clients' network 10.78.0.0/24, which is its bridge `br0`.
fn router(lab: &Lab) -> Result<Namespace> {
    let router = lab.join("10.77.0.5/24")?;
    for words in [
        "link add br0 type bridge",
        "address add 10.78.0.1/24 dev br0",
        "link set br0 up",
        "route add default via 10.77.0.1",
    ] {
        ip(&router, words)?;
    }
    router.enter(|| fs::write("/proc/sys/net/ipv4/ip_forward", "1").context("ip_forward"))?;
    ip(lab.namespace(), "route add 10.78.0.0/24 via 10.77.0.5")?;
    Ok(router)
}

/// VLAN 79 as an interface of the server with that address, and a switch with the clients on untagged ports.
fn vlan(lab: &Lab, address: &str) -> Result<Namespace> {
    const SWITCH: &str = "10.77.0.6";
    let ours = lab.namespace();
    let switch = lab.join(&format!("{SWITCH}/24"))?;
    tagged(ours, "br0", (SERVER, SWITCH))?;
    tagged(&switch, "eth0", (SWITCH, SERVER))?;
    ip(ours, &format!("address add {address}/24 dev br0.79"))?;
    ip(ours, "link set br0.79 up")?;
    ip(&switch, "link add br0 type bridge")?;
    ip(&switch, "link set br0 up")?;
    ip(&switch, "link set eth0.79 master br0 up")?;
    Ok(switch)
}

/// VLAN 79 over `link`; as VXLAN where the kernel knows no 802.1Q, so that there is an interface over another one anyhow.
fn tagged(namespace: &Namespace, link: &str, (own, other): (&str, &str)) -> Result<()> {
    if ip(namespace, &format!("link add link {link} name {link}.79 type vlan id 79")).is_ok() {
        return Ok(());
    }
    ip(
        namespace,
        &format!("link add {link}.79 type vxlan id 79 dev {link} local {own} remote {other} dstport 4789"),
    )
}

fn ip(namespace: &Namespace, words: &str) -> Result<()> {
    namespace.ip(&words.split(' ').collect::<Vec<_>>()).map(drop)
}
