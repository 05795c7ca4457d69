//! Switching hosts, against real management controllers: what is asked of them, what is told of it, and that one that hangs
//! holds nobody up.

use std::fs;
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use nextboot_tests::bmc::{self, Bmc};
use nextboot_tests::plain::{Plain, PlainClient};
use nextboot_tests::pxe::Rom;
use nextboot_tests::site::{Dhcp, INSTALL, SmallInstaller};
use nextboot_tests::{Lab, Namespace, PATIENCE, Server, wait_until};

const MAC: &str = "52:54:00:00:00:01";

/// A server whose ipmitool is the real one behind a script that writes down what it was called with.
struct Place {
    site: SmallInstaller,
    server: Server,
    calls: PathBuf,
    password: String,
}

impl Place {
    fn new(lab: &Lab, power: &str) -> Result<Self> {
        let site = SmallInstaller::new(lab)?;
        let calls = lab.dir().join("calls");
        let ipmitool = script(
            lab,
            "ipmitool",
            &format!("printf '%s|' \"$@\" >>{0}\necho >>{0}\nexec /usr/bin/ipmitool \"$@\"", calls.display()),
        )?;
        let power = format!("[power]\nipmitool = \"{}\"\n{power}", ipmitool.display());
        let server = lab.server(&site.config(Dhcp::Server, &power))?;
        let password = lab.dir().join("password");
        fs::write(&password, format!("{}\n", bmc::PASSWORD))?;
        Ok(Self { site, server, calls, password: password.display().to_string() })
    }

    /// Adds a host that an IPMI controller switches.
    fn host(&self, name: &str, mac: &str, more: &[&str]) -> Result<()> {
        let mut line = vec!["host", "add", name, mac, "--power", "ipmi", "--bmc-user", bmc::USER];
        line.extend(["--bmc-interface", "lan", "--bmc-password-file", &self.password]);
        line.extend(more);
        self.server.cli(&line).map(drop)
    }

    /// What ipmitool was called with since the last call of this.
    fn calls(&self) -> Result<String> {
        let calls = fs::read_to_string(&self.calls).unwrap_or_default();
        fs::write(&self.calls, "")?;
        Ok(calls)
    }

    /// What a command says that must end with 1.
    fn refused(&self, line: &[&str]) -> Result<(String, String)> {
        let output = self.server.caller().command(line).output()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        ensure!(output.status.code() == Some(1), "{line:?}: {}\n{out}{err}", output.status);
        Ok((out, err))
    }
}

fn script(lab: &Lab, name: &str, text: &str) -> Result<PathBuf> {
    let path = lab.dir().join(name);
    fs::write(&path, format!("#!/bin/sh\n{text}\n"))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    Ok(path)
}

/// Nothing that anybody can read has the password: the journal, the log, what the API shows, what a program was called with.
fn no_secret(place: &Place) -> Result<()> {
    let texts = [
        ("events", place.server.cli(&["--json", "events"])?),
        ("hosts", place.server.cli(&["--json", "host", "ls"])?),
        ("log", fs::read_to_string(place.server.log().path())?),
        ("calls", fs::read_to_string(&place.calls).unwrap_or_default()),
    ];
    for (what, text) in texts {
        ensure!(!text.contains("s3cr3t"), "{what} has the password: {text}");
    }
    Ok(())
}

#[test]
fn a_host_is_switched_by_ipmi_and_every_wish_is_an_event() {
    Lab::run("power-ipmi", |lab| {
        let room = lab.join("10.77.0.50/24")?;
        let bmc = Bmc::start(lab, &room, "bmc1")?;
        let place = Place::new(lab, "")?;
        place.host("node1", MAC, &["--bmc", "10.77.0.50"])?;
        let cli = |line: &[&str]| place.server.cli(line);
        for (line, wanted, changes) in [
            (["power", "status", "node1"], "node1  off", &[][..]),
            (["power", "on", "node1"], "node1  on     switched on", &["set power 1"]),
            (["power", "status", MAC], "node1  on", &[]),
            (["power", "cycle", "node1"], "switched off and on, was on", &["set power 0", "set power 1"]),
            (["power", "reset", "node1"], "node1  on     reset", &["set reset 1"]),
            (["power", "off", "node1"], "node1  off    switched off", &["set power 0"]),
            (["power", "cycle", "node1"], "node1  on     switched on, was off", &["set power 1"]),
        ] {
            let said = cli(&line)?;
            ensure!(said.contains(wanted), "{line:?}: {said}");
            // A cycle switches on a moment later.
            wait_until("the wish reaches the machine", PATIENCE, || {
                let asked = bmc.asked()?.into_iter().filter(|line| line.starts_with("set ")).count();
                Ok((asked >= changes.len()).then_some(()))
            })?;
            ensure!(bmc.take_changes()? == changes, "{line:?}");
        }
        let shown = cli(&["show", "node1"])?;
        ensure!(shown.contains("ipmi at 10.77.0.50 by lan as admin, with a password; on "), "{shown}");
        let events = place.server.events_of("power-switched")?;
        let told: Vec<&str> = events.iter().filter_map(|event| event["action"].as_str()).collect();
        ensure!(told == ["on", "cycle", "reset", "off", "cycle"], "{told:?}");
        ensure!(
            events
                .iter()
                .all(|event| event["host"] == "node1" && event["by"]["who"] == "root over the socket")
        );
        ensure!(place.calls()?.contains("-I|lan|-N|2|-R|2|-H|10.77.0.50|-U|admin|-E|chassis|power|cycle|"));

        cli(&["host", "add", "node2", "52:54:00:00:00:02"])?;
        let (out, err) = place.refused(&["power", "on", "node1", "node2"])?;
        ensure!(out.contains("node1  on ") && out.contains("nothing is known that switches it"), "{out}");
        ensure!(err.contains("1 of 2 hosts: not done"), "{err}");
        fs::write(&place.password, "wrong\n")?;
        place.host("node3", "52:54:00:00:00:03", &["--bmc", "10.77.0.50"])?;
        let (out, _) = place.refused(&["power", "on", "node3"])?;
        ensure!(out.contains("does not let \"admin\" in; are user and password right"), "{out}");
        let failed =
            place.server.wait_for_event("power-failed", PATIENCE, |event| event["host"] == "node3")?;
        ensure!(failed["reason"].as_str().is_some_and(|why| why.contains("10.77.0.50")), "{failed}");
        no_secret(&place)
    });
}

#[test]
fn a_controller_that_hangs_holds_nobody_up() {
    Lab::run("power-hangs", |lab| {
        let room = lab.join("10.77.0.50/24")?;
        let bmc = Bmc::start(lab, &room, "bmc1")?;
        let silent = lab.join("10.77.0.51/24")?;
        let _listens = silent.enter(|| Ok(UdpSocket::bind(("0.0.0.0", 623))?))?;
        let place = Place::new(lab, "limit = \"30s\"\nretries = 1\nparallel = 2\n")?;
        place.host("good", MAC, &["--bmc", "10.77.0.50"])?;
        place.host("hangs", "52:54:00:00:00:02", &["--bmc", "10.77.0.51"])?;
        let mut hanging =
            place.server.caller().command(&["power", "on", "hangs"]).stdout(Stdio::null()).spawn()?;
        wait_until("ipmitool is at it", PATIENCE, || {
            Ok(fs::read_to_string(&place.calls).unwrap_or_default().contains("10.77.0.51").then_some(()))
        })?;
        let said = place.server.cli(&["power", "on", "good"])?;
        ensure!(said.contains("good  on "), "{said}");
        ensure!(hanging.try_wait()?.is_none(), "the other one waits still");
        ensure!(bmc.take_changes()? == ["set power 1"]);
        hanging.kill()?;
        hanging.wait()?;
        // Whoever wished it is gone; it is tried to its end all the same, and told.
        let failed =
            place.server.wait_for_event("power-failed", PATIENCE, |event| event["host"] == "hangs")?;
        let why = failed["reason"].as_str().unwrap_or_default();
        ensure!(why.contains("10.77.0.51") && why.contains("is the address right"), "{why}");

        let config = fs::read_to_string(place.server.config())?;
        let short = config.replace("limit = \"30s\"\nretries = 1", "limit = \"1s\"\nretries = 0");
        fs::write(place.server.config(), short)?;
        place.server.cli(&["reload"])?;
        let (out, _) = place.refused(&["power", "status", "hangs", "good"])?;
        ensure!(
            out.contains("no answer from the BMC at 10.77.0.51 within 1 s") && out.contains("good   on"),
            "{out}"
        );
        wait_until("the end of every ipmitool", PATIENCE, || {
            let running = lab
                .namespace()
                .run("sh", &["-c", "ps -eo args | grep -c '[i]pmitool.*10.77.0.51' || true"])?;
            Ok((running.trim() == "0").then_some(()))
        })
    });
}

#[test]
fn boot_now_arms_has_the_controller_boot_the_network_once_and_restarts() {
    Lab::run("power-boot-now", |lab| {
        let room = lab.join("10.77.0.50/24")?;
        let bmc = Bmc::start(lab, &room, "bmc1")?;
        let place = Place::new(lab, "")?;
        place.host("node1", MAC, &["--bmc", "10.77.0.50"])?;
        let said = place.server.cli(&["boot", "node1", INSTALL, "--now"])?;
        ensure!(said.contains("node1 boots small-installer until it calls back"), "{said}");
        ensure!(said.contains("node1  on     switched on, was off"), "{said}");
        ensure!(bmc.take_changes()? == ["set boot pxe", "set power 1"]);
        ensure!(place.calls()?.contains("|chassis|bootdev|pxe|\n"));

        // Its firmware is seen: UEFI has to be told so.
        let machine = lab.plug()?;
        let mut rom = Rom::new(&machine, "eth0", [0x52, 0x54, 0, 0, 0, 1], 7)?;
        rom.discover(PATIENCE, |offers| !offers.is_empty())?;
        let said = place.server.cli(&["boot", "node1", INSTALL, "--now"])?;
        ensure!(said.contains("switched off and on, was on"), "{said}");
        ensure!(place.calls()?.contains("|chassis|bootdev|pxe|options=efiboot|\n"));
        wait_until("the machine is on again", PATIENCE, || Ok(bmc.is_on()?.then_some(())))?;
        bmc.take_changes()?;

        let said = place.server.cli(&["boot", "node1", "local", "--now"])?;
        ensure!(said.contains("node1 boots local") && said.contains("switched off and on"), "{said}");
        ensure!(!place.calls()?.contains("bootdev"), "its own disk needs no network");

        place.server.cli(&["host", "add", "node2", "52:54:00:00:00:02"])?;
        let (out, err) = place.refused(&["boot", "node2", INSTALL, "--now"])?;
        ensure!(out.contains("node2 boots small-installer") && err.contains("1 of 1 hosts"), "{out}{err}");
        no_secret(&place)
    });
}

#[test]
fn a_rescue_needs_one_word_and_so_does_its_end() {
    Lab::run("power-rescue", |lab| {
        let room = lab.join("10.77.0.50/24")?;
        let bmc = Bmc::start(lab, &room, "bmc1")?;
        let place = Place::new(lab, "")?;
        place.host("node1", MAC, &["--bmc", "10.77.0.50"])?;
        place.server.cli(&["host", "add", "node2", "52:54:00:00:00:02"])?;
        let (_, err) = place.refused(&["rescue", "node1"])?;
        ensure!(err.contains("911boot") && err.contains("[boot] rescue"), "{err}");
        let conf = place.site.tree().join("pxelinux.cfg/conf");
        fs::create_dir_all(&conf)?;
        fs::write(conf.join("911boot"), "DEFAULT 1\nLABEL 1\n  KERNEL vmlinuz-4\n")?;
        let said = place.server.cli(&["rescue", "node1", "node2"])?;
        ensure!(said.contains("node1 boots 911boot: switched on, was off"), "{said}");
        ensure!(
            said.contains("node2 boots 911boot: nothing is known that switches it: reset it by hand"),
            "{said}"
        );
        ensure!(bmc.take_changes()? == ["set boot pxe", "set power 1"]);
        let said = place.server.cli(&["rescue", "node1", "--off", "--now"])?;
        ensure!(said.contains("node1 boots local: switched off and on, was on"), "{said}");
        place.server.cli(&["boot", "node2", INSTALL])?;
        let said = place.server.cli(&["rescue", "node2", "--off"])?;
        ensure!(said.contains("node2 is not being rescued; it boots small-installer, as before"), "{said}");
        Ok(())
    });
}

#[test]
fn after_a_rescue_a_host_boots_what_it_did_before_unless_that_erases_it() {
    Lab::run("power-rescue-end", |lab| {
        let mut place = Place::new(lab, "")?;
        let conf = place.site.tree().join("pxelinux.cfg/conf");
        fs::create_dir_all(&conf)?;
        for name in ["911boot", "thin"] {
            fs::write(conf.join(name), "DEFAULT 1\nLABEL 1\n  KERNEL vmlinuz-4\n")?;
        }
        for (name, mac, profile) in [("n1", MAC, "thin"), ("n2", "52:54:00:00:00:02", INSTALL)] {
            place.server.cli(&["host", "add", name, mac])?;
            place.server.cli(&["boot", name, profile])?;
            place.server.cli(&["rescue", name, "--later"])?;
        }
        let shown = place.server.cli(&["host", "show", "n1"])?;
        ensure!(shown.contains("boots       911boot") && shown.contains("afterwards  thin"), "{shown}");
        place.server.kill9();
        place.server.restart()?;
        let said = place.server.cli(&["rescue", "n1", "n2", "--off"])?;
        ensure!(said.contains("n1 boots thin") && said.contains("n2 boots local"), "{said}");
        Ok(())
    });
}

#[test]
fn a_controller_is_found_by_its_mac_address() {
    Lab::run("power-by-mac", |lab| {
        let room = lab.join("10.77.0.50/24")?;
        let bmc = Bmc::start(lab, &room, "bmc1")?;
        let mac = address_of(&room)?;
        let place = Place::new(lab, "")?;
        place.host("node1", MAC, &["--bmc-mac", &mac])?;
        lab.namespace().ip(&["neighbour", "flush", "dev", "br0"])?;
        let (out, _) = place.refused(&["power", "status", "node1"])?;
        ensure!(
            out.contains(&format!("the controller {mac} was not found")) && out.contains("--bmc-subnet"),
            "{out}"
        );
        place.server.cli(&["host", "rm", "node1"])?;
        place.host("node1", MAC, &["--bmc-mac", &mac, "--bmc-subnet", "10.77.0.0/26"])?;
        let said = place.server.cli(&["power", "on", "node1"])?;
        ensure!(said.contains("node1  on ") && bmc.is_on()?, "the network was searched: {said}");
        ensure!(
            place.server.cli(&["host", "show", "node1"])?.contains("ipmi at 10.77.0.50 "),
            "and it is remembered"
        );

        place.host("node2", "52:54:00:00:00:02", &["--bmc", "10.77.0.9", "--bmc-mac", &mac])?;
        room.ip(&["address", "flush", "dev", "eth0"])?;
        room.ip(&["address", "add", "10.77.0.52/24", "dev", "eth0"])?;
        lab.namespace().ip(&["neighbour", "flush", "dev", "br0"])?;
        let said = place.server.cli(&["power", "refresh"])?;
        ensure!(said.contains(&format!("node1  {mac}  10.77.0.52")) && !said.contains("node2"), "{said}");
        let said = place.server.cli(&["power", "status", "node1"])?;
        ensure!(said.contains("node1  on"), "{said}");
        let shown = place.server.cli(&["host", "show", "node2"])?;
        ensure!(shown.contains("ipmi at 10.77.0.9 "), "a configured address stays: {shown}");
        Ok(())
    });
}

#[test]
fn a_controller_that_has_its_address_from_us_is_found_by_its_lease() {
    Lab::run("power-by-lease", |lab| {
        let place = Place::new(lab, "")?;
        let room = lab.join("")?;
        let mut client = PlainClient::start(lab, &room, Plain::Udhcpc, "bmc-dhcp")?;
        let address = client.lease(PATIENCE)?.address;
        let bmc = Bmc::start(lab, &room, "bmc1")?;
        place.host("node1", MAC, &["--bmc-mac", &address_of(&room)?])?;
        // Not by what the kernel happens to know.
        lab.namespace().ip(&["neighbour", "flush", "dev", "br0"])?;
        let shown = place.server.cli(&["host", "show", "node1"])?;
        ensure!(shown.contains(&format!("ipmi at {address} ")), "{shown}");
        let said = place.server.cli(&["power", "on", "node1"])?;
        ensure!(said.contains("node1  on ") && bmc.is_on()?, "{said}");
        Ok(())
    });
}

fn address_of(namespace: &Namespace) -> Result<String> {
    let shown = namespace.ip(&["-brief", "link", "show", "dev", "eth0"])?;
    shown.split_whitespace().nth(2).map(str::to_owned).context("no MAC")
}

#[test]
fn wake_on_lan_is_a_broadcast_where_the_host_is() {
    Lab::run("power-wol", |lab| {
        let place = Place::new(lab, "")?;
        place.server.cli(&["host", "add", "node1", MAC, "--power", "wol"])?;
        let _capture = lab.capture("wol")?;
        let said = place.server.cli(&["power", "on", "node1"])?;
        ensure!(said.contains("node1  on     switched on"), "{said}");
        // Six times ff, then the address sixteen times; looked at the first and the last of them.
        let magic = "udp dst port 9 and ether broadcast and dst host 10.77.0.255 and src host 10.77.0.1 and udp[4:2] = 110 \
                     and udp[8:4] = 0xffffffff and udp[12:2] = 0xffff and udp[14:4] = 0x52540000 and udp[18:2] = 1 \
                     and udp[104:4] = 0x52540000 and udp[108:2] = 1";
        wait_until("three packets on the wire", PATIENCE, || {
            Ok((lab.captured("wol", magic)? == 3).then_some(()))
        })?;
        let said = place.server.cli(&["boot", "node1", INSTALL, "--now"])?;
        ensure!(said.contains("woken if it was off; if it is on, reset it by hand"), "{said}");
        let (out, _) = place.refused(&["power", "off", "node1"])?;
        ensure!(out.contains("Wake-on-LAN cannot switch off; it can only switch on"), "{out}");
        place.server.cli(&["host", "set", "node1", "--power", "wol", "--wol-mac", "52:54:00:00:00:07"])?;
        place.server.cli(&["power", "on", "node1"])?;
        let other = "udp dst port 9 and udp[14:4] = 0x52540000 and udp[18:2] = 7";
        wait_until("for the card that was named", PATIENCE, || {
            Ok((lab.captured("wol", other)? == 3).then_some(()))
        })
    });
}

#[test]
fn commands_of_the_site_get_values_as_whole_arguments() {
    Lab::run("power-command", |lab| {
        let state = lab.dir().join("outlet");
        fs::write(&state, "off")?;
        let asked = lab.dir().join("asked");
        let pdu = script(
            lab,
            "pdu",
            &format!(
                "printf '%s|' \"$@\" >>{0}\necho >>{0}\ncase $2 in on|off) echo $2 >{1};; state) echo \"Outlet: $(cat {1})\";;\n\
                 *) echo \"no such thing, $4\" >&2; exit 1;; esac",
                asked.display(),
                state.display()
            ),
        )?;
        let pdu = pdu.display();
        let adapter = format!(
            "[[power.adapter]]\nname = \"pdu\"\nstatus = \"{pdu} {{{{.place}}}} state\"\non_pattern = \"Outlet: on\"\n\
             off_pattern = \"Outlet: off\"\non = \"{pdu} {{{{ .place }}}} on --key {{{{.key}}}}\"\noff = '{pdu} {{{{.place}}}} off \"a b\"'\n\
             boot_network = \"{pdu} {{{{.place}}}} bootnet --key {{{{.key}}}}\"\n\
             [[power.adapter.vars]]\nname = \"place\"\nvalue = \"{{{{.ip_address}}}}:{{{{.port}}}}\"\n"
        );
        let place = Place::new(lab, &adapter)?;
        let key = lab.dir().join("key");
        fs::write(&key, "a b; $(touch /tmp/x) 's3cr3t\n")?;
        let key = format!("key=@{}", key.display());
        let mut line = vec!["host", "add", "node1", MAC, "--power", "command", "--adapter", "pdu"];
        line.extend(["--bmc", "10.77.0.60", "--adapter-var", "port=7", "--adapter-var", &key]);
        place.server.cli(&line)?;
        let asked_for = || -> Result<Vec<String>> {
            let text = fs::read_to_string(&asked)?;
            fs::write(&asked, "")?;
            Ok(text.lines().map(str::to_owned).collect())
        };
        ensure!(place.server.cli(&["power", "status", "node1"])?.contains("node1  off"));
        ensure!(asked_for()? == ["10.77.0.60:7|state|"]);
        ensure!(place.server.cli(&["power", "on", "node1"])?.contains("node1  on"));
        ensure!(asked_for()? == ["10.77.0.60:7|on|--key|a b; $(touch /tmp/x) 's3cr3t|"]);
        let said = place.server.cli(&["power", "cycle", "node1"])?;
        ensure!(said.contains("switched off and on, was on"), "{said}");
        ensure!(
            asked_for()?[1..]
                == ["10.77.0.60:7|off|a b|", "10.77.0.60:7|on|--key|a b; $(touch /tmp/x) 's3cr3t|"]
        );
        let (out, _) = place.refused(&["boot", "node1", INSTALL, "--now"])?;
        ensure!(out.contains("adapter pdu for 10.77.0.60: no such thing, (secret)"), "{out}");
        let shown = place.server.cli(&["--json", "host", "show", "node1"])?;
        ensure!(shown.contains("\"vars\":[\"key\",\"port\"]"), "{shown}");
        no_secret(&place)?;

        place.server.cli(&["host", "set", "node1", "--power", "command", "--adapter", "gone"])?;
        let (out, _) = place.refused(&["power", "on", "node1"])?;
        ensure!(out.contains("there is no [[power.adapter]] named \"gone\""), "{out}");
        Ok(())
    });
}

#[test]
fn without_ipmitool_it_says_what_to_install() {
    Lab::run("power-no-program", |lab| {
        let place = Place::new(lab, "")?;
        let config = fs::read_to_string(place.server.config())?;
        fs::write(place.server.config(), config.replace("/ipmitool\"", "/no-ipmitool\""))?;
        place.server.cli(&["reload"])?;
        place.host("node1", MAC, &["--bmc", "10.77.0.50"])?;
        let (out, _) = place.refused(&["power", "on", "node1"])?;
        if !out.contains("cannot start") || !out.contains("is it installed?") {
            bail!("{out}");
        }
        Ok(())
    });
}
