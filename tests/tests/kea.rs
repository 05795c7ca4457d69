//! Kea's unit tests of the DHCPv4 server that are worth as much from outside, under their names in snake case
//! (`dora_unittest`, `direct_client_unittest`, `dhcp4_srv_unittest`); those about RELEASE, DECLINE, INFORM, relays and
//! reservations stand with forge's.
//!
//! | test | here |
//! |---|---|
//! | `multiStageBoot`, `ignoreChangingClientId` | what `identity = "hardware"` means, our default; `"client-id"` is Kea's |
//! | `authoritativeSubnetSelectionFail` | a relay that we do not know is not answered, even by the authority |
//! | `RenewMinLifetime`, `RenewMaxLifetime`, `RenewHintLifetime` | the site says how long leases hold, whatever a client wishes |
//! | `acceptDirectRequest` | that an interface without a subnet is not answered at is seen by the unit tests; all of the laboratory's has one |
//! | `messageFieldsReservations` | what a machine boots hangs on the host, not on the reservation; the server's name is not said |
//! | `neverSend` | there is no such flag; what no server sends is not sent to who asks for it |

use std::net::Ipv4Addr;

use anyhow::{Context, Result, ensure};
use nextboot_firmware::message::{Kind, code};
use nextboot_tests::wire::{Client, Net, Site, ip, server};

/// Kea's way to tell clients apart.
fn by_client_id(pool: &str) -> Site {
    Site::pool(pool).dhcp("identity = \"client-id\"")
}

fn address(net: &mut Net<'_>, client: &Client) -> Result<Ipv4Addr> {
    Ok(net.lease(client)?.header.yiaddr)
}

#[test]
fn selecting_do_not_request_address() {
    Site::pool("50-59").run("selecting_do_not_request_address", |net| {
        let client = Client::new(1);
        let first = address(net, &client)?;
        // The second exchange is a renewal.
        ensure!(address(net, &client)? == first);
        Ok(())
    });
}

#[test]
fn selecting_multiple_clients() {
    Site::pool("50-59").run("selecting_multiple_clients", |net| {
        let clients = [Client::new(1), Client::new(2), Client::new(3)];
        let mut all = Vec::new();
        for client in &clients {
            all.push(address(net, client)?);
        }
        for (client, had) in clients.iter().zip(&all) {
            ensure!(address(net, client)? == *had);
        }
        all.sort_unstable();
        all.dedup();
        ensure!(all.len() == 3, "{all:?}");
        Ok(())
    });
}

#[test]
fn selecting_request_address() {
    Site::pool("50-59").run("selecting_request_address", |net| {
        let client = Client::new(1);
        net.offer(&client.discover().address(code::REQUESTED, ip(57)))?.gives(ip(57))?;
        net.ack(&client.select(ip(57)))?.gives(ip(57))?;
        Ok(())
    });
}

/// Who has a lease keeps it, whatever he wishes.
#[test]
fn selecting_request_non_matching_address() {
    Site::pool("50-59").run("selecting_request_non_matching_address", |net| {
        let client = Client::new(1);
        let own = address(net, &client)?;
        net.offer(&client.discover().address(code::REQUESTED, ip(58)))?.gives(own)?;
        net.offer(&Client::new(2).discover().address(code::REQUESTED, own))?;
        net.ack(&client.select(own))?.gives(own)?;
        Ok(())
    });
}

#[test]
fn init_reboot_request() {
    Site::pool("50-59").run("init_reboot_request", |net| {
        let client = Client::new(1);
        let own = address(net, &client)?;
        net.ack(&client.reboot(own))?.gives(own)?;
        net.nak(&client.reboot(ip(58)))?;
        // Nothing is known of this one, so another server may know it.
        net.silent(&Client::new(2).reboot(own))?;
        net.silent(&Client::new(3).reboot(ip(58)))
    });
}

#[test]
fn authoritative() {
    Site::pool("50-59").dhcp("authoritative = true").run("authoritative", |net| {
        net.nak(&Client::new(1).reboot(ip(9)))?;
        net.nak(&Client::new(1).reboot([192, 0, 2, 1].into()))?;
        Ok(())
    });
}

#[test]
fn not_authoritative() {
    Site::pool("50-59").run("not_authoritative", |net| {
        net.silent(&Client::new(1).reboot(ip(9)))?;
        net.silent(&Client::new(1).reboot([192, 0, 2, 1].into()))
    });
}

#[test]
fn authoritative_subnet_selection_fail() {
    let stranger: Ipv4Addr = [192, 0, 2, 1].into();
    for yes in [true, false] {
        Site::pool("50-59").dhcp(&format!("authoritative = {yes}")).run(
            "authoritative_subnet_selection_fail",
            |net| {
                net.uses(stranger)?;
                net.silent(&Client::new(1).behind(stranger).reboot([192, 0, 2, 9].into()))
            },
        );
    }
}

/// RFC 2131 table 3: `ciaddr` is 0 in an OFFER, and in an ACK what the client uses already.
#[test]
fn ciaddr() {
    Site::one().run("ciaddr", |net| {
        let client = Client::new(1);
        let offer = net.offer(&client.discover())?;
        let ack = net.ack(&client.select(ip(50)))?;
        for answer in [&offer, &ack] {
            ensure!(answer.header.ciaddr.is_unspecified(), "{answer}");
        }
        net.uses(ip(50))?;
        for ask in [client.renew(ip(50)), client.rebind(ip(50))] {
            let ack = net.ack(&ask)?;
            ensure!(ack.header.ciaddr == ip(50) && ack.header.yiaddr == ip(50), "{ack}");
        }
        Ok(())
    });
}

/// What is offered is held back, so no two clients are offered one address (in Kea they may be).
#[test]
fn two_allocations_overlap() {
    Site::pool("50-51").run("two_allocations_overlap", |net| {
        let (one, two) = (Client::new(1), Client::new(2));
        let first = net.offer(&one.discover())?.header.yiaddr;
        let second = net.offer(&two.discover())?.header.yiaddr;
        ensure!(first != second);
        net.ack(&two.select(second))?.gives(second)?;
        net.ack(&one.select(first))?.gives(first)?;
        Ok(())
    });
}

/// One exchange inside the other: a client that asks for what another was offered is told no and begins anew.
#[test]
fn one_allocation_overlap_1() {
    Site::pool("50-51").run("one_allocation_overlap_1", |net| {
        let (one, two) = (Client::new(1), Client::new(2));
        let first = net.offer(&one.discover())?.header.yiaddr;
        net.nak(&two.select(first))?;
        let second = address(net, &two)?;
        ensure!(first != second);
        net.ack(&one.select(first))?.gives(first)?;
        Ok(())
    });
}

/// The last address, offered to one and then to the other: who asks first has it.
#[test]
fn one_allocation_overlap_2() {
    Site::one().run("one_allocation_overlap_2", |net| {
        let (one, two) = (Client::new(1), Client::new(2));
        net.offer(&one.discover())?.gives(ip(50))?;
        net.offer(&two.discover())?.gives(ip(50))?;
        net.ack(&one.select(ip(50)))?.gives(ip(50))?;
        net.nak(&two.select(ip(50)))?;
        Ok(())
    });
}

/// Three identities of one machine in one boot: the firmware shows none, iPXE its MAC, the system a DUID.
fn stages() -> [Client; 3] {
    let duid = [0xff, 0, 0, 0, 1, 0, 1, 0, 1, 0x2a, 0x11, 0x22, 0x33, 2, 0, 0, 0, 0, 1];
    [Client::new(1), Client::new(1).id([1, 2, 0, 0, 0, 0, 1]), Client::new(1).id(duid)]
}

#[test]
fn multi_stage_boot() {
    Site::pool("50-59").run("multi_stage_boot", |net| {
        for _boot in 0..2 {
            for stage in stages() {
                net.lease(&stage)?.gives(ip(50))?;
            }
        }
        net.lease(&Client::new(2))?.gives(ip(51))?;
        Ok(())
    });
}

/// RFC 2131 section 4.2: each identifier is a client.
#[test]
fn multi_stage_boot_by_client_id() {
    by_client_id("50-59").run("multi_stage_boot_by_client_id", |net| {
        let mut first = Vec::new();
        for stage in stages() {
            first.push(address(net, &stage)?);
        }
        let mut second = Vec::new();
        for stage in stages() {
            second.push(address(net, &stage)?);
        }
        ensure!(first == second, "{first:?} {second:?}");
        first.sort_unstable();
        first.dedup();
        ensure!(first.len() == 3, "{first:?}");
        Ok(())
    });
}

#[test]
fn ignore_changing_client_id() {
    Site::one().run("ignore_changing_client_id", |net| {
        net.lease(&Client::new(1).id([0, 1, 2, 3]))?.gives(ip(50))?;
        net.lease(&Client::new(1).id([0, 9, 9, 9]))?.gives(ip(50))?;
        net.uses(ip(50))?;
        net.ack(&Client::new(1).id([0, 8, 8]).renew(ip(50)))?.gives(ip(50))?;
        Ok(())
    });
}

/// A new network card in the machine that shows the same identifier.
#[test]
fn changing_hw_address() {
    by_client_id("50-59").run("changing_hw_address", |net| {
        let id = [0, 1, 2, 3];
        let had = address(net, &Client::new(1).id(id))?;
        net.lease(&Client::new(2).id(id))?.gives(had)?;
        net.ack(&Client::new(3).id(id).reboot(had))?.gives(had)?;
        Ok(())
    });
}

/// By our default an identifier alone takes nothing away from the machine that holds the address.
#[test]
fn changing_hw_address_by_hardware() {
    Site::pool("50-59").run("changing_hw_address_by_hardware", |net| {
        let id = [0, 1, 2, 3];
        let had = address(net, &Client::new(1).id(id))?;
        ensure!(address(net, &Client::new(2).id(id))? != had);
        // Once the first is gone, its identifier finds the address again.
        net.silent(&Client::new(1).id(id).release(had))?;
        net.lease(&Client::new(3).id(id))?.gives(had)?;
        Ok(())
    });
}

/// Any of our addresses names us; answers name the one of the interface that the question came in on.
#[test]
fn custom_server_identifier() {
    Site::pool("50-59").run("custom_server_identifier", |net| {
        net.server_has("10.77.0.2/24")?;
        let client = Client::new(1);
        let offered = net.offer(&client.discover())?.header.yiaddr;
        let ask = client.reboot(offered).address(code::SERVER_ID, ip(2));
        // The server hears of its new address a moment later; a REQUEST before that was meant for somebody else.
        net.expect_soon(&ask, Kind::ACK)?.gives(offered)?;
        Ok(())
    });
}

/// Nobody else is answered in our name: a REQUEST that names another server takes its offer, and ours lapses.
#[test]
fn accept_server_id() {
    Site::one().run("accept_server_id", |net| {
        let client = Client::new(1);
        net.offer(&client.discover())?.gives(ip(50))?;
        net.silent(&client.reboot(ip(50)).address(code::SERVER_ID, ip(3)))?;
        net.lease(&Client::new(2))?.gives(ip(50))?;
        Ok(())
    });
}

/// The client moves to another socket: there it has another address, and the old one is refused.
#[test]
fn changing_circuit_id() {
    let site = Site::pool("50-59")
        .reservation("circuit = \"swp1\"", ip(10))
        .reservation("circuit = \"swp2\"", ip(11));
    site.run("changing_circuit_id", |net| {
        net.uses(ip(30))?;
        let at = |port: &[u8]| Client::new(1).behind(ip(30)).says(code::RELAY_INFO, [&[1, 4], port].concat());
        net.lease(&at(b"swp1"))?.gives(ip(10))?;
        net.ack(&at(b"swp1").reboot(ip(10)))?.gives(ip(10))?;
        net.nak(&at(b"swp2").reboot(ip(10)))?;
        net.lease(&at(b"swp2"))?.gives(ip(11))?;
        ensure!(!RESERVED.contains(&address(net, &at(b"swp3"))?));
        Ok(())
    });
}

const RESERVED: [Ipv4Addr; 2] = [ip(10), ip(11)];

/// `direct_client_unittest`: a client on the wire of the server, in all its states.
#[test]
fn direct_client() {
    Site::pool("50-59").run("direct_client", |net| {
        let client = Client::new(1).hears_unicast();
        let own = address(net, &client)?;
        net.uses(own)?;
        net.ack(&client.renew(own))?.gives(own)?;
        net.ack(&client.rebind(own))?.gives(own)?;
        net.ack(&client.reboot(own))?.gives(own)?;
        Ok(())
    });
}

#[test]
fn discover_invalid_hint() {
    Site::pool("50-59").run("discover_invalid_hint", |net| {
        let wishes =
            [ip(0), ip(9), ip(255), server(), [10, 78, 0, 50].into(), [255; 4].into(), [127, 0, 0, 1].into()];
        for (number, wish) in (1..).zip(wishes) {
            let offer = net.offer(&Client::new(number).discover().address(code::REQUESTED, wish))?;
            ensure!((50..=59).contains(&offer.header.yiaddr.octets()[3]), "{wish}: {offer}");
        }
        Ok(())
    });
}

#[test]
fn many_discovers() {
    Site::pool("50-59").run("many_discovers", |net| {
        let mut all = Vec::new();
        for number in 1..=5 {
            let client = Client::new(number);
            let first = net.offer(&client.discover())?.header.yiaddr;
            // A repeated DISCOVER is offered the same.
            net.offer(&client.discover())?.gives(first)?;
            all.push(first);
        }
        all.dedup();
        ensure!(all.len() == 5, "{all:?}");
        Ok(())
    });
}

#[test]
fn renew_basic_min_max_hint_lifetime() {
    Site::one().dhcp("lease_time = 600\ncache_threshold = 0").run(
        "renew_basic_min_max_hint_lifetime",
        |net| {
            let client = Client::new(1);
            net.lease(&client)?;
            net.uses(ip(50))?;
            for wish in [0, 1, 60, 600, 1_000_000, u32::MAX] {
                let ack = net.ack(&client.renew(ip(50)).option(code::LEASE_TIME, wish.to_be_bytes()))?;
                ack.tells(code::LEASE_TIME, 600_u32.to_be_bytes())?;
                ack.tells(code::RENEWAL_TIME, 300_u32.to_be_bytes())?;
                ack.tells(code::REBINDING_TIME, 525_u32.to_be_bytes())?;
            }
            Ok(())
        },
    );
}

/// `acceptMessageType`: clients' messages only; and a message without its type is BOOTP's.
#[test]
fn accept_message_type() {
    Site::pool("50-59").run("accept_message_type", |net| {
        for kind in [Kind::OFFER, Kind::ACK, Kind::NAK, Kind(0), Kind(9), Kind::LEASE_QUERY, Kind(255)] {
            let number = kind.0.wrapping_add(1);
            net.silent(&Client::new(number).bare(kind).address(code::REQUESTED, ip(50)))
                .with_context(|| kind.to_string())?;
        }
        net.silent(&Client::new(30).bootp().option(code::MESSAGE_TYPE, [1, 1]))?;
        net.offer(&Client::new(31).discover()).map(drop)
    });
}

/// `sanityCheckDiscover` and the others: what makes no sense is not answered.
#[test]
fn sanity_check() {
    Site::pool("50-59").run("sanity_check", |net| {
        let discover = |number: u8| Client::new(number).discover();
        let wrong = [
            ("a reply", discover(1).set(|header| header.op = 2)),
            ("no hardware address", discover(2).set(|header| header.hlen = 0)),
            ("a long hardware address", discover(3).set(|header| header.hlen = 20)),
            ("all zeros", discover(4).set(|header| header.chaddr = [0; 16])),
            ("a group's address", discover(5).set(|header| header.chaddr[0] = 1)),
            ("not Ethernet", discover(6).set(|header| header.htype = 32)),
            ("a relay that nobody can be", discover(7).set(|header| header.giaddr = [255; 4].into())),
            ("a relay that is a group", discover(8).set(|header| header.giaddr = [224, 0, 0, 1].into())),
            ("REQUEST for nothing", Client::new(9).bare(Kind::REQUEST)),
            (
                "REQUEST for nothing of ours",
                Client::new(9).bare(Kind::REQUEST).address(code::SERVER_ID, server()),
            ),
            ("REQUEST for zero", Client::new(10).reboot([0; 4].into())),
            ("RELEASE of nothing", Client::new(11).bare(Kind::RELEASE)),
            ("DECLINE of nothing", Client::new(12).bare(Kind::DECLINE)),
            ("INFORM from nowhere", Client::new(13).bare(Kind::INFORM)),
        ];
        for (what, ask) in wrong {
            net.silent(&ask).context(what)?;
        }
        Ok(())
    });
}

/// Asking for everything there is brings nothing that only clients send, nor what is nobody's.
#[test]
fn never_send() {
    Site::pool("50-59").run("never_send", |net| {
        let all: Vec<u8> = (1..=254).collect();
        let ack = net.lease(&Client::new(1).says(code::PARAMETERS, all).says(code::MAX_SIZE, [5, 0xc0]))?;
        let mut codes = ack.codes();
        codes.sort_unstable();
        ensure!(codes == [1, 51, 53, 54, 58, 59], "{ack}");
        Ok(())
    });
}

/// An identifier that is none (RFC 2132 section 9.14: at least two bytes) is as if it were not there.
#[test]
fn empty_client_id() {
    for site in [Site::pool("50-59"), by_client_id("50-59")] {
        site.run("empty_client_id", |net| {
            for (number, id) in [(1, &[][..]), (2, &[7])] {
                let offer = net.offer(&Client::new(number).discover().option(code::CLIENT_ID, id));
                // It does not come back, since nothing that is too short is ever sent.
                let said = format!("{:#}", offer.err().context("the identifier came back")?);
                ensure!(said.contains("the client identifier"), "{said}");
            }
            let (one, two) = (Client::new(3).id([0, 1]), Client::new(4).id([0, 2]));
            ensure!(address(net, &one)? != address(net, &two)?);
            Ok(())
        });
    }
}

/// The longest identifier that one option holds, and one that needs two of them.
#[test]
fn too_long_client_id() {
    for site in [Site::pool("50-59"), by_client_id("50-59")] {
        site.run("too_long_client_id", |net| {
            let own = net.lease(&Client::new(1).id([5; 255]))?.header.yiaddr;
            net.lease(&Client::new(1).id([5; 255]))?.gives(own)?;
            net.send(&Client::new(2).id([6; 256]).discover())?;
            net.send(&Client::new(3).id([7; 1000]).discover())?;
            net.lease(&Client::new(4))?;
            Ok(())
        });
    }
}

/// A code that is asked for twice is answered once, and in the order that the server has.
#[test]
fn prl_persistency() {
    let options = "options = [{ code = 26, u16 = 1500 }, { code = 17, text = \"x\", always = true }]";
    Site::pool("50-59").local(options).run("prl_persistency", |net| {
        let offer = net.offer(&Client::new(1).says(code::PARAMETERS, [26, 1, 26, 1, 26, 26]).discover())?;
        for code in [1, 17, 26] {
            ensure!(offer.options.iter().filter(|option| option.code == code).count() == 1, "{offer}");
        }
        let again = net.ack(&Client::new(1).says(code::PARAMETERS, []).select(offer.header.yiaddr))?;
        again.tells(26, [5, 220])?.tells(17, "x")?;
        Ok(())
    });
}

/// A message came by a relay if it names one, whatever it says of hops; others are answered whether they were sent to all or
/// to us alone. An INFORM needs an address that the answer can go to.
#[test]
fn accept_direct_request() {
    Site::pool("50-59").run("accept_direct_request", |net| {
        net.uses(ip(20))?;
        net.uses(ip(30))?;
        let relayed = Client::new(1).behind(ip(30)).discover();
        net.offer(&relayed.clone().set(|header| header.hops = 0))?;
        net.offer(&relayed)?;
        let direct = Client::new(2);
        net.offer(&direct.discover().alone(ip(20)))?;
        net.offer(&direct.discover())?;
        let inform = direct.hears_unicast().bare(Kind::INFORM);
        net.silent(&inform)?;
        for ask in [inform.clone().from(ip(20)), inform.set(|header| header.ciaddr = ip(20))] {
            ensure!(*net.ack(&ask)?.to.ip() == ip(20));
        }
        Ok(())
    });
}

/// The fixed fields say what this machine boots, in the OFFER and in the ACK, and by INFORM (`inform_unittest`) as well.
#[test]
fn message_fields_reservations() {
    let site = Site::pool("50-59")
        .reservation("mac = \"02:00:00:00:00:01\"", ip(60))
        .block("[profiles.rescue]\nclass = \"live\"\nkernel = \"rescue/linux\"");
    site.run("message_fields_reservations", |net| {
        net.uses(ip(30))?;
        let firmware = |number: u8| {
            let client = Client::new(number).says(code::VENDOR_CLASS, "PXEClient:Arch:00000:UNDI:002001");
            client.says(code::ARCH, [0, 0]).says(code::PARAMETERS, [1, 3, 66, 67])
        };
        let (client, other) = (firmware(1), firmware(2));
        net.server.cli(&["host", "add", "one", &client.mac.to_string()])?;
        net.server.cli(&["boot", "one", "rescue"])?;
        let inform = |client: &Client| client.clone().behind(ip(30)).inform(Ipv4Addr::UNSPECIFIED);
        let answers =
            [net.offer(&client.discover())?, net.ack(&client.select(ip(60)))?, net.ack(&inform(&client))?];
        for answer in &answers {
            ensure!(answer.header.siaddr == server(), "{answer}");
            ensure!(answer.header.file_text() == "pxelinux.0" && answer.header.sname[0] == 0, "{answer}");
        }
        for answer in [net.offer(&other.discover())?, net.ack(&inform(&other))?] {
            ensure!(answer.header.siaddr.is_unspecified() && answer.header.file[0] == 0, "{answer}");
        }
        Ok(())
    });
}
