use nextboot_model::Arch;

use crate::edk2::pxe::Variant;
use crate::message::code;
use crate::testkit::*;
use crate::{Booted, Firmware, Verdict};

/// A BIOS ROM that has just started this file.
fn bios(name: &str, with: impl Fn(crate::message::Message) -> crate::message::Message) -> Bench {
    let mut bench = Bench::new(Firmware::Rom(crate::rom::Variant::default()));
    bench.lease(|m| with(names_file(m, SERVER, name)));
    bench.serve(b"program");
    bench
}

fn uefi(name: &str) -> Bench {
    let mut bench = Bench::new(Firmware::Edk2Pxe(Arch::UEFI_X64, Variant::Current));
    bench.lease(|m| names_file(m, SERVER, name));
    bench.serve(b"program");
    bench
}

fn asked(bench: &Bench) -> String {
    bench.asks_for().map(|(_, name)| name).unwrap_or_default()
}

#[test]
fn pxelinux_looks_in_the_directory_of_its_file_and_goes_down_its_list() {
    let mut bench = bios("debian/pxelinux.0", |m| m);
    assert_eq!(asked(&bench), "debian/ldlinux.c32");
    bench.serve(b"module");
    assert_eq!(asked(&bench), "debian/pxelinux.cfg/01-52-54-00-00-00-01");
    bench.refuse();
    assert_eq!(asked(&bench), "debian/pxelinux.cfg/0A000064");
    bench.serve(b"DEFAULT x\nLABEL other\nLOCALBOOT 0\nLABEL x\n KERNEL ::linux\n APPEND initrd=a,b quiet\n");
    for name in ["linux", "debian/a", "debian/b"] {
        assert_eq!(asked(&bench), name);
        bench.serve(b"file");
    }
    let initrds = vec!["a".to_owned(), "b".to_owned()];
    let (kernel, args) = ("::linux".to_owned(), "initrd=a,b quiet".to_owned());
    assert_eq!(bench.end(), Verdict::Booted(Booted::Kernel { kernel, initrds, args }));
}

#[test]
fn options_209_and_210_say_where_pxelinux_looks() {
    let mut bench = bios("x/pxelinux.0", |m| {
        m.option(code::PXELINUX_CONFIG, "mine").option(code::PXELINUX_PREFIX, "http://10.0.0.9/p/")
    });
    assert_eq!(bench.url().as_deref(), Some("GET http://10.0.0.9/p/ldlinux.c32"));
    bench.answer(200, None, b"module");
    assert_eq!(bench.url().as_deref(), Some("GET http://10.0.0.9/p/mine"));
    bench.answer(200, None, b"LABEL disk\nLOCALBOOT 0\n");
    assert_eq!(bench.end(), Verdict::Booted(Booted::Disk));
}

#[test]
fn pxelinux_without_its_module_or_a_configuration_gives_up() {
    let mut bench = bios("pxelinux.0", |m| m);
    bench.refuse();
    assert_eq!(bench.gives_up(), "PXELINUX");
    let mut bench = bios("pxelinux.0", |m| m);
    bench.serve(b"module");
    while bench.machine.verdict().is_none() {
        bench.refuse();
    }
    assert_eq!(bench.gives_up(), "PXELINUX");
}

#[test]
fn shim_looks_beside_itself_and_grub_beneath_its_prefix() {
    let mut bench = uefi("secure/shimx64.efi");
    assert_eq!(asked(&bench), "secure/grubx64.efi");
    bench.serve(b"grub");
    for list in ["command.lst", "fs.lst", "crypto.lst", "terminal.lst"] {
        assert_eq!(asked(&bench), format!("/grub/x86_64-efi/{list}"));
        bench.refuse();
    }
    assert_eq!(asked(&bench), "/grub/grub.cfg-01-52-54-00-00-00-01");
    bench.refuse();
    assert_eq!(asked(&bench), "/grub/grub.cfg-0A000064");
    bench.serve(
        b"set timeout=0\nmenuentry 'x' {\n linux (http,10.0.0.1:80)/linux quiet\n initrd /initrd\n}\nmenuentry 'y' {\n exit\n}\n",
    );
    assert_eq!(bench.url().as_deref(), Some("GET http://10.0.0.1:80/linux"));
    bench.answer(200, None, b"kernel");
    assert_eq!(asked(&bench), "/initrd");
    bench.serve(b"initrd");
    let (kernel, args) = ("(http,10.0.0.1:80)/linux".to_owned(), "quiet".to_owned());
    assert_eq!(
        bench.end(),
        Verdict::Booted(Booted::Kernel { kernel, initrds: vec!["/initrd".to_owned()], args })
    );
}

#[test]
fn a_seed_that_calls_nobody_and_a_call_back_that_is_refused_end_the_installer() {
    for (seed, status) in [("echo nothing\n", 0), ("wget http://10.0.0.1/done\n", 403)] {
        let mut bench = bios("pxelinux.0", |m| m);
        bench.serve(b"module");
        bench.serve(b"LABEL x\nLINUX linux\nAPPEND preseed/url=http://10.0.0.1/seed\n");
        bench.serve(b"kernel");
        bench.answer(200, None, seed.as_bytes());
        if status != 0 {
            assert_eq!(bench.url().as_deref(), Some("GET http://10.0.0.1/done"));
            bench.answer(status, None, b"");
        }
        assert_eq!(bench.gives_up(), "installer");
    }
}

#[test]
fn an_empty_file_and_an_unknown_program_are_told() {
    let mut bench = Bench::new(Firmware::Rom(crate::rom::Variant::default()));
    bench.lease(|m| names_file(m, SERVER, "x"));
    bench.serve(b"");
    assert_eq!(bench.gives_up(), "loader");
    assert_eq!(uefi("own.efi").end(), Verdict::Booted(Booted::Program("own.efi".to_owned())));
}
