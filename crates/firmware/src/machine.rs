use std::net::Ipv4Addr;
use std::time::Duration;

use nextboot_model::{Arch, Mac, Uuid};

use crate::bootp::Bootp;
use crate::edk2::{http, pxe};
use crate::http::{HttpAnswer, HttpRequest};
use crate::ipxe::{Build, Ipxe};
use crate::loader::{Context, Got, Nbp, Program, Want, tftp_url};
use crate::message::{Kind, Received};
use crate::raspberry::{Model, Raspberry};
use crate::rom::{self, Rom};
use crate::tftp::Transfer;
use crate::uboot::UBoot;
use crate::{Boot, Booted, Datagram, Dhcp, GaveUp, Identity, Random, Stage, Step, Verdict};

/// A machine that fetches more files than this goes round in circles.
const MOST_WISHES: usize = 500;
/// And so does one that begins again more often than this.
const MOST_DHCP: usize = 4;

/// What a machine starts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Firmware {
    /// A BIOS PXE ROM like Intel's.
    Rom(rom::Variant),
    /// EDK2's PXE client.
    Edk2Pxe(Arch, pxe::Variant),
    /// EDK2's HTTP Boot; the number is one of HTTP's.
    Edk2Http(Arch),
    /// iPXE as an option ROM.
    Ipxe(Arch),
    /// U-Boot that listens to proxies.
    UBoot(Arch),
    /// A Raspberry Pi.
    RaspberryPi(Model),
    /// BOOTP and nothing else.
    Bootp,
}

/// What a machine wants to be done now.
#[derive(Debug, Default)]
pub struct Output {
    /// To be sent, in this order.
    pub datagrams: Vec<Datagram>,
    /// To be asked; [`Machine::answered`] takes the answer.
    pub http: Option<HttpRequest>,
}

/// A whole machine: its firmware, and all that it loads until a kernel runs, an installer has called back, or nothing
/// goes on.
#[derive(Debug)]
pub struct Machine {
    firmware: Firmware,
    identity: Identity,
    random: Random,
    state: State,
    boot: Option<Boot>,
    ipxe: bool,
    wishes: usize,
    starts: usize,
    asked: String,
    steps: Vec<Step>,
    verdict: Option<Verdict>,
    until_kernel: bool,
    /// What it said last by DHCP, and how often it said something again.
    said: Option<Option<Kind>>,
    repeats: u64,
}

#[derive(Debug)]
enum State {
    Dhcp(Box<dyn Dhcp>),
    Tftp(Box<Transfer>, Box<dyn Program>),
    Http(Box<dyn Program>),
    Over,
}

impl Machine {
    /// A machine that is switched off. `seed` decides its random numbers.
    #[must_use]
    pub fn new(firmware: Firmware, mac: Mac, uuid: Option<Uuid>, seed: u64) -> Self {
        let identity = Identity { mac, uuid };
        let mut random = Random::new(seed);
        let dhcp: Box<dyn Dhcp> = match firmware {
            Firmware::Rom(variant) => Box::new(Rom::new(identity, variant, &mut random)),
            Firmware::Edk2Pxe(arch, variant) => Box::new(pxe::Pxe::new(identity, arch, variant, &mut random)),
            Firmware::Edk2Http(arch) => Box::new(http::Http::new(identity, arch, &mut random)),
            Firmware::Ipxe(arch) => {
                Box::new(Ipxe::new(identity, Build { arch, loaded_from: None }, &mut random))
            }
            Firmware::UBoot(arch) => Box::new(UBoot::new(identity, arch, &mut random)),
            Firmware::RaspberryPi(model) => Box::new(Raspberry::new(identity, model, &mut random)),
            Firmware::Bootp => Box::new(Bootp::new(identity, &mut random)),
        };
        Self {
            firmware,
            identity,
            random,
            state: State::Dhcp(dhcp),
            boot: None,
            ipxe: matches!(firmware, Firmware::Ipxe(_)),
            wishes: 0,
            starts: 1,
            asked: String::new(),
            steps: Vec::new(),
            verdict: None,
            until_kernel: false,
            said: None,
            repeats: 0,
        }
    }

    /// It ends when it knows its kernel, with [`Booted::Configured`].
    #[must_use]
    pub fn until_kernel(self) -> Self {
        Self { until_kernel: true, ..self }
    }

    /// Switches it on.
    pub fn start(&mut self, now: Duration, out: &mut Output) {
        if let State::Dhcp(dhcp) = &mut self.state {
            dhcp.start(now, &mut out.datagrams);
        }
        self.saying(out);
    }

    /// A datagram came, to the machine's address or to all.
    pub fn receive(&mut self, now: Duration, datagram: &Datagram, out: &mut Output) {
        match &mut self.state {
            State::Dhcp(dhcp) => {
                dhcp.receive(now, datagram, &mut out.datagrams);
                self.saying(out);
            }
            State::Tftp(transfer, _) => transfer.receive(now, datagram, &mut out.datagrams),
            State::Http(_) | State::Over => {}
        }
        self.go_on(now, out);
    }

    /// The time of [`Machine::deadline`] has come.
    pub fn due(&mut self, now: Duration, out: &mut Output) {
        match &mut self.state {
            State::Dhcp(dhcp) => {
                dhcp.due(now, &mut out.datagrams);
                let before = self.said;
                self.saying(out);
                self.repeats += u64::from(!out.datagrams.is_empty() && self.said == before);
            }
            State::Tftp(transfer, _) => {
                transfer.due(now, &mut out.datagrams);
                self.repeats += u64::from(!out.datagrams.is_empty());
            }
            State::Http(_) | State::Over => {}
        }
        self.go_on(now, out);
    }

    /// ARP found nobody at this address. A BIOS ROM says so and stops; all others wait until they lose patience.
    pub fn unreachable(&mut self, now: Duration, address: Ipv4Addr, out: &mut Output) {
        if let State::Tftp(transfer, _) = &mut self.state {
            transfer.unreachable(address);
        }
        self.go_on(now, out);
    }

    /// The answer to the HTTP request in an [`Output`], or why there is none.
    pub fn answered(&mut self, now: Duration, answer: Result<HttpAnswer, String>, out: &mut Output) {
        let program = match std::mem::replace(&mut self.state, State::Over) {
            State::Http(program) => program,
            other => {
                self.state = other;
                return;
            }
        };
        let got = match answer {
            Ok(answer) if answer.status == 200 => {
                self.fetched(answer.size);
                Got::Answer(answer)
            }
            Ok(answer) => {
                self.missed(GaveUp::new("HTTP", format!("status {}", answer.status)));
                Got::Answer(answer)
            }
            Err(words) => {
                let why = GaveUp::new("HTTP", words);
                self.missed(why.clone());
                Got::Failed(why)
            }
        };
        self.run(program, got, now, out);
    }

    /// When it wants to be called again at the latest; nothing while it waits for an HTTP answer or is done.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        match &self.state {
            State::Dhcp(dhcp) => dhcp.deadline(),
            State::Tftp(transfer, _) => transfer.deadline(),
            State::Http(_) | State::Over => None,
        }
    }

    /// How it ended, once it has.
    #[must_use]
    pub fn verdict(&self) -> Option<&Verdict> {
        self.verdict.as_ref()
    }

    /// What it did so far.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The address that it uses now.
    #[must_use]
    pub fn address(&self) -> Option<Ipv4Addr> {
        match &self.state {
            State::Dhcp(dhcp) => dhcp.address(),
            _ => self.boot.as_ref().map(Boot::address),
        }
    }

    /// Its network card's address.
    #[must_use]
    pub fn mac(&self) -> Mac {
        self.identity.mac
    }

    /// What it is about; nothing once it is done.
    #[must_use]
    pub fn stage(&self) -> Option<Stage> {
        match &self.state {
            State::Dhcp(_) => Some(Stage::Dhcp),
            State::Tftp(_, program) | State::Http(program) => Some(program.stage()),
            State::Over => None,
        }
    }

    /// How many packets it sent again because no answer came.
    #[must_use]
    pub fn repeats(&self) -> u64 {
        self.repeats
    }

    /// What it learned by DHCP, once it is through with that.
    #[must_use]
    pub fn boot(&self) -> Option<&Boot> {
        self.boot.as_ref()
    }

    fn go_on(&mut self, now: Duration, out: &mut Output) {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Dhcp(mut dhcp) => match dhcp.outcome() {
                None => self.state = State::Dhcp(dhcp),
                Some(Ok(boot)) => self.leased(boot, now, out),
                Some(Err(why)) => self.verdict = Some(Verdict::GaveUp(why)),
            },
            State::Tftp(mut transfer, program) => match transfer.outcome() {
                None => self.state = State::Tftp(transfer, program),
                Some(Ok(bytes)) => {
                    self.fetched(transfer.size());
                    self.run(program, Got::File(bytes), now, out);
                }
                Some(Err(why)) => {
                    self.missed(why.clone());
                    self.run(program, Got::Failed(why), now, out);
                }
            },
            other => self.state = other,
        }
    }

    fn leased(&mut self, boot: Boot, now: Duration, out: &mut Output) {
        let server = boot.ack.server_id();
        let boot_server =
            boot.pxe.as_ref().and_then(|packet| packet.server_id()).filter(|own| Some(*own) != server);
        self.steps.push(Step::Address { address: boot.address(), server, boot_server });
        self.boot = Some(boot.clone());
        let context = Context {
            identity: self.identity,
            arch: self.arch(),
            boot,
            firmware: self.firmware,
            ipxe: self.ipxe,
            random: Random::new(self.random.number()),
        };
        self.run(Box::new(Nbp::new(context)), Got::Nothing, now, out);
    }

    fn arch(&self) -> Arch {
        match self.firmware {
            Firmware::Edk2Pxe(arch, _)
            | Firmware::Edk2Http(arch)
            | Firmware::Ipxe(arch)
            | Firmware::UBoot(arch) => arch,
            Firmware::Rom(_) | Firmware::RaspberryPi(_) | Firmware::Bootp => Arch::BIOS,
        }
    }

    fn run(&mut self, mut program: Box<dyn Program>, mut got: Got, now: Duration, out: &mut Output) {
        loop {
            self.wishes += 1;
            if self.wishes > MOST_WISHES || self.starts > MOST_DHCP {
                let why = GaveUp::new("machine", "it goes round in circles");
                self.verdict = Some(Verdict::GaveUp(why));
                return;
            }
            let want = program.next(got);
            let stage = program.stage();
            if self.until_kernel
                && stage == Stage::Kernel
                && let Some(kernel) = want.url()
            {
                self.verdict = Some(Verdict::Booted(Booted::Configured { kernel }));
                return;
            }
            match want {
                Want::Run(next) => {
                    program = next;
                    got = Got::Nothing;
                }
                Want::Tftp { server, name, style } => {
                    self.asked = tftp_url(server, &name);
                    let own = self.address().unwrap_or(Ipv4Addr::UNSPECIFIED);
                    let mut transfer = Transfer::new(own, server, &name, style, &mut self.random);
                    if stage == Stage::Kernel {
                        transfer = transfer.unread();
                    }
                    transfer.start(now, &mut out.datagrams);
                    self.state = State::Tftp(Box::new(transfer), program);
                    return;
                }
                Want::Http(request) => {
                    self.asked = format!("{} {}", request.method, request.url);
                    out.http = Some(HttpRequest { keep: stage != Stage::Kernel, ..request });
                    self.state = State::Http(program);
                    return;
                }
                Want::Dhcp(mut dhcp) => {
                    // Only iPXE begins again.
                    self.ipxe = true;
                    self.starts += 1;
                    let before = out.datagrams.len();
                    dhcp.start(now, &mut out.datagrams);
                    self.said = out.datagrams.get(before).map(kind);
                    self.state = State::Dhcp(dhcp);
                    return;
                }
                Want::End(verdict) => {
                    self.verdict = Some(verdict);
                    return;
                }
            }
        }
    }

    /// Remembers the last thing that it said by DHCP.
    fn saying(&mut self, out: &Output) {
        if let Some(datagram) = out.datagrams.last() {
            self.said = Some(kind(datagram));
        }
    }

    fn fetched(&mut self, size: usize) {
        let url = std::mem::take(&mut self.asked);
        self.steps.push(Step::Fetched { url, size });
    }

    fn missed(&mut self, why: GaveUp) {
        let url = std::mem::take(&mut self.asked);
        self.steps.push(Step::Missed { url, why });
    }
}

fn kind(datagram: &Datagram) -> Option<Kind> {
    Received::read(&datagram.bytes).ok()?.kind()
}
