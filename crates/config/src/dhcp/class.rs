use nextboot_boot::Kind;
use nextboot_dhcp::{Class, ClientKind, Members, OptionTest, PoolRange, Says, Subnet};
use nextboot_model::Arch;

use super::{bytes, lease_time, parameters, pool};
use crate::{
    document::{Item, Placed, Report, Section},
    files::take,
    value::{mac_prefix, machine, network},
};

/// Most classes: every packet is held against all of them.
const MAX_CLASSES: usize = 256;

/// Reads a `[[dhcp.class]]`; its pools are checked when all subnets are known.
pub(super) fn read(section: &mut Section<'_>) -> (Class, Vec<Placed<PoolRange>>) {
    let mut class = Class {
        members: members(section),
        also: section.tables("also", |section| some_members(section, "it is every machine; say which")),
        except: section.tables("except", |section| {
            some_members(section, "the class would have no machine; say which it leaves out")
        }),
        ..Class::default()
    };
    if !KEYS.iter().any(|key| section.has(key)) && class.except.is_empty() {
        let remedy = format!("it would be for every machine; say which with {}", KEYS.join(", "));
        section.report().complain(&section.missing("firmware"), remedy);
    }
    take(&mut class.drop, section.get("drop", |item| item.flag()));
    class.parameters = parameters::read_for(section, has_own_vendor_options(&class.members));
    take(&mut class.parameters.routers, section.get("router", |item| parameters::servers(item, None)));
    class.lease_time = section.get("lease_time", lease_time);
    let pools = section.get("pool", |item| item.list(pool::read)).unwrap_or_default();
    class.pools = pools.iter().map(|pool| pool.value).collect();
    (class, pools)
}

/// True if all members are of vendors that are no network boot firmware: to that, nextboot speaks in option 43 itself.
fn has_own_vendor_options(members: &Members) -> bool {
    let firmware = [&b"PXEClient"[..], b"HTTPClient"];
    let other = |vendor: &Vec<u8>| {
        firmware.iter().all(|firmware| !vendor.starts_with(firmware) && !firmware.starts_with(vendor))
    };
    !members.vendors.is_empty() && members.vendors.iter().all(other)
}

fn members(section: &mut Section<'_>) -> Members {
    let kinds = [
        ("pxe", ClientKind::Pxe),
        ("http", ClientKind::UefiHttp),
        ("ipxe", ClientKind::Ipxe),
        ("bootp", ClientKind::Bootp),
        ("raspberry-pi", ClientKind::RaspberryPi),
        ("u-boot", ClientKind::UBoot),
        ("plain", ClientKind::Plain),
    ];
    let mut members = Members::default();
    take(&mut members.firmware, section.get("firmware", |item| item.list(|item| item.choice(&kinds))));
    let archs = section.get("arch", |item| item.list(archs));
    take(&mut members.archs, archs.map(|archs| archs.concat()));
    take(&mut members.vendors, section.get("vendor", |item| item.list(|item| bytes::read(item, 1..=255))));
    let user_classes = section.get("user_class", |item| item.list(|item| bytes::read(item, 1..=255)));
    take(&mut members.user_classes, user_classes);
    take(&mut members.macs, section.get("mac", |item| item.list(mac_prefix)));
    take(&mut members.subnets, section.get("subnet", |item| item.list(network)));
    take(
        &mut members.client_ids,
        section.get("client_id", |item| item.list(|item| bytes::read(item, 2..=255))),
    );
    members.options = section.tables("option", option_test).into_iter().flatten().collect();
    members.known = section.get("known", |item| item.flag());
    members
}

/// What machines are told by.
const KEYS: [&str; 9] =
    ["firmware", "arch", "vendor", "user_class", "mac", "subnet", "client_id", "option", "known"];

/// The machines of a part of a class, which must name some.
fn some_members(section: &mut Section<'_>, remedy: &str) -> Members {
    let members = members(section);
    if !KEYS.iter().any(|key| section.has(key)) {
        section.report().complain(&section.missing("firmware"), remedy);
    }
    members
}

/// What an option must say: `{ code = 93, begins = "0x0007" }`; without a value it must be there.
fn option_test(section: &mut Section<'_>) -> Option<OptionTest> {
    let remedy = "write code = 60, with the option's number";
    let code = section.need("code", remedy, |item| item.number(1..=254_u8));
    let begins = section.get("begins", |item| bytes::read(item, 1..=255));
    let contains = section.get("contains", |item| item.placed(|item| bytes::read(item, 1..=255)));
    let step = section.get("step", |item| item.number(1..=255_u8)).unwrap_or(1);
    let says = match (begins, contains) {
        (Some(_), Some(contains)) => {
            section.report().complain(&contains.mark, "use one of begins and contains");
            return None;
        }
        (Some(begins), None) => Says::Begins(begins),
        (None, Some(contains)) => Says::Contains(contains.value, step.into()),
        (None, None) => Says::Anything,
    };
    Some(OptionTest { code: code?, says })
}

/// An architecture by its number, or those of one machine by its name.
fn archs(item: &Item<'_>) -> Option<Vec<Arch>> {
    if item.whole().is_some() {
        return item.number(0..=u16::MAX).map(|number| vec![Arch(number)]);
    }
    let kind = machine(item)?;
    // Further numbers have no names.
    Some((0..0x100).map(Arch).filter(|arch| Kind::of_arch(*arch) == Some(kind)).collect())
}

/// Complains about pools that are in no subnet, or that two classes have.
pub(super) fn check(
    report: &Report<'_>,
    classes: Vec<(Class, Vec<Placed<PoolRange>>)>,
    subnets: &[Placed<Subnet>],
) -> Vec<Class> {
    if classes.len() > MAX_CLASSES
        && let Some(mark) = subnets.first().map(|subnet| &subnet.mark)
    {
        report.complain(mark, format!("at most {MAX_CLASSES} classes, not {}", classes.len()));
    }
    let all: Vec<&Placed<PoolRange>> = classes.iter().flat_map(|(_, pools)| pools).collect();
    for (at, pool) in all.iter().enumerate() {
        let PoolRange { first, last } = pool.value;
        let home = subnets.iter().map(|subnet| subnet.value.network).find(|net| net.contains(&first));
        if !home.is_some_and(|network| network.contains(&last)) {
            report.complain(&pool.mark, "no [[dhcp.subnet]] has all of these addresses");
        }
        let mut earlier = all.iter().take(at).map(|pool| pool.value);
        if let Some(other) = earlier.find(|other| other.first <= last && first <= other.last) {
            report.complain(&pool.mark, format!("shares addresses with {}-{}", other.first, other.last));
        }
    }
    classes.into_iter().map(|(class, _)| class).collect()
}
