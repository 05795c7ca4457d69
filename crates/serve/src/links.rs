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
    pub(crate) addresses: Vec<Ipv4Net>,
}

/// The interfaces that we serve, as they are now. They are wanted by name: one that is deleted and made again has another
/// index, and one may come only later.
#[derive(Debug)]
pub(crate) struct Links {
    wanted: Vec<String>,
    now: ArcSwap<BTreeMap<u32, Link>>,
    /// Of all interfaces: our addresses can be asked over ones that we do not serve, too.
    mtus: ArcSwap<BTreeMap<u32, u32>>,
}

/// What a look at the interfaces found changed: names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) appeared: Vec<String>,
    pub(crate) gone: Vec<String>,
}

/// Why there is no interface to serve.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoLink {
    #[error("there is no default route to tell which interface to serve. Name one: interfaces = [\"eth0\"]")]
    NoDefault,
    #[error(transparent)]
    Netlink(#[from] NetlinkError),
}

impl Links {
    /// Finds the interfaces with these names, in which `*` stands for anything; the one of the default route when there is no
    /// name.
    pub(crate) async fn find(network: &Network, names: &[String]) -> Result<Self, NoLink> {
        let all = network.interfaces().await?;
        let mut wanted = names.to_vec();
        if wanted.is_empty() {
            let default = network.default_interface().await?;
            let found = all.iter().find(|interface| Some(interface.index) == default);
            wanted.push(found.ok_or(NoLink::NoDefault)?.name.clone());
        }
        let links = Self { wanted, now: ArcSwap::default(), mtus: ArcSwap::default() };
        links.take(all);
        Ok(links)
    }

    /// Keeps the interfaces and their addresses up to date, for ever, and says so after each change.
    pub(crate) async fn follow(
        self: Arc<Self>,
        network: Arc<Network>,
        mut changes: Changes,
        changed: impl Fn(&Self, Moved),
    ) {
        while changes.next().await.is_some() {
            match network.interfaces().await {
                Ok(all) => {
                    let moved = self.take(all);
                    changed(&self, moved);
                }
                Err(error) => tracing::warn!(%error, "cannot read the interfaces again"),
            }
        }
        tracing::warn!("no longer told of changes of interfaces; their addresses are taken as they are now");
    }

    fn take(&self, all: Vec<Interface>) -> Moved {
        self.mtus.store(Arc::new(all.iter().map(|interface| (interface.index, interface.mtu)).collect()));
        let is_wanted = |interface: &Interface| {
            self.wanted.iter().any(|name| {
                // A wildcard means network cards.
                *name == interface.name || (!interface.loopback && matches(name, &interface.name))
            })
        };
        let links = all.into_iter().filter(is_wanted).map(|interface| {
            let addresses =
                interface.ipv4().filter_map(|(ip, prefix)| Ipv4Net::new(ip, prefix).ok()).collect();
            (interface.index, Link { name: interface.name, addresses })
        });
        let links: BTreeMap<u32, Link> = links.collect();
        let before = self.now.load();
        let names = |links: &BTreeMap<u32, Link>, other: &BTreeMap<u32, Link>| {
            let new = links.iter().filter(|(index, _)| !other.contains_key(index));
            new.map(|(_, link)| link.name.clone()).collect::<Vec<_>>()
        };
        let moved = Moved { appeared: names(&links, &before), gone: names(&before, &links) };
        self.now.store(Arc::new(links));
        moved
    }

    pub(crate) fn indexes(&self) -> Vec<u32> {
        self.now.load().keys().copied().collect()
    }

    pub(crate) fn serves(&self, interface: u32) -> bool {
        self.now.load().contains_key(&interface)
    }

    pub(crate) fn name(&self, interface: u32) -> Option<String> {
        self.now.load().get(&interface).map(|link| link.name.clone())
    }

    /// The name of the interface that has this address.
    pub(crate) fn with_address(&self, address: Ipv4Addr) -> Option<String> {
        let now = self.now.load();
        let link = now.values().find(|link| link.addresses.iter().any(|net| net.addr() == address));
        link.map(|link| link.name.clone())
    }

    /// The names for which there is no interface yet.
    pub(crate) fn waited_for(&self) -> Vec<String> {
        let now = self.now.load();
        let missing = |name: &&String| !now.values().any(|link| matches(name, &link.name));
        self.wanted.iter().filter(missing).cloned().collect()
    }

    /// Our addresses on them, each with its network.
    pub(crate) fn networks(&self) -> Vec<Ipv4Net> {
        self.now.load().values().flat_map(|link| link.addresses.clone()).collect()
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

    /// The MTU of any interface, whether we serve it or not.
    pub(crate) fn mtu(&self, interface: u32) -> Option<u32> {
        self.mtus.load().get(&interface).copied()
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

    /// True for an address of ours.
    pub(crate) fn has(&self, address: Ipv4Addr) -> bool {
        self.now.load().values().flat_map(|link| &link.addresses).any(|net| net.addr() == address)
    }

    pub(crate) fn all_addresses(&self) -> Vec<Ipv4Addr> {
        self.now.load().values().flat_map(|link| link.addresses.iter().map(Ipv4Net::addr)).collect()
    }

    /// All addresses, each with the index of its interface.
    pub(crate) fn by_interface(&self) -> Vec<(u32, Ipv4Addr)> {
        let now = self.now.load();
        let each = |(index, link): (&u32, &Link)| {
            let index = *index;
            link.addresses.iter().map(move |net| (index, net.addr())).collect::<Vec<_>>()
        };
        now.iter().flat_map(each).collect()
    }

    /// The address of ours in the network that `address` is in: what a machine there reaches us by. Of several the one that
    /// it asked.
    pub(crate) fn towards(&self, address: IpAddr, asked: IpAddr) -> Option<IpAddr> {
        let IpAddr::V4(address) = address.to_canonical() else { return None };
        let now = self.now.load();
        let mut found = now
            .values()
            .flat_map(|link| &link.addresses)
            .filter(|net| net.contains(&address))
            .map(|net| IpAddr::V4(net.addr()));
        let first = found.next()?;
        Some(found.find(|own| *own == asked).filter(|_| first != asked).unwrap_or(first))
    }
}

/// True if the name fits the pattern, in which `*` stands for any number of characters.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        // The earliest place leaves most for what follows.
        let Some((_, behind)) = rest.split_once(part) else { return false };
        rest = behind;
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything_in_a_name() {
        for (pattern, name, fits) in [
            ("eth0", "eth0", true),
            ("eth0", "eth01", false),
            ("eth*", "eth0.20", true),
            ("eth*", "eth", true),
            ("eth*", "veth0", false),
            ("lab-*", "lab-a", true),
            ("*", "br0", true),
            ("*.20", "eth0.20", true),
            ("e*h*0", "eth10", true),
            ("e*h*0", "eth1", false),
            ("ab*ba", "aba", false),
            ("a**b", "axb", true),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn interfaces_are_followed_by_name() {
        let wanted = ["br*".to_owned(), "eth9".to_owned()].into();
        let links = Links { wanted, now: ArcSwap::default(), mtus: ArcSwap::default() };
        let interface = |index, name: &str| Interface {
            index,
            name: name.into(),
            mac: None,
            mtu: 1500,
            up: true,
            running: true,
            loopback: name == "lo",
            addresses: vec![("10.0.0.1".parse().unwrap(), 24)],
        };
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let moved = links.take(vec![interface(1, "lo"), interface(2, "br0"), interface(3, "eth0")]);
        assert_eq!(moved, Moved { appeared: names(&["br0"]), gone: vec![] });
        assert_eq!((links.indexes(), links.waited_for()), (vec![2], names(&["eth9"])));
        assert_eq!(
            (links.mtu(2), links.mtu(3), links.mtu(4)),
            (Some(1500), Some(1500), None),
            "also of one that is not served"
        );
        let moved = links.take(vec![interface(7, "br0"), interface(8, "eth9")]);
        assert_eq!(moved, Moved { appeared: names(&["br0", "eth9"]), gone: names(&["br0"]) });
        assert!(
            links.serves(7) && !links.serves(2) && links.waited_for().is_empty(),
            "made again, new index"
        );
        assert_eq!(links.take(vec![interface(7, "br0"), interface(8, "eth9")]), Moved::default());
        assert_eq!(links.take(vec![]).gone, names(&["br0", "eth9"]));
    }

    fn links(interfaces: &[(u32, &[&str])]) -> Links {
        let link = |addresses: &[&str]| Link {
            name: "eth".into(),
            addresses: addresses.iter().map(|net| net.parse().unwrap()).collect(),
        };
        let now = interfaces.iter().map(|(index, addresses)| (*index, link(addresses))).collect();
        Links { wanted: vec!["eth".into()], now: ArcSwap::from_pointee(now), mtus: ArcSwap::default() }
    }

    fn ip(text: &str) -> Ipv4Addr {
        text.parse().unwrap()
    }

    #[test]
    fn we_are_known_by_the_address_that_was_asked_then_by_one_in_a_served_network() {
        let links = links(&[(2, &["192.168.1.1/24", "10.0.0.1/24", "10.0.0.2/24"]), (3, &[])]);
        let local = |interface, to: &str, preferred: &str| {
            let preferred = ip(preferred);
            links.local(interface, ip(to), |address| address == preferred).map(|net| net.addr().to_string())
        };
        assert_eq!(local(2, "10.0.0.2", "10.0.0.1").as_deref(), Some("10.0.0.2"));
        assert_eq!(local(2, "255.255.255.255", "10.0.0.1").as_deref(), Some("10.0.0.1"));
        assert_eq!(local(2, "255.255.255.255", "9.9.9.9").as_deref(), Some("192.168.1.1"));
        assert_eq!(local(3, "255.255.255.255", "10.0.0.1"), None, "no address yet");
        assert_eq!(local(4, "10.0.0.1", "10.0.0.1"), None, "not served");
        assert_eq!(links.without_address(), ["eth"]);
        assert!(links.serves(3) && !links.serves(4));
    }

    #[test]
    fn a_machine_reaches_us_by_the_address_in_its_own_network() {
        let links = links(&[(2, &["10.0.0.1/24", "10.0.0.2/24"]), (3, &["10.1.0.1/24", "10.1.0.2/24"])]);
        let asked = IpAddr::V4(ip("10.0.0.2"));
        let towards =
            |text: &str| links.towards(text.parse().unwrap(), asked).map(|address| address.to_string());
        assert_eq!(towards("10.1.0.77").as_deref(), Some("10.1.0.1"));
        assert_eq!(towards("10.0.0.77").as_deref(), Some("10.0.0.2"), "the one that was asked");
        assert_eq!(towards("10.2.0.77"), None, "behind a router");
        assert_eq!(towards("fe80::1"), None);
    }

    #[test]
    fn what_appears_later_is_taken() {
        let links = links(&[]);
        assert!(links.names().is_empty() && links.all_addresses().is_empty());
        links.now.store(Arc::new(
            [(2, Link { name: "eth0".into(), addresses: vec!["10.0.0.1/24".parse().unwrap()] })].into(),
        ));
        assert_eq!(links.all_addresses(), [ip("10.0.0.1")]);
    }
}
