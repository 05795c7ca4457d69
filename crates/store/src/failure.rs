/// Why a transaction did not come about, in words for the one who waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure(pub(crate) String);

impl Failure {
    /// A row that must be there is not.
    pub(crate) fn meddled(name: &str) -> Self {
        Self(format!("host {name} is not in the database: somebody else changed it; restart nextboot"))
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}
