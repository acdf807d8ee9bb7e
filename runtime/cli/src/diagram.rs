//! A flow's diagram, as far as its document tells: an icon among its neighbours, for people.

use bloom_compiler::{IconNote, Outline, excerpt};
use bloom_interpreter::rehearse::icon_ways;
use bloom_ir::Document;
use bloom_ir::document::{Locale, SourceKind};
use std::collections::BTreeMap;

use crate::catalogue::{Catalogue, text};
use crate::output::{cut, one_line};

/// The icons of a flow; of pseudocode its lines.
#[derive(Default)]
pub(crate) struct Diagram {
    outline: Outline,
    of_lines: bool,
    /// In the order in which a program comes to them: by the node that stands first.
    order: Vec<String>,
    texts: BTreeMap<String, String>,
}

impl Diagram {
    /// The diagram of a document; empty where it does not tell of one.
    pub(crate) fn of(document: &Document) -> Self {
        let Some(source) = &document.source else { return Self::default() };
        let mut texts: BTreeMap<String, String> = BTreeMap::new();
        let mut order = Vec::new();
        let mut first: Vec<(usize, &str, &str)> = Vec::new();
        for (node, spot) in &source.map {
            if spot.first {
                first.push((node.as_str().len(), node.as_str(), &spot.item));
            }
            if let Some(text) = &spot.text {
                texts.insert(spot.item.clone(), text.clone());
            }
        }
        // `n10` after `n9`.
        first.sort_unstable();
        for (_, _, item) in first {
            if !order.iter().any(|known| known == item) {
                order.push(item.to_owned());
            }
        }
        let of_lines = source.kind == SourceKind::Pseudocode;
        let outline = if of_lines {
            Outline::of_lines(texts.iter().filter_map(|(line, text)| Some((line.parse().ok()?, text.clone()))))
        } else {
            let mut kinds: BTreeMap<&str, &str> =
                source.icons.iter().map(|(item, kind)| (item.as_str(), kind.as_str())).collect();
            for spot in source.map.values() {
                kinds.entry(&spot.item).or_default();
            }
            let note = |(item, kind): (&str, &str)| IconNote {
                item: item.to_owned(),
                kind: kind.to_owned(),
                text: texts.get(item).cloned().unwrap_or_default(),
            };
            let ways = icon_ways(document).into_iter().map(|way| (way.from, way.arm, way.to));
            Outline::of_icons(kinds.into_iter().map(note).collect(), ways)
        };
        Self { outline, of_lines, order, texts }
    }

    /// The icons, in the order of the program.
    pub(crate) fn items(&self) -> impl Iterator<Item = &str> {
        self.order.iter().map(String::as_str)
    }

    /// Whether it has the icon.
    pub(crate) fn has(&self, item: &str) -> bool {
        self.order.iter().any(|known| known == item)
    }

    /// What is written in an icon.
    pub(crate) fn text(&self, item: &str) -> &str {
        self.texts.get(item).map_or("", String::as_str)
    }

    /// `icon 14: size(notes) > 0`, on one line of at most so many columns.
    pub(crate) fn name(&self, item: &str, columns: usize, catalogue: &Catalogue) -> String {
        let place = if self.of_lines {
            text!(catalogue, "at-line", item = item)
        } else {
            text!(catalogue, "at-icon", item = item)
        };
        let text = one_line(self.text(item));
        if text.is_empty() { place } else { cut(&format!("{place}: {text}"), columns) }
    }

    /// The icon among its neighbours, in lines. The writer takes the colours away where they are not wanted.
    pub(crate) fn excerpt(&self, item: &str, locale: Locale) -> String {
        excerpt(item, self.text(item), &self.outline, locale, true)
    }
}
