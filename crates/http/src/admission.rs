//! How many connections one address may have.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many connections each address has.
pub(crate) struct Addresses {
    most: usize,
    open: Mutex<HashMap<IpAddr, Arc<AtomicUsize>>>,
}

/// One connection of an address, or one request that a proxy brings of it.
pub(crate) struct Place {
    addresses: Arc<Addresses>,
    address: IpAddr,
    count: Arc<AtomicUsize>,
}

impl Addresses {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, open: Mutex::default() })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<IpAddr, Arc<AtomicUsize>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a connection, however many there are: that of a proxy, which asks for many machines.
    pub(crate) fn admit_proxy(self: &Arc<Self>, address: IpAddr) -> Place {
        let mut open = self.open();
        let count = open.entry(address).or_default();
        count.fetch_add(1, Relaxed);
        Place { addresses: Arc::clone(self), address, count: Arc::clone(count) }
    }

    /// A place for one more connection, if the address may have one.
    pub(crate) fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let mut open = self.open();
        let count = open.entry(address).or_default();
        if count.load(Relaxed) >= self.most {
            return None;
        }
        count.fetch_add(1, Relaxed);
        Some(Place { addresses: Arc::clone(self), address, count: Arc::clone(count) })
    }
}

impl Place {
    /// The table that it is in.
    pub(crate) fn addresses(&self) -> &Arc<Addresses> {
        &self.addresses
    }

    /// Whose it is.
    pub(crate) fn address(&self) -> IpAddr {
        self.address
    }

    /// How many connections its address has, with this one.
    pub(crate) fn count(&self) -> usize {
        self.count.load(Relaxed)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.addresses.open();
        // The count changes only under the lock.
        if self.count.fetch_sub(1, Relaxed) == 1 {
            open.remove(&self.address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_cannot_take_the_places_of_another() {
        let addresses = Addresses::new(2);
        let (one, other) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let places = [addresses.admit(one), addresses.admit(one)];
        assert!(places.iter().flatten().map(Place::count).eq([2, 2]));
        assert!(addresses.admit(one).is_none());
        assert!(addresses.admit(other).is_some());
        drop(places);
        assert!(addresses.admit(one).is_some());
        let proxy: Vec<Place> = (0..5).map(|_| addresses.admit_proxy(one)).collect();
        assert_eq!(proxy.last().map(Place::count), Some(5));
        drop(proxy);
        assert!(addresses.open().is_empty(), "nothing is kept about who left");
    }
}
