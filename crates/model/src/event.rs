use std::{fmt, net::IpAddr};

use serde::{Deserialize, Serialize};

use crate::{
    Arch, AttemptId, Conflict, Door, HostName, Mac, Network, OfferWay, PowerAction, PowerState, ProfileName,
    TestName, TestRunId, Timestamp, Until,
};

/// One thing that was observed or decided. Logs, timelines and the live stream are views of these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Counts up by one per event, for ever: the place in the journal.
    pub id: u64,
    /// When.
    pub at: Timestamp,
    /// In which attempt to boot, if in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<AttemptId>,
    /// Which machine, if one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<Mac>,
    /// Which host, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<HostName>,
    /// What.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// By which protocol a machine got something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// TFTP.
    Tftp,
    /// HTTP.
    Http,
}

impl fmt::Display for Via {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Tftp => "TFTP",
            Self::Http => "HTTP",
        })
    }
}

/// What a file is to the machine that fetches it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FilePart {
    /// The network boot program, or something that it brings with it: fetched before there is a configuration.
    Loader,
    /// The kernel that the configuration names.
    Kernel,
    /// What the configuration names beside a kernel.
    Initrd,
}

/// What happened. The `code` in the serialized form is stable: programs may depend on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the sentence that Display writes says what each field is")]
pub enum EventKind {
    /// The server began to serve.
    Started { version: String, hosts: usize },
    /// The server ends.
    Stopped,
    /// The configuration was read again and is in force.
    Reloaded,
    /// The configuration was read again, is wrong, and changes nothing.
    ReloadFailed { error: String },
    /// A network interface came that we serve, at the start or later.
    InterfaceAppeared { interface: String },
    /// A network interface that we serve is there no longer.
    InterfaceGone { interface: String },
    /// Another DHCP or boot server was heard for the first time.
    NeighbourFound { server: IpAddr, interface: String, hardware: Option<Mac>, proxy: bool },
    /// It gets in our way.
    NeighbourConflict { server: IpAddr, interface: String, conflict: Conflict },
    /// Something of the server's own did not work.
    Trouble { what: String },

    /// A host was added.
    HostAdded { macs: Vec<Mac> },
    /// What a host is was changed.
    HostChanged,
    /// A host was forgotten.
    HostRemoved,
    /// Networks got this name, or are the ones that it stands for now.
    NetChanged { networks: Vec<Network> },
    /// The networks of a name were forgotten.
    NetRemoved,
    /// The machines of a network got a profile.
    NetAssigned { profile: ProfileName, by: Door },
    /// That was taken back.
    NetFreed,
    /// A host got a profile.
    Assigned { profile: ProfileName, until: Until, by: Door },
    /// Another system, from which the host was taken over, had given it a profile at that moment.
    TakenOver { profile: ProfileName, since: Timestamp, from: String },
    /// An assignment was taken back.
    Cancelled { profile: ProfileName, now: ProfileName, by: Door },
    /// The call-back came: the installation is done.
    CalledBack { profile: ProfileName, by: Door },
    /// A call-back was refused.
    CallBackRefused { from: IpAddr, reason: String },
    /// Everything the plan named was delivered in full.
    Delivered { profile: ProfileName, times: u32 },
    /// The same, for an assignment that held once; it is over.
    UsedUp { profile: ProfileName, now: ProfileName },
    /// The host used up its attempts and boots from its disk now.
    GaveUp { profile: ProfileName, reason: String },
    /// Somebody had its power switched; what it was before, where that was seen.
    PowerSwitched { action: PowerAction, was: Option<PowerState>, by: Door },
    /// It could not be switched.
    PowerFailed { action: PowerAction, reason: String, by: Door },

    /// A machine began to boot.
    AttemptStarted,
    /// The attempt is over.
    AttemptEnded { outcome: Outcome },
    /// The machine asks for an address and a boot file.
    Discovered { arch: Option<Arch>, firmware: String },
    /// We offered: an address, a boot file, or both.
    Offered { address: Option<IpAddr>, file: Option<String> },
    /// The machine has this address by our acknowledgement.
    Leased { address: IpAddr, seconds: Option<u32> },
    /// The machine asked another server for this address; we heard it.
    LeasedElsewhere { address: IpAddr, server: Option<IpAddr> },
    /// The machine asked the boot server port (4011) and got this.
    BootServerAnswered { file: Option<String> },
    /// We refused an address (DHCPNAK).
    Refused { reason: String },
    /// The machine found its address in use by somebody else (DHCPDECLINE).
    Declined { address: IpAddr },
    /// The machine gave its address back.
    Released { address: IpAddr },
    /// No address was left to offer.
    PoolExhausted { network: String },
    /// We did not answer, and why.
    Ignored { reason: String },
    /// We offered a menu that the firmware shows.
    MenuOffered { entries: Vec<String> },
    /// Somebody at the console picked this in it, for this boot.
    Picked { profile: ProfileName },
    /// The firmware asked again and again and made nothing of our offers beside another server's; it is offered the other way.
    OfferNotTaken { failed: OfferWay, next: OfferWay },
    /// That way led the machine to us, and it is remembered for it.
    WayFound { way: OfferWay },
    /// The firmware took neither way: it puts no two servers' offers together and needs one complete offer.
    NeedsOneOffer { address_by: Option<IpAddr>, next_server: IpAddr, file: String },
    /// What this machine gets, and why.
    Planned {
        profile: Option<ProfileName>,
        why: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        loader: Option<String>,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        loader_why: String,
    },

    /// A loader configuration was delivered.
    ConfigurationSent { name: String, profile: ProfileName, via: Via },
    /// A file was delivered in full.
    FileSent {
        name: String,
        bytes: u64,
        millis: u64,
        via: Via,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        part: Option<FilePart>,
    },
    /// The machine fetched iPXE three times within a minute.
    GoesRound { name: String },
    /// The machine asked only for the size (UEFI firmware does, and aborts the transfer by design).
    SizeProbed { name: String },
    /// A transfer ended before its end.
    FileCut { name: String, sent: u64, bytes: u64, reason: String, via: Via },
    /// The machine took small packets but none of the large ones: path MTU?
    LargeBlocksVanish { name: String, block: u32, packet: u32, mtu: Option<u32> },
    /// A file was not there or not for this machine.
    FileRefused { name: String, reason: String, via: Via },
    /// A seed was rendered for the host and delivered.
    SeedSent { name: String },
    /// A template could not be rendered.
    TemplateFailed { name: String, error: String },

    /// A test waits for the host to ask for it.
    TestQueued { run: TestRunId, test: TestName, by: Door },
    /// The host took the script of a test.
    TestStarted { run: TestRunId, test: TestName },
    /// A test that was started waits again.
    TestRequeued { run: TestRunId, test: TestName },
    /// The log of a test came.
    TestReported {
        run: TestRunId,
        test: TestName,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<String>,
        warnings: u32,
        errors: u32,
        bytes: u64,
    },
    /// There is no log of a test.
    TestFailed { run: TestRunId, test: TestName, reason: String },
    /// A test run was forgotten.
    TestRemoved { run: TestRunId },
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// The installed system called back.
    CalledBack,
    /// It was sent to its own disk.
    Local,
    /// It got everything its plan named, and that was all there was to do.
    Booted,
    /// It began anew before it had finished.
    StartedAnew,
    /// Nothing was heard of it for a long time.
    Silent,
}

impl Outcome {
    /// Its word, as in the serialized form.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::CalledBack => "called-back",
            Self::Local => "local",
            Self::Booted => "booted",
            Self::StartedAnew => "started-anew",
            Self::Silent => "silent",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::CalledBack => "installed, called back",
            Self::Local => "sent to its own disk",
            Self::Booted => "booted",
            Self::StartedAnew => "began anew without calling back",
            Self::Silent => "fell silent",
        })
    }
}

impl EventKind {
    /// True for what an operator should look at.
    #[must_use]
    pub fn is_warning(&self) -> bool {
        matches!(
            self,
            Self::ReloadFailed { .. }
                | Self::Trouble { .. }
                | Self::InterfaceGone { .. }
                | Self::NeighbourConflict { .. }
                | Self::CallBackRefused { .. }
                | Self::GaveUp { .. }
                | Self::PowerFailed { .. }
                | Self::Refused { .. }
                | Self::Declined { .. }
                | Self::PoolExhausted { .. }
                | Self::TemplateFailed { .. }
                | Self::NeedsOneOffer { .. }
                | Self::GoesRound { .. }
                | Self::LargeBlocksVanish { .. }
                | Self::TestFailed { .. }
        ) || matches!(self, Self::Delivered { times, .. } if *times >= 3)
    }
}

/// A size for people: `1.4 MiB`.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let (mut tenths, mut unit) = (bytes.saturating_mul(10), "B");
    for next in UNITS {
        if tenths < 10_240 {
            break;
        }
        (tenths, unit) = (tenths / 1024, next);
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{}.{} {unit}", tenths / 10, tenths % 10) }
}

/// A duration for people: `12 h`, `90 min`, `45 s`.
fn while_(seconds: u32) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        7_200..=172_799 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_nothing = |file: &Option<String>| file.clone().unwrap_or_else(|| "no boot file".into());
        match self {
            Self::Started { version, hosts } => write!(out, "nextboot {version} serves, {hosts} hosts known"),
            Self::Stopped => write!(out, "nextboot stops"),
            Self::Reloaded => write!(out, "configuration read again, in force"),
            Self::ReloadFailed { error } => {
                write!(out, "configuration not taken, the old one holds: {error}")
            }
            Self::InterfaceAppeared { interface } => write!(out, "{interface} is there and is served"),
            Self::InterfaceGone { interface } => {
                write!(out, "{interface} is gone; it is served again as soon as it is back")
            }
            Self::NeighbourFound { server, interface, hardware, proxy } => {
                let what = if *proxy { "boot" } else { "DHCP" };
                write!(out, "there is another {what} server on {interface}: {server}")?;
                hardware.map_or(Ok(()), |mac| write!(out, " ({mac})"))
            }
            Self::NeighbourConflict { server, interface, conflict } => {
                write!(out, "{server} on {interface} gets in our way: {conflict}")
            }
            Self::Trouble { what } => write!(out, "{what}"),
            Self::HostAdded { macs } => {
                write!(
                    out,
                    "host added, {}",
                    macs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
                )
            }
            Self::HostChanged => write!(out, "host changed"),
            Self::HostRemoved => write!(out, "host removed"),
            Self::TakenOver { profile, since, from } => {
                write!(out, "had got {profile} at {since} (by {from})")
            }
            Self::NetChanged { networks } => {
                write!(out, "stands for")?;
                networks.iter().try_for_each(|network| write!(out, " {network}"))
            }
            Self::NetRemoved => write!(out, "stands for no networks any more"),
            Self::NetAssigned { profile, by } => write!(out, "its machines get {profile} (by {by})"),
            Self::NetFreed => write!(out, "its machines get nothing of their own any more"),
            Self::Assigned { profile, until, by } => {
                let until = match until {
                    Until::Changed => "until somebody changes it",
                    Until::Done => "until it calls back",
                    Until::Once => "once",
                };
                write!(out, "gets {profile} {until} (by {by})")
            }
            Self::Cancelled { profile, now, by } => write!(out, "{profile} cancelled, gets {now} (by {by})"),
            Self::CalledBack { profile, by } => {
                write!(out, "called back from {profile}, gets local (by {by})")
            }
            Self::CallBackRefused { from, reason } => write!(out, "call-back from {from} refused: {reason}"),
            Self::Delivered { profile, times } => write!(out, "{profile} delivered in full, time {times}"),
            Self::UsedUp { profile, now } => {
                write!(out, "{profile} delivered in full and used up, gets {now}")
            }
            Self::GaveUp { profile, reason } => write!(out, "taken off {profile}, gets local: {reason}"),
            Self::PowerSwitched { action, was, by } => {
                write!(out, "told to {}", action.phrase())?;
                was.map_or(Ok(()), |was| write!(out, ", was {was}"))?;
                write!(out, " (by {by})")
            }
            Self::PowerFailed { action, reason, by } => {
                write!(out, "cannot {}: {reason} (by {by})", action.phrase())
            }
            Self::AttemptStarted => write!(out, "begins to boot"),
            Self::AttemptEnded { outcome } => write!(out, "attempt over: {outcome}"),
            Self::Discovered { arch: Some(arch), firmware } => {
                write!(out, "asks to boot: {firmware}, {arch}")
            }
            Self::Discovered { arch: None, firmware } => write!(out, "asks for an address: {firmware}"),
            Self::Offered { address: Some(address), file } => {
                write!(out, "offered {address}, {}", or_nothing(file))
            }
            Self::Offered { address: None, file } => {
                write!(out, "offered {} beside the subnet's DHCP server", or_nothing(file))
            }
            Self::Leased { address, seconds: Some(seconds) } => {
                write!(out, "has {address} for {}", while_(*seconds))
            }
            Self::Leased { address, seconds: None } => write!(out, "has {address} for good"),
            Self::LeasedElsewhere { address, server: Some(server) } => {
                write!(out, "asks {server} for the address {address}")
            }
            Self::LeasedElsewhere { address, server: None } => write!(out, "asks for the address {address}"),
            Self::BootServerAnswered { file } => write!(out, "asked port 4011, got {}", or_nothing(file)),
            Self::Refused { reason } => write!(out, "address refused: {reason}"),
            Self::Declined { address } => write!(out, "found {address} in use by another machine"),
            Self::Released { address } => write!(out, "gave {address} back"),
            Self::PoolExhausted { network } => write!(out, "no address left in {network}"),
            Self::Ignored { reason } => write!(out, "not answered: {reason}"),
            Self::MenuOffered { entries } => write!(out, "offered a boot menu: {}", entries.join(", ")),
            Self::Picked { profile } => write!(out, "{profile} picked at its console, for this boot"),
            Self::OfferNotTaken { failed: OfferWay::Direct, .. } => {
                write!(out, "did not take the direct offer; trying by port 4011")
            }
            Self::OfferNotTaken { failed: OfferWay::BootServer, .. } => {
                write!(out, "did not ask on port 4011; trying the direct offer")
            }
            Self::WayFound { way } => write!(out, "boots by {way}; that is remembered"),
            Self::NeedsOneOffer { address_by, next_server, file } => {
                write!(out, "takes no boot offer beside ")?;
                match address_by {
                    Some(server) => write!(out, "{server}'s address offer")?,
                    None => write!(out, "another server's address offer (of which none was heard)")?,
                }
                write!(
                    out,
                    ", neither the direct one nor port 4011; it needs one complete offer: [dhcp] mode = \"server\" here, or for \
                     this machine in the other DHCP server no option 60, next server (siaddr) and option 66 \
                     \"{next_server}\", option 67 \"{file}\""
                )
            }
            Self::Planned { profile: Some(profile), why, loader, loader_why } => {
                write!(out, "boots {profile}: {why}")?;
                match loader {
                    _ if loader_why.is_empty() => Ok(()),
                    Some(loader) => write!(out, "; loader {loader}: {loader_why}"),
                    None => write!(out, "; no loader: {loader_why}"),
                }
            }
            Self::Planned { profile: None, why, .. } => write!(out, "gets nothing to boot: {why}"),
            Self::ConfigurationSent { name, profile, via } => {
                write!(out, "got {name} for {profile} by {via}")
            }
            Self::FileSent { name, bytes, millis, via, .. } => {
                write!(out, "got {name}, {} in {millis} ms by {via}", size(*bytes))
            }
            Self::GoesRound { name } => write!(
                out,
                "got {name} three times within a minute: iPXE runs and is given iPXE again instead of its script; a DHCP server \
                 that does not tell it apart (user class \"iPXE\", option 175) names the file, or its script boots nothing"
            ),
            Self::SizeProbed { name } => write!(out, "asked for the size of {name}"),
            Self::FileCut { name, sent, bytes, reason, via } => {
                write!(out, "{name} cut off at {} of {} by {via}: {reason}", size(*sent), size(*bytes))
            }
            Self::LargeBlocksVanish { name, block, packet, mtu } => {
                write!(
                    out,
                    "path MTU? no block of {name} arrived, though smaller packets did: blocks of {block} bytes are packets of \
                     {packet}"
                )?;
                mtu.map_or(Ok(()), |mtu| write!(out, ", and the MTU of our interface is {mtu}"))?;
                write!(
                    out,
                    "; find the hop with the smaller MTU (VPN, VLAN, tunnel), or set [tftp] max_block = 1024, or 512"
                )
            }
            Self::FileRefused { name, reason, via } => write!(out, "did not get {name} by {via}: {reason}"),
            Self::SeedSent { name } => write!(out, "got its seed {name}"),
            Self::TemplateFailed { name, error } => {
                write!(out, "{name} cannot be written for this host: {error}")
            }
            Self::TestQueued { run, test, by } => write!(out, "test {test} queued as run {run} (by {by})"),
            Self::TestStarted { run, test } => write!(out, "took the test {test}, run {run}"),
            Self::TestRequeued { run, test } => write!(out, "test {test}, run {run}, waits again"),
            Self::TestReported { run, test, version, warnings, errors, bytes } => {
                write!(out, "test {test}, run {run}: {errors} errors, {warnings} warnings")?;
                version.as_ref().map_or(Ok(()), |version| write!(out, ", version {version}"))?;
                write!(out, " ({} of log)", size(*bytes))
            }
            Self::TestFailed { run, test, reason } => write!(out, "test {test}, run {run}, failed: {reason}"),
            Self::TestRemoved { run } => write!(out, "test run {run} forgotten"),
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} ", self.at)?;
        match (&self.host, self.mac) {
            (Some(host), _) => write!(out, "{host}: ")?,
            (None, Some(mac)) => write!(out, "{mac}: ")?,
            (None, None) => {}
        }
        fmt::Display::fmt(&self.kind, out)
    }
}
