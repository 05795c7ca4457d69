//! The words of nextboot and its state table: hosts, assignments, attempts, events, and the pure functions that change
//! them. Nothing here knows a socket, a file, a clock or a source of randomness.
//!
//! A wish's way: somebody makes a [`Command`]; [`Command::check`] says against a [`State`] what it would change, as
//! [`Change`]s, or refuses with a [`Refusal`]; whoever keeps the state makes the changes durable and then applies them
//! with [`State::apply`]. [`Attempts`] follows machines from their first packet and wishes, by [`Command::Delivered`],
//! that what was delivered be counted.
#![forbid(unsafe_code)]

mod arch;
mod assignment;
mod attempt;
mod change;
mod check;
mod code;
mod command;
mod event;
mod exit;
mod hex;
mod histogram;
mod host;
mod lease;
mod loader;
mod loader_address;
mod mac;
mod name;
mod neighbour;
mod network;
mod parts;
mod power;
mod profile;
mod pxelinux;
mod refusal;
mod rounds;
mod state;
mod system;
mod test_command;
mod test_log;
mod test_run;
mod test_table;
mod time;
mod uuid;
mod way;

pub use arch::Arch;
pub use assignment::{Assignment, Door, Until, Used};
pub use attempt::{Attempt, AttemptId, Attempts, MAX_LIVE, Needs, Promise, Stage, Step};
pub use change::{Change, Verdict};
pub use command::{Command, Target};
pub use event::{Event, EventKind, FilePart, Outcome, Via};
pub use exit::{BadExit, Exit};
pub use hex::hex;
pub use histogram::{Histogram, Reading};
pub use host::{BadHost, Host, HostPatch, MAX_MACS, MAX_VAR_NAME, MAX_VAR_VALUE, MAX_VARS};
pub use lease::{Lease, LeaseState};
pub use loader::{BadLoaderName, LoaderName, MAX_LOADER_NAME};
pub use loader_address::MAX_LOADER_ADDRESS;
pub use mac::{BadMac, Mac};
pub use name::{BadName, HostName, ProfileName, TestName};
pub use neighbour::{Conflict, Neighbour};
pub use network::{BadNet, BadNetwork, MAX_NETS, MAX_NETWORKS, Net, NetAssignment, Network};
pub use power::{
    Adapter, BadPower, Ipmi, MAX_ADAPTER_NAME, MAX_PASSWORD, MAX_USER, Place, Power, PowerAction, PowerState,
    Redfish, Secret, WakeOnLan,
};
pub use profile::Class;
pub use pxelinux::{
    BadPxelinuxOptions, MAX_PXELINUX_REBOOT, MAX_PXELINUX_TEXT, PxelinuxOptions, PxelinuxPatch,
};
pub use refusal::{MAX_HOSTS, Refusal};
pub use rounds::Rounds;
pub use state::{Record, State};
pub use test_command::{MAX_OPEN_TESTS, MAX_TESTS_OF_HOST, TestCommand};
pub use test_log::{LogReader, MAX_TEST_LINE, MAX_TEST_LINES, TestReport};
pub use test_run::{LineKind, TestLine, TestRun, TestRunId, TestStatus};
pub use test_table::{TestChange, TestTable};
pub use time::Timestamp;
pub use uuid::{BadUuid, Uuid};
pub use way::OfferWay;
