//! The world of one process: nobody else hears what is meant for it.

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustls::ServerConfig;

use crate::runtime_api::{self, Said};
use crate::stub::{self, Call, Scene};

/// Nothing here takes so long, under callgrind and with the processor time of 128 MB included.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The Runtime API, EC2 and Config for one process. Each connection has a thread of its own, which does nothing but wait
/// for that connection.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) runtime: SocketAddr,
    pub(crate) aws: SocketAddr,
    said: Receiver<Said>,
    /// Where it waits for an event, and since when.
    next: Option<(TcpStream, Instant)>,
    scene: Arc<Mutex<Scene>>,
    over: Arc<AtomicBool>,
}

/// One event and its answer.
#[derive(Debug)]
pub(crate) struct Invocation {
    pub(crate) ended: Instant,
    /// From the event to the answer.
    pub(crate) total: Duration,
    /// The part of it in which no call was out.
    pub(crate) own: Duration,
    pub(crate) calls: Vec<Call>,
}

impl World {
    pub(crate) fn new(tls: &Arc<ServerConfig>) -> io::Result<Self> {
        let over = Arc::new(AtomicBool::new(false));
        let scene = Arc::new(Mutex::new(Scene::default()));
        let (told, said) = mpsc::channel();
        let runtime = listen(&over, move |tcp| {
            let told = told.clone();
            move || runtime_api::serve(tcp, &told)
        })?;
        let aws = listen(&over, {
            let (scene, tls) = (Arc::clone(&scene), Arc::clone(tls));
            move |tcp| {
                let (scene, tls) = (Arc::clone(&scene), Arc::clone(&tls));
                move || stub::serve(tcp, tls, &scene)
            }
        })?;
        Ok(Self {
            runtime,
            aws,
            said,
            next: None,
            scene,
            over,
        })
    }

    /// Waits until the function asks for an event; when it did.
    pub(crate) fn until_ready(&mut self) -> Result<Instant> {
        if let Some((_, since)) = self.next {
            return Ok(since);
        }
        let said = self.said.recv_timeout(PATIENCE);
        match said.context("the function does not ask for an event")? {
            Said::Next(tcp, since) => {
                self.next = Some((tcp, since));
                Ok(since)
            }
            Said::Outcome(verdict, body, _) => bail!(
                "the function said `{verdict}` unasked: {}",
                String::from_utf8_lossy(&body)
            ),
        }
    }

    /// One event, once the function asks for it.
    pub(crate) fn invoke(
        &mut self,
        event: &[u8],
        ports: &[u16],
        delay: Duration,
    ) -> Result<Invocation> {
        self.until_ready()?;
        let (mut tcp, _) = self.next.take().context("nobody asks for an event")?;
        *self.scene() = Scene {
            delay,
            ports: ports.to_vec(),
            calls: Vec::new(),
        };
        let message = runtime_api::invocation(event);
        let start = Instant::now();
        tcp.write_all(&message)?;
        let said = self.said.recv_timeout(PATIENCE);
        let (verdict, body, end) = match said.context("the function does not answer")? {
            Said::Outcome(verdict, body, end) => (verdict, body, end),
            Said::Next(..) => bail!("the function asks for another event instead of answering"),
        };
        if verdict != "response" {
            bail!("the function failed: {}", String::from_utf8_lossy(&body));
        }
        let mut calls = std::mem::take(&mut self.scene().calls);
        calls.sort();
        Ok(Invocation {
            ended: end,
            total: end - start,
            own: end - start - away(&calls, start),
            calls,
        })
    }

    fn scene(&self) -> MutexGuard<'_, Scene> {
        self.scene.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        for address in [self.runtime, self.aws] {
            // Only to wake the thread that accepts.
            let _ = TcpStream::connect(address);
        }
    }
}

/// Listens on this machine, and serves every connection on a thread of its own.
fn listen<S>(
    over: &Arc<AtomicBool>,
    service: impl Fn(TcpStream) -> S + Send + 'static,
) -> io::Result<SocketAddr>
where
    S: FnOnce() -> io::Result<()> + Send + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let over = Arc::clone(over);
    thread::spawn(move || {
        for tcp in listener.incoming().map_while(Result::ok) {
            if over.load(Ordering::Relaxed) {
                return;
            }
            if tcp.set_nodelay(true).is_ok() {
                let serve = service(tcp);
                // A process that was ended has broken its connections, as it should; one that is alive and was not
                // served tells of it or does not answer.
                thread::spawn(move || drop(serve()));
            }
        }
    });
    Ok(address)
}

/// How long at least one of `calls` was out, from `start` on. They are in the order in which they began.
fn away(calls: &[Call], start: Instant) -> Duration {
    let mut until = start;
    let mut away = Duration::ZERO;
    for &(began, ended) in calls {
        away += ended.saturating_duration_since(began.max(until));
        until = until.max(ended);
    }
    away
}

/// How many of `calls` were out at the widest moment.
pub(crate) fn most_at_once(calls: &[Call]) -> usize {
    let out = |moment| {
        calls
            .iter()
            .filter(move |(began, ended)| *began <= moment && moment < *ended)
    };
    calls
        .iter()
        .map(|&(began, _)| out(began).count())
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests;
