//! Whatever clients do, and whenever the server dies: no address belongs to two machines.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Discover { wish: Option<u8> },
    Request { server: Option<u8>, address: u8 },
    Extend { address: u8, broadcast: bool },
    Decline { address: u8 },
    Release { address: u8 },
    Bootp,
    Reserve { address: u8 },
    Unreserve,
    Wait { seconds: u16 },
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let address = 8u8..16;
    prop_oneof![
        4 => prop::option::of(address.clone()).prop_map(|wish| Step::Discover { wish }),
        6 => (prop::option::weighted(0.8, 1u8..3), address.clone())
            .prop_map(|(server, address)| Step::Request { server, address }),
        3 => (address.clone(), any::<bool>()).prop_map(|(address, broadcast)| Step::Extend { address, broadcast }),
        1 => address.clone().prop_map(|address| Step::Decline { address }),
        1 => address.clone().prop_map(|address| Step::Release { address }),
        1 => Just(Step::Bootp),
        1 => address.prop_map(|address| Step::Reserve { address }),
        1 => Just(Step::Unreserve),
        2 => (0u16..2000).prop_map(|seconds| Step::Wait { seconds }),
        1 => Just(Step::Restart),
    ]
}

/// What the machines believe: who may use an address, until when.
#[derive(Default)]
struct Belief(HashMap<Ipv4Addr, (Mac, Timestamp)>);

impl Belief {
    fn learn(&mut self, out: &Outcome, now: Timestamp) {
        let Some(sent) = out.replies.first() else { return };
        let heard = Heard::read(&sent.bytes).unwrap();
        if matches!(sent.message, Some(MessageType::Offer | MessageType::Nak))
            || heard.yiaddr.is_unspecified()
        {
            return;
        }
        if let Some((holder, until)) = self.0.get(&heard.yiaddr) {
            assert!(*holder == heard.mac || *until <= now, "{} has {} until {until}", holder, heard.yiaddr);
        }
        let until = match heard.options.get(51) {
            Some(raw) => {
                let seconds = u32::from_be_bytes(raw.try_into().unwrap());
                Timestamp(now.0 + u64::from(seconds) * 1000)
            }
            None => Timestamp::NEVER,
        };
        self.0.insert(heard.yiaddr, (heard.mac, until));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_address_ever_belongs_to_two_machines(
        authoritative: bool,
        steps in prop::collection::vec((1u8..6, prop::option::of(0u8..3), step()), 1..120),
    ) {
        let mut world = World::new(ServerConfig { authoritative, ..config(10, 13) });
        let mut belief = Belief::default();
        for (number, id, step) in steps {
            let client = Client::new(number);
            let client = if let Some(id) = id { client.option(61, &[9, id]) } else { client };
            let mac = Mac([2, 0, 0, 0, 0, number]);
            let out = match step {
                Step::Discover { wish: Some(wish) } => world.send(&discover(&client).address(50, ip(wish))),
                Step::Discover { wish: None } => world.send(&discover(&client)),
                Step::Request { server: Some(server), address } => {
                    world.send(&init_reboot(&client, ip(address)).address(54, ip(server)))
                }
                Step::Request { server: None, address } => world.send(&init_reboot(&client, ip(address))),
                Step::Extend { address, broadcast: true } => world.send(&extending(&client, ip(address))),
                Step::Extend { address, broadcast: false } => world.send_from(ip(address), &extending(&client, ip(address))),
                Step::Decline { address } => {
                    let out = world.send(&client.clone().kind(4).address(50, ip(address)));
                    if out.notes.contains(&Note::Decline { address: ip(address) }) {
                        belief.0.remove(&ip(address));
                    }
                    out
                }
                Step::Release { address } => {
                    let out = world.send_from(ip(address), &client.clone().kind(7).ciaddr(ip(address)));
                    if out.notes.contains(&Note::Release { address: ip(address) }) {
                        belief.0.remove(&ip(address));
                    }
                    out
                }
                Step::Bootp => world.send(&client),
                Step::Reserve { address } => {
                    if !world.hosts.is_reserved(ip(address)) {
                        world.hosts.0.retain(|(have, _)| *have != mac);
                        world.hosts.0.push((mac, ip(address)));
                    }
                    continue;
                }
                Step::Unreserve => {
                    world.hosts.0.retain(|(have, _)| *have != mac);
                    continue;
                }
                Step::Wait { seconds } => {
                    world.wait(seconds.into());
                    continue;
                }
                Step::Restart => {
                    world.restart();
                    continue;
                }
            };
            // A machine that is given another address stops using its old one.
            if let Some(sent) = out.replies.first().filter(|sent| sent.message != Some(MessageType::Offer)) {
                let heard = Heard::read(&sent.bytes).unwrap();
                belief.0.retain(|address, (have, _)| *have != heard.mac || *address == heard.yiaddr);
            }
            belief.learn(&out, world.now);
            prop_assert!(world.server.leases().iter().count() <= 8);
        }
    }
}
