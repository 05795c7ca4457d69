//! Debian's network installer as its mirror has it, `netboot.tar.gz`: unpacked beneath a root, and what is in it told.
//!
//! The archive is somebody's from the network, and unpacked as root. So nothing in it is followed or trusted: files and
//! directories are made beneath a directory of our own, links only after all files and only to what is inside, everything else is
//! refused, and everything has a bound. A name stands for nothing until all of it is there.

mod links;
mod metered;
mod tree;
mod unpack;

pub(crate) use tree::recognise;
pub(crate) use unpack::{Unpacked, unpack};

/// Why an archive is not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadArchive {
    #[error("it is no tar archive, or it is cut short: {0}")]
    Unreadable(std::io::Error),
    #[error("it has more than {0}")]
    TooMuch(String),
    #[error("{name:?} leads out of the archive's own directory")]
    Outside { name: String },
    #[error("{name:?} is no name that can be unpacked")]
    Name { name: String },
    #[error("{name:?} is a {kind}; only files, directories and links are unpacked")]
    Kind { name: String, kind: &'static str },
    #[error("{name:?} is there twice, or lies beneath something that is no directory")]
    Twice { name: String },
    #[error("{name:?} is a link to {target:?}, which is no file of the archive before it")]
    HardLink { name: String, target: String },
    #[error(
        "nothing in it is a network installer: there is no debian-installer/ARCHITECTURE/ with linux and initrd.gz"
    )]
    NoInstaller,
    #[error("cannot write {path}: {error}")]
    Write { path: std::path::PathBuf, error: std::io::Error },
}
