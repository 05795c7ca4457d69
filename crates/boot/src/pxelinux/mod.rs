//! PXELINUX's configuration language: read, so that one profile serves every loader, and written.

mod include;
mod options;
mod read;
mod shown;
mod write;

pub use options::Options;
pub use read::{Boot, Label, Menu, Untranslatable};
pub use shown::{Entry, Shown};
pub use write::{linux, local};
