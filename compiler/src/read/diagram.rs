//! The native dialect of `DrakonHub` and `DrakonWidget`: a graph of items without coordinates, in JSON.

use std::collections::BTreeMap;
use std::fmt;

use bloom_ir::Diagnostic;
use bloom_ir::diagnostic::Place;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::html::plain_text;
use crate::codes;
use crate::report::Report;

/// More items are no diagram that a person drew.
const MOST_ITEMS: usize = 65_536;

/// The position of an icon in [`Diagram::icons`].
pub(crate) type ItemId = usize;

/// A diagram whose items are known and whose edges lead to items.
#[derive(Debug)]
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
#[derive(Debug)]
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
}

impl Icon {
    /// All that people read in it: the upper text, then the lower one.
    pub(crate) fn reading(&self) -> String {
        let texts = [self.secondary.trim(), self.text.trim()];
        texts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n")
    }

    /// The icon as a place, with the offending part of its text.
    pub(crate) fn place(&self, span: Option<std::ops::Range<usize>>) -> Place {
        Place::Item { id: self.id.clone(), text: self.text.clone(), span }
    }

    /// An error of this icon as a whole.
    pub(crate) fn error(&self, code: bloom_ir::diagnostic::Code) -> Diagnostic {
        Diagnostic::error(code, self.place(None)).with("icon", self.kind)
    }

    /// A warning about this icon as a whole.
    pub(crate) fn warning(&self, code: bloom_ir::diagnostic::Code) -> Diagnostic {
        Diagnostic::warning(code, self.place(None)).with("icon", self.kind)
    }
}

/// What an icon is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Action,
    ArrowLoop,
    Branch,
    Case,
    Comment,
    ControlEnd,
    ControlStart,
    Duration,
    End,
    Input,
    Insertion,
    LoopBegin,
    LoopEnd,
    Output,
    ParBegin,
    ParEnd,
    Pause,
    Process,
    Question,
    Select,
    Shelf,
    SimpleInput,
    SimpleOutput,
    Timer,
}

impl Kind {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "action" => Self::Action,
            "arrow-loop" => Self::ArrowLoop,
            "branch" => Self::Branch,
            "case" => Self::Case,
            "comment" => Self::Comment,
            "ctrlend" => Self::ControlEnd,
            "ctrlstart" => Self::ControlStart,
            "duration" => Self::Duration,
            "end" => Self::End,
            "input" => Self::Input,
            "insertion" => Self::Insertion,
            "loopbegin" => Self::LoopBegin,
            "loopend" => Self::LoopEnd,
            "output" => Self::Output,
            "parbegin" => Self::ParBegin,
            "parend" => Self::ParEnd,
            "pause" => Self::Pause,
            "process" => Self::Process,
            "question" => Self::Question,
            "select" => Self::Select,
            "shelf" => Self::Shelf,
            "simpleinput" | "sinput" => Self::SimpleInput,
            "simpleoutput" | "soutput" => Self::SimpleOutput,
            "timer" => Self::Timer,
            _ => return None,
        })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Action => "action",
            Self::ArrowLoop => "arrow-loop",
            Self::Branch => "branch",
            Self::Case => "case",
            Self::Comment => "comment",
            Self::ControlEnd => "ctrlend",
            Self::ControlStart => "ctrlstart",
            Self::Duration => "duration",
            Self::End => "end",
            Self::Input => "input",
            Self::Insertion => "insertion",
            Self::LoopBegin => "loopbegin",
            Self::LoopEnd => "loopend",
            Self::Output => "output",
            Self::ParBegin => "parbegin",
            Self::ParEnd => "parend",
            Self::Pause => "pause",
            Self::Process => "process",
            Self::Question => "question",
            Self::Select => "select",
            Self::Shelf => "shelf",
            Self::SimpleInput => "simpleinput",
            Self::SimpleOutput => "simpleoutput",
            Self::Timer => "timer",
        })
    }
}

/// The members of a JSON object in the order of the file, with repeated keys.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = access.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// What is read first: only `items` may be large, and its repeated keys would lose icons.
#[derive(Deserialize)]
struct Outer {
    items: Option<Members>,
    diagram: Option<Box<Outer>>,
    #[serde(rename = "type")]
    kind: Option<Value>,
    name: Option<Value>,
    params: Option<Value>,
    keywords: Option<Value>,
}

/// Reads a diagram; what is wrong with it is in the report.
pub(super) fn read(content: &str, report: &mut Report) -> Option<Diagram> {
    let outer: Outer = match serde_json::from_str(content) {
        Ok(outer) => outer,
        Err(error) => {
            report.add(explain(content, &error));
            return None;
        }
    };
    let wrapper_name = outer.name.as_ref().and_then(Value::as_str).map(str::to_owned);
    let outer = match outer.diagram {
        Some(inner) if outer.items.is_none() => *inner,
        _ => outer,
    };
    match &outer.kind {
        None | Some(Value::Null) => {}
        Some(Value::String(kind)) if kind == "drakon" || kind.is_empty() || kind == "machine" => {}
        Some(Value::String(kind)) => {
            let dialect = kind.chars().take(40).collect::<String>();
            report.add(Diagnostic::error(codes::OTHER_DIALECT, Place::File).with("dialect", dialect));
            return None;
        }
        Some(other) => {
            report.add(wrong_type(Place::File, "type", "string", other));
            return None;
        }
    }
    let Some(Members(items)) = outer.items else {
        report.add(Diagnostic::error(codes::NOT_A_DIAGRAM, Place::File));
        return None;
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
    let params = text_of(&Place::File, "params", outer.params.as_ref(), report);
    let keyword = outer.keywords.as_ref().and_then(|keywords| keywords.get("machine")) == Some(&Value::Bool(true));
    let machine = keyword || outer.kind.as_ref().and_then(Value::as_str) == Some("machine");
    let name = outer.name.as_ref().and_then(Value::as_str).map(str::to_owned).or(wrapper_name);
    let icons = icons(items, report);
    Some(Diagram { name: name.filter(|name| !name.trim().is_empty()), params, machine, icons })
}

fn explain(content: &str, error: &serde_json::Error) -> Diagnostic {
    if error.is_data() {
        let array = content.trim_start().starts_with('[');
        let diagnostic = if array {
            Diagnostic::error(codes::OTHER_DIALECT, Place::File).with("dialect", "array")
        } else {
            Diagnostic::error(codes::NOT_A_DIAGRAM, Place::File)
        };
        return diagnostic.with("line", error.line());
    }
    Diagnostic::error(codes::NOT_JSON, Place::File)
        .with("line", error.line())
        .with("column", error.column())
        .with("detail", error)
}

/// An item whose edges are not looked up yet.
struct Raw {
    icon: Icon,
    edges: [(&'static str, Option<String>); 3],
}

fn icons(items: Vec<(String, Value)>, report: &mut Report) -> Vec<Icon> {
    let mut raws: Vec<Raw> = Vec::with_capacity(items.len());
    let mut ids: BTreeMap<String, Option<ItemId>> = BTreeMap::new();
    for (id, item) in items {
        let raw = match item {
            Value::Object(fields) => raw(&id, &fields, report),
            other => {
                let place = Place::Item { id: id.clone(), text: String::new(), span: None };
                report.add(wrong_type(place, "items", "object", &other));
                None
            }
        };
        let index = raw.map(|raw| {
            raws.push(raw);
            raws.len() - 1
        });
        if ids.insert(id.clone(), index).is_some() {
            let place = Place::Item { id: id.clone(), text: String::new(), span: None };
            report.add(Diagnostic::error(codes::REPEATED_ID, place).with("id", id));
        }
    }
    let mut icons: Vec<Icon> = Vec::with_capacity(raws.len());
    for Raw { mut icon, edges } in raws {
        for (field, target) in edges {
            let Some(target) = target else { continue };
            match ids.get(&target) {
                Some(Some(index)) => match field {
                    "one" => icon.one = Some(*index),
                    "two" => icon.two = Some(*index),
                    _ => icon.side = Some(*index),
                },
                // An item that is there but could not be read has its own diagnostic, if it matters.
                Some(None) => {}
                None => {
                    let target: String = target.chars().take(60).collect();
                    report.add(icon.error(codes::DANGLING).with("field", field).with("target", target));
                }
            }
        }
        icons.push(icon);
    }
    icons
}

/// The item, or `None` when it plays no part: decoration, or something that was reported.
fn raw(id: &str, fields: &Map<String, Value>, report: &mut Report) -> Option<Raw> {
    let place = |text: &str| Place::Item { id: id.to_owned(), text: text.to_owned(), span: None };
    let content = match fields.get("content") {
        None | Some(Value::Null) => fields.get("text"),
        content => content,
    };
    let text = text_of(&place(""), "content", content, report);
    let edge = |field: &'static str, report: &mut Report| match fields.get(field) {
        None | Some(Value::Null) => (field, None),
        Some(Value::String(target)) if target.is_empty() => (field, None),
        Some(Value::String(target)) => (field, Some(target.clone())),
        // Some tools write ids as numbers.
        Some(Value::Number(number)) => (field, Some(number.to_string())),
        Some(other) => {
            report.add(wrong_type(place(&text), field, "string", other));
            (field, None)
        }
    };
    let edges = [edge("one", report), edge("two", report), edge("side", report)];
    let name = match fields.get("type") {
        Some(Value::String(name)) => name.as_str(),
        Some(other) => {
            report.add(wrong_type(place(&text), "type", "string", other));
            return None;
        }
        None => "",
    };
    let Some(kind) = Kind::parse(name) else {
        if edges.iter().any(|(_, target)| target.is_some()) {
            let name: String = name.chars().take(40).collect();
            report.add(Diagnostic::error(codes::UNKNOWN_ICON, place(&text)).with("icon", name));
        }
        return None;
    };
    let secondary = text_of(&place(&text), "secondary", fields.get("secondary"), report);
    let one_is_yes = match fields.get("flag1") {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::Bool(true)) => true,
        Some(Value::Number(number)) => number.as_f64() == Some(1.0),
        Some(other) => {
            report.add(wrong_type(place(&text), "flag1", "number", other));
            false
        }
    };
    let branch = match fields.get("branchId") {
        Some(Value::Number(number)) => number.as_i64().unwrap_or_else(|| {
            report.add(wrong_type(place(&text), "branchId", "number", &Value::Number(number.clone())));
            0
        }),
        None | Some(Value::Null) => i64::MAX,
        Some(other) => {
            report.add(wrong_type(place(&text), "branchId", "number", other));
            i64::MAX
        }
    };
    let type_name = name.to_owned();
    let icon = Icon {
        id: id.to_owned(),
        kind,
        type_name,
        text,
        secondary,
        one: None,
        two: None,
        side: None,
        one_is_yes,
        branch,
    };
    Some(Raw { icon, edges })
}

fn text_of(place: &Place, field: &str, value: Option<&Value>, report: &mut Report) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => plain_text(text),
        Some(other) => {
            report.add(wrong_type(place.clone(), field, "string", other));
            String::new()
        }
    }
}

fn wrong_type(place: Place, field: &str, expected: &str, found: &Value) -> Diagnostic {
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    Diagnostic::error(codes::WRONG_TYPE, place).with("field", field).with("expected", expected).with("found", found)
}
