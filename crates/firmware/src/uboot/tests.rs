use std::time::Duration;

use nextboot_model::Arch;

use crate::message::{Kind, code};
use crate::testkit::*;
use crate::{Firmware, Verdict};

fn board() -> Bench {
    Bench::new(Firmware::UBoot(Arch(0x16)))
}

#[test]
fn a_proxy_within_a_tenth_of_a_second_names_the_file_and_a_later_one_does_not() {
    for (late, server) in [(false, PROXY), (true, SERVER)] {
        let mut bench = board();
        bench.reply(SERVER, Kind::OFFER, gives_address);
        let proxy = |m| names_file(speaks_pxe(m), PROXY, "tftp/p.0");
        if late {
            bench.wait();
            assert_eq!(bench.now, Duration::from_millis(100));
        }
        bench.reply(PROXY, Kind::OFFER, proxy);
        bench.until_request();
        bench.reply(SERVER, Kind::ACK, |m| names_file(gives_address(m), SERVER, "tftp/d.0"));
        // It reads the configuration beside the file by itself.
        let name = "tftp/pxelinux.cfg/01-52-54-00-00-00-01".to_owned();
        assert_eq!(bench.asks_for(), Some((server, name)));
    }
}

#[test]
fn it_reads_an_overloaded_header_and_the_whole_search_list() {
    let mut bench = board();
    bench.lease(|m| {
        let m = gives_address(m).set(|header| header.siaddr = SERVER).option(code::OVERLOAD, [1]);
        m.in_file(&[(code::BOOT_FILE, b"over.0")])
    });
    let mut names = Vec::new();
    while let Some((_, name)) = bench.asks_for().filter(|_| bench.machine.verdict().is_none()) {
        names.push(name);
        bench.refuse();
    }
    assert_eq!(names.len(), 10);
    assert_eq!(names[1], "pxelinux.cfg/0A000064");
    assert_eq!(names[8], "pxelinux.cfg/0");
    assert_eq!(names[9], "pxelinux.cfg/default");
    assert!(matches!(bench.end(), Verdict::GaveUp(_)));
}

#[test]
fn the_transaction_id_stays_over_all_tries() {
    let mut bench = board();
    assert_eq!(bench.gives_up(), "U-Boot");
    let ids: Vec<&[u8]> = bench.sent.iter().map(|datagram| &datagram.bytes[4..8]).collect();
    assert_eq!(ids.len(), 5);
    assert!(ids.iter().all(|id| *id == ids[0]));
}
