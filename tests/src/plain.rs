//! DHCP clients of plain operating systems: the programs that installed machines use, each in a namespace with files of its own.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::Result;
use rustix::process::Signal;
use serde_json::Value;

use crate::lab::Lab;
use crate::namespace::Namespace;
use crate::process::Process;
use crate::wait::wait_until;

/// How long a client may take to give up a lease.
const RELEASE: Duration = Duration::from_secs(10);

/// What every client gets before it starts: its own `/run`, `/etc` and lease files, so that neither this machine's are
/// changed nor another client's are found. A read-only `/sys` is how systemd-networkd knows that no udev will come.
const PRIVATE: &str = r#"
mount --make-rprivate /
mount -t tmpfs tmpfs /run
cp -a /etc /run/etc
mount --bind /run/etc /etc
: >/etc/resolv.conf
for dir in /var/lib/dhcp /var/lib/dhcpcd; do if [ -d $dir ]; then mount -t tmpfs tmpfs $dir; fi; done
mount -o remount,bind,ro /sys
mkdir -p /run/systemd/network /run/systemd/netif/links /run/systemd/netif/leases /run/systemd/netif/lldp
printf '[Match]\nName=eth0\n[Network]\nDHCP=ipv4\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n' \
    >/run/systemd/network/1.network
if [ "${1##*/}" = systemd-networkd ]; then chown -R systemd-network: /run/systemd; fi
exec "$@"
"#;

/// A program that gets an operating system its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plain {
    /// busybox's, in small systems and installers.
    Udhcpc,
    /// ISC's: Debian's ifupdown.
    Dhclient,
    /// dhcpcd: Raspberry Pi OS, Debian from 13 on.
    Dhcpcd,
    /// systemd's, which names itself by a DUID (RFC 4361).
    Networkd,
}

impl Plain {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Udhcpc, Self::Dhclient, Self::Dhcpcd, Self::Networkd];

    /// The program's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Udhcpc => "udhcpc",
            Self::Dhclient => "dhclient",
            Self::Dhcpcd => "dhcpcd",
            Self::Networkd => "systemd-networkd",
        }
    }

    /// In the foreground; what a client does in vain in a namespace (probing for its address by ARP takes dhcpcd six
    /// seconds) is off.
    fn command(self) -> &'static [&'static str] {
        match self {
            Self::Udhcpc => &["udhcpc", "-f", "-i", "eth0", "-s", "/etc/udhcpc/default.script"],
            Self::Dhclient => &["dhclient", "-d", "-v", "eth0"],
            Self::Dhcpcd => &["dhcpcd", "-B", "-d", "-4", "-A", "--noipv4ll", "eth0"],
            Self::Networkd => &["/lib/systemd/systemd-networkd"],
        }
    }
}

/// What the operating system has after its client was served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The address of `eth0`.
    pub address: Ipv4Addr,
    /// The length of its network's prefix.
    pub prefix: u64,
    /// Where the default route leads.
    pub router: Option<Ipv4Addr>,
    /// The name servers, in the client's order.
    pub dns: Vec<Ipv4Addr>,
}

/// A running client.
#[derive(Debug)]
pub struct PlainClient<'a> {
    plain: Plain,
    namespace: &'a Namespace,
    /// The program; its output tells what it sends and hears. SIGUSR1 makes udhcpc renew.
    pub process: Process,
}

impl<'a> PlainClient<'a> {
    /// Starts a client on `eth0` of a namespace that [`Lab::join`] made without an address. Its output goes to
    /// `<name>.log`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(lab: &Lab, namespace: &'a Namespace, plain: Plain, name: &str) -> Result<Self> {
        let mut args = vec!["--mount", "sh", "-e", "-c", PRIVATE, "sh"];
        args.extend(plain.command());
        Ok(Self { plain, namespace, process: lab.start(namespace, name, "unshare", &args)? })
    }

    /// Waits until the client has set up the interface.
    ///
    /// # Errors
    /// The limit, or the end of the program.
    pub fn lease(&mut self, limit: Duration) -> Result<Lease> {
        let what = format!("a lease for {}", self.plain.name());
        wait_until(&what, limit, || {
            self.process.alive()?;
            let Some((address, prefix)) = self.address()? else { return Ok(None) };
            let (router, dns) = (self.router()?, self.dns());
            // The address comes first, and the rest in steps.
            let complete = router.is_some() && !dns.is_empty();
            Ok(complete.then_some(Lease { address, prefix, router, dns }))
        })
    }

    /// The address of the interface, if it has one, and the length of its prefix.
    ///
    /// # Errors
    /// When `ip` fails.
    pub fn address(&self) -> Result<Option<(Ipv4Addr, u64)>> {
        let shown: Value =
            serde_json::from_str(&self.namespace.ip(&["-j", "-4", "address", "show", "eth0"])?)?;
        let first = &shown[0]["addr_info"][0];
        Ok(address_in(&first["local"]).zip(first["prefixlen"].as_u64()))
    }

    fn router(&self) -> Result<Option<Ipv4Addr>> {
        let shown: Value = serde_json::from_str(&self.namespace.ip(&["-j", "route", "show", "default"])?)?;
        Ok(address_in(&shown[0]["gateway"]))
    }

    /// From the client's own `/etc/resolv.conf`; networkd leaves that to others and writes down what it got.
    fn dns(&self) -> Vec<Ipv4Addr> {
        let (file, prefix) = match self.plain {
            Plain::Networkd => ("/run/systemd/netif/leases/*", "DNS="),
            _ => ("/etc/resolv.conf", "nameserver "),
        };
        let text = self.inside(&["sh", "-c", &format!("cat {file}")]).unwrap_or_default();
        let lines = text.lines().filter_map(|line| line.strip_prefix(prefix));
        lines.flat_map(str::split_whitespace).filter_map(|word| word.parse().ok()).collect()
    }

    /// Runs a program where the client is, with the files that it sees.
    fn inside(&self, command: &[&str]) -> Result<String> {
        let pid = self.process.pid().to_string();
        let mut args = vec!["--target", &pid, "--mount"];
        args.extend(command);
        self.namespace.run("nsenter", &args)
    }

    /// Makes the client give its lease back, and waits until the interface has lost the address.
    ///
    /// # Errors
    /// When the address stays.
    pub fn release(&mut self) -> Result<()> {
        match self.plain {
            Plain::Udhcpc => self.process.signal(Signal::USR2)?,
            Plain::Dhcpcd => self.process.signal(Signal::ALARM)?,
            // It releases on its way out.
            Plain::Networkd => self.process.signal(Signal::TERM)?,
            // Only another dhclient makes a dhclient do it, and that one looks for the lease files of the first.
            Plain::Dhclient => self.inside(&["dhclient", "-r", "eth0"]).map(drop)?,
        }
        let what = format!("the end of the lease of {}", self.plain.name());
        wait_until(&what, RELEASE, || Ok(self.address()?.is_none().then_some(())))
    }
}

fn address_in(value: &Value) -> Option<Ipv4Addr> {
    value.as_str()?.parse().ok()
}
