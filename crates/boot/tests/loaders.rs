//! Which loader each machine gets, and why.

#![allow(clippy::unwrap_used)]

use std::{collections::BTreeMap, sync::Arc};

use nextboot_boot::{
    Body, Chain, Client, Entry, Firmware, Kind, Language, Linux, Loader, MemoryTree, OwnLoaders, Plan,
    Profile, Rule, SecureBoot, Site, Unknown, VendorClass, decide,
};
use nextboot_model::{
    Arch, Class, Command, Door, Host, HostPatch, LoaderName, Mac, ProfileName, PxelinuxOptions,
    PxelinuxPatch, State, Target, Timestamp, Until,
};

const MAC: Mac = Mac([0x52, 0x54, 0, 0, 0, 1]);
const BASE: &str = "http://10.0.0.1:8080";

/// One host, assigned one profile.
struct World {
    site: Site,
    state: State,
    tree: MemoryTree,
}

impl World {
    fn new(class: Class, own: Option<&str>) -> Self {
        let name: ProfileName = "p".parse().unwrap();
        let linux = Linux { kernel: "linux".into(), ..Linux::default() };
        let body = if class == Class::Local { Body::Local } else { Body::Linux(linux) };
        let profile = Profile {
            name: name.clone(),
            title: None,
            class,
            body,
            seed: None,
            loaders: OwnLoaders::default(),
        };
        let site = Site {
            profiles: BTreeMap::from([(name.clone(), Arc::new(profile))]),
            attempts: 3,
            gives_addresses: true,
            ..Site::default()
        };
        let mut world = Self { site, state: State::default(), tree: MemoryTree::default() };
        let host = Host {
            name: "n1".parse().unwrap(),
            macs: vec![MAC],
            uuid: None,
            address: None,
            loader: own.map(|own| own.parse().unwrap()),
            exit: None,
            power: None,
            pxelinux: Default::default(),
            vars: BTreeMap::new(),
        };
        world.run(&Command::AddHost { host, by: by() }, 1);
        let targets = vec![Target::Mac(MAC)];
        world.run(&Command::Assign { targets, profile: name, class, until: Until::Changed, by: by() }, 2);
        world
    }

    fn run(&mut self, command: &Command, at: u64) {
        let verdict = command.check(&self.state, Timestamp(at)).unwrap();
        verdict.changes.iter().for_each(|change| self.state.apply(change));
    }

    fn profile(&mut self, change: impl FnOnce(&mut Profile)) {
        let name: ProfileName = "p".parse().unwrap();
        let mut profile = (*self.site.profiles[&name]).clone();
        change(&mut profile);
        self.site.profiles.insert(name, Arc::new(profile));
    }

    fn plan(&self, client: &Client) -> Plan {
        decide(&self.site, &self.state, &self.tree, client)
    }

    /// The loader as the client is told it, and why.
    fn told(&self, client: &Client) -> (Option<String>, String) {
        let plan = self.plan(client);
        (plan.loader.map(|loader| loader.boot_file(client, BASE)), plan.loader_why)
    }
}

fn by() -> Door {
    Door::Api { who: "test".into() }
}

fn client(firmware: Firmware, archs: &[u16]) -> Client {
    let archs: Vec<Arch> = archs.iter().copied().map(Arch).collect();
    Client { firmware, ..Client::of(MAC) }.with_archs(&archs)
}

fn name(text: &str) -> LoaderName {
    text.parse().unwrap()
}

/// Who asks with which architectures; what it is told for a kernel, and for its own disk.
type Row = (Firmware, &'static [u16], Option<&'static str>, Option<&'static str>);

#[test]
fn each_kind_of_machine_gets_its_loader_and_firmware_that_goes_on_by_itself_silence_for_its_own_disk() {
    use Firmware::{Bootp, HttpBoot, Ipxe, Pxe, RaspberryPi, System, UBoot, Unknown};
    const SCRIPT: &str = "http://10.0.0.1:8080/ipxe/52:54:00:00:00:01";
    const PXELINUX: Option<&str> = Some("pxelinux.0");
    let rows: &[Row] = &[
        (Pxe, &[0x00], PXELINUX, PXELINUX),
        // A ROM without option 93 predates UEFI.
        (Pxe, &[], PXELINUX, PXELINUX),
        (Bootp, &[], PXELINUX, PXELINUX),
        (HttpBoot, &[0x14], None, None),
        (Ipxe, &[0x00], PXELINUX, PXELINUX),
        (Ipxe, &[], PXELINUX, PXELINUX),
        (Ipxe, &[0x07], Some(SCRIPT), Some(SCRIPT)),
        (Ipxe, &[0x0b], Some(SCRIPT), Some(SCRIPT)),
        (Pxe, &[0x06], Some("efi32/syslinux.efi"), None),
        // SYSLINUX, which is all that Debian has for it, does not start that way.
        (HttpBoot, &[0x0f], None, None),
        (Pxe, &[0x07], Some("shimx64.efi"), None),
        // Old x86-64 firmware says EBC.
        (Pxe, &[0x09], Some("shimx64.efi"), None),
        (HttpBoot, &[0x10], Some("http://10.0.0.1:8080/snponly.efi"), None),
        (HttpBoot, &[0x11], Some("http://10.0.0.1:8080/snponly.efi"), None),
        (Pxe, &[0x0a], None, None),
        (Pxe, &[0x0b], Some("shimaa64.efi"), None),
        // Its GRUB would stop at the prompt.
        (HttpBoot, &[0x13], None, None),
        (Pxe, &[0x1b], None, None),
        (HttpBoot, &[0x1c], None, None),
        (Pxe, &[0x27], None, None),
        (HttpBoot, &[0x28], None, None),
        // A Pi calls itself a BIOS.
        (RaspberryPi, &[0x00], Some("bootcode.bin"), None),
        (RaspberryPi, &[0x29], Some("bootcode.bin"), None),
        (Pxe, &[0x15], PXELINUX, None),
        (UBoot, &[0x16], PXELINUX, None),
        (UBoot, &[], None, None),
        // Several architectures: the first that has a loader.
        (Pxe, &[0x0a, 0x06], Some("efi32/syslinux.efi"), None),
        (Pxe, &[0x02, 0x09], Some("shimx64.efi"), None),
        (Pxe, &[0x63], None, None),
        (System, &[], None, None),
        (Unknown, &[0x07], None, None),
    ];
    let (kernel, disk) = (World::new(Class::Live, None), World::new(Class::Local, None));
    for (firmware, archs, for_kernel, for_disk) in rows {
        let client = client(*firmware, archs);
        for (world, wanted) in [(&kernel, for_kernel), (&disk, for_disk)] {
            let (told, why) = world.told(&client);
            assert_eq!(told.as_deref(), *wanted, "{firmware} {archs:x?}: {why}");
            assert_eq!(why.is_empty(), !firmware.boots(), "{firmware} {archs:x?} is told why: {why}");
        }
    }
}

#[test]
fn a_url_for_http_boot_has_an_address_one_slash_and_no_odd_bytes() {
    let world = World::new(Class::Live, Some("/EFI/boot/loader.efi"));
    let (told, why) = world.told(&client(Firmware::HttpBoot, &[0x10]));
    assert_eq!(told.as_deref(), Some("http://10.0.0.1:8080/EFI/boot/loader.efi"), "{why}");
    let (told, why) = World::new(Class::Live, Some("shim.signed")).told(&client(Firmware::HttpBoot, &[0x10]));
    assert!(told.is_some() && why.contains("takes .efi, .iso and .img"), "{why}");
    let odd = Loader::file("a%b#c?.efi").boot_file(&client(Firmware::HttpBoot, &[0x10]), BASE);
    assert_eq!(odd, "http://10.0.0.1:8080/a%25b%23c%3F.efi");
}

#[test]
fn the_most_specific_word_holds_and_each_says_which_it_was() {
    let x64 = client(Firmware::Pxe, &[0x07]);
    let mut world = World::new(Class::Live, None);
    let mut says = |change: &dyn Fn(&mut World), loader: &str, reason: &str| {
        change(&mut world);
        let (told, why) = world.told(&x64);
        assert_eq!((told.as_deref(), why.as_str()), (Some(loader), reason));
    };
    let signed = "[boot.loaders] uefi-x64, signed, secure_boot = \"prefer\", and GRUB can boot p";
    says(&|_| {}, "shimx64.efi", signed);
    says(
        &|world| {
            world.site.loaders.0.insert(Kind::UefiX64, Entry::file("table.efi"));
        },
        "table.efi",
        "[boot.loaders] uefi-x64",
    );
    says(
        &|world| {
            let other =
                Rule { arch: vec![Kind::UefiArm64], loader: Some(name("arm.efi")), ..Rule::default() };
            let vendor = Some("PXE".into());
            let rule = Rule { vendor, loader: Some(name("rule.efi")), ..Rule::default() };
            let second = Rule { loader: Some(name("second.efi")), mac: Some(vec![0x52]), ..Rule::default() };
            world.site.rules = vec![other, rule, second];
        },
        "second.efi",
        "[[boot.rule]] 3: mac 52",
    );
    says(
        &|world| world.profile(|profile| profile.loaders.any = Some(name("profile.efi"))),
        "profile.efi",
        "profile p, loader",
    );
    let by_kind = |world: &mut World| {
        world.profile(|profile| {
            profile.loaders.by_kind.insert(Kind::UefiX64, name("kind.efi"));
        });
    };
    says(&by_kind, "kind.efi", "profile p, loaders.uefi-x64");
    says(
        &|world| {
            let loader = Some(Some(name("host.efi")));
            let patch = HostPatch { loader, ..Default::default() };
            world.run(&Command::SetHost { name: "n1".parse().unwrap(), patch }, 3);
        },
        "host.efi",
        "the host's own loader",
    );
}

#[test]
fn all_that_a_rule_names_must_fit() {
    let machine = Client {
        vendor: VendorClass::of(b"PXEClient:Arch:00007:UNDI:003016"),
        network: Some([10, 1, 2, 3].into()),
        ..client(Firmware::Pxe, &[0x07])
    };
    let whole = Rule {
        firmware: vec![Firmware::HttpBoot, Firmware::Pxe],
        arch: vec![Kind::UefiArm64, Kind::UefiX64],
        vendor: Some("PXEClient:Arch:00007:UNDI:003016".into()),
        mac: Some(vec![0x52, 0x54]),
        subnet: Some("10.1.0.0/16".parse().unwrap()),
        ..Rule::default()
    };
    assert!(whole.fits(&machine));
    for broken in [
        Rule { firmware: vec![Firmware::Ipxe], ..whole.clone() },
        Rule { arch: vec![Kind::Bios], ..whole.clone() },
        Rule { vendor: Some("PXEClient:Arch:00000".into()), ..whole.clone() },
        Rule { mac: Some(vec![0x54]), ..whole.clone() },
        Rule { subnet: Some("10.2.0.0/16".parse().unwrap()), ..whole.clone() },
    ] {
        assert!(!broken.fits(&machine), "{broken}");
    }
    // Where a thing is not known, no rule about it fits.
    let nobody = Client { firmware: Firmware::Pxe, ..Client::default() };
    for part in [
        Rule { arch: whole.arch.clone(), ..Rule::default() },
        Rule { vendor: whole.vendor.clone(), ..Rule::default() },
        Rule { mac: whole.mac.clone(), ..Rule::default() },
        Rule { subnet: whole.subnet, ..Rule::default() },
    ] {
        assert!(part.fits(&machine) && !part.fits(&nobody), "{part}");
    }
    let number = |number| Rule { archs: vec![Arch(number)], ..Rule::default() };
    let but = |except: Rule| Rule { except: vec![except], ..Rule::default() };
    assert!(number(7).fits(&machine) && !number(9).fits(&machine));
    assert!(but(number(9)).fits(&machine) && !but(number(7)).fits(&machine));
    let http = Rule { arch: vec![Kind::UefiX64], ..Rule::default() };
    assert!(http.fits(&client(Firmware::HttpBoot, &[0x10])), "HTTP Boot is the same machine");
    assert!(http.fits(&client(Firmware::Ipxe, &[0x07])), "and so is iPXE on it");
    let pi = Rule { arch: vec![Kind::RaspberryPi], ..Rule::default() };
    assert!(pi.fits(&client(Firmware::RaspberryPi, &[0x00])) && !pi.fits(&client(Firmware::Pxe, &[0x00])));
}

#[test]
fn a_rule_may_name_another_server_and_leave_the_loader_to_the_table() {
    let mut world = World::new(Class::Live, None);
    let next_server = Some([10, 0, 0, 5].into());
    world.site.rules = vec![Rule { firmware: vec![Firmware::Pxe], next_server, ..Rule::default() }];
    let plan = world.plan(&client(Firmware::Pxe, &[0x07]));
    assert_eq!((plan.next_server, plan.loader), (next_server, Some(Loader::file("shimx64.efi"))));
    assert_eq!(world.plan(&client(Firmware::HttpBoot, &[0x10])).next_server, None);
}

/// What a profile boots, and what x86-64 UEFI gets for it by PXE where we give the addresses, under each policy.
#[test]
fn the_signed_chain_is_given_where_the_profile_can_boot_under_it() {
    let file = |text: &'static str| (Body::File("p.cfg".into()), text);
    let kernel = || Body::Linux(Linux { kernel: "linux".into(), ..Linux::default() });
    let rows = [
        ((kernel(), ""), "shimx64.efi", "snponly.efi"),
        (file("DEFAULT a\nLABEL a\n LINUX k\n"), "shimx64.efi", "snponly.efi"),
        (file("UI vesamenu.c32\nLABEL a\n LINUX k\nLABEL b\n LOCALBOOT 0\n"), "shimx64.efi", "snponly.efi"),
        (file("UI vesamenu.c32\nLABEL a\n MENU DEFAULT\n COM32 hdt.c32\n"), "none", "efi64/syslinux.efi"),
        (file("DEFAULT memtest.bin\n"), "none", "efi64/syslinux.efi"),
        // GRUB passes no backslash on to a kernel; iPXE does.
        (file("DEFAULT a\nLABEL a\n LINUX k\n APPEND a\\\\b\n"), "none", "snponly.efi"),
    ];
    let x64 = client(Firmware::Pxe, &[0x07]);
    for ((body, text), signed, unsigned) in rows {
        let mut world = World::new(Class::Live, None);
        world.profile(|profile| profile.body = body.clone());
        world.tree.files.insert("p.cfg".into(), text.into());
        let mut told = |policy| {
            world.site.secure_boot = policy;
            let (told, why) = world.told(&x64);
            (told.unwrap_or_else(|| "none".into()), why)
        };
        let (preferred, because) = if signed == "none" { (unsigned, "GRUB: ") } else { (signed, "prefer") };
        for (policy, wanted, because) in [
            (SecureBoot::Prefer, preferred, because),
            (SecureBoot::Always, signed, "secure_boot = \"always\""),
            (SecureBoot::Never, unsigned, "secure_boot = \"never\""),
        ] {
            let (told, why) = told(policy);
            assert_eq!(told, wanted, "{policy:?} {body:?} {text}: {why}");
            assert!(why.contains(because), "{policy:?} {body:?} {text}: {why}");
        }
    }
}

#[test]
fn the_signed_chain_is_given_only_where_grub_gets_as_far_as_its_configuration() {
    let x64 = client(Firmware::Pxe, &[0x07]);
    let http = client(Firmware::HttpBoot, &[0x10]);
    let mut world = World::new(Class::Live, None);
    let (told, why) = world.told(&http);
    assert_eq!(told.as_deref(), Some("http://10.0.0.1:8080/snponly.efi"));
    assert!(why.contains("no network when HTTP Boot started it"), "{why}");
    let mut menu = World::new(Class::Live, None);
    menu.profile(|profile| profile.body = Body::File("p.cfg".into()));
    menu.tree.files.insert("p.cfg".into(), "DEFAULT memtest.bin\n".into());
    let (told, why) = menu.told(&http);
    assert!(told.is_none() && why.contains("SYSLINUX does not start by HTTP Boot"), "{why}");
    let ia32 = |firmware, arch| World::new(Class::Live, None).told(&client(firmware, &[arch]));
    let (told, why) = ia32(Firmware::HttpBoot, 0x0f);
    assert!(told.is_none(), "{told:?}");
    assert!(why.contains("uefi-ia32, but efi32/syslinux.efi does not start by HTTP Boot"), "{why}");
    assert_eq!(ia32(Firmware::Pxe, 0x06).0.as_deref(), Some("efi32/syslinux.efi"));
    world.site.gives_addresses = false;
    let (told, why) = world.told(&x64);
    assert_eq!(told.as_deref(), Some("snponly.efi"));
    assert!(why.contains("only the server that gave the address"), "{why}");
    world.site.gives_addresses = true;
    world.site.absent.insert("shimx64.efi".into(), "grubx64.efi".into());
    let (told, why) = world.told(&x64);
    assert_eq!(told.as_deref(), Some("snponly.efi"));
    assert_eq!(why, "[boot.loaders] uefi-x64, unsigned: grubx64.efi is not there");
    // Where there is no other, it is what is left to try.
    world.site.gives_addresses = false;
    assert_eq!(world.told(&client(Firmware::Pxe, &[0x0b])).0.as_deref(), Some("shimaa64.efi"));
    world.site.secure_boot = SecureBoot::Always;
    assert_eq!(world.told(&x64).0.as_deref(), Some("shimx64.efi"));
    assert_eq!(world.told(&http).0.as_deref(), Some("http://10.0.0.1:8080/shimx64.efi"));
    world.site.secure_boot = SecureBoot::Never;
    let (told, why) = world.told(&client(Firmware::Pxe, &[0x0b]));
    assert_eq!(told, None);
    assert!(why.contains("there is no unsigned loader: secure_boot = \"never\""), "{why}");
}

#[test]
fn shims_second_stage_stands_beside_it() {
    let second = |signed: &str| Chain { signed: signed.into(), unsigned: None, menu: None }.second_stage();
    assert_eq!(second("shimx64.efi").as_deref(), Some("grubx64.efi"));
    assert_eq!(second("EFI/a/shimaa64.efi").as_deref(), Some("EFI/a/grubaa64.efi"));
    assert_eq!(second("d-i/bootnetaa64.efi").as_deref(), Some("d-i/grubaa64.efi"));
    assert_eq!(second("own-signed.efi"), None);
}

#[test]
fn none_and_script_are_words_for_every_machine() {
    let x64 = client(Firmware::Pxe, &[0x07]);
    let (told, why) = World::new(Class::Live, Some("none")).told(&x64);
    assert_eq!((told, why.as_str()), (None, "the host's own loader: none"));
    let world = World::new(Class::Live, Some("script"));
    assert_eq!(world.told(&x64).0.as_deref(), Some("snponly.efi"), "first iPXE");
    assert_eq!(world.told(&client(Firmware::Pxe, &[0])).0.as_deref(), Some("undionly.kpxe"));
    let (told, why) = world.told(&client(Firmware::Ipxe, &[0x00]));
    assert_eq!(
        told.as_deref(),
        Some("http://10.0.0.1:8080/ipxe/52:54:00:00:00:01"),
        "then its script: {why}"
    );
    let (told, why) = world.told(&client(Firmware::Pxe, &[0x0b]));
    assert!(told.is_none() && why.contains("no iPXE is known for uefi-arm64"), "{why}");
}

#[test]
fn rule_20_ipxe_is_never_given_ipxe_again() {
    let script = Some("http://10.0.0.1:8080/ipxe/52:54:00:00:00:01");
    for ipxe in ["ipxe.efi", "lab/snponly.efi", "undionly.kpxe", "ipxe-x86_64.efi", "snp.efi"] {
        let world = World::new(Class::Live, Some(ipxe));
        assert_eq!(world.told(&client(Firmware::Pxe, &[0x07])).0.as_deref(), Some(ipxe));
        for arch in [0x00, 0x07, 0x0b] {
            let (told, why) = world.told(&client(Firmware::Ipxe, &[arch]));
            assert_eq!(told.as_deref(), script, "{ipxe} {arch:x}: {why}");
        }
    }
    let mut world = World::new(Class::Live, None);
    world.site.loaders.0.insert(Kind::IpxeBios, Entry::file("undionly.kpxe"));
    assert_eq!(world.told(&client(Firmware::Ipxe, &[0])).0.as_deref(), script, "nor by the table");
}

#[test]
fn a_loader_that_is_an_address_is_told_as_it_is() {
    let script = "http://10.0.0.9/boot.ipxe?mac=${net0/mac}";
    let (ipxe, http) = (client(Firmware::Ipxe, &[0]), client(Firmware::HttpBoot, &[0x10]));
    let mut world = World::new(Class::Live, Some(script));
    assert_eq!(world.told(&ipxe), (Some(script.to_owned()), "the host's own loader".to_owned()));
    assert_eq!(world.plan(&ipxe).loader.unwrap().language(), Some(Language::Ipxe));
    world.site.pxelinux = PxelinuxOptions { reboot: Some(30), ..PxelinuxOptions::default() };
    assert_eq!(world.plan(&ipxe).loader_options().len(), 1, "it may be PXELINUX that is there");
    let (told, why) = world.told(&http);
    assert!(told.as_deref() == Some(script) && why.ends_with("takes .efi, .iso and .img"), "{why}");
    let (told, why) = world.told(&client(Firmware::Pxe, &[0]));
    assert!(told.as_deref() == Some(script) && why.contains("a boot ROM fetches by TFTP"), "{why}");
    let image = "https://10.0.0.9/ipxe.efi?x=y.z";
    let world = World::new(Class::Live, Some(image));
    assert_eq!(world.told(&http), (Some(image.to_owned()), "the host's own loader".to_owned()));
    assert_eq!(world.plan(&http).loader.unwrap().language(), None);
    let again = Some("http://10.0.0.1:8080/ipxe/52:54:00:00:00:01");
    assert_eq!(world.told(&ipxe).0.as_deref(), again, "iPXE is not given iPXE by its address either");
    let (told, why) = World::new(Class::Live, Some("tftp://10.0.0.9/x.efi")).told(&http);
    assert!(told.is_some() && why.ends_with("HTTP Boot fetches by http:// and https:// only"), "{why}");
}

#[test]
fn who_is_to_boot_its_own_disk_is_sent_to_no_address() {
    let address = "http://10.0.0.9/install.ipxe";
    let at_the_disk = |world: &World| {
        let (told, why) = world.told(&client(Firmware::Ipxe, &[0]));
        assert_eq!(told.as_deref(), Some("http://10.0.0.1:8080/ipxe/52:54:00:00:00:01"), "{why}");
        assert!(why.contains("http://10.0.0.9/install.ipxe does not lead to its own disk"), "{why}");
        for (firmware, archs) in [(Firmware::HttpBoot, [0x10]), (Firmware::Pxe, [0]), (Firmware::Pxe, [7])] {
            let (told, why) = world.told(&client(firmware, &archs));
            assert_eq!(told, None, "{firmware} {archs:?}: {why}");
        }
    };
    at_the_disk(&World::new(Class::Local, Some(address)));
    let mut world = World::new(Class::Local, None);
    world.site.rules = vec![Rule { loader: Some(name(address)), ..Rule::default() }];
    at_the_disk(&world);
}

#[test]
fn a_kind_without_a_loader_says_where_to_name_one() {
    let (told, why) = World::new(Class::Live, None).told(&client(Firmware::Pxe, &[0x1b]));
    assert!(told.is_none());
    assert_eq!(why, "RISC-V 64 UEFI has no loader; set [boot.loaders] uefi-riscv64");
    let (_, why) = World::new(Class::Live, None).told(&client(Firmware::Pxe, &[0x63]));
    assert_eq!(why, "no loader is known for architecture 99 (PXE)");
}

#[test]
fn no_loader_of_anybody_makes_a_stranger_be_answered() {
    let mut world = World::new(Class::Live, None);
    world.site.rules = vec![Rule { mac: Some(vec![2]), loader: Some(name("x.efi")), ..Rule::default() }];
    for (firmware, arch) in [(Firmware::Pxe, 7), (Firmware::RaspberryPi, 0), (Firmware::Ipxe, 0)] {
        let mac = Some(Mac([2, 0, 0, 0, 0, 9]));
        let stranger = Client { mac, ..client(firmware, &[arch]) };
        world.site.unknown = Unknown::Ignore;
        assert_eq!(world.plan(&stranger).loader, None, "{firmware}");
        world.site.unknown = Unknown::Profile("p".parse().unwrap());
        assert!(
            world.plan(&stranger).loader.is_some(),
            "{firmware}: the rule for unknown machines lets it in"
        );
        world.profile(|profile| profile.class = Class::Install);
        assert_eq!(world.plan(&stranger).loader, None, "{firmware}: an installer is for nobody unknown");
        world.profile(|profile| profile.class = Class::Live);
    }
}

#[test]
fn what_pxelinux_is_told_comes_from_the_nearest_that_says_something() {
    let mut world = World::new(Class::Live, None);
    let told = |config: &str, prefix: Option<&str>, reboot: Option<u32>| PxelinuxOptions {
        config: Some(config.into()),
        prefix: prefix.map(str::to_owned),
        reboot,
    };
    world.site.pxelinux = told("site", Some("site/"), Some(1));
    world.site.networks = vec![
        ("10.1.0.0/16".parse().unwrap(), told("net", Some("net/"), None)),
        ("10.2.0.0/16".parse().unwrap(), told("other", None, None)),
    ];
    let bios = |network: [u8; 4]| Client { network: Some(network.into()), ..client(Firmware::Pxe, &[0]) };
    let is = |world: &World, network: [u8; 4]| {
        let PxelinuxOptions { config, prefix, reboot } = world.plan(&bios(network)).pxelinux;
        (config.unwrap(), prefix.unwrap(), reboot.unwrap())
    };
    assert_eq!(is(&world, [10, 3, 0, 1]), ("site".into(), "site/".into(), 1));
    assert_eq!(is(&world, [10, 2, 0, 1]), ("other".into(), "site/".into(), 1));
    assert_eq!(is(&world, [10, 1, 0, 1]), ("net".into(), "net/".into(), 1));
    world.profile(|profile| profile.loaders.pxelinux.config = Some("profile".into()));
    assert_eq!(is(&world, [10, 1, 0, 1]), ("profile".into(), "net/".into(), 1));
    let patch = HostPatch {
        pxelinux: PxelinuxPatch { reboot: Some(Some(9)), config: Some(Some("host".into())), prefix: None },
        ..HostPatch::default()
    };
    world.run(&Command::SetHost { name: "n1".parse().unwrap(), patch }, 3);
    assert_eq!(is(&world, [10, 1, 0, 1]), ("host".into(), "net/".into(), 9));
    let codes: Vec<u8> =
        world.plan(&bios([10, 1, 0, 1])).loader_options().iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, [209, 210, 211]);
}

#[test]
fn a_stranger_may_get_its_loader_whatever_the_tree_has() {
    let mut world = World::new(Class::Live, None);
    world.site.unknown = Unknown::Loader;
    let stranger = Client { mac: Some(Mac([2, 0, 0, 0, 0, 9])), ..client(Firmware::Pxe, &[0]) };
    assert_eq!(world.plan(&stranger).loader, Some(Loader::file("pxelinux.0")));
}

#[test]
fn a_machine_has_one_word_and_a_word_one_machine() {
    for kind in Kind::ALL {
        let client = Kind::client(kind.key()).unwrap();
        assert_eq!(Kind::of(&client), [kind]);
        assert_eq!(Kind::word(&client).as_deref(), Some(kind.key()));
    }
    let http = Kind::client("http-uefi-arm64").unwrap();
    assert_eq!((http.firmware, Kind::word(&http).as_deref()), (Firmware::HttpBoot, Some("http-uefi-arm64")));
    assert_eq!(Kind::word(&client(Firmware::HttpBoot, &[0x10])).as_deref(), Some("http-uefi-x64"));
    for wrong in ["", "x64", "http-bios", "http-", "http-u-boot-arm64"] {
        assert_eq!(Kind::client(wrong), None, "{wrong}");
    }
}
