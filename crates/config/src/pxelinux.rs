use nextboot_boot::pxelinux::Options;

use nextboot_model::{MAX_PXELINUX_REBOOT, MAX_PXELINUX_TEXT};

use crate::{document::Section, value::while_};

/// `pxelinux`: what PXELINUX is told by DHCP.
pub(crate) fn read(section: &mut Section<'_>) -> Options {
    if !section.has("pxelinux") {
        return Options::default();
    }
    section.table("pxelinux", |keys| Options {
        config: keys.get("config", |item| item.line_of_text(MAX_PXELINUX_TEXT)),
        prefix: keys.get("prefix", |item| item.line_of_text(MAX_PXELINUX_TEXT)),
        reboot: keys
            .get("reboot", |item| while_(item, 1..=MAX_PXELINUX_REBOOT.into()))
            .and_then(|reboot| u32::try_from(reboot.as_secs()).ok()),
    })
}
