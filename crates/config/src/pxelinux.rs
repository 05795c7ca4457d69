use nextboot_boot::pxelinux::Options;

use crate::{document::Section, value::while_};

/// Longest text of one DHCP option, in bytes.
const LONGEST: usize = 255;
/// Longest time until a reboot, in seconds: a day.
const LAST: u64 = 86_400;

/// `pxelinux`: what PXELINUX is told by DHCP.
pub(crate) fn read(section: &mut Section<'_>) -> Options {
    if !section.has("pxelinux") {
        return Options::default();
    }
    section.table("pxelinux", |keys| Options {
        config: keys.get("config", |item| item.line_of_text(LONGEST)),
        prefix: keys.get("prefix", |item| item.line_of_text(LONGEST)),
        reboot: keys
            .get("reboot", |item| while_(item, 1..=LAST))
            .and_then(|reboot| u32::try_from(reboot.as_secs()).ok()),
    })
}
