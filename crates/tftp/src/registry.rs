//! Which clients have a transfer, and how many they may have.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::packet::{ErrorCode, error_packet};
use crate::request::Request;

/// The same request again within this time is the network's duplicate or an impatient retry, not a machine that started anew:
/// PXELINUX asks again after a ninth of a second, and no firmware restarts that fast.
const DUPLICATE_WITHIN: Duration = Duration::from_millis(400);

/// A client that has not answered for this long gives up its place to the next request from its address. Sooner than that,
/// somebody who forges the address could aim ever new first answers at it.
const SILENT_FOR: Duration = Duration::from_secs(1);

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

impl TransferId {
    /// The number: counted up from 1.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0
    }
}

/// What to do with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Start a transfer under this id, and [`Registry::release`] it when it is over.
    Start {
        /// The new transfer.
        id: TransferId,
        /// A transfer that must stop now, without a word to its client, and why. It is no longer in the registry; releasing it
        /// later does nothing.
        replaces: Option<(TransferId, Because)>,
    },
    /// Do nothing: the transfer that this request asks for has just been started.
    Duplicate(TransferId),
}

/// Why a transfer is replaced by another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because {
    /// Its client asks for the same file again, from the same port, as after a reset: [`Transfer::replaced`](crate::Transfer::replaced).
    SameFile,
    /// Its client asks for another file, from the same port: [`Transfer::replaced`](crate::Transfer::replaced) too.
    OtherFile,
    /// Its client never answered, and all places are taken: [`Transfer::evicted`](crate::Transfer::evicted).
    Silent,
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
    file: u64,
    since: Instant,
}

/// The live transfers, by client address and port. Its memory is bounded by [`Caps::total`].
///
/// The sender of a request may be forged. So who has not answered yet ([`heard`](Self::heard)) has a place only as long as no
/// other request needs it.
#[derive(Debug)]
pub struct Registry {
    caps: Caps,
    live: HashMap<SocketAddr, Live>,
    per_client: HashMap<IpAddr, usize>,
    /// The transfers whose clients never answered, oldest first; of all, and of each address.
    silent: BTreeMap<TransferId, SocketAddr>,
    silent_of: BTreeMap<(IpAddr, TransferId), SocketAddr>,
    next: u64,
}

impl Registry {
    /// No transfers yet.
    #[must_use]
    pub fn new(caps: Caps) -> Self {
        Self {
            caps,
            live: HashMap::new(),
            per_client: HashMap::new(),
            silent: BTreeMap::new(),
            silent_of: BTreeMap::new(),
            next: 0,
        }
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

    /// The transfer to this address and port. Where all transfers share the well-known port (as behind address translation),
    /// what is no request belongs to that one.
    #[must_use]
    pub fn of(&self, peer: SocketAddr) -> Option<TransferId> {
        self.live.get(&SocketAddr::new(peer.ip().to_canonical(), peer.port())).map(|live| live.id)
    }

    /// Decides about a request from `peer`.
    ///
    /// A client that asks again from the same port has restarted (ROMs with a fixed source port do after every reset) or wants
    /// something else now; the old transfer is replaced, whatever the caps say. When a cap is reached, the oldest transfer
    /// whose client never answered is replaced.
    ///
    /// # Errors
    /// [`Busy`] when a cap is reached and all clients have answered; answer with [`Busy::reply`].
    pub fn admit(&mut self, now: Instant, peer: SocketAddr, request: &Request) -> Result<Admission, Busy> {
        let client = peer.ip().to_canonical();
        let peer = SocketAddr::new(client, peer.port());
        let file = fingerprint(letters(&request.name));
        let request = fingerprint(request);
        let mut replaces = None;
        if let Some(old) = self.live.get(&peer) {
            let age = now.saturating_duration_since(old.since);
            if old.request == request && age < DUPLICATE_WITHIN {
                return Ok(Admission::Duplicate(old.id));
            }
            let because = if old.file == file { Because::SameFile } else { Because::OtherFile };
            replaces = Some((peer, old.id, because));
        } else if self.per_client.get(&client).is_some_and(|count| *count >= self.caps.per_client) {
            let oldest =
                self.silent_of.range((client, TransferId(0))..=(client, TransferId(u64::MAX))).next();
            let oldest = oldest.map(|((_, id), peer)| (*peer, *id)).filter(|(peer, _)| {
                let since = self.live.get(peer).map(|live| live.since);
                since.is_some_and(|since| now.saturating_duration_since(since) >= SILENT_FOR)
            });
            let (peer, id) = oldest.ok_or(Busy::PerClient)?;
            replaces = Some((peer, id, Because::Silent));
        } else if self.live.len() >= self.caps.total {
            let oldest = self.silent.first_key_value().map(|(id, peer)| (*peer, *id));
            let (peer, id) = oldest.ok_or(Busy::Total)?;
            replaces = Some((peer, id, Because::Silent));
        }
        if let Some((peer, id, _)) = replaces {
            self.release(peer, id);
        }
        self.next += 1;
        let id = TransferId(self.next);
        *self.per_client.entry(client).or_default() += 1;
        self.silent.insert(id, peer);
        self.silent_of.insert((client, id), peer);
        self.live.insert(peer, Live { id, request, file, since: now });
        Ok(Admission::Start { id, replaces: replaces.map(|(_, id, because)| (id, because)) })
    }

    /// The client of this transfer has answered for the first time ([`Transfer::heard`](crate::Transfer::heard)), so its
    /// address is its own, and its place too until the end.
    pub fn heard(&mut self, id: TransferId) {
        if let Some(peer) = self.silent.remove(&id) {
            self.silent_of.remove(&(peer.ip(), id));
        }
    }

    /// Forgets a transfer that is over. Does nothing, and says `false`, when another one has taken its place.
    pub fn release(&mut self, peer: SocketAddr, id: TransferId) -> bool {
        let client = peer.ip().to_canonical();
        let peer = SocketAddr::new(client, peer.port());
        if self.live.get(&peer).is_none_or(|live| live.id != id) {
            return false;
        }
        self.live.remove(&peer);
        self.heard(id);
        if let Some(count) = self.per_client.get_mut(&client) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.per_client.remove(&client);
            }
        }
        true
    }
}

/// What one client says twice has the same number twice; a forger of equal numbers only hurts itself.
fn fingerprint(said: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    said.hash(&mut hasher);
    hasher.finish()
}

/// What is left of a name when it does not count how a client writes slashes, dots and capitals.
fn letters(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
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

    fn started(admission: Result<Admission, Busy>) -> (TransferId, Option<(TransferId, Because)>) {
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
        assert_eq!(replaced, Some((old, Because::SameFile)));
        assert!(!registry.release(rom, old), "the old one must not take the new one along");
        assert_eq!((registry.of(rom), registry.of(peer("10.0.0.9:2071"))), (Some(new), None));
        assert_eq!(registry.len(), 1);
        assert!(registry.release(rom, new));
        assert!(registry.is_empty());
    }

    #[test]
    fn another_file_from_the_same_port_replaces_at_once() {
        let (mut registry, t) = (Registry::new(Caps::default()), Instant::now());
        let rom = peer("10.0.0.9:2070");
        let (old, _) = started(registry.admit(t, rom, &request("a.0")));
        let (same, because) = started(registry.admit(t, rom, &request("\\A.0")));
        assert_eq!(because, Some((old, Because::SameFile)), "written in another way");
        assert_eq!(started(registry.admit(t, rom, &request("b"))).1, Some((same, Because::OtherFile)));
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
        let heard = ["10.0.0.1:1", "[::ffff:10.0.0.1]:2", "10.0.0.2:1"]
            .map(|from| registry.admit(t, peer(from), &request("a")));
        assert_eq!(registry.admit(t, peer("10.0.0.1:3"), &request("a")), Err(Busy::PerClient));
        for (id, _) in heard.iter().map(|admission| started(*admission)) {
            registry.heard(id);
        }
        assert_eq!(registry.admit(t, peer("10.0.0.3:1"), &request("a")), Err(Busy::Total));
        started(registry.admit(t, peer("10.0.0.1:1"), &request("b")));
        assert_eq!(Busy::Total.reply()[..4], [0, 5, 0, 0]);
    }

    #[test]
    fn places_of_clients_that_never_answered_go_to_those_who_ask() {
        let (mut registry, t) = (Registry::new(Caps { total: 100, per_client: 10 }), Instant::now());
        let (machine, _) = started(registry.admit(t, peer("10.0.0.1:1"), &request("a")));
        registry.heard(machine);
        for number in 0..1000u16 {
            let [high, low] = number.to_be_bytes();
            let forged = SocketAddr::new(IpAddr::from([10, 1, high, low]), 7);
            let (_, replaces) = started(registry.admit(t, forged, &request("a")));
            assert_eq!(replaces.is_some(), number >= 99);
            assert!(
                replaces.is_none_or(|(id, because)| id != machine && because == Because::Silent),
                "it answered"
            );
        }
        assert_eq!(registry.len(), 100);
        started(registry.admit(t, peer("10.0.0.2:1"), &request("a")));
        assert!(registry.release(peer("10.0.0.1:1"), machine));
    }

    #[test]
    fn forged_requests_keep_a_machine_out_for_a_second_at_most() {
        let (mut registry, t) = (Registry::new(Caps { total: 100, per_client: 2 }), Instant::now());
        let (oldest, _) = started(registry.admit(t, peer("10.0.0.1:1"), &request("a")));
        started(registry.admit(t, peer("10.0.0.1:2"), &request("a")));
        let soon = t + SILENT_FOR - Duration::from_millis(1);
        assert_eq!(registry.admit(soon, peer("10.0.0.1:3"), &request("a")), Err(Busy::PerClient));
        let later = registry.admit(t + SILENT_FOR, peer("10.0.0.1:3"), &request("a"));
        assert_eq!(started(later).1, Some((oldest, Because::Silent)));
    }

    proptest! {
        #[test]
        fn books_balance(steps in prop::collection::vec((0u8..4, 0u16..4, 0u8..3), 0..200)) {
            let caps = Caps { total: 6, per_client: 3 };
            let (mut registry, mut t) = (Registry::new(caps), Instant::now());
            let mut live: HashMap<SocketAddr, TransferId> = HashMap::new();
            for (index, (host, port, what)) in steps.into_iter().enumerate() {
                t += Duration::from_millis(300);
                let peer = SocketAddr::new(IpAddr::from([10, 0, 0, host]), port + 1);
                if what == 0 {
                    if let Ok(Admission::Start { id, replaces }) = registry.admit(t, peer, &request(&index.to_string())) {
                        let before = live.len();
                        live.retain(|_, have| Some(*have) != replaces.map(|(id, _)| id));
                        prop_assert_eq!(before - live.len(), usize::from(replaces.is_some()));
                        prop_assert_eq!(live.insert(peer, id), None);
                    }
                } else if what == 1 {
                    live.get(&peer).into_iter().for_each(|id| registry.heard(*id));
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
            prop_assert!(registry.silent.is_empty() && registry.silent_of.is_empty());
        }
    }
}
