//! Canonical JSON: a strict reader, and the bytes of RFC 8785 (JCS) that are hashed and signed.
//!
//! Two readers that take one text for different data could be made to disagree about what was signed. So what JSON
//! leaves open is refused before anything is hashed: repeated keys, and numbers that a double does not hold exactly.

use std::fmt;

use serde::Serialize;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// The largest document, in bytes: 8 MiB.
pub const MAX_BYTES: usize = 8 * 1024 * 1024;

/// How deep arrays and objects may stand in each other.
pub const MAX_DEPTH: usize = 128;

/// The largest magnitude of a number, 2^53 − 1: beyond it a double does not hold every integer (RFC 7493, §2.2).
pub const MAX_NUMBER: i64 = (1 << 53) - 1;

/// How many problems of one text are listed.
const MAX_PROBLEMS: usize = 100;

/// Why bytes are not taken as a document's JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Longer than allowed: a document than [`MAX_BYTES`].
    #[error("it has {bytes} bytes; the limit is {limit}")]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The largest.
        limit: usize,
    },
    /// It starts with a byte order mark, which JSON does not have (RFC 8259, §8.1).
    #[error("the document starts with a byte order mark")]
    ByteOrderMark,
    /// Not UTF-8.
    #[error("the bytes from position {offset} on are not UTF-8")]
    NotUtf8 {
        /// Where the first bad byte stands.
        offset: usize,
    },
    /// Not JSON.
    #[error("not JSON: {reason} (line {line}, column {column})")]
    NotJson {
        /// In the parser's words.
        reason: String,
        /// From 1.
        line: usize,
        /// From 1, in bytes.
        column: usize,
    },
    /// Deeper than [`MAX_DEPTH`].
    #[error("more than {MAX_DEPTH} arrays and objects stand in each other (line {line}, column {column})")]
    TooDeep {
        /// From 1.
        line: usize,
        /// From 1, in bytes.
        column: usize,
    },
    /// An object has a member twice.
    #[error("the member {pointer} stands more than once")]
    DuplicateKey {
        /// JSON pointer (RFC 6901) of the member.
        pointer: String,
    },
    /// A number beyond ±[`MAX_NUMBER`].
    #[error("the number at `{pointer}` is beyond ±{MAX_NUMBER}; write it as a string")]
    UnsafeNumber {
        /// JSON pointer (RFC 6901) of the number.
        pointer: String,
    },
}

/// Reads JSON strictly. A number without a fraction becomes an integer, however it is spelt.
///
/// Every repeated key and unsafe number is reported, the first hundred of them; what stops the parser comes alone.
pub fn read(bytes: &[u8]) -> Result<Value, Vec<ReadError>> {
    read_up_to(MAX_BYTES, bytes)
}

/// The same with another limit on the bytes.
pub(crate) fn read_up_to(limit: usize, bytes: &[u8]) -> Result<Value, Vec<ReadError>> {
    let text = text(limit, bytes).map_err(|error| vec![error])?;
    let mut reader = Reader { depth: 0, too_deep: false, problems: Vec::new() };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    // The reader counts the depth itself: the library stops at 127.
    deserializer.disable_recursion_limit();
    let value = reader
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| vec![reader.stopped(&error)])?;
    if reader.problems.is_empty() {
        return Ok(value);
    }
    Err(reader.problems.into_iter().map(Problem::into_error).collect())
}

fn text(limit: usize, bytes: &[u8]) -> Result<&str, ReadError> {
    if bytes.len() > limit {
        return Err(ReadError::TooLarge { bytes: bytes.len(), limit });
    }
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        return Err(ReadError::ByteOrderMark);
    }
    std::str::from_utf8(bytes).map_err(|error| ReadError::NotUtf8 { offset: error.valid_up_to() })
}

/// The RFC 8785 bytes of some data.
pub fn to_bytes<T: Serialize>(data: &T) -> Result<Vec<u8>, CanonicalError> {
    serde_json_canonicalizer::to_vec(data).map_err(|error| CanonicalError(error.to_string()))
}

/// Data that JSON cannot hold: a number that is not finite, or a key that is no string.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the data has no canonical JSON: {0}")]
pub struct CanonicalError(String);

/// A JSON pointer (RFC 6901) to a member or an element of what `parent` points to.
pub(crate) fn pointer(parent: &str, step: impl fmt::Display) -> String {
    format!("{parent}/{}", step.to_string().replace('~', "~0").replace('/', "~1"))
}

struct Reader {
    depth: usize,
    too_deep: bool,
    problems: Vec<Problem>,
}

/// A problem below a member or an element: its steps are added on the way out, innermost first.
struct Problem {
    what: What,
    steps: Vec<String>,
}

enum What {
    DuplicateKey,
    UnsafeNumber,
}

impl Problem {
    fn into_error(self) -> ReadError {
        let pointer = self.steps.iter().rev().fold(String::new(), |parent, step| pointer(&parent, step));
        match self.what {
            What::DuplicateKey => ReadError::DuplicateKey { pointer },
            What::UnsafeNumber => ReadError::UnsafeNumber { pointer },
        }
    }
}

impl Reader {
    fn report(&mut self, what: What) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(Problem { what, steps: Vec::new() });
        }
    }

    fn name_problems_since(&mut self, known: usize, step: impl fmt::Display) {
        for problem in self.problems.iter_mut().skip(known) {
            problem.steps.push(step.to_string());
        }
    }

    fn enter<E: de::Error>(&mut self) -> Result<(), E> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > MAX_DEPTH {
            self.too_deep = true;
            return Err(E::custom("too deep"));
        }
        Ok(())
    }

    fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    fn integer(&mut self, number: i64) -> Value {
        if number.unsigned_abs() > MAX_NUMBER.unsigned_abs() {
            self.report(What::UnsafeNumber);
        }
        number.into()
    }

    fn stopped(&self, error: &serde_json::Error) -> ReadError {
        let (line, column) = (error.line(), error.column());
        if self.too_deep {
            return ReadError::TooDeep { line, column };
        }
        let full = error.to_string();
        let place = format!(" at line {line} column {column}");
        ReadError::NotJson { reason: full.strip_suffix(&place).unwrap_or(&full).to_owned(), line, column }
    }
}

impl<'de> DeserializeSeed<'de> for &mut Reader {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Reader {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(self.integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(self.integer(i64::try_from(number).unwrap_or(i64::MAX)))
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::float_cmp,
        reason = "the range is checked first, and an exact comparison is what is meant"
    )]
    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        if number.abs() > MAX_NUMBER as f64 {
            self.report(What::UnsafeNumber);
            return Ok(Value::Null);
        }
        Ok(if number.trunc() == number { (number as i64).into() } else { number.into() })
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        self.enter()?;
        let mut items = Vec::new();
        loop {
            let known = self.problems.len();
            let Some(item) = access.next_element_seed(&mut *self)? else { break };
            self.name_problems_since(known, items.len());
            items.push(item);
        }
        self.leave();
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        self.enter()?;
        let mut members = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let known = self.problems.len();
            if members.contains_key(&key) {
                self.report(What::DuplicateKey);
            }
            let value = access.next_value_seed(&mut *self)?;
            self.name_problems_since(known, &key);
            members.insert(key, value);
        }
        self.leave();
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests;
