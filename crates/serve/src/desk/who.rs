use std::net::{IpAddr, Ipv4Addr};

use nextboot_boot::Client;
use nextboot_model::{Attempt, Stage};

/// Who asks for the text that is written for a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// The machine itself: what is delivered counts.
    Itself,
    /// It may be the machine (behind a router, say): it gets what the machine would, and nothing counts.
    Unknown,
    /// Somebody else, who only looks: nothing counts, and what is written proves nothing.
    Other,
}

/// What is known when somebody asks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    /// The attempt that the machine is in.
    pub(super) attempt: Option<&'a Attempt>,
    /// Whether the host that the text is for has the requester's MAC.
    pub(super) listed: bool,
    /// Whether we hear every machine that begins to boot.
    pub(super) hears: bool,
}

/// Tells who asks for what is written for `client`, as far as anything tells.
pub(super) fn who(client: &Client, requester: &Client, known: Known<'_>) -> Who {
    let attempt = known.attempt;
    let (Some(mac), Some(from)) = (client.mac, requester.mac) else {
        return match attempt {
            // A machine that has just begun to boot and has no known address is believed.
            Some(attempt) if client.mac.is_some() => match attempt.address {
                None if attempt.stage <= Stage::Loading => Who::Itself,
                Some(address) if requester.address != Some(address) => Who::Other,
                _ => Who::Unknown,
            },
            _ if requester.mac.is_some() => Who::Other,
            _ => Who::Unknown,
        };
    };
    if mac != from {
        return Who::Other;
    }
    // A name made of a UUID says nothing of who asks by it: a host's own card does, or the UUID that its firmware told.
    match (client.uuid, requester.uuid) {
        (None, _) => Who::Itself,
        _ if known.listed => Who::Itself,
        (Some(asked), Some(told)) if asked == told || asked == told.to_wire() => Who::Itself,
        (Some(_), Some(_)) => Who::Other,
        (Some(_), None) if attempt.is_some() || !known.hears => Who::Itself,
        (Some(_), None) => Who::Other,
    }
}

/// True for the server's own addresses: an administrator who tries things there is no machine that boots.
pub(super) fn is_ourselves(address: IpAddr, has: impl Fn(Ipv4Addr) -> bool) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_loopback() || has(address),
        address => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use nextboot_model::{Attempts, Class, Mac, Promise, Timestamp, Uuid};

    use super::*;

    const MAC: Mac = Mac([2, 0, 0, 0, 0, 1]);
    const OTHER: Mac = Mac([2, 0, 0, 0, 0, 2]);
    const UUID: Uuid = Uuid([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
    const ALONE: Known<'_> = Known { attempt: None, listed: false, hears: true };

    fn at(address: &str) -> Client {
        Client { address: address.parse().ok(), ..Client::default() }
    }

    fn attempts(address: Option<&str>) -> Attempts {
        let mut attempts = Attempts::default();
        attempts.asked(Timestamp(1), MAC, None, false);
        if let Some(address) = address {
            attempts.addressed(Timestamp(2), MAC, address.parse().unwrap());
        }
        attempts
    }

    #[test]
    fn a_machine_is_told_by_its_mac() {
        let machine = Client::of(MAC);
        assert_eq!(who(&machine, &machine, ALONE), Who::Itself);
        assert_eq!(who(&machine, &Client::of(OTHER), ALONE), Who::Other);
        assert_eq!(who(&Client::default(), &Client::of(OTHER), ALONE), Who::Other);
        assert_eq!(who(&machine, &at("10.9.0.1"), ALONE), Who::Unknown, "behind a router");
    }

    #[test]
    fn who_is_not_known_is_believed_only_while_the_machine_begins_and_has_no_address() {
        let (machine, somebody) = (Client::of(MAC), at("10.9.0.1"));
        let mut begun = attempts(None);
        assert_eq!(who(&machine, &somebody, Known { attempt: begun.of(MAC), ..ALONE }), Who::Itself);
        let placed = attempts(Some("10.0.0.5"));
        assert_eq!(who(&machine, &somebody, Known { attempt: placed.of(MAC), ..ALONE }), Who::Other);
        assert_eq!(who(&machine, &at("10.0.0.5"), Known { attempt: placed.of(MAC), ..ALONE }), Who::Unknown);
        let promise = Promise {
            host: None,
            profile: "p".parse().unwrap(),
            class: Class::Live,
            armed: None,
            needs: vec![["k".to_owned()].into()],
            kernels: ["k".to_owned()].into(),
        };
        begun.configured(Timestamp(3), MAC, None, promise);
        assert_eq!(who(&machine, &somebody, Known { attempt: begun.of(MAC), ..ALONE }), Who::Unknown);
    }

    #[test]
    fn who_asks_by_a_uuid_is_that_machine_only_when_something_else_says_so() {
        let asked = Client { uuid: Some(UUID), ..Client::of(MAC) };
        let told = |uuid: Option<Uuid>| Client { uuid, ..Client::of(MAC) };
        let begun = attempts(None);
        let booting = Known { attempt: begun.of(MAC), ..ALONE };
        assert_eq!(who(&asked, &told(None), ALONE), Who::Other, "a desk that looks by a name");
        assert_eq!(who(&asked, &told(None), Known { hears: false, ..ALONE }), Who::Itself);
        assert_eq!(who(&asked, &told(None), Known { listed: true, ..ALONE }), Who::Itself);
        assert_eq!(who(&asked, &told(None), booting), Who::Itself);
        assert_eq!(who(&asked, &told(Some(UUID)), booting), Who::Itself);
        assert_eq!(who(&asked, &told(Some(UUID.to_wire())), booting), Who::Itself);
        assert_eq!(who(&asked, &told(Some(Uuid([9; 16]))), booting), Who::Other);
    }

    #[test]
    fn the_servers_own_addresses_are_no_machine() {
        let has = |address| address == Ipv4Addr::new(10, 0, 0, 1);
        for (address, ours) in
            [("127.0.0.1", true), ("10.0.0.1", true), ("::ffff:10.0.0.1", true), ("10.0.0.2", false)]
        {
            assert_eq!(is_ourselves(address.parse().unwrap(), has), ours, "{address}");
        }
    }
}
