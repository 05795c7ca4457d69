use std::net::Ipv4Addr;

use nextboot_dhcp::{SiteOption, code};

use crate::document::{Item, Section};

/// Longest option that fits its length byte.
const MAX_OPTION: usize = 255;
/// Most bytes of all options of one level: what a packet of 1500 bytes has room for beside ours.
const MAX_ALL: usize = 1024;

/// Options that nextboot writes itself, and where the site says what is in them.
fn own(code: u8) -> Option<&'static str> {
    Some(match code {
        code::SUBNET_MASK => "this is the subnet mask, which nextboot takes from `network`",
        code::ROUTER => "this is the router; use the key `router`",
        code::DNS => "these are the name servers; use the key `dns`",
        code::DOMAIN => "this is the domain name; use the key `domain`",
        code::NTP => "these are the NTP servers; use the key `ntp`",
        code::SEARCH => "this is the domain search list; use the key `search`",
        code::LEASE_TIME | code::RENEWAL_TIME | code::REBINDING_TIME => {
            "this is a lease's time; use `lease_time`"
        }
        code::HOST_NAME => "this is the host's name; it comes from the host or from [[dhcp.reservation]]",
        code::VENDOR => {
            "what this means is each vendor's own; a [[dhcp.class]] may have it whose `vendor` is no boot firmware's"
        }
        code::VENDOR_CLASS
        | code::TFTP_SERVER
        | code::BOOT_FILE
        | code::USER_CLASS
        | code::ARCH
        | 94
        | code::UUID
        | code::IPXE
        | code::PXELINUX_CONFIG
        | code::PXELINUX_PREFIX
        | code::PXELINUX_REBOOT => "nextboot decides what machines boot; see [boot] and the profiles",
        code::REQUESTED
        | code::OVERLOAD..=code::MAX_SIZE
        | code::CLIENT_ID
        | code::RELAY_INFO
        | code::SUBNET_SELECTION => "this belongs to the DHCP exchange itself",
        _ => return None,
    })
}

/// Reads `options = [{ code = 26, u16 = 1500 }, ...]`; option 43 too where `vendor` says that all who are told understand it.
pub(super) fn read(section: &mut Section<'_>, vendor: bool) -> Option<Vec<SiteOption>> {
    let options = section.tables("options", |section| option(section, vendor));
    let options: Vec<SiteOption> = options.into_iter().flatten().collect();
    let total: usize = options.iter().map(|option| option.value.len() + 2).sum();
    if total > MAX_ALL {
        let mark = section.missing("options");
        section
            .report()
            .complain(&mark, format!("all options together may have {MAX_ALL} bytes, not {total}"));
        return None;
    }
    Some(options)
}

fn option(section: &mut Section<'_>, vendor: bool) -> Option<SiteOption> {
    let always = section.get("always", |item| item.flag()).unwrap_or_default();
    let code = section.need("code", "write code = 26, with the option's number", |item| {
        let code = item.number(1..=254_u8)?;
        match own(code).filter(|_| !(vendor && code == code::VENDOR)) {
            Some(why) => item.wrong(why),
            None => Some(code),
        }
    });
    let values = [
        section.get("ip", |item| addresses(item).map(Some).or(Some(None))),
        section.get("text", |item| {
            item.line_of_text(MAX_OPTION).map(String::into_bytes).map(Some).or(Some(None))
        }),
        section.get("hex", |item| hex(item).map(Some).or(Some(None))),
        section.get("u8", |item| item.number(0..=u8::MAX).map(|n| vec![n]).map(Some).or(Some(None))),
        section.get("u16", |item| {
            item.number(0..=u16::MAX).map(|n| n.to_be_bytes().to_vec()).map(Some).or(Some(None))
        }),
        section.get("u32", |item| {
            item.number(0..=u32::MAX).map(|n| n.to_be_bytes().to_vec()).map(Some).or(Some(None))
        }),
    ];
    let mut given = values.into_iter().flatten();
    match (given.next(), given.next()) {
        (Some(value), None) => Some(SiteOption { code: code?, value: value?, always }),
        _ => {
            let mark = section.missing("code");
            section.report().complain(&mark, "give its value by one of ip, text, hex, u8, u16, u32");
            None
        }
    }
}

fn addresses(item: &Item<'_>) -> Option<Vec<u8>> {
    let addresses = item.list(|item| item.parse::<Ipv4Addr>("use an IPv4 address, e.g. \"10.0.0.1\""))?;
    let bytes: Vec<u8> = addresses.iter().flat_map(Ipv4Addr::octets).collect();
    if bytes.is_empty() || bytes.len() > MAX_OPTION {
        return item.wrong("use 1 to 63 addresses");
    }
    Some(bytes)
}

/// Bytes in hexadecimal, with or without `:`, `-` or blanks between them.
fn hex(item: &Item<'_>) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = item
        .text()?
        .chars()
        .filter(|c| !matches!(c, ':' | '-' | ' '))
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    match digits {
        Some(digits) if digits.len() % 2 == 0 && (2..=2 * MAX_OPTION).contains(&digits.len()) => {
            Some(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
        }
        _ => item.wrong("use 1 to 255 bytes in hexadecimal, e.g. \"0a:00:00:01\""),
    }
}
