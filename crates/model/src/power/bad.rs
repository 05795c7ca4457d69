/// A power endpoint that no host can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("power {what}: {remedy}")]
pub struct BadPower {
    /// Which field.
    pub what: &'static str,
    /// What is wrong, and what would be right.
    pub remedy: String,
}

impl BadPower {
    pub(super) fn new(what: &'static str, remedy: impl Into<String>) -> Self {
        Self { what, remedy: remedy.into() }
    }
}
