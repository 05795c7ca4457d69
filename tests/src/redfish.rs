//! A Redfish service: sushy-tools' emulator with its fake driver, whose machines take some seconds to do what they are told.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::artefacts::{lab_dir, project};
use crate::client;
use crate::lab::Lab;
use crate::namespace::{Namespace, run};
use crate::process::Process;
use crate::wait::{PATIENCE, wait_until};

/// The user that may do everything.
pub const USER: &str = "admin";
/// Its password.
pub const PASSWORD: &str = "s3cr3t w0rd: ö";

/// The emulator's packages, pinned.
const REQUIREMENTS: &str = "tests/redfish-requirements.txt";

/// A service at TCP port 8000 of a namespace, with systems that are off at first.
#[derive(Debug)]
pub struct Redfish {
    namespace: String,
    certificate: Option<PathBuf>,
    systems: Vec<String>,
    _process: Process,
}

impl Redfish {
    /// Starts one at an address of the namespace, with so many systems; by TLS, with a certificate of an authority of its own,
    /// if `encrypted`.
    ///
    /// # Errors
    /// When the packages in `deploy/packages` are missing, or, the first time, PyPI cannot be reached.
    pub fn start(
        lab: &Lab,
        namespace: &Namespace,
        name: &str,
        address: &str,
        systems: u8,
        encrypted: bool,
    ) -> Result<Self> {
        let python = python()?;
        let dir = lab.dir().join(name);
        fs::create_dir_all(&dir)?;
        let uuid = |number| format!("00000000-0000-0000-0000-0000000000{number:02}");
        let systems: Vec<String> = (1..=systems).map(uuid).collect();
        let entry = |uuid: &String| {
            format!("{{'uuid': '{uuid}', 'name': 'n{uuid}', 'power_state': 'Off', 'nics': []}}")
        };
        let entries: Vec<String> = systems.iter().map(entry).collect();
        let users = dir.join("users");
        let hash = run(Command::new(&python).args(["-c", HASH, PASSWORD]))?;
        fs::write(&users, format!("{USER}:{}\n", hash.trim()))?;
        let config = dir.join("emulator.conf");
        fs::write(
            &config,
            format!(
                "SUSHY_EMULATOR_FAKE_DRIVER = True\nSUSHY_EMULATOR_AUTH_FILE = '{}'\nSUSHY_EMULATOR_STATE_DIR = '{}'\n\
                 SUSHY_EMULATOR_FAKE_SYSTEMS = [{}]\n",
                users.display(),
                dir.display(),
                entries.join(", ")
            ),
        )?;
        let mut words: Vec<String> =
            ["-m", "sushy_tools.emulator.main", "--fake", "-i", "0.0.0.0", "-p", "8000"]
                .map(str::to_owned)
                .into();
        words.extend(["--config".to_owned(), config.display().to_string()]);
        let certificate = if encrypted {
            let (authority, certificate, key) = certificate(&dir, address)?;
            words.extend(["--ssl-certificate".to_owned(), certificate, "--ssl-key".to_owned(), key]);
            Some(authority)
        } else {
            None
        };
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let program = python.display().to_string();
        let mut process = lab.start(namespace, &format!("{name}-sushy"), &program, &words)?;
        wait_until(&format!("{name} listens"), PATIENCE, || {
            process.alive()?;
            Ok(namespace.run("ss", &["-Hlnt"])?.contains(":8000 ").then_some(()))
        })?;
        Ok(Self { namespace: namespace.name().to_owned(), certificate, systems, _process: process })
    }

    /// The certificate of its authority, when it speaks TLS.
    ///
    /// # Errors
    /// When it does not.
    pub fn authority(&self) -> Result<&Path> {
        self.certificate.as_deref().context("no TLS here")
    }

    /// The ids of its systems.
    #[must_use]
    pub fn systems(&self) -> &[String] {
        &self.systems
    }

    /// A system as the service shows it.
    ///
    /// # Errors
    /// When it is not there.
    pub fn system(&self, from: &Namespace, at: usize) -> Result<Value> {
        debug_assert_eq!(from.name(), self.namespace, "it is asked at home");
        let id = self.systems.get(at).context("no such system")?;
        let scheme = if self.certificate.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://127.0.0.1:8000/redfish/v1/Systems/{id}");
        let user = format!("{USER}:{PASSWORD}");
        Ok(serde_json::from_slice(&client::curl(from, &url, &["--insecure", "--user", &user])?)?)
    }
}

/// What bcrypt makes of the password, as the emulator wants it.
const HASH: &str =
    "import bcrypt, sys; print(bcrypt.hashpw(sys.argv[1].encode(), bcrypt.gensalt(4)).decode())";

/// The Python that has the emulator: a virtual environment that is made once and kept beside the laboratory.
fn python() -> Result<PathBuf> {
    let requirements = project().join(REQUIREMENTS);
    let pinned = fs::read_to_string(&requirements)?;
    let version = pinned.lines().find_map(|line| line.strip_prefix("sushy-tools==")).context(REQUIREMENTS)?;
    let dir = lab_dir()?.join(format!("sushy-tools-{}", version.trim()));
    let mut make = Command::new("flock");
    make.arg(dir.with_extension("lock")).args(["sh", "-c", MAKE]).arg(&dir).arg(&requirements);
    run(&mut make).context("cannot install sushy-tools from PyPI")?;
    Ok(dir.join("bin/python"))
}

/// `DIRECTORY REQUIREMENTS`; what is half made is made anew.
const MAKE: &str = r#"
[ ! -e "$0/ready" ] || exit 0
rm -rf "$0"
timeout 120 python3 -m venv "$0" || exit 1
timeout 300 "$0/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$1" || exit 1
: >"$0/ready"
"#;

/// An authority, and a certificate for an address that it signed: the authority's, the service's, and its key.
fn certificate(dir: &Path, address: &str) -> Result<(PathBuf, String, String)> {
    let path = |name: &str| dir.join(name).display().to_string();
    let openssl = |words: &[&str]| run(Command::new("openssl").args(words));
    let (ca, ca_key) = (path("ca.pem"), path("ca.key"));
    let new = ["-newkey", "rsa:2048", "-nodes"];
    let mut words = vec!["req", "-x509", "-subj", "/CN=laboratory", "-days", "2"];
    words.extend(new);
    words.extend(["-out", &ca, "-keyout", &ca_key]);
    openssl(&words)?;
    let (request, key, certificate, names) =
        (path("bmc.csr"), path("bmc.key"), path("bmc.pem"), path("names"));
    let mut words = vec!["req", "-new", "-subj", "/CN=bmc"];
    words.extend(new);
    words.extend(["-out", &request, "-keyout", &key]);
    openssl(&words)?;
    fs::write(&names, format!("subjectAltName=IP:{address}\nbasicConstraints=CA:FALSE\n"))?;
    let words = ["x509", "-req", "-in", &request, "-CA", &ca, "-CAkey", &ca_key, "-CAcreateserial"];
    openssl(&[&words[..], &["-days", "2", "-extfile", &names, "-out", &certificate]].concat())?;
    Ok((dir.join("ca.pem"), certificate, key))
}
