use std::net::Ipv4Addr;

use super::Class;

/// What clients are told besides their address, at one level: for one machine, a class, a subnet or everybody. What a nearer
/// level says goes before what a farther one says, thing by thing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameters {
    /// Routers, best first; never given to clients. Those outside the client's subnet are left out.
    pub routers: Vec<Ipv4Addr>,
    /// Name servers, best first.
    pub dns: Vec<Ipv4Addr>,
    /// The domain name.
    pub domain: Option<String>,
    /// The domain search list.
    pub search: Vec<String>,
    /// NTP servers, best first.
    pub ntp: Vec<Ipv4Addr>,
    /// More options.
    pub options: Vec<SiteOption>,
    /// Options that are not sent, whichever level has them.
    pub never: Vec<u8>,
}

/// An option that the site gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteOption {
    /// Its code.
    pub code: u8,
    /// Its value, raw.
    pub value: Vec<u8>,
    /// Whether it goes to clients too that have a list of what they want and do not ask for it.
    pub always: bool,
}

/// All that is told to one client, the nearest level first.
pub(super) struct Levels<'a>(Vec<&'a Parameters>);

impl<'a> Levels<'a> {
    pub(super) fn new(
        machine: Option<&'a Parameters>,
        classes: impl Iterator<Item = &'a Class>,
        subnet: &'a Parameters,
        everybody: &'a Parameters,
    ) -> Self {
        let classes = classes.map(|class| &class.parameters);
        Self(machine.into_iter().chain(classes).chain([subnet, everybody]).collect())
    }

    /// What the nearest level says that says anything.
    pub(super) fn first<T>(&self, read: impl Fn(&'a Parameters) -> Option<T>) -> Option<T> {
        self.0.iter().find_map(|level| read(level))
    }

    /// The same for addresses, of which only those count that are `good`.
    pub(super) fn addresses(
        &self,
        read: impl Fn(&'a Parameters) -> &'a Vec<Ipv4Addr>,
        good: impl Fn(&Ipv4Addr) -> bool,
    ) -> Vec<Ipv4Addr> {
        let of = |level| Some(read(level).iter().copied().filter(&good).collect());
        self.first(|level| of(level).filter(|addresses: &Vec<_>| !addresses.is_empty())).unwrap_or_default()
    }

    /// The further options of all levels.
    pub(super) fn options(&self) -> impl Iterator<Item = &'a SiteOption> {
        self.0.iter().flat_map(|level| &level.options)
    }

    /// The options that are not sent.
    pub(super) fn never(&self) -> Vec<u8> {
        self.0.iter().flat_map(|level| level.never.iter().copied()).collect()
    }
}
