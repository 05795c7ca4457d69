//! Other servers, to stand beside ours or to be compared with it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::artefacts::unpacked;
use crate::lab::{Lab, SUBNET};
use crate::namespace::Namespace;
use crate::process::Process;
use crate::wait::{PATIENCE, wait_until};

/// dnsmasq as the DHCP server of the subnet; it knows nothing of network boot. `more` are further arguments.
///
/// # Errors
/// When it does not start.
pub fn dnsmasq(lab: &Lab, namespace: &Namespace, more: &[&str]) -> Result<Process> {
    dnsmasq_on(lab, namespace, "eth0", more)
}

/// The same on an interface of that name, with dnsmasq's own way to bind: all of port 67, unless `more` says otherwise.
///
/// # Errors
/// When it does not start.
pub fn dnsmasq_on(lab: &Lab, namespace: &Namespace, interface: &str, more: &[&str]) -> Result<Process> {
    let interface = format!("--interface={interface}");
    let leases = format!("--dhcp-leasefile={}", lab.dir().join("dnsmasq.leases").display());
    let mut args = vec!["--conf-file=/dev/null", "--no-daemon", "--port=0", "--user=root", "--log-dhcp"];
    args.extend([&interface, "--dhcp-range=10.77.0.100,10.77.0.199,1h", &leases]);
    args.extend_from_slice(more);
    let mut dnsmasq = lab.start(namespace, "dnsmasq", "dnsmasq", &args)?;
    dnsmasq.wait_for("DHCP, IP range", PATIENCE)?;
    Ok(dnsmasq)
}

/// Kea as the DHCP server of the subnet, on an interface of that name; it knows nothing of network boot.
///
/// # Errors
/// When it does not start.
pub fn kea_on(lab: &Lab, namespace: &Namespace, interface: &str) -> Result<Process> {
    let config = format!(
        r#"{{"Dhcp4": {{
            "interfaces-config": {{"interfaces": ["{interface}"]}},
            "lease-database": {{"type": "memfile", "persist": false}},
            "loggers": [{{"name": "kea-dhcp4", "severity": "INFO", "output_options": [{{"output": "stdout"}}]}}],
            "subnet4": [{{"subnet": "10.77.0.0/24", "pools": [{{"pool": "10.77.0.100-10.77.0.199"}}]}}]
        }}}}"#
    );
    let path = lab.dir().join("kea.json");
    fs::write(&path, config)?;
    let path = path.to_str().context("a path that is no text")?;
    // It writes its process number and its lock beside each other, wherever these say.
    let dir = lab.scratch().to_str().context("a path that is no text")?;
    let words = [
        format!("KEA_PIDFILE_DIR={dir}"),
        format!("KEA_LOCKFILE_DIR={dir}"),
        "kea-dhcp4".to_owned(),
        "-c".to_owned(),
        path.to_owned(),
    ];
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut kea = lab.start(namespace, "kea", "env", &words)?;
    kea.wait_for("DHCP4_STARTED", PATIENCE)?;
    Ok(kea)
}

/// tftpd-hpa on `root`, at `address` (like `10.77.0.3`).
///
/// # Errors
/// When it does not start.
pub fn tftpd_hpa(lab: &Lab, namespace: &Namespace, address: &str, root: &Path) -> Result<Process> {
    // Unpacked and not installed: Debian's tftpd-hpa and atftpd exclude each other, and installing starts them.
    let program = unpacked("tftpd-hpa")?.join("usr/sbin/in.tftpd");
    let program = program.to_str().context("a path that is no text")?;
    let listen = format!("{address}:69");
    let root = root.to_str().context("a path that is no text")?;
    let args = ["--foreground", "--user", "root", "--address", &listen, "--secure", root];
    let mut process = lab.start(namespace, "tftpd-hpa", program, &args)?;
    wait_until("tftpd-hpa's socket", PATIENCE, || {
        process.alive()?;
        let sockets = namespace.run("ss", &["-Huln"])?;
        Ok(sockets.contains(&format!("{listen} ")).then_some(()))
    })?;
    Ok(process)
}

/// nginx on `root`, at `address` port 80.
///
/// # Errors
/// When it does not start.
pub fn nginx(lab: &Lab, namespace: &Namespace, address: &str, root: &Path) -> Result<Process> {
    let dir = lab.dir().join("nginx");
    fs::create_dir_all(&dir)?;
    let config = format!(
        "daemon off; user root; pid {dir}/pid; error_log stderr;\n\
         events {{}}\n\
         http {{ access_log off; client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f;\n\
         uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;\n\
         server {{ listen {address}:80; root {root}; }} }}\n",
        dir = dir.display(),
        root = root.display(),
    );
    let path = dir.join("nginx.conf");
    fs::write(&path, config)?;
    let path = path.to_str().context("a path that is no text")?;
    let mut process = lab.start(namespace, "nginx", "nginx", &["-c", path])?;
    wait_until("nginx's socket", PATIENCE, || {
        process.alive()?;
        let sockets = namespace.run("ss", &["-Htln"])?;
        Ok(sockets.contains(&format!("{address}:80 ")).then_some(()))
    })?;
    Ok(process)
}

/// Kea as the DHCP server of the subnet on an interface of that name; it knows nothing of network boot.
///
/// # Errors
/// When it does not start.
pub fn kea(lab: &Lab, namespace: &Namespace, interface: &str) -> Result<Process> {
    let config = serde_json::json!({ "Dhcp4": {
        "interfaces-config": { "interfaces": [interface] },
        "lease-database": { "type": "memfile", "persist": false },
        "subnet4": [{ "subnet": SUBNET, "pools": [{ "pool": "10.77.0.100-10.77.0.199" }] }],
        "loggers": [{
            "name": "kea-dhcp4",
            "severity": "INFO",
            "output_options": [{ "output": "stdout", "flush": true }],
        }],
    }});
    let path = lab.dir().join("kea.json");
    fs::write(&path, config.to_string())?;
    let state = lab.scratch().to_str().context("a path that is no text")?;
    let path = path.to_str().context("a path that is no text")?;
    let (pid, lock) = (format!("KEA_PIDFILE_DIR={state}"), format!("KEA_LOCKFILE_DIR={state}"));
    let mut process = lab.start(namespace, "kea", "env", &[&pid, &lock, "kea-dhcp4", "-c", path])?;
    process.wait_for("DHCP4_STARTED", PATIENCE)?;
    Ok(process)
}
