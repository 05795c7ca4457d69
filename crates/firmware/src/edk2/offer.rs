use crate::dhcp::vendor_class;
use crate::message::{Received, code};
use crate::vendor::Vendor;

/// What an offer is to EDK2's PXE client (`PxeBcParseDhcp4Packet`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// BOOTP: an address without option 53.
    Bootp,
    /// An address and nothing about PXE.
    DhcpOnly,
    /// An address and option 60 "PXEClient" without a usable option 43: ask port 4011.
    DhcpBinl,
    /// An address and PXE 1.0 information.
    DhcpPxe10,
    /// An address and WfM 1.1a information.
    DhcpWfm11a,
    /// A proxy's option 60 without a usable option 43: ask port 4011.
    ProxyBinl,
    /// A proxy's PXE 1.0 information.
    ProxyPxe10,
    /// A proxy's WfM 1.1a information.
    ProxyWfm11a,
}

impl Class {
    /// The class, or nothing for a packet that is no offer to this client.
    pub(super) fn of(packet: &Received) -> Option<Self> {
        // The driver looks at the first octet only.
        let [first, ..] = packet.header.yiaddr.octets();
        let proxy = first == 0;
        if packet.kind().is_none() {
            return (!proxy).then_some(Self::Bootp);
        }
        if !vendor_class(packet, "PXEClient") {
            // Seen: a proxy's offer without option 60 is passed over.
            return (!proxy).then_some(Self::DhcpOnly);
        }
        let vendor = Vendor::read(packet);
        Some(match (proxy, vendor.discovery, vendor.mtftp) {
            (false, true, _) => Self::DhcpPxe10,
            (false, false, true) => Self::DhcpWfm11a,
            (false, false, false) => Self::DhcpBinl,
            (true, true, _) => Self::ProxyPxe10,
            (true, false, true) => Self::ProxyWfm11a,
            (true, false, false) => Self::ProxyBinl,
        })
    }
}

/// What the client settles on: the offer with the address, and the proxy's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) class: Class,
    pub(super) offer: Received,
    pub(super) proxy: Option<(Class, Received)>,
}

/// Which of the offers is taken (`PxeBcSelectDhcp4Offer`): the first of the best kind. WfM 1.1a counts as an offer and is
/// then found to be of no use, so it is left out here.
pub(super) fn select(offers: &[(Class, Received)]) -> Option<Choice> {
    let first = |class: Class| offers.iter().find(|(own, _)| *own == class);
    let alone = |found: &(Class, Received)| Choice { class: found.0, offer: found.1.clone(), proxy: None };
    let with = |address: Class, proxy: Class| {
        let (address, proxy) = (first(address)?, first(proxy)?);
        Some(Choice { proxy: Some(proxy.clone()), ..alone(address) })
    };
    let with_file = |class: Class| {
        offers.iter().find(|(own, packet)| *own == class && !file(packet).is_empty()).map(alone)
    };
    first(Class::DhcpPxe10)
        .map(alone)
        .or_else(|| with(Class::DhcpOnly, Class::ProxyPxe10))
        .or_else(|| first(Class::DhcpBinl).map(alone))
        .or_else(|| with(Class::DhcpOnly, Class::ProxyBinl))
        .or_else(|| with_file(Class::DhcpOnly))
        .or_else(|| with_file(Class::Bootp))
}

/// Option 67, or the header's name where there is none.
pub(super) fn file(packet: &Received) -> String {
    match packet.text(code::BOOT_FILE) {
        Some(name) if !name.is_empty() => name,
        _ => packet.header.file_text(),
    }
}
