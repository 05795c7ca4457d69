use std::{collections::HashMap, net::IpAddr, sync::Arc, time::Instant};

use nextboot_tftp::Pace;

use crate::appliance::Mutex;

/// Look for addresses that need no memory any more when there are this many, at least.
const SWEEP: usize = 256;

/// The pace of each client address, shared by its transfers, also by one that follows another.
#[derive(Debug, Default)]
pub(super) struct Rates {
    of: HashMap<IpAddr, Arc<Mutex<Pace>>>,
    sweep_at: usize,
}

impl Rates {
    /// The pace for a transfer to this address.
    pub(super) fn of(&mut self, now: Instant, client: IpAddr, rate: u64) -> Arc<Mutex<Pace>> {
        if self.of.len() >= self.sweep_at.max(SWEEP) {
            self.of.retain(|_, pace| Arc::strong_count(pace) > 1 || !pace.lock().is_even(now));
            self.sweep_at = self.of.len() * 2;
        }
        let fresh = || Arc::new(Mutex::new(Pace::new(now, rate)));
        let pace = self.of.entry(client).or_insert_with(fresh);
        if pace.lock().rate() != rate {
            *pace = fresh();
        }
        Arc::clone(pace)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_address_has_one_pace_until_it_owes_nothing_more() {
        let (mut rates, now) = (Rates::default(), Instant::now());
        let client = IpAddr::from([10, 0, 0, 1]);
        let pace = rates.of(now, client, 1_000_000);
        pace.lock().spend(now, 1_000_000);
        assert!(Arc::ptr_eq(&pace, &rates.of(now, client, 1_000_000)));
        assert!(!Arc::ptr_eq(&pace, &rates.of(now, client, 2_000_000)), "the configuration changed");
        let owing = rates.of(now, client, 1_000_000);
        owing.lock().spend(now, 1_000_000);
        drop(owing);
        for number in 0..10_000u16 {
            let [high, low] = number.to_be_bytes();
            rates.of(now, IpAddr::from([10, 1, high, low]), 1_000_000);
        }
        assert!(rates.of.len() <= 2 * SWEEP, "{}", rates.of.len());
        assert!(rates.of(now, client, 1_000_000).lock().wait(now).is_some(), "it still owes");
        assert!(rates.of(now, client, 1_000_000).lock().is_even(now + Duration::from_secs(1)));
    }
}
