//! Random numbers that come again when a test is run with the same seed.

/// SplitMix64 (Steele, Lea, Flood 2014): small, and good enough to choose moments and bytes.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Begins with `NEXTBOOT_SEED` when that is set, or else anew, and says with what.
    #[must_use]
    pub fn new() -> Self {
        let seed =
            std::env::var("NEXTBOOT_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| {
                let now =
                    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
                now.subsec_nanos().into()
            });
        println!("NEXTBOOT_SEED={seed}");
        Self(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, or 0 when that is 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.number().checked_rem(limit).unwrap_or(0)
    }

    /// Up to `most` random bytes.
    pub fn bytes(&mut self, most: u64) -> Vec<u8> {
        (0..self.below(most + 1)).map(|_| self.number().to_be_bytes()[0]).collect()
    }

    /// The same bytes, a little wrong: cut somewhere, or some of them changed.
    pub fn spoil(&mut self, bytes: &[u8]) -> Vec<u8> {
        let length = bytes.len() as u64;
        let mut spoilt = bytes.to_vec();
        if self.below(2) == 0 {
            spoilt.truncate(usize::try_from(self.below(length + 1)).unwrap_or(0));
        }
        for _ in 0..self.below(8) {
            let at = usize::try_from(self.below(length)).unwrap_or(0);
            let byte = self.number().to_be_bytes()[0];
            if let Some(place) = spoilt.get_mut(at) {
                *place = byte;
            }
        }
        spoilt
    }
}

impl Default for Random {
    fn default() -> Self {
        Self::new()
    }
}
