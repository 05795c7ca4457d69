use crate::GaveUp;

/// Who fetches: which options it asks for, how patient it is and what its screen says when it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// A BIOS PXE ROM: it asks for the size and hangs up, then fetches blocks of 1456 bytes.
    Rom,
    /// EDK2: the same with windows of four blocks. Its word for hanging up frightens readers of server logs.
    Edk2,
    /// iPXE.
    Ipxe,
    /// U-Boot.
    UBoot,
    /// Raspberry Pi: boot ROM and EEPROM.
    RaspberryPi,
    /// PXELINUX.
    Pxelinux,
    /// GRUB.
    Grub,
    /// No options: RFC 1350 alone.
    Plain,
}

/// A request that is only made to learn the size.
#[derive(Debug)]
pub(super) struct Probe {
    pub(super) options: &'static [(&'static str, &'static str)],
    pub(super) error: (u16, &'static str),
}

impl Style {
    pub(super) fn probe(self) -> Option<Probe> {
        match self {
            Self::Rom => Some(Probe { options: &[("tsize", "0")], error: (0, "TFTP Aborted") }),
            Self::Edk2 => Some(Probe {
                options: &[("tsize", "0"), ("blksize", "1468"), ("windowsize", "4")],
                error: (8, "User aborted the transfer"),
            }),
            _ => None,
        }
    }

    pub(super) fn options(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Rom => &[("blksize", "1456")],
            Self::Edk2 => &[("blksize", "1468"), ("windowsize", "4")],
            Self::Ipxe => &[("blksize", "1432"), ("tsize", "0")],
            Self::UBoot => &[("timeout", "5"), ("tsize", "0"), ("blksize", "1468")],
            Self::RaspberryPi => &[("tsize", "0"), ("blksize", "1024")],
            Self::Pxelinux => &[("tsize", "0"), ("blksize", "1408")],
            Self::Grub => &[("blksize", "1024"), ("tsize", "0")],
            Self::Plain => &[],
        }
    }

    /// The waits between one packet and the same again, in milliseconds.
    pub(super) fn waits(self) -> &'static [u64] {
        match self {
            Self::Rom => &[4000, 4000, 4000, 4000, 4000, 4000],
            Self::Edk2 => &[4000, 4000, 4000, 4000, 4000, 4000],
            Self::Ipxe => &[250, 500, 1000, 2000, 4000, 8000],
            Self::UBoot => &[5000, 5000, 5000, 5000, 5000],
            Self::RaspberryPi => &[3000, 3000, 3000, 3000, 3000],
            Self::Pxelinux => &[1000, 2000, 4000, 8000, 12_000],
            Self::Grub => &[1000, 1000, 2000, 3000, 5000],
            Self::Plain => &[4000, 4000, 4000],
        }
    }

    /// Nobody answered: the request, or in the middle of the file.
    pub(super) fn silence(self, name: &str, opened: bool) -> GaveUp {
        match (self, opened) {
            (Self::Rom, false) => GaveUp::new("PXE-E32", "TFTP open timeout"),
            (Self::Rom, true) => GaveUp::new("PXE-E35", "TFTP read timeout"),
            (Self::Edk2, _) => GaveUp::new("PXE-E18", "Server response timeout"),
            (Self::Ipxe, _) => GaveUp::new("iPXE", format!("{name}: Connection timed out")),
            (Self::UBoot, _) => GaveUp::new("U-Boot", format!("{name}: Retry count exceeded")),
            (Self::RaspberryPi, _) => GaveUp::new("Raspberry Pi", format!("{name}: timed out")),
            (Self::Pxelinux, _) => GaveUp::new("PXELINUX", format!("{name}: timed out")),
            (Self::Grub, _) => GaveUp::new("GRUB", format!("timeout reading `{name}'")),
            (Self::Plain, _) => GaveUp::new("TFTP", format!("{name}: timed out")),
        }
    }

    /// The server sent an ERROR.
    pub(super) fn refused(self, name: &str, code: u16, text: &str) -> GaveUp {
        match (self, code) {
            (Self::Rom, 1) => GaveUp::new("PXE-E3B", "TFTP Error - File Not found"),
            (Self::Rom, 2) => GaveUp::new("PXE-E3C", "TFTP Error - Access Violation"),
            (Self::Rom, _) => GaveUp::new("PXE-E36", format!("Error received from TFTP server: {text}")),
            (Self::Edk2, _) => {
                GaveUp::new("PXE-E23", format!("Client received TFTP error from server: {text}"))
            }
            (Self::Ipxe, 1) => GaveUp::new("iPXE", format!("{name}: No such file or directory")),
            (Self::Ipxe, _) => GaveUp::new("iPXE", format!("{name}: {text}")),
            (Self::UBoot, _) => GaveUp::new("U-Boot", format!("TFTP error: '{text}' ({code})")),
            (Self::RaspberryPi, _) => GaveUp::new("Raspberry Pi", format!("{name}: {text}")),
            (Self::Pxelinux, _) => GaveUp::new("PXELINUX", format!("{name}: {text}")),
            (Self::Grub, _) => GaveUp::new("GRUB", format!("file `{name}' not found")),
            (Self::Plain, _) => GaveUp::new("TFTP", format!("{name}: {text} ({code})")),
        }
    }
}
