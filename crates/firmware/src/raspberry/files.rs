use super::{Model, serial};
use crate::loader::{Context, Got, Program, Want};
use crate::tftp::Style;
use crate::{Booted, GaveUp, Stage, Verdict};

/// What a Raspberry Pi fetches after its first file, each beneath the serial number and, where nothing is there, beneath
/// the root. A file that it can do without may be missing.
#[derive(Debug)]
pub(crate) struct Files {
    context: Context,
    names: Vec<(&'static str, bool)>,
    /// The directory that its files are in, once one was found.
    prefix: Option<String>,
    tried_root: bool,
    at: usize,
    kernel: &'static str,
}

impl Files {
    /// The first file is there already.
    pub(crate) fn new(context: Context, model: Model) -> Self {
        let (names, kernel) = match model {
            Model::Pi3 => (
                vec![
                    ("bootsig.bin", false),
                    ("start.elf", true),
                    ("config.txt", false),
                    ("kernel8.img", true),
                    ("cmdline.txt", false),
                ],
                "kernel8.img",
            ),
            Model::Pi4 => {
                (vec![("config.txt", false), ("kernel8.img", true), ("cmdline.txt", false)], "kernel8.img")
            }
            Model::Pi5 => (vec![("kernel_2712.img", true), ("cmdline.txt", false)], "kernel_2712.img"),
        };
        // The EEPROM found its directory with the first file.
        let prefix = (model != Model::Pi3).then(|| format!("{}/", serial(&context.identity)));
        Self { context, names, prefix, tried_root: false, at: 0, kernel }
    }

    fn want(&self) -> Want {
        let Some((name, _)) = self.names.get(self.at) else {
            let prefix = self.prefix.clone().unwrap_or_default();
            let kernel = format!("{prefix}{}", self.kernel);
            return Want::End(Verdict::Booted(Booted::Kernel {
                kernel,
                initrds: Vec::new(),
                args: String::new(),
            }));
        };
        let prefix = match &self.prefix {
            Some(prefix) => prefix.clone(),
            // Beside bootcode.bin.
            None if self.tried_root || *name == "bootsig.bin" => String::new(),
            None => format!("{}/", serial(&self.context.identity)),
        };
        Want::Tftp {
            server: self.context.server(),
            name: format!("{prefix}{name}"),
            style: Style::RaspberryPi,
        }
    }
}

impl Program for Files {
    fn stage(&self) -> Stage {
        match self.names.get(self.at) {
            Some((name, _)) if *name == self.kernel => Stage::Kernel,
            Some((name, _)) if name.ends_with(".txt") => Stage::Configuration,
            _ => Stage::Loader,
        }
    }

    fn next(&mut self, got: Got) -> Want {
        if matches!(got, Got::Nothing) {
            return self.want();
        }
        let (name, needed) = self.names.get(self.at).copied().unwrap_or_default();
        match got.file(name) {
            Ok(_) => {
                if name != "bootsig.bin" && self.prefix.is_none() {
                    let serial = format!("{}/", serial(&self.context.identity));
                    self.prefix = Some(if self.tried_root { String::new() } else { serial });
                }
            }
            Err(_) if needed && self.prefix.is_none() && !self.tried_root => {
                self.tried_root = true;
                return self.want();
            }
            Err(why) if needed => return Want::End(Verdict::GaveUp(GaveUp::new("Raspberry Pi", why.words))),
            Err(_) => {}
        }
        self.at += 1;
        self.want()
    }
}
