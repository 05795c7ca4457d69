//! Which way each machine takes: firmware that makes nothing of one gets the other.

use std::{collections::HashMap, net::Ipv4Addr, time::Duration};

use nextboot_model::{Mac, OfferWay, Timestamp};

use crate::{ClientInfo, ClientKind, Note};

/// Offers by one way that a machine gets before it is offered the other. EDK2 and Intel's ROMs ask four times in a row (after
/// 4, 8 and 16 s), so both ways have their turn within one try to boot.
const PATIENCE: u8 = 2;
/// The longest silence between two DISCOVERs of one try to boot; EDK2 waits 32 s at most.
const ONE_TRY: Duration = Duration::from_secs(60);
/// After this long without another DISCOVER a machine has given up.
const GAVE_UP: Duration = Duration::from_secs(40);

/// The way that each class of firmware is offered first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ways {
    /// BIOS ROMs. All known ones take the file of the offer; Intel's oldest ask on port 4011 nonetheless.
    pub bios: OfferWay,
    /// UEFI. Some of it ignores a proxy that answers all at once; OVMF boots either way.
    pub uefi: OfferWay,
}

impl Default for Ways {
    fn default() -> Self {
        Self { bios: OfferWay::Direct, uefi: OfferWay::BootServer }
    }
}

impl Ways {
    /// The first way for this client; nothing for one that knows only one: iPXE and UEFI HTTP Boot take the file of the offer,
    /// a Raspberry Pi never asks on port 4011.
    pub(super) fn of(self, client: &ClientInfo) -> Option<OfferWay> {
        (client.kind == ClientKind::Pxe).then_some(if client.is_uefi() { self.uefi } else { self.bios })
    }
}

/// What is known about one machine.
#[derive(Debug, Clone)]
struct Trial {
    way: OfferWay,
    /// Offers by that way without a sign that they were taken.
    offers: u8,
    /// Whether the other way was offered before in this try to boot.
    both: bool,
    worked: Option<OfferWay>,
    asked: Timestamp,
    address_by: Option<Ipv4Addr>,
    told: bool,
    next_server: Ipv4Addr,
    file: String,
}

impl Trial {
    fn needs_one_offer(&mut self) -> Note {
        self.told = true;
        Note::NeedsOneOffer {
            address_by: self.address_by,
            next_server: self.next_server,
            file: self.file.clone(),
        }
    }
}

/// The machines' ways. Memory is bounded as the limiter's: a full table becomes the old one, and what was old is forgotten.
#[derive(Debug, Clone, Default)]
pub(super) struct Trials {
    recent: HashMap<Mac, Trial>,
    old: HashMap<Mac, Trial>,
}

impl Trials {
    /// The way of the next offer to a machine whose class is offered `first` first, and what is to be told.
    pub(super) fn offer(
        &mut self,
        now: Timestamp,
        mac: Mac,
        first: OfferWay,
        boot: (Ipv4Addr, &str),
        capacity: usize,
    ) -> (OfferWay, Option<Note>) {
        if self.recent.len() >= capacity && !self.recent.contains_key(&mac) {
            self.old = std::mem::take(&mut self.recent);
        }
        let known = self.old.remove(&mac);
        let trial = self.recent.entry(mac).or_insert_with(|| {
            known.unwrap_or(Trial {
                way: first,
                offers: 0,
                both: false,
                worked: None,
                asked: now,
                address_by: None,
                told: false,
                next_server: Ipv4Addr::UNSPECIFIED,
                file: String::new(),
            })
        });
        let mut note = None;
        if now.since(trial.asked) > ONE_TRY {
            *trial = Trial {
                way: trial.worked.unwrap_or(first),
                offers: 0,
                both: false,
                address_by: None,
                told: false,
                ..trial.clone()
            };
        } else if trial.offers >= PATIENCE {
            if !trial.both {
                note = Some(Note::OfferNotTaken { failed: trial.way });
            } else if !trial.told {
                note = Some(trial.needs_one_offer());
            }
            (trial.way, trial.offers, trial.both, trial.worked) = (trial.way.other(), 0, true, None);
        }
        trial.offers += 1;
        trial.asked = now;
        trial.next_server = boot.0;
        boot.1.clone_into(&mut trial.file);
        (trial.way, note)
    }

    /// The machine took an offer: it asked on port 4011, or fetched something.
    pub(super) fn taken(&mut self, mac: Mac, by: Option<OfferWay>) -> Option<Note> {
        let trial = self.recent.get_mut(&mac).filter(|trial| trial.offers > 0)?;
        let way = by.unwrap_or(trial.way);
        let news = trial.both && trial.worked != Some(way);
        (trial.way, trial.offers, trial.worked) = (way, 0, Some(way));
        (trial.both, trial.told) = (false, false);
        news.then_some(Note::WayFound { way })
    }

    /// Another server offered the machine an address.
    pub(super) fn offered_address(&mut self, mac: Mac, by: Ipv4Addr) {
        if let Some(trial) = self.recent.get_mut(&mac) {
            trial.address_by = Some(by);
        }
    }

    /// The machines that gave up after both ways.
    pub(super) fn given_up(&mut self, now: Timestamp) -> Vec<(Mac, Note)> {
        let gave_up =
            |trial: &Trial| trial.both && trial.offers > 0 && !trial.told && now.since(trial.asked) > GAVE_UP;
        let trials = self.recent.iter_mut().filter(|(_, trial)| gave_up(trial));
        trials.map(|(mac, trial)| (*mac, trial.needs_one_offer())).collect()
    }
}

#[cfg(test)]
impl Trials {
    pub(super) fn size(&self) -> usize {
        self.recent.len() + self.old.len()
    }
}
