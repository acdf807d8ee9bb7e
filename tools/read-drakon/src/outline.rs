//! A diagram as a text: a line for each icon, numbered; an arrow where a way does not go on to the next line.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::Icon;
use crate::diagram::Diagram;

pub(crate) fn outline(diagram: &Diagram) -> String {
    let numbers: BTreeMap<&str, usize> =
        diagram.icons.iter().enumerate().map(|(index, icon)| (icon.id.as_str(), index + 1)).collect();
    let mut text = diagram.name.clone();
    if !diagram.params.trim().is_empty() {
        let _ = write!(text, "({})", diagram.params.trim());
    }
    text.push('\n');
    for (index, icon) in diagram.icons.iter().enumerate() {
        if diagram.branches.contains(&icon.id) {
            text.push('\n');
        }
        let number = index + 1;
        // A string takes all.
        let _ = write!(text, "{number}. {}", if icon.kind.is_empty() { "?" } else { &icon.kind });
        if !icon.text.is_empty() {
            // The lines below the first stand under it.
            let _ = write!(text, ": {}", icon.text.replace('\n', "\n   "));
        }
        let ways = ways(icon, number, &numbers);
        if !ways.is_empty() {
            let _ = write!(text, " → {}", ways.join(", "));
        }
        text.push('\n');
    }
    text
}

fn ways(icon: &Icon, number: usize, numbers: &BTreeMap<&str, usize>) -> Vec<String> {
    let mut ways = Vec::new();
    for way in &icon.next {
        let to = way.to.as_deref().and_then(|to| numbers.get(to).copied());
        if way.label.is_empty() && to == Some(number + 1) {
            continue;
        }
        let to = to.map_or_else(|| "nowhere".to_owned(), |to| to.to_string());
        ways.push(if way.label.is_empty() { to } else { format!("{}: {to}", way.label) });
    }
    ways
}
