/// The vendor classes (option 60) that mean a PXE client, each by its beginning. A few vendors' firmware carries another than
/// `PXEClient`, and wants to read it in the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VendorClasses(Vec<Vec<u8>>);

impl Default for VendorClasses {
    fn default() -> Self {
        Self(vec![b"PXEClient".to_vec()])
    }
}

impl VendorClasses {
    /// These classes; empty ones are left out, because every class begins with nothing.
    #[must_use]
    pub fn new(classes: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self(classes.into_iter().filter(|class| !class.is_empty()).collect())
    }

    /// The one with which this class begins.
    pub(crate) fn of(&self, class: &[u8]) -> Option<&[u8]> {
        self.0.iter().map(Vec::as_slice).find(|known| class.starts_with(known))
    }
}
