//! A diagram from its file.

use std::collections::{BTreeMap, BTreeSet};

use bloom_tool::{Failure, OrFail as _};
use serde_json::{Map, Value};

use crate::html::plain_text;
use crate::{Icon, Way};

/// More items are no diagram that a person drew.
const MOST_ITEMS: usize = 65_536;

/// A diagram with its icons in the order in which a reader meets them: branch by branch, down first, then to the right.
pub(crate) struct Diagram {
    pub(crate) name: String,
    pub(crate) params: String,
    pub(crate) icons: Vec<Icon>,
    /// Branches in their order; empty where there is only one.
    pub(crate) branches: Vec<String>,
}

impl Diagram {
    /// Reads a file with this name.
    pub(crate) fn read(bytes: &[u8], name: &str) -> Result<Self, Failure> {
        let wrong = |message: &str| Err(Failure::new("not_a_diagram", message));
        if bytes.starts_with(b"SQLite format 3\0") {
            return wrong("it is a file of DRAKON Editor: `bloom import` makes `.drakon` files of it");
        }
        let text = std::str::from_utf8(bytes).or_fail("not_a_diagram")?;
        let value: Value =
            serde_json::from_str(text.strip_prefix('\u{feff}').unwrap_or(text)).or_fail("not_a_diagram")?;
        let Value::Object(mut outer) = value else { return wrong("it is JSON, but no object") };
        let wrapper = text_of(&outer, "name");
        if !outer.contains_key("items")
            && let Some(Value::Object(inner)) = outer.remove("diagram")
        {
            outer = inner;
        }
        let Some(Value::Object(items)) = outer.get("items") else { return wrong("it has no `items`") };
        if items.len() > MOST_ITEMS {
            return Err(Failure::new(
                "diagram_too_large",
                format!("it has {} items, more than {MOST_ITEMS}", items.len()),
            ));
        }
        let icons = items.iter().filter_map(|(id, item)| Some((id.as_str(), item.as_object()?)));
        let icons: BTreeMap<&str, &Map<String, Value>> = icons.filter(|(_, item)| is_icon(item)).collect();
        let mut starts: Vec<(i64, &str)> = icons.iter().filter_map(|(id, item)| Some((number(item)?, *id))).collect();
        starts.sort_unstable();
        let mut ordered: Vec<Icon> = Vec::with_capacity(icons.len());
        let mut seen = BTreeSet::new();
        // What no way leads to comes last.
        for start in starts.iter().map(|(_, id)| *id).chain(by_number(icons.keys().copied())) {
            walk(start, &icons, &mut seen, &mut ordered)?;
        }
        let name = [text_of(&outer, "name"), wrapper, name.to_owned()].into_iter().find(|name| !name.trim().is_empty());
        let branches =
            if starts.len() > 1 { starts.iter().map(|(_, id)| (*id).to_owned()).collect() } else { Vec::new() };
        Ok(Self { name: name.unwrap_or_default(), params: text_of(&outer, "params"), icons: ordered, branches })
    }
}

/// Appends an icon and those that follow, each once.
fn walk<'a>(
    start: &'a str,
    icons: &BTreeMap<&'a str, &'a Map<String, Value>>,
    seen: &mut BTreeSet<&'a str>,
    ordered: &mut Vec<Icon>,
) -> Result<(), Failure> {
    let mut open = vec![start];
    while let Some(id) = open.pop() {
        let Some((id, item)) = icons.get_key_value(id).map(|(id, item)| (*id, *item)) else { continue };
        if !seen.insert(id) {
            continue;
        }
        let next = ways(id, item, icons)?;
        // Branches are walked in their own order, and the end stands at the end.
        let follow =
            next.iter().rev().filter_map(|way| icons.get_key_value(way.to.as_deref()?).map(|(id, item)| (*id, *item)));
        open.extend(follow.filter(|(_, item)| number(item).is_none()).map(|(id, _)| id));
        ordered.push(Icon { id: id.to_owned(), kind: kind(item).to_owned(), text: reading(item), next });
    }
    Ok(())
}

fn ways(id: &str, item: &Map<String, Value>, icons: &BTreeMap<&str, &Map<String, Value>>) -> Result<Vec<Way>, Failure> {
    let labels = match kind(item) {
        "question" if one_is_yes(id, item)? => ["yes", "no", "side"],
        "question" => ["no", "yes", "side"],
        "case" => ["", "else", "side"],
        _ => ["", "right", "side"],
    };
    let ways = ["one", "two", "side"].into_iter().zip(labels);
    Ok(ways
        .filter_map(|(field, label)| {
            let to = match item.get(field)? {
                Value::String(to) if !to.is_empty() => to.clone(),
                // Some tools write ids as numbers.
                Value::Number(to) => to.to_string(),
                _ => return None,
            };
            let to = icons.contains_key(to.as_str()).then_some(to);
            Some(Way { to, label: label.to_owned() })
        })
        .collect())
}

/// Whether `one` of a question is Yes. What a guess could turn around is not guessed.
fn one_is_yes(id: &str, item: &Map<String, Value>) -> Result<bool, Failure> {
    match item.get("flag1") {
        None | Some(Value::Null | Value::Bool(false)) => Ok(false),
        Some(Value::Bool(true)) => Ok(true),
        Some(Value::Number(number)) if number.as_f64() == Some(1.0) => Ok(true),
        Some(Value::Number(number)) if number.as_f64() == Some(0.0) => Ok(false),
        Some(other) => {
            let message =
                format!("`flag1` of the question {} is {other}, which says neither Yes nor No", id.escape_debug());
            Err(Failure::new("not_a_diagram", message))
        }
    }
}

/// Whether it takes part in the flow: what has no type, or one that is nobody's, and leads nowhere is decoration.
fn is_icon(item: &Map<String, Value>) -> bool {
    let leads =
        ["one", "two", "side"].iter().any(|field| item.get(*field).is_some_and(|to| *to != Value::Null && *to != ""));
    leads || KINDS.contains(&kind(item))
}

const KINDS: [&str; 26] = [
    "action",
    "arrow-loop",
    "branch",
    "case",
    "comment",
    "ctrlend",
    "ctrlstart",
    "duration",
    "end",
    "input",
    "insertion",
    "loopbegin",
    "loopend",
    "output",
    "parbegin",
    "parend",
    "pause",
    "process",
    "question",
    "select",
    "shelf",
    "simpleinput",
    "sinput",
    "simpleoutput",
    "soutput",
    "timer",
];

fn kind(item: &Map<String, Value>) -> &str {
    item.get("type").and_then(Value::as_str).unwrap_or_default()
}

/// The number of a branch.
fn number(item: &Map<String, Value>) -> Option<i64> {
    if kind(item) != "branch" {
        return None;
    }
    Some(item.get("branchId").and_then(Value::as_i64).unwrap_or(i64::MAX))
}

/// What people read in an icon.
fn reading(item: &Map<String, Value>) -> String {
    let content = if item.get("content").is_some_and(Value::is_string) { "content" } else { "text" };
    let texts = [text_of(item, "secondary"), text_of(item, content)].map(|text| text.trim().to_owned());
    texts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n")
}

fn text_of(fields: &Map<String, Value>, name: &str) -> String {
    plain_text(fields.get(name).and_then(Value::as_str).unwrap_or_default())
}

/// Ids as people count them: `2` before `10`.
fn by_number<'a>(ids: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut ids: Vec<&str> = ids.collect();
    ids.sort_by_key(|id| (id.parse::<u64>().unwrap_or(u64::MAX), *id));
    ids
}
