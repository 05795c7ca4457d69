//! `[dhcp]`: modes, subnets, reservations.

mod bytes;
mod class;
mod options;
mod parameters;
mod pool;
mod reservation;
mod subnet;
#[cfg(test)]
mod tests;

use std::time::Duration;

use ipnet::Ipv4Net;
use nextboot_boot::pxelinux::Options;
use nextboot_dhcp::{IdentityRule, LeaseTime, ProxyConfig, ServerConfig, VendorClasses};
use nextboot_model::OfferWay;

use crate::{
    document::{Item, Section},
    files::take,
    pxelinux,
    value::{network, while_},
};

/// How the server takes part in DHCP.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// PXE answers only, beside the subnet's own DHCP server.
    #[default]
    Proxy,
    /// It is the DHCP server.
    Server,
    /// Not at all: another server names ours as the boot server.
    Off,
}

impl Mode {
    /// The word in the configuration.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Proxy => "proxy",
            Self::Server => "server",
            Self::Off => "off",
        }
    }
}

/// How it is found out whether somebody uses an address, before it is offered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Probe {
    /// Not at all.
    #[default]
    Off,
    /// By ARP on the link; never behind a relay.
    Arp,
    /// By an ICMP echo.
    Icmp,
}

/// DHCP. Both configurations are there in every mode, so that a change of the mode is one word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dhcp {
    /// Which of the two, if one.
    pub mode: Mode,
    /// Which vendor classes mean a PXE client, in either mode.
    pub vendor_classes: VendorClasses,
    /// Whether a server looks for other users of an address before it is offered.
    pub probe: Probe,
    /// How long it waits for one.
    pub probe_timeout: Duration,
    /// What [`Mode::Server`] needs; at least one subnet in that mode.
    pub server: ServerConfig,
    /// What [`Mode::Proxy`] needs.
    pub proxy: ProxyConfig,
    /// How long every answer is held back.
    pub reply_delay: Duration,
    /// Whether to ask right at the start who else serves.
    pub probe_at_start: bool,
}

impl Default for Dhcp {
    fn default() -> Self {
        Self {
            vendor_classes: VendorClasses::default(),
            probe: Probe::default(),
            probe_timeout: Duration::from_millis(500),
            mode: Mode::default(),
            server: ServerConfig::default(),
            proxy: ProxyConfig::default(),
            reply_delay: Duration::ZERO,
            probe_at_start: true,
        }
    }
}

impl Dhcp {
    /// The section, and what PXELINUX is told in each network that says so.
    pub(crate) fn read(dhcp: &mut Section<'_>) -> (Self, Vec<(Ipv4Net, Options)>) {
        let mut read = Self::default();
        let modes = [Mode::Proxy, Mode::Server, Mode::Off].map(|mode| (mode.key(), mode));
        let mode = dhcp.get("mode", |item| item.placed(|item| item.choice(&modes)));
        let ways = [("boot-server", OfferWay::BootServer), ("direct", OfferWay::Direct)];
        take(&mut read.proxy.ways.bios, dhcp.get("bios_proxy", |item| item.choice(&ways)));
        take(&mut read.proxy.ways.uefi, dhcp.get("uefi_proxy", |item| item.choice(&ways)));
        take(&mut read.probe_at_start, dhcp.get("probe_at_start", |item| item.flag()));
        take(&mut read.reply_delay, dhcp.get("reply_delay", reply_delay));
        let classes = dhcp.get("vendor_classes", |item| item.list(|item| bytes::read(item, 4..=64)));
        take(&mut read.vendor_classes, classes.map(VendorClasses::new));
        take(&mut read.proxy.networks, dhcp.get("networks", |item| item.list(network)));
        read.server.relays.clone_from(&read.proxy.networks);
        take(&mut read.server.link_selection, dhcp.get("link_selection", |item| item.flag()));
        let rules = [("hardware", IdentityRule::Hardware), ("client-id", IdentityRule::ClientId)];
        take(&mut read.server.identity, dhcp.get("identity", |item| item.choice(&rules)));
        take(&mut read.server.authoritative, dhcp.get("authoritative", |item| item.flag()));
        take(&mut read.server.offer_time, dhcp.get("offer_time", |item| while_(item, 10..=600)));
        take(&mut read.server.decline_time, dhcp.get("decline_time", |item| while_(item, 60..=31_536_000)));
        take(&mut read.server.cache_threshold, dhcp.get("cache_threshold", |item| item.number(0..=50_u8)));
        let probes = [("off", Probe::Off), ("arp", Probe::Arp), ("icmp", Probe::Icmp)];
        take(&mut read.probe, dhcp.get("probe", |item| item.choice(&probes)));
        read.server.probe = read.probe != Probe::Off;
        let timeout = dhcp.get("probe_timeout", |item| item.number(50..=1000_u64));
        take(&mut read.probe_timeout, timeout.map(Duration::from_millis));
        let lease = dhcp.get("lease_time", lease_time).unwrap_or(subnet::DEFAULT_LEASE);
        let mut told = Vec::new();
        let subnets = dhcp.tables("subnet", |section| {
            let options = pxelinux::read(section);
            let subnet = subnet::read(section, lease)?;
            if !options.is_empty() {
                told.push((subnet.value.network, options));
            }
            Some(subnet)
        });
        let all_read = subnets.iter().all(Option::is_some);
        let mut subnets: Vec<_> = subnets.into_iter().flatten().collect();
        let reservations = dhcp.tables("reservation", reservation::read);
        read.server.parameters = parameters::read(dhcp);
        let classes = dhcp.tables("class", class::read);
        if all_read {
            read.server.classes = class::check(dhcp.report(), classes, &subnets);
        }
        subnet::check_overlaps(dhcp.report(), &subnets);
        reservation::place(
            dhcp.report(),
            reservations.into_iter().flatten().collect(),
            &mut subnets,
            all_read,
        );
        if let Some(mode) = mode {
            read.mode = mode.value;
            if mode.value == Mode::Server && subnets.is_empty() && all_read {
                dhcp.report().complain(
                    &mode.mark,
                    "a DHCP server needs a [[dhcp.subnet]] that says which addresses to give; or use \"proxy\"",
                );
            }
        }
        let networks = subnets.iter().map(|subnet| subnet.value.network);
        read.proxy.networks.extend(networks);
        read.server.subnets = subnets.into_iter().map(|subnet| subnet.value).collect();
        (read, told)
    }
}

/// Milliseconds; iPXE waits two seconds for a proxy's offer, and no firmware that misses an early one needs more than that.
fn reply_delay(item: &Item<'_>) -> Option<Duration> {
    item.number(0..=2000_u32).map(|millis| Duration::from_millis(millis.into()))
}

/// How long leases hold.
fn lease_time(item: &Item<'_>) -> Option<LeaseTime> {
    if item.whole().is_none() && item.text()? == "infinite" {
        return Some(LeaseTime::Infinite);
    }
    // Option 51 has 32 bits, and all ones mean infinity (RFC 2131 section 3.3).
    let longest = u64::from(u32::MAX) - 1;
    let duration = while_(item, 60..=longest)?;
    u32::try_from(duration.as_secs()).ok().map(LeaseTime::Seconds)
}
