use std::{future::Future, net::IpAddr, path::PathBuf, pin::Pin, sync::Arc};

use ipnet::IpNet;
use nextboot_boot::{Client, Language, Plan, Site, Tree};
use nextboot_model::{
    Attempt, Door, HostName, Lease, Mac, Neighbour, PowerAction, PowerState, TestName, Timestamp,
};
use nextboot_store::Store;
use serde::Serialize;
use utoipa::ToSchema;

/// A future that a trait object can return.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What the API asks of the running appliance.
///
/// Everything but the futures is called on threads that may not wait: answer from memory.
pub trait Control: Send + Sync + 'static {
    /// The state and the journal.
    fn store(&self) -> &Store;
    /// The part of the configuration that is about booting, as it is in force now.
    fn site(&self) -> Arc<Site>;
    /// The files as the decision sees them. It may wait for the disk; the API asks it on threads made for that.
    fn tree(&self) -> Arc<dyn Tree + Send + Sync>;
    /// Whose address this is: by our own lease, else by the kernel's neighbour table. It must be good enough for that
    /// machine to speak for itself, so a guess is no answer.
    fn owner(&self, address: IpAddr) -> BoxFuture<'_, Option<Mac>>;
    /// All attempts under way.
    fn attempts(&self) -> Vec<Attempt>;
    /// The attempt that one machine is in.
    fn attempt(&self, mac: Mac) -> Option<Attempt>;
    /// The clients that a host was when it last asked for something to boot: its firmware, and iPXE on it.
    fn sightings(&self, host: &HostName) -> Vec<Client>;
    /// What a client would be told and given to read under its plan. It may wait for the disk.
    fn written(&self, client: &Client, plan: &Plan) -> Written;
    /// The tests that can be queued. It may wait for the disk; the API asks it on threads made for that. An error says why there
    /// are none.
    fn test_names(&self) -> Result<Vec<TestName>, String>;
    /// What test runs may use up now.
    fn test_limits(&self) -> TestLimits;
    /// All leases.
    fn leases(&self) -> Vec<Lease>;
    /// The other DHCP and boot servers that were heard.
    fn neighbours(&self) -> Vec<Neighbour>;
    /// Asks who else serves, and waits for the answers. An error says why that is not possible.
    fn probe(&self) -> BoxFuture<'_, Result<(), String>>;
    /// What was counted and measured, in Prometheus' text format 0.0.4. It may wait for a moment; the API asks it on threads
    /// made for that.
    fn metrics(&self) -> String;
    /// The networks whose machines may read that without a token, and nothing else.
    fn scrapers(&self) -> Vec<IpNet>;
    /// The networks whose machines need no token now.
    fn trusted(&self) -> Vec<IpNet>;
    /// The proxies whose word on whom they ask for is taken now.
    fn proxies(&self) -> Arc<[IpNet]>;
    /// Reads the configuration again and names the settings that hold only after a restart. An error is its complaints, and
    /// then the old one stays in force.
    fn reload(&self) -> BoxFuture<'_, Result<Vec<String>, String>>;
    /// Does something with the power of hosts, side by side, and journals what came of it. One answer for each, in their
    /// order. Must be polled to its end: the API does that on a task of its own.
    fn power(&self, hosts: Vec<HostName>, action: PowerAction, by: Door) -> BoxFuture<'_, Vec<PowerOutcome>>;
    /// What is known of a host's power without asking anybody.
    fn power_known(&self, host: &HostName) -> PowerKnown;
    /// Forgets where management controllers were found, and looks for them again in the networks that hosts name.
    fn find_controllers(&self) -> BoxFuture<'_, Vec<Found>>;
    /// What the appliance says of itself.
    fn status(&self) -> Status;
}

/// What came of an operation on a host's power.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PowerOutcome {
    /// Which host.
    pub host: HostName,
    /// What was done, or why not.
    pub result: Result<PowerDone, PowerFailure>,
}

/// What was done with a host's power.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PowerDone {
    /// What it was before, where that was looked at.
    pub was: Option<PowerState>,
    /// What it is now, as far as is known.
    pub state: PowerState,
    /// What was really done for a wish that depends on the state.
    pub did: PowerAction,
    /// What the one who wished should know.
    pub remark: Option<String>,
}

/// Why a host's power was not switched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PowerFailure {
    /// For programs: stable.
    pub code: &'static str,
    /// For people.
    pub message: String,
}

/// What is known of a host's power.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PowerKnown {
    /// What was seen last.
    pub state: PowerState,
    /// When.
    pub seen: Option<Timestamp>,
    /// Where its controller is: as configured, or as found.
    pub address: Option<String>,
}

/// A management controller that was looked for by its MAC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Whose.
    pub host: HostName,
    /// Its MAC.
    pub mac: Mac,
    /// Where it is, if it was found.
    pub address: Option<IpAddr>,
}

/// What a client would be told, and what its loader would read then.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// Its boot file, as DHCP tells it.
    pub boot_file: Option<String>,
    /// What the loader reads, where that is known.
    pub language: Option<Language>,
    /// The text that it reads, without any secret in it; or why there is none.
    pub text: Option<Result<String, String>>,
}

/// What test runs may use up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TestLimits {
    /// Finished runs that are kept.
    pub keep: usize,
    /// Bytes of one log.
    pub max_log: u64,
}

/// What the appliance says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Status {
    /// The release that runs.
    pub version: String,
    /// When it was started, in milliseconds since 1970.
    #[schema(value_type = u64)]
    pub started: Timestamp,
    /// How it does DHCP: `server`, `proxy` or `off`.
    pub mode: String,
    /// The network interfaces that it serves.
    pub interfaces: Vec<String>,
    /// The configuration file; nothing when it runs on the defaults.
    #[schema(value_type = Option<String>)]
    pub config: Option<PathBuf>,
}
