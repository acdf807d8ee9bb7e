//! Lines that are written and read one by one, with the digest of all of them.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};

use bloom_ir::Digest;
use flate2::bufread::MultiGzDecoder;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Contents, End, Format, Header, Record, TransferError, VERSION};

/// What begins a file that is compressed.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// A line has no more bytes: what it holds, a request brought or a tool gave.
const LONGEST: u64 = 256 << 20;

const HEADER: &str = "header";
const END: &str = "end";

#[derive(Serialize)]
struct Line<'a, T> {
    kind: &'a str,
    v: u32,
    record: &'a T,
}

/// What every line has; the record is read when it is known what it is.
#[derive(Deserialize)]
struct Head {
    kind: String,
    v: u32,
}

#[derive(Deserialize)]
struct Body<T> {
    record: T,
}

/// A line with its end.
pub(super) fn line<T: Serialize>(kind: &str, record: &T) -> Vec<u8> {
    let mut line = serde_json::to_vec(&Line { kind, v: VERSION, record })
        .unwrap_or_else(|_| unreachable!("string keys and finite numbers always serialise, and memory takes them"));
    line.push(b'\n');
    line
}

/// The record of a line.
pub(super) fn record<T: DeserializeOwned>(line: &[u8]) -> Result<T, serde_json::Error> {
    Ok(serde_json::from_slice::<Body<T>>(line)?.record)
}

/// What was written or read so far.
#[derive(Clone, Default)]
struct Tally {
    hasher: Sha256,
    records: u64,
    runs: u64,
    events: u64,
}

impl Tally {
    fn count(&mut self, record: &Record, line: &[u8]) {
        self.hasher.update(line);
        self.records += 1;
        self.runs += u64::from(matches!(record, Record::Run(_)));
        self.events += u64::from(matches!(record, Record::Event(_)));
    }

    fn contents(&self) -> Contents {
        let digest = Digest::from_bytes(self.hasher.clone().finalize().into());
        Contents { records: self.records, runs: self.runs, events: self.events, digest }
    }
}

/// Writes a file of lines.
pub(crate) struct LineWriter<W> {
    out: W,
    tally: Tally,
}

impl<W: Write> LineWriter<W> {
    pub(crate) fn new(mut out: W, format: Format, made_at: i64) -> Result<Self, TransferError> {
        let header = Header { format, made_at, engine: env!("CARGO_PKG_VERSION").to_owned() };
        let line = line(HEADER, &header);
        out.write_all(&line).map_err(TransferError::Write)?;
        let mut tally = Tally::default();
        tally.hasher.update(&line);
        Ok(Self { out, tally })
    }

    pub(crate) fn write(&mut self, record: &Record) -> Result<(), TransferError> {
        let line = record.to_line();
        self.tally.count(record, &line);
        self.out.write_all(&line).map_err(TransferError::Write)
    }

    /// Writes the end; without it the file counts for nothing.
    pub(crate) fn finish(mut self) -> Result<(W, Contents), TransferError> {
        let contents = self.tally.contents();
        let end = End { records: contents.records, sha256: contents.digest };
        self.out.write_all(&line(END, &end)).map_err(TransferError::Write)?;
        self.out.flush().map_err(TransferError::Write)?;
        Ok((self.out, contents))
    }
}

/// Reads a file of lines, compressed or not, to its end: what came before counts when [`LineReader::read`] has given `None`.
pub(crate) struct LineReader<'a> {
    input: Box<dyn BufRead + Send + 'a>,
    header: Header,
    /// The number of the last line.
    number: u64,
    line: Vec<u8>,
    tally: Tally,
    end: Option<Contents>,
}

impl<'a> LineReader<'a> {
    pub(crate) fn open(input: impl Read + Send + 'a, wanted: Format) -> Result<Self, TransferError> {
        let mut input = BufReader::with_capacity(1 << 16, input);
        let is_compressed = input.fill_buf().map_err(TransferError::Read)?.starts_with(&GZIP);
        let input: Box<dyn BufRead + Send + 'a> = if is_compressed {
            Box::new(BufReader::with_capacity(1 << 16, MultiGzDecoder::new(input)))
        } else {
            Box::new(input)
        };
        let header = Header { format: wanted, made_at: 0, engine: String::new() };
        let (tally, line) = (Tally::default(), Vec::new());
        let mut reader = Self { input, header, number: 0, line, tally, end: None };
        reader.read_header()?;
        match reader.header.format {
            found if found == wanted => Ok(reader),
            found => Err(TransferError::Other(found)),
        }
    }

    /// The number of the line that was read last, from 1.
    pub(crate) fn line(&self) -> u64 {
        self.number
    }

    /// What the file holds, once all of it was read.
    pub(crate) fn contents(&self) -> Option<Contents> {
        self.end
    }

    /// The next record; `None` after the end, which was as it must be.
    pub(crate) fn read(&mut self) -> Result<Option<Record>, TransferError> {
        if self.end.is_some() {
            return Ok(None);
        }
        self.read_line()?;
        let head = self.head()?;
        if head.kind == END {
            return self.read_end().map(|()| None);
        }
        let newer = || TransferError::Newer { line: self.number, kind: head.kind.clone(), version: head.v };
        let record = Record::read(&head.kind, &self.line).ok_or_else(newer)?;
        let record = record.map_err(|error| self.changed(&error))?;
        self.tally.count(&record, &self.line);
        Ok(Some(record))
    }

    fn read_header(&mut self) -> Result<(), TransferError> {
        self.read_line().map_err(|error| match error {
            TransferError::Changed { .. } => TransferError::Foreign,
            TransferError::Truncated { .. } if !self.line.starts_with(b"{\"kind\":\"header\"") => {
                TransferError::Foreign
            }
            other => other,
        })?;
        let head: Head = serde_json::from_slice(&self.line).map_err(|_| TransferError::Foreign)?;
        if head.kind != HEADER {
            return Err(TransferError::Foreign);
        }
        let head = self.head()?;
        self.header = record(&self.line).map_err(|_| TransferError::Newer {
            line: self.number,
            kind: head.kind,
            version: head.v,
        })?;
        self.tally.hasher.update(&self.line);
        Ok(())
    }

    fn read_end(&mut self) -> Result<(), TransferError> {
        let end: End = record(&self.line).map_err(|error| self.changed(&error))?;
        let contents = self.tally.contents();
        if end.records != contents.records {
            return Err(self.changed(&format_args!("{} records were written, not {}", end.records, contents.records)));
        }
        if end.sha256 != contents.digest {
            return Err(self.changed(&format_args!("{} was written, and this is {}", end.sha256, contents.digest)));
        }
        let rest = self.input.fill_buf().map_err(|error| unreadable(error, self.number))?;
        if !rest.is_empty() {
            return Err(self.changed("something follows the end"));
        }
        self.end = Some(contents);
        Ok(())
    }

    fn head(&self) -> Result<Head, TransferError> {
        let head: Head = serde_json::from_slice(&self.line).map_err(|error| self.changed(&error))?;
        if head.v > VERSION {
            return Err(TransferError::Newer { line: self.number, kind: head.kind, version: head.v });
        }
        if head.v == 0 {
            return Err(self.changed("version 0 never was"));
        }
        Ok(head)
    }

    /// Reads a line whole, with its end.
    fn read_line(&mut self) -> Result<(), TransferError> {
        self.line.clear();
        let read = self.input.by_ref().take(LONGEST).read_until(b'\n', &mut self.line);
        let read = read.map_err(|error| unreadable(error, self.number))?;
        if self.line.last() == Some(&b'\n') {
            self.number += 1;
            return Ok(());
        }
        if read as u64 == LONGEST {
            self.number += 1;
            return Err(self.changed("it is too long"));
        }
        Err(TransferError::Truncated { line: self.number })
    }

    fn changed(&self, what: &(impl ToString + ?Sized)) -> TransferError {
        TransferError::Changed { line: self.number, what: what.to_string() }
    }
}

/// What is compressed says by an error where it was cut or changed.
fn unreadable(error: io::Error, line: u64) -> TransferError {
    match error.kind() {
        ErrorKind::UnexpectedEof => TransferError::Truncated { line },
        ErrorKind::InvalidData | ErrorKind::InvalidInput => {
            TransferError::Changed { line: line.saturating_add(1), what: error.to_string() }
        }
        _ => TransferError::Read(error),
    }
}
