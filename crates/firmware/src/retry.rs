use std::time::Duration;

/// When to say something again: a list of waits, each in milliseconds.
#[derive(Debug, Default)]
pub(crate) struct Retry {
    waits: &'static [u64],
    at: usize,
    deadline: Option<Duration>,
}

/// What a look at the clock says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// Not yet.
    NotYet,
    /// Say it again; this many waits are over.
    Again(usize),
    /// All waits are over.
    Over,
}

impl Retry {
    /// Said for the first time now.
    pub(crate) fn new(waits: &'static [u64], now: Duration) -> Self {
        let deadline = waits.first().map(|wait| now + Duration::from_millis(*wait));
        Self { waits, at: 0, deadline }
    }

    /// Not said again: only the end of a wait.
    pub(crate) fn at(deadline: Duration) -> Self {
        Self { waits: &[], at: 0, deadline: Some(deadline) }
    }

    /// Never again.
    pub(crate) fn off() -> Self {
        Self::default()
    }

    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.deadline
    }

    pub(crate) fn due(&mut self, now: Duration) -> Due {
        let Some(deadline) = self.deadline else { return Due::NotYet };
        if now < deadline {
            return Due::NotYet;
        }
        self.at += 1;
        self.deadline = self.waits.get(self.at).map(|wait| now + Duration::from_millis(*wait));
        if self.deadline.is_some() { Due::Again(self.at) } else { Due::Over }
    }
}
