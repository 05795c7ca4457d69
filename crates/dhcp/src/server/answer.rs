//! The server's replies.

use std::net::{Ipv4Addr, SocketAddrV4};

use dhcproto::{
    Name,
    v4::{DhcpOption, MessageType},
};

use nextboot_model::Timestamp;

use super::{LeaseTime, SiteOption, Subnet, call::Call, grant::Grant, parameters::Levels};
use crate::{Destination, NakReason, Note, Packet, Sending, boot, code, reply::Reply};

impl Call<'_> {
    /// OFFER or ACK.
    pub(super) fn give(&mut self, message: MessageType, address: Ipv4Addr, grant: Grant) {
        let packet = self.seen.packet();
        let mut reply = Reply::dhcp(packet, message, self.server_id());
        reply.yiaddr(address);
        // Only where it is the address just confirmed: what a client writes there must not aim our replies.
        let confirmed = message == MessageType::Ack && packet.ciaddr == address;
        let ciaddr = if confirmed { address } else { Ipv4Addr::UNSPECIFIED };
        reply.ciaddr(ciaddr);
        if let Some(subnet) = self.subnet_for(address) {
            lease_times(&mut reply, self.left(grant), subnet);
        }
        let file = self.fill(&mut reply, address);
        self.out.notes.push(match message {
            MessageType::Offer => Note::Offer { address, file },
            _ => Note::Ack { address, file },
        });
        self.send(&reply, Some(message), self.destination(ciaddr, address));
    }

    /// The reply to a BOOTP client: no lease, no message type.
    pub(super) fn give_bootp(&mut self, address: Ipv4Addr) {
        let packet = self.seen.packet();
        let mut reply = Reply::bootp(packet);
        let ciaddr = if packet.ciaddr == address { address } else { Ipv4Addr::UNSPECIFIED };
        reply.yiaddr(address).ciaddr(ciaddr);
        let file = self.fill(&mut reply, address);
        self.out.notes.push(Note::Bootp { address, file });
        self.send(&reply, None, self.destination(ciaddr, address));
    }

    /// Options for a client that has its address from elsewhere: no address, no times.
    pub(super) fn send_options(&mut self, message: MessageType, address: Ipv4Addr, to: Destination) {
        let packet = self.seen.packet();
        let mut reply = Reply::dhcp(packet, message, self.server_id());
        reply.ciaddr(packet.ciaddr);
        if matches!(to, Destination::Relay(_)) {
            // A relay that may not broadcast sends to `yiaddr`, and there is none.
            reply.force_broadcast();
        }
        self.fill(&mut reply, address);
        self.send(&reply, Some(message), to);
    }

    /// RFC 2131 table 3: nothing but who refuses, and why. Broadcast, because the address the client has is not its own.
    pub(super) fn nak(&mut self, address: Ipv4Addr, reason: NakReason) {
        self.out.notes.push(Note::Nak { address, reason });
        let packet = self.seen.packet();
        let mut reply = Reply::dhcp(packet, MessageType::Nak, self.server_id());
        reply.raw(code::MESSAGE, reason.to_string().into_bytes());
        echo_client_id(&mut reply, packet);
        let to = match packet.relay_address(self.arrival) {
            None => Destination::Broadcast,
            Some(relay) => {
                reply.force_broadcast();
                Destination::Relay(relay)
            }
        };
        self.send(&reply, Some(MessageType::Nak), to);
    }

    /// Everything but the lease: options, boot file, echoes. Returns the boot file.
    fn fill(&mut self, reply: &mut Reply<'_>, address: Ipv4Addr) -> Option<String> {
        let (seen, boot) = (self.seen, self.boot);
        let packet = seen.packet();
        let wanted = |code: u8| packet.parameters().is_none_or(|list| list.contains(&code));
        let subnet = self.subnet_for(address)?;
        let claim = self.reserved();
        let levels = Levels::new(
            claim.as_ref().and_then(|claim| claim.parameters),
            self.classes(),
            &subnet.parameters,
            &self.server.config.parameters,
        );
        reply.forbid(levels.never());
        reply.raw(code::SUBNET_MASK, subnet.network.netmask().octets().to_vec());
        let routers = levels.addresses(|level| &level.routers, |router| subnet.network.contains(router));
        reply.addresses(code::ROUTER, &routers);
        reply.addresses(code::DNS, &levels.addresses(|level| &level.dns, |_| true));
        let mut notes = Vec::new();
        let file = boot::tell_if_any(reply, seen.client(), boot, self.arrival, &mut notes);
        echo_client_id(reply, packet);
        boot::echo_machine(reply, packet);
        if let Some(link) = packet.options.address(code::SUBNET_SELECTION) {
            reply.addresses(code::SUBNET_SELECTION, &[link]);
        }
        let own_name = || self.hosts.name(self.shown.mac, self.shown.uuid);
        if wanted(code::HOST_NAME)
            && let Some(name) = claim.and_then(|claim| claim.host_name).or_else(own_name)
        {
            reply.raw(code::HOST_NAME, name.into_bytes());
        }
        if let Some(domain) = levels.first(|level| level.domain.as_ref()).filter(|_| wanted(code::DOMAIN)) {
            reply.raw(code::DOMAIN, domain.clone().into_bytes());
        }
        if wanted(code::NTP) {
            reply.addresses(code::NTP, &levels.addresses(|level| &level.ntp, |_| true));
        }
        let search = levels.first(|level| Some(&level.search).filter(|names| !names.is_empty()));
        if let Some(search) = search.filter(|_| wanted(code::SEARCH)) {
            let names: Vec<Name> = search.iter().filter_map(|name| name.parse().ok()).collect();
            if !names.is_empty() {
                reply.option(&DhcpOption::DomainSearch(names));
            }
        }
        // The nearest level's comes first, and of two with one code the first is written.
        for SiteOption { code, value, always } in levels.options() {
            if *always || wanted(*code) {
                reply.raw(*code, value.clone());
            }
        }
        self.out.notes.append(&mut notes);
        file
    }

    /// How long the client may use what it is granted, in whole seconds: never longer than we hold it.
    fn left(&self, grant: Grant) -> LeaseTime {
        match grant.expires {
            Timestamp::NEVER => LeaseTime::Infinite,
            expires => {
                let left = expires.since(self.now).as_secs();
                LeaseTime::Seconds(u32::try_from(left).unwrap_or(u32::MAX - 1))
            }
        }
    }

    /// RFC 2131 section 4.1.
    fn destination(&self, ciaddr: Ipv4Addr, yiaddr: Ipv4Addr) -> Destination {
        let packet = self.packet();
        if let Some(relay) = packet.relay_address(self.arrival) {
            Destination::Relay(relay)
        } else if !ciaddr.is_unspecified() {
            Destination::Unicast(SocketAddrV4::new(ciaddr, 68))
        } else if packet.wants_broadcast() {
            Destination::Broadcast
        } else {
            Destination::Direct { ip: yiaddr, mac: packet.mac }
        }
    }

    fn send(&mut self, reply: &Reply<'_>, message: Option<MessageType>, to: Destination) {
        let (bytes, left_out) = reply.build();
        self.out.notes.extend(left_out.into_iter().map(|code| Note::LeftOut { code }));
        self.out.replies.push(Sending { bytes, to, from: self.arrival.port, message });
    }
}

/// RFC 6842.
fn echo_client_id(reply: &mut Reply<'_>, packet: &Packet) {
    if let Some(id) = packet.client_id() {
        reply.raw(code::CLIENT_ID, id.to_vec());
    }
}

fn lease_times(reply: &mut Reply<'_>, time: LeaseTime, subnet: &Subnet) {
    let mut put = |code, seconds: u32| {
        reply.raw(code, seconds.to_be_bytes().to_vec());
    };
    match time {
        // All ones mean for ever, and then there is nothing to renew.
        LeaseTime::Infinite | LeaseTime::Seconds(u32::MAX) => put(code::LEASE_TIME, u32::MAX),
        LeaseTime::Seconds(seconds) => {
            put(code::LEASE_TIME, seconds);
            put(code::RENEWAL_TIME, subnet.renewal.unwrap_or(seconds / 2));
            put(code::REBINDING_TIME, subnet.rebinding.unwrap_or(seconds - seconds / 8));
        }
    }
}
