use std::path::Path;

use nextboot_model::Power;

use super::*;

/// The shape of pxe-pilot's own example, with what the use case and older releases have.
const WHOLE: &str = r#"---
host_management_adapters:
  - name: shell
    vars:
      - {name: command, value: "ctl -H {{.ip_address}} -u {{.user}}"}
    power_status: {cmd: '{{.command}} status', pattern_on: 'is on', pattern_off: 'is off'}
    power_on: {cmd: '{{.command}} on'}
    power_off: {cmd: '{{.command}} off'}
    power_reset: {cmd: '{{.command}} reset'}

hosts:
  - name: h1
    mac_addresses: ["00:00:00:00:0B:01"]
    ipmi:
      mac_address: "00:00:00:00:0a:01"
      subnet: 10.69.70.0/24
      username: admin
      password: "s3cret"
      interface: lanplus
  - name: h2
    mac_addresses: [00:00:00:00:0b:02, 00-00-00-00-0c-02]
    management:
      ip_address: 10.69.70.12
      adapter: shell
      vars:
        - {name: user, value: root}
  - name: h3
    mac_addresses: ["00:00:00:00:0b:03"]
    ipmi: {hostname: "", mac_address: "", password: ""}

tftp: {root: /srv/tftp/}
configuration:
  directory: /srv/tftp/pxelinux.cfg/conf/
  bootloaders:
    - {name: pxelinux, file: pxelinux.0}
    - {name: grub, file: grub.efi, config_path: grub/grub.cfg}
server:
  port: 3478
discovery:
  cmd: fping {{.subnet}}
"#;

/// Quotes of every kind, a command of several lines, a state that nothing can be read from, and a name that no host can use.
const ODD: &str = r#"host_management_adapters:
  - name: a
    vars: [{name: p, value: 'q\"\\d'}]
    power_status: {cmd: see}
    power_on:
      cmd: |
        sh -c "x 'y' {{.p}}"
          'z "'
  - name: no name
    power_on: {cmd: c}
"#;

fn parse(text: &str) -> Result<PxePilot, Vec<String>> {
    PxePilot::parse(text, Path::new("p.yml"))
        .map_err(|complaints| complaints.to_string().lines().map(str::to_owned).collect())
}

#[test]
fn everything_that_pxe_pilot_reads_is_read() {
    let pilot = parse(WHOLE).unwrap();
    let names: Vec<String> = pilot.hosts.iter().map(|host| host.name.to_string()).collect();
    assert_eq!(names, ["h1", "h2", "h3"]);
    assert_eq!(pilot.hosts[0].macs, ["00:00:00:00:0b:01".parse().unwrap()]);
    assert_eq!(pilot.hosts[1].macs[1], "00:00:00:00:0c:02".parse().unwrap());
    let Some(Power::Ipmi(ipmi)) = &pilot.hosts[0].power else { panic!("{:?}", pilot.hosts[0]) };
    assert_eq!(ipmi.place.subnet, Some("10.69.70.0/24".parse().unwrap()));
    assert_eq!((ipmi.user.as_str(), ipmi.interface.as_deref()), ("admin", Some("lanplus")));
    assert_eq!(ipmi.password.as_ref().unwrap().reveal(), "s3cret");
    let Some(Power::Command(adapter)) = &pilot.hosts[1].power else { panic!("{:?}", pilot.hosts[1]) };
    assert_eq!((adapter.adapter.as_str(), adapter.place.address.as_deref()), ("shell", Some("10.69.70.12")));
    assert_eq!(adapter.vars["user"].reveal(), "root");
    assert_eq!(pilot.hosts[2].power, None);
    let shell = &pilot.adapters[0];
    assert_eq!(shell.vars[0].1.value.reveal(), "ctl -H {{.ip_address}} -u {{.user}}");
    let status = shell.status.as_ref().unwrap();
    assert_eq!(status.command.value.reveal(), "{{.command}} status");
    let patterns = [&status.pattern_on, &status.pattern_off].map(|at| at.as_ref().unwrap().value.as_str());
    assert_eq!(patterns, ["is on", "is off"]);
    assert_eq!(pilot.root.as_deref(), Some(Path::new("/srv/tftp")));
    assert_eq!(pilot.port.unwrap().0, 3478);
    let loaders: Vec<_> =
        pilot.bootloaders.iter().map(|l| (l.name.as_str(), l.config_path.as_str())).collect();
    assert_eq!(loaders, [("pxelinux", ""), ("grub", "grub/grub.cfg")]);
    let notes: Vec<String> = pilot.notes.iter().map(|note| format!("{}: {note}", note.line)).collect();
    let line = |begin: &str| WHOLE.lines().position(|line| line.starts_with(begin)).unwrap() + 1;
    assert_eq!(
        notes,
        [
            format!(
                "{}: hosts[2]: neither an address nor a MAC address: nothing can be switched, as it was",
                line("  - name: h3")
            ),
            format!(
                "{}: discovery: pxe-pilot never read this; nextboot finds controllers by itself",
                line("discovery:")
            ),
        ]
    );
    assert!(!format!("{pilot:?}").contains("s3cret"));
}

#[test]
fn configurations_stand_beneath_a_root_in_directories_of_loaders_and_flat() {
    let directories = |text: &str, root: &str| {
        let dirs = parse(text).unwrap().profile_dirs(&[root.into()], Path::new("p.yml"));
        dirs.map(|dirs| dirs.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
            .map_err(|complaints| complaints.to_string())
    };
    let new = "configuration:\n  directory: /srv/tftp/conf\n  bootloaders: [{name: grub}]\n";
    assert_eq!(directories(new, "/srv/tftp").unwrap(), "conf/grub conf");
    assert_eq!(directories("configuration:\n  directory: /srv/tftp/conf\n", "/srv/tftp").unwrap(), "conf");
    assert_eq!(directories("", "/srv/tftp").unwrap(), "");
    let outside = directories(new, "/var/lib/tftpboot").unwrap_err();
    assert!(
        outside.starts_with("p.yml:2: configuration.directory = \"/srv/tftp/conf\": this is no directory")
    );
}

#[test]
fn what_cannot_work_is_complained_about_with_its_line() {
    let host =
        |more: &str| format!("hosts:\n  - name: h1\n    mac_addresses: [\"02:00:00:00:00:01\"]\n{more}");
    for (text, wanted) in [
        ("- a\n", "1: the file must be a table: keys with values behind them"),
        ("hosts:\n  - name: h1\n", "2: hosts[0].mac_addresses: missing; e.g. [\"52:54:00:12:34:56\"]"),
        (
            "hosts:\n  - name: h1\n    mac_addresses: [\"02:00\"]\n",
            "3: hosts[0].mac_addresses[0] = \"02:00\": use a MAC address, e.g. \"52:54:00:12:34:56\"",
        ),
        (
            &host("  - name: h1\n    mac_addresses: [\"02:00:00:00:00:02\"]\n"),
            "4: hosts[1]: a host named h1 stands in line 2 already",
        ),
        (
            &host("  - name: h2\n    mac_addresses: [\"02:00:00:00:00:01\"]\n"),
            "4: hosts[1]: 02:00:00:00:00:01 belongs to host h1 already",
        ),
        (
            &host("    ipmi: {hostname: a}\n    management: {adapter: x}\n"),
            "2: hosts[0]: ipmi and management are both there; one of them can switch the machine",
        ),
        (
            &host("    management: {ip_address: a, adapter: x}\n"),
            "4: hosts[0].management.adapter = \"x\": host_management_adapters has no adapter of this name",
        ),
        ("server: {port: 70000}\n", "1: server.port = \"70000\": use a port, e.g. 3478"),
        ("tftp: {root: srv}\n", "1: tftp.root = \"srv\": use a whole path, from / on"),
        (
            "configuration: {bootloaders: [{name: a/b}]}\n",
            "1: configuration.bootloaders[0].name = \"a/b\": use the name of a directory in configuration.directory, e.g. \
             pxelinux",
        ),
    ] {
        let complaints = parse(text).unwrap_err();
        let found: Vec<&str> = complaints.iter().map(|line| line.strip_prefix("p.yml:").unwrap()).collect();
        assert!(found.contains(&wanted), "{text}: {found:?}");
    }
}

#[test]
fn unknown_keys_are_noted_and_passwords_never_shown() {
    let text = "hosts:\n  - name: h1\n    mac_adresses: []\n    mac_addresses: [\"02:00:00:00:00:01\"]\n    ipmi:\n      \
                hostname: bmc\n      pasword: geheim\n      password: [geheim]\n";
    let complaints = parse(text).unwrap_err();
    assert_eq!(complaints, ["p.yml:8: hosts[0].ipmi.password: use a text"]);
    let notes = parse(&text.replace("[geheim]", "geheim")).unwrap().notes;
    let notes: Vec<String> = notes.iter().map(|note| format!("{}: {note}", note.line)).collect();
    assert_eq!(
        notes,
        [
            "3: hosts[0].mac_adresses: is no key that is known; did you mean hosts[0].mac_addresses?",
            "7: hosts[0].ipmi.pasword: is no key that is known; did you mean hosts[0].ipmi.password?",
        ]
    );
}

#[test]
fn what_belongs_into_our_own_configuration_is_written_so_that_it_is_read() {
    let text = parse(WHOLE).unwrap().toml();
    let config =
        crate::Config::parse(&text, Path::new("/n.toml")).unwrap_or_else(|error| panic!("{error}: {text}"));
    let dirs: Vec<String> = config.site.profile_dirs.iter().map(ToString::to_string).collect();
    assert_eq!(
        dirs,
        [
            "pxelinux.cfg/conf/pxelinux",
            "pxelinux.cfg/conf/grub",
            "pxelinux.cfg/conf",
            "pxelinux.cfg/profiles/*.prof"
        ]
    );
    let shell = &config.power.adapters["shell"];
    let same = parse(WHOLE).unwrap().adapters[0].commands().unwrap();
    assert_eq!(format!("{shell:?}"), format!("{same:?}"));
    let text = parse(ODD).unwrap().toml();
    let config =
        crate::Config::parse(&text, Path::new("/n.toml")).unwrap_or_else(|error| panic!("{error}: {text}"));
    let all = &config.power.adapters;
    assert_eq!(all.keys().collect::<Vec<_>>(), ["a"], "and what no host can name is left out");
    assert!(all["a"].status.is_none(), "without patterns it would tell nothing");
    assert_eq!(
        format!("{:?}", all["a"].on),
        format!("{:?}", parse(ODD).unwrap().adapters[0].commands().unwrap().on)
    );
    let moved = parse("tftp: {root: '/a \"b\"'}\nserver: {port: 99}\n").unwrap().toml();
    let config = crate::Config::parse(&moved, Path::new("/n.toml")).unwrap();
    assert_eq!((config.files.roots[0].to_str(), config.api.port), (Some("/a \"b\""), 99));
    assert_eq!(parse("tftp: {root: /srv/tftp}\nserver: {port: 3478}\n").unwrap().toml(), "");
}
