//! The same files given to dnsmasq and to nextboot, the same questions asked of both: the answers have to say the same.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nextboot_firmware::message::{Kind, code};
use nextboot_model::Mac;
use nextboot_tests::wire::{Client, Clients, Heard};
use nextboot_tests::{Lab, PATIENCE};

/// How long an answer may take; there is no other sign of silence from dnsmasq.
const ANSWER: Duration = Duration::from_secs(4);
/// How long silence is listened to.
const SILENCE: Duration = Duration::from_millis(1500);

/// What every question asks for.
const WANTED: [u8; 23] =
    [1, 2, 3, 4, 6, 7, 12, 13, 15, 17, 19, 23, 26, 28, 42, 44, 119, 121, 128, 150, 224, 225, 252];

/// The answer as far as both have to agree on it; addresses of ranges are as good as one another.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Nothing,
    Answer {
        kind: Option<Kind>,
        address: String,
        siaddr: String,
        file: String,
        options: BTreeMap<u8, Vec<u8>>,
    },
}

/// One box: its main file, its other files, and who asks.
struct Case {
    name: &'static str,
    main: &'static str,
    files: &'static [(&'static str, &'static str)],
    clients: Vec<Asks>,
}

/// Somebody who asks.
struct Asks {
    client: Client,
    /// Whether it is firmware: nextboot tells systems nothing about booting, dnsmasq does.
    boots: bool,
}

impl Asks {
    fn says(self, code: u8, value: impl AsRef<[u8]>) -> Self {
        Self { client: self.client.says(code, value), ..self }
    }

    fn id(self, id: impl AsRef<[u8]>) -> Self {
        Self { client: self.client.id(id), ..self }
    }
}

fn system(client: Client) -> Asks {
    Asks { client, boots: false }
}

fn machine(number: u8) -> Asks {
    system(Client::new(number).says(code::PARAMETERS, WANTED))
}

/// As a PXE ROM of this architecture; the file is asked for by no option, so that both have it in its field.
fn rom(number: u8, arch: u16) -> Asks {
    let asks = machine(number)
        .says(60, format!("PXEClient:Arch:{arch:05}:UNDI:003000"))
        .says(93, arch.to_be_bytes())
        .says(94, [1, 2, 1]);
    Asks { boots: true, ..asks }
}

fn ipxe(number: u8, arch: u16) -> Asks {
    rom(number, arch).says(77, "iPXE").says(175, [0xb1, 1, 1])
}

fn said(heard: Option<Heard>, boots: bool) -> Said {
    let Some(heard) = heard else { return Said::Nothing };
    let last = heard.header.yiaddr.octets()[3];
    let address =
        if (100..=150).contains(&last) { "of the range".to_owned() } else { heard.header.yiaddr.to_string() };
    let text = |bytes: &[u8]| {
        let bytes: Vec<u8> = bytes.iter().copied().take_while(|b| *b != 0).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let field = text(&heard.header.file);
    let file = if field.is_empty() { heard.value(67).map(text).unwrap_or_default() } else { field };
    // A name is beneath the root with and without it.
    let file = file.trim_start_matches('/').to_owned();
    let compared = WANTED.iter().chain(&[51, 54, 209, 210, 211]);
    let told = compared.filter(|code| boots || !(209..=211).contains(*code));
    let options = told.filter_map(|code| Some((*code, heard.value(*code)?.to_vec()))).collect();
    // Only who boots is told from where.
    let siaddr = if file.is_empty() || !boots { String::new() } else { heard.header.siaddr.to_string() };
    let file = if boots { file } else { String::new() };
    Said::Answer { kind: heard.kind(), address, siaddr, file, options }
}

/// All answers of one server: to each client's DISCOVER, and to the REQUEST that takes the offer.
fn answers(lab: &Lab, case: &Case) -> Result<Vec<(Said, Said)>> {
    let side = lab.join("10.77.0.250/24")?;
    let mut clients = Clients::on(&side, "eth0")?;
    let mut all = Vec::new();
    for Asks { client, boots } in &case.clients {
        let mut offer = clients.answer(&client.discover(), SILENCE)?;
        if offer.is_none() {
            offer = clients.answer(&client.discover(), SILENCE)?;
        }
        let ack = match &offer {
            Some(offer) => clients.answer(&client.select(offer.header.yiaddr), ANSWER)?,
            None => None,
        };
        all.push((said(offer, *boots), said(ack, *boots)));
    }
    Ok(all)
}

/// The files of a case in the laboratory's directory; the main one.
fn files(lab: &Lab, case: &Case) -> Result<std::path::PathBuf> {
    let conf = lab.dir().join("conf");
    let tree = lab.dir().join("tree");
    fs::create_dir_all(&conf)?;
    fs::create_dir_all(&tree)?;
    for (name, text) in case.files {
        fs::write(conf.join(name), text)?;
    }
    let own = format!(
        "interface=br0\nbind-interfaces\nno-ping\nno-resolv\ntftp-root={}\nenable-tftp\ndhcp-leasefile={}\n",
        tree.display(),
        conf.join("leases").display()
    );
    let main = conf.join("dnsmasq.conf");
    fs::write(&main, own + &case.main.replace("{conf}", &conf.display().to_string()))?;
    Ok(main)
}

fn compare(case: Case) {
    let (mut theirs, mut ours) = (Vec::new(), Vec::new());
    Lab::run(&format!("{}-dnsmasq", case.name), |lab| {
        let main = files(lab, &case)?;
        let main = format!("--conf-file={}", main.display());
        let mut dnsmasq = lab.start(
            lab.namespace(),
            "dnsmasq",
            "dnsmasq",
            &[&main, "--no-daemon", "--user=root", "--log-dhcp", "--log-facility=-"],
        )?;
        dnsmasq.wait_for("DHCP", PATIENCE)?;
        theirs = answers(lab, &case)?;
        dnsmasq.alive()
    });
    Lab::run(&format!("{}-nextboot", case.name), |lab| {
        let main = files(lab, &case)?;
        let data = lab.dir().join("data");
        let config = format!(
            "data_dir = {data:?}\nlog = \"debug\"\n[dhcp]\ndnsmasq_conf = {main:?}\n\
             [api]\nsocket = {socket:?}\ntoken_file = {token:?}\n",
            socket = lab.scratch().join("api.sock"),
            token = data.join("token"),
        );
        let mut server = lab.server(&config)?;
        ours = answers(lab, &case)?;
        server.alive()
    });
    let same = theirs.iter().zip(&ours).enumerate().try_for_each(|(at, (theirs, ours))| -> Result<()> {
        let client = &case.clients.get(at).context("a client")?.client;
        ensure!(theirs == ours, "client {} ({at})\ndnsmasq:  {theirs:?}\nnextboot: {ours:?}", client.mac);
        Ok(())
    });
    assert!(theirs.len() == case.clients.len() && ours.len() == theirs.len());
    if let Err(error) = same {
        panic!("{}: {error:#}", case.name);
    }
}

#[test]
fn the_box_with_names_and_hardware_addresses_answers_the_same() {
    compare(Case {
        name: "same-names",
        main: "domain=lab.example\nexpand-hosts\nlocal=/lab.example/\nserver=9.9.9.9\n\
               dhcp-range=lan,10.77.0.100,10.77.0.150\n\
               dhcp-option=lan,3,10.77.0.254\ndhcp-option=lan,6,9.9.9.9,149.112.112.112\n\
               dhcp-hostsfile={conf}/dhcphosts\naddn-hosts={conf}/hosts\ndhcp-boot=pxelinux.0\n",
        files: &[
            (
                "dhcphosts",
                "# hosts\n\n02:00:00:00:00:01,client1,infinite\n02:00:00:00:00:02,client2,infinite\n\
                 02:00:00:00:00:03,HP3,45m\n02:00:00:00:00:04,10.77.0.44\n02:00:00:00:00:05,five.lab.example,1d\n",
            ),
            ("hosts", "10.77.0.21 \tclient1.lab.example \tclient1\n10.77.0.33 hp3\n10.77.0.35 five\n"),
        ],
        clients: vec![
            machine(1),
            machine(2),
            machine(3),
            machine(4),
            machine(5),
            machine(9),
            rom(6, 0),
            rom(1, 0),
        ],
    });
}

#[test]
fn a_static_range_answers_the_same() {
    compare(Case {
        name: "same-static",
        main: "domain=lab.example\nport=0\ndhcp-range=set:lan,10.77.0.0,static,255.255.255.0,2h\n\
               dhcp-option=tag:lan,option:router,10.77.0.254\ndhcp-option=option:dns-server,9.9.9.9\n\
               dhcp-host=02:00:00:00:00:01,one,10.77.0.21\ndhcp-host=02:00:00:00:00:02,two\n\
               dhcp-host=02:00:00:00:00:03,02:00:00:00:00:04,10.77.0.22\ndhcp-host=id:01:02:03,10.77.0.23\n\
               dhcp-host=02:00:00:00:00:07,ignore\n",
        files: &[],
        clients: vec![
            machine(1),
            machine(2),
            machine(3),
            machine(4),
            machine(5).id([1, 2, 3]),
            machine(7),
            machine(9),
        ],
    });
}

#[test]
fn architectures_get_the_same_loaders() {
    compare(Case {
        name: "same-boot",
        main: "port=0\ndhcp-range=10.77.0.100,10.77.0.150,255.255.255.0,12h\ndhcp-option=3\n\
               dhcp-match=set:ipxe,175\n\
               dhcp-match=set:efi64,option:client-arch,7\ndhcp-match=set:efi64,option:client-arch,9\n\
               dhcp-match=set:efi32,option:client-arch,6\ndhcp-vendorclass=set:arm,PXEClient:Arch:00011\n\
               dhcp-mac=set:special,02:00:00:00:00:0f\n\
               tag-if=set:first,tag:efi64,tag:!ipxe\n\
               dhcp-boot=undionly.kpxe\n\
               dhcp-boot=tag:first,earlier.efi\ndhcp-boot=tag:first,ipxe.efi\n\
               dhcp-boot=tag:efi32,ia32.efi,,10.77.0.9\ndhcp-boot=tag:arm,arm/grubaa64.efi\n\
               dhcp-boot=tag:ipxe,boot.ipxe\n\
               dhcp-boot=tag:special,special.0,server,10.77.0.8\n",
        files: &[],
        clients: vec![
            rom(1, 0),
            rom(2, 7),
            rom(3, 9),
            rom(4, 6),
            rom(5, 11),
            ipxe(6, 0),
            ipxe(7, 7),
            rom(15, 0),
        ],
    });
}

/// The most usual box of those that start iPXE: it is known by its option 175, or by its user class.
fn chain_loading(name: &'static str, main: &'static str) {
    let clients = vec![rom(1, 0), ipxe(2, 0), ipxe(3, 7), machine(4)];
    compare(Case { name, main, files: &[], clients });
}

#[test]
fn row_37_ipxe_gets_the_same_address_by_option_175() {
    chain_loading(
        "same-ipxe-175",
        "port=0\ndhcp-range=10.77.0.100,10.77.0.150,12h\ndhcp-match=set:ipxe,175\n\
         dhcp-boot=tag:!ipxe,undionly.kpxe\ndhcp-boot=tag:ipxe,http://10.0.0.1/boot.ipxe\n",
    );
}

#[test]
fn row_37_ipxe_gets_the_same_address_by_its_user_class() {
    chain_loading(
        "same-ipxe-77",
        "port=0\ndhcp-range=10.77.0.100,10.77.0.150,12h\ndhcp-userclass=set:ipxe,iPXE\n\
         dhcp-boot=tag:!ipxe,undionly.kpxe\n\
         dhcp-boot=tag:ipxe,http://10.0.0.1:8000/boot.php?mac=${net0/mac}&a=%20b\n",
    );
}

#[test]
fn options_go_to_the_same_machines() {
    compare(Case {
        name: "same-options",
        main: "port=0\ndomain=lab.example\ndhcp-range=set:lan,10.77.0.100,10.77.0.150,1h\n\
               dhcp-host=02:00:00:00:00:01,set:red,10.77.0.21\ndhcp-host=02:00:00:00:00:02,set:red,set:blue\n\
               dhcp-host=02:00:00:00:00:03,set:blue,10.77.0.23\n\
               dhcp-mac=set:vm,02:00:00:00:00:*\ndhcp-userclass=set:lab,lab\ndhcp-vendorclass=set:print,printer\n\
               dhcp-option=26,1500\ndhcp-option=26,1480\ndhcp-option=tag:red,26,1400\ndhcp-option=tag:blue,26,1300\n\
               dhcp-option=tag:lan,26,1350\n\
               dhcp-option=option:ntp-server,0.0.0.0\ndhcp-option=tag:blue,option:ntp-server,10.77.0.5,10.77.0.6\n\
               dhcp-option-force=224,forced\ndhcp-option=tag:lab,225,\"1.2.3.4\"\ndhcp-option=tag:print,225,07:08\n\
               dhcp-option=tag:!known,150,10.77.0.7\ndhcp-option=119,lab.example,example\n\
               dhcp-option-force=210,/prefix/\ndhcp-option-force=211,30i\n\
               dhcp-boot=pxelinux.0\n",
        files: &[],
        clients: vec![
            machine(1),
            machine(2),
            machine(3),
            machine(4).says(77, "lab"),
            machine(5).says(60, "a printer of some make"),
            machine(6),
            system(Client::new(7).says(code::PARAMETERS, [1, 3])),
            rom(8, 0),
            system(Client::with_mac(Mac([2, 9, 0, 0, 0, 1])).says(code::PARAMETERS, WANTED)),
        ],
    });
}

#[test]
fn who_is_ignored_by_one_is_ignored_by_the_other() {
    compare(Case {
        name: "same-ignored",
        main: "port=0\ndhcp-range=10.77.0.100,10.77.0.150,1h\ndhcp-host=02:00:00:00:00:01,10.77.0.21\n\
               dhcp-host=02:00:00:00:00:02,two\ndhcp-host=02:00:00:00:00:04,first\ndhcp-host=02:00:00:00:00:04,second,10.77.0.24\n\
               dhcp-match=set:pxe,60,PXEClient\ndhcp-ignore=tag:!known,tag:!pxe\n",
        files: &[],
        clients: vec![machine(1), machine(2), machine(3), rom(3, 0), machine(4)],
    });
}

#[test]
fn the_oldest_words_for_tags_mean_the_same() {
    compare(Case {
        name: "same-old-words",
        main: "port=0\ndhcp-range=set:red,10.77.0.150,10.77.0.100,255.255.255.0,10.77.0.255,infinite\n\
               dhcp-match=gpxe,175\ndhcp-vendorclass=UEFI32,PXEClient:Arch:00006\ndhcp-vendorclass=UEFI,PXEClient:Arch:00007\n\
               dhcp-boot=net:#gpxe,undionly.kpxe\ndhcp-boot=net:gpxe,http://10.0.0.1/boot.ipxe\n\
               dhcp-boot=net:UEFI32,i386-efi/ipxe.efi,,10.77.0.8\ndhcp-boot=net:UEFI,ipxe.efi,,10.77.0.8\n\
               dhcp-option=net:red,option:router\ndhcp-option=28,10.77.0.254\n",
        files: &[],
        clients: vec![rom(1, 0), rom(2, 6), rom(3, 7), ipxe(4, 0), machine(5)],
    });
}

#[test]
fn a_file_is_fetched_from_the_server_of_its_own_line() {
    compare(Case {
        name: "same-servers",
        main: "port=0\ndhcp-range=set:lan,10.77.0.100,10.77.0.150,120\ndhcp-host=02:00:00:00:00:01,set:special,10.77.0.21\n\
               dhcp-boot=pxelinux.0,,10.77.0.8\ndhcp-boot=tag:special,/arch/lpxelinux.0\n\
               dhcp-mac=set:vm,02:00:00:00:00:03\ntag-if=set:both,tag:vm,tag:!special\n\
               dhcp-boot=tag:both,\"vm.0\",boothost,10.77.0.9\ndhcp-option=tag:special,tag:lan,3\n\
               dhcp-option-force=209,boot/archiso.cfg\ndhcp-option-force=210,/arch/\ndhcp-option-force=66,10.77.0.7\n",
        files: &[],
        clients: vec![rom(1, 0), rom(2, 0), rom(3, 0), ipxe(4, 0)],
    });
}

#[test]
fn hosts_are_the_same_in_all_spellings() {
    let begins = |bytes| system(Client::with_mac(Mac(bytes)).says(code::PARAMETERS, WANTED));
    compare(Case {
        name: "same-spellings",
        main: "domain=lab.example\nport=0\ndhcp-range=10.77.0.100,10.77.0.150,10\n\
               dhcp-host=02:00:00:00:00:01,net:red,fred\ndhcp-host=02:00:00:00:00:02,02:00:00:00:00:03,10.77.0.60\n\
               dhcp-host= 02:00:00:00:00:04 , 10.77.0.61 , four , 45m\ndhcp-host=02:0:0:0:0:5,10.77.0.62,0\n\
               dhcp-host=1-02:00:00:00:00:06,10.77.0.63\ndhcp-host=02:00:00:00:00:07,id:*,seven,3600\n\
               dhcp-host=id:ff:01:02:03:04,10.77.0.64,eight\ndhcp-host=id:marjorie,10.77.0.65,infinite\n\
               dhcp-host=02:00:00:00:00:0b,10.77.0.66,10.77.0.67\ndhcp-host=02:00:00:00:00:0c,a.b.example\n\
               dhcp-host=02:00:00:00:00:0d,12h,10.77.0.68,1thing\ndhcp-host=11:22:33:44:55:66,10.77.0.69\n\
               dhcp-host=02:01:*:*:*:*,ignore\ndhcp-host=02:02:00:*:*:*,set:blue\n\
               dhcp-option=tag:red,26,1400\ndhcp-option=tag:blue,26,1300\ndhcp-option=tag:!known,26,1200\n",
        files: &[],
        clients: vec![
            machine(1),
            machine(2),
            machine(4),
            machine(5),
            machine(6),
            machine(7),
            machine(8).id([255, 1, 2, 3, 4]),
            machine(9).id(b"marjorie"),
            machine(11),
            machine(12),
            machine(13),
            machine(15),
            begins([2, 1, 0, 0, 0, 1]),
            begins([2, 2, 0, 0, 0, 1]),
        ],
    });
}

#[test]
fn options_of_every_type_have_the_same_bytes() {
    compare(Case {
        name: "same-bytes",
        main: "port=0\ndomain=lab.example,10.77.0.0/24\ndhcp-range=10.77.0.100,10.77.0.150,1d\n\
               dhcp-option=252,\"\\n\"\ndhcp-option=option:classless-static-route,192.168.9.0/24,10.77.0.9,0.0.0.0/0,10.77.0.254\n\
               dhcp-option=option:domain-search,eng.example.com,marketing.example.com\ndhcp-option=128,e4:45:74:68:00:00\n\
               dhcp-option=224,NIC=eepro100\ndhcp-option=19,0\ndhcp-option=23,50\ndhcp-option=44,0.0.0.0\n\
               dhcp-option=option:time-offset,-3600\ndhcp-option=17,\"10.77.0.1:/srv/nfs,ro\"\ndhcp-option=13,-5\n\
               dhcp-option=option:log-server,10.77.0.3,10.77.0.4\ndhcp-option=150,10.77.0.1\ndhcp-option=4,0.0.0.0\n",
        files: &[],
        clients: vec![machine(1), rom(2, 0), system(Client::new(3))],
    });
}
