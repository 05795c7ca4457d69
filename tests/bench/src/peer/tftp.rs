//! TFTP servers. All of them serve the arena's tree at 127.0.0.1, port 69, and let as many clients in as come.

use std::env;

use anyhow::{Context, Result};
use nextboot_tests::{Process, peer, unpacked};

use crate::arena::Arena;
use crate::compare::Contestant;
use crate::peer::listens;

const ADDRESS: &str = "127.0.0.1";

/// dnsmasq. It knows no windows.
#[must_use]
pub fn dnsmasq_tftp(arena: &Arena) -> Contestant<'_> {
    Contestant::new("dnsmasq", move || {
        let root = format!("--tftp-root={}", arena.word(arena.tree())?);
        let args = [
            "--conf-file=/dev/null",
            "--keep-in-foreground",
            "--log-facility=-",
            "--port=0",
            "--user=root",
            "--pid-file",
            "--enable-tftp",
            "--tftp-max=2000",
            &root,
        ];
        let mut process = arena.lab.start(arena.lab.namespace(), "dnsmasq", "dnsmasq", &args)?;
        listens(arena, &mut process, "-Huln", "0.0.0.0:69")?;
        Ok(process)
    })
}

/// tftpd-hpa. It knows no windows.
#[must_use]
pub fn tftpd_hpa(arena: &Arena) -> Contestant<'_> {
    Contestant::new("tftpd-hpa", move || {
        peer::tftpd_hpa(&arena.lab, arena.lab.namespace(), ADDRESS, arena.tree())
    })
}

/// atftpd.
#[must_use]
pub fn atftpd(arena: &Arena) -> Contestant<'_> {
    Contestant::new("atftpd", move || {
        let program = unpacked("atftpd")?.join("usr/sbin/atftpd");
        let (program, tree) = (arena.word(&program)?, arena.word(arena.tree())?);
        let args = [
            "--daemon",
            "--no-fork",
            "--user",
            "root.root",
            "--bind-address",
            ADDRESS,
            "--maxthread",
            "2000",
            "--logfile",
            "-",
            tree,
        ];
        started(arena, "atftpd", program, &args)
    })
}

/// The crate async-tftp.
#[must_use]
pub fn async_tftp(arena: &Arena) -> Contestant<'_> {
    library(arena, "async-tftp")
}

/// The crate tftpd, whose project is called rs-tftpd.
#[must_use]
pub fn rs_tftpd(arena: &Arena) -> Contestant<'_> {
    library(arena, "rs-tftpd")
}

/// No server, but a sender of packets that lie in memory: what is left when a server costs nothing.
#[must_use]
pub fn bare(arena: &Arena) -> Contestant<'_> {
    library(arena, "bare")
}

/// A library in the smallest program around it, which is beside this one.
fn library<'a>(arena: &'a Arena, name: &'static str) -> Contestant<'a> {
    Contestant::new(name, move || {
        let program =
            env::current_exe()?.parent().context("a program without a directory")?.join("bench-peer");
        started(arena, name, arena.word(&program)?, &[name, arena.word(arena.tree())?])
    })
}

fn started(arena: &Arena, name: &str, program: &str, args: &[&str]) -> Result<Process> {
    let mut process = arena.lab.start(arena.lab.namespace(), name, program, args)?;
    listens(arena, &mut process, "-Huln", &format!("{ADDRESS}:69"))?;
    Ok(process)
}
