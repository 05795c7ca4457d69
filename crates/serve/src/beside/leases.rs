use std::{
    collections::HashMap,
    net::Ipv4Addr,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use nextboot_config::dnsmasq::{Note, read_leases};
use nextboot_model::{Lease, LeaseState, Timestamp};
use nextboot_store::Store;

/// Says in the data directory that leases were taken over: from then on ours are the truth.
const MARK: &str = "dnsmasq-leases-taken-over";

/// Leases that are written at a time.
const AT_ONCE: usize = 256;

/// Longest lease file, in bytes.
const MAX_FILE: u64 = 64 * 1024 * 1024;

/// What was taken over.
#[derive(Debug, Default)]
pub(crate) struct TakenOver {
    pub(crate) leases: usize,
    pub(crate) notes: Vec<Note>,
}

/// Takes over the leases that dnsmasq kept, so that its machines keep their addresses; once in the life of a data directory.
/// Addresses that `own` has are left as they are.
pub(crate) async fn take_over(
    store: &Store,
    data_dir: &Path,
    file: &Path,
    own: &mut Vec<Lease>,
    now: Timestamp,
) -> anyhow::Result<TakenOver> {
    let mark: PathBuf = data_dir.join(MARK);
    if mark.exists() {
        return Ok(TakenOver::default());
    }
    let taken = read_in(store, file, own, now).await?;
    let said = format!("{} leases of {}\n", taken.leases, file.display());
    std::fs::write(&mark, said).with_context(|| format!("cannot write {}", mark.display()))?;
    Ok(taken)
}

/// Takes over the leases of a file; none of one that is not there.
pub(super) async fn read_in(
    store: &Store,
    file: &Path,
    own: &mut Vec<Lease>,
    now: Timestamp,
) -> anyhow::Result<TakenOver> {
    let (leases, notes) = match std::fs::metadata(file) {
        Ok(metadata) if metadata.len() <= MAX_FILE => {
            let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
            read_leases(&String::from_utf8_lossy(&bytes), file, now)
        }
        Ok(_) => anyhow::bail!("{} is longer than {MAX_FILE} bytes; that is no lease file", file.display()),
        // A box that never gave an address.
        Err(_) => (Vec::new(), Vec::new()),
    };
    let have: HashMap<Ipv4Addr, &Lease> = own.iter().map(|lease| (lease.address, lease)).collect();
    let ours = |lease: &Lease| {
        have.get(&lease.address).is_some_and(|own| own.state != LeaseState::Released && own.expires > now)
    };
    let new: Vec<Lease> = leases.into_iter().filter(|lease| !ours(lease)).collect();
    for some in new.chunks(AT_ONCE) {
        let written = store.put_leases(some.to_vec(), Vec::new()).await;
        written.with_context(|| format!("cannot keep the leases of {}", file.display()))?;
    }
    let taken = new.len();
    let mut last: HashMap<Ipv4Addr, Lease> = own.drain(..).map(|lease| (lease.address, lease)).collect();
    last.extend(new.into_iter().map(|lease| (lease.address, lease)));
    own.extend(last.into_values());
    Ok(TakenOver { leases: taken, notes })
}
