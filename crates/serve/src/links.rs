use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use arc_swap::ArcSwap;
use ipnet::Ipv4Net;
use nextboot_net::{Changes, Interface, NetlinkError, Network};

/// One interface that we serve.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub(crate) name: String,
    pub(crate) mtu: u32,
    pub(crate) addresses: Vec<Ipv4Net>,
}

/// The interfaces that we serve, as they are now.
#[derive(Debug)]
pub(crate) struct Links {
    wanted: Vec<u32>,
    now: ArcSwap<BTreeMap<u32, Link>>,
}

/// Why there is no interface to serve.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoLink {
    #[error(
        "there is no interface {name:?}; this machine has {have}. Mend `interfaces` in the configuration"
    )]
    Missing { name: String, have: String },
    #[error("there is no default route to tell which interface to serve. Name one: interfaces = [\"eth0\"]")]
    NoDefault,
    #[error(transparent)]
    Netlink(#[from] NetlinkError),
}

impl Links {
    /// Finds the interfaces with these names; the one of the default route when there is no name.
    pub(crate) async fn find(network: &Network, names: &[String]) -> Result<Self, NoLink> {
        let all = network.interfaces().await?;
        let mut wanted = Vec::new();
        for name in names {
            let found =
                all.iter().find(|interface| interface.name == *name).ok_or_else(|| NoLink::Missing {
                    name: name.clone(),
                    have: all.iter().map(|interface| interface.name.as_str()).collect::<Vec<_>>().join(", "),
                })?;
            wanted.push(found.index);
        }
        if wanted.is_empty() {
            wanted.push(network.default_interface().await?.ok_or(NoLink::NoDefault)?);
        }
        let links = Self { wanted, now: ArcSwap::default() };
        links.take(all);
        Ok(links)
    }

    /// Keeps the addresses up to date, for ever, and says so after each change.
    pub(crate) async fn follow(
        self: Arc<Self>,
        network: Arc<Network>,
        mut changes: Changes,
        changed: impl Fn(&Self),
    ) {
        while changes.next().await.is_some() {
            match network.interfaces().await {
                Ok(all) => {
                    self.take(all);
                    changed(&self);
                }
                Err(error) => tracing::warn!(%error, "cannot read the interfaces again"),
            }
        }
        tracing::warn!("no longer told of changes of interfaces; their addresses are taken as they are now");
    }

    fn take(&self, all: Vec<Interface>) {
        let wanted = all.into_iter().filter(|interface| self.wanted.contains(&interface.index));
        let links = wanted.map(|interface| {
            let addresses =
                interface.ipv4().filter_map(|(ip, prefix)| Ipv4Net::new(ip, prefix).ok()).collect();
            (interface.index, Link { name: interface.name, mtu: interface.mtu, addresses })
        });
        self.now.store(Arc::new(links.collect()));
    }

    pub(crate) fn indexes(&self) -> &[u32] {
        &self.wanted
    }

    pub(crate) fn serves(&self, interface: u32) -> bool {
        self.wanted.contains(&interface)
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.now.load().values().map(|link| link.name.clone()).collect()
    }

    /// The interfaces on which nothing can be answered yet.
    pub(crate) fn without_address(&self) -> Vec<String> {
        self.now
            .load()
            .values()
            .filter(|link| link.addresses.is_empty())
            .map(|link| link.name.clone())
            .collect()
    }

    pub(crate) fn mtu(&self, interface: u32) -> Option<u32> {
        self.now.load().get(&interface).map(|link| link.mtu)
    }

    /// The address by which we are known on this interface: the one a packet was sent to where it is one of ours, else
    /// the first in a network of `preferred`, else the first.
    pub(crate) fn local(
        &self,
        interface: u32,
        to: Ipv4Addr,
        preferred: impl Fn(Ipv4Addr) -> bool,
    ) -> Option<Ipv4Net> {
        let now = self.now.load();
        let addresses = &now.get(&interface)?.addresses;
        let exact = addresses.iter().find(|net| net.addr() == to);
        exact
            .or_else(|| addresses.iter().find(|net| preferred(net.addr())))
            .or_else(|| addresses.first())
            .copied()
    }

    pub(crate) fn all_addresses(&self) -> Vec<Ipv4Addr> {
        self.now.load().values().flat_map(|link| link.addresses.iter().map(Ipv4Net::addr)).collect()
    }

    /// The address of ours in the network that `address` is in: what a machine there reaches us by.
    pub(crate) fn towards(&self, address: IpAddr) -> Option<IpAddr> {
        let IpAddr::V4(address) = address else { return None };
        let now = self.now.load();
        let found = now.values().flat_map(|link| &link.addresses).find(|net| net.contains(&address))?;
        Some(IpAddr::V4(found.addr()))
    }
}
