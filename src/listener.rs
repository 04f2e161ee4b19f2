//! The socket that the server listens at: who may wait there, and how many are let in. It knows nothing of requests.

use std::io;
use std::net::{SocketAddr, TcpListener};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::TcpSocket;

/// Connections that nobody has taken yet. Where this queue is full the system drops newcomers, who try again only after a
/// second: a crowd that comes at once would keep callers waiting. A system may allow fewer (`net.core.somaxconn`).
const QUEUE: u32 = 4_096;
/// How many connections are taken at once, where the system allows so many.
const MAX_CONNECTIONS: usize = 20_000;
/// Descriptors that no connection gets: what the program and its database hold open, and a few ways out to the counterparts.
/// Where every one of them is a connection from outside, nobody can be booked however few of those ask for anything.
const KEPT_DESCRIPTORS: usize = 48;
/// And at least so large a part of all of them: callers that come at once need ways out at once.
const KEPT_PART: usize = 4;

/// Listens at `address`, with room for a crowd to wait in. Must be called on a runtime.
///
/// # Errors
/// Those of the system.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Connections of a life before this one may still linger at the address.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(QUEUE)?.into_std()
}

/// How many connections may be open so that descriptors are left for everything that an answer needs. Those that come on top
/// wait in the queue.
#[must_use]
pub fn max_connections() -> usize {
    let descriptors = descriptors();
    let kept = KEPT_DESCRIPTORS.max(descriptors / KEPT_PART);
    descriptors.saturating_sub(kept).clamp(1, MAX_CONNECTIONS)
}

/// Takes as many descriptors as this process may have, and says how many that are. Most systems start a program with 1,024
/// for the sake of old ones that cannot count further, and let it ask for more; with so few, some hundred slow senders would
/// shut everybody else out.
fn descriptors() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    if let Err(error) = raised {
        tracing::warn!(%error, "the limit of open files cannot be raised");
    }
    let now = getrlimit(Resource::Nofile).current;
    // No limit, or one past counting.
    now.and_then(|now| usize::try_from(now).ok()).unwrap_or(usize::MAX)
}
