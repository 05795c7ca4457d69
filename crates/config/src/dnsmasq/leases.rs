//! dnsmasq's lease file: when each lease ends, hardware address, address, name, client identifier.

use std::path::Path;

use nextboot_model::{HostName, Lease, LeaseState, Timestamp};

use super::{
    note::{Not, Note, Notes, Place},
    value::{Hardware, hardware, hex},
};

/// Most leases that are taken over.
const MAX_LEASES: usize = 200_000;

/// Reads a lease file: the leases that hold at `now`, and what is to be said about the other lines. Lines about IPv6 and the
/// server's own identifier are passed over.
#[must_use]
pub fn read_leases(text: &str, file: &Path, now: Timestamp) -> (Vec<Lease>, Vec<Note>) {
    let (mut leases, mut notes) = (Vec::new(), Notes::default());
    for (at, line) in text.lines().enumerate() {
        let place = Place { file: file.to_owned(), line: at + 1, live: true };
        // All behind it is about IPv6.
        if line.starts_with("duid ") {
            break;
        }
        if line.trim().is_empty() {
            continue;
        }
        if leases.len() >= MAX_LEASES {
            notes.wrong(&place, format!("there are more than {MAX_LEASES} leases"));
            break;
        }
        match lease(line, now) {
            Ok(Some(lease)) => leases.push(lease),
            Ok(None) => notes.otherwise(&place, "this lease is over; its address is free"),
            Err(why) => notes.wrong(&place, format!("not taken over: {why}")),
        }
    }
    (leases, notes.into_list())
}

fn lease(line: &str, now: Timestamp) -> Result<Option<Lease>, String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [ends, mac, address, name, id, ..] = words.as_slice() else {
        return Err("a lease has five fields: end, hardware address, address, name, client identifier".into());
    };
    let ends: u64 = ends.parse().map_err(|_| format!("{} is no time in seconds", short(ends)))?;
    let Hardware::Whole(mac) = hardware(mac).map_err(Not::into_text)? else {
        return Err("* stands for no machine".into());
    };
    let address: std::net::Ipv4Addr =
        address.parse().map_err(|_| format!("{} is no IPv4 address", short(address)))?;
    let expires = match ends {
        0 => Timestamp::NEVER,
        seconds => Timestamp(seconds.saturating_mul(1000)),
    };
    if expires <= now {
        return Ok(None);
    }
    let client_id = match *id {
        "*" => None,
        id => Some(
            hex(id)
                .filter(|id| (2..=255).contains(&id.len()))
                .ok_or_else(|| format!("{} is no client identifier", short(id)))?,
        ),
    };
    let hostname =
        Some(*name).filter(|name| *name != "*" && name.parse::<HostName>().is_ok()).map(str::to_owned);
    Ok(Some(Lease {
        address,
        mac,
        client_id,
        hostname,
        uuid: None,
        relay_info: None,
        state: LeaseState::Bound,
        expires,
        heard: now,
    }))
}

fn short(word: &str) -> String {
    word.chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leases_that_hold_are_taken_over_and_the_other_lines_are_reported() {
        let text = "1700003600 02:00:00:00:00:01 10.0.0.100 client1 01:02:00:00:00:00:01\n\
                    0 02:00:00:00:00:02 10.0.0.101 * *\n\
                    1600000000 02:00:00:00:00:03 10.0.0.102 old *\n\
                    rubbish\n\
                    1700003600 02:00:00:00:00:zz 10.0.0.103 x *\n\
                    1700003600 02:00:00:00:00:04 10.0.0.400 x *\n\
                    \n\
                    duid 00:01:00:01\n\
                    1700003600 12345 fe80::1 x 00:01\n";
        let (leases, notes) = read_leases(text, Path::new("l"), Timestamp(1_700_000_000_000));
        let [one, two] = &leases[..] else { panic!("{leases:?}") };
        assert_eq!((one.address.octets()[3], one.expires), (100, Timestamp(1_700_003_600_000)));
        assert_eq!(
            (one.hostname.as_deref(), one.client_id.as_deref()),
            (Some("client1"), Some(&[1, 2, 0, 0, 0, 0, 1][..]))
        );
        assert_eq!((two.expires, &two.hostname, &two.client_id), (Timestamp::NEVER, &None, &None));
        let said: Vec<String> = notes.iter().map(|note| note.to_string()).collect();
        assert_eq!(said.len(), 4, "{said:?}");
        assert_eq!(said[0], "l:3: this lease is over; its address is free");
        assert!(said[1].starts_with("l:4: not taken over: a lease has five fields"));
    }
}
