use futures_util::stream::{BoxStream, StreamExt};
use rtnetlink::MulticastGroup;
use rtnetlink::packet_core::NetlinkPayload;
use rtnetlink::packet_route::RouteNetlinkMessage;

use super::{NetlinkError, Task};

/// What kind of thing changed. It says that asking [`Network`](super::Network) again is worth it, not what is true now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// An interface came, went, or changed its state, name, MTU or hardware address; with its index.
    Link(u32),
    /// An interface got or lost an address; with its index.
    Address(u32),
    /// The IPv4 routes changed.
    Route,
    /// Reports were lost: anything may have changed.
    Unknown,
}

/// Changes of interfaces, addresses and IPv4 routes as they happen. Open it *before* reading the present state, so that
/// nothing falls in between.
pub struct Changes {
    messages: BoxStream<'static, Change>,
    _connection: Task,
}

impl std::fmt::Debug for Changes {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Changes").finish_non_exhaustive()
    }
}

impl Changes {
    /// Starts watching, on the current tokio runtime, until dropped.
    ///
    /// # Errors
    /// [`NetlinkError::Open`].
    pub fn watch() -> Result<Self, NetlinkError> {
        let groups = [
            MulticastGroup::Link,
            MulticastGroup::Ipv4Ifaddr,
            MulticastGroup::Ipv6Ifaddr,
            MulticastGroup::Ipv4Route,
        ];
        let (connection, _, messages) =
            rtnetlink::new_multicast_connection(&groups).map_err(NetlinkError::Open)?;
        let messages = messages.filter_map(async |(message, _)| classify(&message.payload)).boxed();
        Ok(Self { messages, _connection: Task(tokio::spawn(connection)) })
    }

    /// Waits for the next change. Safe to cancel. `None` when the netlink socket failed: open a new one and read again.
    pub async fn next(&mut self) -> Option<Change> {
        self.messages.next().await
    }
}

fn classify(payload: &NetlinkPayload<RouteNetlinkMessage>) -> Option<Change> {
    use RouteNetlinkMessage::{DelAddress, DelLink, DelRoute, NewAddress, NewLink, NewRoute};
    match payload {
        NetlinkPayload::InnerMessage(NewLink(link) | DelLink(link)) => Some(Change::Link(link.header.index)),
        NetlinkPayload::InnerMessage(NewAddress(address) | DelAddress(address)) => {
            Some(Change::Address(address.header.index))
        }
        NetlinkPayload::InnerMessage(NewRoute(_) | DelRoute(_)) => Some(Change::Route),
        NetlinkPayload::Overrun(_) => Some(Change::Unknown),
        _ => None,
    }
}
