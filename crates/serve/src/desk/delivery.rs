use std::{ops::Range, sync::Arc};

use nextboot_boot::ipxe;
use nextboot_model::{EventKind, FilePart, Mac, Step, Via};

use super::Receipt;
use crate::{appliance::Appliance, clock};

/// How a delivery ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// The machine has all of it.
    Whole,
    /// The machine has the part it asked for: these bytes.
    Part(Range<u64>),
    /// The machine left after the part that it asked for was sent, and did not say whether it has it: one that runs from an
    /// image does, as soon as its system has a network driver of its own.
    Left {
        /// How many bytes were sent.
        sent: u64,
    },
    /// The machine only wanted to know the size.
    Probe,
    /// It ended early.
    Cut {
        /// How many bytes the machine has.
        sent: u64,
        /// Why.
        reason: String,
    },
}

/// A delivery that ended.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    pub(crate) from: std::net::IpAddr,
    pub(crate) receipt: Receipt,
    pub(crate) bytes: u64,
    pub(crate) millis: u64,
    pub(crate) via: Via,
    pub(crate) end: End,
    /// TFTP blocks that were sent again, each time counted.
    pub(crate) resent: u64,
}

impl Appliance {
    /// Takes note of a delivery's end: the attempt goes on, what was armed once is used up.
    pub(crate) fn delivered(self: &Arc<Self>, ended: Ended) {
        self.metrics.ended(&ended);
        let Ended { from, receipt, bytes, millis, via, end, resent } = ended;
        if resent > 0 {
            tracing::debug!(%from, resent, "TFTP blocks were sent again");
        }
        let now = clock::now();
        let Some(name) = receipt.name() else { return };
        let mac = receipt.mac();
        match (end, &receipt) {
            (End::Whole, Receipt::Configuration { own, promise, .. }) => {
                let profile = promise.profile.clone();
                let Some(mac) = mac.filter(|_| *own) else {
                    tracing::debug!(%from, name, "somebody looked at a configuration");
                    return;
                };
                let mut step = self.attempts.lock().configured(now, mac, Some(from), (**promise).clone());
                // A configuration can begin an attempt and end it; it is told between the two.
                let begins = step.events.iter().position(|(_, _, kind)| *kind == EventKind::AttemptStarted);
                let sent = EventKind::ConfigurationSent { name: name.to_owned(), profile, via };
                let during = step.events.last().map(|(id, ..)| *id);
                match during {
                    Some(id) => step.events.insert(begins.map_or(0, |at| at + 1), (id, mac, sent)),
                    None => self.note(Some(mac), sent),
                }
                self.take(step);
            }
            (End::Whole, Receipt::Seed { .. }) => {
                self.hear(mac);
                self.note(mac, EventKind::SeedSent { name: name.to_owned() });
            }
            (End::Whole, Receipt::File { .. }) => {
                if let Some(mac) = mac.filter(|_| ipxe::is_ipxe(name))
                    && self.rounds.lock().fetched(now, mac)
                {
                    self.note(Some(mac), EventKind::GoesRound { name: name.to_owned() });
                }
                let (repeated, part, step) = self.fetched(mac, name);
                // The same file again and again would push everything else out of the journal.
                let tells = repeated.is_some_and(|repeated| !repeated || self.may_tell((mac, name)));
                if tells {
                    self.note(mac, EventKind::FileSent { name: name.to_owned(), bytes, millis, via, part });
                } else {
                    tracing::debug!(%from, name, bytes, millis, %via, "file sent");
                }
                self.take(step);
            }
            (End::Part(part), Receipt::File { .. }) => {
                let step = mac.map(|mac| self.attempts.lock().fetched_part(now, mac, name, part, bytes));
                self.take(step.unwrap_or_default());
            }
            (End::Part(_) | End::Left { .. }, _) | (End::Whole, Receipt::Note) => self.hear(mac),
            (End::Probe, _) => {
                self.hear(mac);
                self.note_once_in_a_while(mac, Some(from), EventKind::SizeProbed { name: name.to_owned() });
            }
            (End::Cut { sent, reason }, _) => {
                self.hear(mac);
                self.note_once_in_a_while(
                    mac,
                    Some(from),
                    EventKind::FileCut { name: name.to_owned(), sent, bytes, reason, via },
                );
            }
        }
    }

    /// Lets the attempt go on. Returns whether it had the file already (nothing where no attempt is known), and what the
    /// file is to it.
    fn fetched(&self, mac: Option<Mac>, name: &str) -> (Option<bool>, Option<FilePart>, Step) {
        let mut attempts = self.attempts.lock();
        let Some(mac) = mac else { return (None, None, Step::default()) };
        let attempt = attempts.of(mac);
        let repeated = attempt.map(|attempt| attempt.has_fetched(name));
        let part = attempt.and_then(|attempt| attempt.part(name));
        (repeated, part, attempts.fetched(clock::now(), mac, name))
    }

    fn hear(&self, mac: Option<Mac>) {
        if let Some(mac) = mac {
            self.attempts.lock().heard(clock::now(), mac);
        }
    }
}
