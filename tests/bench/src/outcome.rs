//! What a cell found out, and what is to be thought of it.

use std::time::Duration;

use crate::compare::Contestant;
use crate::load::Load;
use crate::stats::Spread;

/// One run of one contestant.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    /// CPU time of the server and its children.
    pub used: Duration,
    /// CPU time of the load generators.
    pub clients: Duration,
    /// How long the load generators ran, with what they do before the first question and after the last answer.
    pub ran: Duration,
    /// The server's `VmHWM` and that of its living children, KiB.
    pub peak_kib: u64,
    /// What the load generator says.
    pub load: Load,
}

impl Sample {
    /// Units per second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.load.units as f64 / self.load.elapsed.as_secs_f64().max(1e-9)
    }

    /// How much of one core's time the server used while it was asked, and the load generators while they ran.
    #[must_use]
    pub fn busy(&self) -> (f64, f64) {
        let part = |used: Duration, of: Duration| used.as_secs_f64() / of.as_secs_f64().max(1e-9);
        (part(self.used, self.load.elapsed), part(self.clients, self.ran))
    }

    /// The server's CPU time per unit, microseconds.
    #[must_use]
    pub fn cpu(&self) -> f64 {
        self.used.as_secs_f64() * 1e6 / (self.load.units.max(1) as f64)
    }
}

/// A contestant with all its rounds.
#[derive(Debug, Clone)]
pub struct Standing {
    /// Its name.
    pub name: String,
    /// Its runs, round by round.
    pub samples: Vec<Sample>,
}

impl Standing {
    /// The spread of something over the rounds.
    pub fn spread(&self, what: impl Fn(&Sample) -> f64) -> Option<Spread> {
        Spread::of(self.samples.iter().map(what))
    }

    /// The median over the rounds of a percentile of the latencies, milliseconds.
    #[must_use]
    pub fn latency(&self, part: f64) -> Option<f64> {
        let each = self.samples.iter().filter_map(|sample| sample.load.latencies.percentile(part));
        Spread::of(each.map(|latency| latency.as_secs_f64() * 1e3)).map(|spread| spread.median)
    }

    /// All that went wrong.
    #[must_use]
    pub fn errors(&self) -> u64 {
        self.samples.iter().map(|sample| sample.load.errors).sum()
    }

    /// The median of a value that the load told by name.
    #[must_use]
    pub fn told(&self, name: &str) -> Option<f64> {
        let of = |sample: &Sample| sample.load.more.iter().find(|(key, _)| *key == name).map(|(_, it)| *it);
        Spread::of(self.samples.iter().filter_map(of)).map(|spread| spread.median)
    }
}

/// A target's direction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
}

impl Bound {
    /// Whether a number keeps it.
    #[must_use]
    pub fn holds(self, number: f64) -> bool {
        match self {
            Self::AtLeast(bound) => number >= bound,
            Self::AtMost(bound) => number <= bound,
        }
    }

    fn words(self) -> (&'static str, f64) {
        match self {
            Self::AtLeast(bound) => ("at least", bound),
            Self::AtMost(bound) => ("at most", bound),
        }
    }
}

/// A target and how it came out.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// What was to be reached.
    pub target: String,
    /// What was seen.
    pub seen: String,
    /// Whether it was reached.
    pub met: bool,
}

/// What a cell found out.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// What a unit of work is.
    pub unit: &'static str,
    /// The contestants.
    pub standings: Vec<Standing>,
    /// The targets.
    pub judged: Vec<Judged>,
    /// What a reader of the table should know.
    pub notes: Vec<String>,
}

impl Outcome {
    /// Nothing found out yet.
    #[must_use]
    pub fn new(unit: &'static str) -> Self {
        Self { unit, standings: Vec::new(), judged: Vec::new(), notes: Vec::new() }
    }

    /// A run of a contestant.
    pub fn add(&mut self, name: &str, sample: Sample) {
        match self.standings.iter_mut().find(|standing| standing.name == name) {
            Some(standing) => standing.samples.push(sample),
            None => self.standings.push(Standing { name: name.to_owned(), samples: vec![sample] }),
        }
    }

    /// The contestant of this name.
    #[must_use]
    pub fn standing(&self, name: &str) -> Option<&Standing> {
        self.standings.iter().find(|standing| standing.name == name)
    }

    /// Ours.
    #[must_use]
    pub fn ours(&self) -> Option<&Standing> {
        self.standing(Contestant::OURS)
    }

    pub(crate) fn order<'n>(&mut self, names: impl Iterator<Item = &'n str>) {
        let names: Vec<&str> = names.collect();
        self.standings.sort_by_key(|standing| names.iter().position(|name| *name == standing.name));
    }

    /// The median over the rounds of ours by the peer's, of something; `None` without either.
    #[must_use]
    pub fn ratio(&self, peer: &str, what: impl Fn(&Sample) -> f64) -> Option<f64> {
        let (ours, peer) = (self.ours()?, self.standing(peer)?);
        let each = ours.samples.iter().zip(&peer.samples);
        Spread::of(each.map(|(ours, peer)| what(ours) / what(peer))).map(|spread| spread.median)
    }

    /// Judges units per second against a peer's in the same round.
    pub fn rate(&mut self, peer: &str, bound: Bound) {
        let seen = self.ratio(peer, Sample::rate);
        self.judge_ratio("speed", peer, bound, seen);
    }

    /// Judges the CPU time per unit against a peer's in the same round.
    pub fn cpu(&mut self, peer: &str, bound: Bound) {
        let seen = self.ratio(peer, Sample::cpu);
        self.judge_ratio("CPU", peer, bound, seen);
    }

    /// Judges a ratio of ours to a peer's that the cell worked out.
    pub fn judge_ratio(&mut self, what: &str, peer: &str, bound: Bound, seen: Option<f64>) {
        let (direction, number) = bound.words();
        self.judged.push(Judged {
            target: format!("{what} {direction} {number:.2} x {peer}"),
            seen: seen.map_or_else(|| "nothing to compare".into(), |seen| format!("{seen:.2} x")),
            met: seen.is_some_and(|seen| bound.holds(seen)),
        });
    }

    /// Judges a number with its unit, which may be none.
    pub fn value(&mut self, what: &str, unit: &str, bound: Bound, seen: f64) {
        let (direction, number) = bound.words();
        self.judged.push(Judged {
            target: format!("{what} {direction} {} {unit}", brief(number)).trim_end().to_owned(),
            seen: format!("{} {unit}", brief(seen)).trim_end().to_owned(),
            met: bound.holds(seen),
        });
    }

    /// Tells how much of a core each server used and how much its clients did: who was the limit.
    pub fn tell_how_busy(&mut self) {
        let percent = |part: Option<Spread>| part.map_or(0.0, |part| part.median * 100.0);
        let each = self.standings.iter().map(|standing| {
            let server = percent(standing.spread(|sample| sample.busy().0));
            let clients = percent(standing.spread(|sample| sample.busy().1));
            format!("{} {server:.0} % and its clients {clients:.0} %", standing.name)
        });
        let each: Vec<String> = each.collect();
        self.note(format!("of a core used: {}", each.join(", ")));
    }

    /// Tells something that is neither a number of a contestant nor a target.
    pub fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }
}

/// A number with as many decimals as matter.
pub(crate) fn brief(number: f64) -> String {
    match number.abs() {
        size if size >= 100.0 || number == number.trunc() => format!("{number:.0}"),
        size if size >= 10.0 => format!("{number:.1}"),
        _ => format!("{number:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(units: u64, millis: u64, used: u64) -> Sample {
        Sample {
            used: Duration::from_micros(used),
            load: Load::of(units, Duration::from_millis(millis)),
            ..Sample::default()
        }
    }

    #[test]
    fn ratios_are_of_the_same_round() {
        let mut outcome = Outcome::new("block");
        // The machine was half as fast in the second round, for both.
        for (name, millis) in
            [("nextboot", 1000), ("peer", 2000), ("nextboot", 2000), ("peer", 4000), ("nextboot", 1000)]
        {
            outcome.add(name, sample(1000, millis, 3000));
        }
        outcome.rate("peer", Bound::AtLeast(2.0));
        outcome.cpu("peer", Bound::AtMost(0.5));
        outcome.rate("nobody", Bound::AtLeast(1.0));
        outcome.value("first block", "ms", Bound::AtMost(50.0), 50.5);
        outcome.value("time-outs", "", Bound::AtMost(0.0), 0.0);
        let told: Vec<_> = outcome.judged.iter().map(|it| (it.seen.as_str(), it.met)).collect();
        assert_eq!(
            told,
            [
                ("2.00 x", true),
                ("1.00 x", false),
                ("nothing to compare", false),
                ("50.5 ms", false),
                ("0", true)
            ]
        );
        assert_eq!(outcome.judged[0].target, "speed at least 2.00 x peer");
    }
}
