//! What sets tags.

use nextboot_dhcp::{ClientKind, Members, OptionTest, Says, code};
use nextboot_model::Arch;

use super::{
    super::{
        directive::Directive,
        line::reveal,
        note::Place,
        option,
        range::Range,
        value::{Hardware, hardware, hex},
    },
    Settling,
};

impl Settling<'_> {
    pub(super) fn read_tags(&mut self, ranges: &[(Place, Range)]) {
        for (place, range) in ranges {
            let Some(tag) = &range.sets else { continue };
            let other = ranges.iter().filter(|(_, other)| other.network == range.network);
            if other.clone().any(|(_, other)| other.sets.is_none() || other.sets != range.sets) {
                let text = format!(
                    "dhcp-range: the tag {tag} holds for all of {}, although other ranges of it do not set it",
                    range.network
                );
                self.notes.otherwise(place, text);
            }
            self.tags.set(tag, Members { subnets: vec![range.network], ..Members::default() });
        }
        for (_, entry) in &self.hosts {
            // Whoever a line is about is known, by however little of the address it tells.
            if !entry.begins.is_empty() && entry.needs.is_empty() && !entry.ignore {
                self.tags.set("known", Members { macs: entry.begins.clone(), ..Members::default() });
            }
            for tag in &entry.sets {
                let members = [
                    Members {
                        macs: entry.macs.iter().map(|mac| mac.0.to_vec()).collect(),
                        ..Members::default()
                    },
                    Members { macs: entry.begins.clone(), ..Members::default() },
                    Members { client_ids: entry.client_ids.clone(), ..Members::default() },
                ];
                let told = members.into_iter().filter(|members| *members != Members::default());
                told.for_each(|members| self.tags.set(tag, members));
            }
        }
        for name in [
            "dhcp-match",
            "dhcp-vendorclass",
            "dhcp-userclass",
            "dhcp-mac",
            "dhcp-circuitid",
            "dhcp-remoteid",
            "dhcp-subscrid",
        ] {
            for line in self.all(name) {
                self.read_match(&line);
            }
        }
        for line in self.all("tag-if") {
            let (mut sets, mut needs) = (Vec::new(), Vec::new());
            for part in line.parts() {
                match (
                    part.strip_prefix("set:"),
                    part.strip_prefix("tag:").or_else(|| part.strip_prefix("net:")),
                ) {
                    (Some(tag), _) => sets.push(reveal(tag)),
                    (_, Some(tag)) => needs.push(reveal(tag)),
                    _ => self
                        .notes
                        .wrong(&line.place, format!("tag-if: {}: write set:TAG or tag:TAG", reveal(&part))),
                }
            }
            self.tags.set_if(sets, needs);
        }
    }

    /// `set:TAG,...`: what a packet says.
    fn read_match(&mut self, line: &Directive) {
        let parts = line.parts();
        let Some((first, rest)) = parts.split_first().filter(|(_, rest)| !rest.is_empty()) else {
            return self.notes.wrong(&line.place, format!("{}: write set:TAG, and what sets it", line.name));
        };
        let tag = reveal(first.strip_prefix("set:").or_else(|| first.strip_prefix("net:")).unwrap_or(first));
        let told = match line.name.as_str() {
            "dhcp-match" => by_option(rest),
            "dhcp-vendorclass" => by_class(rest, code::VENDOR_CLASS),
            "dhcp-userclass" => by_class(rest, code::USER_CLASS),
            "dhcp-mac" => match hardware(&rest.join(",")) {
                Ok(Hardware::Whole(mac)) => Ok(Members { macs: vec![mac.0.to_vec()], ..Members::default() }),
                Ok(Hardware::Begins(begin)) => Ok(Members { macs: vec![begin], ..Members::default() }),
                Err(why) => Err(why.into_text()),
            },
            "dhcp-circuitid" => Ok(by_relay(&rest.join(","), code::relay::CIRCUIT_ID)),
            "dhcp-remoteid" => Ok(by_relay(&rest.join(","), code::relay::REMOTE_ID)),
            // RFC 3993.
            _ => Ok(by_relay(&rest.join(","), 6)),
        };
        match told {
            Ok(members) => self.tags.set(&tag, members),
            Err(why) => {
                self.tags.unreadable(&tag);
                self.notes.lost(&line.place, format!("{}: not taken over: {why}", line.name));
            }
        }
    }
}

fn test(code: u8, says: Says) -> Members {
    Members { options: vec![OptionTest { code, says }], ..Members::default() }
}

fn ipxe() -> Members {
    Members { firmware: vec![ClientKind::Ipxe], ..Members::default() }
}

/// `OPTION[,VALUE]`.
fn by_option(parts: &[String]) -> Result<Members, String> {
    let first = parts.first().map(String::as_str).unwrap_or_default();
    if first.starts_with("vi-encap:") || first.starts_with("option6:") || first.starts_with("encap:") {
        return Err(format!(
            "{}: options within options, and those of IPv6, are not compared",
            reveal(first)
        ));
    }
    let code = match first.strip_prefix("option:") {
        Some(name) => option::number(name),
        None => first.parse::<u8>().ok().filter(|code| (1..=254).contains(code)),
    };
    let Some(code) = code else { return Err(format!("there is no option {}", reveal(first))) };
    let values = parts.get(1..).unwrap_or_default();
    // A text is looked for everywhere, addresses and numbers at multiples of their length; bytes only at the beginning.
    let (value, says): (_, fn(Vec<u8>, usize) -> Says) = match option::value(code, values) {
        Ok(option::Value::Nothing) => {
            return Ok(if code == code::IPXE { ipxe() } else { test(code, Says::Anything) });
        }
        Ok(option::Value::Text(text)) => (text.into_bytes(), |value, _| Says::Contains(value, 1)),
        Ok(_) if values.len() == 1 && values.first().is_some_and(|value| value.contains('*')) => {
            return Err("bytes with * are not compared".into());
        }
        Ok(option::Value::Bytes(bytes)) if values.first().is_some_and(|value| hex(value).is_some()) => {
            (bytes, |value, _| Says::Begins(value))
        }
        Ok(value) => (value.bytes(None), |value, length| Says::Contains(value, length)),
        Err(why) => return Err(why.into_text()),
    };
    if value.is_empty() {
        return Err("0.0.0.0 is compared with nothing".into());
    }
    if let (code::ARCH, &[high, low]) = (code, value.as_slice()) {
        return Ok(Members { archs: vec![Arch(u16::from_be_bytes([high, low]))], ..Members::default() });
    }
    if code == code::USER_CLASS && value == b"iPXE" {
        return Ok(ipxe());
    }
    let length = value.len();
    Ok(test(code, says(value, length)))
}

/// A vendor's or a user's class, which dnsmasq looks for anywhere in the option.
fn by_class(parts: &[String], code: u8) -> Result<Members, String> {
    if parts.first().is_some_and(|part| part.starts_with("enterprise:")) {
        return Err("classes of enterprises (option 124) are not compared".into());
    }
    let class = reveal(&parts.join(","));
    if class.is_empty() || class.len() > 255 {
        return Err("a class has 1 to 255 bytes".into());
    }
    // Firmware's begin so, and what begins so can tell loaders too.
    let firmware = ["PXEClient", "HTTPClient", "U-Boot"].iter().any(|begin| class.starts_with(begin));
    Ok(match code {
        code::VENDOR_CLASS if firmware => Members { vendors: vec![class.into_bytes()], ..Members::default() },
        code::USER_CLASS if class == "iPXE" => ipxe(),
        _ => test(code, Says::Contains(class.into_bytes(), 1)),
    })
}

/// What the relay says in a part of option 82.
fn by_relay(text: &str, part: u8) -> Members {
    let id = hex(text).unwrap_or_else(|| reveal(text).into_bytes());
    let length = u8::try_from(id.len()).unwrap_or(u8::MAX);
    test(code::RELAY_INFO, Says::Contains([vec![part, length], id].concat(), 1))
}
