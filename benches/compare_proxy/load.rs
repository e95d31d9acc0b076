//! The clients: they open connections as fast as the proxy takes them, check every answer, and tell what came of it.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::LocalSet;
use tokio_rustls::TlsConnector;

use crate::plan::{self, PAGE, Place, Service};
use crate::{idle, web, wire};

/// One run of load.
#[derive(clap::Args, Clone)]
pub struct Load {
    kind: Kind,
    place: u8,
    /// Where the certificate is.
    folder: PathBuf,
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Connections at a time.
    #[arg(long, default_value_t = 32)]
    window: usize,
    /// Octets of bulk; idle connections; names on the list.
    #[arg(long, default_value_t = 0)]
    amount: u64,
}

/// What the clients do.
#[derive(clap::ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A handshake, a page, the end.
    Tls,
    /// A ClientHello made before, a short answer, the end.
    Hello,
    /// Many octets behind a ClientHello.
    Bulk,
    /// Connections that do nothing.
    Idle,
    /// HTTP requests over connections that stay.
    Keep,
    /// HTTP requests, each over its own connection.
    Close,
    /// Whether allowed names pass and listed ones do not, over TLS.
    ProbeTls,
    /// The same over HTTP.
    ProbeHttp,
}

/// What came of it. Times in microseconds.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Outcome {
    pub done: u64,
    /// Of these, before the time was over: one that stalls at the end must not stretch the time of all others.
    pub in_time: u64,
    pub failed: u64,
    pub octets: u64,
    pub seconds: f64,
    pub p50: f64,
    pub p99: f64,
    pub first_fault: Option<String>,
}

/// A connection that has not done its work after this is a fault.
const PATIENCE: Duration = Duration::from_secs(10);
/// After so many faults in a row a client gives up: the proxy is dead or stalled.
const FAULTS_MAX: u64 = 200;
/// Octets read at a time.
const CHUNK: usize = 256 << 10;

/// Everything one client needs.
pub struct Client {
    pub place: Place,
    tls: Arc<ClientConfig>,
    openings: Vec<Vec<u8>>,
}

#[derive(Default)]
struct Tally {
    outcome: Outcome,
    took: Vec<u32>,
}

impl Load {
    /// Prints the outcome as one line of JSON.
    pub async fn run(self) -> anyhow::Result<()> {
        let client = Rc::new(Client::new(&self)?);
        let limit = Duration::from_secs_f64(self.seconds) + Duration::from_secs(600);
        let work = async {
            let began = Instant::now();
            let mut outcome = match self.kind {
                Kind::Bulk => self.bulk(&client).await,
                Kind::Idle => return idle::run(client, self.amount, self.window).await,
                Kind::ProbeTls => client.probe_tls(self.amount).await?,
                Kind::ProbeHttp => client.probe_http(self.amount).await?,
                Kind::Tls | Kind::Hello | Kind::Keep | Kind::Close => self.many(&client).await,
            };
            if outcome.seconds == 0.0 {
                outcome.seconds = began.elapsed().as_secs_f64();
            }
            println!("{}", serde_json::to_string(&outcome)?);
            Ok(())
        };
        tokio::time::timeout(limit, LocalSet::new().run_until(work)).await?
    }

    /// `window` clients until the time is over.
    async fn many(&self, client: &Rc<Client>) -> Outcome {
        let end = Instant::now() + Duration::from_secs_f64(self.seconds);
        let clients = (0..self.window).map(|number| {
            let (client, kind) = (Rc::clone(client), self.kind);
            tokio::task::spawn_local(async move {
                match kind {
                    Kind::Keep => client.requests(number, end).await,
                    _ => client.connections(kind, number, end).await,
                }
            })
        });
        let mut whole = Tally::default();
        for client in clients.collect::<Vec<_>>() {
            match client.await {
                Ok(tally) => whole.add(tally),
                Err(error) => whole.fault(&error.into()),
            }
        }
        Outcome { seconds: self.seconds, ..whole.outcome() }
    }

    /// `amount` octets over `window` connections.
    async fn bulk(&self, client: &Rc<Client>) -> Outcome {
        let share = self.amount / self.window as u64;
        let streams = (0..self.window).map(|number| {
            let client = Rc::clone(client);
            tokio::task::spawn_local(async move { client.bulk(number, share).await })
        });
        let mut outcome = Outcome::default();
        for stream in streams.collect::<Vec<_>>() {
            match stream.await.map_err(anyhow::Error::from).flatten() {
                Ok(octets) => {
                    outcome.octets += octets;
                    outcome.done += 1;
                }
                Err(error) => {
                    outcome.failed += 1;
                    outcome.first_fault.get_or_insert(format!("{error:#}"));
                }
            }
        }
        outcome
    }
}

impl Client {
    fn new(load: &Load) -> anyhow::Result<Client> {
        let tls = wire::client_config(&load.folder)?;
        let opening = |number| wire::opening(&tls, &plan::allowed(Service::Opaque, number), PAGE as u64);
        let openings = (0..plan::ALLOWED).map(opening).collect::<anyhow::Result<_>>()?;
        Ok(Client { place: Place(load.place), tls, openings })
    }

    /// A connection to a service; from one of the other client addresses, or from the one the kernel takes.
    pub async fn connect(&self, service: Service, port: u16, from: Option<u8>) -> anyhow::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        if let Some(from) = from {
            socket.bind((self.place.client(from), 0).into())?;
        }
        let stream = socket.connect(SocketAddr::new(IpAddr::V4(self.place.service(service)), port)).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// A ClientHello with the wish for `octets`, sent.
    pub async fn open(&self, name: &str, octets: u64, from: Option<u8>) -> anyhow::Result<TcpStream> {
        let mut stream = self.connect(Service::Opaque, 443, from).await?;
        stream.write_all(&wire::opening(&self.tls, name, octets)?).await?;
        Ok(stream)
    }

    async fn connections(&self, kind: Kind, first: usize, end: Instant) -> Tally {
        let (mut tally, mut number, mut in_a_row) = (Tally::default(), first, 0);
        while Instant::now() < end && in_a_row < FAULTS_MAX {
            number += 7;
            let began = Instant::now();
            let work = async {
                match kind {
                    Kind::Tls => self.secure(&plan::allowed(Service::Web, number)).await,
                    Kind::Hello => self.hello(number).await,
                    _ => self.page(&plan::allowed(Service::Web, number)).await,
                }
            };
            in_a_row += 1;
            match tokio::time::timeout(PATIENCE, work).await.map_err(anyhow::Error::from).flatten() {
                Ok(()) => {
                    tally.success(began, end);
                    in_a_row = 0;
                }
                Err(error) => tally.fault(&error),
            }
        }
        tally
    }

    async fn secure(&self, name: &str) -> anyhow::Result<()> {
        let stream = self.connect(Service::Web, 443, None).await?;
        let connector = TlsConnector::from(Arc::clone(&self.tls));
        let mut stream = connector.connect(wire::server_name(name)?, stream).await?;
        let reply = web::ask(&mut stream, &mut Vec::new(), name, false).await?;
        let _ = stream.shutdown().await;
        anyhow::ensure!(reply.is_page, "not the page");
        Ok(())
    }

    async fn hello(&self, number: usize) -> anyhow::Result<()> {
        let mut stream = self.connect(Service::Opaque, 443, None).await?;
        stream.write_all(&self.openings[number % self.openings.len()]).await?;
        let mut answer = Vec::with_capacity(PAGE + 1);
        stream.read_to_end(&mut answer).await?;
        anyhow::ensure!(answer.len() == PAGE && answer[0] == 22, "{} octets", answer.len());
        Ok(())
    }

    async fn page(&self, name: &str) -> anyhow::Result<()> {
        let mut stream = self.connect(Service::Web, 80, None).await?;
        let reply = web::ask(&mut stream, &mut Vec::new(), name, false).await?;
        anyhow::ensure!(reply.is_page, "status {}, not the page", reply.status);
        Ok(())
    }

    /// Requests over one connection, for as long as it stays.
    async fn requests(&self, first: usize, end: Instant) -> Tally {
        let (mut tally, mut in_a_row) = (Tally::default(), 0);
        let name = plan::allowed(Service::Web, first);
        while Instant::now() < end && in_a_row < FAULTS_MAX {
            in_a_row += 1;
            match self.requests_once(&name, end, &mut tally).await {
                Ok(()) => in_a_row = 0,
                Err(error) => tally.fault(&error),
            }
        }
        tally
    }

    async fn requests_once(&self, name: &str, end: Instant, tally: &mut Tally) -> anyhow::Result<()> {
        let mut stream = tokio::time::timeout(PATIENCE, self.connect(Service::Web, 80, None)).await??;
        let mut buffer = Vec::with_capacity(4096);
        while Instant::now() < end {
            let began = Instant::now();
            let reply = tokio::time::timeout(PATIENCE, web::ask(&mut stream, &mut buffer, name, true)).await??;
            anyhow::ensure!(reply.is_page, "status {}, not the page", reply.status);
            tally.success(began, end);
            if !reply.stays {
                break;
            }
        }
        Ok(())
    }

    async fn bulk(&self, number: usize, octets: u64) -> anyhow::Result<u64> {
        let mut stream = self.open(&plan::allowed(Service::Opaque, number), octets, None).await?;
        let (mut buffer, mut whole) = (vec![0; CHUNK], 0);
        loop {
            match tokio::time::timeout(PATIENCE, stream.read(&mut buffer)).await?? {
                0 => break,
                some => whole += some as u64,
            }
        }
        anyhow::ensure!(whole == octets, "{whole} octets of {octets}");
        Ok(whole)
    }

    /// One success for each of: an allowed page with the origin's own certificate, an allowed opaque answer, and a listed
    /// name refused, at the beginning and at the end of the list.
    async fn probe_tls(&self, names: u64) -> anyhow::Result<Outcome> {
        let mut tally = Tally::default();
        tally.try_for("allowed page", self.secure(&plan::allowed(Service::Web, 0))).await;
        tally.try_for("allowed hello", self.hello(0)).await;
        if names > 0 {
            tally.try_for("listed page", refused(self.secure(&plan::listed(0)))).await;
            tally.try_for("listed hello", refused(self.listed_hello(names as usize - 1))).await;
        }
        Ok(tally.outcome())
    }

    async fn listed_hello(&self, number: usize) -> anyhow::Result<()> {
        let mut stream = self.open(&plan::listed(number), PAGE as u64, None).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        anyhow::ensure!(answer.len() >= PAGE, "refused");
        Ok(())
    }

    async fn probe_http(&self, names: u64) -> anyhow::Result<Outcome> {
        let mut tally = Tally::default();
        tally.try_for("allowed request", self.page(&plan::allowed(Service::Web, 0))).await;
        for number in [0, names.saturating_sub(1)].into_iter().filter(|_| names > 0) {
            tally.try_for("listed request", refused(self.page(&plan::listed(number as usize)))).await;
        }
        Ok(tally.outcome())
    }
}

/// Turns what must not succeed round.
async fn refused(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    anyhow::ensure!(work.await.is_err(), "passed");
    Ok(())
}

impl Tally {
    async fn try_for(&mut self, what: &str, work: impl Future<Output = anyhow::Result<()>>) {
        let began = Instant::now();
        match tokio::time::timeout(PATIENCE, work).await.map_err(anyhow::Error::from).flatten() {
            Ok(()) => self.success(began, began + PATIENCE),
            Err(error) => self.fault(&error.context(what.to_owned())),
        }
    }

    fn success(&mut self, began: Instant, end: Instant) {
        let now = Instant::now();
        self.outcome.done += 1;
        self.outcome.in_time += u64::from(now <= end);
        self.took.push(u32::try_from((now - began).as_micros()).unwrap_or(u32::MAX));
    }

    fn fault(&mut self, error: &anyhow::Error) {
        self.outcome.failed += 1;
        self.outcome.first_fault.get_or_insert(format!("{error:#}"));
    }

    fn add(&mut self, other: Tally) {
        self.outcome.done += other.outcome.done;
        self.outcome.in_time += other.outcome.in_time;
        self.outcome.failed += other.outcome.failed;
        self.took.extend(other.took);
        if self.outcome.first_fault.is_none() {
            self.outcome.first_fault = other.outcome.first_fault;
        }
    }

    fn outcome(mut self) -> Outcome {
        self.took.sort_unstable();
        let at = |share: f64| self.took.get((self.took.len() as f64 * share) as usize).copied().map_or(0.0, f64::from);
        Outcome { p50: at(0.5), p99: at(0.99), ..self.outcome }
    }
}
