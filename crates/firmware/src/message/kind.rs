use std::fmt;

/// The value of option 53.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(pub u8);

impl Kind {
    /// A client looks for servers.
    pub const DISCOVER: Self = Self(1);
    /// A server's offer.
    pub const OFFER: Self = Self(2);
    /// A client takes an offer, or wants to keep its address.
    pub const REQUEST: Self = Self(3);
    /// A client found the address in use.
    pub const DECLINE: Self = Self(4);
    /// A server says yes.
    pub const ACK: Self = Self(5);
    /// A server says no.
    pub const NAK: Self = Self(6);
    /// A client gives its address back.
    pub const RELEASE: Self = Self(7);
    /// A client has an address and wants only parameters.
    pub const INFORM: Self = Self(8);
    /// RFC 4388: who has this lease?
    pub const LEASE_QUERY: Self = Self(10);
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self.0 {
            1 => "DISCOVER",
            2 => "OFFER",
            3 => "REQUEST",
            4 => "DECLINE",
            5 => "ACK",
            6 => "NAK",
            7 => "RELEASE",
            8 => "INFORM",
            10 => "LEASEQUERY",
            other => return write!(out, "message type {other}"),
        })
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}
