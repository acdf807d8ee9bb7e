//! A history as JSON Lines. What is written is the bytes that were hashed, so a line is read and written back unchanged.

use std::borrow::Borrow;

use bloom_ir::Digest;
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{DeserializeSeed, MapAccess};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use super::{Event, EventType, Payload, bytes};

/// How the member of a line begins that follows its payload; before it stands a number.
const SECOND: &[u8] = br#","payload_sha256":"#;

/// The JSON of an event, its names in UTF-8 order.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    at: i64,
    /// As it is written: what it means depends on the type, which comes later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payload: Option<Box<RawValue>>,
    payload_sha256: Digest,
    prev: Digest,
    seq: u64,
    r#type: EventType,
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Line::of(self, self.payload.as_ref().map(|payload| raw(payload.to_bytes()))).serialize(serializer)
    }
}

impl Line {
    fn of(event: &Event, payload: Option<Box<RawValue>>) -> Self {
        Self {
            at: event.at,
            payload,
            payload_sha256: event.payload_sha256,
            prev: event.prev,
            seq: event.seq,
            r#type: event.kind,
        }
    }
}

fn raw(payload: Vec<u8>) -> Box<RawValue> {
    let text = String::from_utf8(payload).ok();
    let raw = text.and_then(|text| RawValue::from_string(text).ok());
    raw.unwrap_or_else(|| unreachable!("a payload is written as JSON"))
}

impl TryFrom<Line> for Event {
    type Error = serde_json::Error;

    fn try_from(line: Line) -> Result<Self, serde_json::Error> {
        let payload = line.payload.map(|content| read_payload(line.r#type, &content)).transpose()?;
        Ok(Self {
            at: line.at,
            payload,
            payload_sha256: line.payload_sha256,
            prev: line.prev,
            seq: line.seq,
            kind: line.r#type,
        })
    }
}

/// What a payload of this kind says.
pub(super) fn read_payload(kind: EventType, content: &RawValue) -> Result<Payload, serde_json::Error> {
    let kind = serde_json::to_string(&kind)?;
    let parts = [("type", kind.as_str()), ("payload", content.get())];
    Payload::deserialize(MapAccessDeserializer::new(Tagged { parts: parts.iter() }))
}

/// A payload with its type before it: so it is read in one go.
struct Tagged<'a> {
    parts: std::slice::Iter<'a, (&'static str, &'a str)>,
}

impl<'a> MapAccess<'a> for Tagged<'a> {
    type Error = serde_json::Error;

    fn next_key_seed<K: DeserializeSeed<'a>>(&mut self, seed: K) -> Result<Option<K::Value>, serde_json::Error> {
        let Some((name, _)) = self.parts.as_slice().first() else { return Ok(None) };
        seed.deserialize(StrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, serde_json::Error> {
        let text = self.parts.next().map_or("null", |(_, text)| text);
        seed.deserialize(&mut serde_json::Deserializer::from_str(text))
    }
}

/// The line of an event with these bytes of its payload, or without it.
pub(super) fn line_with(event: &Event, payload: Option<&[u8]>) -> Vec<u8> {
    let line = bytes(&Line::of(event, None));
    let Some(payload) = payload else { return line };
    let at = line.windows(SECOND.len()).position(|part| part == SECOND).unwrap_or_default();
    [&line[..at], br#","payload":"#, payload, &line[at..]].concat()
}

pub(super) fn line(event: &Event) -> String {
    String::from_utf8(bytes(event)).unwrap_or_else(|_| unreachable!("JSON is written as UTF-8"))
}

/// Writes a line for each event, each with its end.
pub fn write_lines<E: Borrow<Event>>(events: &[E]) -> String {
    events.iter().flat_map(|event| [event.borrow().to_line(), "\n".to_owned()]).collect()
}

/// A line that is no event.
#[derive(Debug, thiserror::Error)]
#[error("line {line} is not an event of a history")]
pub struct LineError {
    /// From 1.
    pub line: usize,
    /// What is wrong with it.
    pub source: serde_json::Error,
}

/// Reads a history; empty lines are skipped. Nothing about the chain is checked: that is [`super::Chain::verify`].
pub fn read_lines(text: &str) -> Result<Vec<Event>, LineError> {
    text.lines()
        .zip(1..)
        .filter(|(text, _)| !text.trim().is_empty())
        .map(|(text, line)| serde_json::from_str(text).map_err(|source| LineError { line, source }))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::Chain;
    use super::*;
    use crate::effect::{Answer, EffectError, EffectId};
    use bloom_ir::Value;

    fn events() -> Vec<Event> {
        let mut chain = Chain::default();
        let value = [("я", Value::Double(0.1)), ("a", Value::Int(i64::MIN)), ("\u{1}", Value::Double(1e300))];
        let answer = Answer { value: value.into_iter().collect(), usage: None };
        vec![
            chain.next(1, Payload::EffectCompleted { effect: EffectId::new("n1#1"), attempt: 1, answer }),
            chain.next(
                2,
                Payload::EffectFailed {
                    effect: EffectId::new("n1#2"),
                    attempt: 3,
                    error: EffectError::new("timeout", "too late").with_details(Value::Null),
                },
            ),
            chain.next(3, Payload::RunCancelled { reason: "\"\u{2028}".to_owned() }).erased(),
        ]
    }

    #[test]
    fn lines_are_read_and_written_byte_for_byte() {
        let written = write_lines(&events());
        let read = read_lines(&written).unwrap();
        assert_eq!(write_lines(&read), written);
        assert!(Chain::verify(&read).is_ok());
    }

    #[test]
    fn names_are_in_order() {
        let line = events()[0].to_line();
        assert!(line.starts_with(r#"{"at":1,"payload":{"answer":{"value":{"\u0001":1e+300,"a":-92"#), "{line}");
        assert!(line.ends_with(r#""seq":1,"type":"effect.completed"}"#), "{line}");
    }

    #[test]
    fn wrong_line_is_named() {
        let mut text = write_lines(&events());
        text.insert(0, '\n');
        text.push_str("{\"at\":1}\n");
        assert_eq!(read_lines(&text).unwrap_err().line, 5);
    }

    #[test]
    fn large_payload_stands_beside_its_line() {
        let event = &events()[0];
        let payload = event.payload.as_ref().unwrap().to_bytes();
        let sealed = Chain::default().admit(event.clone()).unwrap();
        assert_eq!(sealed.to_parts(payload.len()), (event.to_line().into_bytes(), None));
        let (line, beside) = sealed.to_parts(payload.len() - 1);
        assert_eq!(line, event.clone().erased().to_line().into_bytes());
        let read: Event = serde_json::from_slice(&line).unwrap();
        assert_eq!(&read.with_payload(&beside.unwrap()).unwrap(), event);
    }

    #[test]
    fn unknown_member_is_refused() {
        let line = events()[0].to_line().replacen('{', "{\"aa\":1,", 1);
        assert!(read_lines(&line).is_err());
    }
}
