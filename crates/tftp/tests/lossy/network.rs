//! A network in virtual time that loses, doubles, delays and reorders, always the same way for the same seed.

use std::collections::BTreeMap;

/// Microseconds since the start.
pub(crate) type Micros = u64;

/// How long one datagram keeps the wire busy; about that of a full frame at 1 Gbit/s.
const ON_THE_WIRE: Micros = 10;

/// How bad the network is. Shares are per thousand datagrams.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weather {
    pub(crate) lost: u64,
    /// The datagram that is lost in any case, counted from 0 in the order of sending.
    pub(crate) lost_one: Option<u64>,
    /// Of both directions.
    pub(crate) doubled: u64,
    /// Of what goes to the server.
    pub(crate) doubled_acks: u64,
    /// One way, each datagram.
    pub(crate) delay: Micros,
    /// Up to this much more, each datagram for itself: more than a block's time on the wire reorders.
    pub(crate) jitter: Micros,
}

impl Weather {
    pub(crate) const FINE: Self =
        Self { lost: 0, lost_one: None, doubled: 0, doubled_acks: 0, delay: 100, jitter: 0 };
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum To {
    Server,
    Client,
}

pub(crate) struct Network {
    weather: Weather,
    random: u64,
    order: u64,
    flying: BTreeMap<(Micros, u64), (To, Vec<u8>)>,
    /// When the sender's wire is free again, towards the server and towards the client.
    free: [Micros; 2],
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    /// Datagrams that were sent, lost ones too.
    pub(crate) sent: u64,
}

impl Network {
    pub(crate) fn new(weather: Weather, seed: u64) -> Self {
        Self {
            weather,
            random: seed,
            order: 0,
            flying: BTreeMap::new(),
            free: [0; 2],
            lost: 0,
            doubled: 0,
            sent: 0,
        }
    }

    pub(crate) fn send(&mut self, now: Micros, to: To, datagram: Vec<u8>) {
        let free = &mut self.free[to as usize];
        let now = now.max(*free) + ON_THE_WIRE;
        *free = now;
        self.sent += 1;
        if self.chance(self.weather.lost) || self.weather.lost_one == Some(self.sent - 1) {
            self.lost += 1;
            return;
        }
        let doubled_ack = to == To::Server && self.chance(self.weather.doubled_acks);
        if doubled_ack || self.chance(self.weather.doubled) {
            self.doubled += 1;
            self.fly(now, to, datagram.clone());
        }
        self.fly(now, to, datagram);
    }

    /// When the next datagram arrives.
    pub(crate) fn next(&self) -> Option<Micros> {
        self.flying.keys().next().map(|(at, _)| *at)
    }

    /// A datagram that has arrived by now.
    pub(crate) fn arrived(&mut self, now: Micros) -> Option<(To, Vec<u8>)> {
        let entry = self.flying.first_entry()?;
        (entry.key().0 <= now).then(|| entry.remove())
    }

    fn fly(&mut self, now: Micros, to: To, datagram: Vec<u8>) {
        let jitter = self.random() % (self.weather.jitter + 1);
        self.order += 1;
        self.flying.insert((now + self.weather.delay + jitter, self.order), (to, datagram));
    }

    fn chance(&mut self, per_thousand: u64) -> bool {
        self.random() % 1000 < per_thousand
    }

    /// SplitMix64.
    fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
