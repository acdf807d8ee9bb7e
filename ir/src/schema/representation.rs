//! How the schema library reads a [`Value`] in place, without a copy.

use std::borrow::Cow;
use std::sync::Arc;

use jsonschema::JsonType;
use jsonschema::json::{Array, Json, JsonNumber, Node, NodeIdentity, Object};
use jsonschema_value::LazyInstance;
use serde_json::Number;

use crate::value::{Map, Value};

/// The representation of JSON as [`Value`]s.
pub(super) struct Values;

impl Json for Values {
    type Node<'a> = &'a Value;
    type PreparedKey = String;
    type StringBuffer = Value;

    /// A lookup compares keys along a path of the tree: about two of them cost what one step of a pass does.
    const KEYS_PER_LOOKUP: usize = 2;

    fn prepare_key(key: &str) -> String {
        key.to_owned()
    }

    fn with_string_node<T>(buffer: &mut Value, string: &str, check: impl FnOnce(&Value) -> T) -> T {
        *buffer = string.into();
        check(buffer)
    }
}

impl<'a> Node<'a, Values> for &'a Value {
    type Object = &'a Map;
    type Array = &'a [Value];
    type Number = ValueNumber;

    fn as_object(&self) -> Option<&'a Map> {
        self.as_map()
    }

    fn as_array(&self) -> Option<&'a [Value]> {
        self.as_list()
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        self.as_str().map(Cow::Borrowed)
    }

    fn as_number(&self) -> Option<ValueNumber> {
        match self {
            Value::Int(int) => Some(ValueNumber::Int(*int)),
            Value::Double(double) => Some(ValueNumber::Double(*double)),
            _ => None,
        }
    }

    fn as_boolean(&self) -> Option<bool> {
        self.as_bool()
    }

    fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    fn json_type(&self) -> JsonType {
        match self {
            Value::Null => JsonType::Null,
            Value::Bool(_) => JsonType::Boolean,
            Value::Int(_) | Value::Double(_) => JsonType::Number,
            Value::String(_) => JsonType::String,
            Value::List(_) => JsonType::Array,
            Value::Map(_) => JsonType::Object,
        }
    }

    fn equals_value(&self, expected: &serde_json::Value) -> bool {
        equal(self, expected)
    }

    fn to_value(&self) -> Cow<'a, serde_json::Value> {
        Cow::Owned(self.to_json())
    }

    /// Errors name a place and never show the value, so it is not copied into them.
    fn lazy_value(&self) -> LazyInstance<'a> {
        LazyInstance::Ready(Cow::Owned(serde_json::Value::Null))
    }

    /// The address. A part that is shared has one address at all its places, and never stands within itself.
    fn identity(&self) -> Option<NodeIdentity> {
        Some(NodeIdentity::new(std::ptr::from_ref::<Value>(self).addr()))
    }
}

fn equal(value: &Value, expected: &serde_json::Value) -> bool {
    match (value, expected) {
        (Value::Null, serde_json::Value::Null) => true,
        (Value::Bool(value), serde_json::Value::Bool(expected)) => value == expected,
        (Value::String(value), serde_json::Value::String(expected)) => **value == **expected,
        (Value::Int(_) | Value::Double(_), serde_json::Value::Number(_)) => {
            Value::from(expected.clone()) == value.clone().normalized()
        }
        (Value::List(items), serde_json::Value::Array(expected)) => {
            items.len() == expected.len() && items.iter().zip(expected).all(|(item, expected)| equal(item, expected))
        }
        (Value::Map(members), serde_json::Value::Object(expected)) => {
            members.len() == expected.len()
                && members
                    .iter()
                    .all(|(key, value)| expected.get(&**key).is_some_and(|expected| equal(value, expected)))
        }
        _ => false,
    }
}

/// A number of a [`Value`].
#[derive(Clone, Copy)]
pub(super) enum ValueNumber {
    Int(i64),
    Double(f64),
}

impl JsonNumber for ValueNumber {
    fn as_u64(&self) -> Option<u64> {
        self.as_i64().and_then(|int| u64::try_from(int).ok())
    }

    fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(int) => Some(*int),
            Self::Double(_) => None,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "the trait asks for the nearest double")]
    fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Int(int) => Some(*int as f64),
            Self::Double(double) => Some(*double),
        }
    }

    fn as_str(&self) -> Cow<'_, str> {
        Cow::Owned(self.to_number().to_string())
    }

    fn to_number(&self) -> Cow<'_, Number> {
        Cow::Owned(match self {
            Self::Int(int) => (*int).into(),
            Self::Double(double) => Number::from_f64(*double).unwrap_or_else(|| 0.into()),
        })
    }

    fn is_integer(&self) -> bool {
        match self {
            Self::Int(_) => true,
            Self::Double(double) => double.fract() == 0.0,
        }
    }
}

impl<'a> Object<'a, Values> for &'a Map {
    type Node = &'a Value;
    type MemberName = &'a str;
    type MembersIter = Members<'a>;

    fn len(&self) -> usize {
        Map::len(self)
    }

    fn get(&self, key: &String) -> Option<&'a Value> {
        Map::get(self, key.as_str())
    }

    fn members(&self) -> Members<'a> {
        Members(self.iter())
    }
}

/// The members of a map.
pub(super) struct Members<'a>(std::collections::btree_map::Iter<'a, Arc<str>, Value>);

impl<'a> Iterator for Members<'a> {
    type Item = (&'a str, &'a Value);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(key, value)| (&**key, value))
    }
}

impl<'a> Array<'a, Values> for &'a [Value] {
    type Node = &'a Value;
    type ElementsIter = std::slice::Iter<'a, Value>;

    fn len(&self) -> usize {
        <[Value]>::len(self)
    }

    fn elements(&self) -> std::slice::Iter<'a, Value> {
        self.iter()
    }
}
