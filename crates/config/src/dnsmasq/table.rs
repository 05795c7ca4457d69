//! All options of dnsmasq 2.90, and what becomes of each.

/// Whether an option is given something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Argument {
    None,
    Maybe,
    Needed,
}

/// What becomes of an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It is read.
    Read,
    /// It names another file.
    Include,
    /// It names a directory of such files.
    IncludeDirectory,
    /// It is about names.
    Dns,
    /// It is not done; what it would have meant.
    Lost(&'static str),
    /// It holds anyway, or in another way.
    Otherwise(&'static str),
}

/// An option of dnsmasq.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) argument: Argument,
    pub(super) meaning: Meaning,
}

const V6: &str = "it is about IPv6, and nextboot serves IPv4";
const SCRIPT: &str =
    "a program was to be run at each change of a lease; follow `nextboot events --follow` instead";
const OWN_LOG: &str = "nextboot writes its log to standard error; `log` in its configuration says how much";
const SERVICE: &str = "how the process runs is its service's business (deploy/ has a unit)";
const ANYWAY: &str = "so it is anyway";

/// What becomes of the option with this name; nothing where dnsmasq has none.
pub(super) fn option(name: &str) -> Option<Known> {
    use Argument::{Maybe, Needed, None as Nothing};
    use Meaning::{Dns, Include, IncludeDirectory, Lost, Otherwise, Read};
    let (argument, meaning) = match name {
        "conf-file" => (Needed, Include),
        "conf-dir" => (Needed, IncludeDirectory),
        "conf-script" => {
            (Needed, Lost("a program's output was to be read as configuration; write it into a file"))
        }
        "dhcp-range"
        | "dhcp-host"
        | "dhcp-hostsfile"
        | "dhcp-hostsdir"
        | "dhcp-optsfile"
        | "dhcp-optsdir"
        | "dhcp-option"
        | "dhcp-option-force"
        | "dhcp-boot"
        | "dhcp-match"
        | "dhcp-vendorclass"
        | "dhcp-userclass"
        | "dhcp-mac"
        | "dhcp-circuitid"
        | "dhcp-remoteid"
        | "dhcp-subscrid"
        | "tag-if"
        | "dhcp-ignore"
        | "pxe-service"
        | "pxe-prompt"
        | "dhcp-pxe-vendor"
        | "dhcp-leasefile"
        | "domain"
        | "addn-hosts"
        | "hostsdir"
        | "interface"
        | "except-interface"
        | "no-dhcp-interface"
        | "no-dhcpv4-interface"
        | "listen-address"
        | "tftp-root"
        | "tftp-port-range"
        | "tftp-max"
        | "dhcp-reply-delay"
        | "dhcp-broadcast"
        | "shared-network" => (if name == "dhcp-broadcast" { Maybe } else { Needed }, Read),
        "port" => (Needed, Read),
        "enable-tftp" => (Maybe, Read),
        "no-hosts" | "read-ethers" | "expand-hosts" | "dhcp-authoritative" | "tftp-single-port" => {
            (Nothing, Read)
        }

        "bootp-dynamic" => (
            Maybe,
            Lost(
                "BOOTP clients never give an address back; reserve theirs, or give them a pool in a [[dhcp.class]]",
            ),
        ),
        "dhcp-lease-max" => (Needed, Otherwise("there are never more leases than addresses in the ranges")),
        "dhcp-no-override" => (Nothing, Otherwise("the file's name stands in its own field anyway")),
        "dhcp-sequential-ip" => {
            (Nothing, Otherwise("addresses that were never used are given in their order anyway"))
        }
        "dhcp-ignore-clid" => (
            Nothing,
            Otherwise("machines are told by their hardware address, unless [dhcp] identity says otherwise"),
        ),
        "no-ping" => (
            Nothing,
            Otherwise("addresses are not asked for before they are offered, unless [dhcp] probe says so"),
        ),
        "dhcp-rapid-commit" => {
            (Nothing, Lost("clients were to get their address in two packets; they get it in four"))
        }
        "dhcp-alternate-port" => (Maybe, Lost("DHCP was to be served on other ports than 67 and 68")),
        "dhcp-relay" => (
            Needed,
            Lost("requests were to be passed on to another DHCP server; run a relay (isc-dhcp-relay)"),
        ),
        "dhcp-proxy" => (
            Maybe,
            Lost(
                "answers to relays were to carry this server's address; a relay asks for that by option 82.11",
            ),
        ),
        "dhcp-generate-names" => (Maybe, Lost("machines without a name were to get one made of their MAC")),
        "dhcp-ignore-names" => (
            Maybe,
            Otherwise("names that machines give themselves are shown with their leases and used for nothing"),
        ),
        "dhcp-name-match" => (
            Needed,
            Lost("a tag was to be set by the name that a machine gives itself; anybody can give any"),
        ),
        "dhcp-script" | "dhcp-luascript" => (Needed, Lost(SCRIPT)),
        "dhcp-scriptuser" => (Needed, Lost(SCRIPT)),
        "script-arp" | "script-on-renewal" => (Nothing, Lost(SCRIPT)),
        "leasefile-ro" => (Nothing, Lost("leases were not to be written; nextboot always keeps them")),
        "bridge-interface" => (
            Needed,
            Lost("what comes in on one interface was to count for another; name the one with the address"),
        ),
        "dhcp-fqdn" => (Nothing, Dns),
        "dhcp-client-update" => {
            (Nothing, Lost("machines were to be told to enter their names into DNS themselves (option 81)"))
        }
        "dhcp-ttl" => (Needed, Dns),
        "dhcp-duid" | "ra-param" => (Needed, Lost(V6)),
        "enable-ra" => (Nothing, Lost(V6)),
        "no-dhcpv6-interface" => (Needed, Otherwise(V6)),

        "tftp-no-blocksize" => (
            Nothing,
            Lost("block sizes were not to be agreed on; set [tftp] max_block = 512, which old clients take"),
        ),
        "tftp-secure" => (
            Nothing,
            Lost(
                "only files of the server's own user were to be served; nextboot serves what is in its roots",
            ),
        ),
        "tftp-unique-root" => (
            Maybe,
            Lost("each machine was to have a directory of its own in tftp-root; write a profile for it"),
        ),
        "tftp-lowercase" => (
            Nothing,
            Lost(
                "names were to be taken in lower case; names are taken as they are, then without regard to case",
            ),
        ),
        "tftp-no-fail" => {
            (Nothing, Lost("it was to start without its directory; nextboot says which is missing"))
        }
        "tftp-mtu" => (
            Needed,
            Otherwise(
                "blocks are never larger than what fits the interface's MTU; [tftp] max_block makes them smaller",
            ),
        ),

        "user" | "group" | "pid-file" => (Maybe, Otherwise(SERVICE)),
        "keep-in-foreground" | "no-daemon" => (Nothing, Otherwise(ANYWAY)),
        "log-facility" => (Needed, Otherwise(OWN_LOG)),
        "log-async" => (Maybe, Otherwise(OWN_LOG)),
        "log-dhcp" => (Nothing, Otherwise("`nextboot events` and the log tell every packet")),
        "log-debug" | "quiet-dhcp" | "quiet-dhcp6" | "quiet-ra" | "quiet-tftp" => {
            (Nothing, Otherwise(OWN_LOG))
        }
        "bind-interfaces" | "bind-dynamic" => (
            Nothing,
            Otherwise(
                "answers go out where the question came in, and only interfaces that are served are answered",
            ),
        ),
        "enable-dbus" | "enable-ubus" => {
            (Maybe, Lost("it was to be controlled by a bus; nextboot has an API"))
        }

        // Names.
        "local-ttl"
        | "neg-ttl"
        | "max-ttl"
        | "max-cache-ttl"
        | "min-cache-ttl"
        | "auth-ttl"
        | "edns-packet-max"
        | "query-port"
        | "port-limit"
        | "min-port"
        | "max-port"
        | "auth-server"
        | "alias"
        | "bogus-nxdomain"
        | "ignore-address"
        | "filter-rr"
        | "cache-rr"
        | "resolv-file"
        | "server"
        | "local"
        | "rev-server"
        | "address"
        | "ipset"
        | "nftset"
        | "connmark-allowlist"
        | "mx-host"
        | "mx-target"
        | "srv-host"
        | "host-record"
        | "dynamic-host"
        | "txt-record"
        | "ptr-record"
        | "naptr-record"
        | "caa-record"
        | "cname"
        | "dns-rr"
        | "interface-name"
        | "synth-domain"
        | "dumpfile"
        | "dumpmask"
        | "add-cpe-id"
        | "cache-size"
        | "dns-forward-max"
        | "trust-anchor"
        | "dnssec-timestamp"
        | "dnssec-limits"
        | "auth-zone"
        | "auth-soa"
        | "auth-sec-servers"
        | "auth-peer"
        | "servers-file"
        | "rebind-domain-ok"
        | "max-tcp-connections" => (Needed, Dns),
        "fast-dns-retry"
        | "local-service"
        | "add-mac"
        | "add-subnet"
        | "umbrella"
        | "use-stale-cache"
        | "dnssec-check-unsigned"
        | "connmark-allowlist-enable"
        | "log-queries" => (Maybe, Dns),
        "localise-queries"
        | "bogus-priv"
        | "filterwin2k"
        | "filter-A"
        | "filter-AAAA"
        | "no-resolv"
        | "strict-order"
        | "all-servers"
        | "dns-loop-detect"
        | "stop-dns-rebind"
        | "rebind-localhost-ok"
        | "no-poll"
        | "clear-on-reload"
        | "domain-needed"
        | "selfmx"
        | "localmx"
        | "strip-mac"
        | "strip-subnet"
        | "no-negcache"
        | "no-round-robin"
        | "dnssec"
        | "dnssec-no-timecheck"
        | "proxy-dnssec"
        | "dnssec-debug"
        | "conntrack"
        | "no-ident"
        | "no-0x20-encode"
        | "do-0x20-encode" => (Nothing, Dns),
        _ => return None,
    };
    Some(Known { argument, meaning })
}
