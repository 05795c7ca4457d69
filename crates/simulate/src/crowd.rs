use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::net::Ipv4Addr;
use std::time::Duration;

use nextboot_firmware::{Addressee, Firmware, Machine, Random, Stage, Station};

use crate::tally::{End, Tally};
use crate::{Arguments, Prefix};

/// All machines, and what each wants next. Frames and time go in, frames come out.
#[derive(Debug)]
pub(crate) struct Crowd {
    prefix: Prefix,
    kinds: Vec<(&'static str, Firmware)>,
    sample: usize,
    rate: u32,
    concurrency: usize,
    patience: Duration,
    random: Random,
    /// Those that were switched on, by their numbers.
    players: Vec<Player>,
    running: usize,
    addresses: HashMap<Ipv4Addr, usize>,
    /// When to look at a machine again; entries that came too early are put back when they are taken out.
    agenda: BinaryHeap<Reverse<(Duration, usize)>>,
    tally: Tally,
}

#[derive(Debug)]
struct Player {
    station: Station,
    started: Duration,
    stage: Option<Stage>,
    entered: Duration,
    /// What each stage took; nothing for those that it never was in.
    spent: [Option<Duration>; Stage::ALL.len()],
    address: Option<Ipv4Addr>,
    /// The earliest entry in the agenda.
    noted: Option<Duration>,
    over: bool,
}

/// How far they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) all: usize,
    pub(crate) running: usize,
    pub(crate) booted: usize,
    pub(crate) failed: usize,
}

impl Crowd {
    /// Machines that are all switched off. `seed` decides their random numbers.
    pub(crate) fn new(arguments: &Arguments, seed: u64) -> Self {
        let hosts = arguments.hosts as usize;
        Self {
            prefix: arguments.mac_prefix.clone(),
            kinds: arguments.mix.deal(hosts),
            sample: hosts.min(arguments.kernel_sample as usize),
            rate: arguments.rate,
            concurrency: arguments.concurrency as usize,
            patience: arguments.patience(),
            random: Random::new(seed),
            players: Vec::new(),
            running: 0,
            addresses: HashMap::new(),
            agenda: BinaryHeap::new(),
            tally: Tally::default(),
        }
    }

    /// How far they are.
    pub(crate) fn count(&self) -> Count {
        let (booted, failed) = self.tally.ended();
        Count { all: self.kinds.len(), running: self.running, booted, failed }
    }

    /// Every machine has ended.
    pub(crate) fn is_done(&self) -> bool {
        self.running == 0 && self.players.len() == self.kinds.len()
    }

    /// What they did.
    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// When something happens by itself; nothing while all wait for one to end.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        let next = self.agenda.peek().map(|Reverse((at, _))| *at);
        next.into_iter().chain(self.next_start()).min()
    }

    /// Does what is due: machines say something again or have had their time, and the next are switched on.
    pub(crate) fn go_on(&mut self, now: Duration, out: &mut Vec<Vec<u8>>) {
        while let Some(Reverse((at, number))) =
            self.agenda.peek().copied().filter(|Reverse((at, _))| now >= *at)
        {
            self.agenda.pop();
            let Some(player) = self.players.get_mut(number) else { continue };
            if player.noted == Some(at) {
                player.noted = None;
            }
            if !player.over && player.station.deadline().is_some_and(|deadline| now >= deadline) {
                player.station.due(now, out);
            }
            self.look_at(number, now);
        }
        while self.next_start().is_some_and(|at| now >= at) {
            self.switch_on(now, out);
        }
    }

    /// A frame came.
    pub(crate) fn receive(&mut self, now: Duration, frame: &[u8], out: &mut Vec<Vec<u8>>) {
        let number = match Addressee::of(frame) {
            Some(Addressee::Card(mac)) => self.prefix.number(mac),
            Some(Addressee::Address(address)) => self.addresses.get(&address).copied(),
            None => None,
        };
        let Some(number) = number else { return };
        if let Some(player) = self.players.get_mut(number) {
            // Also one that has ended: it goes on answering ARP, as its system would.
            player.station.receive(now, frame, out);
            self.look_at(number, now);
        }
    }

    /// Nobody waits for those that have no end yet; what they sent again counts.
    pub(crate) fn abandon(&mut self) {
        for player in self.players.iter_mut().filter(|player| !player.over) {
            player.over = true;
            self.tally.repeated(&player.station);
        }
    }

    /// Machine by machine, the frames that give its address back.
    pub(crate) fn releases(&mut self) -> impl Iterator<Item = Vec<Vec<u8>>> {
        self.players.iter_mut().map(|player| {
            let mut out = Vec::new();
            player.station.release(&mut out);
            out
        })
    }

    fn next_start(&self) -> Option<Duration> {
        let number = self.players.len();
        if number >= self.kinds.len() || self.running >= self.concurrency {
            return None;
        }
        let nanos = (number as u64).saturating_mul(1_000_000_000).checked_div(self.rate.into());
        Some(Duration::from_nanos(nanos.unwrap_or(0)))
    }

    fn switch_on(&mut self, now: Duration, out: &mut Vec<Vec<u8>>) {
        let number = self.players.len();
        let Some((_, firmware)) = self.kinds.get(number).copied() else { return };
        let hosts = self.kinds.len();
        let mut machine = Machine::new(firmware, self.prefix.card(number), None, self.random.number());
        // Evenly among all of them.
        if number * self.sample / hosts == (number + 1) * self.sample / hosts {
            machine = machine.until_kernel();
        }
        let mut station = Station::new(machine, self.random.number());
        station.start(now, out);
        self.players.push(Player {
            station,
            started: now,
            stage: Some(Stage::Dhcp),
            entered: now,
            spent: [None; Stage::ALL.len()],
            address: None,
            noted: None,
            over: false,
        });
        self.running += 1;
        self.look_at(number, now);
    }

    /// Sees what has become of a machine that was just at work.
    fn look_at(&mut self, number: usize, now: Duration) {
        let Some(player) = self.players.get_mut(number).filter(|player| !player.over) else { return };
        let machine = player.station.machine();
        let stage = machine.stage();
        if stage != player.stage {
            player.leave(now);
            player.stage = stage;
        }
        let machine = player.station.machine();
        if player.address != machine.address()
            && let Some(address) = machine.address()
        {
            player.address = Some(address);
            self.addresses.insert(address, number);
        }
        let end = match machine.verdict() {
            Some(verdict) => Some(End::Verdict(verdict.clone())),
            None if now >= player.started + self.patience => Some(End::Late(player.stage)),
            None => None,
        };
        if let Some(end) = end {
            player.leave(now);
            player.over = true;
            self.running -= 1;
            let (kind, _) = self.kinds[number];
            let took = now.saturating_sub(player.started);
            self.tally.ended_with(kind, &player.station, &end, took, &player.spent);
            return;
        }
        let limit = player.started + self.patience;
        let deadline = player.station.deadline().unwrap_or(limit).min(limit);
        if player.noted.is_none_or(|noted| deadline < noted) {
            player.noted = Some(deadline);
            self.agenda.push(Reverse((deadline, number)));
        }
    }
}

impl Player {
    /// Its stage ends.
    fn leave(&mut self, now: Duration) {
        let Some(stage) = self.stage else { return };
        if let Some(spent) =
            Stage::ALL.iter().position(|own| *own == stage).and_then(|at| self.spent.get_mut(at))
        {
            *spent = Some(spent.unwrap_or_default() + now.saturating_sub(self.entered));
        }
        self.entered = now;
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Words {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn crowd(words: &str) -> Crowd {
        let words = ["simulate", "--interface", "eth0"].into_iter().chain(words.split(' '));
        Crowd::new(&Words::parse_from(words).arguments, 1)
    }

    /// The cards that frames come from.
    fn cards(frames: &[Vec<u8>]) -> Vec<u8> {
        frames.iter().map(|frame| frame[11]).collect()
    }

    #[test]
    fn machines_are_switched_on_at_their_rate_and_never_more_than_may_run() {
        let mut crowd = crowd("--hosts 4 --rate 10 --concurrency 2 --limit 3 --mix bios=1");
        let mut out = Vec::new();
        for (millis, new) in
            [(0, vec![0]), (50, vec![]), (100, vec![1]), (1000, vec![]), (3000, vec![2]), (3100, vec![3])]
        {
            crowd.go_on(Duration::from_millis(millis), &mut out);
            assert_eq!(cards(&std::mem::take(&mut out)), new, "after {millis} ms");
        }
        // Each DISCOVER is said again after four seconds, but these have no more than three.
        assert_eq!(crowd.count(), Count { all: 4, running: 2, booted: 0, failed: 2 });
        crowd.go_on(Duration::from_millis(6100), &mut out);
        assert!(crowd.is_done() && out.is_empty(), "{:?}", crowd.count());
        let (reason, kinds) = crowd.tally().failures.first_key_value().unwrap();
        assert_eq!((reason.as_str(), kinds["bios"]), ("no end within its time, at its stage dhcp", 4));
    }

    #[test]
    fn the_sample_is_spread_evenly() {
        for (hosts, sample) in [(100_usize, 32_usize), (7, 7), (5, 0), (10_000, 32)] {
            let in_sample = |number: &usize| number * sample / hosts != (number + 1) * sample / hosts;
            let chosen: Vec<_> = (0..hosts).filter(in_sample).collect();
            assert_eq!(chosen.len(), sample);
            let gaps = chosen.windows(2).map(|two| two[1] - two[0]);
            assert!(gaps.clone().max() <= gaps.min().map(|least| least + 1));
        }
    }

    #[test]
    fn frames_for_nobody_change_nothing() {
        let mut crowd = crowd("--hosts 2 --rate 0 --mac-prefix 02:6e:62:00:00");
        let mut out = Vec::new();
        crowd.go_on(Duration::ZERO, &mut out);
        assert_eq!(cards(&out), [0, 1]);
        let mut frame = out[0].clone();
        for to in [[2, 0x6e, 0x62, 0, 0, 2], [2, 0x6e, 0x63, 0, 0, 0], [0xff; 6]] {
            frame[..6].copy_from_slice(&to);
            for length in [0, 13, 14, 40, frame.len()] {
                crowd.receive(Duration::ZERO, &frame[..length], &mut Vec::new());
            }
        }
        assert_eq!(crowd.count().running, 2);
    }
}
