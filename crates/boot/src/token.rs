use hmac::{Hmac, KeyInit, Mac as _};
use nextboot_model::{AttemptId, Mac, State, Timestamp, hex};
use sha2::Sha256;

/// Proves that somebody was given a configuration or a seed written for one machine under one assignment.
///
/// 60 hexadecimal digits: the MAC (6 bytes), the attempt (8 bytes), and the first 16 bytes of an HMAC-SHA-256 over both
/// and the assignment's time. Nothing needs to be remembered to check one, so it survives a crash; it works once, because
/// the call-back itself changes the assignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    /// The machine.
    pub mac: Mac,
    /// The attempt in which it was given.
    pub attempt: AttemptId,
    /// The assignment of the host at that time; none for a machine that is no host.
    pub armed: Option<Timestamp>,
}

/// Why a token proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    /// Not 60 hexadecimal digits.
    #[error("this is not a token of ours")]
    Malformed,
    /// The digits were not made with our secret, or for another assignment: used already, or out of date.
    #[error("this token was used already, or the host has been assigned something else since")]
    Spent,
}

const BODY: usize = 14;
const TAG: usize = 16;

/// The key that tokens are made with; 32 random bytes, kept in the store.
#[derive(Clone)]
pub struct Secret(pub [u8; 32]);

impl std::fmt::Debug for Secret {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Secret(..)")
    }
}

impl Secret {
    fn hmac(&self, body: &[u8], armed: Option<Timestamp>) -> Option<Hmac<Sha256>> {
        let mut hmac = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.0).ok()?;
        hmac.update(body);
        hmac.update(&armed.map_or(0, |armed| armed.0).to_be_bytes());
        Some(hmac)
    }

    /// The token for a proof.
    #[must_use]
    pub fn token(&self, proof: &Proof) -> String {
        let mut bytes = Vec::with_capacity(BODY + TAG);
        bytes.extend_from_slice(&proof.mac.0);
        bytes.extend_from_slice(&proof.attempt.0.to_be_bytes());
        if let Some(hmac) = self.hmac(&bytes, proof.armed) {
            bytes.extend_from_slice(&hmac.finalize().into_bytes()[..TAG]);
        }
        bytes.into_iter().flat_map(hex).collect()
    }

    /// What a token proves now.
    ///
    /// # Errors
    /// When it proves nothing (any more).
    pub fn check(&self, token: &str, state: &State) -> Result<Proof, BadToken> {
        let raw = token.as_bytes();
        if raw.len() != 2 * (BODY + TAG) {
            return Err(BadToken::Malformed);
        }
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let bytes: Option<Vec<u8>> =
            raw.chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect();
        let bytes = bytes.ok_or(BadToken::Malformed)?;
        let (body, tag) = bytes.split_at(BODY);
        let (Some(mac), Some(attempt)) = (body.first_chunk::<6>(), body.last_chunk::<8>()) else {
            return Err(BadToken::Malformed);
        };
        let mac = Mac(*mac);
        // What was armed once and is used up may still be running.
        let assignment = state.by_mac(mac).map(|record| &record.assignment);
        let armings = match assignment {
            Some(assignment) => [Some(assignment.since), assignment.used.as_ref().map(|used| used.since)],
            None => [None; 2],
        };
        let genuine = |armed: &Option<Timestamp>| {
            // For a known host "no arming" proves nothing: that is what strangers' tokens are made with.
            (armed.is_some() || assignment.is_none())
                && self.hmac(body, *armed).is_some_and(|hmac| hmac.verify_truncated_left(tag).is_ok())
        };
        let armed = armings.into_iter().find(genuine).ok_or(BadToken::Spent)?;
        Ok(Proof { mac, attempt: AttemptId(u64::from_be_bytes(*attempt)), armed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_proves_what_it_was_made_for_and_nothing_else() {
        let (secret, state) = (Secret([7; 32]), State::default());
        let proof = Proof { mac: Mac([2, 0, 0, 0, 0, 1]), attempt: AttemptId(42), armed: None };
        let token = secret.token(&proof);
        assert_eq!(token.len(), 60);
        assert_eq!(secret.check(&token, &state), Ok(proof));
        assert_eq!(Secret([8; 32]).check(&token, &state), Err(BadToken::Spent));
        let spent = secret.token(&Proof { armed: Some(Timestamp(1)), ..proof });
        assert_eq!(secret.check(&spent, &state), Err(BadToken::Spent));
        for at in 0..60 {
            let mut forged = token.clone().into_bytes();
            forged[at] = if forged[at] == b'0' { b'1' } else { b'0' };
            assert_eq!(secret.check(std::str::from_utf8(&forged).unwrap(), &state), Err(BadToken::Spent));
        }
        for text in ["", "x", &"é".repeat(30), &"g".repeat(60)] {
            assert_eq!(secret.check(text, &state), Err(BadToken::Malformed));
        }
    }
}
