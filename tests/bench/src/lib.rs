//! The bench: what an administrator would install instead, side by side with ours, in one run on one machine.
//!
//! `tests/bench/run` installs the peers, builds the release server and this program, and runs every [`Cell`]. A cell is a
//! question about speed or size with a target. It makes an [`Arena`] (a network namespace with a tree of files), names its
//! [`Contestant`]s and a load, and has [`Bench::compare`] run them by turns: each round starts every contestant afresh, in
//! another order than the round before, puts the load on it and stops it again. Servers run on core 0 and clients on core 1,
//! unless a cell says otherwise ([`Cores`]).
//!
//! What is told of a contestant is a median over the rounds with its spread: units per second, CPU time per unit from the
//! process's own accounting (children included), peak memory (`VmHWM`), latencies and errors. What is judged are ratios within
//! one round, or CPU per unit: on shared machines absolute times mean little.
//!
//! # A new cell
//!
//! 1. Write a function `fn name(bench: &Bench) -> Result<Outcome>` in the file of its domain under `cells/`:
//!
//! ```no_run
//! use anyhow::Result;
//! use nextboot_bench::{Arena, Bench, Bound, Cores, Load, Outcome, Site, peer};
//!
//! fn tftp_example(bench: &Bench) -> Result<Outcome> {
//!     let arena = Arena::new("tftp-example")?;
//!     arena.file("file", 1 << 20)?;
//!     let contestants = [arena.ours(Site::default()), peer::dnsmasq_tftp(&arena)];
//!     let mut outcome = bench.compare("block", &contestants, Cores::ONE_EACH, |running| {
//!         // Runs on the clients' cores; `running.pid` is the server. Time what counts, and say how much of it there was.
//!         arena.lab.namespace().enter(|| Ok(Load::of(1000, std::time::Duration::from_secs(1))))
//!     })?;
//!     outcome.rate("dnsmasq", Bound::AtLeast(1.0));
//!     outcome.cpu("dnsmasq", Bound::AtMost(1.0));
//!     Ok(outcome)
//! }
//! ```
//!
//! 2. Add it with its name and its question to `CELLS` of that file. `tests/bench/run NAME` runs it alone.
//!
//! A cell that measures something else than a rate builds its [`Outcome`] itself ([`Outcome::new`], [`Outcome::value`]).
//! With `--quick` ([`Bench::quick`]) a cell does as little as shows that it works: one round, small files; then nobody
//! should read its figures. What a peer needs from Debian stands in `deploy/packages` under `bench`.
#![forbid(unsafe_code)]

mod account;
mod arena;
mod arguments;
mod cell;
pub mod cells;
mod compare;
mod cores;
pub mod dhcp;
pub mod http;
mod load;
mod machine;
mod outcome;
pub mod peer;
mod run;
pub mod state;
mod stats;
mod table;
pub mod tftp;

pub use account::{Usage, forget_peak, peak_kib};
pub use arena::{Arena, Site};
pub use cell::{Bench, Cell};
pub use compare::{Contestant, Running};
pub use cores::Cores;
pub use load::Load;
pub use outcome::{Bound, Judged, Outcome, Sample, Standing};
pub use run::main;
pub use stats::{Latencies, Spread};
