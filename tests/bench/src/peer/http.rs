//! HTTP servers. All of them serve the arena's tree.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use nextboot_tests::wait_until;

use crate::arena::Arena;
use crate::compare::Contestant;
use crate::peer::{START, listens};

/// Where nginx listens.
pub const NGINX_PORT: u16 = 8081;

/// nginx with sendfile, and without the log that Debian's configuration writes: a line for each request would slow it down.
#[must_use]
pub fn nginx(arena: &Arena) -> Contestant<'_> {
    Contestant::new("nginx", move || {
        let config = nginx_config(arena, &NGINX_PORT.to_string(), arena.tree())?;
        let args = ["-c", arena.word(&config)?];
        // The worker of an nginx that was stopped listens a moment longer than it serves, and looks like the new one.
        wait_until("the port of nginx to be free", START, || {
            let shown = arena.lab.namespace().run("ss", &["-Htln"])?;
            Ok((!shown.contains(&format!(":{NGINX_PORT} "))).then_some(()))
        })?;
        let mut process = arena.lab.start(arena.lab.namespace(), "nginx", "nginx", &args)?;
        listens(arena, &mut process, "-Htln", &format!("0.0.0.0:{NGINX_PORT}"))?;
        Ok(process)
    })
}

/// Writes its configuration for a directory of files; `listen` is a port, or an address with one.
pub(super) fn nginx_config(arena: &Arena, listen: &str, root: &Path) -> Result<PathBuf> {
    let dir = arena.lab.dir().join("nginx");
    fs::create_dir_all(&dir)?;
    let (place, root) = (arena.word(&dir)?, arena.word(root)?);
    let bodies: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|what| format!("{what}_temp_path {place}/{what};\n"))
        .collect();
    let config = format!(
        "daemon off;\nuser root;\nworker_processes 1;\npid {place}/pid;\nerror_log {place}/error.log;\n\
         events {{ worker_connections 4096; }}\n\
         http {{\naccess_log off;\nsendfile on;\nkeepalive_requests 100000000;\n\
         default_type application/octet-stream;\n{bodies}\
         server {{ listen {listen}; root {root}; }}\n}}\n"
    );
    let file = dir.join("nginx.conf");
    fs::write(&file, config)?;
    Ok(file)
}
