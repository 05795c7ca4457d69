use nextboot_boot::{Body, Kind, Linux, OwnLoaders, Profile, ProfileDirs};
use nextboot_model::{Class, LoaderName, ProfileName};

use crate::{
    document::{Item, Mark, Section},
    pxelinux,
    value::loader_name,
};

/// Longest kernel command line that Linux takes on x86 (`COMMAND_LINE_SIZE`), in bytes; a template may be longer than what
/// it becomes.
const MAX_ARGS: usize = 4 * 2048;
/// Longest name of a file, in bytes.
const MAX_NAME: usize = 1024;
/// Most initial RAM disks of one profile.
const MAX_INITRDS: usize = 32;

/// Reads every profile that the configuration describes.
pub(crate) fn read(profiles: &Section<'_>, dirs: &ProfileDirs) -> Vec<Profile> {
    profiles.each(|name, mark, section| {
        let body = Keys::read(section);
        match name.parse::<ProfileName>() {
            Ok(name) => body.profile(name, mark, section, dirs),
            Err(error) => {
                section.report().complain(mark, error.to_string());
                None
            }
        }
    })
}

/// What stands in a profile's table.
struct Keys {
    title: Option<String>,
    class: Option<Class>,
    file: Option<String>,
    kernel: Option<String>,
    iso: Option<String>,
    initrds: Option<Vec<String>>,
    args: Option<String>,
    seed: Option<String>,
    loaders: OwnLoaders,
    /// Whether keys of a kernel, and a class, are there at all, right or wrong.
    has_kernel: bool,
    has_iso: bool,
    has_parts: bool,
    has_class: bool,
}

impl Keys {
    fn read(section: &mut Section<'_>) -> Self {
        Self {
            title: section.get("title", |item| item.line_of_text(256)),
            class: section.get("class", |item| {
                item.choice(&[("install", Class::Install), ("live", Class::Live), ("local", Class::Local)])
            }),
            file: section.get("file", file_name),
            kernel: section.get("kernel", boot_name),
            iso: section.get("iso", boot_name),
            initrds: section.get("initrd", initrds),
            args: section.get("args", args),
            seed: section.get("seed", file_name),
            loaders: own_loaders(section),
            has_kernel: section.has("kernel"),
            has_iso: section.has("iso"),
            has_parts: section.has("initrd") || section.has("args"),
            has_class: section.has("class"),
        }
    }

    fn profile(
        self,
        name: ProfileName,
        mark: &Mark,
        section: &Section<'_>,
        dirs: &ProfileDirs,
    ) -> Option<Profile> {
        let complain = |remedy: &str| {
            section.report().complain(mark, remedy);
            None
        };
        let class = match self.class {
            Some(class) => class,
            None if self.has_class => return None,
            None if name.is_local() => Class::Local,
            None if self.has_kernel || self.has_iso => {
                return complain(
                    "its class is missing; write class = \"install\" if booting it destroys data, else class = \"live\"",
                );
            }
            None => Class::Unclassified,
        };
        if name.is_local() && class != Class::Local {
            return complain(
                "`local` is what hosts boot after an installation; its class can only be \"local\"",
            );
        }
        if class == Class::Local && (self.has_kernel || self.has_iso || self.has_parts) {
            return complain(
                "a profile of class \"local\" boots the host's own disk; leave kernel, initrd, args and iso out",
            );
        }
        if self.has_parts && !self.has_kernel {
            return complain("initrd and args need a kernel");
        }
        if self.has_iso && (self.has_kernel || section.has("file")) {
            return complain(
                "either iso or a kernel or a file: an image has its own loader and kernel in it",
            );
        }
        if self.has_kernel && section.has("file") {
            return complain(
                "either file or kernel: a file is served to the byte, a kernel's configuration is written",
            );
        }
        let mut loaders = self.loaders;
        let body = if self.has_iso {
            // Nothing but iPXE boots it, which a script starts wherever it does not run yet.
            loaders.any.get_or_insert(LoaderName::Script);
            Body::Iso(self.iso?)
        } else if self.has_kernel {
            Body::Linux(Linux {
                kernel: self.kernel?,
                initrds: self.initrds.unwrap_or_default(),
                args: self.args.unwrap_or_default(),
            })
        } else if section.has("file") {
            Body::File(self.file?)
        } else if class == Class::Local {
            Body::Local
        } else {
            // In which of the directories it is, is looked for when it is wanted.
            Body::File(dirs.iter().next()?.file(&name))
        };
        Some(Profile { name, title: self.title, class, body, seed: self.seed, loaders })
    }
}

/// `loader`, `loaders` by kind, and `pxelinux`.
fn own_loaders(section: &mut Section<'_>) -> OwnLoaders {
    let any = section.get("loader", loader_name);
    let by_kind = if section.has("loaders") {
        section.table("loaders", |loaders| {
            let kinds = Kind::ALL.into_iter();
            kinds.filter_map(|kind| Some((kind, loaders.get(kind.key(), loader_name)?))).collect()
        })
    } else {
        Default::default()
    };
    OwnLoaders { by_kind, any, pxelinux: pxelinux::read(section) }
}

fn initrds(item: &Item<'_>) -> Option<Vec<String>> {
    let initrds = item.list(|item| {
        let name = boot_name(item)?;
        if name.contains(',') {
            return item.wrong("PXELINUX separates initial RAM disks by commas; rename the file");
        }
        Some(name)
    })?;
    if initrds.len() > MAX_INITRDS {
        return item.wrong(format!("at most {MAX_INITRDS} initial RAM disks"));
    }
    Some(initrds)
}

fn args(item: &Item<'_>) -> Option<String> {
    let text = item.text()?.trim();
    if text.len() > MAX_ARGS {
        return item.wrong(format!("must not be longer than {MAX_ARGS} bytes; Linux takes 2048 at most"));
    }
    if text.contains(char::is_control) {
        return item.wrong("must be one line; end a line with \\ within \"\"\" to go on in the next");
    }
    Some(text.to_owned())
}

/// The name of a file beneath the roots, or a whole address.
fn boot_name(item: &Item<'_>) -> Option<String> {
    let text = item.text()?;
    match text.split_once("://") {
        None => file_name(item),
        Some(("http" | "https", rest)) if !rest.is_empty() && text.len() <= MAX_NAME && is_word(text) => {
            Some(text.to_owned())
        }
        Some(_) => item.wrong("use a name beneath the roots, or an http:// address without blanks"),
    }
}

/// The name of a file beneath some directory. Loaders read names as words, so there are no blanks in them.
pub(crate) fn file_name(item: &Item<'_>) -> Option<String> {
    let text = item.text()?;
    let name = text.trim_start_matches('/');
    let sound = (1..=MAX_NAME).contains(&name.len())
        && is_word(name)
        && !name.contains(['\\', ':'])
        && name.split('/').all(|part| !matches!(part, "" | "." | ".."));
    if sound {
        Some(name.to_owned())
    } else {
        item.wrong(
            "use the name of a file beneath the root, e.g. \"debian/linux\", without blanks, \\, : and ..",
        )
    }
}

fn is_word(text: &str) -> bool {
    !text.contains(|c: char| c.is_whitespace() || c.is_control())
}
