use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use crate::Adapter;

/// How machines are switched.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long one try of one step may take.
    pub limit: Duration,
    /// How often a step that may be repeated is tried again.
    pub retries: u32,
    /// How many machines are switched at a time, and how many more are only looked at.
    pub parallel: usize,
    /// The program `ipmitool`: a path, or a name to be found in `PATH`.
    pub ipmitool: PathBuf,
    /// Certificates of authorities that a Redfish controller's may be signed by, as PEM.
    pub ca_file: PathBuf,
    /// The commands that hosts may be switched by, by name.
    pub adapters: BTreeMap<String, Arc<Adapter>>,
}

impl Default for Settings {
    /// 20 s, one more try, 32 at a time, and Debian's places.
    fn default() -> Self {
        Self {
            limit: Duration::from_secs(20),
            retries: 1,
            parallel: 32,
            ipmitool: "ipmitool".into(),
            ca_file: "/etc/ssl/certs/ca-certificates.crt".into(),
            adapters: BTreeMap::new(),
        }
    }
}
