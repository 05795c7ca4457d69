use std::{
    net::IpAddr,
    path::{Path, PathBuf},
};

use ipnet::IpNet;

use crate::{
    document::Section,
    files::{path, take},
    http::addresses,
    value::address_or_network,
};

/// Longest path of a unix socket (`sun_path` without its NUL), in bytes.
const MAX_SOCKET_PATH: usize = 107;

/// The usual port, which is pxe-pilot's.
pub(crate) const PORT: u16 = 3478;

/// The control API, for people and programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Api {
    /// TCP port.
    pub port: u16,
    /// Addresses to listen on; empty: all of this host's.
    pub addresses: Vec<IpAddr>,
    /// The unix socket, for root and the server's own user.
    pub socket: PathBuf,
    /// The file with the bearer token; made at the first start.
    pub token_file: PathBuf,
    /// Networks whose machines may do everything without a token.
    pub trusted: Vec<IpNet>,
    /// Networks whose machines may read the metrics without a token, and nothing else.
    pub metrics: Vec<IpNet>,
}

impl Api {
    pub(crate) fn new(data_dir: &Path) -> Self {
        Self {
            port: PORT,
            addresses: Vec::new(),
            socket: "/run/nextboot/nextboot.sock".into(),
            token_file: data_dir.join("token"),
            trusted: Vec::new(),
            metrics: Vec::new(),
        }
    }

    pub(crate) fn read(api: &mut Section<'_>, place: &Path, data_dir: &Path, http_port: u16) -> Self {
        let mut read = Self::new(data_dir);
        let port = api.get("port", |item| {
            let port = item.number(1..=u16::MAX)?;
            if port == http_port {
                return item.wrong("[http] has this port; the two sides need one each");
            }
            Some(port)
        });
        take(&mut read.port, port);
        take(&mut read.addresses, api.get("addresses", addresses));
        let socket = api.get("socket", |item| {
            let socket = path(item, place)?;
            if socket.as_os_str().len() > MAX_SOCKET_PATH {
                return item.wrong(format!("a socket's path has at most {MAX_SOCKET_PATH} bytes"));
            }
            Some(socket)
        });
        take(&mut read.socket, socket);
        take(&mut read.token_file, api.get("token_file", |item| path(item, place)));
        take(&mut read.trusted, api.get("trusted", |item| item.list(address_or_network)));
        take(&mut read.metrics, api.get("metrics", |item| item.list(address_or_network)));
        if !api.has("port") && http_port == read.port {
            let mark = api.missing("port");
            api.report().complain(
                &mark,
                format!("missing; [http] has the usual {http_port}, so choose another here"),
            );
        }
        read
    }
}
