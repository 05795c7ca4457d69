use std::collections::HashMap;

use nextboot_boot::{Client, Firmware};
use nextboot_model::{HostName, State};

/// What each host was when it last asked for something to boot: for saying what it would get now.
#[derive(Debug, Default)]
pub(crate) struct Sightings(HashMap<HostName, Sighting>);

/// One machine is two clients when its firmware starts iPXE.
#[derive(Debug, Default)]
struct Sighting {
    firmware: Option<Client>,
    ipxe: Option<Client>,
}

impl Sightings {
    /// A host asked. `state` bounds what is kept: hosts that are no more are forgotten.
    pub(crate) fn saw(&mut self, state: &State, host: &HostName, client: Client) {
        if self.0.len() > 2 * state.len() && !self.0.contains_key(host) {
            self.0.retain(|host, _| state.host(host).is_some());
        }
        let sighting = self.0.entry(host.clone()).or_default();
        if client.firmware == Firmware::Ipxe {
            sighting.ipxe = Some(client);
        } else {
            *sighting = Sighting { firmware: Some(client), ipxe: None };
        }
    }

    /// The clients that a host was, the firmware first.
    pub(crate) fn of(&self, host: &HostName) -> Vec<Client> {
        let sighting = self.0.get(host);
        sighting.into_iter().flat_map(|sighting| [sighting.firmware, sighting.ipxe]).flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use nextboot_model::{Assignment, Change, Door, Host, Mac, Record, Timestamp};

    use super::*;

    fn name(number: u8) -> HostName {
        format!("n{number}").parse().unwrap()
    }

    fn state(hosts: &[u8]) -> State {
        let mut state = State::default();
        for number in hosts {
            let macs = vec![Mac([2, 0, 0, 0, 0, *number])];
            let host = Host {
                name: name(*number),
                macs,
                uuid: None,
                address: None,
                loader: None,
                exit: None,
                pxelinux: Default::default(),
                power: None,
                vars: BTreeMap::new(),
            };
            let assignment = Assignment::local(Timestamp(1), Door::Rule { rule: "test".into() });
            state.apply(&Change::Put(Arc::new(Record { host, assignment })));
        }
        state
    }

    #[test]
    fn a_host_is_its_firmware_and_then_ipxe_on_it() {
        let (mut seen, state) = (Sightings::default(), state(&[1]));
        let client = |firmware| Client { firmware, ..Client::default() };
        let kinds =
            |seen: &Sightings| seen.of(&name(1)).iter().map(|client| client.firmware).collect::<Vec<_>>();
        seen.saw(&state, &name(1), client(Firmware::Ipxe));
        assert_eq!(kinds(&seen), [Firmware::Ipxe], "burnt in");
        seen.saw(&state, &name(1), client(Firmware::Pxe));
        assert_eq!(
            kinds(&seen),
            [Firmware::Pxe],
            "what ran after an earlier start is not what runs after this one"
        );
        seen.saw(&state, &name(1), client(Firmware::Ipxe));
        assert_eq!(kinds(&seen), [Firmware::Pxe, Firmware::Ipxe]);
        assert!(seen.of(&name(2)).is_empty());
    }

    #[test]
    fn hosts_that_are_no_more_are_forgotten() {
        let mut seen = Sightings::default();
        for number in 0..200 {
            seen.saw(&state(&[number]), &name(number), Client::default());
        }
        assert!(seen.0.len() <= 4, "{}", seen.0.len());
    }
}
