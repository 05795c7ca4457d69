//! Whatever clients do, and whenever the server dies: no address belongs to two machines.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Discover { wish: Option<u8>, squatted: bool },
    Request { server: Option<u8>, address: u8 },
    Extend { address: u8, broadcast: bool },
    Decline { address: u8 },
    Release { address: u8 },
    Bootp,
    Reserve { address: u8 },
    Unreserve,
    Wait { seconds: u16 },
    Restart,
    Disk { works: bool },
}

fn step() -> impl Strategy<Value = Step> {
    let address = 8u8..16;
    prop_oneof![
        4 => (prop::option::of(address.clone()), prop::bool::weighted(0.1))
            .prop_map(|(wish, squatted)| Step::Discover { wish, squatted }),
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
        1 => any::<bool>().prop_map(|works| Step::Disk { works }),
    ]
}

/// A client as the identity rule has it: an identifier, or a hardware address.
type Who = (Option<Vec<u8>>, Option<Mac>);

fn who(rule: IdentityRule, id: Option<&[u8]>, mac: Mac) -> Who {
    match (rule, id) {
        (IdentityRule::ClientId, Some(id)) => (Some(id.to_vec()), None),
        _ => (None, Some(mac)),
    }
}

/// What the clients believe: who may use an address, until when.
#[derive(Default)]
struct Belief(HashMap<Ipv4Addr, (Who, Mac, Timestamp)>);

impl Belief {
    fn learn(&mut self, out: &Outcome, now: Timestamp, rule: IdentityRule, hosts: &Hosts) {
        let Some(sent) = out.replies.first().filter(|sent| sent.message != Some(MessageType::Offer)) else {
            return;
        };
        let heard = Heard::read(&sent.bytes).unwrap();
        let who = who(rule, heard.options.get(61), heard.mac);
        // Who is given another address, or told that his is wrong, stops using his old one.
        self.0.retain(|address, (have, ..)| *have != who || *address == heard.yiaddr);
        if heard.yiaddr.is_unspecified() {
            return;
        }
        if let Some((holder, mac, until)) = self.0.get(&heard.yiaddr) {
            // What is reserved for a machine is its own under whatever identifier it shows.
            let reserved = *mac == heard.mac && hosts.0.contains(&(heard.mac, heard.yiaddr));
            assert!(
                *holder == who || *until <= now || reserved,
                "{holder:?} has {} until {until}, and {who:?} got it at {now}",
                heard.yiaddr
            );
        }
        let until = match heard.options.get(51) {
            Some(raw) => {
                let seconds = u32::from_be_bytes(raw.try_into().unwrap());
                Timestamp(now.0 + u64::from(seconds) * 1000)
            }
            None => Timestamp::NEVER,
        };
        self.0.insert(heard.yiaddr, (who, heard.mac, until));
    }
}

/// Four addresses: in one pool, or in those of two networks on one link.
fn four_addresses(shared: bool) -> ServerConfig {
    let mut config = config(10, 13);
    if shared {
        let name = Some("wire".to_owned());
        config.subnets[0].pools[0].last = ip(11);
        config.subnets[0].shared_network.clone_from(&name);
        config.subnets.push(Subnet {
            shared_network: name,
            pools: vec![PoolRange { first: on(true, 12), last: on(true, 13) }],
            lease_time: LeaseTime::Seconds(900),
            ..Subnet::new("10.9.0.0/24".parse().unwrap())
        });
    }
    config
}

/// A class whose members, the first two machines, have one of the addresses for themselves.
fn of_the_first_two() -> Class {
    let macs = vec![vec![2, 0, 0, 0, 0, 1], vec![2, 0, 0, 0, 0, 2]];
    Class {
        members: Members { macs, ..Members::default() },
        pools: vec![PoolRange { first: ip(11), last: ip(11) }],
        lease_time: Some(LeaseTime::Seconds(600)),
        ..Class::default()
    }
}

fn on(shared: bool, last: u8) -> Ipv4Addr {
    if shared && last >= 12 { Ipv4Addr::new(10, 9, 0, last) } else { ip(last) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_address_ever_belongs_to_two_machines(
        authoritative: bool,
        shared: bool,
        strict: bool,
        classed: bool,
        probe: bool,
        steps in prop::collection::vec((1u8..6, prop::option::of(0u8..3), step()), 1..120),
    ) {
        let identity = if strict { IdentityRule::ClientId } else { IdentityRule::Hardware };
        let mut world = World::new(ServerConfig {
            authoritative,
            identity,
            classes: if classed { vec![of_the_first_two()] } else { Vec::new() },
            probe,
            ..four_addresses(shared)
        });
        let ip = |last| on(shared, last);
        let mut belief = Belief::default();
        for (number, id, step) in steps {
            let client = Client::new(number);
            let client = if let Some(id) = id { client.option(61, &[9, id]) } else { client };
            let mac = Mac([2, 0, 0, 0, 0, number]);
            let out = match step {
                Step::Discover { wish, squatted } => {
                    let packet = discover(&client);
                    let out = world.send(&match wish { Some(wish) => packet.address(50, ip(wish)), None => packet });
                    match out.probe.filter(|_| squatted) {
                        Some(address) => {
                            let found = world.server.in_use(world.now, address, mac);
                            world.keep(found)
                        }
                        None => out,
                    }
                }
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
                Step::Disk { works } => {
                    world.disk_works = works;
                    continue;
                }
                Step::Restart => {
                    world.restart();
                    continue;
                }
            };
            belief.learn(&out, world.now, identity, &world.hosts);
            let given = out.replies.first().map(|sent| Heard::read(&sent.bytes).unwrap().yiaddr);
            prop_assert!(
                !classed || number <= 2 || given != Some(ip(11)) || world.hosts.0.contains(&(mac, ip(11))),
                "{mac} is no member"
            );
            prop_assert!(world.server.leases().iter().count() <= 8);
        }
    }
}
