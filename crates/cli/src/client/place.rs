use std::{fmt, io, path::PathBuf, time::Duration};

use hyper::Uri;
use tokio::time::error::Elapsed;

use crate::failure::Failure;

/// The API's usual port.
const PORT: u16 = 3478;

/// Where the server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// A unix socket on this host.
    Socket(PathBuf),
    /// A TCP port somewhere. The host is an address (without brackets) or a name.
    Server { host: String, port: u16 },
}

impl Place {
    /// Reads `http://HOST[:PORT]`, or `HOST[:PORT]`.
    pub(crate) fn parse(url: &str) -> Result<Self, Failure> {
        let wrong = |why: &str| {
            Failure::Usage(format!("--server {url}: {why}; write it like http://pxe-server:3478"))
        };
        let full = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
        let uri: Uri = full.parse().map_err(|_| wrong("not a URL"))?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => return Err(wrong("the API speaks plain HTTP only (ssh -L makes a tunnel)")),
            _ => return Err(wrong("not an http:// URL")),
        }
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(wrong("give only the host and the port"));
        }
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() || uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(wrong("give only the host and the port"));
        }
        Ok(Self::Server { host: host.to_owned(), port: uri.port_u16().unwrap_or(PORT) })
    }

    /// What goes into the `Host` header.
    pub(super) fn authority(&self) -> String {
        match self {
            Self::Socket(_) => "localhost".into(),
            Self::Server { host, port } if host.contains(':') => format!("[{host}]:{port}"),
            Self::Server { host, port } => format!("{host}:{port}"),
        }
    }

    /// The connection, or why there is none.
    pub(super) fn connected<S>(
        &self,
        result: Result<io::Result<S>, Elapsed>,
        limit: Duration,
    ) -> Result<S, Failure> {
        let error = match result {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => error,
            Err(_) => return Err(Failure::Slow { place: self.to_string(), seconds: limit.as_secs() }),
        };
        Err(match self {
            Self::Socket(path) => match error.kind() {
                io::ErrorKind::NotFound => Failure::NoSocket(path.clone()),
                io::ErrorKind::ConnectionRefused => Failure::NobodyListens(path.clone()),
                io::ErrorKind::PermissionDenied => Failure::SocketForbidden(path.clone()),
                _ => Failure::Unreachable { place: self.to_string(), why: error.to_string() },
            },
            Self::Server { .. } => Failure::Unreachable { place: self.to_string(), why: error.to_string() },
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(path) => write!(out, "{}", path.display()),
            Self::Server { .. } => write!(out, "http://{}", self.authority()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_given_as_people_write_them() {
        for (text, url) in [
            ("http://pxe-server:3478", "http://pxe-server:3478"),
            ("http://pxe-server/", "http://pxe-server:3478"),
            ("pxe-server", "http://pxe-server:3478"),
            ("10.0.0.1:80", "http://10.0.0.1:80"),
            ("http://[fd00::1]:9", "http://[fd00::1]:9"),
        ] {
            assert_eq!(
                Place::parse(text).map(|place| place.to_string()).ok().as_deref(),
                Some(url),
                "{text}"
            );
        }
        for text in ["", "https://x", "ftp://x", "http://x/api", "http://u:p@x", "http://x?y", "a b"] {
            assert!(matches!(Place::parse(text), Err(Failure::Usage(_))), "{text}");
        }
    }
}
