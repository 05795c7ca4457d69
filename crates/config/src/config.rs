use std::path::{Path, PathBuf};

use nextboot_boot::Site;
use nextboot_power::Settings as Power;

use crate::{
    Api, Compat, Complaints, Dhcp, Files, Http, Mode, Tests, Tftp, boot,
    document::{self, Item, Section},
    files, power, profile,
};

/// Where the state lives when the file does not say.
pub const DEFAULT_DATA_DIR: &str = "/var/lib/nextboot";
/// Longest name of a network interface in Linux (`IFNAMSIZ` without its NUL), in bytes.
const MAX_INTERFACE_NAME: usize = 15;

/// A checked configuration. The default is what holds without a file: PXE answers beside the subnet's own DHCP server on
/// the interface of the default route, and unknown machines are left alone.
#[derive(Debug, Clone)]
pub struct Config {
    /// The network interfaces to serve, by names in which `*` stands for anything; empty: the one of the default route.
    pub interfaces: Vec<String>,
    /// The directory of everything that has to survive a restart.
    pub data_dir: PathBuf,
    /// What goes into the log, in the words of `tracing-subscriber`'s `EnvFilter`.
    pub log: String,
    /// How many events the journal keeps before it forgets the oldest.
    pub journal_events: u64,
    /// DHCP.
    pub dhcp: Dhcp,
    /// The configuration of dnsmasq that says all of `dhcp`, where one does: see [`Dnsmasq`](crate::dnsmasq::Dnsmasq).
    pub dnsmasq: Option<BesideDnsmasq>,
    /// Which directories are served, by TFTP and HTTP alike.
    pub files: Files,
    /// TFTP.
    pub tftp: Tftp,
    /// The boot side of HTTP.
    pub http: Http,
    /// The control API.
    pub api: Api,
    /// How machines are switched on and off.
    pub power: Power,
    /// The tests that machines run.
    pub tests: Tests,
    /// Configurations of programs that nextboot replaces.
    pub compat: Compat,
    /// Profiles, loaders, ports and the rule for unknown machines.
    pub site: Site,
}

impl Default for Config {
    fn default() -> Self {
        let data_dir = PathBuf::from(DEFAULT_DATA_DIR);
        let (http, api) = (Http::default(), Api::new(&data_dir));
        Self {
            interfaces: Vec::new(),
            log: "info".into(),
            journal_events: 200_000,
            dhcp: Dhcp::default(),
            dnsmasq: None,
            files: Files::default(),
            tftp: Tftp::default(),
            tests: Tests::default(),
            compat: Compat::default(),
            site: boot::Rules::default().site(Vec::new(), Vec::new(), false, http.port, api.port),
            http,
            api,
            power: Power::default(),
            data_dir,
        }
    }
}

impl Config {
    /// Reads a configuration. `file` is for the complaints, and its directory is where relative paths begin; it is not
    /// opened.
    ///
    /// # Errors
    /// Everything that is wrong with the text.
    pub fn parse(text: &str, file: &Path) -> Result<Self, Complaints> {
        let place = file.parent().unwrap_or_else(|| Path::new(""));
        document::read(text, |top| Self::read(top, place))
            .map_err(|complaints| Complaints::new(file, complaints))
    }

    /// Reads every key; where something is complained about, the default stands in for it.
    pub(crate) fn read(top: &mut Section<'_>, place: &Path) -> Self {
        let defaults = Self::default();
        let interfaces = top.get("interfaces", |item| item.list(interface));
        let data_dir = top.get("data_dir", |item| files::path(item, place)).unwrap_or(defaults.data_dir);
        let log = top.get("log", |item| item.line_of_text(1024)).unwrap_or(defaults.log);
        let journal_events =
            top.table("journal", |journal| journal.get("events", |item| item.number(1000..=100_000_000_u64)));
        let mut dnsmasq = None;
        let (dhcp, told) = top.table("dhcp", |dhcp| {
            dnsmasq = BesideDnsmasq::read(dhcp, place);
            Dhcp::read(dhcp)
        });
        let mut files = defaults.files;
        let tftp = top.table("tftp", |tftp| {
            if let Some(dnsmasq) = &mut dnsmasq {
                dnsmasq.roots = tftp.has("roots");
            }
            files.read_roots(tftp, place);
            Tftp::read(tftp)
        });
        let http = top.table("http", Http::read);
        let api = top.table("api", |api| Api::read(api, place, &data_dir, http.port));
        let power = top.table("power", |section| power::read(section, place));
        let tests = top.table("tests", |tests| Tests::read(tests, place));
        let compat = top.table("compat", |compat| Compat::read(compat, place));
        let rules = top.table("boot", |boot| {
            if let Some(dnsmasq) = &mut dnsmasq {
                dnsmasq.unknown = boot.has("unknown");
            }
            files.read_boot(boot, place);
            boot::Rules::read(boot)
        });
        let profiles = top.table("profiles", |profiles| profile::read(profiles, &rules.profile_dirs));
        rules.check(top.report(), &profiles);
        let gives_addresses = dhcp.mode == Mode::Server;
        Self {
            interfaces: interfaces.unwrap_or(defaults.interfaces),
            log,
            journal_events: journal_events.unwrap_or(defaults.journal_events),
            dhcp,
            dnsmasq,
            files,
            tftp,
            compat,
            site: rules.site(profiles, told, gives_addresses, http.port, api.port),
            http,
            api,
            power,
            tests,
            data_dir,
        }
    }
}

/// dnsmasq's configuration in the place of `[dhcp]`, and what this file says beside it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BesideDnsmasq {
    /// dnsmasq's main file.
    pub file: PathBuf,
    /// Whether this file names roots: then they stand behind dnsmasq's.
    pub roots: bool,
    /// Whether it says what machines get that are no hosts.
    pub unknown: bool,
}

impl BesideDnsmasq {
    fn read(dhcp: &mut Section<'_>, place: &Path) -> Option<Self> {
        let own = dhcp.get("dnsmasq_conf", |item| item.placed(|item| files::path(item, place)))?;
        let theirs = [
            "mode",
            "subnet",
            "reservation",
            "class",
            "lease_time",
            "authoritative",
            "dns",
            "ntp",
            "domain",
            "search",
            "options",
            "never",
        ];
        for key in theirs.into_iter().filter(|key| dhcp.has(key)) {
            let remedy = format!("dnsmasq's file says this; take `{key}` out of [dhcp], or dnsmasq_conf");
            dhcp.report().complain(&own.mark, remedy);
        }
        Some(Self { file: own.value, ..Self::default() })
    }
}

fn interface(item: &Item<'_>) -> Option<String> {
    let name = item.text()?;
    let sound = (1..=MAX_INTERFACE_NAME).contains(&name.len())
        && !name.contains(|c: char| c == '/' || c.is_whitespace() || c.is_control());
    if sound {
        Some(name.to_owned())
    } else {
        item.wrong(
            "use the name of a network interface as `ip link` shows it, e.g. \"eth0\", or several's, as \"eth*\"",
        )
    }
}
