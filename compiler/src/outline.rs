//! What stands around an icon or a line: what a person looks for first when told that something is wrong there.

use std::collections::BTreeMap;

use bloom_ir::document::Locale;

use crate::read::{Diagram, Icon, ItemId, Kind, NO_NUMBER};

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
    /// What a document tells of its diagram.
    Icons {
        icons: Vec<Icon>,
        ids: BTreeMap<String, ItemId>,
        /// From which icon, by which way out, to which.
        ways: Vec<(ItemId, String, ItemId)>,
    },
    /// What a document tells of its pseudocode, by line.
    Lines(BTreeMap<usize, String>),
    Program {
        text: String,
        /// Where each line begins.
        lines: Vec<usize>,
    },
}

/// An icon, as far as a document tells; of pseudocode a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IconNote {
    /// Its id; of a line its number.
    pub item: String,
    /// Its type, as `action`; empty where it is not known.
    pub kind: String,
    /// What people read in it.
    pub text: String,
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

    /// Of the icons that a document names, with the ways between them: from which, by which way out of the source map, to
    /// which.
    pub fn of_icons(icons: Vec<IconNote>, ways: impl IntoIterator<Item = (String, String, String)>) -> Self {
        let icons: Vec<Icon> = icons.into_iter().map(IconNote::into_icon).collect();
        let ids: BTreeMap<String, ItemId> =
            icons.iter().enumerate().map(|(index, icon)| (icon.id.clone(), index)).collect();
        let known = |item: &String| ids.get(item).copied();
        let ways = ways.into_iter().filter_map(|(from, arm, to)| Some((known(&from)?, arm, known(&to)?)));
        let ways = ways.collect();
        Self(Content::Icons { icons, ids, ways })
    }

    /// Of the lines that a document names.
    pub fn of_lines(lines: impl IntoIterator<Item = (usize, String)>) -> Self {
        Self(Content::Lines(lines.into_iter().collect()))
    }

    pub(crate) fn of_program(text: &str) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self(Content::Program { text: text.to_owned(), lines })
    }

    /// What stands beside the icon, if there is one with this id.
    pub(crate) fn neighbours(&self, id: &str, locale: Locale) -> Option<Neighbours<'_>> {
        if let Content::Icons { icons, ids, ways } = &self.0 {
            return Some(beside(icons, *ids.get(id)?, ways, locale));
        }
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

    /// Whether it is of pseudocode.
    pub(crate) fn has_lines(&self) -> bool {
        matches!(self.0, Content::Lines(_) | Content::Program { .. })
    }

    /// The lines before and after a line that say something, with their numbers.
    pub(crate) fn lines_around<'a>(&'a self, line: usize) -> [Option<(usize, &'a str)>; 2] {
        if let Content::Lines(lines) = &self.0 {
            let line_of = |(number, text): (&usize, &'a String)| (*number, text.as_str());
            let after = line.saturating_add(1);
            return [lines.range(..line).next_back().map(line_of), lines.range(after..).next().map(line_of)];
        }
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

impl IconNote {
    fn into_icon(self) -> Icon {
        let Self { item, kind, text } = self;
        Icon {
            id: item,
            kind: Kind::parse(&kind).unwrap_or(Kind::Action),
            type_name: kind,
            text,
            secondary: String::new(),
            one: None,
            two: None,
            side: None,
            one_is_yes: true,
            branch: NO_NUMBER,
            severed: false,
        }
    }
}

/// What stands beside an icon of which a document tells.
fn beside<'a>(icons: &'a [Icon], item: ItemId, ways: &[(ItemId, String, ItemId)], locale: Locale) -> Neighbours<'a> {
    let way = |from: ItemId, arm: &str, to: ItemId| {
        let label = if icons[from].kind == Kind::Question && matches!(arm, "then" | "else") {
            label(&icons[from], arm == "then", locale)
        } else {
            String::new()
        };
        Way { label, icon: Some(&icons[to]) }
    };
    let leading: Vec<_> = ways.iter().filter(|(_, _, to)| *to == item).collect();
    let mut leaving: Vec<_> = ways.iter().filter(|(from, _, _)| *from == item).collect();
    leaving.sort_by_key(|(_, arm, _)| matches!(arm.as_str(), "else" | "done"));
    let before = leading.iter().map(|(from, arm, to)| Way { icon: Some(&icons[*from]), ..way(*from, arm, *to) });
    let after = leaving.iter().map(|(from, arm, to)| way(*from, arm, *to));
    Neighbours {
        icon: &icons[item],
        before: before.take(MOST_SHOWN).collect(),
        more_before: leading.len().saturating_sub(MOST_SHOWN),
        after: after.take(MOST_SHOWN).collect(),
        more_after: leaving.len().saturating_sub(MOST_SHOWN),
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
