use std::fmt;

use ipnet::Ipv4Net;
use nextboot_model::{Arch, LoaderName};
use std::net::Ipv4Addr;

use crate::{Client, Firmware, Kind};

/// A rule of the site: machines that are like this get that loader. Of several rules the first that fits holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rule {
    /// What speaks for the machine: any of these; empty for everything.
    pub firmware: Vec<Firmware>,
    /// What machine it is: any of these; empty for every machine. Never one of iPXE's kinds.
    pub arch: Vec<Kind>,
    /// Its architecture by number: any of these.
    pub archs: Vec<Arch>,
    /// How option 60 begins, at most [`VendorClass::LEN`](crate::VendorClass::LEN) bytes.
    pub vendor: Option<String>,
    /// How the MAC begins, at most 6 bytes.
    pub mac: Option<Vec<u8>>,
    /// The network in which the machine is.
    pub subnet: Option<Ipv4Net>,
    /// Machines that it is not for, although all else fits: those that are like any of these. Their loaders say nothing.
    pub except: Vec<Self>,
    /// The loader.
    pub loader: Option<LoaderName>,
    /// The server from which firmware fetches it by TFTP; where it is nothing a later rule says that, and in the end it is
    /// ourselves, as by 0.0.0.0.
    pub next_server: Option<Ipv4Addr>,
}

impl Rule {
    /// True when the machine is like this.
    #[must_use]
    pub fn fits(&self, client: &Client) -> bool {
        let arch = |kind: &Kind| client.archs().any(|arch| Kind::of_arch(arch) == Some(*kind));
        // A Raspberry Pi's ROM calls itself a BIOS.
        let raspberry = |kind: &Kind| *kind == Kind::RaspberryPi && Kind::of(client).contains(kind);
        !self.except.iter().any(|except| except.fits(client))
            && (self.archs.is_empty() || client.archs().any(|arch| self.archs.contains(&arch)))
            && (self.firmware.is_empty() || self.firmware.contains(&client.firmware))
            && (self.arch.is_empty() || self.arch.iter().any(|kind| arch(kind) || raspberry(kind)))
            && self.vendor.as_ref().is_none_or(|begin| client.vendor.begins_with(begin))
            && self.mac.as_ref().is_none_or(|begin| client.mac.is_some_and(|mac| mac.0.starts_with(begin)))
            && self
                .subnet
                .is_none_or(|subnet| client.network.is_some_and(|address| subnet.contains(&address)))
    }
}

/// What it asks for: `firmware http, subnet 10.1.0.0/16`.
impl fmt::Display for Rule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if !self.firmware.is_empty() {
            let words = Firmware::BOOTING.iter().filter(|(_, firmware)| self.firmware.contains(firmware));
            parts.push(format!("firmware {}", words.map(|(word, _)| *word).collect::<Vec<_>>().join("/")));
        }
        if !self.arch.is_empty() {
            let keys: Vec<&str> = self.arch.iter().map(|kind| kind.key()).collect();
            parts.push(format!("arch {}", keys.join("/")));
        }
        if !self.archs.is_empty() {
            let numbers: Vec<String> = self.archs.iter().map(|arch| arch.0.to_string()).collect();
            parts.push(format!("arch {}", numbers.join("/")));
        }
        if let Some(vendor) = &self.vendor {
            parts.push(format!("vendor {vendor:?}"));
        }
        if let Some(mac) = &self.mac {
            let bytes: Vec<String> = mac.iter().map(|byte| format!("{byte:02x}")).collect();
            parts.push(format!("mac {}", bytes.join(":")));
        }
        if let Some(subnet) = self.subnet {
            parts.push(format!("subnet {subnet}"));
        }
        for except in &self.except {
            parts.push(format!("not {except}"));
        }
        if parts.is_empty() {
            return out.pad("every machine");
        }
        out.pad(&parts.join(", "))
    }
}
