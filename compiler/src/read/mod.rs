//! Which dialect a file is in, and what is in it.

mod diagram;
mod html;
mod json;
mod kind;

use bloom_ir::Diagnostic;
use bloom_ir::diagnostic::Place;

use crate::codes;
use crate::report::Report;
use crate::{SourceFile, text};

pub(crate) use diagram::{BROKEN_NUMBER, Diagram, Icon, ItemId, NO_NUMBER};
pub(crate) use html::plain_text;
pub(crate) use kind::Kind;

/// No more is read: 64 MiB.
const MOST_BYTES: usize = 64 << 20;

/// What was read.
pub(crate) enum Input<'a> {
    /// A diagram of the native dialect, or one in a wrapper.
    Diagram(Diagram),
    /// Pseudocode, with all that stands around it.
    Pseudocode(&'a str),
}

/// Reads a file; what is wrong with it is in the report.
pub(crate) fn read<'a>(source: &SourceFile<'a>, report: &mut Report) -> Option<Input<'a>> {
    if source.bytes.len() > MOST_BYTES {
        report.add(
            Diagnostic::error(codes::TOO_LARGE, Place::File)
                .with("what", "bytes")
                .with("found", source.bytes.len())
                .with("limit", MOST_BYTES),
        );
        return None;
    }
    if is_sqlite(source.bytes) {
        return refuse(report, "drn");
    }
    let content = match std::str::from_utf8(source.bytes) {
        _ if is_utf16(source.bytes) => return refuse(report, "utf16"),
        Ok(content) => content,
        Err(_) if source.bytes.contains(&0) => return refuse(report, "binary"),
        Err(error) => {
            let before = &source.bytes[..error.valid_up_to()];
            let line = before.split(|byte| *byte == b'\n').count();
            let encoding = Diagnostic::error(codes::OTHER_DIALECT, Place::File).with("dialect", "encoding");
            report.add(encoding.with("line", line));
            return None;
        }
    };
    let content = content.strip_prefix('\u{feff}').unwrap_or(content);
    let start = content.trim_start();
    if start.is_empty() {
        return refuse(report, "empty");
    }
    if start.starts_with(['{', '[']) {
        return diagram::read(content, report).map(Input::Diagram);
    }
    if text::program::is_program(content) {
        return Some(Input::Pseudocode(content));
    }
    if start.starts_with('<') {
        return refuse(report, "xml");
    }
    let extension = source.name.rsplit('.').next().unwrap_or_default();
    if ["md", "txt", "pseudo"].contains(&extension) {
        report.add(Diagnostic::error(codes::NO_PROGRAM, Place::File));
        return None;
    }
    diagram::read(content, report).map(Input::Diagram)
}

/// Whether the file is an `SQLite` database, in which DRAKON Editor keeps its diagrams.
fn is_sqlite(bytes: &[u8]) -> bool {
    bytes.starts_with(b"SQLite format 3\0")
}

/// Whether a text begins as UTF-16: with its mark, or with a letter of ASCII of which one byte is zero.
fn is_utf16(bytes: &[u8]) -> bool {
    matches!(bytes, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] | [0, b'{' | b'[' | b'<', ..] | [b'{' | b'[' | b'<', 0, ..])
}

fn refuse<T>(report: &mut Report, dialect: &str) -> Option<T> {
    report.add(Diagnostic::error(codes::OTHER_DIALECT, Place::File).with("dialect", dialect));
    None
}
