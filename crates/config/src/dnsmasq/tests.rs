//! Whole configurations: what is made of them, that nextboot's own file says the same, and that nothing is dropped in silence.

use std::{collections::BTreeMap, path::Path};

use nextboot_boot::{Client, Firmware, Rule, Unknown, VendorClass};
use nextboot_dhcp::{LeaseTime, Owner};
use nextboot_model::{Arch, LoaderName, Mac};

use super::*;
use crate::Mode;

/// Files in memory; a directory is what others are beneath.
#[derive(Debug, Default)]
pub(super) struct Memory(BTreeMap<PathBuf, String>);

impl Memory {
    fn new(files: &[(&str, &str)]) -> Self {
        Self(files.iter().map(|(path, text)| (PathBuf::from(path), (*text).to_owned())).collect())
    }
}

impl Source for Memory {
    fn read(&self, path: &Path, _: bool) -> Result<Vec<Text>, String> {
        if let Some(text) = self.0.get(path) {
            return Ok(vec![(path.to_owned(), text.clone())]);
        }
        let beneath = self.0.iter().filter(|(file, _)| file.parent() == Some(path));
        let beneath: Vec<Text> = beneath.map(|(path, text)| (path.clone(), text.clone())).collect();
        if beneath.is_empty() { Err("it is not there".into()) } else { Ok(beneath) }
    }
}

/// The box that served an office: names in one file, hardware addresses in another.
const BOX: &str = "# the boot box\n\
    domain=lab.example\n\
    expand-hosts\n\
    local=/lab.example/\n\
    interface=br0\n\
    bind-interfaces\n\
    dhcp-range=lan,10.77.0.100,10.77.0.150\n\
    dhcp-option=lan,3,10.77.0.254\n\
    dhcp-option=lan,6,9.9.9.9,149.112.112.112\n\
    dhcp-hostsfile=/conf/dhcphosts\n\
    addn-hosts=/conf/hosts\n\
    server=9.9.9.9\n\
    enable-tftp\n\
    dhcp-boot=pxelinux.0\n\
    tftp-root=/tftpboot\n";

fn links() -> Vec<Link> {
    vec![Link { name: "br0".into(), address: "10.77.0.1/24".parse().unwrap() }]
}

fn settle(main: &str, more: &[(&str, &str)]) -> Settled {
    let mut files = vec![("/conf/dnsmasq.conf", main)];
    files.extend(more);
    let source = Memory::new(&files);
    let text = "[dhcp]\ndnsmasq_conf = \"/conf/dnsmasq.conf\"\n";
    let base = Config::parse(text, Path::new("/etc/nextboot.toml")).unwrap();
    let settled = Dnsmasq::read(Path::new("/conf/dnsmasq.conf"), &source).settle(&base, &source, &links());
    says_the_same(&settled);
    settled
}

/// What is written as nextboot's own file is read as the same again.
fn says_the_same(settled: &Settled) {
    let text = write(settled);
    let own = Config::parse(&text, Path::new("/etc/nextboot.toml"));
    let own = own.unwrap_or_else(|complaints| panic!("{complaints}\n{text}"));
    let mut wanted = settled.config.clone();
    // The order of relays' networks is nobody's.
    wanted.dhcp.proxy.networks.clone_from(&own.dhcp.proxy.networks);
    wanted.dhcp.server.relays.clone_from(&own.dhcp.server.relays);
    wanted.dhcp.vendor_classes.clone_from(&own.dhcp.vendor_classes);
    // Several rows about one machine come in their own order.
    let sort = |config: &mut Config| {
        for subnet in &mut config.dhcp.server.subnets {
            subnet.reservations.sort_by_key(|one| format!("{one:?}"));
        }
    };
    let mut own = own;
    sort(&mut own);
    sort(&mut wanted);
    assert_eq!(own.dhcp, wanted.dhcp, "{text}");
    assert_eq!(own.interfaces, wanted.interfaces, "{text}");
    assert_eq!(own.files, wanted.files, "{text}");
    assert_eq!(own.tftp, wanted.tftp, "{text}");
    assert_eq!(own.site.rules, wanted.site.rules, "{text}");
    assert_eq!(own.site.unknown, wanted.site.unknown, "{text}");
    assert_eq!(own.site.pxelinux, wanted.site.pxelinux, "{text}");
    assert_eq!(own.site.networks, wanted.site.networks, "{text}");
}

fn said(settled: &Settled) -> Vec<String> {
    settled.notes.iter().map(ToString::to_string).collect()
}

/// Which loader such a machine gets by the rules.
fn loader(settled: &Settled, client: &Client) -> Option<String> {
    let fitting = settled.config.site.rules.iter().find(|rule| rule.fits(client) && rule.loader.is_some());
    fitting.and_then(|Rule { loader, .. }| loader.as_ref().map(LoaderName::to_string))
}

fn client(firmware: Firmware, arch: u16) -> Client {
    Client {
        mac: Some(Mac([2, 0, 0, 0, 0, 9])),
        firmware,
        vendor: VendorClass::of(format!("PXEClient:Arch:{arch:05}").as_bytes()),
        network: Some([10, 77, 0, 1].into()),
        ..Client::default()
    }
    .with_archs(&[Arch(arch)])
}

#[test]
fn the_box_with_names_and_hardware_addresses_is_taken_over() {
    let dhcphosts = "# machines\n\n80:EE:73:a9:19:05,client1,infinite\n02:00:00:00:00:02,hp1,infinite # no entry\n\
                     rubbish line!\n02:00:00:00:00:03,HP3,45m\n";
    let hosts = "10.77.0.21 \tclient1.lab.example \tclient1\n10.77.0.33 hp3\n";
    let settled = settle(BOX, &[("/conf/dhcphosts", dhcphosts), ("/conf/hosts", hosts)]);
    let config = &settled.config;
    assert_eq!((config.dhcp.mode, &config.interfaces[..]), (Mode::Server, &["br0".to_owned()][..]));
    assert_eq!((config.tftp.enabled, &config.files.roots[..]), (true, &[PathBuf::from("/tftpboot")][..]));
    assert_eq!(config.site.unknown, Unknown::Loader);
    let [subnet] = &config.dhcp.server.subnets[..] else { panic!("{:?}", config.dhcp.server.subnets) };
    assert_eq!(
        (subnet.network.to_string().as_str(), subnet.lease_time),
        ("10.77.0.0/24", LeaseTime::Seconds(3600))
    );
    assert_eq!(subnet.parameters.routers, ["10.77.0.254".parse::<std::net::Ipv4Addr>().unwrap()]);
    assert_eq!(subnet.parameters.dns.len(), 2);
    assert_eq!(config.dhcp.server.parameters.domain.as_deref(), Some("lab.example"));
    let [one, two, three] = &subnet.reservations[..] else { panic!("{:?}", subnet.reservations) };
    assert_eq!(one.owner, Owner::Mac(Mac([0x80, 0xee, 0x73, 0xa9, 0x19, 5])));
    assert_eq!((one.address, one.lease_time), (Some([10, 77, 0, 21].into()), Some(LeaseTime::Infinite)));
    assert_eq!((two.address, two.host_name.as_deref()), (None, Some("hp1")));
    assert_eq!(
        (three.address, three.lease_time),
        (Some([10, 77, 0, 33].into()), Some(LeaseTime::Seconds(2700)))
    );
    assert_eq!(loader(&settled, &client(Firmware::Pxe, 0)).as_deref(), Some("pxelinux.0"));
    assert_eq!(loader(&settled, &client(Firmware::Pxe, 7)), None, "UEFI gets its own loader");
    assert!(settled.fatal().next().is_none());
    assert_eq!(
        said(&settled),
        [
            "/conf/dnsmasq.conf:4: local: not taken over: nextboot serves no DNS",
            "/conf/dnsmasq.conf:6: bind-interfaces: answers go out where the question came in, and only interfaces that are served are answered",
            "/conf/dnsmasq.conf:12: server: not taken over: nextboot serves no DNS",
            "/conf/dhcphosts:5: dhcp-host: rubbish line! is no host name, hardware address, address or lease time",
        ]
    );
}

#[test]
fn a_pxe_box_gives_each_architecture_its_loader() {
    let main = "port=0\ninterface=br0\ndhcp-range=set:lan,10.77.0.100,10.77.0.150,255.255.255.0,12h\n\
        dhcp-match=set:ipxe,175\n\
        dhcp-match=set:efi64,option:client-arch,7\ndhcp-match=set:efi64,option:client-arch,9\n\
        dhcp-vendorclass=set:arm,PXEClient:Arch:00011\n\
        dhcp-mac=set:pi,b8:27:eb:*:*:*\n\
        tag-if=set:first,tag:efi64,tag:!ipxe\n\
        dhcp-boot=undionly.kpxe\n\
        dhcp-boot=tag:first,ipxe.efi\n\
        dhcp-boot=tag:arm,arm/grubaa64.efi,,10.77.0.9\n\
        dhcp-boot=tag:ipxe,boot.ipxe\n\
        dhcp-boot=tag:nobody,never.0\n\
        enable-tftp\ntftp-root=/srv/tftp\n";
    let settled = settle(main, &[]);
    let get = |firmware, arch| loader(&settled, &client(firmware, arch));
    assert_eq!(get(Firmware::Pxe, 0).as_deref(), Some("undionly.kpxe"));
    assert_eq!(get(Firmware::Pxe, 7).as_deref(), Some("ipxe.efi"));
    assert_eq!(get(Firmware::Pxe, 9).as_deref(), Some("ipxe.efi"));
    assert_eq!(get(Firmware::Pxe, 11).as_deref(), Some("arm/grubaa64.efi"));
    assert_eq!(get(Firmware::Ipxe, 7).as_deref(), Some("boot.ipxe"));
    assert_eq!(get(Firmware::Ipxe, 0).as_deref(), Some("boot.ipxe"));
    let arm = settled
        .config
        .site
        .rules
        .iter()
        .find(|rule| rule.archs == [Arch(11)] || rule.next_server == Some([10, 77, 0, 9].into()))
        .unwrap();
    assert_eq!(arm.next_server, Some([10, 77, 0, 9].into()));
    assert!(
        said(&settled)
            .iter()
            .any(|note| note.ends_with(":14: dhcp-boot: not taken over: nothing sets the tag nobody"))
    );
}

#[test]
fn ipxe_gets_the_address_that_dhcp_boot_names() {
    for ipxe in ["dhcp-match=set:ipxe,175", "dhcp-userclass=set:ipxe,iPXE"] {
        let settled = settle(
            &format!(
                "port=0\ninterface=br0\ndhcp-range=10.77.0.100,10.77.0.150,1h\n{ipxe}\n\
                 dhcp-boot=tag:!ipxe,undionly.kpxe\n\
                 dhcp-boot=tag:ipxe,http://10.0.0.1/boot.php?mac=${{net0/mac}}&x=1\nenable-tftp\ntftp-root=/srv/tftp\n"
            ),
            &[],
        );
        let get = |firmware, arch| loader(&settled, &client(firmware, arch));
        assert_eq!(get(Firmware::Pxe, 0).as_deref(), Some("undionly.kpxe"));
        assert_eq!(get(Firmware::Pxe, 7), None, "that is no file for UEFI");
        for arch in [0, 7] {
            let told = get(Firmware::Ipxe, arch);
            assert_eq!(told.as_deref(), Some("http://10.0.0.1/boot.php?mac=${net0/mac}&x=1"));
        }
        assert_eq!(said(&settled), [] as [&str; 0]);
    }
    let settled = settle(
        "port=0\ninterface=br0\ndhcp-range=10.77.0.100,10.77.0.150,1h\ndhcp-boot=ftp://10.0.0.1/x\n\
         dhcp-boot=http://10.0.0.1/x.efi?a\n",
        &[],
    );
    assert_eq!(loader(&settled, &client(Firmware::HttpBoot, 16)).as_deref(), Some("http://10.0.0.1/x.efi?a"));
    assert_eq!(loader(&settled, &client(Firmware::Pxe, 0)), None, "it is for UEFI");
    assert_eq!(
        said(&settled),
        [
            "/conf/dnsmasq.conf:4: dhcp-boot: not taken over: ftp://10.0.0.1/x is no address of a loader: use http://, \
          https:// or tftp://HOST/FILE, of at most 127 bytes"
        ]
    );
}

#[test]
fn options_go_to_those_whose_tags_they_name() {
    let main = "port=0\ndhcp-range=set:lan,10.77.0.100,10.77.0.150,1h\n\
        dhcp-host=02:00:00:00:00:01,set:red,10.77.0.9\ndhcp-host=02:00:00:00:00:02,set:red\n\
        dhcp-host=02:00:00:00:00:03,02:00:00:00:00:04,10.77.0.10\n\
        dhcp-host=02:00:00:00:00:05,ignore\ndhcp-host=02:aa:*:*:*:*,ignore\n\
        dhcp-option=option:ntp-server,0.0.0.0\ndhcp-option=tag:red,26,1400\ndhcp-option-force=tag:red,tag:!bootp,224,one\n\
        dhcp-option=lan,3\ndhcp-option=26,1500\ndhcp-option=26,1480\ndhcp-option=210,\"http://10.77.0.1/\"\n\
        dhcp-option=lan,211,30i\ndhcp-option=43,01:02\ndhcp-ignore=tag:!known\nenable-tftp\n";
    let settled = settle(main, &[]);
    let server = &settled.config.dhcp.server;
    let subnet = &server.subnets[0];
    assert_eq!(subnet.parameters.ntp, [std::net::Ipv4Addr::new(10, 77, 0, 1)], "this server's own");
    assert_eq!(subnet.parameters.never, [3]);
    let mtu = server.parameters.options.iter().find(|option| option.code == 26).unwrap();
    assert_eq!(mtu.value, [5, 200], "the later line");
    let red: Vec<_> = server.classes.iter().filter(|class| !class.parameters.options.is_empty()).collect();
    assert_eq!(red.len(), 2);
    assert!(red.iter().all(|class| class.members.macs.len() == 2), "both machines, in one class: {red:?}");
    assert!(red.iter().any(|class| class.except.len() == 1 && class.parameters.options[0].always));
    assert_eq!(server.classes.iter().filter(|class| class.drop).count(), 2);
    let shared = subnet.reservations.iter().filter(|one| one.address == Some([10, 77, 0, 10].into()));
    assert_eq!(shared.count(), 2);
    assert_eq!(settled.config.site.pxelinux.prefix.as_deref(), Some("http://10.77.0.1/"));
    assert_eq!(settled.config.site.networks[0].1.reboot, Some(30));
    let said = said(&settled).join("\n");
    for line in [12, 16, 18] {
        assert!(said.contains(&format!("dnsmasq.conf:{line}: ")), "{line}: {said}");
    }
}

#[test]
fn proxies_services_and_pools_for_some_are_taken_over() {
    let settled = settle(
        "interface=br0\ndhcp-range=10.77.0.0,proxy\npxe-service=x86PC,\"Boot\",pxelinux\n\
        pxe-service=x86-64_EFI,\"Boot\",bootx64.efi\npxe-service=x86PC,\"Other\",other\npxe-prompt=\"F8\",3\nenable-tftp\ntftp-root=/t\n",
        &[],
    );
    assert_eq!(settled.config.dhcp.mode, Mode::Proxy);
    assert_eq!(settled.config.dhcp.proxy.networks.len(), 1);
    assert_eq!(loader(&settled, &client(Firmware::Pxe, 0)).as_deref(), Some("pxelinux.0"));
    assert_eq!(loader(&settled, &client(Firmware::Pxe, 7)).as_deref(), Some("bootx64.efi"));
    assert!(
        said(&settled)
            .iter()
            .any(|note| note.contains(":5: pxe-service: not taken over: a further entry of a menu"))
    );
    let settled = settle(
        "port=0\ninterface=br0\ndhcp-match=set:pxe,60,PXEClient\ndhcp-range=tag:pxe,10.77.0.10,10.77.0.19\n\
        dhcp-range=tag:!pxe,10.77.0.20,10.77.0.29\ndhcp-range=10.77.0.15,10.77.0.40\n",
        &[],
    );
    let [one, two] = &settled.config.dhcp.server.classes[..] else { panic!("{settled:?}") };
    assert!(one.except.is_empty() && two.except.len() == 1 && one.pools.len() == 1 && two.pools.len() == 1);
    assert!(said(&settled).iter().any(|note| note.contains(":6: dhcp-range: shares addresses with")));
}

#[test]
fn a_line_without_a_server_means_this_one_whatever_lines_for_more_machines_say() {
    let settled = settle(
        "port=0\ndhcp-range=10.77.0.100,10.77.0.150\ndhcp-match=set:efi,option:client-arch,7\n\
         dhcp-boot=pxelinux.0,,10.77.0.8\ndhcp-boot=tag:efi,ipxe.efi\n",
        &[],
    );
    let rules = &settled.config.site.rules;
    let servers: Vec<_> =
        rules.iter().map(|rule| rule.next_server.map(|address| address.to_string())).collect();
    assert_eq!(servers, [Some("0.0.0.0".to_owned()), Some("10.77.0.8".to_owned())]);
    let settled =
        settle("port=0\ndhcp-range=10.77.0.100,10.77.0.150\ndhcp-boot=/x/pxelinux.0,,10.77.0.8\n", &[]);
    assert!(
        said(&settled)
            .iter()
            .any(|note| note.contains(":3: dhcp-boot: the name is told without its first /"))
    );
}

#[test]
fn machines_of_which_only_the_beginning_is_told_are_known_too() {
    let settled = settle(
        "port=0\ndhcp-range=10.77.0.100,10.77.0.150\ndhcp-host=02:02:*:*:*:*\ndhcp-host=02:03:*:*:*:*,ignore\n\
         dhcp-ignore=net:#known\n",
        &[],
    );
    let [unknown, ignored] = &settled.config.dhcp.server.classes[..] else { panic!("{settled:?}") };
    let begins: Vec<&Vec<u8>> = unknown.except.iter().flat_map(|members| &members.macs).collect();
    assert!(unknown.drop && unknown.except.iter().any(|members| members.known == Some(true)));
    assert_eq!(begins, [&vec![2, 2]]);
    assert!(ignored.drop && ignored.members.macs == [[2, 3]]);
}

#[test]
fn what_dnsmasq_refuses_is_refused_by_its_line_and_what_it_knows_is_named() {
    for (main, line, what) in [
        ("nonsense\n", 1, "dnsmasq has no such option"),
        ("\ndhcp-range\n", 2, "needs a value"),
        ("no-hosts=1\n", 1, "takes no value"),
        ("dhcp-range=1.2.3\n", 1, "is not an IPv4 address"),
        ("dhcp-host=zz:00:00:00:00:01,x\n", 1, "use a hardware address"),
        ("dhcp-option=option:nosuch,1\n", 1, "knows no option"),
        ("domain=\"a\n", 1, "quotation mark"),
        ("pxe-service=x86PC\n", 1, "has a text"),
        ("conf-file=/not/there\n", 1, "cannot read /not/there"),
    ] {
        let settled = settle(main, &[]);
        let said: Vec<String> = settled.fatal().map(ToString::to_string).collect();
        assert!(
            said.iter()
                .any(|said| said.starts_with(&format!("/conf/dnsmasq.conf:{line}: ")) && said.contains(what)),
            "{main}: {said:?}"
        );
    }
    for main in [
        "cache-size=150\n",
        "dhcp-script=/bin/x\n",
        "tftp-secure\n",
        "enable-ra\n",
        "dhcp-relay=10.0.0.1,10.0.0.2\n",
    ] {
        let settled = settle(main, &[]);
        assert!(settled.fatal().next().is_none(), "{main}");
        let [note, no_range] = &settled.notes[..] else { panic!("{main}: {:?}", settled.notes) };
        assert_eq!((note.line, note.weight), (1, Weight::Lost), "{main}");
        assert!(no_range.line == 0 && no_range.text.contains("no dhcp-range"), "{no_range}");
    }
}

#[test]
fn what_dnsmasq_starts_with_starts_here_and_is_named() {
    let range = "dhcp-range=10.77.0.100,10.77.0.150\ndhcp-option=6,9.9.9.9\n";
    for line in [
        // The manual's own example is a multicast address.
        "dhcp-host=11:22:33:44:55:66,10.77.0.60",
        "dhcp-host=06-00:20:e0:3b:13:af,10.77.0.9",
        "dhcp-host=02:00:00:00:01,10.77.0.9",
        "dhcp-host=*:*:*:*:*:*,ignore",
        "dhcp-option=300,1",
        "dhcp-option=",
        "domain=lab.example#comment",
    ] {
        let settled = settle(&format!("{range}{line}\n"), &[]);
        let [note] = &settled.notes[..] else { panic!("{line}: {:?}", settled.notes) };
        assert_eq!((note.line, note.weight), (3, Weight::Lost), "{line}");
        assert!(note.text.contains("not taken over"), "{note}");
    }
    for line in ["conf-file=", "conf-dir=", "dhcp-hostsfile=", "addn-hosts=", "tftp-root="] {
        let settled = settle(&format!("{range}{line}\n"), &[]);
        assert!(settled.notes.is_empty(), "{line}: {:?}", settled.notes);
        assert!(settled.config.files.roots.iter().all(|root| root.is_absolute()), "{line}");
    }
}

#[test]
fn what_only_debians_service_reads_is_named() {
    let own = ("/conf/dnsmasq.d/pxe.conf", "dhcp-range=10.77.0.100,10.77.0.150\n");
    let about = ("/conf/dnsmasq.d/README", "# All files here are read.\n");
    let settled = settle("# nothing here\n", &[about, own]);
    let said = said(&settled);
    assert!(said.iter().any(|note| note.contains("no dhcp-range")), "{said:?}");
    let remedy = "write conf-dir=/conf/dnsmasq.d into it";
    assert!(
        said.iter().any(|note| note.contains("pxe.conf is not read") && note.ends_with(remedy)),
        "{said:?}"
    );
    let settled = settle("conf-dir=/conf/dnsmasq.d\ndhcp-option=6,9.9.9.9\n", &[about, own]);
    assert_eq!((settled.config.dhcp.mode, settled.notes), (Mode::Server, vec![]));
    let settled = settle("dhcp-range=10.77.0.9,10.77.0.10\ndhcp-option=6,9.9.9.9\n", &[about]);
    assert!(settled.notes.is_empty(), "{:?}", settled.notes);
}

#[test]
fn a_main_file_says_the_same_until_a_line_means_something_else_or_nothing() {
    let read = |main: &str| {
        let source = Memory::new(&[("/conf/dnsmasq.conf", main)]);
        Dnsmasq::read(Path::new("/conf/dnsmasq.conf"), &source)
    };
    let first = read("cache-size=1\ndhcp-range=10.77.0.9,10.77.0.20\n");
    let same = "# more\n\ncache-size=2\n dhcp-range = 10.77.0.9,10.77.0.20 # here\n";
    assert!(first.says_the_same(&read(same)));
    for other in [
        "cache-size=1\ndhcp-range=10.77.0.9,10.77.0.21\n",
        "cache-size=1\ndhcp-range=10.77.0.9,10.77.0.20\nnonsense\n",
    ] {
        assert!(!first.says_the_same(&read(other)), "{other}");
    }
}

#[test]
fn includes_have_bounds() {
    let names: Vec<String> = (0..40).map(|number| format!("/conf/{number}")).collect();
    let texts: Vec<String> = (1..=40).map(|number| format!("conf-file=/conf/{number}\n")).collect();
    let files: Vec<(&str, &str)> =
        names.iter().map(String::as_str).zip(texts.iter().map(String::as_str)).collect();
    let settled = settle("conf-file=/conf/0\n", &files);
    assert!(said(&settled).iter().any(|note| note.contains("include each other")));
    let range = "dhcp-range=10.77.0.9,10.77.0.20\ndhcp-option=6,9.9.9.9\n";
    let settled = settle(
        &format!(
            "conf-file=/conf/dnsmasq.conf\nconf-dir=/d,*.conf\nconf-file=/d/a.conf\nconf-dir=/e,.bak\n{range}"
        ),
        &[
            ("/d/a.conf", "domain=one.example\ndhcp-range=10.77.0.100,10.77.0.150\n"),
            ("/d/b.txt", "nonsense\n"),
            ("/e/c", "expand-hosts\n"),
            ("/e/c.bak", "nonsense\n"),
        ],
    );
    assert_eq!(said(&settled), [] as [&str; 0], "each file is read once");
    assert_eq!(settled.config.dhcp.server.parameters.domain.as_deref(), Some("one.example"));
    let many = "nonsense\n".repeat(3000);
    assert!(settle(&many, &[]).notes.len() <= 1002);
}

#[test]
fn anything_may_stand_in_its_files() {
    let words = [
        "dhcp-range=",
        "dhcp-host=",
        "dhcp-option=",
        "dhcp-boot=",
        "pxe-service=",
        "dhcp-match=",
        "tag-if=",
        "tag:a",
        "set:a",
        "set:b",
        "tag:!b",
        ",",
        ",",
        "10.77.0.9",
        "10.77.0.200",
        "static",
        "proxy",
        "\"",
        "x",
        "12h",
        "02:00:00:00:00:01",
        "option:",
        "60",
        "*",
        "ignore",
        "=",
        "\n",
        "\n",
        "\u{fffd}",
        "999999999999",
        "/",
        "dhcp-hostsfile=/conf/h",
        "255.255.255.0",
    ];
    let mut seed = 1_u64;
    for _ in 0..400 {
        let mut text = String::new();
        for _ in 0..60 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(words[(seed >> 33) as usize % words.len()]);
        }
        let files = [("/conf/h", text.as_str())];
        settle(&text, &files);
    }
}
