//! TFTP.

use anyhow::Result;

use crate::arena::{Arena, Site};
use crate::cell::{Bench, Cell};
use crate::cores::Cores;
use crate::outcome::{Bound, Outcome};
use crate::peer;
use crate::tftp::Crowd;

/// The cells of this file.
pub const CELLS: &[Cell] = &[Cell {
    name: "tftp-lockstep",
    what: "TFTP in lockstep, blocks of 1468 bytes, 64 clients",
    run: lockstep,
}];

fn lockstep(bench: &Bench) -> Result<Outcome> {
    let arena = Arena::new("tftp-lockstep")?;
    let file = arena.file("file", bench.size(6 << 20, 64 << 10))?;
    let contestants = [arena.ours(Site::default()), peer::dnsmasq_tftp(&arena)];
    let crowd = Crowd { clients: bench.size(64, 8), ..Crowd::new("file", &file) };
    let mut outcome = bench.compare("block", &contestants, Cores::ONE_EACH, |_| crowd.run(&arena))?;
    outcome.rate("dnsmasq", Bound::AtLeast(1.0));
    outcome.cpu("dnsmasq", Bound::AtMost(1.0));
    Ok(outcome)
}
