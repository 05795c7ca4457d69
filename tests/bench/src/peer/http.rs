//! HTTP servers. All of them serve the arena's tree.

use std::fs;

use crate::arena::Arena;
use crate::compare::Contestant;
use crate::peer::listens;

/// Where nginx listens.
pub const NGINX_PORT: u16 = 8081;

/// nginx with sendfile, and without the log that Debian's configuration writes: a line for each request would slow it down.
#[must_use]
pub fn nginx(arena: &Arena) -> Contestant<'_> {
    Contestant::new("nginx", move || {
        let dir = arena.lab.dir().join("nginx");
        fs::create_dir_all(&dir)?;
        let (place, tree) = (arena.word(&dir)?, arena.word(arena.tree())?);
        let bodies: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|what| format!("{what}_temp_path {place}/{what};\n"))
            .collect();
        let config = format!(
            "daemon off;\nuser root;\nworker_processes 1;\npid {place}/pid;\nerror_log {place}/error.log;\n\
             events {{ worker_connections 4096; }}\n\
             http {{\naccess_log off;\nsendfile on;\nkeepalive_requests 100000000;\n\
             default_type application/octet-stream;\n{bodies}\
             server {{ listen {NGINX_PORT}; root {tree}; }}\n}}\n"
        );
        let file = dir.join("nginx.conf");
        fs::write(&file, config)?;
        let args = ["-c", arena.word(&file)?];
        let mut process = arena.lab.start(arena.lab.namespace(), "nginx", "nginx", &args)?;
        listens(arena, &mut process, "-Htln", &format!("0.0.0.0:{NGINX_PORT}"))?;
        Ok(process)
    })
}
