use serde::{Deserialize, Serialize};

use crate::{
    Class, Door, Host, HostName, HostPatch, Mac, Network, ProfileName, TestCommand, Timestamp, Until,
};

/// Whom a command is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// A host by its name.
    Name(HostName),
    /// The host that has this MAC.
    Mac(Mac),
}

/// What somebody wants. [`Command::check`] says what that would change, or why it cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// A new host; it gets `local` until somebody assigns something.
    AddHost {
        /// The host.
        host: Host,
        /// Who wants it.
        by: Door,
    },
    /// A new host that another program knew already, with what it booted there. An entry made by hand after `since` decides, as
    /// it did there.
    TakeHost {
        /// The host.
        host: Box<Host>,
        /// What it booted; that it exists is the caller's duty. It holds until somebody changes it.
        profile: ProfileName,
        /// The profile's class as of now.
        class: Class,
        /// Since when; the beginning of time where nobody knows. Never later than now.
        since: Timestamp,
        /// Who said so, there or now.
        by: Door,
    },
    /// What a person had put into the tree for a host about which nobody has said anything here; where somebody has, that holds
    /// and this changes nothing.
    TakeEntry {
        /// Which host.
        name: HostName,
        /// The profile that it leads to.
        profile: ProfileName,
        /// The profile's class as of now.
        class: Class,
        /// When the person put it there. Never later than now.
        since: Timestamp,
        /// Which entry.
        by: Door,
    },
    /// Change what a host is (not what it boots).
    SetHost {
        /// Which.
        name: HostName,
        /// What.
        patch: HostPatch,
    },
    /// Forget a host.
    RemoveHost {
        /// Which.
        name: HostName,
    },
    /// Give hosts a profile: all of them, or none when one is unknown.
    Assign {
        /// Which hosts.
        targets: Vec<Target>,
        /// The profile; that it exists is the caller's duty.
        profile: ProfileName,
        /// The profile's class as of now.
        class: Class,
        /// How long; see [`Until::usual`](crate::Until::usual).
        until: Until,
        /// Who wants it.
        by: Door,
    },
    /// Networks for a name, beside those that it has. It is new when it is not known.
    AddNet {
        /// The name.
        name: HostName,
        /// The networks.
        networks: Vec<Network>,
    },
    /// Forget the networks of a name.
    RemoveNet {
        /// The name.
        name: HostName,
    },
    /// Give the machines of networks that are no hosts a profile, until somebody changes it.
    AssignNet {
        /// The networks' name; `default` need not be known.
        name: HostName,
        /// The profile, which the caller found to exist, and its class; nothing takes back what was assigned.
        profile: Option<(ProfileName, Class)>,
        /// Who wants it.
        by: Door,
    },
    /// What another system, from which a host or networks were taken over, had given them: for the journal.
    TakeOver {
        /// The name.
        name: HostName,
        /// Which system, in a word.
        from: String,
        /// When it had given which profile.
        history: Vec<(Timestamp, ProfileName)>,
    },
    /// Cards and networks for a system of pxemngr's, beside those that it has. It is new when it is not known; what others
    /// have moves.
    AddSystem {
        /// Its name.
        name: HostName,
        /// Its cards, which make a host.
        macs: Vec<Mac>,
        /// Its networks.
        networks: Vec<Network>,
        /// Who wants it.
        by: Door,
    },
    /// Give a system of pxemngr's a profile until somebody changes it: the host and the networks of its name.
    AssignSystem {
        /// Its name; `default` need not be known.
        name: HostName,
        /// The profile; that it exists is the caller's duty.
        profile: ProfileName,
        /// The profile's class as of now.
        class: Class,
        /// Who wants it.
        by: Door,
    },
    /// Forget a system of pxemngr's: the host and the networks of its name.
    RemoveSystem {
        /// Its name.
        name: HostName,
    },
    /// Have hosts boot what rescues them, until it is taken back; then what they had before holds again. An installer does
    /// not: whoever wants it after a rescue says so anew. Nor does the same profile, or the rescue would never end.
    Rescue {
        /// Which hosts.
        targets: Vec<Target>,
        /// The profile; that it exists, and does not install, is the caller's duty.
        profile: ProfileName,
        /// The profile's class as of now.
        class: Class,
        /// Who wants it.
        by: Door,
    },
    /// Take back what was assigned: a `once` and a rescue give way to what was before them, anything else to `local`.
    Cancel {
        /// Which hosts.
        targets: Vec<Target>,
        /// Who wants it.
        by: Door,
    },
    /// The installed system (or its installer) reports that it is done: `local` from now on. A machine that is no host and
    /// speaks for itself becomes one, named after its MAC (`23-34-a3-e9-09-cc`).
    CallBack {
        /// Whose call-back.
        mac: Mac,
        /// The assignment it was made for, when the caller proves one; a call-back for another arming is refused.
        armed: Option<Timestamp>,
        /// Who calls.
        by: Door,
    },
    /// Everything that the plan named was delivered in full to the host.
    Delivered {
        /// Which host.
        name: HostName,
        /// Under which assignment ([`Assignment::since`](crate::Assignment::since)).
        armed: Timestamp,
    },
    /// The host used up its attempts: `local` from now on, marked failed.
    GiveUp {
        /// Which host.
        name: HostName,
        /// Under which assignment ([`Assignment::since`](crate::Assignment::since)).
        armed: Timestamp,
        /// Why.
        reason: String,
    },
    /// About test runs.
    Test(TestCommand),
}
