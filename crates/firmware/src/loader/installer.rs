use super::shell::statements;
use super::{Got, Program, Want};
use crate::http::HttpRequest;
use crate::{Booted, GaveUp, Stage, Verdict};

/// The words on a command line that name a seed: our small installer's, preseed, kickstart.
const SEEDS: [&str; 6] = ["seed=", "url=", "preseed/url=", "inst.ks=", "ks=", "autoinstall="];

const AGENT: &str = "curl/7.88";

/// An installer: it reads the seed that its command line names, does as the seed says, and calls back.
#[derive(Debug)]
pub(crate) struct Installer {
    args: String,
    seed: String,
    call: Option<HttpRequest>,
}

impl Installer {
    /// Starts a kernel. Without a seed nothing more happens over the network.
    pub(crate) fn start(kernel: String, initrds: Vec<String>, args: String) -> Want {
        let seed = args.split_whitespace().find_map(|word| {
            let value = SEEDS.iter().find_map(|name| word.strip_prefix(name))?;
            value.starts_with("http://").then(|| value.to_owned())
        });
        match seed {
            Some(seed) => Want::Run(Box::new(Self { args, seed, call: None })),
            None => Want::End(Verdict::Booted(Booted::Kernel { kernel, initrds, args })),
        }
    }
}

impl Program for Installer {
    fn stage(&self) -> Stage {
        Stage::Installer
    }

    fn next(&mut self, got: Got) -> Want {
        if matches!(got, Got::Nothing) {
            return Want::Http(HttpRequest::get(self.seed.clone(), AGENT));
        }
        let give_up = |words: String| Want::End(Verdict::GaveUp(GaveUp::new("installer", words)));
        match self.call.take() {
            None => match got.file(&self.seed) {
                Ok(bytes) => match call_back(&String::from_utf8_lossy(&bytes)) {
                    Some(call) => {
                        self.call = Some(call.clone());
                        Want::Http(call)
                    }
                    None => give_up("the seed calls nobody back".to_owned()),
                },
                Err(why) => give_up(why.words),
            },
            Some(call) => match got {
                Got::Answer(answer) if answer.status < 400 => Want::End(Verdict::Booted(Booted::Installed {
                    args: self.args.clone(),
                    call_back: call.url,
                })),
                Got::Answer(answer) => {
                    give_up(format!("the call-back was refused: status {}", answer.status))
                }
                _ => give_up("the call-back had no answer".to_owned()),
            },
        }
    }
}

/// The last curl or wget with an address: its address, method and data.
fn call_back(seed: &str) -> Option<HttpRequest> {
    statements(seed).iter().rev().find_map(|words| {
        words.iter().find(|word| matches!(word.as_str(), "curl" | "wget"))?;
        let url = words.iter().find(|word| word.starts_with("http://"))?.clone();
        let after = |names: &[&str]| {
            words
                .iter()
                .position(|word| names.contains(&word.as_str()))
                .and_then(|at| words.get(at + 1))
                .cloned()
        };
        let body = after(&["-d", "--data"]).unwrap_or_default().into_bytes();
        let method = match after(&["-X", "--request"]).as_deref() {
            Some("PUT") => "PUT",
            Some("POST") => "POST",
            None if !body.is_empty() => "POST",
            _ => "GET",
        };
        Some(HttpRequest { method, body, ..HttpRequest::get(url, AGENT) })
    })
}
