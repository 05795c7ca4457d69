use std::net::IpAddr;

use crate::{document::Section, files::take};

/// The boot side of HTTP, for machines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http {
    /// TCP port.
    pub port: u16,
    /// Addresses to listen on; empty: all of this host's.
    pub addresses: Vec<IpAddr>,
}

impl Default for Http {
    fn default() -> Self {
        Self { port: 8080, addresses: Vec::new() }
    }
}

impl Http {
    pub(crate) fn read(http: &mut Section<'_>) -> Self {
        let mut read = Self::default();
        take(&mut read.port, http.get("port", |item| item.number(1..=u16::MAX)));
        take(&mut read.addresses, http.get("addresses", addresses));
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
