//! TFTP servers. All of them serve the arena's tree at port 69 of every address.

use crate::arena::Arena;
use crate::compare::Contestant;
use crate::peer::listens;

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
