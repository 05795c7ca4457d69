use std::{
    fmt,
    net::{IpAddr, SocketAddr},
};

use axum::http::{HeaderMap, StatusCode, header};
use ipnet::IpNet;

use crate::{Token, error::ApiError};

/// Whom the API lets in.
#[derive(Debug, Clone)]
pub struct Access {
    /// The secret that opens it over the network.
    pub token: Token,
    /// The user that the server runs as; beside root, who may use the unix socket.
    pub own_uid: u32,
}

/// Who is at the other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// A TCP connection from there; IPv4 addresses are never written as IPv6 ones.
    Tcp(SocketAddr),
    /// The unix socket, and who opened it as the kernel says.
    Unix {
        /// The user.
        uid: u32,
    },
}

impl Peer {
    /// The address of a machine on the network.
    pub(crate) fn address(self) -> Option<IpAddr> {
        match self {
            Self::Tcp(from) => Some(from.ip()),
            Self::Unix { .. } => None,
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(from) => write!(out, "{}", from.ip()),
            Self::Unix { uid: 0 } => out.write_str("root over the socket"),
            Self::Unix { uid } => write!(out, "user {uid} over the socket"),
        }
    }
}

/// Somebody who may do everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// Who, in words.
    pub(crate) who: String,
}

impl Access {
    /// Says whether whoever sent this request may use the API. Machines in the networks `trusted` need no token.
    ///
    /// # Errors
    /// What would be needed.
    pub(crate) fn judge(
        &self,
        trusted: &[IpNet],
        peer: Peer,
        headers: &HeaderMap,
    ) -> Result<Caller, ApiError> {
        let who = |who: String| Ok(Caller { who });
        if let Peer::Unix { uid } = peer
            && (uid == 0 || uid == self.own_uid)
        {
            return who(peer.to_string());
        }
        let given = bearer(headers);
        if given.is_some_and(|given| self.token.is(given)) {
            return who(match peer {
                Peer::Tcp(from) => format!("token from {}", from.ip()),
                Peer::Unix { .. } => format!("{peer} with the token"),
            });
        }
        if let Some(address) = peer.address()
            && trusted.iter().any(|network| network.contains(&address))
        {
            check_origin(headers)?;
            return who(format!("{address} (trusted network)"));
        }
        Err(match given {
            Some(_) => ApiError::new(
                StatusCode::UNAUTHORIZED,
                "wrong-token",
                "this is not the token in the server's token file",
            ),
            None => ApiError::new(
                StatusCode::UNAUTHORIZED,
                "token-needed",
                "send the header `Authorization: Bearer TOKEN` with the content of the server's token file, use the unix socket \
                 as root, or call from a network that the configuration trusts",
            ),
        })
    }
}

/// What stands behind `Authorization: Bearer` (RFC 6750 section 2.1; the scheme in any case).
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, rest) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| rest.trim_ascii())
}

/// Refuses what a browser sends on behalf of somebody else's page: there the trust in an address is not trust in who
/// wrote the request.
pub(crate) fn check_origin(headers: &HeaderMap) -> Result<(), ApiError> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let foreign_site =
        matches!(text("sec-fetch-site"), Some(site) if site != "same-origin" && site != "none");
    let foreign_origin = match text("origin") {
        None => false,
        Some(origin) => {
            let host = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
            host.is_none() || host != text("host") || host.is_some_and(rebindable)
        }
    };
    if foreign_site || foreign_origin {
        return Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "cross-site",
            "a browser sent this on behalf of another site's page; being on a trusted network does not allow that",
        ));
    }
    Ok(())
}

/// A name whose owner could point it at our address and so pass for our own origin: one with a dot that is not an
/// address.
fn rebindable(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    let address = host.trim_start_matches('[').trim_end_matches(']');
    address.parse::<IpAddr>().is_err() && host.contains('.')
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    const TOKEN: &str = "0123456789abcdef0123456789abcdef";

    fn access() -> Access {
        Access { token: Token::of(TOKEN), own_uid: 998 }
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    fn tcp(address: &str) -> Peer {
        Peer::Tcp(SocketAddr::new(address.parse().unwrap(), 4711))
    }

    fn judge(peer: Peer, pairs: &[(&'static str, &str)]) -> Result<String, (u16, &'static str)> {
        let trusted = ["10.1.0.0/16".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let judged = access().judge(&trusted, peer, &headers(pairs));
        judged.map(|caller| caller.who).map_err(|error| (error.status().as_u16(), error.code()))
    }

    #[test]
    fn the_socket_is_for_root_and_the_servers_own_user() {
        assert_eq!(judge(Peer::Unix { uid: 0 }, &[]).unwrap(), "root over the socket");
        assert_eq!(judge(Peer::Unix { uid: 998 }, &[]).unwrap(), "user 998 over the socket");
        assert_eq!(judge(Peer::Unix { uid: 1000 }, &[]), Err((401, "token-needed")));
        let token = format!("Bearer {TOKEN}");
        assert!(judge(Peer::Unix { uid: 1000 }, &[("authorization", &token)]).is_ok());
    }

    #[test]
    fn the_token_opens_from_anywhere_and_nothing_like_it_does() {
        let far = tcp("192.0.2.1");
        for value in [format!("Bearer {TOKEN}"), format!("bearer  {TOKEN} "), format!("BEARER {TOKEN}")] {
            assert_eq!(judge(far, &[("authorization", &value)]).unwrap(), "token from 192.0.2.1", "{value}");
        }
        let shorter = &TOKEN[1..];
        for value in [format!("Bearer {shorter}"), format!("Bearer {TOKEN}0"), "Bearer ".into()] {
            assert_eq!(judge(far, &[("authorization", &value)]), Err((401, "wrong-token")), "{value}");
        }
        for value in ["", "Bearer", TOKEN, "Basic cm9vdDo="] {
            assert_eq!(judge(far, &[("authorization", value)]), Err((401, "token-needed")), "{value}");
        }
    }

    #[test]
    fn a_trusted_network_needs_no_token() {
        assert_eq!(judge(tcp("10.1.2.3"), &[]).unwrap(), "10.1.2.3 (trusted network)");
        assert!(judge(tcp("fd00::1"), &[]).is_ok());
        assert_eq!(judge(tcp("10.2.0.1"), &[]), Err((401, "token-needed")));
        assert_eq!(judge(tcp("127.0.0.1"), &[]), Err((401, "token-needed")));
    }

    #[test]
    fn a_browser_does_not_carry_the_trust_to_other_sites() {
        let near = tcp("10.1.2.3");
        let own = |host: &str| judge(near, &[("host", host), ("origin", &format!("http://{host}"))]);
        assert!(own("10.1.0.1:3478").is_ok());
        assert!(own("[fd00::1]:3478").is_ok());
        assert!(own("pxe-server:3478").is_ok());
        assert!(judge(near, &[("host", "10.1.0.1:3478"), ("sec-fetch-site", "same-origin")]).is_ok());
        assert!(judge(near, &[("host", "10.1.0.1:3478"), ("sec-fetch-site", "none")]).is_ok());
        for pairs in [
            &[("host", "10.1.0.1:3478"), ("origin", "http://evil.example")][..],
            &[("host", "10.1.0.1:3478"), ("origin", "http://10.1.0.1")],
            &[("host", "10.1.0.1:3478"), ("origin", "null")],
            &[("host", "10.1.0.1:3478"), ("origin", "")],
            &[("origin", "http://10.1.0.1:3478")],
            &[("host", "10.1.0.1:3478"), ("sec-fetch-site", "cross-site")],
            &[("host", "10.1.0.1:3478"), ("sec-fetch-site", "same-site")],
            // A name pointed at us by its owner.
            &[("host", "evil.example:3478"), ("origin", "http://evil.example:3478")],
        ] {
            assert_eq!(judge(near, pairs), Err((403, "cross-site")), "{pairs:?}");
        }
        let token = format!("Bearer {TOKEN}");
        assert!(judge(near, &[("origin", "http://evil.example"), ("authorization", &token)]).is_ok());
    }
}
