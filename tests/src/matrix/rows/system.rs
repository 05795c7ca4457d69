//! Operating systems' DHCP clients, each in a namespace. Where our server gives the addresses they take one, renew it by
//! unicast and give it back; beside another server they must not hear a word of ours.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;

use super::row;
use crate::matrix::place::Place;
use crate::matrix::row::{Reached, Row};
use crate::matrix::stage::Stage;
use crate::namespace::Namespace;
use crate::process::Process;
use crate::wait::wait_until;

/// The shortest that we give; clients renew after half of it.
const SHORT: &str = "lease_time = \"60s\"";

const fn system(
    name: &'static str,
    what: &'static str,
    ci: &'static [Place],
    run: fn(&Stage<'_>) -> Result<Reached>,
) -> Row {
    Row { dhcp: SHORT, ..row(name, what, ci, run) }
}

/// ISC's client.
pub(super) const DHCLIENT: Row = system(
    "dhclient",
    "ISC's client: lease, unicast renewal, release; beside another server: our silence",
    &[Place::Server, Place::ProxyDirect, Place::Relay],
    |stage| play(stage, Client::Dhclient),
);

/// Busybox's client.
pub(super) const UDHCPC: Row =
    system("udhcpc", "busybox's client; the same", &[Place::Server, Place::SameHost, Place::Vlan], |stage| {
        play(stage, Client::Udhcpc)
    });

/// dhcpcd.
pub(super) const DHCPCD: Row =
    system("dhcpcd", "dhcpcd; the same", &[Place::Server, Place::SameHostKea], |stage| {
        play(stage, Client::Dhcpcd)
    });

/// systemd's client.
pub(super) const NETWORKD: Row =
    system("systemd-networkd", "systemd-networkd; the same", &[Place::Server, Place::Proxy4011], |stage| {
        play(stage, Client::Networkd)
    });

/// What dhclient and udhcpc call with what they learnt; each has names of its own for it.
const SCRIPT: &str = r#"#!/bin/sh
case ${reason:-$1} in
BOUND | RENEW | REBIND | REBOOT | bound | renew)
    ip address replace "${new_ip_address:-$ip}/${new_subnet_mask:-$mask}" dev eth0
    for gateway in ${new_routers:-${router:-}}; do
        ip route replace default via "$gateway" dev eth0
        break
    done
    ;;
EXPIRE | RELEASE | STOP | deconfig) ip address flush dev eth0 ;;
esac
"#;

/// Directories of its own for a client that keeps things in the system's; the mounts are the namespace's alone.
const OWN_DIRECTORIES: &str =
    "mount -t tmpfs own /run && mount -t tmpfs own /var/lib && mkdir -p /run/dhcpcd /var/lib/dhcpcd";

/// systemd-networkd asks udev for its links, which are there only when the system's are, unless `/sys` is read-only.
const NETWORKD_START: &str = "mount -t tmpfs own /run && mount -o remount,ro /sys && \
    mkdir -p /run/systemd/network /run/systemd/netif/leases /run/systemd/netif/links /run/systemd/netif/lldp && \
    chmod -R a+rwX /run/systemd && \
    printf '[Match]\nName=eth0\n[Network]\nDHCP=ipv4\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n' \
        >/run/systemd/network/eth0.network && \
    SYSTEMD_LOG_LEVEL=debug SYSTEMD_LOG_TARGET=console exec /lib/systemd/systemd-networkd";

#[derive(Debug, Clone, Copy)]
enum Client {
    Dhclient,
    Udhcpc,
    Dhcpcd,
    Networkd,
}

impl Client {
    fn start(self, stage: &Stage<'_>, system: &Namespace) -> Result<Process> {
        let dir = stage.lab.dir();
        let script = dir.join("script");
        fs::write(&script, SCRIPT)?;
        fs::set_permissions(&script, Permissions::from_mode(0o755))?;
        let script = script.to_str().context("a path that is no text")?;
        let start = |program: &str, args: &[&str]| stage.lab.start(system, "client", program, args);
        match self {
            Self::Dhclient => {
                let (leases, pid) = self.dhclient_files(stage);
                start(
                    "dhclient",
                    &["-4", "-d", "-cf", "/dev/null", "-sf", script, "-lf", &leases, "-pf", &pid, "eth0"],
                )
            }
            Self::Udhcpc => start("udhcpc", &["-f", "-i", "eth0", "-T", "2", "-s", script]),
            Self::Dhcpcd => {
                let command =
                    format!("{OWN_DIRECTORIES} && exec dhcpcd -4 -B -d -L -A -f /dev/null -c /bin/true eth0");
                start("sh", &["-c", &command])
            }
            Self::Networkd => start("sh", &["-c", NETWORKD_START]),
        }
    }

    fn release(self, stage: &Stage<'_>, system: &Namespace, process: &Process) -> Result<()> {
        match self {
            Self::Udhcpc => process.signal(Signal::USR2),
            // dhcpcd -k does no more than send this.
            Self::Dhcpcd => process.signal(Signal::ALARM),
            Self::Networkd => process.signal(Signal::TERM),
            Self::Dhclient => {
                let (leases, pid) = self.dhclient_files(stage);
                system
                    .run(
                        "dhclient",
                        &[
                            "-4",
                            "-r",
                            "-cf",
                            "/dev/null",
                            "-sf",
                            "/bin/true",
                            "-lf",
                            &leases,
                            "-pf",
                            &pid,
                            "eth0",
                        ],
                    )
                    .map(drop)
            }
        }
    }

    fn dhclient_files(self, stage: &Stage<'_>) -> (String, String) {
        let file = |name: &str| stage.lab.dir().join(name).display().to_string();
        (file("dhclient.leases"), file("dhclient.pid"))
    }
}

fn play(stage: &Stage<'_>, client: Client) -> Result<Reached> {
    let system = stage.system()?;
    let _capture = stage.lab.capture_at(&system, "eth0", "client-wire")?;
    let started = Instant::now();
    let mut process = client.start(stage, &system)?;
    let address = wait_until("an address", stage.left()?, || {
        process.alive()?;
        let addresses = system.ip(&["-4", "-o", "address", "show", "dev", "eth0"])?;
        Ok(addresses.split_whitespace().skip_while(|&word| word != "inet").nth(1).map(str::to_owned))
    })?;
    let address = address.split('/').next().unwrap_or_default();
    if stage.place.is_proxy() {
        return silence(stage, started);
    }
    let counted = |filter: &str| stage.lab.captured("client-wire", filter);
    let server = stage.address;
    let asked = format!("udp and dst port 67 and src host {address} and dst host {server}");
    let answered =
        format!("udp and src port 67 and src host {server} and dst host {address} and udp[8] == 2");
    wait_until("a renewal by unicast", stage.left()?, || {
        process.alive()?;
        // The first answer may be a unicast too, to an address that the client does not have yet.
        Ok((counted(&asked)? >= 1 && counted(&answered)? >= 2).then_some(()))
    })?;
    client.release(stage, &system, &process)?;
    stage.server.wait_for_event("released", stage.left()?, |event| event["address"] == address)?;
    Ok(Reached { what: "lease, renewal, release", after: started.elapsed() })
}

/// Every answer on the wire must be the other server's, by its own account.
fn silence(stage: &Stage<'_>, started: Instant) -> Result<Reached> {
    let other = stage.other.as_ref().context("there is another server")?;
    let said = || -> usize {
        let words = ["DHCPOFFER(", "DHCPACK(", "DHCPNAK(", "DHCP4_LEASE_ADVERT", "DHCP4_LEASE_ALLOC"];
        words.iter().map(|word| other.log.count(word)).sum()
    };
    // What it sent last may not have been written down yet.
    let on_the_wire = || stage.lab.captured("client-wire", "udp and (src port 67 or src port 4011)");
    wait_until("the other server's answers on the wire", stage.left()?, || {
        Ok((said() >= 2 && on_the_wire()? >= said()).then_some(()))
    })?;
    let (said, on_the_wire) = (said(), on_the_wire()?);
    ensure!(on_the_wire == said, "{on_the_wire} answers on the wire, of which the other server sent {said}");
    let ours = stage.server.events_of("offered")?;
    ensure!(ours.is_empty(), "we answered: {ours:?}");
    Ok(Reached { what: "lease of the other server, silence of ours", after: started.elapsed() })
}
