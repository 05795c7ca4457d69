//! A box that serves DHCP and TFTP by dnsmasq, taken over: the same configuration files under nextboot. Rows are those of the
//! list of what the replaced systems do; the files are a box's own, with the laboratory's names and addresses.

use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use nextboot_firmware::message::code;
use nextboot_model::Mac;
use nextboot_tests::wire::{Client, Net, ip};
use nextboot_tests::{Lab, PATIENCE, SERVER, client, wait_until};

/// The main file; `{range}` is what differs between boxes.
const MAIN: &str = "domain=lab.example\n\
    expand-hosts\n\
    local=/lab.example/\n\
    interface=br0\n\
    bind-interfaces\n\
    {range}\n\
    dhcp-option=lan,3,10.77.0.254\n\
    dhcp-option=lan,6,9.9.9.9,149.112.112.112\n\
    dhcp-hostsfile={conf}/dhcphosts\n\
    addn-hosts={conf}/hosts\n\
    server=9.9.9.9\n\
    server=149.112.112.112\n\
    enable-tftp\n\
    dhcp-boot=pxelinux.0\n\
    tftp-root={tree}\n\
    dhcp-leasefile={conf}/leases\n\
    no-resolv\n\
    no-ping\n";

const DYNAMIC: &str = "dhcp-range=lan,10.77.0.100,10.77.0.150";
const STATIC: &str = "dhcp-range=lan,10.77.0.0,static";

/// Machines by their hardware addresses; the last four show that the server is there where another machine gets no answer.
const DHCPHOSTS: &str = "# mac,name,lease\n\
    \n\
    02:00:00:00:00:01,client1,infinite\n\
    02:00:00:00:00:02,client2,infinite\n\
    02:BB:00:00:00:0A,hp1,infinite  # in capitals\n\
    02:ba:00:00:00:01,10.77.0.241\n\
    02:ba:00:00:00:02,10.77.0.242\n\
    02:ba:00:00:00:03,10.77.0.243\n\
    02:ba:00:00:00:04,10.77.0.244\n";

/// Names and addresses, with blanks and tabs as they came.
const HOSTS: &str = "10.77.0.21 \tclient1.lab.example \tclient1\n10.77.0.33 HP1\n";

/// The directories of a box.
struct BootBox {
    conf: PathBuf,
    tree: PathBuf,
}

impl BootBox {
    fn new(lab: &Lab, range: &str, more: &str) -> Result<Self> {
        let (conf, tree) = (lab.dir().join("conf"), lab.dir().join("tftpboot"));
        fs::create_dir_all(&conf)?;
        fs::create_dir_all(tree.join("pxelinux.cfg"))?;
        fs::create_dir_all(tree.join("images"))?;
        fs::write(tree.join("pxelinux.0"), vec![0x4d; 20_000])?;
        fs::write(tree.join("images/vmlinuz-4"), vec![7; 300_001])?;
        let own = Self { conf, tree };
        own.write("dnsmasq.conf", &format!("{}{more}", own.main(range)))?;
        own.write("dhcphosts", DHCPHOSTS)?;
        own.write("hosts", HOSTS)?;
        Ok(own)
    }

    fn main(&self, range: &str) -> String {
        let text = MAIN.replace("{range}", range).replace("{conf}", &self.conf.display().to_string());
        text.replace("{tree}", &self.tree.display().to_string())
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        Ok(fs::write(self.conf.join(name), text)?)
    }

    fn append(&self, name: &str, text: &str) -> Result<()> {
        let path = self.conf.join(name);
        let old = fs::read_to_string(&path)?;
        Ok(fs::write(path, old + text)?)
    }

    /// nextboot's own file: where it keeps things, and dnsmasq's file.
    fn config(&self, lab: &Lab, more: &str) -> String {
        let data = lab.dir().join("data");
        format!(
            "data_dir = {data:?}\nlog = \"debug\"\n\
             [dhcp]\ndnsmasq_conf = {main:?}\ncache_threshold = 0\n\
             [tftp]\nextra_roots = [{conf:?}]\n{more}\n\
             [api]\nsocket = {socket:?}\ntoken_file = {token:?}\n",
            main = self.conf.join("dnsmasq.conf"),
            conf = self.conf,
            socket = lab.scratch().join("api.sock"),
            token = data.join("token"),
        )
    }
}

/// Runs a test against nextboot on a box's files.
fn on(name: &str, range: &str, test: impl FnOnce(&BootBox, &mut Net<'_>) -> Result<()>) {
    Lab::run(name, |lab| {
        let own = BootBox::new(lab, range, "")?;
        let mut net = Net::serving(lab, &own.config(lab, ""))?;
        test(&own, &mut net)
    });
}

/// A machine that asks for what a boot ROM and a system ask for.
fn asks(number: u8) -> Client {
    Client::new(number).says(code::PARAMETERS, [1, 3, 6, 12, 15, 28, 42, 26, 51, 66, 67, 119])
}

fn hp1() -> Client {
    Client::with_mac(Mac([2, 0xbb, 0, 0, 0, 10])).says(code::PARAMETERS, [1, 3, 6, 12, 15])
}

/// The same with the words of a BIOS PXE ROM.
fn boots(client: Client, arch: u16) -> Client {
    client
        .says(60, format!("PXEClient:Arch:{arch:05}:UNDI:002001"))
        .says(93, arch.to_be_bytes())
        .says(94, [1, 2, 1])
}

#[test]
fn row_31_dhcphosts_and_hosts_reserve_name_address_and_time() {
    on("row-31", DYNAMIC, |_, net| {
        let heard = net.lease(&asks(1))?;
        heard.gives(ip(21))?.tells(code::HOST_NAME, "client1")?.tells(code::LEASE_TIME, [255; 4])?;
        heard.tells(code::DOMAIN, "lab.example")?;
        // Letters' case matters neither in names nor in hardware addresses; the name is told as hosts writes it.
        net.lease(&hp1())?.gives(ip(33))?.tells(code::HOST_NAME, "HP1")?;
        // Without an entry in hosts: an address of the range, but its name and time.
        let heard = net.lease(&asks(2))?;
        ensure!((100..=150).contains(&heard.header.yiaddr.octets()[3]), "{heard}");
        heard.tells(code::HOST_NAME, "client2")?.tells(code::LEASE_TIME, [255; 4])?;
        Ok(())
    });
}

#[test]
fn row_32_a_static_range_answers_only_those_who_have_an_address() {
    on("row-32-static", STATIC, |_, net| {
        net.lease(&asks(1))?.gives(ip(21))?;
        net.silent(&asks(9).discover())?;
        net.silent(&asks(2).discover())
    });
}

#[test]
fn row_32_a_dynamic_range_answers_everybody_with_router_servers_and_domain() {
    on("row-32-dynamic", DYNAMIC, |_, net| {
        let heard = net.lease(&boots(asks(9), 0))?;
        ensure!((100..=150).contains(&heard.header.yiaddr.octets()[3]), "{heard}");
        heard.tells(code::ROUTER, [10, 77, 0, 254])?.tells(code::DNS, [9, 9, 9, 9, 149, 112, 112, 112])?;
        heard.tells(code::DOMAIN, "lab.example")?.tells(code::LEASE_TIME, 3600_u32.to_be_bytes())?;
        ensure!(heard.header.siaddr == Ipv4Addr::new(10, 77, 0, 1), "{heard}");
        ensure!(file(&heard) == "pxelinux.0", "{heard}");
        heard.lacks(code::HOST_NAME)?;
        let serves = net.server.log().text();
        ensure!(serves.contains("serving interfaces=\"br0\""), "only the interface that is named: {serves}");
        Ok(())
    });
}

fn file(heard: &nextboot_tests::wire::Heard) -> String {
    let field = heard.header.file.iter().copied().take_while(|b| *b != 0).collect::<Vec<_>>();
    let option =
        heard.value(67).map(|value| value.iter().copied().take_while(|b| *b != 0).collect::<Vec<_>>());
    String::from_utf8_lossy(&if field.is_empty() { option.unwrap_or_default() } else { field }).into_owned()
}

#[test]
fn row_33_a_signal_reads_hosts_again_and_nothing_else_changes() {
    Lab::run("row-33", |lab| {
        let own = BootBox::new(lab, DYNAMIC, "")?;
        fs::write(own.tree.join("big"), (0..6_000_000_u32).map(|n| n as u8).collect::<Vec<_>>())?;
        let mut net = Net::serving(lab, &own.config(lab, "max_rate = \"2MB/s\""))?;
        let pid = net.server.pid();
        let before = net.lease(&asks(9))?.header.yiaddr;
        let desk = lab.join("10.77.0.20/24")?;
        std::thread::scope(|scope| -> Result<()> {
            let fetch = scope.spawn(|| client::tftp_hpa(&desk, SERVER, "big"));
            own.append("dhcphosts", "02:00:00:00:00:07,late,45m\n")?;
            own.append("hosts", "10.77.0.77\tlate.lab.example late\n")?;
            // Nothing yet.
            let heard = net.offer(&asks(7).discover())?;
            ensure!(heard.header.yiaddr != ip(77), "before the signal: {heard}");
            net.server.hang_up()?;
            net.server.wait_for_event("reloaded", PATIENCE, |_| true)?;
            let heard = net.offer(&asks(7).discover())?;
            heard
                .gives(ip(77))?
                .tells(code::HOST_NAME, "late")?
                .tells(code::LEASE_TIME, 2700_u32.to_be_bytes())?;
            // The transfer went on over it.
            ensure!(!fetch.is_finished(), "the signal came after the transfer");
            let bytes = fetch.join().map_err(|_| anyhow::anyhow!("the client panicked"))??;
            ensure!(bytes == fs::read(own.tree.join("big"))?, "{} bytes", bytes.len());
            Ok(())
        })?;
        ensure!(net.lease(&asks(9))?.header.yiaddr == before, "leases live on");
        ensure!(net.server.pid() == pid);
        // The main file holds as it was, and the answer says so.
        own.write("dnsmasq.conf", &own.main("dhcp-range=lan,10.77.0.180,10.77.0.190"))?;
        let said = net.server.cli(&["reload"])?;
        ensure!(said.contains("dnsmasq.conf"), "{said}");
        let old = net.lease(&asks(11))?.header.yiaddr.octets()[3];
        ensure!((100..=150).contains(&old), "{old}");
        net.server.stop()?;
        net.server.restart()?;
        let new = net.lease(&asks(12))?.header.yiaddr.octets()[3];
        ensure!((180..=190).contains(&new), "{new}");
        net.server.alive()
    });
}

#[test]
fn row_33_a_directory_of_hosts_is_taken_as_it_comes() {
    Lab::run("row-33-directory", |lab| {
        let hosts = lab.dir().join("hosts.d");
        fs::create_dir_all(&hosts)?;
        let own = BootBox::new(lab, DYNAMIC, &format!("dhcp-hostsdir={}\n", hosts.display()))?;
        let mut net = Net::serving(lab, &own.config(lab, ""))?;
        ensure!(net.offer(&asks(7).discover())?.header.yiaddr != ip(77));
        fs::write(hosts.join("seven"), "02:00:00:00:00:07,seven,10.77.0.77\n")?;
        net.server.wait_for_event("reloaded", PATIENCE, |_| true)?;
        net.offer(&asks(7).discover())?.gives(ip(77))?.tells(code::HOST_NAME, "seven")?;
        // What is not in it waits for the signal.
        own.append("dhcphosts", "02:00:00:00:00:08,10.77.0.78\n")?;
        fs::write(hosts.join("nine"), "02:00:00:00:00:09,10.77.0.79\n")?;
        wait_until("the second file", PATIENCE, || {
            Ok((net.server.events_of("reloaded")?.len() >= 2).then_some(()))
        })?;
        net.offer(&asks(9).discover())?.gives(ip(79))?;
        ensure!(net.offer(&asks(8).discover())?.header.yiaddr != ip(78));
        net.server.alive()
    });
}

#[test]
fn row_34_a_bad_line_is_reported_by_its_number_and_the_others_are_served() {
    on("row-34", DYNAMIC, |own, net| {
        let lines = DHCPHOSTS.lines().count();
        own.append(
            "dhcphosts",
            "ma:ca:dd:re:ss,nobody\n\t# a comment\n\t02:00:00:00:00:0c,\ttwelve\t,10.77.0.62\n",
        )?;
        own.append("hosts", "garbage in this line\n10.77.0.61   eleven\n")?;
        own.append("dhcphosts", "02:00:00:00:00:0B,ELEVEN\n")?;
        net.server.hang_up()?;
        for (file, line) in [("dhcphosts", lines + 1), ("hosts", HOSTS.lines().count() + 1)] {
            let named = format!("/{file}:{line}: ");
            net.server.wait_for_event("trouble", PATIENCE, |event| {
                event["what"].as_str().is_some_and(|what| what.contains(&named))
            })?;
            ensure!(net.server.log().text().contains(&named), "the log names {named}");
        }
        net.lease(&asks(1))?.gives(ip(21))?;
        net.lease(&asks(11))?.gives(ip(61))?.tells(code::HOST_NAME, "eleven")?;
        net.lease(&asks(12))?.gives(ip(62))?;
        net.server.alive()
    });
}

#[test]
fn row_35_leases_live_on_over_a_restart() {
    on("row-35", DYNAMIC, |_, net| {
        let given = [9, 10].map(|number| net.lease(&asks(number)).map(|heard| heard.header.yiaddr));
        let [nine, ten] = given;
        let (nine, ten) = (nine?, ten?);
        net.server.kill9();
        net.server.restart()?;
        net.lease(&asks(10))?.gives(ten)?;
        net.lease(&asks(9))?.gives(nine)?;
        Ok(())
    });
}

#[test]
fn row_35_dnsmasqs_leases_are_taken_over_once() {
    Lab::run("row-35-taken-over", |lab| {
        let own = BootBox::new(lab, DYNAMIC, "")?;
        let end = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs() + 3600;
        own.write(
            "leases",
            &format!(
                "{end} 02:00:00:00:00:09 10.77.0.149 nine *\n0 02:00:00:00:00:0a 10.77.0.148 * 01:02:00:00:00:00:0a\n\
                 5 02:00:00:00:00:0b 10.77.0.147 old *\nnonsense\n"
            ),
        )?;
        let mut net = Net::serving(lab, &own.config(lab, ""))?;
        net.lease(&asks(9))?.gives(ip(149))?;
        net.lease(&asks(10))?.gives(ip(148))?;
        ensure!(net.lease(&asks(11))?.header.yiaddr != ip(147), "that lease is over");
        let bad = format!("{}:4: ", own.conf.join("leases").display());
        net.server.wait_for_event("trouble", PATIENCE, |event| {
            event["what"].as_str().is_some_and(|what| what.contains(&bad))
        })?;
        // Never twice: what nextboot gave since is the truth.
        net.server.cli(&["leases"])?;
        net.send(&asks(9).release(ip(149)))?;
        net.settle()?;
        net.server.stop()?;
        own.write("leases", &format!("{end} 02:00:00:00:00:0d 10.77.0.121 x *\n"))?;
        net.server.restart()?;
        ensure!(net.lease(&asks(13))?.header.yiaddr != ip(121), "the file is read once");
        net.server.alive()
    });
}

/// How somebody makes a machine's entry.
type Way<'a> = &'a dyn Fn(&Path) -> std::io::Result<()>;

/// The name has this text.
fn is_on(net: &Net<'_>, desk: &nextboot_tests::Namespace, name: &str, text: &str) -> Result<()> {
    let got = client::tftp_hpa(desk, SERVER, name).with_context(|| net.server.log().tail())?;
    ensure!(String::from_utf8_lossy(&got) == text, "{name}: {}", String::from_utf8_lossy(&got));
    Ok(())
}

#[test]
fn row_16_links_by_hand_switch_a_machine_on_and_off() {
    Lab::run("row-16-links", |lab| {
        let own = BootBox::new(lab, DYNAMIC, "")?;
        let rescue = "DEFAULT 1\nTIMEOUT 100\nPROMPT 1\nIPAPPEND 2\nlabel 1\n kernel images/vmlinuz-4\n initrd images/initrd.gz\n \
                      IPAPPEND 2\n append root=none ip=dhcp fullroot=http://10.77.0.1:8080 vga=796\n";
        let local = "DEFAULT local\nLABEL local\n LOCALBOOT 0\n";
        let cfg = own.tree.join("pxelinux.cfg");
        fs::write(cfg.join("911boot"), rescue)?;
        own.write("tftp-911boot", rescue)?;
        own.write("tftp-default", local)?;
        symlink("../../conf/tftp-default", cfg.join("default"))?;
        let mut net = Net::serving(lab, &own.config(lab, ""))?;
        let entry = "pxelinux.cfg/01-02-00-00-00-00-09";
        let path = own.tree.join(entry);
        let desk = lab.join("10.77.0.20/24")?;
        is_on(&net, &desk, "pxelinux.cfg/default", local)?;
        let ways: [Way<'_>; 5] = [
            &|path| symlink("../../conf/tftp-911boot", path),
            &|path| symlink("911boot", path),
            &|path| fs::hard_link(cfg.join("911boot"), path),
            &|path| symlink(own.conf.join("tftp-911boot"), path),
            &|path| {
                symlink("911boot", cfg.join("current"))?;
                symlink("current", path)
            },
        ];
        for (at, link) in ways.iter().enumerate() {
            link(&path).with_context(|| format!("way {at}"))?;
            is_on(&net, &desk, entry, rescue).with_context(|| format!("way {at}"))?;
            let heard = net.lease(&boots(asks(9), 0))?;
            ensure!(file(&heard) == "pxelinux.0", "way {at}: {heard}");
            fs::remove_file(&path)?;
            let gone = client::tftp_hpa(&desk, SERVER, entry);
            // PXELINUX goes on to `default`; it may be told that under this name at once.
            ensure!(
                gone.is_err() || gone.is_ok_and(|text| text == local.as_bytes()),
                "way {at}: it is still there"
            );
        }
        net.server.alive()
    });
}

#[test]
fn row_36_images_are_there_by_http_too() {
    on("row-36", DYNAMIC, |own, net| {
        let url = format!("http://{SERVER}:8080/images/vmlinuz-4");
        let got = client::curl(net.side(), &url, &["--fail"])?;
        ensure!(got == fs::read(own.tree.join("images/vmlinuz-4"))?, "{} bytes", got.len());
        ensure!(client::tftp_hpa(net.side(), SERVER, "images/vmlinuz-4")? == got);
        Ok(())
    });
}

#[test]
fn what_dnsmasq_does_not_start_with_is_named_before_anything_is_bound() {
    Lab::run("dnsmasq-wrong", |lab| {
        let own = BootBox::new(lab, DYNAMIC, "dhcp-rnage=10.77.0.1,10.77.0.2\ncache-size=100\n")?;
        let path = lab.dir().join("nextboot.toml");
        fs::write(&path, own.config(lab, ""))?;
        let check = |path: &Path| {
            let output =
                std::process::Command::new(nextboot_tests::binary()?).arg("check").arg(path).output()?;
            Ok::<_, anyhow::Error>((
                output.status.code(),
                String::from_utf8_lossy(&output.stderr).into_owned(),
            ))
        };
        let (code, said) = check(&path)?;
        let line = MAIN.lines().count() + 1;
        ensure!(
            code == Some(64)
                && said.contains(&format!("dnsmasq.conf:{line}: dhcp-rnage: dnsmasq has no such option")),
            "{code:?} {said}"
        );
        own.write("dnsmasq.conf", &format!("{}cache-size=100\n", own.main(DYNAMIC)))?;
        let (code, said) = check(&path)?;
        ensure!(
            code == Some(0)
                && said.contains(&format!(
                    "dnsmasq.conf:{line}: cache-size: not taken over: nextboot serves no DNS"
                )),
            "{code:?} {said}"
        );
        Ok(())
    });
}

#[test]
fn what_is_imported_says_the_same_and_machines_keep_their_addresses() {
    Lab::run("dnsmasq-import", |lab| {
        let own = BootBox::new(lab, DYNAMIC, "")?;
        let nextboot = nextboot_tests::binary()?;
        let main = own.conf.join("dnsmasq.conf");
        let output = lab.dir().join("imported.toml");
        let import = |words: &[&str]| {
            let output = lab
                .namespace()
                .command(nextboot.to_str().context("a path that is no text")?)
                .args(words)
                .output()?;
            let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
            Ok::<_, anyhow::Error>((output.status.code(), said))
        };
        let text = |path: &Path| path.to_str().map(str::to_owned).context("a path that is no text");
        let (main, output) = (text(&main)?, text(&output)?);
        let (code, said) = import(&["import", "dnsmasq", &main, "--output", &output])?;
        ensure!(
            code == Some(0) && said.contains("server: not taken over: nextboot serves no DNS"),
            "{code:?} {said}"
        );
        let (code, said) = import(&["import", "dnsmasq", &main, "--output", &output])?;
        ensure!(code == Some(69) && said.contains("is there already"), "{code:?} {said}");
        let data = lab.dir().join("data");
        let keeps = format!(
            "data_dir = {data:?}\nlog = \"debug\"\napi.socket = {socket:?}\napi.token_file = {token:?}\n",
            socket = lab.scratch().join("api.sock"),
            token = data.join("token"),
        );
        let config = keeps + &fs::read_to_string(&output)?;
        let path = lab.dir().join("nextboot.toml");
        fs::write(&path, &config)?;
        let end = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs() + 3600;
        own.write("leases", &format!("{end} 02:00:00:00:00:09 10.77.0.149 nine *\nnonsense\n"))?;
        let leases = text(&own.conf.join("leases"))?;
        let taken = ["import", "dnsmasq-leases", &leases, "--config", &text(&path)?].map(str::to_owned);
        let taken: Vec<&str> = taken.iter().map(String::as_str).collect();
        let (code, said) = import(&taken)?;
        ensure!(
            code == Some(0) && said.contains("1 leases of") && said.contains("leases:2: "),
            "{code:?} {said}"
        );
        let mut net = Net::serving(lab, &config)?;
        net.lease(&asks(9))?.gives(ip(149))?;
        let heard = net.lease(&boots(asks(1), 0))?;
        heard.gives(ip(21))?.tells(code::LEASE_TIME, [255; 4])?.tells(code::ROUTER, [10, 77, 0, 254])?;
        ensure!(file(&heard) == "pxelinux.0", "{heard}");
        let (code, said) = import(&taken)?;
        ensure!(code == Some(69), "while the server runs: {code:?} {said}");
        net.server.alive()
    });
}
