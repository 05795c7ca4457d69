use crate::EventKind;

/// Writes the names of the variants and their codes once, for both directions.
macro_rules! codes {
    ($($variant:ident $code:literal,)*) => {
        impl EventKind {
            /// The code of every kind there is.
            pub const CODES: &[&str] = &[$($code),*];

            /// The stable code of this kind: `code` in the serialized form.
            #[must_use]
            pub fn code(&self) -> &'static str {
                match self {
                    $(Self::$variant { .. } => $code,)*
                }
            }
        }
    };
}

codes! {
    Started "started",
    Stopped "stopped",
    Reloaded "reloaded",
    ReloadFailed "reload-failed",
    InterfaceAppeared "interface-appeared",
    InterfaceGone "interface-gone",
    NeighbourFound "neighbour-found",
    NeighbourConflict "neighbour-conflict",
    Trouble "trouble",
    HostAdded "host-added",
    HostChanged "host-changed",
    HostRemoved "host-removed",
    TakenOver "taken-over",
    NetChanged "net-changed",
    NetRemoved "net-removed",
    NetAssigned "net-assigned",
    NetFreed "net-freed",
    Assigned "assigned",
    Cancelled "cancelled",
    CalledBack "called-back",
    CallBackRefused "call-back-refused",
    Delivered "delivered",
    UsedUp "used-up",
    GaveUp "gave-up",
    PowerSwitched "power-switched",
    PowerFailed "power-failed",
    AttemptStarted "attempt-started",
    AttemptEnded "attempt-ended",
    Discovered "discovered",
    Offered "offered",
    Leased "leased",
    LeasedElsewhere "leased-elsewhere",
    BootServerAnswered "boot-server-answered",
    Refused "refused",
    Declined "declined",
    Released "released",
    PoolExhausted "pool-exhausted",
    Ignored "ignored",
    MenuOffered "menu-offered",
    Picked "picked",
    OfferNotTaken "offer-not-taken",
    WayFound "way-found",
    NeedsOneOffer "needs-one-offer",
    Planned "planned",
    ConfigurationSent "configuration-sent",
    FileSent "file-sent",
    GoesRound "goes-round",
    SizeProbed "size-probed",
    FileCut "file-cut",
    LargeBlocksVanish "large-blocks-vanish",
    FileRefused "file-refused",
    SeedSent "seed-sent",
    TemplateFailed "template-failed",
    TestQueued "test-queued",
    TestStarted "test-started",
    TestRequeued "test-requeued",
    TestReported "test-reported",
    TestFailed "test-failed",
    TestRemoved "test-removed",
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};

    use super::*;

    /// Every field that a kind has, with a value that suits it.
    fn anything(code: &str) -> Value {
        let mut all = json!({
            "code": code, "version": "1", "hosts": 1, "error": "e", "interface": "eth0", "server": "10.0.0.2",
            "hardware": null, "proxy": true, "conflict": "pxe-class", "what": "w", "macs": [], "profile": "p",
            "until": "once", "by": {"door": "machine", "from": "10.0.0.3"}, "now": "local", "from": "10.0.0.3", "reason": "r", "times": 1,
            "outcome": {"outcome": "booted"}, "arch": null, "firmware": "f", "address": "10.0.0.4", "file": "f",
            "seconds": 1, "network": "10.0.0.0/24", "entries": [], "failed": "direct", "next": "direct",
            "way": "direct", "address_by": null, "next_server": "10.0.0.1", "why": "w", "name": "n", "via": "tftp",
            "bytes": 1, "millis": 1, "sent": 1, "block": 1, "packet": 1, "mtu": null,
        });
        // One macro does not take more of them.
        all["action"] = json!("on");
        all["was"] = Value::Null;
        all["run"] = json!(1);
        all["test"] = json!("t");
        all["warnings"] = json!(0);
        all["errors"] = json!(0);
        all["networks"] = json!([]);
        all["since"] = json!(1);
        all
    }

    #[test]
    fn the_codes_are_those_of_the_serialized_form() {
        let unknown = serde_json::from_value::<EventKind>(json!({"code": "?"})).unwrap_err().to_string();
        let expected: BTreeSet<&str> = unknown.split('`').skip(3).step_by(2).collect();
        assert_eq!(expected, EventKind::CODES.iter().copied().collect(), "{unknown}");
        for code in EventKind::CODES {
            let kind: EventKind =
                serde_json::from_value(anything(code)).unwrap_or_else(|error| panic!("{code}: {error}"));
            assert_eq!(kind.code(), *code);
        }
    }
}
