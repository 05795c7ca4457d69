//! Profiles.

use super::refused;

#[test]
fn what_is_wrong_in_a_profile_gets_its_remedy() {
    refused(&[
        (
            "[profiles.x]\nloaders = { uefi_x64 = \"a\" }".into(),
            "2: profiles.x.loaders.uefi_x64 = \"a\": there is no such key; did you mean profiles.x.loaders.uefi-x64?",
        ),
        ("profiles.x = 1".into(), "1: profiles.x = 1: this is a table; write [profiles.x]"),
        (
            "[profiles.\"a/b\"]".into(),
            "1: profiles.a/b: \"a/b\" cannot name a profile: use 1 to 128 letters, digits, '-', '_', '.', '+', '@' or ':', and begin with a letter or digit",
        ),
        (
            "[profiles.x]\nkernel = \"k\"".into(),
            "1: profiles.x: its class is missing; write class = \"install\" if booting it destroys data, else class = \"live\"",
        ),
        (
            "[profiles.x]\nclass = \"installer\"".into(),
            "2: profiles.x.class = \"installer\": use \"install\", \"live\" or \"local\"",
        ),
        (
            "[profiles.local]\nclass = \"install\"".into(),
            "1: profiles.local: `local` is what hosts boot after an installation; its class can only be \"local\"",
        ),
        (
            "[profiles.x]\nclass = \"local\"\nkernel = \"k\"".into(),
            "1: profiles.x: a profile of class \"local\" boots the host's own disk; leave kernel, initrd, args and iso out",
        ),
        ("[profiles.x]\nargs = \"k\"".into(), "1: profiles.x: initrd and args need a kernel"),
        (
            "[profiles.x]\nclass = \"live\"\nfile = \"a\"\nkernel = \"k\"".into(),
            "1: profiles.x: either file or kernel: a file is served to the byte, a kernel's configuration is written",
        ),
        (
            "[profiles.x]\nclass = \"live\"\nkernel = \"ftp://k\"".into(),
            "3: profiles.x.kernel = \"ftp://k\": use a name beneath the roots, or an http:// address without blanks",
        ),
        (
            "[profiles.x]\nclass = \"live\"\nkernel = \"k\"\ninitrd = [\"a,b\"]".into(),
            "4: profiles.x.initrd = \"a,b\": PXELINUX separates initial RAM disks by commas; rename the file",
        ),
        (
            "[profiles.x]\nclass = \"live\"\nkernel = \"k\"\nargs = \"\"\"a\nb\"\"\"".into(),
            "4: profiles.x.args = \"\"\"a…: must be one line; end a line with \\ within \"\"\" to go on in the next",
        ),
        (
            "[profiles.x]\nkernal = \"k\"".into(),
            "2: profiles.x.kernal = \"k\": there is no such key; did you mean profiles.x.kernel?",
        ),
    ]);
}
