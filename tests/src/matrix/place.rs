//! Where a site puts the box.

/// A column of the matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// Our server gives the addresses.
    Server,
    /// Beside a dnsmasq on another machine of the same wire; UEFI firmware gets its boot file in the offer.
    ProxyDirect,
    /// The same; UEFI firmware asks for its boot file on port 4011.
    Proxy4011,
    /// On the same machine as a dnsmasq that holds port 67 and knows nothing of network boot; it started first.
    SameHost,
    /// On the same machine as Kea, which started after us.
    SameHostKea,
    /// Clients are on another network, behind a router with ISC's relay.
    Relay,
    /// Clients are on a VLAN that is an interface of ours, beside the untagged network.
    Vlan,
}

impl Place {
    /// Every column.
    pub(crate) const ALL: [Self; 7] = [
        Self::Server,
        Self::ProxyDirect,
        Self::Proxy4011,
        Self::SameHost,
        Self::SameHostKea,
        Self::Relay,
        Self::Vlan,
    ];

    /// Its name on the command line and in the table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::ProxyDirect => "proxy-direct",
            Self::Proxy4011 => "proxy-4011",
            Self::SameHost => "same-host",
            Self::SameHostKea => "same-host-kea",
            Self::Relay => "relay",
            Self::Vlan => "vlan",
        }
    }

    /// True where another server gives the addresses.
    pub(crate) fn is_proxy(self) -> bool {
        matches!(self, Self::ProxyDirect | Self::Proxy4011 | Self::SameHost | Self::SameHostKea)
    }
}
