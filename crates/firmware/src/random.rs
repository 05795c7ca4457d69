/// Random numbers from a seed (SplitMix64), so that a machine does the same again when it is given the same.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// A sequence; each seed has its own.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A transaction id.
    pub(crate) fn xid(&mut self) -> u32 {
        (self.number() >> 32) as u32
    }

    /// A port for a client: 1024 to 65535.
    pub(crate) fn port(&mut self) -> u16 {
        1024 + (self.number() % 64512) as u16
    }
}
