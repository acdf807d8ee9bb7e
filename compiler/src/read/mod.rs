//! Which dialect a file is in, and what is in it.

mod diagram;
mod html;

use bloom_ir::Diagnostic;
use bloom_ir::diagnostic::Place;

use crate::codes;
use crate::report::Report;
use crate::{SourceFile, text};

pub(crate) use diagram::{Diagram, Icon, ItemId, Kind};

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
    if source.bytes.starts_with(b"SQLite format 3\0") {
        return refuse(report, "drn");
    }
    let Ok(content) = std::str::from_utf8(source.bytes) else {
        return refuse(report, "binary");
    };
    let content = content.strip_prefix('\u{feff}').unwrap_or(content);
    let start = content.trim_start();
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

fn refuse<T>(report: &mut Report, dialect: &str) -> Option<T> {
    report.add(Diagnostic::error(codes::OTHER_DIALECT, Place::File).with("dialect", dialect));
    None
}
