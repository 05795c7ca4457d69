//! What a request shows for the right to change what a machine boots.

use std::fmt;

use crate::request::Fields;

/// What a request shows for the right to change what another machine boots. Whether that is enough, the desk says.
#[derive(Clone, Copy)]
pub struct Claim<'a> {
    /// What stands behind `Authorization: Bearer` (RFC 6750 section 2.1).
    pub token: Option<&'a str>,
    /// A browser sent it, and the page of somebody else may be behind that: a picture's address is enough for a GET. Browsers
    /// name a page's origin only for some requests, and over plain HTTP seldom (Fetch Metadata section 2), so they are told by
    /// the name that all of them give themselves.
    pub by_browser: bool,
}

impl<'a> Claim<'a> {
    pub(crate) fn of(fields: Fields<'a>) -> Self {
        let token = fields.all("Authorization").next().and_then(|value| {
            let (scheme, token) = value.split_at_checked(7)?;
            scheme.eq_ignore_ascii_case("bearer ").then(|| token.trim())
        });
        let named = fields.all("User-Agent").any(|agent| agent.trim_start().starts_with("Mozilla/"));
        let by_browser = named || fields.has("Origin") || fields.has("Sec-Fetch-Site");
        Self { token, by_browser }
    }
}

impl fmt::Debug for Claim<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { token, by_browser } = self;
        out.debug_struct("Claim")
            .field("has_token", &token.is_some())
            .field("by_browser", by_browser)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use httparse::Header;

    use super::*;

    #[test]
    fn a_token_and_a_browser_are_told_by_their_fields() {
        for (name, value, token, by_browser) in [
            ("authorization", "Bearer abc ", Some("abc"), false),
            ("Authorization", "bearer  abc", Some("abc"), false),
            ("Authorization", "Basic abc", None, false),
            ("Authorization", "Bearer", None, false),
            ("User-Agent", "Wget/1.21", None, false),
            ("User-Agent", "Mozilla/5.0 (X11)", None, true),
            ("Origin", "http://evil.example", None, true),
            ("sec-fetch-site", "cross-site", None, true),
        ] {
            let field = Header { name, value: value.as_bytes() };
            let fields = [field];
            let claim = Claim::of(Fields(&fields));
            assert_eq!((claim.token, claim.by_browser), (token, by_browser), "{name}: {value}");
            assert!(!format!("{claim:?}").contains("abc"));
        }
    }
}
