//! Connections that do nothing: opened, held, and asked at the end whether they are still there. Both the clients' side and
//! the side that measures the proxy meanwhile.

use std::cell::{Cell, RefCell};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::load::Client;
use crate::plan::{self, Service};
use crate::process::{Memory, Server};

/// One connection has to be open, or to answer, in this time.
const PATIENCE: Duration = Duration::from_secs(10);
/// What is allocated or given back a little later is waited for.
const SETTLE: Duration = Duration::from_secs(2);

/// What the clients tell, one line each time.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Held {
    pub open: u64,
    pub first_fault: Option<String>,
}

/// What became of one proxy.
#[derive(Debug, Clone, Copy, Default)]
pub struct Idle {
    pub wanted: u64,
    pub open: u64,
    pub alive: u64,
    pub before: Memory,
    pub during: Memory,
    /// Processor time while nothing moved, a second.
    pub cpu_us_a_second: f64,
}

/// What the clients hold.
struct Shelf {
    client: Rc<Client>,
    streams: RefCell<Vec<TcpStream>>,
    alive: Cell<u64>,
    fault: Cell<Option<String>>,
}

/// Opens `amount` connections, `window` at a time, tells how many are open, waits for its input to end, asks each for an
/// octet, and tells how many gave it.
pub async fn run(client: Rc<Client>, amount: u64, window: usize) -> anyhow::Result<()> {
    let streams = RefCell::new(Vec::with_capacity(amount as usize));
    let shelf = Rc::new(Shelf { client, streams, alive: Cell::new(0), fault: Cell::new(None) });
    each(amount, window, &shelf, async |shelf, number| {
        let stream = one(&shelf.client, number).await?;
        shelf.streams.borrow_mut().push(stream);
        Ok(())
    })
    .await;
    let open = shelf.streams.borrow().len() as u64;
    tell(&Held { open, first_fault: shelf.fault.take() })?;
    // Nothing moves meanwhile, on this side either.
    std::io::stdin().lock().read_line(&mut String::new())?;
    each(open, window, &shelf, async |shelf, _| {
        let stream = shelf.streams.borrow_mut().pop();
        answers(&mut stream.ok_or_else(|| anyhow::anyhow!("none left"))?).await?;
        shelf.alive.set(shelf.alive.get() + 1);
        Ok(())
    })
    .await;
    tell(&Held { open: shelf.alive.get(), first_fault: shelf.fault.take() })
}

/// `work` for each number below `amount`, `window` at a time.
async fn each<W>(amount: u64, window: usize, shelf: &Rc<Shelf>, work: W)
where
    W: AsyncFn(Rc<Shelf>, u64) -> anyhow::Result<()> + Copy + 'static,
{
    let next = Rc::new(Cell::new(0));
    let workers = (0..window).map(|_| {
        let (next, shelf) = (Rc::clone(&next), Rc::clone(shelf));
        tokio::task::spawn_local(async move {
            while next.get() < amount {
                let number = next.replace(next.get() + 1);
                let done = tokio::time::timeout(PATIENCE, work(Rc::clone(&shelf), number)).await;
                if let Err(error) = done.map_err(anyhow::Error::from).flatten() {
                    shelf.fault.set(Some(shelf.fault.take().unwrap_or_else(|| format!("{error:#}"))));
                }
            }
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        let _ = worker.await;
    }
}

async fn one(client: &Client, number: u64) -> anyhow::Result<TcpStream> {
    let from = (number % u64::from(plan::CLIENTS)) as u8 + 1;
    let mut stream = client.open(&plan::allowed(Service::Opaque, number as usize), 0, Some(from)).await?;
    anyhow::ensure!(stream.read_u8().await? == 1, "not the origin");
    Ok(stream)
}

async fn answers(stream: &mut TcpStream) -> anyhow::Result<()> {
    stream.write_all(&[7]).await?;
    anyhow::ensure!(stream.read_u8().await? == 7, "another octet");
    Ok(())
}

fn tell(held: &Held) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string(held)?);
    Ok(std::io::stdout().flush()?)
}

/// Has `load` hold connections through `server` and looks at it meanwhile.
pub fn measure(load: &mut Command, server: &Server, wanted: u64, hold: Duration) -> anyhow::Result<Idle> {
    std::thread::sleep(SETTLE);
    let before = server.memory();
    let mut child = load.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn()?;
    let mut lines = BufReader::new(child.stdout.take().ok_or_else(|| anyhow::anyhow!("no output"))?);
    let open = heard(&mut lines)?;
    std::thread::sleep(SETTLE);
    let cpu = server.cpu_ns();
    std::thread::sleep(hold);
    let cpu_ns = server.cpu_ns().saturating_sub(cpu);
    let during = server.memory();
    // The end of its input is its sign.
    drop(child.stdin.take());
    let alive = heard(&mut lines)?;
    child.wait()?;
    if let Some(fault) = open.first_fault.or(alive.first_fault) {
        println!("idle: first fault: {fault}");
    }
    let cpu_us_a_second = cpu_ns as f64 / 1000.0 / hold.as_secs_f64().max(1.0);
    Ok(Idle { wanted, open: open.open, alive: alive.open, before, during, cpu_us_a_second })
}

fn heard(lines: &mut impl BufRead) -> anyhow::Result<Held> {
    let mut line = String::new();
    lines.read_line(&mut line)?;
    serde_json::from_str(&line).map_err(|_| anyhow::anyhow!("the clients ended early"))
}
