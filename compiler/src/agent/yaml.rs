//! The YAML of front matter, with the line of everything: maps, lists and scalars, and none of what surprises people.

use bloom_ir::diagnostic::Code;
use saphyr_parser::{Event, Parser, ScalarStyle};

use crate::codes;

/// Levels of nesting; front matter has three.
const DEEPEST: usize = 8;

/// A value, and the line where it begins, from 1.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) value: Value,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    /// The members in the order of the text, each with the line of its key.
    Map(Vec<(String, usize, Node)>),
}

/// Why a text is no front matter.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refusal {
    pub(super) code: Code,
    pub(super) line: usize,
    pub(super) detail: String,
}

impl Node {
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The value in a few characters, for messages.
    pub(super) fn shown(&self) -> String {
        match &self.value {
            Value::Null => "null".to_owned(),
            Value::Bool(value) => value.to_string(),
            Value::Int(int) => int.to_string(),
            Value::Float(float) => float.to_string(),
            Value::Text(text) if text.is_empty() => "\"\"".to_owned(),
            Value::Text(text) => text.lines().next().unwrap_or_default().chars().take(40).collect(),
            Value::List(_) => "[…]".to_owned(),
            Value::Map(_) => "{…}".to_owned(),
        }
    }
}

/// A list or a map that is not closed yet.
enum Open {
    List(usize, Vec<Node>),
    Map { line: usize, members: Vec<(String, usize, Node)>, key: Option<(String, usize)> },
}

/// Reads one document. Anchors and aliases are refused, so no text stands for a larger one; so are tags and repeated keys.
pub(super) fn read(text: &str) -> Result<Node, Refusal> {
    let mut open: Vec<Open> = Vec::new();
    let mut root: Option<Node> = None;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| refusal(error.marker().line(), error.info().to_owned()))?;
        let line = span.start.line();
        let done = match event {
            Event::Alias(_) => return Err(refusal(line, "alias".to_owned())),
            Event::Scalar(_, _, anchor, _) | Event::SequenceStart(anchor, _) | Event::MappingStart(anchor, _)
                if anchor > 0 =>
            {
                return Err(refusal(line, "anchor".to_owned()));
            }
            Event::Scalar(.., Some(tag)) | Event::SequenceStart(_, Some(tag)) | Event::MappingStart(_, Some(tag)) => {
                return Err(refusal(line, format!("{}{}", tag.handle, tag.suffix)));
            }
            Event::Scalar(text, style, ..) => {
                if let Some(Open::Map { key: key @ None, members, .. }) = open.last_mut() {
                    if members.iter().any(|(known, ..)| *known == *text) {
                        return Err(Refusal { code: codes::REPEATED_FIELD, line, detail: text.into_owned() });
                    }
                    *key = Some((text.into_owned(), line));
                    continue;
                }
                Node { line, value: scalar(&text, style) }
            }
            Event::SequenceStart(..) => {
                push(&mut open, Open::List(line, Vec::new()), line)?;
                continue;
            }
            Event::MappingStart(..) => {
                push(&mut open, Open::Map { line, members: Vec::new(), key: None }, line)?;
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(Open::List(line, items)) => Node { line, value: Value::List(items) },
                Some(Open::Map { line, members, .. }) => Node { line, value: Value::Map(members) },
                None => continue,
            },
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                continue;
            }
        };
        match open.last_mut() {
            Some(Open::List(_, items)) => items.push(done),
            Some(Open::Map { members, key, .. }) => match key.take() {
                Some((key, line)) => members.push((key, line, done)),
                None => return Err(refusal(done.line, "key".to_owned())),
            },
            None if root.is_some() => return Err(refusal(done.line, "---".to_owned())),
            None => root = Some(done),
        }
    }
    Ok(root.unwrap_or(Node { line: 1, value: Value::Null }))
}

fn push(open: &mut Vec<Open>, block: Open, line: usize) -> Result<(), Refusal> {
    // A list or a map as a key has no place in front matter.
    if open.len() >= DEEPEST || matches!(open.last(), Some(Open::Map { key: None, .. })) {
        return Err(refusal(line, "nesting".to_owned()));
    }
    open.push(block);
    Ok(())
}

fn refusal(line: usize, detail: String) -> Refusal {
    Refusal { code: codes::FRONT_MATTER_YAML, line, detail }
}

/// A scalar by the core schema of YAML 1.2: `yes` and `on` are texts.
fn scalar(text: &str, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return Value::Text(text.to_owned());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => {
            let number = text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '-' | '+' | '.'));
            match (text.parse(), text.parse()) {
                (Ok(int), _) if number => Value::Int(int),
                (_, Ok(float)) if number => Value::Float(float),
                _ => Value::Text(text.to_owned()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_with_their_lines() {
        let node = read("a: 1\nb:\n  - x\n  - \"2\"\nc: {d: 0.5, e: null}\nf: yes\n").unwrap();
        let Value::Map(members) = node.value else { panic!() };
        let lines: Vec<(&str, usize)> = members.iter().map(|(key, line, _)| (key.as_str(), *line)).collect();
        assert_eq!(lines, [("a", 1), ("b", 2), ("c", 5), ("f", 6)]);
        assert_eq!(members[0].2.value, Value::Int(1));
        let Value::List(items) = &members[1].2.value else { panic!() };
        assert_eq!((items[1].text(), items[1].line), (Some("2"), 4));
        assert_eq!(members[3].2.text(), Some("yes"));
    }

    #[test]
    fn what_surprises_people_is_refused() {
        for (text, code, line) in [
            ("a: 1\nb: 2\na: 3\n", codes::REPEATED_FIELD, 3),
            ("a: &x 1\nb: *x\n", codes::FRONT_MATTER_YAML, 1),
            ("a: !!str 1\n", codes::FRONT_MATTER_YAML, 1),
            ("a: [1, 2\n", codes::FRONT_MATTER_YAML, 2),
            ("? [a]\n: 1\n", codes::FRONT_MATTER_YAML, 1),
            ("a: [[[[[[[[[[1]]]]]]]]]]\n", codes::FRONT_MATTER_YAML, 1),
        ] {
            let refusal = read(text).unwrap_err();
            assert_eq!((refusal.code, refusal.line), (code, line), "{text}: {refusal:?}");
        }
    }
}
