//! Which address a client is given, and which class it is of, under the names of ISC forge's tests (`v4/test_bootp`,
//! `v4/test_allocate_on_offer`, `v4/test_lease_cache`, `v4/test_exclude_first_last_24`, `test_overlapping_pools`,
//! `classes/test_drop`, `v4/classes/test_v4_classes_ipxe`, `test_options`).
//!
//! | test | here |
//! |---|---|
//! | `test_bootp_*` | BOOTP clients never say goodbye, so they get reserved addresses, and those of a class that names them |
//! | `test_lease_cache_different_levels`, `..._ddns` | there is one threshold, and no name server is updated |
//! | `test_v4_exclude_first_last_24_*` | the first and the last address of a network are never given, so the /25 have 126 |
//! | `test_with_lease_affinity` | the lease table needs no clearing: an address that ran out stays its client's until another needs it |
//! | `test_overlapping_pools_in_different_subnets` | refused like those within one subnet: an address is in one network |
//! | `test_v4_classification_iPXE_*` | `[[boot.rule]]` names a loader for a kind of machine, a host for one machine |

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nextboot_firmware::message::{Kind, code};
use nextboot_model::Mac;
use nextboot_tests::Lab;
use nextboot_tests::wire::{Client, Heard, Net, Site, ip};
use serde_json::Value;

/// The BOOTP reply with this address: no message type, no times, what RFC 1542 calls a whole message.
fn bootp(net: &mut Net<'_>, client: &Client, address: Ipv4Addr) -> Result<()> {
    let reply = net.answer(&client.bootp())?;
    ensure!(reply.kind().is_none() && reply.bytes.len() == 300, "{reply}");
    reply.gives(address)?.lacks(code::RENEWAL_TIME)?.lacks(code::REBINDING_TIME)?;
    Ok(())
}

#[test]
fn test_bootp_basic_request_reply() {
    let site = Site::pool("50-59").reservation("mac = \"02:00:00:00:00:02\"", ip(52));
    site.run("test_bootp_basic_request_reply", |net| {
        net.lease(&Client::new(1))?.gives(ip(50))?;
        bootp(net, &Client::new(2), ip(52))?;
        bootp(net, &Client::new(2), ip(52))?;
        // No address is reserved for this one.
        net.silent(&Client::new(3).bootp())?;
        // A lease without an end: after any time nobody else has it.
        net.pass(Duration::from_secs(400_000))?;
        bootp(net, &Client::new(2), ip(52))
    });
}

#[test]
fn test_bootp_basic_request_reply_same_chaddr() {
    for bootp_first in [false, true] {
        let site = Site::pool("50-59").reservation("mac = \"02:00:00:00:00:01\"", ip(50));
        site.run("test_bootp_basic_request_reply_same_chaddr", |net| {
            for round in 0..3 {
                if bootp_first || round > 0 {
                    bootp(net, &Client::new(1), ip(50))?;
                }
                net.lease(&Client::new(1))?.gives(ip(50))?;
            }
            Ok(())
        });
    }
}

/// What the control API says about an address.
fn lease(net: &Net<'_>, address: Ipv4Addr) -> Result<Option<Value>> {
    let all = net.server.json(&["leases"])?;
    let all = all.as_array().or_else(|| all["leases"].as_array()).context("no list")?.clone();
    Ok(all.into_iter().find(|lease| lease["address"] == address.to_string()))
}

#[test]
fn test_basic_configuration() {
    Site::pool("50-51").dhcp("offer_time = 10\nlease_time = 123").run("test_basic_configuration", |net| {
        let offer = net.offer(&Client::new(1).discover())?;
        offer.gives(ip(50))?.tells(code::LEASE_TIME, 123_u32.to_be_bytes())?;
        let held = lease(net, ip(50))?.context("the offer is not held")?;
        ensure!(held["state"] == "offered", "{held}");
        net.offer(&Client::new(2).discover())?.gives(ip(51))?;
        net.ack(&Client::new(1).select(ip(50)))?.tells(code::LEASE_TIME, 123_u32.to_be_bytes())?;
        let held = lease(net, ip(50))?.context("the lease is not there")?;
        ensure!(held["state"] == "bound", "{held}");
        Ok(())
    });
}

#[test]
fn test_with_lease_affinity() {
    Site::pool("50-51").dhcp("lease_time = 60").run("test_with_lease_affinity", |net| {
        net.lease(&Client::new(1))?.gives(ip(50))?;
        net.pass(Duration::from_secs(70))?;
        // It ran out, but others take what was never used first; so the machine finds its address again.
        net.offer(&Client::new(2).discover())?.gives(ip(51))?;
        net.lease(&Client::new(1))?.gives(ip(50))?;
        net.pass(Duration::from_secs(70))?;
        net.lease(&Client::new(3))?.gives(ip(51))?;
        // With nothing else left, the address goes to whoever needs it.
        net.lease(&Client::new(4))?.gives(ip(50))?;
        Ok(())
    });
}

/// Kea's `lease-affinity` over a restart: addresses are remembered on the disk.
#[test]
fn test_v4_lease_affinity() {
    Site::pool("50-59").run("test_v4_lease_affinity", |net| {
        let mut had = Vec::new();
        for number in 1..=4 {
            had.push((number, net.lease(&Client::new(number))?.header.yiaddr));
        }
        net.silent(&Client::new(2).release(had[1].1))?;
        net.pass(Duration::from_secs(90_000))?;
        for (number, address) in had.into_iter().rev() {
            net.lease(&Client::new(number))?.gives(address)?;
        }
        Ok(())
    });
}

#[test]
fn test_overlapping_pools() {
    Lab::run("test_overlapping_pools", |lab| {
        let site = Site::default().local("pool = [\"10.77.0.1-10.77.0.3\", \"10.77.0.2-10.77.0.4\"]");
        let said = site.complaints(lab)?.context("overlapping pools were taken")?;
        ensure!(said.contains("10.77.0.1-10.77.0.3"), "{said}");
        Ok(())
    });
}

#[test]
fn test_overlapping_pools_in_different_subnets() {
    Lab::run("test_overlapping_pools_in_different_subnets", |lab| {
        for network in ["10.77.0.0/24", "10.77.0.0/25", "10.77.0.0/16"] {
            let site = Site::one().block(&format!("[[dhcp.subnet]]\nnetwork = \"{network}\""));
            let said = site.complaints(lab)?.with_context(|| format!("{network} was taken"))?;
            ensure!(said.contains("shares addresses"), "{said}");
        }
        Ok(())
    });
}

/// When the first network of a wire is full, the next one of it gives.
#[test]
fn a_shared_network_gives_from_its_next_subnet() {
    let subnet = |net: u8| {
        let net = format!("192.168.{net}");
        format!(
            "[[dhcp.subnet]]\nnetwork = \"{net}.0/24\"\npool = [\"{net}.1\"]\nrouter = \"{net}.254\"\nshared_network = \"hall\""
        )
    };
    Site::default().block(&subnet(50)).block(&subnet(51)).run(
        "a_shared_network_gives_from_its_next_subnet",
        |net| {
            let relay = [192, 168, 50, 254].into();
            net.uses(relay)?;
            let client = |number: u8| Client::new(number).behind(relay);
            net.lease(&client(1))?.gives([192, 168, 50, 1].into())?.tells(3, [192, 168, 50, 254])?;
            net.lease(&client(2))?.gives([192, 168, 51, 1].into())?.tells(3, [192, 168, 51, 254])?;
            net.silent(&client(3).discover())?;
            net.ack(&client(2).reboot([192, 168, 51, 1].into()))?.gives([192, 168, 51, 1].into())?;
            Ok(())
        },
    );
}

/// Networks in which the server's interface has addresses are on one wire, from the moment on at which it has them.
#[test]
fn networks_of_one_interface_are_one_wire() {
    let far =
        "[[dhcp.subnet]]\nnetwork = \"10.78.0.0/24\"\npool = [\"10.78.0.50\"]\nrouter = \"10.78.0.254\"";
    Site::one().block(far).run("networks_of_one_interface_are_one_wire", |net| {
        net.lease(&Client::new(1))?.gives(ip(50))?;
        net.silent(&Client::new(2).discover())?;
        net.server_has("10.78.0.1/24")?;
        // It hears of the address by itself, soon.
        let address = [10, 78, 0, 50].into();
        net.expect_soon(&Client::new(2).discover(), Kind::OFFER)?
            .gives(address)?
            .tells(3, [10, 78, 0, 254])?;
        net.ack(&Client::new(2).select(address))?.gives(address)?;
        net.ack(&Client::new(2).reboot(address))?.gives(address).map(drop)
    });
}

#[test]
fn test_drop_class() {
    let site = Site::pool("50-59").block("[[dhcp.class]]\nmac = \"02:00:00:00:00:05\"\ndrop = true");
    site.run("test_drop_class", |net| {
        net.lease(&Client::new(4))?;
        net.silent(&Client::new(5).discover())?;
        net.silent(&Client::new(5).select(ip(55)))?;
        net.silent(&Client::new(5).inform(ip(55)))?;
        // Only whole addresses and what begins like this.
        net.lease(&Client::with_mac(Mac([2, 0, 0, 0, 5, 5])))?;
        Ok(())
    });
}

#[test]
fn test_drop_subnet_reservation() {
    let site = Site::pool("50-59")
        .reservation("mac = \"02:00:00:00:00:05\"", ip(10))
        .block("[[dhcp.class]]\nmac = \"02:00:00:00:00:05\"\nsubnet = \"10.77.0.0/24\"\ndrop = true");
    site.run("test_drop_subnet_reservation", |net| {
        net.lease(&Client::new(4))?;
        net.silent(&Client::new(5).discover())?;
        net.silent(&Client::new(5).bootp())
    });
}

/// A machine that says what firmware says.
fn firmware(number: u8, arch: u8, vendor: &str) -> Client {
    Client::new(number)
        .says(code::VENDOR_CLASS, vendor)
        .says(code::ARCH, [0, arch])
        .says(code::UNDI, [1, 3, 16])
        .says(code::PARAMETERS, [1, 3, 43, 60, 66, 67])
}

/// The lab's own loader from another server for one kind of machine, by this line of a rule.
fn ruled(name: &str, rule: &str, fits: &Client, other: &Client) {
    let boot = "[boot]\nunknown = \"profile:rescue\"\n\n[profiles.rescue]\nclass = \"live\"\nkernel = \"rescue/linux\"";
    let rule = format!("[[boot.rule]]\n{rule}\nloader = \"lab/own.efi\"\nnext_server = \"10.77.0.9\"");
    Site::pool("50-59").block(boot).block(&rule).run(name, |net| {
        let own = |heard: &Heard| heard.header.file_text() == "lab/own.efi" && heard.header.siaddr == ip(9);
        let offer = net.offer(&fits.discover())?;
        ensure!(own(&offer), "{offer}");
        offer.tells(code::BOOT_FILE, "lab/own.efi\0")?;
        let offer = net.offer(&other.discover())?;
        ensure!(!own(&offer), "{offer}");
        Ok(())
    });
}

#[test]
fn test_v4_classification_i_pxe_client_arch() {
    let (x64, bios) = ("PXEClient:Arch:00009:UNDI:003016", "PXEClient:Arch:00000:UNDI:002001");
    ruled(
        "test_v4_classification_iPXE_client_arch",
        "arch = \"uefi-x64\"",
        &firmware(1, 9, x64),
        &firmware(2, 0, bios),
    );
}

#[test]
fn test_v4_classification_i_pxe_client_inter() {
    let (new, old) = ("PXEClient:Arch:00007:UNDI:003016", "PXEClient:Arch:00007:UNDI:002001");
    ruled(
        "test_v4_classification_iPXE_client_inter",
        "vendor = \"PXEClient:Arch:00007:UNDI:0030\"",
        &firmware(1, 7, new),
        &firmware(2, 7, old),
    );
}

/// One machine by its UUID (option 97), whatever card it boots from.
#[test]
fn test_v4_classification_i_pxe_machine_ident() {
    let rescue = "[profiles.rescue]\nclass = \"live\"\nkernel = \"rescue/linux\"";
    Site::pool("50-59").block(rescue).run("test_v4_classification_iPXE_machine_ident", |net| {
        let add = ["host", "add", "one", "02:00:00:00:00:99"];
        let uuid = ["--uuid", "01020304-0506-0708-090a-0b0c0d0e0f10", "--address", "10.77.0.20"];
        net.server.cli(&[&add[..], &uuid].concat())?;
        net.server.cli(&["boot", "one", "rescue"])?;
        let ident = |number: u8, last: u8| {
            let uuid = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, last];
            firmware(number, 0, "PXEClient:Arch:00000:UNDI:002001").says(code::UUID, uuid)
        };
        let offer = net.offer(&ident(1, 16).discover())?;
        offer.gives(ip(20))?.tells(code::BOOT_FILE, "pxelinux.0\0")?;
        net.offer(&ident(2, 17).discover())?.lacks(code::BOOT_FILE)?;
        Ok(())
    });
}

/// The four levels, from the widest to the narrowest: site, network, class, machine.
fn levels(more: &str) -> Site {
    let option = |value: &str| format!("options = [{{ code = 17, text = \"{value}\"{more} }}]");
    Site::pool("50-59")
        .dhcp(&option("site"))
        .local(&option("network"))
        .reservation(&format!("mac = \"02:00:00:00:00:01\"\n{}", option("machine")), ip(10))
        .block(&format!("[[dhcp.class]]\nmac = \"02:00:00:00:01\"\n{}", option("class")))
        .block("[[dhcp.subnet]]\nnetwork = \"192.168.50.0/24\"\npool = [\"192.168.50.1-192.168.50.9\"]")
}

/// What each level's machine is told when it asks for these.
fn told(net: &mut Net<'_>, wanted: &[u8]) -> Result<[Option<String>; 4]> {
    let relay = [192, 168, 50, 254].into();
    let machines = [
        Client::new(9).behind(relay),
        Client::new(8),
        Client::with_mac(Mac([2, 0, 0, 0, 1, 7])),
        Client::new(1),
    ];
    let mut told = [const { None }; 4];
    for (machine, told) in machines.into_iter().zip(&mut told) {
        let offer = net.offer(&machine.says(code::PARAMETERS, wanted).discover())?;
        *told = offer.text(17);
    }
    Ok(told)
}

const NARROWEST: [Option<&str>; 4] = [Some("site"), Some("network"), Some("class"), Some("machine")];

#[test]
fn test_v4_options_at_each_level() {
    levels("").run("test_v4_options_at_each_level", |net| {
        net.uses([192, 168, 50, 254].into())?;
        let asked = told(net, &[1, 17])?;
        ensure!(asked.iter().map(Option::as_deref).eq(NARROWEST), "{asked:?}");
        ensure!(told(net, &[1])? == [const { None }; 4]);
        Ok(())
    });
}

#[test]
fn test_always_send_all_levels() {
    levels(", always = true").run("test_always_send_all_levels", |net| {
        net.uses([192, 168, 50, 254].into())?;
        let asked = told(net, &[1])?;
        ensure!(asked.iter().map(Option::as_deref).eq(NARROWEST), "{asked:?}");
        Ok(())
    });
}

/// Not to send goes before sending, also before sending always.
#[test]
fn test_never_send_various_combinations() {
    for always in ["", ", always = true"] {
        let option = format!("options = [{{ code = 17, text = \"site\"{always} }}]");
        let site = Site::pool("50-59")
            .dhcp(&option)
            .block("[[dhcp.class]]\nmac = \"02:00:00:00:01\"\nnever = [17]")
            .reservation("mac = \"02:00:00:00:00:01\"\nnever = [17]", ip(10));
        site.run("test_never_send_various_combinations", |net| {
            let asks = |client: Client| client.says(code::PARAMETERS, [1, 17]).discover();
            net.offer(&asks(Client::new(2)))?.tells(17, "site")?;
            net.offer(&asks(Client::new(1)))?.lacks(17)?;
            net.offer(&asks(Client::with_mac(Mac([2, 0, 0, 0, 1, 7]))))?.lacks(17)?;
            Ok(())
        });
    }
}

#[test]
fn test_bootp_basic_request_reply_classes() {
    let class = "[[dhcp.class]]\nfirmware = \"bootp\"\npool = [\"10.77.0.60\"]";
    Site::one().block(class).run("test_bootp_basic_request_reply_classes", |net| {
        bootp(net, &Client::new(1), ip(60))?;
        bootp(net, &Client::new(1), ip(60))?;
        net.lease(&Client::new(2))?.gives(ip(50))?;
        net.silent(&Client::new(3).bootp())?;
        net.pass(Duration::from_secs(400_000))?;
        net.silent(&Client::new(3).bootp())?;
        bootp(net, &Client::new(1), ip(60))
    });
}

/// Addresses for the machines of a class, before those of the subnet's pool.
#[test]
fn a_class_has_addresses_of_its_own() {
    let class = "[[dhcp.class]]\nfirmware = \"pxe\"\npool = [\"10.77.0.60-10.77.0.61\"]\nlease_time = 600";
    Site::one().block(class).run("a_class_has_addresses_of_its_own", |net| {
        let pxe = |number: u8| firmware(number, 0, "PXEClient:Arch:00000:UNDI:002001");
        net.lease(&pxe(1))?.gives(ip(60))?.tells(code::LEASE_TIME, 600_u32.to_be_bytes())?;
        net.lease(&pxe(2))?.gives(ip(61))?;
        // Nobody else's.
        net.nak(&Client::new(3).select(ip(60)))?;
        net.lease(&Client::new(3))?.gives(ip(50))?;
        net.silent(&Client::new(4).discover())?;
        net.silent(&pxe(5).discover())
    });
}

/// When the client of this address was heard last, as the control API tells it.
fn heard(net: &Net<'_>, address: Ipv4Addr) -> Result<u64> {
    lease(net, address)?.context("no lease")?["heard"].as_u64().context("no time")
}

#[test]
fn test_lease_cache_disabled() {
    Site::one().dhcp("cache_threshold = 0\nlease_time = 600").run("test_lease_cache_disabled", |net| {
        let client = Client::new(1);
        net.lease(&client)?;
        net.uses(ip(50))?;
        net.pass(Duration::from_secs(10))?;
        let before = heard(net, ip(50))?;
        // Each renewal is written, and is for the whole time.
        net.ack(&client.rebind(ip(50)))?.tells(code::LEASE_TIME, 600_u32.to_be_bytes())?;
        ensure!(heard(net, ip(50))? > before);
        Ok(())
    });
}

/// Seconds of the lease that this answer gives.
fn seconds(heard: &Heard) -> Result<u32> {
    heard.u32(code::LEASE_TIME).with_context(|| heard.to_string())
}

#[test]
fn test_lease_cache_enabled() {
    Site::one().dhcp("cache_threshold = 50\nlease_time = 600").run("test_lease_cache_enabled", |net| {
        let client = Client::new(1);
        net.lease(&client)?;
        net.uses(ip(50))?;
        net.pass(Duration::from_secs(100))?;
        let before = heard(net, ip(50))?;
        // Nothing is written, and the client gets what is left.
        let left = seconds(&net.ack(&client.rebind(ip(50)))?)?;
        ensure!((400..=500).contains(&left), "{left}");
        let left = seconds(&net.lease(&client)?)?;
        ensure!((400..=500).contains(&left) && heard(net, ip(50))? == before, "{left}");
        // Half of it is over.
        net.pass(Duration::from_secs(210))?;
        net.ack(&client.rebind(ip(50)))?.tells(code::LEASE_TIME, 600_u32.to_be_bytes())?;
        ensure!(heard(net, ip(50))? > before);
        // A new name is worth a write at once.
        let named = client.says(code::HOST_NAME, "renamed");
        net.ack(&named.rebind(ip(50)))?.tells(code::LEASE_TIME, 600_u32.to_be_bytes())?;
        ensure!(lease(net, ip(50))?.context("no lease")?["hostname"] == "renamed");
        Ok(())
    });
}

/// Without a word in the configuration the threshold is a quarter of the lease.
#[test]
fn a_lease_is_not_written_again_before_a_quarter_of_it_is_over() {
    let site = Site::one().dhcp("# No word of cache_threshold.\nlease_time = 1000");
    site.run("a_lease_is_not_written_again_before_a_quarter_of_it_is_over", |net| {
        let client = Client::new(1);
        net.lease(&client)?;
        net.uses(ip(50))?;
        net.pass(Duration::from_secs(200))?;
        let before = heard(net, ip(50))?;
        let left = seconds(&net.ack(&client.rebind(ip(50)))?)?;
        ensure!((750..=800).contains(&left) && heard(net, ip(50))? == before, "{left}");
        net.pass(Duration::from_secs(60))?;
        net.ack(&client.rebind(ip(50)))?.tells(code::LEASE_TIME, 1000_u32.to_be_bytes())?;
        ensure!(heard(net, ip(50))? > before);
        Ok(())
    });
}

/// All addresses of these pools that are given, in a network of its own behind a relay.
fn given(
    name: &str,
    subnet: &str,
    relay: Ipv4Addr,
    most: u16,
    check: impl FnOnce(&[Ipv4Addr]) -> Result<()>,
) {
    Site::default().block(&format!("[[dhcp.subnet]]\n{subnet}")).run(name, |net| {
        net.uses(relay)?;
        let client = |number: u16| {
            let [high, low] = number.to_be_bytes();
            Client::with_mac(Mac([2, 0, 0, 1, high, low])).behind(relay)
        };
        let mut all = Vec::new();
        for number in 0..most {
            all.push(net.lease(&client(number)).with_context(|| format!("after {number}"))?.header.yiaddr);
        }
        net.silent(&client(most).discover())?;
        all.sort_unstable();
        check(&all)
    });
}

#[test]
fn test_v4_exclude_first_last_24_subnet_24() {
    let pool = "network = \"192.0.2.0/24\"\npool = [\"192.0.2.240-192.0.2.255\", \"192.0.2.0-192.0.2.9\"]";
    for exclude in [true, false] {
        let subnet = format!("{pool}\nexclude_first_last_24 = {exclude}");
        let relay = [192, 0, 2, 100].into();
        given("test_v4_exclude_first_last_24_subnet_24", &subnet, relay, 24, |all| {
            ensure!(all.iter().all(|address| ![0, 255].contains(&address.octets()[3])), "{all:?}");
            Ok(())
        });
    }
}

#[test]
fn test_v4_exclude_first_last_24_subnet_23() {
    let pool = "network = \"192.0.2.0/23\"\npool = [\"192.0.2.250-192.0.3.5\"]";
    let middle: [Ipv4Addr; 2] = [[192, 0, 2, 255].into(), [192, 0, 3, 0].into()];
    for (exclude, most) in [(true, 10), (false, 12)] {
        let subnet = format!("{pool}\nexclude_first_last_24 = {exclude}");
        let relay = [192, 0, 3, 100].into();
        given("test_v4_exclude_first_last_24_subnet_23", &subnet, relay, most, |all| {
            ensure!(middle.iter().all(|address| all.contains(address) != exclude), "{all:?}");
            Ok(())
        });
    }
}

#[test]
fn test_v4_exclude_first_last_24_subnet_25_first_half() {
    let pool = "network = \"192.0.2.0/25\"\npool = [\"192.0.2.0-192.0.2.9\", \"192.0.2.120-192.0.2.127\"]";
    let subnet = format!("{pool}\nexclude_first_last_24 = true");
    let relay = [192, 0, 2, 100].into();
    given("test_v4_exclude_first_last_24_subnet_25_first_half", &subnet, relay, 16, |all| {
        ensure!(all.first() == Some(&[192, 0, 2, 1].into()), "{all:?}");
        Ok(())
    });
}

#[test]
fn test_v4_exclude_first_last_24_subnet_25_second_half() {
    let pool = "network = \"192.0.2.128/25\"\npool = [\"192.0.2.250-192.0.2.255\"]";
    let subnet = format!("{pool}\nexclude_first_last_24 = true");
    let relay = [192, 0, 2, 200].into();
    given("test_v4_exclude_first_last_24_subnet_25_second_half", &subnet, relay, 5, |all| {
        ensure!(all.last() == Some(&[192, 0, 2, 254].into()), "{all:?}");
        Ok(())
    });
}
