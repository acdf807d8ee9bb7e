//! The first part in which two JSON values differ.

use serde_json::Value;

/// A part that differs.
#[derive(Debug, PartialEq)]
pub(super) struct Difference {
    /// JSON pointer (RFC 6901).
    pub(super) path: String,
    /// Null when it is not there.
    pub(super) left: Value,
    /// Null when it is not there.
    pub(super) right: Value,
}

/// Goes down to the first part, in order, where one side has another value, or none.
pub(super) fn first_difference(left: &Value, right: &Value) -> Difference {
    let (mut left, mut right, mut path) = (left, right, String::new());
    while let Some((step, inner_left, inner_right)) = inner(left, right) {
        path.push('/');
        path.push_str(&step.replace('~', "~0").replace('/', "~1"));
        (left, right) = (inner_left, inner_right);
    }
    Difference { path, left: left.clone(), right: right.clone() }
}

/// The first member or element that differs.
fn inner<'a>(left: &'a Value, right: &'a Value) -> Option<(String, &'a Value, &'a Value)> {
    const ABSENT: &Value = &Value::Null;
    match (left, right) {
        (Value::Object(left), Value::Object(right)) => left
            .keys()
            .chain(right.keys())
            .filter(|key| left.get(*key) != right.get(*key))
            .min()
            .map(|key| (key.clone(), left.get(key).unwrap_or(ABSENT), right.get(key).unwrap_or(ABSENT))),
        (Value::Array(left), Value::Array(right)) => {
            let length = left.len().max(right.len());
            (0..length)
                .find(|index| left.get(*index) != right.get(*index))
                .map(|index| (index.to_string(), left.get(index).unwrap_or(ABSENT), right.get(index).unwrap_or(ABSENT)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn goes_down_to_the_first_part_that_differs() {
        let left = json!({ "a": 1, "b": [{ "x/y": 1 }, 2], "c": 3 });
        let right = json!({ "a": 1, "b": [{ "x/y": 2 }, 3], "c": 4 });
        assert_eq!(
            first_difference(&left, &right),
            Difference { path: "/b/0/x~1y".to_owned(), left: json!(1), right: json!(2) }
        );
    }

    #[test]
    fn missing_part_is_null() {
        let difference = first_difference(&json!([1]), &json!([1, 2]));
        assert_eq!(difference, Difference { path: "/1".to_owned(), left: Value::Null, right: json!(2) });
    }
}
