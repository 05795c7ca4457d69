use super::{Got, Program, Want};
use crate::http::HttpRequest;
use crate::{Booted, GaveUp, Verdict};

/// The words on a command line that name a seed: our small installer's, preseed, kickstart.
const SEEDS: [&str; 6] = ["seed=", "url=", "preseed/url=", "inst.ks=", "ks=", "autoinstall="];

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
    fn next(&mut self, got: Got) -> Want {
        if matches!(got, Got::Nothing) {
            return Want::Http(HttpRequest::get(self.seed.clone(), "curl/7.88"));
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

/// The last line with curl or wget and an address: its address, method and data.
fn call_back(seed: &str) -> Option<HttpRequest> {
    let line = seed
        .lines()
        .rev()
        .find(|line| line.contains("http://") && (line.contains("curl") || line.contains("wget")))?;
    let words = words(line);
    let after = |names: &[&str]| {
        words.iter().position(|word| names.contains(&word.as_str())).and_then(|at| words.get(at + 1)).cloned()
    };
    let url = words.iter().find(|word| word.starts_with("http://"))?.clone();
    let body = after(&["-d", "--data"]).unwrap_or_default().into_bytes();
    let method = match after(&["-X", "--request"]).as_deref() {
        Some("PUT") => "PUT",
        Some("POST") => "POST",
        None if !body.is_empty() => "POST",
        _ => "GET",
    };
    Some(HttpRequest { method, url, body, agent: "curl/7.88" })
}

/// Splits a line of shell at blanks, minding single and double quotes.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for letter in line.chars() {
        match (quote, letter) {
            (None, '\'' | '"') => quote = Some(letter),
            (Some(open), _) if open == letter => quote = None,
            (None, ' ' | '\t') => words.push(String::new()),
            _ => {
                if let Some(word) = words.last_mut() {
                    word.push(letter);
                }
            }
        }
    }
    words.retain(|word| !word.is_empty());
    words
}
