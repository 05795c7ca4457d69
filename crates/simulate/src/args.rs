use std::time::Duration;

use clap::Args;

use crate::{Mix, Prefix};

/// Which machines boot where.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
What it does: each machine asks for an address by DHCP, takes it, fetches the loader that
it is told, that loader's configuration, and (a sample of them) kernel and initrd, as the
firmware of its kind does it, with its own MAC and IP address, ARP, TFTP, TCP and HTTP.
Nothing is executed and no disk is written.

What it leaves behind: nobody is registered. Machines that are no hosts get what the site
gives to unknown ones ([boot] unknown; left alone by default, and then they fail); hosts
whose MAC begins with --mac-prefix get what they were assigned, also an installer, whose
end they report: their assignment is used up. Every machine takes a lease, from any DHCP
server that answers, and gives it back at the end (not after Ctrl-C twice). Other servers
on the subnet hear a boot storm too: on a production subnet think first, use a small
--rate, and see that the pool has room.

Where: on another host than the server, or in another network namespace; a server on the
same interface hears nothing of it. The interface needs no address. It listens to all MAC
addresses meanwhile, so a virtual switch must let unknown addresses through. Between
namespaces `ip link set VETH gso_max_segs 1` at the server's end keeps TFTP windows from
arriving as one frame. More than 1,000 machines on a subnet need more room in the
neighbour table of the server's kernel: `sysctl net.ipv4.neigh.default.gc_thresh3=16384`.

Examples:
  nextboot simulate --hosts 100 --interface eth1               a few racks, most of them BIOS
  nextboot simulate --hosts 10000 --interface eth1 --rate 500  a machine room, over 20 seconds
  nextboot simulate --hosts 9 -i eth1 --mix uefi=1 --kernel-sample 9   with all their kernels
  nextboot --json simulate --hosts 10 -i eth1 | jq .failures   what went wrong, for programs

Exit codes: 0 all booted, 1 some did not, 2 the command line is wrong, 69 it may not or
there is no such interface.")]
pub struct Arguments {
    /// How many machines.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub hosts: u32,
    /// The network interface that they are behind; needs root (CAP_NET_RAW).
    #[arg(long, short, value_name = "INTERFACE")]
    pub interface: String,
    /// Kinds of machines and their shares: bios, uefi, uefi-ia32, uefi-arm64 (PXE); http, http-arm64 (UEFI HTTP Boot); ipxe,
    /// ipxe-uefi (iPXE in ROM); u-boot; pi3, pi4, pi5.
    #[arg(long, value_name = "KIND=SHARE,...", default_value = "bios=60,uefi=30,ipxe=5,http=5")]
    pub mix: Mix,
    /// How many of them fetch kernel and initrd in full, and run an installer to its end; the others stop when they have read
    /// their configuration. Spread evenly.
    #[arg(long, value_name = "N", default_value_t = 32)]
    pub kernel_sample: u32,
    /// How many are switched on in a second; 0: all at once.
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub rate: u32,
    /// How many boot at the same time at most; the next is switched on when one has ended.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub concurrency: u32,
    /// After how many seconds a machine that has not booted counts as failed.
    #[arg(long, value_name = "SECONDS", default_value_t = 180, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub limit: u32,
    /// How the machines' MAC addresses begin, two to five bytes of the locally administered range; the rest counts from 0.
    #[arg(long, value_name = "BYTES", default_value = "02:6e:62")]
    pub mac_prefix: Prefix,
    /// What their random numbers begin with, so that transaction ids and ports are the same again; else it is drawn, and the
    /// report tells it.
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// Keep the addresses at the end, as machines do that go on running, instead of giving them back.
    #[arg(long)]
    pub keep_leases: bool,
}

impl Arguments {
    /// How long one machine may take.
    pub(crate) fn patience(&self) -> Duration {
        Duration::from_secs(self.limit.into())
    }
}
