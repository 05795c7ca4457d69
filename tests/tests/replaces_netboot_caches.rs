//! HTTP caches in front of the boot side, with the configurations in `deploy/`: files come from the cache, what is written for a
//! machine never does, and a machine behind it is known.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nextboot_tests::site::{Dhcp, INSTALL, SmallInstaller};
use nextboot_tests::{Lab, Namespace, PATIENCE, Process, SERVER, Server, client, wait_until};

/// The cache's address.
const CACHE: &str = "10.77.0.2";

/// Longer than a cache may give a file to others without a look at ours.
const NOTICED: Duration = Duration::from_secs(30);

fn deployed(name: &str) -> Result<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(name);
    fs::read_to_string(&path).with_context(|| path.display().to_string())
}

/// Makes one place of an example the laboratory's.
fn put(text: &str, from: &str, to: &str) -> Result<String> {
    ensure!(text.contains(from), "{from} is not in the example any more:\n{text}");
    Ok(text.replace(from, to))
}

fn nginx(lab: &Lab, at: &Namespace) -> Result<Process> {
    let dir = lab.dir().join("nginx");
    fs::create_dir_all(&dir)?;
    let dir = dir.display().to_string();
    let example = deployed("nginx-cache.conf")?;
    let example = put(&example, "http://10.0.0.1:8080", &format!("http://{SERVER}:8080"))?;
    let example = put(&example, "/var/cache/nginx/nextboot", &format!("{dir}/cache"))?;
    let example = put(&example, "/var/log/nginx/nextboot-cache.log", &format!("{dir}/access.log"))?;
    let temp: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|what| format!("{what}_temp_path {dir}/{what};\n"))
        .collect();
    let config = format!(
        "daemon off; user root; pid {dir}/pid; error_log stderr;\nevents {{}}\nhttp {{\n{temp}{example}\n}}\n"
    );
    let path = format!("{dir}/nginx.conf");
    fs::write(&path, config)?;
    let process = lab.start(at, "nginx", "nginx", &["-e", "stderr", "-c", &path])?;
    listens(at, process)
}

fn varnish(lab: &Lab, at: &Namespace) -> Result<Process> {
    let dir = lab.dir().join("varnish");
    fs::create_dir_all(&dir)?;
    let example = put(&deployed("varnish-cache.vcl")?, "\"10.0.0.1\"", &format!("{SERVER:?}"))?;
    let path = dir.join("default.vcl").display().to_string();
    fs::write(&path, example)?;
    // Debian's unit has its own users; in a namespace of its own root does.
    let work = lab.scratch().join("varnish").display().to_string();
    let listen = format!("{CACHE}:8080");
    let words =
        ["-F", "-j", "none", "-n", &work, "-a", &listen, "-T", "none", "-f", &path, "-s", "malloc,64m"];
    listens(at, lab.start(at, "varnish", "varnishd", &words)?)
}

fn listens(at: &Namespace, mut process: Process) -> Result<Process> {
    wait_until("the cache's socket", PATIENCE, || {
        process.alive()?;
        Ok(at.run("ss", &["-Htln"])?.contains(":8080 ").then_some(()))
    })?;
    Ok(process)
}

/// A file from the cache, with its head.
fn fetch(machine: &Namespace, name: &str, more: &[&str]) -> Result<(String, Vec<u8>)> {
    let url = format!("http://{CACHE}:8080/{name}");
    let answer = client::curl(machine, &url, &[&["--include"], more].concat())?;
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").context("no head")? + 4;
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    Ok((head, answer[end..].to_vec()))
}

fn mac(machine: &Namespace) -> Result<String> {
    Ok(machine.run("cat", &["/sys/class/net/eth0/address"])?.trim().to_owned())
}

/// How many requests the cache made to us: segments that begin with `GET `.
fn reached(lab: &Lab) -> Result<usize> {
    let requests = "tcp[((tcp[12] & 0xf0) >> 2):4] = 0x47455420";
    lab.captured(
        "wire",
        &format!("src host {CACHE} and dst host {SERVER} and tcp dst port 8080 and {requests}"),
    )
}

fn behind(name: &str, start: impl FnOnce(&Lab, &Namespace) -> Result<Process>) {
    Lab::run(name, |lab| {
        let site = SmallInstaller::new(lab)?;
        fs::write(site.tree().join("kernel"), b"the old kernel")?;
        let more = "[profiles.rescue]\nclass = \"live\"\nkernel = \"kernel\"\n";
        let config = site.config(Dhcp::Server, more);
        let config = config.replace("[http]\n", &format!("[http]\ntrusted_proxies = [\"{CACHE}\"]\n"));
        let server = lab.server(&config)?;
        let at = lab.join(&format!("{CACHE}/24"))?;
        let (one, other) = (lab.join("10.77.0.20/24")?, lab.join("10.77.0.21/24")?);
        let _cache = start(lab, &at)?;
        files_come_from_the_cache(lab, &site, &one, &other)?;
        each_machine_gets_its_own(&server, &one, &other)
    });
}

fn files_come_from_the_cache(
    lab: &Lab,
    site: &SmallInstaller,
    one: &Namespace,
    other: &Namespace,
) -> Result<()> {
    let _wire = lab.capture("wire")?;
    let (head, body) = fetch(one, "kernel", &[])?;
    ensure!(body == b"the old kernel" && head.contains("x-cache-status: miss"), "{head}");
    for field in ["cache-control: max-age=5, must-revalidate", "etag: \"", "last-modified: "] {
        ensure!(head.contains(field), "{field}: {head}");
    }
    let (head, body) = fetch(other, "kernel", &[])?;
    ensure!(body == b"the old kernel" && head.contains("x-cache-status: hit"), "{head}");
    let (head, body) = fetch(other, "kernel", &["--range", "4-6"])?;
    ensure!(body == b"old" && head.starts_with("http/1.1 206"), "a part out of the cache: {head}");
    ensure!(head.contains("content-range: bytes 4-6/14"), "{head}");
    // A request that does reach us shows that those before did not.
    ensure!(fetch(other, "nothing", &[])?.0.starts_with("http/1.1 404"), "not found");
    let seen = wait_until("the cache's second request", PATIENCE, || {
        Ok(Some(reached(lab)?).filter(|count| *count >= 2))
    })?;
    ensure!(seen == 2, "a kernel and what is not there are two requests, not {seen}");
    fs::write(site.tree().join("kernel"), b"a kernel that is new")?;
    let changed = wait_until("the new kernel", NOTICED, || {
        let (_, body) = fetch(one, "kernel", &[])?;
        Ok(Some(body).filter(|body| body != b"the old kernel"))
    })?;
    ensure!(changed == b"a kernel that is new", "{}", String::from_utf8_lossy(&changed));
    ensure!(fetch(other, "kernel", &[])?.1 == changed, "for all of them");
    // What is not there now may be in a moment.
    fs::write(site.tree().join("nothing"), b"something")?;
    ensure!(fetch(other, "nothing", &[])?.1 == b"something", "that it was not there is not kept");
    Ok(())
}

fn each_machine_gets_its_own(server: &Server, one: &Namespace, other: &Namespace) -> Result<()> {
    server.cli(&["host", "add", "one", &mac(one)?])?;
    server.cli(&["host", "add", "other", &mac(other)?])?;
    server.cli(&["boot", "one", INSTALL])?;
    server.cli(&["boot", "other", "rescue"])?;
    // The loader comes from us by TFTP, as it does in front of lpxelinux.0's HTTP: that is how their addresses are known.
    for machine in [one, other] {
        client::tftp_hpa(machine, SERVER, "lpxelinux.0")?;
    }
    for name in ["pxelinux.cfg/default", "ipxe", "grub/grub.cfg"] {
        for _ in 0..2 {
            let (head, text) = fetch(one, name, &[])?;
            let text = String::from_utf8_lossy(&text).into_owned();
            ensure!(text.contains("small/vmlinuz") && head.contains("no-store"), "{name}: {head}{text}");
            let (head, text) = fetch(other, name, &[])?;
            let text = String::from_utf8_lossy(&text).into_owned();
            ensure!(text.contains("kernel") && !text.contains("small"), "{name}: {head}{text}");
            ensure!(!head.contains("x-cache-status: hit"), "{name}: {head}");
        }
    }
    // The seed is the machine's own, behind the cache too, whatever it says of itself.
    let seed = |machine: &Namespace, more: &[&str]| fetch(machine, "seed/seed.sh.j2", more);
    let (head, text) = seed(one, &[])?;
    ensure!(String::from_utf8_lossy(&text).contains("one"), "{head}{}", String::from_utf8_lossy(&text));
    let lie = format!("X-Forwarded-For: {}", "10.77.0.20");
    for lie in [lie.as_str(), "Forwarded: for=10.77.0.20"] {
        let (head, _) = seed(other, &["--header", lie])?;
        ensure!(!head.starts_with("http/1.1 200"), "{lie} must not give it another's seed: {head}");
    }
    // Past the cache nobody's word is taken.
    let url = format!("http://{SERVER}:8080/seed/seed.sh.j2");
    let status = client::http_status(other, &url, &["--header", "X-Forwarded-For: 10.77.0.20"])?;
    ensure!(status != 200, "{status}");
    // Assigned once, it is used up by the configuration: that the cache had the kernel already is not seen.
    server.cli(&["boot", "other", "rescue", "--once"])?;
    fetch(other, "pxelinux.cfg/default", &[])?;
    server.wait_for_event("used-up", PATIENCE, |event| event["host"] == "other")?;
    Ok(())
}

#[test]
fn row_43_nginx_in_front_keeps_files_and_knows_machines() {
    behind("row-43-nginx", nginx);
}

#[test]
fn row_43_varnish_in_front_keeps_files_and_knows_machines() {
    behind("row-43-varnish", varnish);
}
