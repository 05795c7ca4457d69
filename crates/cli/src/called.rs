//! The binary under the name of a program that it replaces: a link is all that its users' scripts need.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::ExitCode,
};

use crate::{pxe_pilot, pxemngr};

/// What became of a command line of another program.
#[derive(Debug)]
pub enum Called {
    /// It was carried out or refused; this is its exit code.
    Done(ExitCode),
    /// The server is to run, with this configuration of pxe-pilot's.
    PxePilotServer(PathBuf),
}

/// Takes the whole command line where the binary was called by the name of a program that it replaces; nothing where it was
/// called by its own. The name is the last part of the first argument, as a shell gives it: a link's own name.
pub fn called_as(arguments: impl IntoIterator<Item = OsString>) -> Option<Called> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let name = Path::new(arguments.first()?).file_name()?.to_str()?;
    match name {
        "pxe-pilot" => Some(pxe_pilot::run(arguments)),
        "pxemngr" => Some(Called::Done(pxemngr::run(arguments))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_part_of_the_name_counts() {
        let called = |name: &str| called_as([name, "--help"].map(OsString::from)).is_some();
        assert!(called("pxe-pilot") && called("/usr/bin/pxe-pilot") && called("./pxemngr"));
        for name in ["nextboot", "/opt/pxe-pilot/nextboot", "pxe-pilot2", "pxe-pilot/..", ""] {
            assert!(!called(name), "{name}");
        }
        assert!(called_as([]).is_none());
    }
}
