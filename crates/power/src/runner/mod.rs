//! Does what is asked for, within bounds.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use nextboot_model::{HostName, PowerAction, PowerState, Timestamp};
use tokio::{
    sync::{Mutex as Turn, Semaphore},
    time::timeout,
};

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
    slots: Semaphore,
    /// How many slots there are.
    parallel: Mutex<usize>,
    turns: Mutex<HashMap<String, Arc<Turn<()>>>>,
    known: Mutex<HashMap<HostName, Known>>,
}

impl Runner {
    /// One that has done nothing yet.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self {
            slots: Semaphore::new(settings.parallel),
            parallel: Mutex::new(settings.parallel),
            turns: Mutex::default(),
            known: Mutex::default(),
        }
    }

    /// Takes the number of machines that may be switched at a time from new settings.
    pub fn resize(&self, settings: &Settings) {
        let mut parallel = lock(&self.parallel);
        if settings.parallel > *parallel {
            self.slots.add_permits(settings.parallel - *parallel);
            *parallel = settings.parallel;
        } else {
            // Those that are in use are taken away by the next call.
            *parallel -= self.slots.forget_permits(*parallel - settings.parallel);
        }
    }

    /// What was seen of a host last.
    #[must_use]
    pub fn known(&self, host: &HostName) -> Known {
        lock(&self.known).get(host).copied().unwrap_or_default()
    }

    /// Forgets what was seen of hosts that `keep` does not want.
    pub fn forget(&self, keep: impl Fn(&HostName) -> bool) {
        lock(&self.known).retain(|host, _| keep(host));
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
        let endpoint = target.endpoint(settings)?;
        let controller = target.controller();
        let turn = Arc::clone(lock(&self.turns).entry(controller.clone()).or_default());
        // As long as the one before may take, with its repetitions: it has four steps at most.
        let patience = settings.limit * (4 * (settings.retries + 1)) + settings.limit;
        let done = match timeout(patience, turn.lock()).await {
            Err(_) => Err(PowerError::Busy(endpoint.place())),
            // Those before it end within their limits, so this does.
            Ok(_held) => match self.slots.acquire().await {
                Ok(_slot) => Work { settings, endpoint: &endpoint, uefi: target.uefi }.perform(action).await,
                Err(_) => Err(PowerError::Busy("the server".into())),
            },
        };
        drop(turn);
        lock(&self.turns).retain(|name, turn| *name != controller || Arc::strong_count(turn) > 1);
        let state = match &done {
            Ok(done) => done.state,
            Err(_) => PowerState::Unknown,
        };
        lock(&self.known).insert(target.host.clone(), Known { state, at: Some(now) });
        done
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
