use nextboot_model::Arch;

use crate::message::{Kind, code};
use crate::testkit::*;
use crate::{Booted, Firmware, Verdict};

fn rom() -> Bench {
    Bench::new(Firmware::Ipxe(Arch::BIOS))
}

/// A lease with 175.176, so that nothing has to be waited for.
fn leased(name: &str) -> Bench {
    let mut bench = rom();
    bench.lease(|m| names_file(gives_address(m), SERVER, name).option(code::IPXE, [0xb0, 1, 1]));
    bench
}

#[test]
fn an_address_from_another_port_than_67_is_none() {
    let mut bench = rom();
    bench.reply_from(SERVER, 4011, Kind::OFFER, |m| {
        names_file(gives_address(m), SERVER, "x").option(code::IPXE, [0xb0, 1, 1])
    });
    assert_eq!(bench.kinds(), [Kind::DISCOVER]);
    assert_eq!(bench.gives_up(), "iPXE");
}

#[test]
fn port_4011_must_answer_from_port_4011() {
    let mut bench = rom();
    bench.reply(PROXY, Kind::OFFER, speaks_pxe);
    bench.lease(gives_address);
    assert_eq!((bench.last().from.port(), bench.last().to.port()), (68, 4011));
    bench.reply_from(PROXY, 67, Kind::ACK, |m| names_file(m, PROXY, "x"));
    assert_eq!(bench.asks_for(), None);
    bench.reply_from(PROXY, 4011, Kind::ACK, |m| names_file(m, PROXY, "x"));
    assert_eq!(bench.asks_for(), Some((PROXY, "x".to_owned())));
}

#[test]
fn a_refused_request_begins_again() {
    let mut bench = rom();
    bench.reply(SERVER, Kind::OFFER, |m| gives_address(m).option(code::IPXE, [0xb0, 1, 1]));
    bench.reply(SERVER, Kind::NAK, |m| m);
    assert_eq!(bench.kinds(), [Kind::DISCOVER, Kind::REQUEST, Kind::DISCOVER]);
}

#[test]
fn a_script_boots_its_kernel_and_calls_back() {
    let mut bench = leased("http://10.0.0.1:8080/ipxe/script");
    assert_eq!(bench.url().as_deref(), Some("GET http://10.0.0.1:8080/ipxe/script"));
    let script = "#!ipxe\nset base http://10.0.0.1:8080\nchain nothing || goto kernel\nexit\n:kernel\n\
                  kernel ${base}/linux initrd=initrd0 BOOTIF=01-${mac:hexhyp} seed=${base}/seed\n\
                  initrd --name initrd0 /initrd\nboot\n";
    bench.answer(200, None, script.as_bytes());
    assert_eq!(bench.url().as_deref(), Some("GET http://10.0.0.1:8080/ipxe/nothing"));
    bench.answer(404, None, b"");
    assert_eq!(bench.url().as_deref(), Some("GET http://10.0.0.1:8080/linux"));
    bench.answer(200, None, b"kernel");
    assert_eq!(bench.url().as_deref(), Some("GET http://10.0.0.1:8080/initrd"));
    bench.answer(200, None, b"initrd");
    assert_eq!(bench.url().as_deref(), Some("GET http://10.0.0.1:8080/seed"));
    bench.answer(200, None, b"curl -X PUT http://10.0.0.1/done -d '{\"a b\":1}'\nreboot\n");
    let call = bench.http.clone().expect("the call-back");
    assert_eq!(
        (call.method, call.url.as_str(), call.body.as_slice()),
        ("PUT", "http://10.0.0.1/done", &b"{\"a b\":1}"[..])
    );
    bench.answer(200, None, b"");
    let args = "initrd=initrd0 BOOTIF=01-52-54-00-00-00-01 seed=http://10.0.0.1:8080/seed".to_owned();
    let call_back = "http://10.0.0.1/done".to_owned();
    assert_eq!(bench.end(), Verdict::Booted(Booted::Installed { args, call_back }));
}

#[test]
fn a_script_that_exits_leaves_the_machine_to_its_disk_and_one_without_an_end_ends() {
    for (script, disk) in [
        ("#!ipxe\nexit 1\n", true),
        ("#!ipxe\nsanboot --no-describe --drive 0x80\n", true),
        ("#!ipxe\n:again\ngoto again\n", false),
        ("#!ipxe\necho nothing\n", false),
    ] {
        let mut bench = leased("http://10.0.0.1/s");
        bench.answer(200, None, script.as_bytes());
        assert_eq!(bench.end() == Verdict::Booted(Booted::Disk), disk, "{script}");
    }
}

#[test]
fn chain_loaded_it_notices_that_it_is_offered_to_itself() {
    let mut bench = Bench::new(Firmware::Rom(crate::rom::Variant::default()));
    bench.lease(|m| names_file(gives_address(m), SERVER, "undionly.kpxe"));
    bench.serve(b"iPXE");
    assert_eq!(bench.said().value(code::USER_CLASS), Some(&b"iPXE"[..]));
    bench.lease(|m| names_file(gives_address(m), SERVER, "undionly.kpxe").option(code::IPXE, [0xb0, 1, 1]));
    match bench.end() {
        Verdict::GaveUp(why) => assert!(why.words.contains("loads itself"), "{why}"),
        Verdict::Booted(booted) => panic!("{booted:?}"),
    }
}
