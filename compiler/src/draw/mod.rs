//! Draws a diagram as SVG.
//!
//! A diagram file has no coordinates: DRAKON's rules say where everything stands. The main way of each branch is a straight
//! vertical (the skewer) at the left, other ways are right of it, no lines cross, branches stand side by side.
//! [`plan`] says what is to be drawn, [`embed`] orders it from left to right, [`size`] measures texts and shapes,
//! [`place`] finds coordinates, [`layout`] puts columns together, [`svg`] writes. Every step takes a time that grows with
//! the diagram as `n log n` at most.
//!
//! Where lines could only cross (a graph that no DRAKON editor can draw), a line ends in a circle with a letter, and goes on
//! at the icon with that letter.

mod embed;
mod layout;
mod place;
mod plan;
mod shape;
mod size;
mod svg;
mod text;
mod theme;
mod words;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use bloom_ir::Diagnostic;
use bloom_ir::diagnostic::Place;
use bloom_ir::document::Locale;

use crate::graph::Graph;
use crate::read::{self, Diagram, Input};
use crate::report::Report;
use crate::{SourceFile, codes};
use layout::{Layout, foot_name};
use svg::{Page, taken};
pub use theme::Theme;
use words::Words;

/// How a picture is drawn.
#[derive(Clone, Debug, Default)]
pub struct DrawOptions {
    /// The language of the words that are added; absent: Ukrainian where the texts hold Cyrillic letters.
    pub locale: Option<Locale>,
    /// The colours.
    pub theme: Theme,
    /// What a run, or rehearsals, did.
    pub overlay: Option<Overlay>,
}

/// What a run, or rehearsals, did, by the ids of the icons.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overlay {
    /// How often each icon was passed.
    pub visits: BTreeMap<String, u64>,
    /// How long was waited at each icon, in milliseconds.
    pub time_ms: BTreeMap<String, u64>,
    /// How often the way from one icon to the next was taken.
    pub ways: BTreeMap<(String, String), u64>,
    /// Where the run is.
    pub current: BTreeSet<String>,
    /// Where it failed.
    pub failed: BTreeSet<String>,
    /// Whether icons and ways that were never passed are to be marked.
    pub coverage: bool,
}

impl Overlay {
    /// Adds a walk: the icons that were passed, in their order.
    pub fn walk<'a>(&mut self, icons: impl IntoIterator<Item = &'a str>) {
        let mut last: Option<&str> = None;
        for icon in icons {
            let visits = self.visits.entry(icon.to_owned()).or_default();
            *visits = visits.saturating_add(1);
            if let Some(last) = last {
                let taken = self.ways.entry((last.to_owned(), icon.to_owned())).or_default();
                *taken = taken.saturating_add(1);
            }
            last = Some(icon);
        }
    }
}

/// A picture, or why there is none.
#[derive(Clone, Debug)]
pub struct Drawing {
    /// The picture; absent where there is no diagram to draw.
    pub svg: Option<String>,
    /// Its size in pixels.
    pub width: u32,
    /// Its size in pixels.
    pub height: u32,
    /// How many lines go on at a letter because they could only cross others.
    pub cuts: usize,
    /// How many icons are not drawn because no run comes to them.
    pub undrawn: usize,
    /// What was found wrong with the diagram's shape; a picture may be there all the same.
    pub diagnostics: Vec<Diagnostic>,
}

/// Draws a diagram. Its texts need not be statements; its shape should hold, and is drawn as far as it does.
pub fn draw(source: &SourceFile<'_>, options: &DrawOptions) -> Drawing {
    let mut report = Report::default();
    let mut drawing = Drawing { svg: None, width: 0, height: 0, cuts: 0, undrawn: 0, diagnostics: Vec::new() };
    match read::read(source, &mut report) {
        Some(Input::Diagram(diagram)) => {
            if let Some(graph) = Graph::build(&diagram, &mut report) {
                let stem = source.name.trim_end_matches(".json").trim_end_matches(".drakon");
                let title = diagram.name.clone().unwrap_or_else(|| stem.to_owned());
                picture(&graph, &title, options, &mut drawing);
            }
        }
        Some(Input::Pseudocode(_)) => report.add(Diagnostic::error(codes::NO_PICTURE, Place::File)),
        None => {}
    }
    drawing.diagnostics = report.finish();
    drawing
}

fn picture(graph: &Graph<'_>, title: &str, options: &DrawOptions, drawing: &mut Drawing) {
    let locale = options.locale.unwrap_or_else(|| locale(graph.diagram, title));
    let words = Words::of(locale);
    let ways = options.overlay.as_ref().map(|overlay| taken(graph, overlay)).unwrap_or_default();
    let layout = Layout::new(graph, title, words, &ways);
    drawing.width = u32::try_from(layout.width).unwrap_or(u32::MAX);
    drawing.height = u32::try_from(layout.height).unwrap_or(u32::MAX);
    drawing.cuts = layout.cuts;
    drawing.undrawn = layout.undrawn;
    let language = locale.tag();
    let (theme, overlay) = (options.theme, options.overlay.as_ref());
    drawing.svg = Some(Page { graph, layout: &layout, words, theme, overlay, title, language }.write());
}

/// Ukrainian where the texts hold Cyrillic letters.
fn locale(diagram: &Diagram, title: &str) -> Locale {
    let cyrillic = |text: &str| text.chars().any(|letter| ('\u{400}'..='\u{52F}').contains(&letter));
    let mut texts = diagram.icons.iter().map(|icon| icon.text.as_str());
    if cyrillic(title) || texts.any(cyrillic) { Locale::Uk } else { Locale::En }
}
