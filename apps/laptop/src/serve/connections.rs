//! The page's connections: how many there may be, and for how long without a word.
//!
//! Whoever reaches the port can open connections and say nothing. Each costs a file, and a program may
//! have a thousand, which the book and sync need too. So there may be so many; where there are, a new
//! one takes the place of the oldest that has not shown a session. A browser that was let in keeps its
//! connections. Addresses are not told apart: a program of this machine can call from any in 127.0.0.0/8,
//! and a limit for each would only hold browsers back, which use one. Sync has limits of its own.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tower::ServiceExt as _;

/// How long to wait where the system gives no more files.
const BREATH: Duration = Duration::from_millis(50);

/// What the page's connections may take.
#[derive(Clone, Copy)]
pub struct Limits {
    /// Connections at a time: a quarter of the files that a program may open where nobody raised that.
    pub most: usize,
    /// How long the head of a request may take to come, and a connection be kept without one.
    pub head: Duration,
    /// How long open requests are waited for at the end.
    pub parting: Duration,
}

impl Limits {
    /// Those of the page.
    pub const PAGE: Self =
        Self { most: 256, head: Duration::from_secs(10), parting: Duration::from_secs(3) };
}

/// Marks a request's connection as one of a browser that was let in.
#[derive(Clone, Default)]
pub struct Known(Arc<AtomicBool>);

impl Known {
    /// From now on.
    pub fn mark(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Connection {
    number: u64,
    known: Known,
    task: AbortHandle,
}

/// The number of the last, and those that there are, the oldest first.
#[derive(Clone, Default)]
struct Connections(Arc<Mutex<(u64, Vec<Connection>)>>);

/// Answers connections until `stop` says so.
pub async fn answer(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    stop: impl Future<Output = ()>,
) {
    let (connections, graceful) = (Connections::default(), GracefulShutdown::new());
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.take(stream, &router, limits, graceful.watcher());
                } else {
                    // Without files: somebody has to go first.
                    connections.make_room(0);
                    tokio::time::sleep(BREATH).await;
                }
            }
        }
    }
    drop(listener);
    // A browser may hold a connection open for as long as it likes.
    let _ = tokio::time::timeout(limits.parting, graceful.shutdown()).await;
}

impl Connections {
    fn lock(&self) -> MutexGuard<'_, (u64, Vec<Connection>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a connection in and answers its requests.
    fn take(&self, stream: TcpStream, router: &Router, limits: Limits, watcher: Watcher) {
        if !self.make_room(limits.most) {
            return;
        }
        let known = Known::default();
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(limits.head);
        let (router, mark) = (router.clone(), known.clone());
        let service = service_fn(move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(mark.clone());
            let router = router.clone();
            async move { Ok::<Response, Infallible>(answered(router, request).await) }
        });
        let connection = watcher.watch(http.serve_connection(TokioIo::new(stream), service));
        let connections = self.clone();
        // With the lock held: the task leaves only when it is among them.
        let mut inner = self.lock();
        inner.0 += 1;
        let number = inner.0;
        let task = tokio::spawn(async move {
            // Who hangs up or is too slow is told nothing.
            let _ = connection.await;
            connections.lock().1.retain(|connection| connection.number != number);
        });
        inner.1.push(Connection { number, known, task: task.abort_handle() });
    }

    /// Sees to it that there are fewer than `most`, or at least one fewer; whether that is so.
    fn make_room(&self, most: usize) -> bool {
        let mut inner = self.lock();
        if inner.1.len() < most {
            return true;
        }
        let is_stranger = |connection: &Connection| !connection.known.0.load(Ordering::Relaxed);
        let Some(goes) = inner.1.iter().position(is_stranger) else { return false };
        inner.1.remove(goes).task.abort();
        true
    }
}

async fn answered(router: Router, request: hyper::Request<Incoming>) -> Response {
    match router.oneshot(request).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{SocketAddr, TcpStream};
    use std::time::Instant;

    use axum::Extension;
    use axum::routing::get;
    use tokio::runtime::Runtime;

    use super::*;

    const LIMITS: Limits =
        Limits { most: 20, head: Duration::from_millis(300), parting: Duration::from_millis(100) };
    const ASK: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";

    /// A page that answers until the runtime is dropped.
    fn page(limits: Limits) -> (Runtime, SocketAddr) {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let known = async |Extension(known): Extension<Known>| known.mark();
        let router = Router::new().route("/", get(async || "here")).route("/known", get(known));
        runtime.spawn(answer(listener, router, limits, std::future::pending()));
        (runtime, address)
    }

    fn connect(address: SocketAddr) -> TcpStream {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        stream
    }

    fn half_open(address: SocketAddr) -> TcpStream {
        let mut stream = connect(address);
        // Somebody who was turned away already cannot write.
        let _ = stream.write_all(b"GET / HTTP/1.1\r\nHo");
        stream
    }

    fn ask(stream: &mut TcpStream, request: &[u8]) -> String {
        stream.write_all(request).unwrap();
        let mut answer = vec![0; 4096];
        let read = stream.read(&mut answer).expect("an answer in time");
        String::from_utf8_lossy(&answer[..read]).into_owned()
    }

    #[test]
    fn whoever_says_nothing_gives_way() {
        // Only the places run out here, not the time.
        let (_runtime, address) = page(Limits { head: Duration::from_mins(1), ..LIMITS });
        let mut known = connect(address);
        let marked = ask(&mut known, b"GET /known HTTP/1.1\r\nHost: x\r\n\r\n");
        assert!(marked.starts_with("HTTP/1.1 200"), "{marked}");
        let mut quiet: Vec<_> = (0..3 * LIMITS.most).map(|_| half_open(address)).collect();
        let mut late = connect(address);
        assert!(ask(&mut late, ASK).ends_with("here"), "a new one is heard");
        assert!(ask(&mut known, ASK).ends_with("here"), "who was let in stays");
        let ended = quiet[0].read(&mut [0; 8]);
        let gone = |error: &std::io::Error| error.kind() == std::io::ErrorKind::ConnectionReset;
        assert!(ended.as_ref().map_or_else(gone, |read| *read == 0), "the oldest goes: {ended:?}");
    }

    #[test]
    fn a_head_that_does_not_end_is_not_waited_for() {
        let (_runtime, address) = page(LIMITS);
        let begun = Instant::now();
        let mut slow = half_open(address);
        // A letter now and then does not help.
        while begun.elapsed() < Duration::from_secs(10) && slow.write_all(b"x").is_ok() {
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        let mut idle = connect(address);
        assert!(ask(&mut idle, ASK).ends_with("here"));
        assert_eq!(idle.read(&mut [0; 8]).unwrap(), 0, "nor is one kept that asks no more");
    }

    #[test]
    fn it_ends_although_somebody_stays() {
        let (runtime, _) = page(LIMITS);
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let serving = runtime.spawn(answer(listener, Router::new(), LIMITS, async {
            let _ = stopped.await;
        }));
        let _stays = half_open(address);
        stop.send(()).unwrap();
        let ended = async { tokio::time::timeout(Duration::from_secs(5), serving).await };
        runtime.block_on(ended).unwrap().unwrap();
    }
}
