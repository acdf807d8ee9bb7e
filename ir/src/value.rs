//! The values a flow computes with: JSON in ordered maps.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An ordered map: keys in UTF-8 order, on every platform.
pub type Map = BTreeMap<Arc<str>, Value>;

/// A JSON value. Cloning is cheap: text, lists and maps are shared.
///
/// A *normal* value holds no double that is integral and fits `i64`: such a number is an [`Value::Int`], however it was
/// spelt (`1.0`, `1e3`). Values are normal when they enter a run and when they leave an expression; only inside an
/// expression may a double be integral. So the bytes of a value, read back, give the same value.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// `null`
    #[default]
    Null,
    /// `true` or `false`
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A finite double.
    Double(f64),
    /// Text.
    String(Arc<str>),
    /// An array.
    List(Arc<Vec<Value>>),
    /// An object.
    Map(Arc<Map>),
}

impl Value {
    /// The number as a normal value; `None` when it is not finite.
    pub fn number(number: f64) -> Option<Self> {
        if !number.is_finite() {
            return None;
        }
        Some(Self::normal_double(number))
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::float_cmp,
        reason = "the range is checked first, and an exact comparison is what is meant"
    )]
    fn normal_double(number: f64) -> Self {
        // 2^63 as a double; i64::MAX itself is not a double.
        const LIMIT: f64 = 9_223_372_036_854_775_808.0;
        if number.trunc() == number && (-LIMIT..LIMIT).contains(&number) {
            Self::Int(number as i64)
        } else {
            Self::Double(number)
        }
    }

    /// Makes the value normal, deeply; shares what was normal already.
    #[must_use]
    pub fn normalized(self) -> Self {
        if self.is_normal() {
            return self;
        }
        match self {
            Self::Double(number) => Self::normal_double(number),
            Self::List(items) => items.iter().cloned().map(Self::normalized).collect(),
            Self::Map(map) => {
                Self::Map(Arc::new(map.iter().map(|(key, value)| (key.clone(), value.clone().normalized())).collect()))
            }
            other => other,
        }
    }

    fn is_normal(&self) -> bool {
        match self {
            Self::Double(number) => matches!(Self::normal_double(*number), Self::Double(_)),
            Self::List(items) => items.iter().all(Self::is_normal),
            Self::Map(map) => map.values().all(Self::is_normal),
            _ => true,
        }
    }

    /// An empty object.
    pub fn empty_map() -> Self {
        Self::Map(Arc::default())
    }

    /// The member of an object.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_map()?.get(key)
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The integer, if it is one.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(int) => Some(*int),
            _ => None,
        }
    }

    /// The Boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The items of an array.
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// The members of an object.
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The JSON name of its type: `null`, `bool`, `int`, `double`, `string`, `list` or `map`.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Double(_) => "double",
            Self::String(_) => "string",
            Self::List(_) => "list",
            Self::Map(_) => "map",
        }
    }

    /// The bytes that are hashed and compared: compact JSON, keys in UTF-8 order, ints in full decimal, doubles in
    /// shortest round-trip form.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_else(|_| unreachable!("string keys and finite numbers always serialise"))
    }

    /// Converts into the JSON library's type, for schema checks and for people's output.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Bool(value) => (*value).into(),
            Self::Int(int) => (*int).into(),
            Self::Double(number) => (*number).into(),
            Self::String(text) => text.as_ref().into(),
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            Self::Map(map) => {
                serde_json::Value::Object(map.iter().map(|(key, value)| (key.to_string(), value.to_json())).collect())
            }
        }
    }
}

/// Normalises.
impl From<serde_json::Value> for Value {
    fn from(json: serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(value) => Self::Bool(value),
            serde_json::Value::Number(number) => number.as_i64().map_or_else(
                // A JSON number of the library is always finite.
                || Self::number(number.as_f64().unwrap_or(f64::MAX)).unwrap_or_default(),
                Self::Int,
            ),
            serde_json::Value::String(text) => Self::String(text.into()),
            serde_json::Value::Array(items) => items.into_iter().map(Self::from).collect(),
            serde_json::Value::Object(map) => map.into_iter().map(|(key, value)| (key, Self::from(value))).collect(),
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Int(value.into())
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::String(value.into())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::String(value.into())
    }
}

impl FromIterator<Value> for Value {
    fn from_iter<I: IntoIterator<Item = Value>>(items: I) -> Self {
        Self::List(Arc::new(items.into_iter().collect()))
    }
}

impl<K: Into<Arc<str>>> FromIterator<(K, Value)> for Value {
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(members: I) -> Self {
        Self::Map(Arc::new(members.into_iter().map(|(key, value)| (key.into(), value)).collect()))
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(int) => serializer.serialize_i64(*int),
            Self::Double(number) => serializer.serialize_f64(*number),
            Self::String(text) => serializer.serialize_str(text),
            Self::List(items) => serializer.collect_seq(items.iter()),
            Self::Map(map) => serializer.collect_map(map.iter()),
        }
    }
}

/// Normalises.
impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, int: i64) -> Result<Value, E> {
        Ok(Value::Int(int))
    }

    #[expect(clippy::cast_precision_loss, reason = "an integer beyond i64 is a double, by definition")]
    fn visit_u64<E: de::Error>(self, int: u64) -> Result<Value, E> {
        i64::try_from(int).map_or_else(|_| self.visit_f64(int as f64), |int| Ok(Value::Int(int)))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Value, E> {
        Value::number(number).ok_or_else(|| E::custom("a number must be finite"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items: Vec<Value> = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(items.into_iter().collect())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((key, value)) = access.next_entry::<String, Value>()? {
            map.insert(key.into(), value);
        }
        Ok(Value::Map(Arc::new(map)))
    }
}
