//! PXELINUX's configuration language: read, so that one profile serves every loader, and written.

mod include;
mod read;
mod shown;
mod write;

pub use nextboot_model::PxelinuxOptions as Options;
pub use read::{Boot, Label, Menu, Untranslatable};
pub use shown::{Entry, Shown};
pub use write::{linux, local};
