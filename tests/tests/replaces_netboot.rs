//! What PXELINUX, iPXE and Debian's trees ask of a boot server, by the clients that people use and by raw requests: one test for
//! each habit that a site brings along.

use std::fs;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nextboot_tests::site::{Dhcp, INSTALL, SmallInstaller};
use nextboot_tests::{Lab, Namespace, PATIENCE, SERVER, Server, client, wait_until};

/// Where the package debian-installer-12-netboot-amd64 has its tree.
const DEBIAN: &str = "/usr/lib/debian-installer/images/12/amd64/text";

/// A server whose tree is its only default, and a machine.
fn with_tree(
    name: &str,
    prepare: impl FnOnce(&Path) -> Result<()>,
    test: impl FnOnce(&Server, &Namespace, &Path) -> Result<()>,
) {
    Lab::run(name, |lab| {
        let site = SmallInstaller::new(lab)?;
        prepare(site.tree())?;
        let config = site.config(Dhcp::Server, "").replace("[boot]\n", "[boot]\nunknown = \"default\"\n");
        let server = lab.server(&config)?;
        test(&server, &lab.join("10.77.0.20/24")?, site.tree())
    });
}

fn put(tree: &Path, name: &str, content: impl AsRef<[u8]>) -> Result<()> {
    let path = tree.join(name);
    fs::create_dir_all(path.parent().unwrap_or(tree))?;
    fs::write(&path, content).with_context(|| path.display().to_string())
}

fn tftp(machine: &Namespace, name: &str) -> Result<Vec<u8>> {
    client::tftp_hpa(machine, SERVER, name)
}

fn url(name: &str) -> String {
    format!("http://{SERVER}:8080/{name}")
}

fn http(machine: &Namespace, name: &str, more: &[&str]) -> Result<Vec<u8>> {
    client::curl(machine, &url(name), &[&["--fail"], more].concat())
}

/// The head of an answer, with names of fields in lower case.
fn head(machine: &Namespace, name: &str, more: &[&str]) -> Result<String> {
    let words = [&["--include", "--output", "-"], more].concat();
    let answer = client::curl(machine, &url(name), &words)?;
    let text = String::from_utf8_lossy(&answer);
    let lines = text.split("\r\n\r\n").next().unwrap_or_default().lines();
    let lower = |line: &str| match line.split_once(": ") {
        Some((name, value)) => format!("{}: {value}\n", name.to_ascii_lowercase()),
        None => format!("{line}\n"),
    };
    Ok(lines.map(lower).collect())
}

fn field<'h>(head: &'h str, name: &str) -> Result<&'h str> {
    let line = head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    line.with_context(|| format!("no {name}: {head}"))
}

/// What comes first to a request of these bytes: code and the rest.
fn ask(machine: &Namespace, request: &[u8]) -> Result<(u16, Vec<u8>)> {
    let socket = machine.enter(|| Ok(UdpSocket::bind("0.0.0.0:0")?))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let server: Ipv4Addr = SERVER.parse()?;
    socket.send_to(request, (server, 69))?;
    let mut answer = [0; 2048];
    let (length, from) = socket.recv_from(&mut answer)?;
    // An ERROR ends the transfer.
    socket.send_to(b"\0\x05\0\0\0", from)?;
    let answer = &answer[..length];
    let code = u16::from_be_bytes([answer[0], answer[1]]);
    Ok((code, answer[2..].to_vec()))
}

fn rrq(name: &str, options: &[&str]) -> Vec<u8> {
    let words = [name, "octet"].into_iter().chain(options.iter().copied());
    words.fold(vec![0, 1], |packet, word| [&packet[..], word.as_bytes(), &[0]].concat())
}

#[test]
fn row_15_the_use_cases_tree_comes_by_tftp_and_http() {
    let files = [
        ("pxelinux.0", 42_000),
        ("ldlinux.c32", 120_000),
        ("grml/vmlinuz", 700_000),
        ("grml/initrd.img", 900_000),
        ("grml64-full_2017.05.iso", 3_000_000),
        ("debian.seed", 2_000),
        ("post-install.sh", 300),
    ];
    let bytes = |name: &str, length: usize| -> Vec<u8> { name.bytes().cycle().take(length).collect() };
    let config = "DEFAULT grml\nLABEL grml\n  KERNEL grml/vmlinuz\n  APPEND initrd=grml/initrd.img\n";
    let prepare = |tree: &Path| {
        put(tree, "pxelinux.cfg/conf/grml-2017.05", config)?;
        symlink("conf/grml-2017.05", tree.join("pxelinux.cfg/default"))?;
        files.iter().try_for_each(|(name, length)| put(tree, name, bytes(name, *length)))
    };
    with_tree("row-15", prepare, |server, machine, _| {
        for (name, length) in files {
            ensure!(tftp(machine, name)? == bytes(name, length), "{name} by TFTP");
            ensure!(http(machine, name, &[])? == bytes(name, length), "{name} by HTTP");
            let head = head(machine, name, &["--head"])?;
            ensure!(head.starts_with("HTTP/1.1 200"), "{name}: {head}");
            ensure!(field(&head, "content-length")? == length.to_string(), "{name}: {head}");
        }
        ensure!(tftp(machine, "pxelinux.cfg/default")? == config.as_bytes(), "the tree's own default");
        let listed = server.cli(&["profile", "ls"])?;
        ensure!(listed.contains("grml-2017.05"), "{listed}");
        Ok(())
    });
}

#[test]
fn row_39_http_answers_from_any_prefix_and_two_slashes_are_one() {
    let default = "DEFAULT menu\nLABEL menu\n  LOCALBOOT 0\n";
    let prepare = |tree: &Path| {
        put(tree, "web/pxelinux.cfg/default", default)?;
        put(tree, "web/grml/vmlinuz", "kernel")?;
        put(tree, "pxelinux.cfg/default", default)
    };
    with_tree("row-39", prepare, |server, machine, _| {
        for name in ["web//pxelinux.cfg/default", "web/pxelinux.cfg/default", "/web//pxelinux.cfg//default"] {
            ensure!(http(machine, name, &["--http1.0"])? == default.as_bytes(), "{name}");
        }
        ensure!(http(machine, "web//grml//vmlinuz", &["--http1.0"])? == b"kernel", "a kernel");
        let mac = machine.run("cat", &["/sys/class/net/eth0/address"])?.trim().to_owned();
        let own = format!("01-{}", mac.replace(':', "-"));
        server.cli(&["host", "add", "node1", &mac])?;
        server.cli(&["boot", "node1", INSTALL])?;
        for name in [
            format!("web//pxelinux.cfg/{own}"),
            format!("pxelinux.cfg/{own}"),
            format!("a/b/c/pxelinux.cfg/{own}"),
        ] {
            let text = String::from_utf8(http(machine, &name, &["--http1.0"])?)?;
            ensure!(text.contains("small/vmlinuz"), "{name}: {text}");
        }
        // Names before its own are not there, so that the search goes on, and quickly.
        for name in ["web//pxelinux.cfg/00000000-0000-0000-0000-0000000000aa", "web//nothing.c32"] {
            let status = client::http_status(machine, &url(name), &["--http1.0"])?;
            ensure!(status == 404, "{name}: {status}");
        }
        Ok(())
    });
}

#[test]
fn row_40_a_trees_own_autoexec_is_for_whoever_is_assigned_nothing() {
    let own = "#!ipxe\nmenu The site's own\n";
    // With a PXELINUX configuration for everybody, which could be translated, and without.
    for (name, default) in
        [("row-40-own", None), ("row-40-own-default", Some("DEFAULT x\nLABEL x\n KERNEL x\n"))]
    {
        with_tree(
            name,
            |tree| {
                put(tree, "autoexec.ipxe", own)?;
                put(tree, "sub/autoexec.ipxe", "#!ipxe\nshell\n")?;
                default.map_or(Ok(()), |text| put(tree, "pxelinux.cfg/default", text))
            },
            |server, machine, _| {
                ensure!(tftp(machine, "autoexec.ipxe")? == own.as_bytes());
                ensure!(http(machine, "autoexec.ipxe", &[])? == own.as_bytes());
                ensure!(tftp(machine, "sub/autoexec.ipxe")? == b"#!ipxe\nshell\n");
                let mac = machine.run("cat", &["/sys/class/net/eth0/address"])?;
                server.cli(&["host", "add", "node1", mac.trim()])?;
                server.cli(&["boot", "node1", INSTALL])?;
                let armed = String::from_utf8(tftp(machine, "autoexec.ipxe")?)?;
                ensure!(armed.contains("small/vmlinuz"), "what it was armed for: {armed}");
                Ok(())
            },
        );
    }
}

#[test]
fn row_41_debians_tree_as_it_is_by_tftp_and_http() {
    let prepare = |tree: &Path| copy_tree(Path::new(DEBIAN), tree);
    with_tree("row-41", prepare, |_, machine, tree| {
        let menu = fs::read(tree.join("debian-installer/amd64/boot-screens/syslinux.cfg"))?;
        for name in ["pxelinux.cfg/default", "debian-installer/amd64/pxelinux.cfg/default"] {
            ensure!(tftp(machine, name)? == menu, "{name} by TFTP");
            ensure!(http(machine, name, &[])? == menu, "{name} by HTTP");
        }
        for name in [
            "pxelinux.0",
            "ldlinux.c32",
            "splash.png",
            "debian-installer/amd64/boot-screens/vesamenu.c32",
            "debian-installer/amd64/bootnetx64.efi",
            "debian-installer/amd64/grubx64.efi",
            "/debian-installer/amd64/linux",
        ] {
            let file = fs::read(tree.join(name.trim_start_matches('/')))?;
            ensure!(tftp(machine, name)? == file, "{name} by TFTP");
            ensure!(http(machine, name.trim_start_matches('/'), &[])? == file, "{name} by HTTP");
        }
        let grub = fs::read(tree.join("debian-installer/amd64/grub/grub.cfg"))?;
        ensure!(tftp(machine, "debian-installer/amd64/grub/grub.cfg")? == grub, "GRUB's menu by TFTP");
        ensure!(tftp(machine, "pxelinux.cfg").is_err(), "a directory is no file");
        ensure!(
            ask(machine, &rrq("pxelinux.cfg", &["tsize", "0"]))?.0 == 5,
            "and said so before anything else"
        );
        Ok(())
    });
}

/// Copies a tree with its links as they are.
fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    let status = std::process::Command::new("cp").arg("-a").arg(from.join(".")).arg(to).status()?;
    ensure!(status.success(), "cp {} {}", from.display(), to.display());
    Ok(())
}

#[test]
fn row_42_an_image_is_read_by_head_and_range() {
    let image: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_be_bytes).collect();
    let prepare = |tree: &Path| put(tree, "img.iso", &image);
    with_tree("row-42", prepare, |_, machine, _| {
        let whole = head(machine, "img.iso", &["--head"])?;
        ensure!(whole.starts_with("HTTP/1.1 200") && field(&whole, "accept-ranges")? == "bytes", "{whole}");
        ensure!(field(&whole, "content-length")? == image.len().to_string(), "{whole}");
        for (range, part) in [
            ("32768-34815", 32_768..34_816),
            ("0-0", 0..1),
            ("3999999-", 3_999_999..4_000_000),
            ("-2048", 3_997_952..4_000_000),
        ] {
            ensure!(client::http_status(machine, &url("img.iso"), &["-r", range])? == 206, "{range}");
            ensure!(http(machine, "img.iso", &["-r", range])? == image[part], "{range}");
        }
        ensure!(client::http_status(machine, &url("img.iso"), &["-r", "4000000-"])? == 416, "behind the end");
        Ok(())
    });
}

#[test]
fn row_43_files_have_validators_and_what_is_written_has_none() {
    let prepare = |tree: &Path| {
        put(tree, "linux", "a kernel")?;
        put(tree, "pxelinux.cfg/default", "DEFAULT x\nLABEL x\n  LOCALBOOT 0\n")
    };
    with_tree("row-43", prepare, |_, machine, tree| {
        let first = head(machine, "linux", &["--head"])?;
        let (etag, modified) = (field(&first, "etag")?, field(&first, "last-modified")?);
        ensure!(etag.starts_with('"'), "a strong one: {etag}");
        ensure!(field(&first, "cache-control")? == "max-age=5, must-revalidate", "{first}");
        let status =
            |condition: String| client::http_status(machine, &url("linux"), &["--header", &condition]);
        ensure!(status(format!("If-None-Match: {etag}"))? == 304, "{etag}");
        ensure!(status(format!("If-Modified-Since: {modified}"))? == 304, "{modified}");
        ensure!(status("If-None-Match: \"other\"".into())? == 200, "another one");
        put(tree, "linux", "another kernel")?;
        ensure!(status(format!("If-None-Match: {etag}"))? == 200, "it has changed");
        for name in ["pxelinux.cfg/default", "ipxe", "nothing"] {
            let head = head(machine, name, &[])?;
            ensure!(field(&head, "cache-control")? == "no-store", "{name}: {head}");
            ensure!(field(&head, "etag").is_err(), "{name}: {head}");
        }
        Ok(())
    });
}

#[test]
fn row_44_tftp_only_gives_and_only_from_its_roots() {
    let prepare = |tree: &Path| {
        put(tree, "linux", vec![7; 5000])?;
        fs::write(tree.parent().context("no parent")?.join("secret"), "secret")?;
        symlink("../secret", tree.join("link-out"))?;
        Ok(symlink("/etc/hostname", tree.join("absolute-out"))?)
    };
    with_tree("row-44", prepare, |_, machine, tree| {
        let mine = tree.parent().context("no parent")?.join("mine");
        fs::write(&mine, "mine")?;
        let put = machine
            .command("curl")
            .args(["-s", "--max-time", "20", "-T"])
            .arg(&mine)
            .arg(format!("tftp://{SERVER}/new"))
            .status()?;
        ensure!(!put.success() && !tree.join("new").exists(), "nothing is ever written");
        for name in [
            "../secret",
            "linux/../../secret",
            "/../secret",
            "..\\secret",
            "link-out",
            "absolute-out",
            "/etc/hostname",
        ] {
            let (code, text) = ask(machine, &rrq(name, &[]))?;
            ensure!(code == 5, "{name}: {code} {}", String::from_utf8_lossy(&text));
        }
        // What each kind of client asks for is granted, as it asks.
        for options in [
            &["tsize", "0", "blksize", "1408"][..],
            &["blksize", "1432", "tsize", "0"],
            &["tsize", "0", "blksize", "1468", "windowsize", "4"],
            &["blksize", "512", "windowsize", "4"],
        ] {
            let (code, text) = ask(machine, &rrq("linux", options))?;
            let said = String::from_utf8_lossy(&text).into_owned();
            let words: Vec<&str> = said.trim_end_matches('\0').split('\0').collect();
            ensure!(code == 6 && words.len() == options.len(), "{options:?}: {code} {words:?}");
            for pair in options.chunks(2) {
                let granted = words.chunks(2).find(|granted| granted[0] == pair[0]).context("not granted")?;
                let wanted = if pair[0] == "tsize" { "5000" } else { pair[1] };
                ensure!(granted[1] == wanted, "{options:?}: {words:?}");
            }
        }
        // A missing file and an empty configuration are told at once, without an OACK before.
        let began = std::time::Instant::now();
        for name in ["pxelinux.cfg/0A4D0014", "nothing", "linux/nothing"] {
            ensure!(ask(machine, &rrq(name, &["tsize", "0"]))?.0 == 5, "{name}");
        }
        ensure!(began.elapsed() < Duration::from_secs(2), "ERROR comes at once");
        Ok(())
    });
}

#[test]
fn row_45_every_way_to_write_a_name_is_the_same_file() {
    let prepare = |tree: &Path| put(tree, "boot/x/three.cfg", "three");
    with_tree("row-45", prepare, |_, machine, tree| {
        let absolute = format!("{}/boot/x/three.cfg", tree.display());
        for name in [
            "boot/x/three.cfg",
            "/boot/x/three.cfg",
            "//boot//x//three.cfg",
            "boot/x/./three.cfg",
            "./boot/x/three.cfg",
            "boot/y/../x/three.cfg",
            "boot\\x\\three.cfg",
            "\\boot\\x\\three.cfg",
            "boot/x\\three.cfg",
            "boot\\\\x/three.cfg",
            "::boot/x/three.cfg",
            "::/boot/x/three.cfg",
            &absolute,
        ] {
            let (code, data) = ask(machine, &rrq(name, &[]))?;
            ensure!(code == 3 && data[2..] == *b"three", "{name}: {code} {}", String::from_utf8_lossy(&data));
        }
        ensure!(ask(machine, &rrq("Boot/X/Three.cfg", &[]))?.0 == 5, "case counts");
        Ok(())
    });
}

#[test]
fn row_46_a_configuration_by_uuid_in_either_order() {
    // As option 97 has it, and as dmidecode prints it.
    let (wire, printed) = ("085994b8-a6d6-a941-a11d-74a6ab80b83d", "b8945908-d6a6-41a9-a11d-74a6ab80b83d");
    let own = "DEFAULT own\nLABEL own\n  KERNEL own/linux\n";
    for (name, order) in [("row-46-wire", wire), ("row-46-smbios", printed)] {
        with_tree(
            name,
            |tree| put(tree, &format!("pxelinux.cfg/{order}"), own),
            |server, machine, tree| {
                let asked = format!("pxelinux.cfg/{wire}");
                if order == wire {
                    ensure!(
                        tftp(machine, &asked)? == own.as_bytes(),
                        "to the byte, at the name that PXELINUX asks for"
                    );
                    ensure!(http(machine, &asked, &[])? == own.as_bytes(), "by HTTP too");
                }
                // A host that is known by its UUID gets it too, in whichever order it was made and told.
                server.cli(&["host", "add", "node1", "02:00:00:00:46:01", "--uuid", printed])?;
                let file = tree.join(format!("pxelinux.cfg/{order}"));
                // The kernel dates files by the beat of its clock, so one that is written at once may look older than the host.
                wait_until("the host's, by the name of the other order", PATIENCE, || {
                    fs::remove_file(&file)?;
                    fs::write(&file, own)?;
                    Ok(tftp(machine, &asked).is_ok_and(|text| text == own.as_bytes()).then_some(()))
                })
            },
        );
    }
}
