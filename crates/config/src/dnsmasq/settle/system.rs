//! Interfaces, TFTP, and the switches of the server.

use std::{path::PathBuf, time::Duration};

use super::{super::line::reveal, Settling};

/// Longest time for which an answer may be held back, in seconds: then boot ROMs give up.
const MAX_DELAY: u64 = 2;

impl Settling<'_> {
    pub(super) fn system(&mut self) {
        self.interfaces();
        self.tftp();
        if self.has("dhcp-authoritative") {
            self.config.dhcp.server.authoritative = true;
        }
        for line in self.all("dhcp-reply-delay") {
            let text = line.argument.as_str();
            match text.parse::<u64>() {
                Ok(seconds @ 0..=MAX_DELAY) => self.config.dhcp.reply_delay = Duration::from_secs(seconds),
                Ok(_) => {
                    self.config.dhcp.reply_delay = Duration::from_secs(MAX_DELAY);
                    let text = format!("dhcp-reply-delay: answers are held back {MAX_DELAY} seconds at most");
                    self.notes.lost(&line.place, text);
                }
                Err(_) => self.notes.lost(&line.place, "dhcp-reply-delay: not taken over: only for machines with a tag; [dhcp] reply_delay is for all"),
            }
        }
        for line in self.all("dhcp-broadcast") {
            self.notes
                .otherwise(&line.place, "dhcp-broadcast: answers are broadcast to machines that ask for it");
        }
    }

    fn interfaces(&mut self) {
        let names = |settling: &Self, option: &str| -> Vec<String> {
            let lines = settling.all(option);
            let parts = lines.iter().flat_map(|line| line.parts());
            // An alias is the same wire.
            parts
                .map(|name| reveal(name.split(':').next().unwrap_or_default()))
                .filter(|name| !name.is_empty())
                .collect()
        };
        let mut wanted = names(self, "interface");
        for line in self.all("listen-address") {
            for part in line.parts() {
                let link = self.links.iter().find(|link| link.address.addr().to_string() == part);
                match link {
                    Some(link) => wanted.push(link.name.clone()),
                    None if part.starts_with("127.") => {}
                    None => {
                        let text =
                            format!("listen-address: not taken over: no interface has {}", reveal(&part));
                        self.notes.lost(&line.place, text);
                    }
                }
            }
        }
        let mut left_out = names(self, "except-interface");
        left_out.extend(names(self, "no-dhcp-interface"));
        left_out.extend(names(self, "no-dhcpv4-interface"));
        left_out.push("lo".to_owned());
        let is_left_out = |name: &str| left_out.iter().any(|left_out| matches(left_out, name));
        let all = wanted.is_empty();
        if all && left_out.len() > 1 {
            let mut links: Vec<String> = self.links.iter().map(|link| link.name.clone()).collect();
            links.dedup();
            wanted = links;
        } else if all {
            wanted = vec!["*".to_owned()];
        }
        wanted.retain(|name| !is_left_out(name));
        wanted.dedup();
        let own = &self.config.interfaces;
        if !own.is_empty() && !all && *own != wanted {
            let place = self.last("interface").map(|line| line.place.clone()).unwrap_or_default();
            let text = format!(
                "interface: nextboot's own configuration says interfaces = {own:?}; take it out there, or here",
            );
            self.notes.wrong(&place, text);
        }
        if own.is_empty() && !wanted.is_empty() {
            self.config.interfaces = wanted;
        }
    }

    fn tftp(&mut self) {
        let own_roots = self.config.dnsmasq.as_ref().is_some_and(|own| own.roots);
        for line in self.all("enable-tftp") {
            if !line.argument.is_empty() {
                self.notes.otherwise(&line.place, "enable-tftp: TFTP is served on every interface");
            }
        }
        self.config.tftp.enabled = self.has("enable-tftp");
        let mut roots: Vec<PathBuf> = Vec::new();
        for line in self.all("tftp-root") {
            match line.parts().as_slice() {
                [root] => {
                    roots = Some(reveal(root))
                        .filter(|root| !root.is_empty())
                        .map(PathBuf::from)
                        .into_iter()
                        .collect()
                }
                _ => self.notes.lost(
                    &line.place,
                    "tftp-root: not taken over: only for one interface; nextboot serves one tree on all",
                ),
            }
        }
        if roots.is_empty() && self.config.tftp.enabled && !own_roots {
            let place = self.last("enable-tftp").map(|line| line.place.clone()).unwrap_or_default();
            let text = format!(
                "enable-tftp: without tftp-root every file of this machine would have been served; nextboot serves {}",
                self.config
                    .files
                    .roots
                    .iter()
                    .map(|root| root.display().to_string())
                    .collect::<Vec<_>>()
                    .join(", ")
            );
            self.notes.lost(&place, text);
        }
        if !roots.is_empty() {
            // The directories of nextboot's own file come behind.
            if own_roots {
                let more = self.config.files.roots.iter().filter(|root| !roots.contains(root));
                let more: Vec<PathBuf> = more.cloned().collect();
                roots.extend(more);
            }
            self.config.files.roots = roots;
        }
        if self.has("tftp-single-port") {
            self.config.tftp.single_port = true;
        }
        if let Some(line) = self.last("tftp-port-range").cloned() {
            let ports: Option<Vec<u16>> = line.parts().iter().map(|port| port.parse().ok()).collect();
            match ports.as_deref() {
                Some([first, last]) if *first > 0 && first <= last => {
                    self.config.tftp.ports = Some(*first..=*last)
                }
                _ => self.notes.wrong(&line.place, "tftp-port-range: write the first and the last port"),
            }
        }
        if let Some(line) = self.last("tftp-max").cloned() {
            match line.argument.parse() {
                Ok(most @ 1..=100_000) => self.config.tftp.max_transfers = most,
                _ => self.notes.wrong(&line.place, "tftp-max: use a number of transfers from 1 to 100000"),
            }
        }
    }
}

/// True where a name is that of an interface, which may end with `*`.
fn matches(wanted: &str, name: &str) -> bool {
    match wanted.strip_suffix('*') {
        Some(begin) => name.starts_with(begin),
        None => wanted == name,
    }
}
