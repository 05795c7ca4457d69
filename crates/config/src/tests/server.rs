//! The DHCP server, and paths.

use std::path::Path;

use nextboot_dhcp::{LeaseTime, PoolRange};
use nextboot_model::OfferWay;

use super::parse;
use crate::{Config, Mode};

#[test]
fn relative_paths_begin_in_the_files_directory() {
    let text = "data_dir = \"state\"\n[tftp]\nroots = [\"../tree\", \"/srv\"]\n";
    let config = Config::parse(text, Path::new("/etc/nextboot/nextboot.toml")).unwrap();
    assert_eq!(config.data_dir, Path::new("/etc/nextboot/state"));
    assert_eq!(config.api.token_file, Path::new("/etc/nextboot/state/token"));
    assert_eq!(config.files.roots, [Path::new("/etc/nextboot/../tree"), Path::new("/srv")]);
}

#[test]
fn a_dhcp_server_is_read_whole() {
    let config = parse(
        r#"
        [dhcp]
        mode = "server"
        bios_proxy = "boot-server"
        uefi_proxy = "direct"
        reply_delay = 250
        lease_time = "infinite"
        networks = "10.9.0.0/16"

        [[dhcp.subnet]]
        network = "10.0.0.0/24"
        pool = ["10.0.0.100-10.0.0.199", "10.0.0.9"]
        router = "10.0.0.1"
        dns = ["10.0.0.2", "10.0.0.3"]
        options = [{ code = 26, u16 = 1500 }, { code = 150, ip = ["10.0.0.1", "10.0.0.2"] }, { code = 224, hex = "0a:FF" }]

        [[dhcp.subnet]]
        network = "10.0.1.0/24"
        lease_time = 3600

        [[dhcp.reservation]]
        mac = "52-54-00-12-34-56"
        address = "10.0.1.7"
        name = "printer"
        "#,
    );
    assert_eq!(config.dhcp.mode, Mode::Server);
    let ways = config.dhcp.proxy.ways;
    assert_eq!((ways.bios, ways.uefi), (OfferWay::BootServer, OfferWay::Direct));
    assert_eq!(config.dhcp.reply_delay.as_millis(), 250);
    let networks: Vec<String> = config.dhcp.proxy.networks.iter().map(ToString::to_string).collect();
    assert_eq!(networks, ["10.9.0.0/16", "10.0.0.0/24", "10.0.1.0/24"]);
    let [first, second] = config.dhcp.server.subnets.as_slice() else { panic!() };
    let nine = [10, 0, 0, 9].into();
    assert_eq!(first.pools[1], PoolRange { first: nine, last: nine });
    assert_eq!(first.lease_time, LeaseTime::Infinite);
    let options: Vec<_> =
        first.parameters.options.iter().map(|option| (option.code, option.value.clone())).collect();
    assert_eq!(options, [(26, vec![5, 220]), (150, vec![10, 0, 0, 1, 10, 0, 0, 2]), (224, vec![10, 255])]);
    assert_eq!(second.lease_time, LeaseTime::Seconds(3600));
    assert_eq!(second.reservations[0].host_name.as_deref(), Some("printer"));
    assert!(first.reservations.is_empty());
}
