//! Profiles and loaders.

use nextboot_boot::{Body, Chain, Entry, Exits, Kind, Loader, SecureBoot, Unknown};
use nextboot_model::{Class, Exit, LoaderName};

use super::parse;

#[test]
fn profiles_and_loaders_reach_the_site() {
    let config = parse(
        r#"
        [boot]
        unknown = "profile:rescue"
        serial = "0 115200"
        secure_boot = "always"
        exit_bios = "sanboot"
        pxelinux = { config = "special.cfg", reboot = "2m" }
        [[dhcp.subnet]]
        network = "10.2.0.0/16"
        pxelinux = { prefix = "lab/" }
        [[dhcp.subnet]]
        network = "10.3.0.0/16"
        [boot.loaders]
        bios = "lpxelinux.0"
        ipxe-bios = "http://10.0.0.9/boot.ipxe"
        uefi-x64 = "none"
        uefi-arm64 = { signed = "arm/shimaa64.efi", menu = "none" }
        [[boot.rule]]
        firmware = "http"
        arch = ["uefi-x64", "uefi-arm64"]
        vendor = "HTTPClient"
        mac = "52-54:00"
        subnet = "10.1.0.0/16"
        loader = "script"
        [[boot.rule]]
        mac = "02"
        next_server = "10.0.0.5"
        [profiles.rescue]
        loader = "none"
        loaders = { bios = "/lpxelinux.0" }
        class = "live"
        kernel = "/grml/vmlinuz"
        initrd = "grml/initrd.img"
        args = "boot=live"
        [profiles.image]
        class = "live"
        iso = "iso/grml.iso"
        [profiles.ubuntu]
        class = "install"
        seed = "ubuntu.cfg.j2"
        loaders = { uefi-x64 = "https://10.0.0.9/x.efi" }
        [profiles.old]
        title = "as it always was"
        [profiles.local]
        "#,
    );
    let site = &config.site;
    assert_eq!(site.unknown, Unknown::Profile("rescue".parse().unwrap()));
    assert_eq!(site.loaders.0.get(&Kind::Bios), Some(&Entry::file("lpxelinux.0")));
    let address = Loader::Address("http://10.0.0.9/boot.ipxe".into());
    assert_eq!(site.loaders.0.get(&Kind::IpxeBios), Some(&Entry::One(address)));
    assert_eq!(site.loaders.0.get(&Kind::UefiX64), None);
    let chain = Chain { signed: "arm/shimaa64.efi".into(), unsigned: None, menu: None };
    assert_eq!(site.loaders.0.get(&Kind::UefiArm64), Some(&Entry::Chain(chain)));
    assert_eq!((site.secure_boot, site.gives_addresses), (SecureBoot::Always, false));
    let [first, second] = &site.rules[..] else { panic!("{:?}", site.rules) };
    assert_eq!(
        first.to_string(),
        "firmware http, arch uefi-x64/uefi-arm64, vendor \"HTTPClient\", mac 52:54:00, subnet 10.1.0.0/16"
    );
    assert_eq!((&first.loader, first.next_server), (&Some(LoaderName::Script), None));
    assert_eq!((&second.loader, second.next_server), (&None, Some([10, 0, 0, 5].into())));
    let own = &site.profiles.get(&"rescue".parse().unwrap()).unwrap().loaders;
    assert_eq!(site.exits, Exits { bios: Exit::Sanboot, uefi: Exit::Silence });
    assert_eq!(site.pxelinux.encoded(), [(209, b"special.cfg".to_vec()), (211, vec![0, 0, 0, 120])]);
    let [(network, told)] = &site.networks[..] else { panic!("{:?}", site.networks) };
    assert_eq!((network.to_string().as_str(), told.prefix.as_deref()), ("10.2.0.0/16", Some("lab/")));
    assert_eq!(own.any, Some(LoaderName::None));
    assert_eq!(own.by_kind.get(&Kind::Bios), Some(&LoaderName::File("lpxelinux.0".into())));
    assert_eq!((site.http_port, site.api_port, site.attempts), (8080, 3478, 3));
    let profile = |name: &str| site.profiles.get(&name.parse().unwrap()).unwrap();
    let Body::Linux(linux) = &profile("rescue").body else { panic!() };
    assert_eq!(
        (linux.kernel.as_str(), linux.initrds.as_slice()),
        ("grml/vmlinuz", ["grml/initrd.img".to_owned()].as_slice())
    );
    assert_eq!(profile("image").body, Body::Iso("iso/grml.iso".into()));
    assert_eq!(profile("image").loaders.any, Some(LoaderName::Script));
    let address = LoaderName::Address("https://10.0.0.9/x.efi".into());
    assert_eq!(profile("ubuntu").loaders.by_kind.get(&Kind::UefiX64), Some(&address));
    assert_eq!(profile("ubuntu").body, Body::File("pxelinux.cfg/conf/ubuntu".into()));
    assert_eq!(profile("old").class, Class::Unclassified);
    assert_eq!(profile("local").body, Body::Local);
}
