//! Which clients have a transfer, and how many they may have.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::packet::{ErrorCode, error_packet};
use crate::request::Request;

/// The same request again within this time is the network's duplicate or an impatient retry, not a machine that started anew:
/// PXELINUX asks again after a ninth of a second, and no firmware restarts that fast.
const DUPLICATE_WITHIN: Duration = Duration::from_millis(400);

/// How many transfers may live at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// Of all clients together.
    pub total: usize,
    /// Of one IP address. More than one, because machines behind address translation share theirs.
    pub per_client: usize,
}

impl Default for Caps {
    fn default() -> Self {
        Self { total: 4096, per_client: 64 }
    }
}

/// Names one transfer for as long as the process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TransferId(u64);

/// What to do with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Start a transfer under this id, and [`Registry::release`] it when it is over.
    Start {
        /// The new transfer.
        id: TransferId,
        /// A transfer to the same address and port that must stop now, silently: the client has begun anew. It is no longer
        /// in the registry; releasing it later does nothing.
        replaces: Option<TransferId>,
    },
    /// Do nothing: the transfer that this request asks for has just been started.
    Duplicate(TransferId),
}

/// Too many transfers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Busy {
    /// [`Caps::total`] is reached.
    #[error("the server has as many transfers as it may have")]
    Total,
    /// [`Caps::per_client`] is reached.
    #[error("the client has as many transfers as one address may have")]
    PerClient,
}

impl Busy {
    /// The ERROR packet to send back (code 0: RFC 1350 has none for this).
    #[must_use]
    pub fn reply(&self) -> Vec<u8> {
        let text = match self {
            Self::Total => "the server is busy, try again later",
            Self::PerClient => "too many transfers to this address, try again later",
        };
        error_packet(ErrorCode::NotDefined, text)
    }
}

#[derive(Debug)]
struct Live {
    id: TransferId,
    request: u64,
    since: Instant,
}

/// The live transfers, by client address and port. Its memory is bounded by [`Caps::total`].
#[derive(Debug)]
pub struct Registry {
    caps: Caps,
    live: HashMap<SocketAddr, Live>,
    per_client: HashMap<IpAddr, usize>,
    next: u64,
}

impl Registry {
    /// No transfers yet.
    #[must_use]
    pub fn new(caps: Caps) -> Self {
        Self { caps, live: HashMap::new(), per_client: HashMap::new(), next: 0 }
    }

    /// Changes the caps, for instance after a reload. Transfers beyond them live on.
    pub fn set_caps(&mut self, caps: Caps) {
        self.caps = caps;
    }

    /// How many transfers live.
    #[must_use]
    pub fn len(&self) -> usize {
        self.live.len()
    }

    /// Whether none lives.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.live.is_empty()
    }

    /// Decides about a request from `peer`.
    ///
    /// A client that asks again from the same port has restarted (ROMs with a fixed source port do after every reset) or wants
    /// something else now; the old transfer is replaced, whatever the caps say.
    ///
    /// # Errors
    /// [`Busy`] when a cap is reached; answer with [`Busy::reply`].
    pub fn admit(&mut self, now: Instant, peer: SocketAddr, request: &Request) -> Result<Admission, Busy> {
        let client = peer.ip().to_canonical();
        let peer = SocketAddr::new(client, peer.port());
        let request = fingerprint(request);
        if let Some(old) = self.live.get_mut(&peer) {
            let age = now.saturating_duration_since(old.since);
            if old.request == request && age < DUPLICATE_WITHIN {
                return Ok(Admission::Duplicate(old.id));
            }
            let replaces = Some(old.id);
            let id = fresh(&mut self.next);
            *old = Live { id, request, since: now };
            return Ok(Admission::Start { id, replaces });
        }
        if self.live.len() >= self.caps.total {
            return Err(Busy::Total);
        }
        let count = self.per_client.get(&client).copied().unwrap_or(0);
        if count >= self.caps.per_client {
            return Err(Busy::PerClient);
        }
        self.per_client.insert(client, count + 1);
        let id = fresh(&mut self.next);
        self.live.insert(peer, Live { id, request, since: now });
        Ok(Admission::Start { id, replaces: None })
    }

    /// Forgets a transfer that is over. Does nothing, and says `false`, when another one has taken its place.
    pub fn release(&mut self, peer: SocketAddr, id: TransferId) -> bool {
        let client = peer.ip().to_canonical();
        let peer = SocketAddr::new(client, peer.port());
        if self.live.get(&peer).is_none_or(|live| live.id != id) {
            return false;
        }
        self.live.remove(&peer);
        if let Some(count) = self.per_client.get_mut(&client) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.per_client.remove(&client);
            }
        }
        true
    }
}

fn fresh(next: &mut u64) -> TransferId {
    *next += 1;
    TransferId(*next)
}

/// Two requests of one client that say the same have the same number; a forger of equal numbers only hurts itself.
fn fingerprint(request: &Request) -> u64 {
    let mut hasher = DefaultHasher::new();
    request.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn request(name: &str) -> Request {
        let bytes = [b"\0\x01", name.as_bytes(), b"\0octet\0"].concat();
        Request::parse(&bytes).expect("a good request")
    }

    fn peer(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    fn started(admission: Result<Admission, Busy>) -> (TransferId, Option<TransferId>) {
        match admission {
            Ok(Admission::Start { id, replaces }) => (id, replaces),
            other => panic!("a start, not {other:?}"),
        }
    }

    #[test]
    fn repeated_request_from_the_same_port_replaces_the_old_transfer() {
        let (mut registry, t) = (Registry::new(Caps::default()), Instant::now());
        let rom = peer("10.0.0.9:2070");
        let (old, none) = started(registry.admit(t, rom, &request("a")));
        assert_eq!(none, None);
        let (new, replaced) = started(registry.admit(t + Duration::from_secs(5), rom, &request("a")));
        assert_eq!(replaced, Some(old));
        assert!(!registry.release(rom, old), "the old one must not take the new one along");
        assert_eq!(registry.len(), 1);
        assert!(registry.release(rom, new));
        assert!(registry.is_empty());
    }

    #[test]
    fn another_file_from_the_same_port_replaces_at_once() {
        let (mut registry, t) = (Registry::new(Caps::default()), Instant::now());
        let rom = peer("10.0.0.9:2070");
        let (old, _) = started(registry.admit(t, rom, &request("a")));
        assert_eq!(started(registry.admit(t, rom, &request("b"))).1, Some(old));
    }

    #[test]
    fn duplicate_of_a_request_does_not_disturb_the_transfer() {
        let (mut registry, t) = (Registry::new(Caps::default()), Instant::now());
        let rom = peer("10.0.0.9:2070");
        let (id, _) = started(registry.admit(t, rom, &request("a")));
        let again = registry.admit(t + Duration::from_millis(110), rom, &request("a"));
        assert_eq!(again, Ok(Admission::Duplicate(id)));
    }

    #[test]
    fn caps_hold_and_a_full_server_still_lets_a_client_restart() {
        let (mut registry, t) = (Registry::new(Caps { total: 3, per_client: 2 }), Instant::now());
        started(registry.admit(t, peer("10.0.0.1:1"), &request("a")));
        started(registry.admit(t, peer("[::ffff:10.0.0.1]:2"), &request("a")));
        assert_eq!(registry.admit(t, peer("10.0.0.1:3"), &request("a")), Err(Busy::PerClient));
        started(registry.admit(t, peer("10.0.0.2:1"), &request("a")));
        assert_eq!(registry.admit(t, peer("10.0.0.3:1"), &request("a")), Err(Busy::Total));
        started(registry.admit(t, peer("10.0.0.1:1"), &request("b")));
        assert_eq!(Busy::Total.reply()[..4], [0, 5, 0, 0]);
    }

    proptest! {
        #[test]
        fn books_balance(steps in prop::collection::vec((0u8..4, 0u16..4, any::<bool>()), 0..200)) {
            let caps = Caps { total: 6, per_client: 3 };
            let (mut registry, t) = (Registry::new(caps), Instant::now());
            let mut live: HashMap<SocketAddr, TransferId> = HashMap::new();
            for (index, (host, port, start)) in steps.into_iter().enumerate() {
                let peer = SocketAddr::new(IpAddr::from([10, 0, 0, host]), port + 1);
                if start {
                    if let Ok(Admission::Start { id, replaces }) = registry.admit(t, peer, &request(&index.to_string())) {
                        prop_assert_eq!(live.insert(peer, id), replaces);
                    }
                } else if let Some(id) = live.remove(&peer) {
                    prop_assert!(registry.release(peer, id));
                    prop_assert!(!registry.release(peer, id));
                }
                prop_assert_eq!(registry.len(), live.len());
                prop_assert!(live.len() <= caps.total);
                prop_assert!(live.keys().filter(|p| p.ip() == peer.ip()).count() <= caps.per_client);
            }
            for (peer, id) in live {
                registry.release(peer, id);
            }
            prop_assert!(registry.is_empty() && registry.per_client.is_empty());
        }
    }
}
