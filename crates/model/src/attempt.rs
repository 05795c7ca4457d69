use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    fmt,
    net::IpAddr,
    ops::Range,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{
    Arch, Class, Command, EventKind, FilePart, HostName, Mac, Outcome, ProfileName, Timestamp, Uuid,
    parts::Parts,
};

/// Most machines whose attempts are followed at once; beyond it the one silent for longest is let go.
pub const MAX_LIVE: usize = 65_536;
/// Most different files that one attempt remembers as fetched.
const MAX_FILES: usize = 256;
/// After this long without a sign of life an attempt is over. Installers that fetch packages elsewhere are silent for
/// long.
const SILENCE: Duration = Duration::from_secs(4 * 3600);
/// A firmware's own retries come within a minute (EDK2: 4, 8, 16, 32 s); a DISCOVER later than that is a new attempt,
/// even if nothing was fetched in between.
const RETRIES: Duration = Duration::from_secs(120);

/// Names an attempt: when it began, in milliseconds, made unique.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AttemptId(pub u64);

impl fmt::Display for AttemptId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0)
    }
}

/// How far an attempt has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// The firmware asks.
    Asking,
    /// The network boot program is being fetched.
    Loading,
    /// Its configuration was delivered.
    Configured,
    /// Everything the plan named was delivered.
    Delivered,
}

/// What has to be fetched for a boot to be complete: any one of these sets of names (a loader's menu may offer several
/// entries). No set, or an empty one, means that the configuration is all there is to fetch from us.
pub type Needs = Vec<BTreeSet<String>>;

/// One try of one machine to boot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// Its number.
    pub id: AttemptId,
    /// Whose.
    pub mac: Mac,
    /// The host, if the machine is one.
    pub host: Option<HostName>,
    /// When the first packet came.
    pub started: Timestamp,
    /// When the machine was last heard.
    pub heard: Timestamp,
    /// The machine's address, once it has one.
    pub address: Option<IpAddr>,
    /// What its firmware said it is.
    pub arch: Option<Arch>,
    /// Which machine its firmware said it is: its loader asks without saying so.
    #[serde(skip)]
    pub uuid: Option<Uuid>,
    /// What it boots.
    pub profile: Option<ProfileName>,
    /// How far it is.
    pub stage: Stage,
    /// The number of what somebody picked in the menu that its firmware showed.
    #[serde(skip)]
    pub picked: Option<u16>,
    #[serde(skip)]
    class: Class,
    #[serde(skip)]
    armed: Option<Timestamp>,
    #[serde(skip)]
    needs: Needs,
    #[serde(skip)]
    kernels: BTreeSet<String>,
    #[serde(skip)]
    got: BTreeSet<String>,
    #[serde(skip)]
    parts: Parts,
}

impl Attempt {
    /// True for a question of firmware that has nothing from us yet. An iPXE that was loaded by its own kind's ROM, or a loader
    /// with a network stack of its own, goes on with what was picked.
    #[must_use]
    pub fn asks_anew(&self, chained: bool) -> bool {
        !chained || self.stage == Stage::Asking
    }

    fn complete(&self) -> bool {
        self.needs.is_empty() || self.needs.iter().any(|set| set.is_subset(&self.got))
    }

    /// True when this file was fetched in this attempt already, or when so many were that it is not known any more.
    #[must_use]
    pub fn has_fetched(&self, name: &str) -> bool {
        self.got.contains(name) || self.got.len() >= MAX_FILES
    }

    /// What this file is to the machine; nothing for what a loader fetches by itself beside a kernel (fonts, modules).
    #[must_use]
    pub fn part(&self, name: &str) -> Option<FilePart> {
        if self.stage < Stage::Configured {
            Some(FilePart::Loader)
        } else if self.kernels.contains(name) {
            Some(FilePart::Kernel)
        } else {
            self.needs.iter().any(|set| set.contains(name)).then_some(FilePart::Initrd)
        }
    }

    /// True for a menu that reads the configuration a second time (`vesamenu.c32` does, after PXELINUX itself): that is no
    /// other boot, even where the configuration was all there was to deliver.
    fn reads_again(&self, now: Timestamp, promise: &Promise) -> bool {
        self.stage == Stage::Delivered
            && self.needs.is_empty()
            && promise.needs.is_empty()
            && self.armed == promise.armed
            && self.profile.as_ref() == Some(&promise.profile)
            && now.since(self.heard) <= RETRIES
    }
}

/// What a plan means for an attempt, as told when the loader's configuration was delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promise {
    /// The host, if the machine is one.
    pub host: Option<HostName>,
    /// What it boots.
    pub profile: ProfileName,
    /// What that does to it.
    pub class: Class,
    /// The assignment behind it ([`crate::Assignment::since`]), unless something else decided.
    pub armed: Option<Timestamp>,
    /// What it has to fetch from us.
    pub needs: Needs,
    /// Which of that are kernels.
    pub kernels: BTreeSet<String>,
}

/// What an observation leads to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Step {
    /// For the journal.
    pub events: Vec<(AttemptId, Mac, EventKind)>,
    /// To be submitted.
    pub wish: Option<Command>,
}

/// Follows every machine from its first packet to its end. Without I/O: observations and the time go in, events and
/// wishes come out.
#[derive(Debug, Default)]
pub struct Attempts {
    live: HashMap<Mac, Attempt>,
    by_address: HashMap<IpAddr, Mac>,
    /// Machines in the order in which they began, for letting the oldest go without looking at all.
    order: VecDeque<(Mac, AttemptId)>,
    last_id: u64,
}

impl Attempts {
    /// The attempt that the machine is in.
    #[must_use]
    pub fn of(&self, mac: Mac) -> Option<&Attempt> {
        self.live.get(&mac)
    }

    /// The machine that was last seen with this address.
    #[must_use]
    pub fn at(&self, address: IpAddr) -> Option<Mac> {
        self.by_address.get(&address).copied()
    }

    /// All attempts under way, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Attempt> {
        self.live.values()
    }

    /// The firmware (or a loader with a network stack of its own) asks for an address and a boot file. `chained` says
    /// that it is a loader, which continues an attempt.
    pub fn asked(&mut self, now: Timestamp, mac: Mac, arch: Option<Arch>, chained: bool) -> Step {
        let mut step = Step::default();
        let anew = self.live.get(&mac).is_none_or(|attempt| {
            attempt.stage >= Stage::Configured || (!chained && now.since(attempt.heard) > RETRIES)
        });
        if anew {
            self.begin(now, mac, &mut step);
        }
        if let Some(attempt) = self.live.get_mut(&mac) {
            attempt.heard = now;
            attempt.arch = arch.or(attempt.arch);
            if attempt.asks_anew(chained) {
                attempt.picked = None;
            }
        }
        step
    }

    /// Somebody picked this in the menu that the machine's firmware showed. It holds for this attempt.
    pub fn picked(&mut self, mac: Mac, number: u16) {
        if let Some(attempt) = self.live.get_mut(&mac) {
            attempt.picked = Some(number);
        }
    }

    /// The menu changed, and with it what the numbers mean.
    pub fn forget_picks(&mut self) {
        self.live.values_mut().for_each(|attempt| attempt.picked = None);
    }

    /// The machine that asks has this UUID.
    pub fn identified(&mut self, mac: Mac, uuid: Uuid) {
        if let Some(attempt) = self.live.get_mut(&mac) {
            attempt.uuid = Some(uuid);
        }
    }

    /// The machine has this address.
    pub fn addressed(&mut self, now: Timestamp, mac: Mac, address: IpAddr) {
        if let Some(attempt) = self.live.get_mut(&mac) {
            attempt.heard = now;
            if let Some(old) = attempt.address.replace(address)
                && self.by_address.get(&old) == Some(&mac)
            {
                self.by_address.remove(&old);
            }
            self.by_address.insert(address, mac);
        }
    }

    /// The machine was given its loader's configuration, which promises `promise`.
    pub fn configured(
        &mut self,
        now: Timestamp,
        mac: Mac,
        address: Option<IpAddr>,
        promise: Promise,
    ) -> Step {
        let mut step = Step::default();
        if self.live.get(&mac).is_some_and(|attempt| attempt.reads_again(now, &promise)) {
            self.heard(now, mac);
            return step;
        }
        if self.live.get(&mac).is_none_or(|attempt| attempt.stage == Stage::Delivered) {
            // Somebody else answered its DHCP requests, and we did not hear them.
            self.begin(now, mac, &mut step);
        }
        if let Some(address) = address {
            self.addressed(now, mac, address);
        }
        let Some(attempt) = self.live.get_mut(&mac) else { return step };
        attempt.heard = now;
        attempt.stage = attempt.stage.max(Stage::Configured);
        attempt.host = promise.host;
        attempt.profile = Some(promise.profile);
        attempt.class = promise.class;
        attempt.armed = promise.armed;
        attempt.needs = promise.needs;
        attempt.kernels = promise.kernels;
        self.settle(mac, &mut step);
        step
    }

    /// The machine got this file in full. `name` is the clean form that [`Promise::needs`] uses.
    pub fn fetched(&mut self, now: Timestamp, mac: Mac, name: &str) -> Step {
        let mut step = Step::default();
        if let Some(attempt) = self.live.get_mut(&mac) {
            attempt.heard = now;
            attempt.stage = attempt.stage.max(Stage::Loading);
            let awaited = attempt.needs.iter().any(|set| set.contains(name));
            if attempt.got.len() < MAX_FILES || awaited {
                attempt.got.insert(name.to_owned());
            }
            if attempt.stage == Stage::Configured {
                self.settle(mac, &mut step);
            }
        }
        step
    }

    /// The machine got this part of a file of `of` bytes. Once the parts make up the whole it counts as fetched.
    pub fn fetched_part(&mut self, now: Timestamp, mac: Mac, name: &str, part: Range<u64>, of: u64) -> Step {
        let Some(attempt) = self.live.get_mut(&mac) else { return Step::default() };
        attempt.heard = now;
        if attempt.parts.add(name, part, of) { self.fetched(now, mac, name) } else { Step::default() }
    }

    /// What was decided for a machine that has not asked for its configuration yet. For whoever looks; what it is given
    /// later is what counts.
    pub fn planned(&mut self, mac: Mac, host: Option<HostName>, profile: Option<ProfileName>) {
        if let Some(attempt) = self.live.get_mut(&mac).filter(|attempt| attempt.stage < Stage::Configured) {
            attempt.host = host;
            attempt.profile = profile;
        }
    }

    /// The machine gave a sign of life that moves nothing.
    pub fn heard(&mut self, now: Timestamp, mac: Mac) {
        if let Some(attempt) = self.live.get_mut(&mac) {
            attempt.heard = now;
        }
    }

    /// The machine called back.
    pub fn called_back(&mut self, mac: Mac) -> Step {
        let mut step = Step::default();
        self.end(mac, Outcome::CalledBack, &mut step);
        step
    }

    /// The host called back. One with several network cards may have booted with another MAC than it is known by first, so
    /// what ends is whatever was configured for it.
    pub fn host_called_back(&mut self, host: &HostName) -> Step {
        let mut step = Step::default();
        let of_host = |attempt: &&Attempt| attempt.host.as_ref() == Some(host);
        let macs: Vec<Mac> = self.live.values().filter(of_host).map(|attempt| attempt.mac).collect();
        for mac in macs {
            self.end(mac, Outcome::CalledBack, &mut step);
        }
        step
    }

    /// Lets go of attempts that fell silent. To be called now and then.
    pub fn sweep(&mut self, now: Timestamp) -> Step {
        let mut step = Step::default();
        let silent: Vec<Mac> = self
            .live
            .values()
            .filter(|attempt| now.since(attempt.heard) > SILENCE)
            .map(|attempt| attempt.mac)
            .collect();
        for mac in silent {
            let outcome = if self
                .live
                .get(&mac)
                .is_some_and(|a| a.stage == Stage::Delivered && a.class != Class::Install)
            {
                Outcome::Booted
            } else {
                Outcome::Silent
            };
            self.end(mac, outcome, &mut step);
        }
        let live = &self.live;
        self.order.retain(|(mac, id)| live.get(mac).is_some_and(|attempt| attempt.id == *id));
        step
    }

    fn begin(&mut self, now: Timestamp, mac: Mac, step: &mut Step) {
        let outcome = match self.live.get(&mac) {
            Some(old) if old.stage == Stage::Delivered && old.class != Class::Install => Outcome::Booted,
            _ => Outcome::StartedAnew,
        };
        self.end(mac, outcome, step);
        while self.live.len() >= MAX_LIVE {
            let Some((oldest, id)) = self.order.pop_front() else { break };
            if self.live.get(&oldest).is_some_and(|attempt| attempt.id == id) {
                self.end(oldest, Outcome::Silent, step);
            }
        }
        // An attempt that ended early leaves its entry behind; many of them are cleared out at once.
        if self.order.len() >= 2 * MAX_LIVE {
            let live = &self.live;
            self.order.retain(|(mac, id)| live.get(mac).is_some_and(|attempt| attempt.id == *id));
        }
        self.last_id = now.0.max(self.last_id + 1);
        let id = AttemptId(self.last_id);
        self.order.push_back((mac, id));
        self.live.insert(
            mac,
            Attempt {
                id,
                mac,
                host: None,
                started: now,
                heard: now,
                address: None,
                arch: None,
                uuid: None,
                profile: None,
                stage: Stage::Asking,
                picked: None,
                class: Class::Unclassified,
                armed: None,
                needs: Needs::new(),
                kernels: BTreeSet::new(),
                got: BTreeSet::new(),
                parts: Parts::default(),
            },
        );
        step.events.push((id, mac, EventKind::AttemptStarted));
    }

    fn settle(&mut self, mac: Mac, step: &mut Step) {
        let Some(attempt) = self.live.get_mut(&mac) else { return };
        if attempt.stage == Stage::Delivered || !attempt.complete() {
            return;
        }
        attempt.stage = Stage::Delivered;
        step.wish = match (&attempt.host, attempt.armed) {
            (Some(name), Some(armed)) => Some(Command::Delivered { name: name.clone(), armed }),
            _ => None,
        };
        if attempt.class == Class::Local {
            self.end(mac, Outcome::Local, step);
        }
    }

    fn end(&mut self, mac: Mac, outcome: Outcome, step: &mut Step) {
        let Some(attempt) = self.live.remove(&mac) else { return };
        if let Some(address) = attempt.address
            && self.by_address.get(&address) == Some(&mac)
        {
            self.by_address.remove(&address);
        }
        step.events.push((attempt.id, mac, EventKind::AttemptEnded { outcome }));
    }
}
