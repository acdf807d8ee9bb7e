//! Standard output: what a command answers. Progress and errors go to the standard error. What is for people goes
//! through one writer, which makes it harmless for a terminal.

mod mark;
mod plain;
mod table;
mod width;

use std::io::{self, ErrorKind, Write};

use anstream::AutoStream;
use serde::Serialize;

pub(crate) use mark::Mark;
pub(crate) use plain::{one_line, plain};
pub(crate) use table::Table;
pub(crate) use width::{columns, cut};

use self::plain::Plain;

/// Standard output, coloured where it is a terminal that wants colours. When its reader goes away (`| head`), what
/// follows is dropped without an error: the command still does its work.
pub(crate) struct Out {
    stream: Plain<AutoStream<io::StdoutLock<'static>>>,
    closed: bool,
}

impl Out {
    pub(crate) fn stdout() -> Self {
        Self { stream: Plain::new(AutoStream::auto(io::stdout()).lock()), closed: false }
    }

    /// Writes a value as one line of compact JSON.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(value)?;
        line.push(b'\n');
        self.exact(&line)
    }

    /// Writes bytes for programs as they are.
    pub(crate) fn exact(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.closed {
            return Ok(());
        }
        let written = self.stream.exact().and_then(|stream| stream.write_all(bytes));
        self.unless_closed(written, ())
    }

    /// Whether nobody reads any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Hands everything to the reader.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.flush()
    }

    fn unless_closed<T>(&mut self, result: io::Result<T>, closed: T) -> io::Result<T> {
        match result {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(closed)
            }
            other => other,
        }
    }
}

/// The standard error, for people: progress, warnings, errors.
pub(crate) fn stderr() -> impl Write {
    Plain::new(AutoStream::auto(io::stderr()).lock())
}

/// The standard error, for programs: a value as one line of compact JSON.
pub(crate) fn json_to_stderr(value: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    io::stderr().lock().write_all(&line)
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.closed {
            return Ok(bytes.len());
        }
        let written = self.stream.write(bytes);
        self.unless_closed(written, bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.closed {
            return Ok(());
        }
        let flushed = self.stream.flush();
        self.unless_closed(flushed, ())
    }
}
