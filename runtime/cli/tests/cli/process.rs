//! Child processes that tests speak to: nothing of them outlives a test, and nobody waits for them for ever.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// The longest that a line is waited for.
const PATIENCE: Duration = Duration::from_mins(2);

/// The lines that a process prints. They are read as they come, so that it never waits for who reads them.
pub(crate) struct Lines(Receiver<String>);

impl Lines {
    pub(crate) fn of(stream: impl Read + Send + 'static) -> Self {
        let (told, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines() {
                let Ok(line) = line else { return };
                if told.send(line).is_err() {
                    return;
                }
            }
        });
        Self(lines)
    }

    /// The next line without its end; `None` when the process prints nothing more. One that prints nothing for two minutes
    /// fails the test.
    pub(crate) fn next(&self) -> Option<String> {
        match self.0.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("the process printed nothing for {} s", PATIENCE.as_secs()),
        }
    }

    /// All lines that are still to come, joined.
    pub(crate) fn rest(&self) -> String {
        std::iter::from_fn(|| self.next()).map(|line| line + "\n").collect()
    }
}

/// A process whose standard output is read; killed when it is dropped.
pub(crate) struct Running {
    pub(crate) process: Child,
    lines: Lines,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = Lines::of(process.stdout.take().unwrap());
        Self { process, lines }
    }

    /// The next line of its standard output; nothing where it printed none and ended.
    pub(crate) fn line(&self) -> String {
        self.lines.next().unwrap_or_default()
    }

    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
