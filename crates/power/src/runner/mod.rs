//! Does what is asked for, within bounds.

mod slots;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use nextboot_model::{HostName, PowerAction, PowerState, Timestamp};
use tokio::{sync::Mutex as Turn, time::timeout};

use self::slots::Slots;
use crate::{
    PowerError, Settings, Target,
    endpoint::{Endpoint, Step},
};

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// What it was before, where that was looked at.
    pub was: Option<PowerState>,
    /// What it should be now.
    pub state: PowerState,
    /// What was really done for a wish that depends on the state: `on` for a machine that was off.
    pub did: PowerAction,
    /// What the one who wished should know.
    pub remark: Option<&'static str>,
}

/// What was seen of a host last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Known {
    /// Its state.
    pub state: PowerState,
    /// When.
    pub at: Option<Timestamp>,
}

/// Switches machines side by side, one operation at a time at each controller, and remembers what it saw.
#[derive(Debug)]
pub struct Runner {
    switching: Slots,
    /// Whoever only looks has slots of its own: a list of hosts asks all controllers, and a room full of silent ones must not
    /// keep a machine elsewhere from being switched.
    looking: Slots,
    turns: Mutex<HashMap<String, Arc<Turn<()>>>>,
    seen: Mutex<HashMap<HostName, Seen>>,
}

/// What is remembered of a host.
#[derive(Debug)]
struct Seen {
    known: Known,
    /// What the last operation came to and when it ended, if it was a look.
    look: Option<(Instant, Result<Done, PowerError>)>,
}

impl Runner {
    /// One that has done nothing yet.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self {
            switching: Slots::new(settings.parallel),
            looking: Slots::new(settings.parallel),
            turns: Mutex::default(),
            seen: Mutex::default(),
        }
    }

    /// Takes the number of machines that may be switched at a time from new settings.
    pub fn resize(&self, settings: &Settings) {
        self.switching.resize(settings.parallel);
        self.looking.resize(settings.parallel);
    }

    /// What was seen of a host last.
    #[must_use]
    pub fn known(&self, host: &HostName) -> Known {
        lock(&self.seen).get(host).map(|seen| seen.known).unwrap_or_default()
    }

    /// Forgets what was seen of hosts that `keep` does not want.
    pub fn forget(&self, keep: impl Fn(&HostName) -> bool) {
        lock(&self.seen).retain(|host, _| keep(host));
    }

    /// Does something with a machine's power.
    ///
    /// # Errors
    /// Why it was not done, or not to its end.
    pub async fn perform(
        &self,
        settings: &Settings,
        target: &Target,
        action: PowerAction,
        now: Timestamp,
    ) -> Result<Done, PowerError> {
        let asked = Instant::now();
        let endpoint = target.endpoint(settings)?;
        let controller = target.controller();
        let looks = action == PowerAction::Status;
        // Before its turn: who waits to look must not keep the controller from who switches.
        let _looking = if looks { self.looking.take().await } else { None };
        let turn = Arc::clone(lock(&self.turns).entry(controller.clone()).or_default());
        // As long as the one before may take, with its repetitions: it has four steps at most.
        let patience = settings.limit * (4 * (settings.retries + 1)) + settings.limit;
        let done = match timeout(patience, turn.lock()).await {
            Err(_) => Err(PowerError::Busy(endpoint.place())),
            Ok(_held) => match looks.then(|| self.look_since(&target.host, asked)).flatten() {
                Some(done) => done,
                None => {
                    let _switching = if looks { None } else { self.switching.take().await };
                    let work = Work { settings, endpoint: &endpoint, uefi: target.uefi };
                    let done = work.perform(action).await;
                    self.remember(&target.host, looks, &done, now);
                    done
                }
            },
        };
        drop(turn);
        lock(&self.turns).retain(|name, turn| *name != controller || Arc::strong_count(turn) > 1);
        done
    }

    /// What another look came to that ended since then. Whoever waited for it wanted nothing else: or those who look often
    /// at controllers that are slow would never come to an end.
    fn look_since(&self, host: &HostName, asked: Instant) -> Option<Result<Done, PowerError>> {
        let seen = lock(&self.seen);
        let (ended, done) = seen.get(host)?.look.as_ref()?;
        (*ended > asked).then(|| done.clone())
    }

    fn remember(&self, host: &HostName, looks: bool, done: &Result<Done, PowerError>, now: Timestamp) {
        let state = done.as_ref().map(|done| done.state).unwrap_or_default();
        let look = looks.then(|| (Instant::now(), done.clone()));
        lock(&self.seen).insert(host.clone(), Seen { known: Known { state, at: Some(now) }, look });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Its holder can only have panicked in between two whole changes.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One operation at one controller.
struct Work<'a> {
    settings: &'a Settings,
    endpoint: &'a Endpoint<'a>,
    uefi: bool,
}

impl Work<'_> {
    async fn perform(&self, action: PowerAction) -> Result<Done, PowerError> {
        let done = |was, state, did| Done { was, state, did, remark: None };
        match action {
            PowerAction::Status => {
                let state = self.status().await?;
                Ok(done(Some(state), state, action))
            }
            PowerAction::On => self.step(Step::On).await.map(|()| done(None, PowerState::On, action)),
            PowerAction::Off => self.step(Step::Off).await.map(|()| done(None, PowerState::Off, action)),
            PowerAction::Reset => self.step(Step::Reset).await.map(|()| done(None, PowerState::On, action)),
            PowerAction::Cycle => self.restart(Step::Cycle).await,
            PowerAction::Reboot => self.restart(Step::Reset).await,
            PowerAction::BootNetwork => {
                self.again(true, || self.endpoint.boot_network(self.uefi)).await?;
                if self.endpoint.only_wakes() {
                    self.step(Step::On).await?;
                    let remark = "woken if it was off; if it is on, reset it by hand";
                    let did = PowerAction::On;
                    return Ok(Done { was: None, state: PowerState::Unknown, did, remark: Some(remark) });
                }
                self.restart(Step::Cycle).await
            }
        }
    }

    /// On when it is off, else this step.
    async fn restart(&self, step: Step) -> Result<Done, PowerError> {
        let was = self.status().await?;
        let step = match was {
            PowerState::Off => Step::On,
            PowerState::On => step,
            PowerState::Unknown if self.endpoint.is_blind() => step,
            PowerState::Unknown => return Err(PowerError::StateUnknown(self.endpoint.place())),
        };
        self.step(step).await?;
        Ok(Done { was: Some(was), state: PowerState::On, did: step.action(), remark: None })
    }

    async fn status(&self) -> Result<PowerState, PowerError> {
        self.again(true, || self.endpoint.status()).await
    }

    async fn step(&self, step: Step) -> Result<(), PowerError> {
        self.again(step.is_repeatable(), || self.endpoint.switch(step)).await
    }

    /// Tries, and tries again where that may help and cannot harm.
    async fn again<T, F>(&self, repeatable: bool, attempt: impl Fn() -> F) -> Result<T, PowerError>
    where
        F: Future<Output = Result<T, PowerError>>,
    {
        let mut left = self.settings.retries;
        loop {
            let tried = timeout(self.settings.limit, attempt()).await.unwrap_or_else(|_| {
                Err(PowerError::Slow { place: self.endpoint.place(), limit: self.settings.limit })
            });
            match tried {
                Err(error) if left > 0 && error.is_passing() && (repeatable || error.is_before_all()) => {
                    tracing::debug!(%error, "tried again");
                    left -= 1;
                }
                tried => return tried,
            }
        }
    }
}

#[cfg(test)]
mod tests;
