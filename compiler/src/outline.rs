//! What stands around an icon or a line: what a person looks for first when told that something is wrong there.

use std::collections::BTreeMap;

use bloom_ir::document::Locale;

use crate::read::{Diagram, Icon, ItemId, Kind};

/// More ways than these are counted and not shown.
const MOST_SHOWN: usize = 4;

/// What a file holds, as far as its diagnostics are to be shown among their neighbours.
#[derive(Clone, Debug, Default)]
pub struct Outline(Content);

#[derive(Clone, Debug, Default)]
enum Content {
    /// It could not be read, or nothing is to be shown.
    #[default]
    Nothing,
    Diagram {
        diagram: Diagram,
        ids: BTreeMap<String, ItemId>,
        /// Of each icon those that lead to it.
        before: Vec<Vec<ItemId>>,
    },
    Program {
        text: String,
        /// Where each line begins.
        lines: Vec<usize>,
    },
}

/// What stands beside an icon.
pub(crate) struct Neighbours<'a> {
    /// What the icon is; the text above the other one, where it has two.
    pub(crate) icon: &'a Icon,
    /// What leads to it.
    pub(crate) before: Vec<Way<'a>>,
    pub(crate) more_before: usize,
    /// Where it leads.
    pub(crate) after: Vec<Way<'a>>,
    pub(crate) more_after: usize,
}

/// A connection from or to an icon.
pub(crate) struct Way<'a> {
    /// The answer or the value that leads this way.
    pub(crate) label: String,
    /// The icon at its other end; none where the way breaks off.
    pub(crate) icon: Option<&'a Icon>,
}

impl Outline {
    pub(crate) fn of_diagram(diagram: Diagram) -> Self {
        let ids = diagram.icons.iter().enumerate().map(|(index, icon)| (icon.id.clone(), index)).collect();
        let mut before = vec![Vec::new(); diagram.icons.len()];
        for (index, icon) in diagram.icons.iter().enumerate() {
            let second = icon.two.filter(|two| Some(*two) != icon.one);
            for target in [icon.one, second].into_iter().flatten() {
                before[target].push(index);
            }
        }
        Self(Content::Diagram { diagram, ids, before })
    }

    pub(crate) fn of_program(text: &str) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self(Content::Program { text: text.to_owned(), lines })
    }

    /// What stands beside the icon, if there is one with this id.
    pub(crate) fn neighbours(&self, id: &str, locale: Locale) -> Option<Neighbours<'_>> {
        let Content::Diagram { diagram, ids, before } = &self.0 else { return None };
        let item = *ids.get(id)?;
        let icon = &diagram.icons[item];
        let after = ways(diagram, icon, locale);
        let leading = before[item].iter().map(|from| {
            let from = &diagram.icons[*from];
            Way { label: label(from, from.one == Some(item), locale), icon: Some(from) }
        });
        Some(Neighbours {
            icon,
            before: leading.take(MOST_SHOWN).collect(),
            more_before: before[item].len().saturating_sub(MOST_SHOWN),
            more_after: after.len().saturating_sub(MOST_SHOWN),
            after: after.into_iter().take(MOST_SHOWN).collect(),
        })
    }

    /// The lines before and after a line that say something, with their numbers.
    pub(crate) fn lines_around(&self, line: usize) -> [Option<(usize, &str)>; 2] {
        let Content::Program { text, lines } = &self.0 else { return [None, None] };
        let content = |number: usize| {
            let end = lines.get(number).map_or(text.len(), |next| next - 1);
            (number, &text[lines[number - 1]..end])
        };
        let says = |(_, content): &(usize, &str)| !content.trim().is_empty();
        let before = (1..line.min(lines.len() + 1)).rev().map(content).find(says);
        let after = (line + 1..=lines.len()).map(content).find(says);
        [before, after]
    }
}

fn ways<'a>(diagram: &'a Diagram, icon: &'a Icon, locale: Locale) -> Vec<Way<'a>> {
    let way = |label: String, to: Option<ItemId>| Way { label, icon: to.map(|to| &diagram.icons[to]) };
    match icon.kind {
        Kind::End | Kind::Duration => Vec::new(),
        Kind::Question => {
            let (down, right) = (way(label(icon, true, locale), icon.one), way(label(icon, false, locale), icon.two));
            if icon.one_is_yes { vec![down, right] } else { vec![right, down] }
        }
        Kind::Select => {
            let mut cases = Vec::new();
            let mut next = icon.one;
            // A row of cases that turns back on itself is told elsewhere.
            while let Some(case) = next.filter(|_| cases.len() <= diagram.icons.len()) {
                cases.push(way(String::new(), Some(case)));
                next = diagram.icons[case].two;
            }
            if cases.is_empty() { vec![way(String::new(), None)] } else { cases }
        }
        Kind::ParBegin => {
            [Some(icon.one), icon.two.map(Some)].into_iter().flatten().map(|to| way(String::new(), to)).collect()
        }
        _ => vec![way(String::new(), icon.one)],
    }
}

/// What is written at a way that leaves an icon.
fn label(icon: &Icon, is_one: bool, locale: Locale) -> String {
    if icon.kind != Kind::Question {
        return String::new();
    }
    match (is_one == icon.one_is_yes, locale) {
        (true, Locale::En) => "Yes",
        (true, Locale::Uk) => "Так",
        (false, Locale::En) => "No",
        (false, Locale::Uk) => "Ні",
    }
    .to_owned()
}
