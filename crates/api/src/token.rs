use std::{
    fmt, fs,
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use subtle::ConstantTimeEq;

/// Longest token file, in bytes.
const LONGEST: u64 = 4096;
/// Shortest token that somebody may choose, in bytes.
const SHORTEST: usize = 16;

/// The secret that lets a program use the API over the network: what the token file contains.
///
/// It is never written anywhere else; `Debug` shows nothing of it.
#[derive(Clone)]
pub struct Token(String);

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file cannot be read.
    #[error("cannot read the token file {file}: {source}")]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The file is missing and cannot be made.
    #[error("cannot make the token file {file}: {source}")]
    Unwritable {
        /// The file.
        file: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The file is open to more than its owner.
    #[error(
        "the token file {file} is open to others (mode {mode:04o}): who reads it controls every machine. Run `chmod 600 {file}`, \
         and put in a new token (or remove the file; a new one is made) when somebody may have read it"
    )]
    Exposed {
        /// The file.
        file: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The content cannot be a token.
    #[error(
        "the token file {0} must be a file with one line of {SHORTEST} to {LONGEST} visible ASCII characters; remove it and a \
         new one is made"
    )]
    NotAToken(PathBuf),
    /// The kernel gives no random numbers.
    #[error("no random numbers for a token: {0}")]
    NoRandom(getrandom::Error),
}

impl Token {
    /// Reads the token file; makes one (mode 0600, 32 random bytes in hexadecimal) when there is none.
    ///
    /// # Errors
    /// Why there is no token that may be used.
    pub fn load_or_create(file: &Path) -> Result<Self, TokenError> {
        if let Some(token) = Self::load(file)? {
            return Ok(token);
        }
        create(file)?;
        match Self::load(file)? {
            Some(token) => Ok(token),
            None => {
                Err(TokenError::Unreadable { file: file.to_owned(), source: io::ErrorKind::NotFound.into() })
            }
        }
    }

    fn load(file: &Path) -> Result<Option<Self>, TokenError> {
        let unreadable = |source| TokenError::Unreadable { file: file.to_owned(), source };
        let bad = || TokenError::NotAToken(file.to_owned());
        // Looked at before it is opened: opening a pipe would wait for ever.
        match fs::metadata(file) {
            Ok(found) if !found.is_file() => return Err(bad()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error)),
        }
        let opened = fs::File::open(file).map_err(unreadable)?;
        let mode = opened.metadata().map_err(unreadable)?.mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(TokenError::Exposed { file: file.to_owned(), mode });
        }
        let mut text = String::new();
        match opened.take(LONGEST + 1).read_to_string(&mut text) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(bad()),
            Err(error) => return Err(unreadable(error)),
        }
        let token = text.trim_end_matches(['\r', '\n']);
        let sound = text.len() as u64 <= LONGEST
            && token.len() >= SHORTEST
            && token.bytes().all(|byte| byte.is_ascii_graphic());
        if sound { Ok(Some(Self(token.to_owned()))) } else { Err(bad()) }
    }

    /// True when these are the token's bytes. Takes the same time wherever the first difference is.
    #[must_use]
    pub fn is(&self, given: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(given).into()
    }
}

/// Written beside its place and linked there whole: whoever finds the file finds all of it, also after a crash.
fn create(file: &Path) -> Result<(), TokenError> {
    let unwritable = |source| TokenError::Unwritable { file: file.to_owned(), source };
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(TokenError::NoRandom)?;
    let text: String = random.iter().map(|byte| format!("{byte:02x}")).collect();

    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let new = PathBuf::from(name);
    let _ = fs::remove_file(&new);
    let made = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&new)
        .and_then(|mut made| {
            made.write_all(text.as_bytes())?;
            made.write_all(b"\n")?;
            made.sync_all()
        })
        .and_then(|()| fs::hard_link(&new, file));
    let _ = fs::remove_file(&new);
    match made {
        // Another process was quicker; its token is as good.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map_err(unwritable),
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Token(..)")
    }
}

#[cfg(test)]
impl Token {
    pub(crate) fn of(text: &str) -> Self {
        Self(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn dir() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    fn put(file: &Path, text: &[u8], mode: u32) {
        fs::write(file, text).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_missing_file_is_made_for_its_owner_only_and_holds_from_then_on() {
        let dir = dir();
        let file = dir.path().join("token");
        let token = Token::load_or_create(&file).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o7777, 0o600);
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(text.len(), 65);
        assert!(text.trim_end().bytes().all(|b| b.is_ascii_hexdigit()));
        assert!(token.is(text.trim_end().as_bytes()));
        assert!(Token::load_or_create(&file).unwrap().is(text.trim_end().as_bytes()));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing may be left over");
    }

    #[test]
    fn two_new_tokens_differ() {
        let dir = dir();
        Token::load_or_create(&dir.path().join("a")).unwrap();
        Token::load_or_create(&dir.path().join("b")).unwrap();
        assert_ne!(fs::read(dir.path().join("a")).unwrap(), fs::read(dir.path().join("b")).unwrap());
    }

    #[test]
    fn a_file_that_others_may_read_or_write_is_refused_with_a_remedy() {
        let dir = dir();
        let file = dir.path().join("token");
        for mode in [0o644, 0o640, 0o604, 0o602, 0o660] {
            put(&file, b"0123456789abcdef0123456789abcdef\n", mode);
            let error = Token::load_or_create(&file).unwrap_err();
            assert!(matches!(error, TokenError::Exposed { mode: found, .. } if found == mode), "{mode:o}");
            assert!(error.to_string().contains("chmod 600"));
            assert!(!error.to_string().contains("0123456789abcdef"), "the secret must not be told");
        }
        put(&file, b"0123456789abcdef0123456789abcdef\n", 0o400);
        assert!(Token::load_or_create(&file).is_ok());
    }

    #[test]
    fn what_cannot_be_a_token_is_refused() {
        let dir = dir();
        let file = dir.path().join("token");
        let long = vec![b'x'; 5000];
        for text in [&b""[..], b"short\n", b"two lines of text\nhere\n", b"0123456789abcde\xff0123", &long] {
            put(&file, text, 0o600);
            let error = Token::load_or_create(&file).unwrap_err();
            assert!(matches!(error, TokenError::NotAToken(_)), "{error}");
        }
        assert!(matches!(Token::load_or_create(dir.path()), Err(TokenError::NotAToken(_))));
        let nowhere = dir.path().join("no/such/directory/token");
        assert!(matches!(Token::load_or_create(&nowhere), Err(TokenError::Unwritable { .. })));
    }

    #[test]
    fn only_the_whole_token_is_the_token_and_it_is_never_shown() {
        let token = Token::of("0123456789abcdef");
        assert!(token.is(b"0123456789abcdef"));
        for other in [&b""[..], b"0123456789abcde", b"0123456789abcdef0", b"0123456789abcdeF"] {
            assert!(!token.is(other));
        }
        assert_eq!(format!("{token:?}"), "Token(..)");
    }
}
