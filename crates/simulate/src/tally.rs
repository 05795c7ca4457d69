use std::collections::BTreeMap;
use std::time::Duration;

use nextboot_firmware::{Booted, Stage, Station, Step, Verdict};

/// How one machine ended.
#[derive(Debug, Clone)]
pub(crate) enum End {
    /// It booted or gave up.
    Verdict(Verdict),
    /// It was still at this when its time was over.
    Late(Option<Stage>),
}

/// Why machines did not boot: in whose words, and how many of each kind.
pub(crate) type Failures = BTreeMap<String, BTreeMap<&'static str, usize>>;

/// What all machines did so far.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) stages: [Vec<Duration>; Stage::ALL.len()],
    /// Whole boots of those that booted.
    pub(crate) whole: Vec<Duration>,
    pub(crate) booted: BTreeMap<&'static str, usize>,
    pub(crate) failures: Failures,
    pub(crate) repeats: u64,
    pub(crate) repeaters: usize,
    pub(crate) bytes: u64,
}

impl Tally {
    /// How many booted, and how many did not.
    pub(crate) fn ended(&self) -> (usize, usize) {
        (self.whole.len(), self.failures.values().flat_map(BTreeMap::values).sum())
    }

    /// Another one has ended.
    pub(crate) fn ended_with(
        &mut self,
        kind: &'static str,
        station: &Station,
        end: &End,
        took: Duration,
        spent: &[Option<Duration>; Stage::ALL.len()],
    ) {
        for (times, spent) in self.stages.iter_mut().zip(spent) {
            times.extend(spent);
        }
        self.repeated(station);
        for step in station.machine().steps() {
            if let Step::Fetched { size, .. } = step {
                self.bytes += *size as u64;
            }
        }
        match end {
            End::Verdict(Verdict::Booted(booted)) => {
                self.whole.push(took);
                *self.booted.entry(name(booted)).or_default() += 1;
            }
            End::Verdict(Verdict::GaveUp(why)) => {
                self.failed(kind, without_itself(&why.to_string(), station))
            }
            End::Late(stage) => {
                let stage = stage.map(|stage| format!(", at its stage {stage}")).unwrap_or_default();
                self.failed(kind, format!("no end within its time{stage}"));
            }
        }
    }

    /// Counts what a machine sent again.
    pub(crate) fn repeated(&mut self, station: &Station) {
        self.repeats += station.repeats();
        self.repeaters += usize::from(station.repeats() > 0);
    }

    fn failed(&mut self, kind: &'static str, reason: String) {
        *self.failures.entry(reason).or_default().entry(kind).or_default() += 1;
    }
}

/// What runs at the end, for the report.
fn name(booted: &Booted) -> &'static str {
    match booted {
        Booted::Configured { .. } => "configured",
        Booted::Kernel { .. } => "kernel",
        Booted::Installed { .. } => "installed",
        Booted::Disk => "disk",
        Booted::Program(_) => "program",
    }
}

/// Words in which a machine names itself, so that one reason is one line of the report.
fn without_itself(words: &str, station: &Station) -> String {
    let mac = station.machine().mac();
    let mut words = words.replace(&mac.pxelinux(), "01-MAC").replace(&mac.to_string(), "MAC");
    if let Some(address) = station.machine().boot().map(nextboot_firmware::Boot::address) {
        words = words.replace(&address.to_string(), "ADDRESS");
        words = words.replace(&format!("{:08X}", address.to_bits()), "ADDRESS");
    }
    words
}
