use std::{net::IpAddr, num::NonZeroU64, sync::Arc};

use ipnet::IpNet;

use crate::{document::Section, files::take, rate::rate, value::address_or_network};

/// The boot side of HTTP, for machines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http {
    /// TCP port.
    pub port: u16,
    /// Addresses to listen on; empty: all of this host's.
    pub addresses: Vec<IpAddr>,
    /// Most connections at a time, of all clients together.
    pub max_connections: u32,
    /// Most connections at a time of one IP address.
    pub max_per_client: u32,
    /// Proxies and caches in front of it, and of the control API, whose word on whom they ask for is taken.
    pub trusted_proxies: Arc<[IpNet]>,
    /// Most bytes a second for one IP address.
    pub max_rate: Option<NonZeroU64>,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            port: 8080,
            addresses: Vec::new(),
            max_connections: 4096,
            max_per_client: 256,
            trusted_proxies: Arc::new([]),
            max_rate: None,
        }
    }
}

impl Http {
    pub(crate) fn read(http: &mut Section<'_>) -> Self {
        let mut read = Self::default();
        take(&mut read.port, http.get("port", |item| item.number(1..=u16::MAX)));
        take(&mut read.addresses, http.get("addresses", addresses));
        take(&mut read.max_connections, http.get("max_connections", |item| item.number(1..=65_536)));
        take(&mut read.max_per_client, http.get("max_per_client", |item| item.number(1..=65_536)));
        let proxies = http.get("trusted_proxies", |item| item.list(address_or_network));
        take(&mut read.trusted_proxies, proxies.map(Arc::from));
        take(&mut read.max_rate, http.get("max_rate", rate));
        read
    }
}

/// Addresses to listen on.
pub(crate) fn addresses(item: &crate::document::Item<'_>) -> Option<Vec<IpAddr>> {
    item.list(|item| {
        let address: IpAddr =
            item.parse("use an address of this host, e.g. \"10.0.0.1\" or \"127.0.0.1\"")?;
        if address.is_multicast() {
            return item.wrong("nobody can listen on a multicast address");
        }
        Some(address)
    })
}
