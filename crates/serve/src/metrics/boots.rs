use std::{collections::BTreeMap, time::Duration};

use nextboot_model::{
    AttemptId, Event, EventKind, FilePart, Histogram, MAX_LIVE, Outcome, Reading, Timestamp,
};

/// Bounds in milliseconds: from a network's round trip to an installation.
const BOUNDS: &[u64] = &[
    5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000, 900_000,
    3_600_000,
];

/// A part of the way of a boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Dhcp,
    Loader,
    Configuration,
    Kernel,
    Initrd,
    CallBack,
}

/// Their names, in their order.
const STAGES: [&str; 6] = ["dhcp", "loader", "configuration", "kernel", "initrd", "call-back"];

/// Tells from events how long boots stay in each stage. A stage lasts from the end of the one before, so that all of them
/// add up to the boot.
#[derive(Debug)]
pub(crate) struct Boots {
    stages: [Histogram; STAGES.len()],
    under_way: BTreeMap<AttemptId, Progress>,
}

#[derive(Debug, Clone, Copy)]
struct Progress {
    /// When the last stage ended.
    since: Timestamp,
    addressed: bool,
    /// When the loader had all that it has got so far.
    loaded: Option<Timestamp>,
}

impl Default for Boots {
    fn default() -> Self {
        Self { stages: std::array::from_fn(|_| Histogram::new(BOUNDS)), under_way: BTreeMap::new() }
    }
}

impl Boots {
    /// Follows an event. Those of an attempt that began before us say nothing.
    pub(crate) fn see(&mut self, event: &Event) {
        let Some(id) = event.attempt else { return };
        if event.kind == EventKind::AttemptStarted {
            let progress = Progress { since: event.at, addressed: false, loaded: None };
            self.under_way.insert(id, progress);
            // The end of one whose machine is no host may never have come: the journal has no room for all of those.
            if self.under_way.len() > MAX_LIVE {
                self.under_way.pop_first();
            }
        }
        let Some(progress) = self.under_way.get_mut(&id) else { return };
        for (stage, took) in progress.follow(event.at, &event.kind) {
            if let Some(histogram) = self.stages.get(stage as usize) {
                histogram.count(u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
            }
        }
        if matches!(event.kind, EventKind::AttemptEnded { .. }) {
            self.under_way.remove(&id);
        }
    }

    /// The stages by name, in milliseconds.
    pub(crate) fn read(&self) -> Vec<(&'static str, Reading)> {
        STAGES.iter().copied().zip(self.stages.iter().map(Histogram::read)).collect()
    }
}

impl Progress {
    /// Which stages this ends, and how long they lasted.
    fn follow(&mut self, now: Timestamp, kind: &EventKind) -> Vec<(Stage, Duration)> {
        let stage = match kind {
            // A loader with a network stack of its own asks again; that is a part of its own stage.
            EventKind::Leased { .. } | EventKind::LeasedElsewhere { .. } if !self.addressed => {
                self.addressed = true;
                Stage::Dhcp
            }
            EventKind::FileSent { part: Some(FilePart::Loader), .. } => {
                // It may come in several files: the last one ends it.
                self.loaded = Some(now);
                return Vec::new();
            }
            EventKind::FileSent { part: Some(FilePart::Kernel), .. } => Stage::Kernel,
            EventKind::FileSent { part: Some(FilePart::Initrd), .. } => Stage::Initrd,
            EventKind::AttemptEnded { outcome: Outcome::CalledBack } => Stage::CallBack,
            EventKind::ConfigurationSent { .. } => {
                let loaded = self.loaded.take();
                let loader = loaded.map(|loaded| (Stage::Loader, self.end(loaded)));
                return loader.into_iter().chain([(Stage::Configuration, self.end(now))]).collect();
            }
            _ => return Vec::new(),
        };
        vec![(stage, self.end(now))]
    }

    fn end(&mut self, at: Timestamp) -> Duration {
        let took = at.since(self.since);
        self.since = at;
        took
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use nextboot_model::Via;

    use super::*;

    fn see(boots: &mut Boots, attempt: u64, at: u64, kind: EventKind) {
        let attempt = Some(AttemptId(attempt));
        boots.see(&Event { id: 0, at: Timestamp(at), attempt, mac: None, host: None, kind });
    }

    fn file(part: Option<FilePart>) -> EventKind {
        EventKind::FileSent { name: "f".into(), bytes: 1, millis: 1, via: Via::Tftp, part }
    }

    /// Sums and counts by stage.
    fn sums(boots: &Boots) -> Vec<(u64, u64)> {
        boots.read().into_iter().map(|(_, reading)| (reading.sum, reading.count)).collect()
    }

    #[test]
    fn each_stage_lasts_from_the_end_of_the_one_before() {
        let mut boots = Boots::default();
        let leased = EventKind::Leased { address: IpAddr::V4(Ipv4Addr::LOCALHOST), seconds: None };
        let sent =
            EventKind::ConfigurationSent { name: "c".into(), profile: "p".parse().unwrap(), via: Via::Tftp };
        let outcome = Outcome::CalledBack;
        for (at, kind) in [
            (1_000, EventKind::AttemptStarted),
            (1_010, leased.clone()),
            (1_030, file(Some(FilePart::Loader))),
            // iPXE asks again, and what it asks for is a part of its own stage.
            (1_040, leased),
            (1_050, file(Some(FilePart::Loader))),
            (1_100, sent),
            (1_150, file(None)),
            (1_300, file(Some(FilePart::Kernel))),
            (1_700, file(Some(FilePart::Initrd))),
            (9_700, EventKind::AttemptEnded { outcome }),
            (9_900, file(Some(FilePart::Initrd))),
        ] {
            see(&mut boots, 1, at, kind);
        }
        assert_eq!(sums(&boots), [(10, 1), (40, 1), (50, 1), (200, 1), (400, 1), (8_000, 1)]);
        assert!(boots.under_way.is_empty());
    }

    #[test]
    fn what_began_before_us_is_not_measured_and_ends_that_never_come_take_no_memory() {
        let mut boots = Boots::default();
        see(&mut boots, 1, 1_000, file(Some(FilePart::Kernel)));
        assert!(sums(&boots).iter().all(|(_, count)| *count == 0));
        for id in 0..MAX_LIVE as u64 + 100 {
            see(&mut boots, id, id, EventKind::AttemptStarted);
        }
        assert_eq!(boots.under_way.len(), MAX_LIVE);
    }
}
