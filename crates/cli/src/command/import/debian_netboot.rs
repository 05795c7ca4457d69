use std::{
    fs::{self, File, Permissions},
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use hyper::Method;
use nextboot_model::ProfileName;
use rustix::fs::{CWD, RenameFlags, renameat_with, syncfs};
use serde_json::{Value, json};

use crate::{
    args::ImportNetboot,
    command::Session,
    failure::Failure,
    netboot::{Unpacked, recognise, unpack},
    output,
};

/// Longest configuration file, as the server has it, in bytes.
const MAX_CONFIG: u64 = 1024 * 1024;

impl Session {
    pub(super) async fn import_debian_netboot(&self, import: &ImportNetboot) -> Result<(), Failure> {
        let ImportNetboot { file, root, .. } = import;
        let wrong = |what: &Path, why: String| Failure::Refused(format!("{}: {why}", what.display()));
        let archive = File::open(file).map_err(|error| wrong(file, error.to_string()))?;
        if !root.is_dir() {
            return Err(wrong(
                root,
                "there is no such directory; name one of the server's roots with --root".into(),
            ));
        }
        // On the same file system as its place, and gone again whatever happens.
        let own = tempfile::Builder::new().prefix(".nextboot-import-").tempdir_in(root);
        let own = own.map_err(|error| wrong(root, format!("cannot write there: {error}")))?;
        let Unpacked { entries, bytes } =
            unpack(archive, own.path()).map_err(|error| wrong(file, error.to_string()))?;
        let tree = recognise(own.path()).map_err(|error| wrong(file, error.to_string()))?;
        // The version is whatever the archive says: a name, or half a path.
        let usual = || tree.usual_name().and_then(|name| name.parse::<ProfileName>().ok());
        let Some(name) = import.name.clone().or_else(usual).map(|name| name.to_string()) else {
            return Err(wrong(file, "it does not say its version; choose a name with --name".into()));
        };
        if matches!(name.as_str(), "local" | "pxelinux.cfg" | "default") {
            return Err(Failure::Usage(format!("{name} means something else; choose another --name")));
        }
        let place = root.join(&name);
        let profiles = tree.profiles(&name, &name);
        if place.symlink_metadata().is_ok() {
            return Err(wrong(&place, "this is there already; remove it, or choose another --name".into()));
        }
        let text = profiles.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join("\n");
        if !import.dry_run {
            put(own, &place).map_err(|error| wrong(&place, error.to_string()))?;
            if let Some(config) = &import.config {
                let added = self.add_profiles(config, &profiles, &text).await;
                if let Err(failure) = added {
                    // Whole or not at all, so that it can be called again.
                    fs::remove_dir_all(&place).map_err(|error| wrong(&place, error.to_string()))?;
                    return Err(failure);
                }
            }
        }
        let what = format!("{}: {entries} files, {} MB", tree.title(), bytes.div_ceil(1_000_000));
        let names: Vec<&str> = profiles.iter().map(|(name, _)| name.as_str()).collect();
        if self.json {
            return output::json(&json!({
                "name": name, "directory": place, "files": entries, "bytes": bytes, "version": tree.version,
                "profiles": names, "config": text, "written": !import.dry_run,
            }));
        }
        let done = if import.dry_run { "would be put into" } else { "is in" };
        let place = place.display();
        let next = match &import.config {
            Some(config) if !import.dry_run => {
                format!(
                    "{} has the profiles {}; `nextboot boot HOST {}`",
                    config.display(),
                    names.join(", "),
                    names[0]
                )
            }
            _ => format!("Put this into the server's configuration, and then `nextboot reload`:\n\n{text}"),
        };
        output::print(&format!("{what}; it {done} {place}\n{}", next.trim_end()))
    }

    /// Puts profiles at the end of a configuration. When the server does not like it, the file is what it was.
    async fn add_profiles(
        &self,
        config: &Path,
        profiles: &[(String, String)],
        text: &str,
    ) -> Result<(), Failure> {
        let wrong = |why: String| Failure::Refused(format!("{}: {why}", config.display()));
        // Of two at once each would write what it had read before the other wrote.
        let _turn = turn(config).map_err(|error| wrong(error.to_string()))?;
        let size = fs::metadata(config).map_err(|error| wrong(error.to_string()))?.len();
        if size > MAX_CONFIG {
            return Err(wrong("this is no configuration: it is too long".into()));
        }
        let old = fs::read_to_string(config).map_err(|error| wrong(error.to_string()))?;
        let heads = profiles.iter().filter_map(|(_, text)| text.lines().next());
        if let Some(head) = heads.into_iter().find(|head| old.lines().any(|line| line.trim() == *head)) {
            return Err(wrong(format!("{head} is there already; choose another --name")));
        }
        let blank = if old.is_empty() || old.ends_with("\n\n") {
            ""
        } else if old.ends_with('\n') {
            "\n"
        } else {
            "\n\n"
        };
        replace(config, &format!("{old}{blank}{text}")).map_err(|error| wrong(error.to_string()))?;
        let reloaded: Result<Value, Failure> = self.client.call(Method::POST, "/api/reload", None).await;
        if let Err(failure) = reloaded {
            replace(config, &old).map_err(|error| wrong(error.to_string()))?;
            return Err(failure);
        }
        Ok(())
    }
}

/// Gives a directory its place and name, durably, and never over something that came there meanwhile.
fn put(own: tempfile::TempDir, place: &Path) -> std::io::Result<()> {
    fs::set_permissions(own.path(), Permissions::from_mode(0o755))?;
    syncfs(File::open(own.path())?)?;
    renameat_with(CWD, own.path(), CWD, place, RenameFlags::NOREPLACE)?;
    // Nothing is left to be removed.
    let _ = own.keep();
    Ok(())
}

/// The turn to change a file, until it is dropped. The file itself is another one afterwards, so its directory is what is locked.
fn turn(file: &Path) -> std::io::Result<File> {
    let file = fs::canonicalize(file)?;
    let directory = File::open(file.parent().unwrap_or_else(|| Path::new("/")))?;
    directory.lock()?;
    Ok(directory)
}

/// Puts another text at a file's name in one step; whose it is and who may read it stays.
fn replace(file: &Path, text: &str) -> std::io::Result<()> {
    // Not at the name of a link, but where that leads.
    let file = fs::canonicalize(file)?;
    let like = fs::metadata(&file)?;
    let directory = file.parent().unwrap_or_else(|| Path::new("/"));
    let mut new = tempfile::Builder::new().prefix(".nextboot-import-").tempfile_in(directory)?;
    new.write_all(text.as_bytes())?;
    std::os::unix::fs::fchown(
        new.as_file(),
        Some(std::os::unix::fs::MetadataExt::uid(&like)),
        Some(std::os::unix::fs::MetadataExt::gid(&like)),
    )?;
    new.as_file().set_permissions(like.permissions())?;
    new.as_file().sync_all()?;
    new.persist(&file)?;
    Ok(())
}
