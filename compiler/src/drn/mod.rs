//! Diagrams of DRAKON Editor (`.drn`): icons and lines with coordinates, resolved into the native dialect.
//!
//! The file is a database of `SQLite`, which is read elsewhere; here is what its rows mean. Coordinates grow to the right
//! and downwards. An icon has its centre at `x`, `y`, and half its width and height in `w`, `h`; lines begin at `x`, `y`.
//! Where lines meet, and where a run goes from there, is what the editor's own verifier makes of them.

mod flow;
mod geometry;

use bloom_ir::Diagnostic;
use bloom_ir::diagnostic::{Code, Place};
use serde_json::Value;

use crate::codes;
use crate::report::Report;

/// A row of the table `items`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Item {
    /// `item_id`.
    pub id: i64,
    /// `type`.
    pub kind: String,
    /// `text`, plain.
    pub text: String,
    /// `text2`: the upper text of an icon that has two.
    pub upper: String,
    /// The centre of an icon; the left or upper end of a line.
    pub x: i64,
    /// See `x`.
    pub y: i64,
    /// Half the width of an icon; the length of a horizontal line, or of the upper part of an arrow.
    pub w: i64,
    /// Half the height of an icon; the length of a vertical line, or of an arrow.
    pub h: i64,
    /// The length of the line at the right of an `if`, or of the lower part of an arrow.
    pub a: i64,
    /// Of an `if`: whether its right exit is No. Of an arrow: whether it points to the right.
    pub b: i64,
}

/// A diagram as the editor keeps it: a row of the table `diagrams` with its items.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sheet {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// In the order of their ids.
    pub items: Vec<Item>,
}

/// What became of a sheet.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The diagram in the native dialect, a `.drakon` file; absent when there is an error.
    pub diagram: Option<Value>,
    /// What was found; the icons' ids are those of the sheet.
    pub diagnostics: Vec<Diagnostic>,
}

/// So many items need more than a screen to draw; what is compared pair by pair stays quick.
const MOST_ITEMS: usize = 4_000;

/// Resolves the geometry of a sheet.
pub fn import(sheet: &Sheet) -> Imported {
    let mut report = Report::default();
    let diagram = resolve(sheet, &mut report);
    let diagram = diagram.filter(|_| report.errors() == 0);
    Imported { diagram, diagnostics: report.finish() }
}

fn resolve(sheet: &Sheet, report: &mut Report) -> Option<Value> {
    if sheet.items.len() > MOST_ITEMS {
        let error = Diagnostic::error(codes::TOO_LARGE, Place::File).with("what", "items");
        report.add(error.with("found", sheet.items.len()).with("limit", MOST_ITEMS));
        return None;
    }
    let plan = geometry::plan(sheet, report);
    // Lines that are not where they seem to be would be told again as ways that lead nowhere.
    if report.errors() > 0 {
        return None;
    }
    flow::diagram(sheet, &plan, report)
}

impl Item {
    /// An error at this item.
    fn error(&self, code: Code) -> Diagnostic {
        let place = Place::Item { id: self.id.to_string(), text: self.text.clone(), span: None };
        Diagnostic::error(code, place).with("icon", &self.kind).with("x", self.x).with("y", self.y)
    }
}

#[cfg(test)]
mod tests;
