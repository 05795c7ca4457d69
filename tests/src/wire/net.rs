//! A server and the cable that all its clients are at.

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nextboot_firmware::message::Kind;
use nextboot_model::Mac;

use super::client::{Ask, Client};
use super::clients::Clients;
use super::heard::Heard;
use super::site::Site;
use crate::lab::Lab;
use crate::namespace::Namespace;
use crate::server::Server;
use crate::wait::PATIENCE;

/// Answers to two packets leave as soon as each of them may, so the later one may be first, by a little.
const OVERTAKING: Duration = Duration::from_millis(30);

/// How long a client waits before it asks again.
const ASKS_AGAIN: Duration = Duration::from_secs(1);

/// Packets of one client that the server takes at once, less than it takes in truth.
const BURST: usize = 16;

/// Machines whose REQUEST is always granted, and their addresses.
pub(super) const RESERVED: [(Mac, Ipv4Addr); 4] = [
    (Mac([2, 0xba, 0, 0, 0, 1]), Ipv4Addr::new(10, 77, 0, 241)),
    (Mac([2, 0xba, 0, 0, 0, 2]), Ipv4Addr::new(10, 77, 0, 242)),
    (Mac([2, 0xba, 0, 0, 0, 3]), Ipv4Addr::new(10, 77, 0, 243)),
    (Mac([2, 0xba, 0, 0, 0, 4]), Ipv4Addr::new(10, 77, 0, 244)),
];

/// The server under test and all its clients.
#[derive(Debug)]
pub struct Net<'a> {
    lab: &'a Lab,
    /// The server.
    pub server: Server,
    side: Namespace,
    clients: Clients,
    silences: usize,
}

impl<'a> Net<'a> {
    pub(super) fn new(lab: &'a Lab, site: &Site) -> Result<Self> {
        Self::serving(lab, &site.config(lab)?)
    }

    /// A server with this configuration, which has to grant the addresses 10.77.0.241 to 244 to the machines 02:ba:00:00:00:01
    /// to 04.
    ///
    /// # Errors
    /// When it does not start.
    pub fn serving(lab: &'a Lab, config: &str) -> Result<Self> {
        let server = lab.server(config)?;
        let side = lab.join("10.77.0.250/24")?;
        let mut clients = Clients::on(&side, "eth0")?;
        let link = lab.namespace().run("cat", &["/sys/class/net/br0/address"])?;
        clients.server_link = link.trim().parse::<Mac>().with_context(|| link.clone())?.0;
        Ok(Self { lab, server, side, clients, silences: 0 })
    }

    /// Where this test's files are.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.lab.dir()
    }

    /// The clients' side.
    #[must_use]
    pub fn side(&self) -> &Namespace {
        &self.side
    }

    /// Gives the server another configuration, as a reload.
    ///
    /// # Errors
    /// When it refuses it.
    pub fn reconfigure(&self, site: &Site) -> Result<()> {
        fs::write(self.server.config(), site.config(self.lab)?)?;
        self.server.cli(&["reload"]).map(drop)
    }

    /// Gives the server's interface one more address, like `10.77.0.2/24`.
    ///
    /// # Errors
    /// When `ip` fails.
    pub fn server_has(&self, address: &str) -> Result<()> {
        self.lab.namespace().ip(&["address", "add", address, "dev", "br0"]).map(drop)
    }

    /// Gives the clients' side of the cable this address, so that unicast packets to it arrive: that of a relay, or of a
    /// machine that uses the address.
    ///
    /// # Errors
    /// When `ip` fails.
    pub fn uses(&self, address: Ipv4Addr) -> Result<()> {
        let whole = format!("{address}/32");
        self.side.ip(&["address", "add", &whole, "dev", "eth0"])?;
        self.lab.namespace().ip(&["route", "replace", &whole, "dev", "br0"])?;
        Ok(())
    }

    /// Lets time pass: the server is stopped, everything in its lease table becomes that much older, and it starts again.
    /// Offers that nobody took are forgotten by that.
    ///
    /// # Errors
    /// When it does not stop or start, or its database is not as expected.
    pub fn pass(&mut self, time: Duration) -> Result<()> {
        self.server.stop()?;
        let milliseconds = i64::try_from(time.as_millis())?;
        let database = rusqlite::Connection::open(self.lab.dir().join("data/state.sqlite"))?;
        database
            .execute("UPDATE lease SET expires = expires - ?1, heard = heard - ?1", [milliseconds])
            .context("the lease table")?;
        drop(database);
        self.server.restart()
    }

    /// Sends, and does not wait for an answer; the transaction id.
    ///
    /// # Errors
    /// When the cable cannot be used.
    pub fn send(&mut self, ask: &Ask) -> Result<u32> {
        self.clients.send(ask)
    }

    /// The answer, after the checks that all answers are subject to.
    ///
    /// # Errors
    /// When there is none, or it is not as it should be.
    pub fn answer(&mut self, ask: &Ask) -> Result<Heard> {
        let xid = self.send(ask)?;
        let heard = self.clients.hear(Instant::now() + PATIENCE, |heard| heard.header.xid == xid)?;
        let heard = heard.with_context(|| format!("no answer to {ask}"))?;
        heard.check(ask)?;
        Ok(heard)
    }

    /// The answer, which is of this kind.
    ///
    /// # Errors
    /// As [`Net::answer`], or what came instead.
    pub fn expect(&mut self, ask: &Ask, kind: Kind) -> Result<Heard> {
        let heard = self.answer(ask)?;
        ensure!(heard.kind() == Some(kind), "{kind} expected: {heard}");
        Ok(heard)
    }

    /// The OFFER.
    ///
    /// # Errors
    /// As [`Net::expect`].
    pub fn offer(&mut self, ask: &Ask) -> Result<Heard> {
        self.expect(ask, Kind::OFFER)
    }

    /// The answer, as soon as the server has heard of what makes it give one: asks again and again, as clients do.
    ///
    /// # Errors
    /// When there is none in the end, or the first answer is something else.
    pub fn expect_soon(&mut self, ask: &Ask, kind: Kind) -> Result<Heard> {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            let xid = self.send(ask)?;
            let heard = self.clients.hear(Instant::now() + ASKS_AGAIN, |heard| heard.header.xid == xid)?;
            if let Some(heard) = heard {
                heard.check(ask)?;
                ensure!(heard.kind() == Some(kind), "{ask}: {heard}");
                return Ok(heard);
            }
        }
        bail!("no answer to {ask}")
    }

    /// The ACK.
    ///
    /// # Errors
    /// As [`Net::expect`].
    pub fn ack(&mut self, ask: &Ask) -> Result<Heard> {
        self.expect(ask, Kind::ACK)
    }

    /// The NAK.
    ///
    /// # Errors
    /// As [`Net::expect`].
    pub fn nak(&mut self, ask: &Ask) -> Result<Heard> {
        self.expect(ask, Kind::NAK)
    }

    /// DISCOVER, OFFER, REQUEST, ACK: the ACK, which gives what was offered.
    ///
    /// # Errors
    /// As [`Net::expect`].
    pub fn lease(&mut self, client: &Client) -> Result<Heard> {
        let offered = self.offer(&client.discover())?.header.yiaddr;
        let ack = self.ack(&client.select(offered))?;
        ack.gives(offered)?;
        Ok(ack)
    }

    /// Waits until everything that was sent so far has been taken from the server's queue.
    ///
    /// # Errors
    /// When it answers nobody.
    pub fn settle(&mut self) -> Result<()> {
        let behind = self.send_behind()?;
        let heard = self.clients.hear(Instant::now() + PATIENCE, |heard| heard.header.xid == behind)?;
        heard.map(drop).context("the server answers nobody")
    }

    /// Asks as a machine that is always answered; the transaction id.
    fn send_behind(&mut self) -> Result<u32> {
        let (mac, address) = RESERVED[self.silences / BURST % RESERVED.len()];
        self.silences += 1;
        self.send(&Client::with_mac(mac).reboot(address))
    }

    /// The client is offered this option and given it: the ACK says the same as the OFFER (RFC 2131 section 4.3.1).
    ///
    /// # Errors
    /// As [`Net::expect`], or when either lacks it.
    pub fn told(&mut self, client: &Client, code: u8, value: &[u8]) -> Result<()> {
        let offer = self.offer(&client.discover())?;
        offer.tells(code, value)?;
        self.ack(&client.select(offer.header.yiaddr))?.tells(code, value).map(drop)
    }

    /// No answer: another client's question behind it is answered, and this one is not.
    ///
    /// # Errors
    /// The answer, if there is one.
    pub fn silent(&mut self, ask: &Ask) -> Result<()> {
        let xid = self.send(ask)?;
        let behind = self.send_behind()?;
        let either = |heard: &Heard| [xid, behind].contains(&heard.header.xid);
        let first =
            self.clients.hear(Instant::now() + PATIENCE, either)?.context("the server answers nobody")?;
        let late = self.clients.hear(Instant::now() + OVERTAKING, |heard| heard.header.xid == xid)?;
        for heard in [Some(first), late].into_iter().flatten() {
            if heard.header.xid == xid {
                bail!("silence expected: {heard}");
            }
        }
        Ok(())
    }
}
