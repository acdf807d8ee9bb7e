//! Differences of schemas, by hand and at random.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::CompiledSchema;

#[allow(clippy::needless_pass_by_value, reason = "callers write the values in place")]
fn found(before: Value, after: Value) -> Vec<(String, Direction)> {
    let places = changes(&before, &after).into_iter().map(|change| {
        let at = if change.pointer.is_empty() { String::new() } else { change.pointer + " " };
        (at + &change.keyword, change.direction)
    });
    places.collect()
}

fn one(place: &str, direction: Direction) -> Vec<(String, Direction)> {
    vec![(place.to_owned(), direction)]
}

#[test]
fn what_is_written_for_people_makes_no_difference() {
    let before = json!({ "type": "string", "description": "a", "default": "x", "format": "uri" });
    assert_eq!(found(before, json!({ "type": "string", "title": "b", "examples": [1] })), []);
}

#[test]
fn each_keyword_says_whether_more_or_less_is_taken() {
    for (before, after, place) in [
        (json!({ "type": "integer" }), json!({ "type": "number" }), "type"),
        (json!({ "type": "string" }), json!({ "type": ["string", "null"] }), "type"),
        (json!({ "type": "string" }), json!({}), "type"),
        (json!({ "enum": ["a"] }), json!({ "enum": ["a", "b"] }), "enum"),
        (json!({ "const": "a" }), json!({ "enum": ["b", "a"] }), "enum"),
        (json!({ "minimum": 2 }), json!({ "minimum": 1.5 }), "minimum"),
        (json!({ "maxLength": 5 }), json!({ "maxLength": 6 }), "maxLength"),
        (json!({ "maxItems": 5 }), json!({}), "maxItems"),
        (json!({ "pattern": "a" }), json!({}), "pattern"),
        (json!({ "uniqueItems": true }), json!({}), "uniqueItems"),
        (json!({ "required": ["a", "b"] }), json!({ "required": ["a"] }), "required"),
        (json!({ "required": ["a"] }), json!({}), "required"),
        (json!({ "anyOf": [{}] }), json!({ "anyOf": [{}, false] }), "anyOf"),
        (json!({ "allOf": [{}, { "type": "null" }] }), json!({ "allOf": [{}] }), "allOf"),
        (json!({ "items": { "minimum": 1 } }), json!({ "items": {} }), "/items minimum"),
        (json!({ "items": false }), json!({ "items": {} }), "/items "),
        (json!({ "propertyNames": { "maxLength": 1 } }), json!({}), "/propertyNames maxLength"),
    ] {
        assert_eq!(found(before.clone(), after.clone()), one(place, Direction::Wider), "{before} {after}");
        assert_eq!(found(after.clone(), before.clone()), one(place, Direction::Narrower), "{after} {before}");
    }
}

#[test]
fn a_member_is_compared_with_what_held_for_it_before() {
    let open = json!({ "properties": { "a": { "type": "string" } } });
    let more = json!({ "properties": { "a": { "type": "string" }, "b/c": { "type": "string" } } });
    assert_eq!(found(open.clone(), more.clone()), one("/properties/b~1c type", Direction::Narrower));
    assert_eq!(found(more.clone(), open.clone()), one("/properties/b~1c type", Direction::Wider));
    let closed = |mut schema: Value| {
        schema["additionalProperties"] = json!(false);
        schema
    };
    assert_eq!(found(closed(open.clone()), closed(more.clone())), one("/properties/b~1c ", Direction::Wider));
    assert_eq!(found(closed(more), closed(open.clone())), one("/properties/b~1c ", Direction::Narrower));
    assert_eq!(found(open.clone(), closed(open)), one("/additionalProperties ", Direction::Narrower));
}

#[test]
fn what_cannot_be_judged_is_not_guessed() {
    for (before, after) in [
        (json!({ "pattern": "a" }), json!({ "pattern": "b" })),
        (json!({ "enum": [1, 2] }), json!({ "enum": [2, 3] })),
        (json!({ "oneOf": [{}] }), json!({ "oneOf": [{}, {}] })),
        (json!({ "if": {}, "then": {} }), json!({ "if": {}, "then": false })),
        (json!({ "$ref": "#/$defs/a", "$defs": { "a": {} } }), json!({ "$ref": "#/$defs/a", "$defs": { "a": false } })),
        (
            json!({ "patternProperties": { "a": {} } }),
            json!({ "patternProperties": { "a": {} }, "properties": { "b": {} } }),
        ),
        (json!({ "prefixItems": [{}] }), json!({ "prefixItems": [{}, {}] })),
        (
            json!({ "unevaluatedProperties": false }),
            json!({ "unevaluatedProperties": false, "properties": { "a": {} } }),
        ),
    ] {
        let found = found(before.clone(), after.clone());
        assert!(found.iter().any(|(_, direction)| *direction == Direction::Unclear), "{before} {after} {found:?}");
    }
}

fn schema() -> impl Strategy<Value = Value> {
    let number = 0..4_i64;
    let leaf = prop_oneof![
        Just(json!({})),
        Just(json!(true)),
        Just(json!(false)),
        number.clone().prop_map(|n| json!({ "type": "integer", "minimum": n })),
        number.clone().prop_map(|n| json!({ "type": ["number", "string"], "maximum": n, "maxLength": n })),
        proptest::sample::subsequence(vec![json!(0), json!(1), json!("a"), json!(null)], 1..4)
            .prop_map(|values| json!({ "enum": values })),
    ];
    leaf.prop_recursive(2, 12, 3, move |inner| {
        let names = proptest::sample::subsequence(vec!["a", "b"], 0..=2);
        let members = proptest::collection::btree_map(prop_oneof![Just("a"), Just("b")], inner.clone(), 0..3);
        prop_oneof![
            (members, names, proptest::option::of(inner.clone())).prop_map(|(properties, required, others)| {
                let mut schema = json!({ "properties": properties, "required": required });
                if let Some(others) = others {
                    schema["additionalProperties"] = others;
                }
                schema
            }),
            (inner.clone(), 0..3_u8).prop_map(|(items, least)| json!({ "items": items, "minItems": least })),
            proptest::collection::vec(inner.clone(), 1..3).prop_map(|any| json!({ "anyOf": any })),
            proptest::collection::vec(inner, 1..3).prop_map(|all| json!({ "allOf": all })),
        ]
    })
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        (0..4_i64).prop_map(|n| json!(n)),
        Just(json!(0.5)),
        Just(json!("a")),
        Just(json!("abc"))
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            proptest::collection::btree_map(prop_oneof![Just("a"), Just("b"), Just("c")], inner, 0..3)
                .prop_map(|map| json!(map)),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn what_is_said_to_be_no_narrower_takes_every_value_that_was_taken(before in schema(), after in schema(), values in proptest::collection::vec(value(), 16)) {
        let found = changes(&before, &after);
        let (old, new) = (CompiledSchema::compile(&before).unwrap(), CompiledSchema::compile(&after).unwrap());
        for value in values {
            let value = crate::Value::from(value);
            let (was, is) = (old.validate(&value).is_ok(), new.validate(&value).is_ok());
            if was && !is {
                prop_assert!(found.iter().any(|change| change.direction != Direction::Wider), "{before} {after} {value:?} {found:?}");
            }
            if is && !was {
                prop_assert!(found.iter().any(|change| change.direction != Direction::Narrower), "{before} {after} {value:?} {found:?}");
            }
        }
    }
}
