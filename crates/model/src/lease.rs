use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::{Mac, Timestamp, Uuid};

/// What stands between an address and a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LeaseState {
    /// Offered and held back for this client for a short while (RFC 2131 section 3.1, step 2).
    Offered,
    /// Acknowledged.
    Bound,
    /// Given back or run out; the client gets it again if nobody else needed it meanwhile.
    Released,
    /// A client found the address in use by somebody else (DHCPDECLINE); nobody gets it until then.
    Declined,
}

/// One address and whom it is for. At most one lease per address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The address.
    pub address: Ipv4Addr,
    /// The client's hardware address (`chaddr`).
    pub mac: Mac,
    /// The client identifier (option 61) that the client last sent, 2 to 255 bytes.
    pub client_id: Option<Vec<u8>>,
    /// The host name the client gave (option 12), cleaned.
    pub hostname: Option<String>,
    /// The machine's UUID (option 97), which firmware tells and the system behind it does not: what is reserved by it holds
    /// for the system too.
    pub uuid: Option<Uuid>,
    /// What the relay said of the client's place (option 82) when it last asked through one, 1 to 255 bytes: a renewal goes
    /// past the relay, and must get the same answer.
    pub relay_info: Option<Vec<u8>>,
    /// What stands between the two.
    pub state: LeaseState,
    /// When this state ends; [`Timestamp::NEVER`] for an infinite lease.
    pub expires: Timestamp,
    /// When the client was last heard about this lease.
    pub heard: Timestamp,
}

impl Lease {
    /// True while the client may use the address.
    #[must_use]
    pub fn is_bound(&self, now: Timestamp) -> bool {
        self.state == LeaseState::Bound && self.expires > now
    }
}
