//! iPXE's scripts, as far as boot servers write them.

use std::collections::BTreeMap;

use crate::http::HttpRequest;
use crate::loader::{Context, Got, Installer, Program, Want, agent, run};
use crate::tftp::Style;
use crate::{Booted, GaveUp, Stage, Verdict};

/// A script that goes round in circles ends here.
const MOST_STEPS: usize = 1000;

/// A running script.
#[derive(Debug)]
pub(crate) struct Script {
    context: Context,
    own: String,
    lines: Vec<String>,
    at: usize,
    steps: usize,
    set: BTreeMap<String, String>,
    wanted: Option<Wanted>,
    kernel: Option<(String, String)>,
    initrds: Vec<String>,
}

#[derive(Debug)]
struct Wanted {
    url: String,
    what: What,
    /// What to do when it does not come.
    otherwise: Option<String>,
}

#[derive(Debug)]
enum What {
    Kernel(String),
    Initrd,
    Chain,
}

impl Script {
    pub(crate) fn new(context: Context, own: &str, text: &str) -> Self {
        Self {
            context,
            own: own.to_owned(),
            lines: text.lines().map(|line| line.trim().to_owned()).collect(),
            at: 0,
            steps: 0,
            set: BTreeMap::new(),
            wanted: None,
            kernel: None,
            initrds: Vec::new(),
        }
    }

    fn step(&mut self) -> Want {
        loop {
            self.steps += 1;
            let Some(line) = self.lines.get(self.at).cloned().filter(|_| self.steps < MOST_STEPS) else {
                return give_up("the script ended without booting anything");
            };
            self.at += 1;
            if let Some(want) = self.command(&line) {
                return want;
            }
        }
    }

    /// One command; nothing when the script goes on at once.
    fn command(&mut self, line: &str) -> Option<Want> {
        let (command, otherwise) = match line.split_once("||") {
            Some((command, otherwise)) => (command.trim(), Some(otherwise.trim().to_owned())),
            None => (line, None),
        };
        let command = self.expand(command);
        let mut words = command.split_whitespace();
        let word = words.next()?;
        let mut rest: Vec<&str> = words.collect();
        match word {
            "kernel" | "linux" | "imgselect" => {
                let url = take_name(&mut rest)?;
                Some(self.fetch(&url, What::Kernel(rest.join(" ")), otherwise))
            }
            "initrd" | "module" => {
                let url = take_name(&mut rest)?;
                Some(self.fetch(&url, What::Initrd, otherwise))
            }
            "chain" => {
                let url = take_name(&mut rest)?;
                Some(self.fetch(&url, What::Chain, otherwise))
            }
            "boot" => Some(match self.kernel.take() {
                Some((kernel, args)) => Installer::start(kernel, std::mem::take(&mut self.initrds), args),
                None => give_up("boot: nothing was loaded"),
            }),
            "sanboot" => Some(Want::End(Verdict::Booted(Booted::Disk))),
            // The firmware goes on to its next boot device, whatever the number says.
            "exit" => Some(Want::End(Verdict::Booted(Booted::Disk))),
            "set" => {
                if let Some((name, value)) = rest.split_first() {
                    self.set.insert((*name).to_owned(), value.join(" "));
                }
                None
            }
            "goto" => {
                let label = format!(":{}", rest.first()?);
                self.at = self.lines.iter().position(|line| *line == label).unwrap_or(usize::MAX);
                None
            }
            _ => None,
        }
    }

    fn fetch(&mut self, name: &str, what: What, otherwise: Option<String>) -> Want {
        let url = self.absolute(name);
        self.wanted = Some(Wanted { url: url.clone(), what, otherwise });
        if url.starts_with("http://") || url.starts_with("https://") {
            return Want::Http(HttpRequest::get(url, agent(Style::Ipxe)));
        }
        let rest = url.strip_prefix("tftp://").unwrap_or(&url);
        let (server, file) = rest.split_once('/').unwrap_or((rest, ""));
        let server = server.parse().unwrap_or_else(|_| self.context.server());
        Want::Tftp { server, name: file.to_owned(), style: Style::Ipxe }
    }

    /// A name relative to the script's own address.
    fn absolute(&self, name: &str) -> String {
        if name.contains("://") {
            return name.to_owned();
        }
        let own = match self.own.contains("://") {
            true => self.own.clone(),
            false => format!("tftp://{}/{}", self.context.server(), self.own),
        };
        let path = own.find("://").map_or(0, |at| at + 3);
        let root = own[path..].find('/').map_or(own.len(), |at| path + at);
        match name.strip_prefix('/') {
            Some(rest) => format!("{}/{rest}", &own[..root]),
            None => {
                let end = own[path..].rfind('/').map_or(own.len(), |at| path + at);
                format!("{}/{name}", &own[..end])
            }
        }
    }

    /// Replaces `${name}` by its value; what nobody knows is empty.
    fn expand(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            out.push_str(before);
            let Some((name, more)) = after.split_once('}') else { break };
            out.push_str(&self.value(name));
            rest = more;
        }
        out.push_str(rest);
        out
    }

    fn value(&self, name: &str) -> String {
        let mac = self.context.identity.mac;
        match name.strip_prefix("net0/").unwrap_or(name) {
            "mac" => mac.to_string(),
            "mac:hexhyp" => mac.pxelinux().split_off(3),
            "mac:hexraw" => mac.to_string().replace(':', ""),
            "uuid" => self.context.identity.uuid.map(|uuid| uuid.to_string()).unwrap_or_default(),
            "ip" => self.context.boot.address().to_string(),
            // The address-giving server's, which beside a proxy is the wrong one.
            "next-server" => self.context.boot.ack.header.siaddr.to_string(),
            other => self.set.get(other).cloned().unwrap_or_default(),
        }
    }
}

/// Takes the first word that is no option, and the options with it.
fn take_name(words: &mut Vec<&str>) -> Option<String> {
    while let Some(first) = words.first() {
        if !first.starts_with("--") {
            break;
        }
        let with_value = matches!(*first, "--name" | "--timeout");
        words.drain(..if with_value { 2.min(words.len()) } else { 1 });
    }
    (!words.is_empty()).then(|| words.remove(0).to_owned())
}

fn give_up(words: &str) -> Want {
    Want::End(Verdict::GaveUp(GaveUp::new("iPXE", words)))
}

impl Program for Script {
    fn stage(&self) -> Stage {
        match self.wanted.as_ref().map(|wanted| &wanted.what) {
            Some(What::Kernel(_) | What::Initrd) => Stage::Kernel,
            Some(What::Chain) | None => Stage::Configuration,
        }
    }

    fn next(&mut self, got: Got) -> Want {
        let Some(wanted) = self.wanted.take() else { return self.step() };
        match got.file(&wanted.url) {
            Ok(bytes) => {
                match wanted.what {
                    What::Kernel(args) => self.kernel = Some((wanted.url, args)),
                    What::Initrd => self.initrds.push(wanted.url),
                    What::Chain => return run(&wanted.url, &bytes, &self.context),
                }
                self.step()
            }
            Err(why) => match wanted.otherwise {
                Some(otherwise) => match self.command(&otherwise) {
                    Some(want) => want,
                    None => self.step(),
                },
                None => give_up(&why.words),
            },
        }
    }
}
