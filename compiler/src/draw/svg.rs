//! A layout as SVG. Text of a diagram is escaped wherever it stands, and nothing in the file can run or load anything.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::graph::Graph;
use crate::read::{ItemId, Kind};

use super::layout::{Layout, Placed, Role, Wire};
use super::shape::outline;
use super::size::Shape;
use super::text::{BASELINE, LEADING, Line, clean, count, is_right_to_left};
use super::theme::Theme;
use super::words::Words;
use super::{Overlay, foot_name};

/// Titles for those who cannot see the picture are cut after so many letters: they are read aloud.
const SPOKEN: usize = 200;

pub(super) struct Page<'a, 'd> {
    pub(super) graph: &'a Graph<'d>,
    pub(super) layout: &'a Layout,
    pub(super) words: &'a Words,
    pub(super) theme: Theme,
    pub(super) overlay: Option<&'a Overlay>,
    pub(super) title: &'a str,
    pub(super) language: &'a str,
}

impl Page<'_, '_> {
    pub(super) fn write(&self) -> String {
        let Layout { width, height, .. } = self.layout;
        let mut out = String::with_capacity(self.layout.placed.len() * 400 + 4096);
        let title = escaped(&spoken(self.title));
        let counted = format!("{}: {}", self.words.icons, self.layout.placed.len());
        // Writing to a string does not fail, here and below.
        let _ = write!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"bloom\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" lang=\"{}\" role=\"graphics-document document\" \
             aria-labelledby=\"bloom-title bloom-desc\">\n<title id=\"bloom-title\">{title}</title>\n\
             <desc id=\"bloom-desc\">DRAKON · {counted}</desc>\n",
            self.language
        );
        if self.theme != Theme::OfPage {
            let _ = writeln!(out, "<style>{}</style>", self.theme.style());
        }
        let _ = writeln!(out, "<rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>");
        // What was taken lies over what was not.
        for lit in [false, true] {
            for wire in self.layout.wires.iter().filter(|wire| (wire.taken > 0) == lit) {
                self.wire(wire, &mut out);
            }
        }
        for placed in &self.layout.placed {
            self.block(placed, &mut out);
        }
        for arrow in &self.layout.arrows {
            let words = self.words.kind(Kind::ArrowLoop);
            let (x, y) = (arrow.x, arrow.y);
            let _ = writeln!(
                out,
                "{}<title>{words}</title><path class=\"head{}\" d=\"M{x} {y}l11 -5v10Z\"/></g>",
                self.group(Some(arrow.item), "loop"),
                self.state(Some(arrow.item))
            );
            self.badge(Some(arrow.item), x + 60, y - 14, &mut out);
        }
        for label in &self.layout.labels {
            let _ = writeln!(out, "<text class=\"answer\" x=\"{}\" y=\"{}\">{}</text>", label.x, label.y, label.text);
        }
        for placed in &self.layout.placed {
            let item = placed.block.item.filter(|_| placed.block.shape != Shape::Letter);
            self.badge(item, placed.x + placed.block.width, placed.y, &mut out);
        }
        out.push_str("</svg>\n");
        out
    }

    fn wire(&self, wire: &Wire, out: &mut String) {
        let class = match wire.role {
            Role::Way if self.is_coverage() && wire.taken == 0 => "way never",
            Role::Way if wire.taken > 0 => "way taken",
            Role::Way => "way",
            Role::Bar(_) => "bar",
            Role::Rail => "rail",
            Role::Tie => "tie",
        };
        let mut path = String::new();
        for (index, (x, y)) in wire.points.iter().enumerate() {
            let _ = write!(path, "{}{x} {y}", if index == 0 { 'M' } else { 'L' });
        }
        let item = match wire.role {
            Role::Bar(item) => item,
            _ => None,
        };
        if let Some(item) = item {
            let name = self.words.kind(self.graph.icon(item).kind);
            let _ = write!(out, "{}<title>{name}</title>", self.group(Some(item), "parallel"));
        }
        let _ = write!(out, "<path class=\"{class}\" d=\"{path}\"/>");
        if item.is_some() {
            out.push_str("</g>");
        }
        if let (true, [.., (fx, _), (x, y)], Role::Rail | Role::Tie) = (wire.arrow, &wire.points[..], wire.role) {
            let back = if fx < x { -9 } else { 9 };
            let _ = write!(out, "<path class=\"head\" d=\"M{x} {y}l{back} -4v8Z\"/>");
        }
        out.push('\n');
    }

    fn is_coverage(&self) -> bool {
        self.overlay.is_some_and(|overlay| overlay.coverage)
    }

    fn id(&self, item: ItemId) -> &str {
        &self.graph.icon(item).id
    }

    fn group(&self, item: Option<ItemId>, class: &str) -> String {
        match item {
            Some(item) => {
                let id = escaped(&clean(self.id(item)));
                format!("<g class=\"icon {class}\" data-item=\"{id}\" role=\"graphics-symbol img\">")
            }
            None => format!("<g class=\"icon {class}\" role=\"graphics-symbol img\">"),
        }
    }

    /// The classes that a run gives an icon.
    fn state(&self, item: Option<ItemId>) -> &'static str {
        let (Some(overlay), Some(item)) = (self.overlay, item) else { return "" };
        let id = self.id(item);
        if overlay.failed.contains(id) {
            " failed"
        } else if overlay.current.contains(id) {
            " current"
        } else if overlay.visits.get(id).copied().unwrap_or(0) > 0 {
            " taken"
        } else if overlay.coverage && self.graph.icon(item).kind != Kind::Duration {
            " never"
        } else {
            ""
        }
    }

    fn block(&self, placed: &Placed, out: &mut String) {
        let block = &placed.block;
        let (class, name) = match block.shape {
            Shape::Capsule if block.item.is_some() => ("end", self.words.kind(Kind::End)),
            Shape::Capsule => ("title", self.words.title),
            Shape::Parameters => ("parameters", self.words.parameters),
            Shape::Header => ("branch", self.words.kind(Kind::Branch)),
            Shape::Address => ("address", self.words.address),
            Shape::Letter => ("letter", self.words.goes_on),
            Shape::Of(kind) => (class(kind), self.words.kind(kind)),
        };
        let mut label = name.to_owned();
        let text = match (block.shape, block.item) {
            (Shape::Parameters, _) => self.graph.diagram.params.clone(),
            (Shape::Capsule, None) => self.title.to_owned(),
            (Shape::Address, Some(item)) => foot_name(self.graph, item),
            (_, Some(item)) => {
                let icon = self.graph.icon(item);
                if icon.secondary.trim().is_empty() {
                    icon.text.clone()
                } else {
                    format!("{}: {}", icon.secondary, icon.text)
                }
            }
            _ => String::new(),
        };
        if !text.trim().is_empty() {
            let _ = write!(label, ": {}", spoken(&text));
        }
        if let Some(told) = self.told(block.item) {
            let _ = write!(label, " ({told})");
        }
        let (outer, inner) = outline(placed);
        let state = self.state(block.item.filter(|_| block.shape != Shape::Letter));
        let _ = write!(
            out,
            "{}<title>{}</title><path class=\"shape{state}\" d=\"{outer}\"/>",
            self.group(block.item, class),
            escaped(&label)
        );
        if !inner.is_empty() {
            let _ = write!(out, "<path class=\"inner\" d=\"{inner}\"/>");
        }
        for text in texts(placed) {
            let weight = if block.is_bold { " strong" } else { "" };
            let direction = if text.is_right_to_left { " direction=\"rtl\"" } else { "" };
            let _ = write!(
                out,
                "<text class=\"text{weight}{}\" xml:space=\"preserve\" x=\"{}\" y=\"{}\"{direction}>{}</text>",
                if text.is_centred { " mid" } else { "" },
                text.x,
                text.y,
                escaped(&text.line.text)
            );
        }
        out.push_str("</g>\n");
    }

    /// What a run did at an icon, in words.
    fn told(&self, item: Option<ItemId>) -> Option<String> {
        let (overlay, id) = (self.overlay?, self.id(item?));
        let visits = overlay.visits.get(id).copied().unwrap_or(0);
        let mut told = Vec::new();
        if overlay.failed.contains(id) {
            told.push(self.words.failed.to_owned());
        }
        if overlay.current.contains(id) {
            told.push(self.words.current.to_owned());
        }
        if visits > 0 {
            told.push(format!("{}: {visits}", self.words.visited));
        } else if overlay.coverage {
            told.push(self.words.never.to_owned());
        }
        if let Some(time) = overlay.time_ms.get(id) {
            told.push(format!("{}: {}", self.words.took, self.words.duration(*time)));
        }
        (!told.is_empty()).then(|| told.join(", "))
    }

    /// How often and how long, at the upper right corner of an icon.
    fn badge(&self, item: Option<ItemId>, right: i64, top: i64, out: &mut String) {
        let (Some(overlay), Some(item)) = (self.overlay, item) else { return };
        let id = self.id(item);
        let visits = overlay.visits.get(id).copied().unwrap_or(0);
        let mut text = String::new();
        if visits > 1 {
            let _ = write!(text, "×{visits}");
        }
        // What took no time is not worth a word.
        if let Some(time) = overlay.time_ms.get(id).filter(|time| **time > 0) {
            let _ = write!(text, "{}{}", if text.is_empty() { "" } else { " · " }, self.words.duration(*time));
        }
        if text.is_empty() {
            return;
        }
        // The badge's letters are of eleven fourteenths of the size.
        let width = count(text.chars().count()) * 7 + 10;
        let _ = writeln!(
            out,
            "<g class=\"badge\" aria-hidden=\"true\"><rect x=\"{}\" y=\"{}\" width=\"{width}\" height=\"16\" rx=\"8\"/>\
             <text x=\"{}\" y=\"{}\">{text}</text></g>",
            right - width + 6,
            top - 9,
            right - width / 2 + 6,
            top + 3
        );
    }
}

/// A line of text at its place.
pub(super) struct TextAt<'a> {
    pub(super) line: &'a Line,
    /// Its middle if it is centred, else where it starts.
    pub(super) x: i64,
    /// The line that its letters stand on.
    pub(super) y: i64,
    pub(super) is_centred: bool,
    pub(super) is_right_to_left: bool,
}

/// The lines of a block: few are centred, more are set flush, as a paragraph is.
pub(super) fn texts(placed: &Placed) -> Vec<TextAt<'_>> {
    let block = &placed.block;
    let padding = block.shape.padding();
    let mut texts = Vec::new();
    let room = block.width - padding.left - padding.right;
    let middle = placed.x + padding.left + room / 2;
    let set = |lines: &[Line], top: i64, height: i64| -> Vec<(usize, i64, i64, bool, bool)> {
        let widest = lines.iter().map(|line| line.width).max().unwrap_or(0);
        let flush = is_flush(block.shape, lines);
        let mut y = top + (height - super::text::height(lines)) / 2;
        let mut set = Vec::new();
        for (index, line) in lines.iter().enumerate() {
            let right = is_right_to_left(&line.text);
            let x = match (flush, right) {
                (false, _) => middle,
                (true, false) => middle - widest / 2,
                (true, true) => middle + widest - widest / 2,
            };
            if !line.text.is_empty() {
                set.push((index, x, y + BASELINE, !flush, right));
            }
            y += LEADING;
        }
        set
    };
    if block.shape == Shape::Letter {
        if let Some(line) = block.lines.first() {
            let y = placed.y + block.height / 2 + 5;
            texts.push(TextAt { line, x: placed.x + block.width / 2, y, is_centred: true, is_right_to_left: false });
        }
        return texts;
    }
    let lower = placed.y + block.upper_height + padding.top;
    let upper = set(&block.upper, placed.y, block.upper_height);
    let lower = set(&block.lines, lower, block.height - block.upper_height - padding.top - padding.bottom);
    for (lines, places) in [(&block.upper, upper), (&block.lines, lower)] {
        for (index, x, y, is_centred, is_right_to_left) in places {
            texts.push(TextAt { line: &lines[index], x, y, is_centred, is_right_to_left });
        }
    }
    texts
}

fn is_flush(shape: Shape, lines: &[Line]) -> bool {
    let is_indented = lines.iter().any(|line| line.text.starts_with([' ', '-', '•', '*']));
    match shape {
        Shape::Of(Kind::Action | Kind::Comment | Kind::Insertion) => lines.len() > 3 || is_indented,
        Shape::Parameters => true,
        _ => is_indented || lines.len() > 6,
    }
}

fn class(kind: Kind) -> &'static str {
    match kind {
        Kind::Question => "question",
        Kind::Select => "select",
        Kind::Case => "case",
        Kind::LoopBegin | Kind::LoopEnd => "loop",
        Kind::Comment => "comment",
        Kind::Input | Kind::Output | Kind::SimpleInput | Kind::SimpleOutput => "signal",
        Kind::Pause | Kind::Timer | Kind::Duration | Kind::ControlStart | Kind::ControlEnd => "time",
        Kind::Insertion | Kind::Process => "flow",
        _ => "action",
    }
}

/// What is read aloud of a text: one line, not too long.
fn spoken(text: &str) -> String {
    let cleaned = clean(text);
    let mut words = cleaned.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((at, _)) = words.char_indices().nth(SPOKEN) {
        words.truncate(at);
        words.push('…');
    }
    words
}

pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            character => escaped.push(character),
        }
    }
    escaped
}

/// The ways of a run by the icons' places in the diagram.
pub(super) fn taken(graph: &Graph<'_>, overlay: &Overlay) -> BTreeMap<(ItemId, ItemId), u64> {
    let icons = graph.diagram.icons.iter().enumerate();
    let places: BTreeMap<&str, ItemId> = icons.map(|(item, icon)| (icon.id.as_str(), item)).collect();
    let mut taken = BTreeMap::new();
    for ((from, to), count) in &overlay.ways {
        let (Some(from), Some(to)) = (places.get(from.as_str()).copied(), places.get(to.as_str()).copied()) else {
            continue;
        };
        let icon = graph.icon(from);
        // A loop that is over goes on below its end, where the line is.
        let from = match graph.partner[from] {
            Some(end) if icon.kind == Kind::LoopBegin && icon.one != Some(to) => end,
            _ => from,
        };
        let entry = taken.entry((from, to)).or_insert(0_u64);
        *entry = entry.saturating_add(*count);
    }
    taken
}
