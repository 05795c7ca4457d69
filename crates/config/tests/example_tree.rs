//! The example tree is what its comments say it is.
#![allow(clippy::unwrap_used, reason = "a test may fail there")]

use std::{collections::BTreeMap, fs, net::IpAddr, path::Path, sync::Arc};

use nextboot_boot::{Body, Client, Firmware, OwnLoaders, Profile, Scene, TemplateError, pxelinux::Menu};
use nextboot_config::Config;
use nextboot_model::{Arch, Assignment, AttemptId, Class, Door, Host, Mac, Record, Timestamp};

const TREE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tftproot-example");
const MAC: Mac = Mac([0x23, 0x34, 0xa3, 0xe9, 0x09, 0xcc]);

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(TREE).join(name)).unwrap()
}

#[test]
fn the_readmes_configuration_is_right() {
    let text = read("README.txt");
    let lines = text.lines().skip_while(|line| !line.starts_with("    [tftp]"));
    let toml: Vec<&str> = lines.take_while(|line| line.is_empty() || line.starts_with("    ")).collect();
    let config = Config::parse(&toml.join("\n"), Path::new("README.txt")).unwrap();
    let class = |name: &str| config.site.profiles.get(&name.parse().unwrap()).unwrap().class;
    assert_eq!((class("ubuntu"), class("grml")), (Class::Install, Class::Live));
}

#[test]
fn the_demos_configuration_is_right() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/demo.toml");
    Config::parse(&fs::read_to_string(&file).unwrap(), &file)
        .unwrap_or_else(|complaints| panic!("{complaints}"));
}

#[test]
fn every_profile_boots_what_its_name_says() {
    for name in ["local", "ubuntu", "grml"] {
        let menu = Menu::read(read(&format!("pxelinux.cfg/conf/{name}")).as_bytes());
        let label = menu.default_label().unwrap();
        let linux = label.as_linux();
        assert_eq!(
            linux.as_ref().map(|linux| linux.kernel.split('/').next().unwrap()),
            (name != "local").then_some(name)
        );
    }
    let default = Menu::read(read("pxelinux.cfg/default").as_bytes());
    assert!(default.default_label().unwrap().as_linux().is_none(), "unknown machines go to their disks");
}

fn render(vars: &[(&str, &str)]) -> Result<String, TemplateError> {
    let vars: BTreeMap<String, String> =
        vars.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    let host = Host {
        name: "node1".parse().unwrap(),
        macs: vec![MAC],
        uuid: None,
        address: None,
        loader: None,
        exit: None,
        pxelinux: Default::default(),
        power: None,
        vars,
    };
    let server: IpAddr = [10, 0, 0, 1].into();
    let client = Client { arch: Some(Arch::BIOS), firmware: Firmware::Pxe, ..Client::of(MAC) };
    let profile = Arc::new(Profile {
        name: "ubuntu".parse().unwrap(),
        title: None,
        class: Class::Install,
        body: Body::File("pxelinux.cfg/conf/ubuntu".into()),
        seed: Some("ubuntu.cfg.j2".into()),
        loaders: OwnLoaders::default(),
    });
    let assignment = Assignment::local(Timestamp(1), Door::Rule { rule: "test".into() });
    let record = Arc::new(Record { host, assignment });
    let scene = Scene {
        record: Some(&record),
        client: &client,
        mac: MAC,
        profile: &profile,
        attempt: AttemptId(7),
        token: "t0ken",
        server,
        http_port: 8080,
        api_port: 3478,
    };
    scene.render("ubuntu.cfg.j2", &read("seeds/ubuntu.cfg.j2"))
}

#[test]
fn the_seed_makes_the_call_back_of_the_use_case() {
    let seed = render(&[("password_hash", "$6$x")]).unwrap();
    let call = "curl -i -X PUT http://10.0.0.1:3478/configurations/local/deploy \
                -d '{\"hosts\":[{\"macAddress\":\"23:34:a3:e9:09:cc\"}]}'";
    assert!(seed.contains(call), "{seed}");
    assert!(seed.contains("wget -q -O /dev/null http://10.0.0.1:8080/done/t0ken\n"), "{seed}");
    assert!(seed.contains("partman-auto/disk string /dev/sda\n"), "{seed}");
    assert!(!seed.contains("{{"), "{seed}");
}

#[test]
fn a_host_without_a_password_gets_no_half_of_a_seed() {
    let error = render(&[]).unwrap_err().to_string();
    assert!(error.starts_with("ubuntu.cfg.j2, line "), "{error}");
    assert!(error.contains("undefined"), "{error}");
}
