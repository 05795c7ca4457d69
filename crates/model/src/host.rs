use std::{collections::BTreeMap, net::Ipv4Addr};

use serde::{Deserialize, Serialize};

use crate::{
    BadPower, BadPxelinuxOptions, Exit, HostName, LoaderName, Mac, Power, PxelinuxOptions, PxelinuxPatch,
    Uuid,
};

/// Most MACs one host may have.
pub const MAX_MACS: usize = 16;
/// Most variables one host may have.
pub const MAX_VARS: usize = 64;
/// Longest variable name, in bytes.
pub const MAX_VAR_NAME: usize = 64;
/// Longest variable value, in bytes.
pub const MAX_VAR_VALUE: usize = 4096;

/// A machine we know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Its name, unique.
    pub name: HostName,
    /// Its network cards' addresses, 1 to [`MAX_MACS`]; each belongs to one host only.
    pub macs: Vec<Mac>,
    /// Its SMBIOS UUID, if known; belongs to one host only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<Uuid>,
    /// The address reserved for it when we are the DHCP server; belongs to one host only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Ipv4Addr>,
    /// The loader it gets whatever the site's table says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loader: Option<LoaderName>,
    /// How it gets to its own disk, whatever the site says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<Exit>,
    /// What PXELINUX is told, before what its profile, its subnet and the site say.
    #[serde(default, skip_serializing_if = "PxelinuxOptions::is_empty")]
    pub pxelinux: PxelinuxOptions,
    /// What switches it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power: Option<Power>,
    /// Values that templates see as `host.vars.NAME`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub vars: BTreeMap<String, String>,
}

/// What to change about a host; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostPatch {
    /// The new list of MACs.
    #[serde(default)]
    pub macs: Option<Vec<Mac>>,
    /// The new UUID; `null` takes it away.
    #[serde(default, with = "present")]
    pub uuid: Option<Option<Uuid>>,
    /// The new reserved address; `null` takes it away.
    #[serde(default, with = "present")]
    pub address: Option<Option<Ipv4Addr>>,
    /// The new loader of its own; `null` takes it away.
    #[serde(default, with = "present")]
    pub loader: Option<Option<LoaderName>>,
    /// The new way to its own disk; `null` takes it away.
    #[serde(default, with = "present")]
    pub exit: Option<Option<Exit>>,
    /// What else PXELINUX is told.
    #[serde(default)]
    pub pxelinux: PxelinuxPatch,
    /// What switches it from now on, as a whole; `null` takes it away.
    #[serde(default, with = "present")]
    pub power: Option<Option<Power>>,
    /// Variables to set; `null` takes one away.
    #[serde(default)]
    pub vars: BTreeMap<String, Option<String>>,
}

/// Tells an absent field (`None`) from a `null` (`Some(None)`).
mod present {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Option<T>>, D::Error> {
        Option::<T>::deserialize(from).map(Some)
    }

    pub(super) fn serialize<T: Serialize, S: Serializer>(
        value: &Option<Option<T>>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_ref().and_then(Option::as_ref).serialize(to)
    }
}

impl HostPatch {
    /// The host with this patch applied.
    #[must_use]
    pub fn apply(&self, host: &Host) -> Host {
        let mut host = host.clone();
        if let Some(macs) = &self.macs {
            host.macs.clone_from(macs);
        }
        if let Some(uuid) = self.uuid {
            host.uuid = uuid;
        }
        if let Some(address) = self.address {
            host.address = address;
        }
        if let Some(loader) = &self.loader {
            host.loader.clone_from(loader);
        }
        if let Some(exit) = self.exit {
            host.exit = exit;
        }
        self.pxelinux.apply(&mut host.pxelinux);
        if let Some(power) = &self.power {
            host.power.clone_from(power);
        }
        for (name, value) in &self.vars {
            match value {
                Some(value) => host.vars.insert(name.clone(), value.clone()),
                None => host.vars.remove(name),
            };
        }
        host
    }
}

/// A host record that no state can hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadHost {
    /// No MAC at all.
    #[error("a host needs at least one MAC address")]
    NoMac,
    /// More than [`MAX_MACS`].
    #[error("a host may have at most {MAX_MACS} MAC addresses, not {0}")]
    TooManyMacs(usize),
    /// Zero or the broadcast address.
    #[error("{0} is not the address of one machine (it is zero, or the broadcast address)")]
    NotAMachine(Mac),
    /// The same MAC twice in one host.
    #[error("{0} is given twice")]
    MacTwice(Mac),
    /// All zero or all ones, which firmware sends when it has none.
    #[error("{0} is what firmware without a UUID sends; leave it out")]
    NoUuid(Uuid),
    /// Not an address that a machine can have.
    #[error("{0} is not an address that a host can have")]
    BadAddress(Ipv4Addr),
    /// What PXELINUX cannot be told.
    #[error(transparent)]
    BadPxelinux(#[from] BadPxelinuxOptions),
    /// Too many, or one too long or not a name.
    #[error(
        "variable {0:?}: a host may have {MAX_VARS} variables, named with letters, digits and '_' (at most {MAX_VAR_NAME}), \
         of at most {MAX_VAR_VALUE} bytes each"
    )]
    BadVariable(String),
    /// What switches it cannot be like that.
    #[error(transparent)]
    BadPower(#[from] BadPower),
}

impl Host {
    /// A machine of which only the name and the network cards are known.
    #[must_use]
    pub fn new(name: HostName, macs: Vec<Mac>) -> Self {
        Self {
            name,
            macs,
            uuid: None,
            address: None,
            loader: None,
            exit: None,
            power: None,
            pxelinux: PxelinuxOptions::default(),
            vars: BTreeMap::new(),
        }
    }

    /// Checks what can be said of one host without looking at the others.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub fn check(&self) -> Result<(), BadHost> {
        if self.macs.is_empty() {
            return Err(BadHost::NoMac);
        }
        if self.macs.len() > MAX_MACS {
            return Err(BadHost::TooManyMacs(self.macs.len()));
        }
        for (at, mac) in self.macs.iter().enumerate() {
            if !mac.may_name_a_host() {
                return Err(BadHost::NotAMachine(*mac));
            }
            if self.macs[..at].contains(mac) {
                return Err(BadHost::MacTwice(*mac));
            }
        }
        if let Some(uuid) = self.uuid.filter(|uuid| !uuid.is_machine()) {
            return Err(BadHost::NoUuid(uuid));
        }
        if let Some(address) = self.address
            && (address.is_unspecified()
                || address.is_multicast()
                || address.is_broadcast()
                || address.is_loopback())
        {
            return Err(BadHost::BadAddress(address));
        }
        self.pxelinux.check()?;
        self.power.as_ref().map_or(Ok(()), Power::check)?;
        let sound = |name: &str| {
            (1..=MAX_VAR_NAME).contains(&name.len())
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        };
        let odd = self.vars.iter().find(|(name, value)| !sound(name) || value.len() > MAX_VAR_VALUE);
        if let Some((name, _)) = odd.or_else(|| self.vars.iter().nth(MAX_VARS)) {
            return Err(BadHost::BadVariable(name.chars().take(MAX_VAR_NAME).collect()));
        }
        Ok(())
    }
}
