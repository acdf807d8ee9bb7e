//! The native dialect of `DrakonHub` and `DrakonWidget`: a graph of items without coordinates, in JSON.

use std::collections::BTreeMap;
use std::fmt;

use bloom_ir::Diagnostic;
use bloom_ir::diagnostic::{Code, Place};

use super::html::plain_text;
use super::json::{Json, Object};
use super::kind::Kind;
use crate::codes;
use crate::report::Report;
use crate::text::{Near, nearest};

/// More items are no diagram that a person drew.
const MOST_ITEMS: usize = 65_536;

/// The number of a branch that has none.
pub(crate) const NO_NUMBER: i64 = i64::MAX;
/// The number of a branch whose own is no number, which was told.
pub(crate) const BROKEN_NUMBER: i64 = i64::MAX - 1;

/// The position of an icon in [`Diagram::icons`].
pub(crate) type ItemId = usize;

/// A diagram whose items are known and whose edges lead to items.
#[derive(Clone, Debug)]
pub(crate) struct Diagram {
    /// What the file calls itself.
    pub(crate) name: Option<String>,
    /// The parameters, as plain text.
    pub(crate) params: String,
    /// Whether it says that it is a machine, which waits for ever.
    pub(crate) machine: bool,
    /// In the order of the file.
    pub(crate) icons: Vec<Icon>,
}

/// An item of a diagram.
#[derive(Clone, Debug)]
pub(crate) struct Icon {
    /// As in the file.
    pub(crate) id: String,
    pub(crate) kind: Kind,
    /// The name of its type in the file; some types have two.
    pub(crate) type_name: String,
    /// What is written in it, as plain text.
    pub(crate) text: String,
    /// The upper text of an icon that has two.
    pub(crate) secondary: String,
    /// The icon below.
    pub(crate) one: Option<ItemId>,
    /// The icon to the right.
    pub(crate) two: Option<ItemId>,
    /// Whether an icon stands at its left.
    pub(crate) side: Option<ItemId>,
    /// Of a question: whether `one` is Yes.
    pub(crate) one_is_yes: bool,
    /// Of a branch: its number.
    pub(crate) branch: i64,
    /// Whether a connection of this icon leads nowhere, which was told: what is missing then is no other fault.
    pub(crate) severed: bool,
}

impl Icon {
    /// All that people read in it: the upper text, then the lower one.
    pub(crate) fn reading(&self) -> String {
        let texts = [self.secondary.trim(), self.text.trim()];
        texts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n")
    }

    /// The icon as a place, with the offending part of its text.
    pub(crate) fn place(&self, span: Option<std::ops::Range<usize>>) -> Place {
        Place::item(&self.id, &self.text, span)
    }

    /// An error of this icon as a whole.
    pub(crate) fn error(&self, code: Code) -> Diagnostic {
        Diagnostic::error(code, self.place(None)).with("icon", self.kind)
    }

    /// A warning about this icon as a whole.
    pub(crate) fn warning(&self, code: Code) -> Diagnostic {
        Diagnostic::warning(code, self.place(None)).with("icon", self.kind)
    }
}

/// Reads a diagram; what is wrong with it is in the report.
pub(super) fn read(content: &str, report: &mut Report) -> Option<Diagram> {
    let mut outer = match Json::read(content) {
        Ok(Json::Object(outer)) => outer,
        Ok(Json::Array) => return refuse(report, "array"),
        Ok(_) => {
            report.add(Diagnostic::error(codes::NOT_A_DIAGRAM, Place::File));
            return None;
        }
        Err(diagnostic) => {
            report.add(*diagnostic);
            return None;
        }
    };
    outer.tell_repeated(|| Place::File, report);
    let wrapper_name = outer.get("name").and_then(Json::as_str).map(str::to_owned);
    if outer.get("items").is_none() {
        match outer.take("diagram") {
            Some(Json::Object(inner)) => {
                inner.tell_repeated(|| Place::File, report);
                outer = inner;
            }
            Some(other) => {
                report.add(wrong_type(Place::File, "diagram", "object", other.type_name()));
                return None;
            }
            None => {}
        }
    }
    match outer.get("type") {
        None => {}
        Some(Json::String(kind)) if kind == "drakon" || kind.is_empty() || kind == "machine" => {}
        Some(Json::String(kind)) => return refuse(report, &kind.chars().take(40).collect::<String>()),
        Some(other) => {
            report.add(wrong_type(Place::File, "type", "string", other.type_name()));
            return None;
        }
    }
    let machine = outer.get("type").and_then(Json::as_str) == Some("machine")
        || matches!(outer.get("keywords"), Some(Json::Object(keywords)) if keywords.is_true("machine"));
    let items = match outer.take("items") {
        Some(Json::Object(Object(items))) => items,
        None if outer.get("ir").is_some() && outer.get("nodes").is_some() => return refuse(report, "ir"),
        _ => {
            report.add(Diagnostic::error(codes::NOT_A_DIAGRAM, Place::File));
            return None;
        }
    };
    if items.len() > MOST_ITEMS {
        report.add(
            Diagnostic::error(codes::TOO_LARGE, Place::File)
                .with("what", "items")
                .with("found", items.len())
                .with("limit", MOST_ITEMS),
        );
        return None;
    }
    let params = text_of(&|| Place::File, "params", outer.get("params"), report);
    let name = outer.get("name").and_then(Json::as_str).map(str::to_owned).or(wrapper_name);
    let icons = icons(items, report);
    Some(Diagram { name: name.filter(|name| !name.trim().is_empty()), params, machine, icons })
}

fn refuse<T>(report: &mut Report, dialect: &str) -> Option<T> {
    report.add(Diagnostic::error(codes::OTHER_DIALECT, Place::File).with("dialect", dialect));
    None
}

/// An item whose edges are not looked up yet.
struct Raw {
    icon: Icon,
    edges: [Edge; 3],
}

/// Where a field says that the way goes on.
struct Edge {
    field: &'static str,
    target: Option<String>,
}

/// What an id stands for.
enum Item {
    /// An icon.
    Icon(ItemId),
    /// Nothing that takes part in the flow.
    Decoration { icon: String },
    /// It could not be read, which was told.
    Broken,
}

fn icons(items: Vec<(String, Json)>, report: &mut Report) -> Vec<Icon> {
    let mut raws: Vec<Raw> = Vec::with_capacity(items.len());
    let mut ids: BTreeMap<String, Item> = BTreeMap::new();
    for (id, item) in items {
        let place = || Place::item(&id, "", None);
        let read = match item {
            Json::Object(fields) => raw(&id, &fields, report),
            other => {
                let field = format!("items.{}", id.chars().take(40).collect::<String>());
                report.add(wrong_type(place(), &field, "object", other.type_name()));
                Err(Item::Broken)
            }
        };
        let item = match read {
            Ok(raw) => {
                raws.push(raw);
                Item::Icon(raws.len() - 1)
            }
            Err(item) => item,
        };
        if ids.contains_key(&id) {
            report.add(Diagnostic::error(codes::REPEATED_ID, place()).with("id", &id));
        }
        ids.insert(id, item);
    }
    let mut icons: Vec<Icon> = Vec::with_capacity(raws.len());
    for Raw { mut icon, edges } in raws {
        for Edge { field, target } in edges {
            let Some(target) = target else { continue };
            match ids.get_mut(&target) {
                Some(Item::Icon(index)) => match field {
                    "one" => icon.one = Some(*index),
                    "two" => icon.two = Some(*index),
                    _ => icon.side = Some(*index),
                },
                Some(Item::Broken) => icon.severed = true,
                Some(item @ Item::Decoration { .. }) => {
                    if let Item::Decoration { icon } = std::mem::replace(item, Item::Broken) {
                        report.add(unknown_icon(Place::item(&target, "", None), &icon));
                    }
                    icon.severed = true;
                }
                None => {
                    let target: String = target.chars().take(60).collect();
                    report.add(icon.error(codes::DANGLING).with("field", field).with("target", target));
                    icon.severed |= field != "side";
                }
            }
        }
        icons.push(icon);
    }
    icons
}

/// The item, if it is an icon.
fn raw(id: &str, fields: &Object, report: &mut Report) -> Result<Raw, Item> {
    let content = fields.get("content").or_else(|| fields.get("text"));
    let text = text_of(&|| Place::item(id, "", None), "content", content, report);
    let place = || Place::item(id, &text, None);
    fields.tell_repeated(place, report);
    let edge = |field: &'static str, report: &mut Report| {
        let target = match fields.get(field) {
            None => None,
            Some(Json::String(target)) if target.is_empty() => None,
            Some(Json::String(target)) => Some(target.clone()),
            // Some tools write ids as numbers.
            Some(Json::Number(number)) => Some(number.to_string()),
            Some(other) => {
                report.add(wrong_type(place(), field, "string", other.type_name()));
                None
            }
        };
        Edge { field, target }
    };
    let edges = [edge("one", report), edge("two", report), edge("side", report)];
    let name = match fields.get("type") {
        Some(Json::String(name)) => name.as_str(),
        Some(other) => {
            report.add(wrong_type(place(), "type", "string", other.type_name()));
            return Err(Item::Broken);
        }
        None => "",
    };
    let Some(kind) = Kind::parse(name) else {
        if edges.iter().all(|edge| edge.target.is_none()) {
            return Err(Item::Decoration { icon: name.to_owned() });
        }
        report.add(unknown_icon(place(), name));
        return Err(Item::Broken);
    };
    let secondary = text_of(&place, "secondary", fields.get("secondary"), report);
    let one_is_yes = kind == Kind::Question && flag(&place, fields.get("flag1"), report);
    let branch = match fields.get("branchId") {
        Some(Json::Number(number)) if number.is_i64() => number.as_i64().unwrap_or_default(),
        Some(Json::Number(number)) if kind == Kind::Branch => {
            report.add(wrong_type(place(), "branchId", "integer", number));
            BROKEN_NUMBER
        }
        Some(other) if kind == Kind::Branch => {
            report.add(wrong_type(place(), "branchId", "integer", other.type_name()));
            BROKEN_NUMBER
        }
        _ => NO_NUMBER,
    };
    let icon = Icon {
        id: id.to_owned(),
        kind,
        type_name: name.to_owned(),
        text,
        secondary,
        one: None,
        two: None,
        side: None,
        one_is_yes,
        branch,
        severed: false,
    };
    Ok(Raw { icon, edges })
}

/// Whether `one` of a question is Yes. What a guess could turn around is not guessed.
fn flag(place: &impl Fn() -> Place, value: Option<&Json>, report: &mut Report) -> bool {
    match value {
        None | Some(Json::Bool(false)) => false,
        Some(Json::Bool(true)) => true,
        Some(Json::Number(number)) if number.as_f64() == Some(1.0) => true,
        Some(Json::Number(number)) if number.as_f64() == Some(0.0) => false,
        Some(Json::Number(number)) => {
            report.add(wrong_type(place(), "flag1", "flag", number));
            false
        }
        Some(Json::String(text)) => {
            let text: String = text.chars().take(20).collect();
            report.add(wrong_type(place(), "flag1", "flag", format!("\"{text}\"")));
            false
        }
        Some(other) => {
            report.add(wrong_type(place(), "flag1", "flag", other.type_name()));
            false
        }
    }
}

fn unknown_icon(place: Place, name: &str) -> Diagnostic {
    let icon: String = if name.is_empty() { "untyped".to_owned() } else { name.chars().take(40).collect() };
    let near = nearest(&icon, Kind::NAMES.iter().copied());
    let near = near.as_ref().map_or("none", Near::word);
    Diagnostic::error(codes::UNKNOWN_ICON, place).with("icon", &icon).with("nearest", near)
}

fn text_of(place: &impl Fn() -> Place, field: &str, value: Option<&Json>, report: &mut Report) -> String {
    match value {
        None => String::new(),
        Some(Json::String(text)) => plain_text(text),
        Some(other) => {
            report.add(wrong_type(place(), field, "string", other.type_name()));
            String::new()
        }
    }
}

fn wrong_type(place: Place, field: &str, expected: &str, found: impl fmt::Display) -> Diagnostic {
    Diagnostic::error(codes::WRONG_TYPE, place).with("field", field).with("expected", expected).with("found", found)
}
