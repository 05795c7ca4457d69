use std::{fmt::Write as _, fs, io::Read as _, path::Path};

use super::BadArchive;

/// Longest `version.info` that is read, in bytes.
const MAX_VERSION: u64 = 4096;

/// Names of kernels, and of initial RAM disks, as the installers of all architectures have them.
const KERNELS: [&str; 3] = ["linux", "vmlinuz", "vmlinux"];
const INITRDS: [&str; 2] = ["initrd.gz", "initrd"];

/// What an unpacked tree is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tree {
    /// Its version as it says itself, like `12 (bookworm)`.
    pub(crate) version: Option<String>,
    /// The build of the installer.
    pub(crate) build: Option<String>,
    /// An installer for each architecture, at least one.
    pub(crate) installers: Vec<Installer>,
}

/// One architecture's installer; names are beneath the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Installer {
    /// As Debian calls it: `amd64`, `arm64`, `i386`.
    pub(crate) architecture: String,
    pub(crate) kernel: String,
    pub(crate) initrd: String,
}

/// Says what is in an unpacked tree.
pub(crate) fn recognise(tree: &Path) -> Result<Tree, BadArchive> {
    let mut installers = Vec::new();
    for above in ["debian-installer", "ubuntu-installer"] {
        for architecture in names(&tree.join(above)) {
            let find = |known: &[&str]| {
                let mut names = known.iter().map(|name| format!("{above}/{architecture}/{name}"));
                names.find(|name| tree.join(name).is_file())
            };
            if let (Some(kernel), Some(initrd)) = (find(&KERNELS), find(&INITRDS)) {
                installers.push(Installer { architecture, kernel, initrd });
            }
        }
    }
    if installers.is_empty() {
        return Err(BadArchive::NoInstaller);
    }
    let info = version_info(tree);
    let field = |name: &str| {
        let line = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        Some(line.trim().to_owned()).filter(|value| !value.is_empty())
    };
    Ok(Tree { version: field("Debian version"), build: field("Installer build"), installers })
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    let word = |name: &String| name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    names.retain(word);
    names.sort();
    names
}

/// The text of `version.info`, as far as it is one.
fn version_info(tree: &Path) -> String {
    let mut text = Vec::new();
    let path = tree.join("version.info");
    if let Ok(file) = fs::File::open(path) {
        let _ = file.take(MAX_VERSION).read_to_end(&mut text);
    }
    String::from_utf8_lossy(&text).chars().filter(|c| !c.is_control() || *c == '\n').collect()
}

impl Tree {
    /// What it is called when nobody says: `debian-12-amd64`.
    pub(crate) fn usual_name(&self) -> Option<String> {
        let version = self.version.as_ref()?.split_whitespace().next()?;
        let mut name = format!("debian-{version}");
        if let [one] = &self.installers[..] {
            let _ = write!(name, "-{}", one.architecture);
        }
        Some(name)
    }

    /// For people: `Debian 12 (bookworm), installer build 20230607+deb12u15, for amd64`.
    pub(crate) fn title(&self) -> String {
        let mut title = String::from("Debian");
        if let Some(version) = &self.version {
            let _ = write!(title, " {version}");
        }
        if let Some(build) = &self.build {
            let _ = write!(title, ", installer build {build}");
        }
        let all: Vec<&str> = self.installers.iter().map(|one| one.architecture.as_str()).collect();
        let _ = write!(title, ", for {}", all.join(" and "));
        title
    }

    /// The profiles for nextboot.toml, where the tree lies in `directory` beneath a root: the installer, and the rescue system
    /// that is in it. Names are `name`, with the architecture behind it where there are several.
    pub(crate) fn profiles(&self, name: &str, directory: &str) -> Vec<(String, String)> {
        let mut profiles = Vec::new();
        for Installer { architecture, kernel, initrd } in &self.installers {
            let own =
                if self.installers.len() == 1 { name.to_owned() } else { format!("{name}-{architecture}") };
            let version = self.version.as_deref().map(|version| format!(" {version}")).unwrap_or_default();
            let mut add = |own: String, title: &str, class: &str, args: &str| {
                let title = quoted(&format!("Debian{version}, {title}, {architecture}"));
                let text = format!(
                    "[profiles.{own}]\ntitle = {title}\nclass = \"{class}\"\nkernel = \"{directory}/{kernel}\"\n\
                     initrd = [\"{directory}/{initrd}\"]\nargs = \"{args}\"\n",
                    own = key(&own),
                );
                profiles.push((own, text));
            };
            add(own.clone(), "installer", "install", "--- quiet");
            add(format!("{own}-rescue"), "rescue", "live", "rescue/enable=true --- quiet");
        }
        profiles
    }
}

/// A text in TOML; there are no control characters in it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A key in TOML: names with dots need quotes.
fn key(name: &str) -> String {
    let bare = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if bare { name.to_owned() } else { quoted(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[&str], version: &str) -> (tempfile::TempDir, Result<Tree, BadArchive>) {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        fs::write(dir.path().join("version.info"), version).unwrap();
        let tree = recognise(dir.path());
        (dir, tree)
    }

    #[test]
    fn version_and_architecture_are_what_the_tree_says() {
        let files =
            ["debian-installer/amd64/linux", "debian-installer/amd64/initrd.gz", "debian-installer/x/y"];
        let info = "Debian version:  12 (bookworm)\nInstaller build: 20230607+deb12u15\n";
        let tree = tree(&files, info).1.unwrap();
        assert_eq!(tree.usual_name().as_deref(), Some("debian-12-amd64"));
        assert_eq!(tree.title(), "Debian 12 (bookworm), installer build 20230607+deb12u15, for amd64");
        let profiles = tree.profiles("debian-12-amd64", "trees/d12");
        assert_eq!(profiles[0].0, "debian-12-amd64");
        assert_eq!(
            profiles[0].1,
            "[profiles.debian-12-amd64]\ntitle = \"Debian 12 (bookworm), installer, amd64\"\nclass = \"install\"\n\
             kernel = \"trees/d12/debian-installer/amd64/linux\"\n\
             initrd = [\"trees/d12/debian-installer/amd64/initrd.gz\"]\nargs = \"--- quiet\"\n"
        );
        assert!(profiles[1].1.contains("class = \"live\"") && profiles[1].0 == "debian-12-amd64-rescue");
    }

    #[test]
    fn several_architectures_are_several_profiles_and_what_is_no_installer_none() {
        let files = [
            "debian-installer/arm64/linux",
            "debian-installer/arm64/initrd.gz",
            "debian-installer/i386/linux",
            "debian-installer/i386/initrd.gz",
        ];
        let (_dir, several) = tree(&files, "Debian version: \"\\12\n");
        let several = several.unwrap();
        let names: Vec<String> = several.profiles("d.12", "d").into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["d.12-arm64", "d.12-arm64-rescue", "d.12-i386", "d.12-i386-rescue"]);
        let text = &several.profiles("d.12", "d")[0].1;
        assert!(
            text.starts_with("[profiles.\"d.12-arm64\"]\ntitle = \"Debian \\\"\\\\12, installer"),
            "{text}"
        );
        let (_dir, none) = tree(&["debian-installer/amd64/linux"], "");
        assert!(matches!(none, Err(BadArchive::NoInstaller)));
    }
}
