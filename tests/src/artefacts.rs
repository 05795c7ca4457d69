//! Where things are: the project, what cargo built, and what tests leave to look at.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::{env, fs};

use anyhow::{Context, Result, anyhow};

use crate::namespace::run;

/// The project's top directory.
pub(crate) fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or_else(|| Path::new("/"))
}

/// The directory of this build, `.../target/debug` or `.../target/release`; test programs live in its `deps`, others in
/// it.
fn build_dir() -> Result<PathBuf> {
    let program = env::current_exe()?;
    let dir = program.parent().context("a program without a directory")?;
    let dir = if dir.ends_with("deps") { dir.parent() } else { Some(dir) };
    dir.map(Path::to_path_buf).context("the test program is not in a target directory")
}

/// The laboratory's place under the target directory: it survives the tests, so that a person can look.
pub(crate) fn lab_dir() -> Result<PathBuf> {
    let dir = build_dir()?.parent().context("no target directory")?.join("lab");
    fs::create_dir_all(&dir)?;
    Ok(dir)
}

/// The binary under test: `NEXTBOOT_BIN`, or the one that cargo builds now, so that a test never runs an old one.
pub fn binary() -> Result<PathBuf> {
    static BINARY: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    BINARY
        .get_or_init(|| find_or_build().map_err(|error| format!("{error:#}")))
        .clone()
        .map_err(|error| anyhow!(error))
}

fn find_or_build() -> Result<PathBuf> {
    if let Some(path) = env::var_os("NEXTBOOT_BIN") {
        return fs::canonicalize(&path).with_context(|| format!("NEXTBOOT_BIN={}", path.display()));
    }
    let dir = build_dir()?;
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(project()).args(["build", "--quiet", "--package", "nextboot"]);
    cargo.arg("--target-dir").arg(dir.parent().context("no target directory")?);
    if dir.ends_with("release") {
        cargo.arg("--release");
    }
    run(&mut cargo)?;
    Ok(dir.join("nextboot"))
}

/// The small installer: the directory with its `vmlinuz` and `initrd`, made from Debian packages on first use.
pub(crate) fn guest() -> Result<PathBuf> {
    let dir = lab_dir()?.join("guest");
    run(Command::new(project().join("deploy/guest/build")).arg(&dir))?;
    Ok(dir)
}

/// A Debian package, unpacked and not installed: downloaded by apt on first use, kept beside the laboratory.
///
/// # Errors
/// When apt does not have it.
pub fn unpacked(package: &str) -> Result<PathBuf> {
    let dir = lab_dir()?.join("unpacked").join(package);
    run(Command::new(project().join("deploy/unpack")).arg(package).arg(&dir))?;
    Ok(dir)
}
