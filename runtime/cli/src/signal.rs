//! Signals that ask this process to stop.

use std::io;

/// Waits for an interrupt (Ctrl-C) or a request to terminate, and returns the signal's number.
#[cfg(unix)]
pub(crate) async fn interrupted() -> io::Result<u8> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => Ok(2),
        _ = terminate.recv() => Ok(15),
    }
}

/// Waits for an interrupt (Ctrl-C), and returns the number that stands for it elsewhere.
#[cfg(not(unix))]
pub(crate) async fn interrupted() -> io::Result<u8> {
    tokio::signal::ctrl_c().await?;
    Ok(2)
}
