use serde::Deserialize;

use crate::output;

/// Networks, as the API sends them.
#[derive(Debug, Deserialize)]
pub(crate) struct Net {
    pub(crate) name: String,
    pub(crate) networks: Vec<String>,
    #[serde(default)]
    pub(crate) pxelinux: Vec<String>,
    pub(crate) assignment: Option<NetAssignment>,
}

/// What their machines boot.
#[derive(Debug, Deserialize)]
pub(crate) struct NetAssignment {
    pub(crate) profile: String,
    by_text: String,
}

/// `lab (10.34.0.0/16): its machines boot memtest until somebody changes it`.
pub(crate) fn net(net: &Net) -> String {
    let boots = match &net.assignment {
        Some(assigned) => format!("its machines that are no hosts boot {}", assigned.profile),
        None => "nothing is assigned; `nextboot net boot NAME PROFILE` says what its machines boot".into(),
    };
    output::plain(&format!("{} ({}): {boots}", net.name, net.networks.join(", ")))
}

pub(crate) fn nets(nets: &[Net]) -> String {
    let rows = nets.iter().map(|net| {
        let assigned = net.assignment.as_ref();
        vec![
            net.name.clone(),
            net.networks.join(" "),
            net.pxelinux.join(" "),
            assigned.map_or("-", |assigned| &assigned.profile).to_owned(),
            assigned.map_or("", |assigned| &assigned.by_text).to_owned(),
        ]
    });
    output::table(&["NAME", "NETWORKS", "PXELINUX", "BOOTS", "BY"], rows.collect())
}
