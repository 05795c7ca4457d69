//! What Prometheus scrapes: a view of the events in the journal and of the deliveries that ended, and gauges that are read
//! when somebody asks.
//!
//! Labels take their values from enumerations and from the configuration; nothing that a client sends becomes one.

mod boots;
mod follow;
mod gauges;
mod process;
mod text;

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
};

use nextboot_model::{Event, EventKind, Histogram, Via};

pub(crate) use follow::follow;

use self::{
    boots::Boots,
    text::{Kind, Page},
};
use crate::{
    appliance::Mutex,
    desk::{End, Ended, Refused},
};

const VIAS: [(Via, &str); 2] = [(Via::Tftp, "tftp"), (Via::Http, "http")];
const ENDS: [&str; 4] = ["whole", "part", "probe", "cut"];
const REFUSALS: [&str; 5] = ["not-found", "forbidden", "gone", "template", "failed"];
const SERVICES: [&str; 2] = ["dhcp", "tftp"];

/// Bounds in milliseconds: from a configuration to a large initrd.
const TRANSFER_BOUNDS: &[u64] =
    &[1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000];

/// Who turned somebody away for being too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    /// A client that sends more DHCP packets than it may.
    Dhcp,
    /// A request beyond the number of transfers.
    Tftp,
}

/// Counts.
#[derive(Debug)]
pub(crate) struct Metrics {
    by_via: [Transfers; VIAS.len()],
    over_limit: [AtomicU64; SERVICES.len()],
    /// TFTP blocks that were sent again.
    resent: AtomicU64,
    /// Events that had no room in the journal.
    dropped: AtomicU64,
    journal: Mutex<Journal>,
}

/// What one protocol delivered and refused.
#[derive(Debug)]
struct Transfers {
    ended: [AtomicU64; ENDS.len()],
    bytes: AtomicU64,
    /// Of those that were whole, milliseconds.
    took: Histogram,
    refused: [AtomicU64; REFUSALS.len()],
}

/// What the journal's events add up to.
#[derive(Debug)]
struct Journal {
    /// By code; each is there from the beginning, so that the first one is a rise too.
    events: BTreeMap<&'static str, u64>,
    outcomes: BTreeMap<&'static str, u64>,
    boots: Boots,
}

const OUTCOMES: [&str; 5] = ["called-back", "local", "booted", "started-anew", "silent"];

fn zeros<const N: usize>() -> [AtomicU64; N] {
    std::array::from_fn(|_| AtomicU64::new(0))
}

fn add(counters: &[AtomicU64], at: usize, more: u64) {
    if let Some(counter) = counters.get(at) {
        counter.fetch_add(more, Ordering::Relaxed);
    }
}

/// Counters with their labels' values.
fn read<'a>(counters: &[AtomicU64], names: &'a [&'a str]) -> Vec<(&'a str, u64)> {
    names.iter().copied().zip(counters.iter().map(|counter| counter.load(Ordering::Relaxed))).collect()
}

impl Default for Metrics {
    fn default() -> Self {
        let transfers = || Transfers {
            ended: zeros(),
            bytes: AtomicU64::new(0),
            took: Histogram::new(TRANSFER_BOUNDS),
            refused: zeros(),
        };
        let none = |names: &[&'static str]| names.iter().map(|name| (*name, 0)).collect();
        let journal =
            Journal { events: none(EventKind::CODES), outcomes: none(&OUTCOMES), boots: Boots::default() };
        Self {
            by_via: [transfers(), transfers()],
            over_limit: zeros(),
            resent: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            journal: Mutex::new(journal),
        }
    }
}

impl Metrics {
    fn via(&self, via: Via) -> &Transfers {
        let [tftp, http] = &self.by_via;
        match via {
            Via::Tftp => tftp,
            Via::Http => http,
        }
    }

    /// A delivery ended.
    pub(crate) fn ended(&self, ended: &Ended) {
        let transfers = self.via(ended.via);
        let (end, bytes) = match &ended.end {
            End::Whole => (0, ended.bytes),
            End::Part(part) => (1, part.end.saturating_sub(part.start)),
            End::Probe => (2, 0),
            End::Left { sent } | End::Cut { sent, .. } => (3, *sent),
        };
        add(&transfers.ended, end, 1);
        self.resent.fetch_add(ended.resent, Ordering::Relaxed);
        transfers.bytes.fetch_add(bytes, Ordering::Relaxed);
        if ended.end == End::Whole {
            transfers.took.count(ended.millis);
        }
    }

    /// Somebody got nothing.
    pub(crate) fn refused(&self, via: Via, refused: &Refused) {
        let why = match refused {
            Refused::NotFound(_) => 0,
            Refused::Forbidden(_) => 1,
            Refused::Gone(_) => 2,
            Refused::Template(_) => 3,
            Refused::Failed(_) => 4,
        };
        add(&self.via(via).refused, why, 1);
    }

    /// Somebody was turned away for being too many.
    pub(crate) fn over_limit(&self, service: Service) {
        add(&self.over_limit, service as usize, 1);
    }

    /// An event had no room in the journal.
    pub(crate) fn dropped(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// An event is in the journal.
    fn see(&self, event: &Event) {
        let mut journal = self.journal.lock();
        *journal.events.entry(event.kind.code()).or_default() += 1;
        if let EventKind::AttemptEnded { outcome: how } = &event.kind {
            *journal.outcomes.entry(how.word()).or_default() += 1;
        }
        journal.boots.see(event);
    }

    /// Writes what was counted; `http_refused` connections were turned away by HTTP itself.
    fn write(&self, page: &mut Page, http_refused: u64) {
        let by_via = VIAS.map(|(via, name)| (name, self.via(via)));
        let ended: Vec<_> = by_via
            .iter()
            .flat_map(|(protocol, of)| {
                read(&of.ended, &ENDS)
                    .into_iter()
                    .map(|(end, count)| ([("protocol", *protocol), ("end", end)], count))
            })
            .collect();
        page.family(
            Kind::Counter,
            "nextboot_transfers_total",
            "Deliveries that ended: whole, the part that was asked for, only the size, or cut short.",
            ended.iter().map(|(labels, count)| (&labels[..], count)),
        );
        let bytes = by_via.map(|(protocol, of)| ([("protocol", protocol)], of));
        page.family(
            Kind::Counter,
            "nextboot_transfer_bytes_total",
            "Bytes of content that machines have of deliveries that ended.",
            bytes.iter().map(|(labels, of)| (&labels[..], of.bytes.load(Ordering::Relaxed))),
        );
        page.histograms(
            "nextboot_transfer_seconds",
            "How long whole deliveries took.",
            1e3,
            bytes.iter().map(|(labels, of)| (&labels[..], of.took.read())),
        );
        let refused: Vec<_> = by_via
            .iter()
            .flat_map(|(protocol, of)| {
                read(&of.refused, &REFUSALS)
                    .into_iter()
                    .map(|(why, count)| ([("protocol", *protocol), ("reason", why)], count))
            })
            .collect();
        page.family(
            Kind::Counter,
            "nextboot_requests_refused_total",
            "Names that machines asked for and did not get.",
            refused.iter().map(|(labels, count)| (&labels[..], count)),
        );
        let over: Vec<_> = read(&self.over_limit, &SERVICES)
            .into_iter()
            .chain([("http", http_refused)])
            .map(|(service, count)| ([("service", service)], count))
            .collect();
        page.family(
            Kind::Counter,
            "nextboot_over_limit_total",
            "Packets, requests and connections that were turned away because there were too many.",
            over.iter().map(|(labels, count)| (&labels[..], count)),
        );
        page.one(
            Kind::Counter,
            "nextboot_tftp_blocks_resent_total",
            "Blocks that TFTP sent again in deliveries that ended, for want of an acknowledgement.",
            self.resent.load(Ordering::Relaxed),
        );
        self.journal.lock().write(page);
        page.one(
            Kind::Counter,
            "nextboot_events_unknown_machines_dropped_total",
            "Events about machines that are no hosts that came too fast to be kept, and are in no other number.",
            self.dropped.load(Ordering::Relaxed),
        );
    }
}

impl Journal {
    fn write(&self, page: &mut Page) {
        let labelled = |name: &'static str, counts: &BTreeMap<&'static str, u64>| -> Vec<_> {
            counts.iter().map(|(value, count)| ([(name, *value)], *count)).collect()
        };
        let events = labelled("code", &self.events);
        page.family(
            Kind::Counter,
            "nextboot_events_total",
            "Events in the journal.",
            events.iter().map(|(labels, count)| (&labels[..], count)),
        );
        let outcomes = labelled("outcome", &self.outcomes);
        page.family(
            Kind::Counter,
            "nextboot_attempts_total",
            "Attempts to boot that are over.",
            outcomes.iter().map(|(labels, count)| (&labels[..], count)),
        );
        let stages: Vec<_> =
            self.boots.read().into_iter().map(|(stage, reading)| ([("stage", stage)], reading)).collect();
        page.histograms(
            "nextboot_boot_stage_seconds",
            "How long machines were in each stage of a boot, from the end of the stage before.",
            1e3,
            stages.iter().map(|(labels, reading)| (&labels[..], reading.clone())),
        );
    }
}
