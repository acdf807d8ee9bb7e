//! Signals that ask this process to stop.

use std::io;

/// A file that may not grow any more is an error of who writes, as on a full disk, and not the end of the process.
#[cfg(unix)]
pub(crate) fn outlive_limits() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    // Who listens once is not ended by it from then on.
    signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw())).map(drop)
}

/// Such limits are not known here.
#[cfg(windows)]
pub(crate) fn outlive_limits() -> io::Result<()> {
    Ok(())
}

/// An interrupt (Ctrl-C) and a request to terminate. From when this is made, neither ends the process by itself, and one that
/// comes while nobody waits for it is there for who waits next: make it before anybody is told of what can be stopped.
#[cfg(unix)]
pub(crate) struct Interrupts {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Interrupts {
    pub(crate) fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for the next one, and returns its number.
    pub(crate) async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.interrupt.recv() => 2,
            _ = self.terminate.recv() => 15,
        }
    }
}

/// An interrupt (Ctrl-C), as above.
#[cfg(windows)]
pub(crate) struct Interrupts(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Interrupts {
    pub(crate) fn listen() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    /// Waits for the next one, and returns the number that stands for it elsewhere.
    pub(crate) async fn next(&mut self) -> u8 {
        self.0.recv().await;
        2
    }
}
