#![allow(clippy::needless_pass_by_value, reason = "`json!` values are written in place")]

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn schema(schema: serde_json::Value) -> CompiledSchema {
    CompiledSchema::compile(&schema).unwrap()
}

fn violations(schema: serde_json::Value, value: serde_json::Value) -> Vec<String> {
    self::schema(schema).validate(&value.into()).err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

#[test]
fn violations_name_their_place_and_not_the_value() {
    let article = json!({
        "type": "object",
        "properties": { "title": { "type": "string", "maxLength": 5 }, "tags": { "items": { "enum": ["a", "b"] } } },
        "required": ["title", "tags"],
    });
    assert_eq!(violations(article.clone(), json!({ "title": "ноти", "tags": ["a"] })), [""; 0]);
    assert_eq!(
        violations(article, json!({ "title": "a secret title", "tags": ["a", "secret"] })),
        ["/tags/1: the value is not one of \"a\", \"b\"", "/title: the text is longer than 5 characters"]
    );
}

#[test]
fn long_lists_of_violations_and_long_messages_are_cut() {
    let numbers = json!({ "items": { "type": "number" } });
    assert_eq!(violations(numbers.clone(), json!(vec!["x"; 100])).len(), MAX_VIOLATIONS);
    assert_eq!(violations(numbers, json!(vec!["x"; MAX_LISTED_PARTS])).len(), 1);
    let name = "x".repeat(10_000);
    let message = violations(json!({ "required": [name] }), json!({})).remove(0);
    assert_eq!(message.chars().count(), violation::MAX_MESSAGE + 1);
}

/// These texts are in recorded states: a difference here changes what recorded runs mean.
#[test]
fn what_is_said_of_a_violation_never_changes() {
    for (schema, value, said) in [
        (json!({ "type": "string" }), json!(1), "the value is not of type string"),
        (json!({ "type": ["string", "null"] }), json!(1), "the value is not of type null or string"),
        (json!({ "required": ["ім'я"] }), json!({}), "the member \"ім'я\" is missing"),
        (
            json!({ "properties": { "x": true }, "additionalProperties": false }),
            json!({ "b": 1, "a": 2 }),
            "there are members that the schema does not allow: \"a\", \"b\"",
        ),
        (
            json!({ "unevaluatedProperties": false }),
            json!({ "a": 2 }),
            "there are members that the schema does not allow: \"a\"",
        ),
        (json!({ "unevaluatedItems": false }), json!(["secret"]), "the list has items that the schema does not allow"),
        (
            json!({ "enum": [1, 2.5, null, "x", 5, 6, 7, 8, 9, 10] }),
            json!(0),
            "the value is not one of 1, 2.5, null, \"x\", 5, 6, 7, 8 and 2 more",
        ),
        (json!({ "const": { "b": 1.0, "a": [] } }), json!(0), "the value is not {\"a\":[],\"b\":1}"),
        (json!({ "minimum": 1 }), json!(0), "the number is less than 1"),
        (json!({ "maximum": 1.5 }), json!(2), "the number is greater than 1.5"),
        (json!({ "exclusiveMinimum": 1e21 }), json!(0), "the number is not greater than 1e+21"),
        (json!({ "exclusiveMaximum": 1.0 }), json!(1), "the number is not less than 1"),
        (json!({ "multipleOf": 2 }), json!(3), "the number is not a multiple of 2"),
        (json!({ "minLength": 1 }), json!(""), "the text is shorter than 1 characters"),
        (json!({ "maxLength": 1 }), json!("ab"), "the text is longer than 1 characters"),
        (json!({ "pattern": "^a$" }), json!("secret"), "the text does not match the pattern ^a$"),
        (json!({ "minItems": 1 }), json!([]), "the list has fewer than 1 items"),
        (json!({ "maxItems": 1 }), json!([1, 2]), "the list has more than 1 items"),
        (json!({ "uniqueItems": true }), json!(["secret", "secret"]), "the list has an item twice"),
        (json!({ "contains": { "type": "null" } }), json!([1]), "the list does not contain what the schema asks for"),
        (json!({ "minProperties": 1 }), json!({}), "the object has fewer than 1 members"),
        (json!({ "maxProperties": 0 }), json!({ "secret": 1 }), "the object has more than 0 members"),
        (
            json!({ "propertyNames": { "maxLength": 1 } }),
            json!({ "secret": 1 }),
            "a member has a name that is not allowed: the text is longer than 1 characters",
        ),
        (
            json!({ "anyOf": [{ "type": "null" }, { "type": "string" }] }),
            json!(1),
            "the value satisfies none of the alternatives in anyOf",
        ),
        (
            json!({ "oneOf": [{ "minimum": 9 }, { "type": "string" }] }),
            json!(1),
            "the value satisfies none of the alternatives in oneOf",
        ),
        (
            json!({ "oneOf": [{ "minimum": 0 }, { "maximum": 9 }] }),
            json!(1),
            "the value satisfies more than one of the alternatives in oneOf",
        ),
        (json!({ "not": { "type": "string" } }), json!("secret"), "the value satisfies the schema in not"),
        (json!(false), json!("secret"), "what stands here is not allowed"),
        (json!({ "prefixItems": [true], "items": false }), json!([1, 2]), "/1: what stands here is not allowed"),
        (json!({ "dependentRequired": { "a": ["b"] } }), json!({ "a": 1 }), "the member \"b\" is missing"),
    ] {
        assert_eq!(violations(schema.clone(), value), [said], "{schema}");
    }
}

#[test]
fn violations_come_in_an_order_of_their_own() {
    let schema = json!({ "properties": { "b": false, "a": { "minLength": 3, "pattern": "^x" } }, "required": ["z"] });
    assert_eq!(
        violations(schema, json!({ "b": 1, "a": "a" })),
        [
            "the member \"z\" is missing",
            "/a: the text does not match the pattern ^x",
            "/a: the text is shorter than 3 characters",
            "/b: what stands here is not allowed",
        ]
    );
}

#[test]
fn schemas_that_are_none_are_errors() {
    for (bad, pointer) in [
        (json!("any"), ""),
        (json!({ "type": "thing" }), "/type"),
        (json!({ "properties": { "a": { "minLength": -1 } } }), "/properties/a/minLength"),
        (json!({ "$ref": "https://example.org/schema.json" }), ""),
        (json!({ "$ref": "file:///etc/passwd" }), ""),
        (json!({ "$ref": "other.json" }), ""),
        (json!({ "$ref": "#/$defs/nowhere" }), ""),
    ] {
        let error = CompiledSchema::compile(&bad).unwrap_err();
        assert_eq!(error.pointer, pointer, "{bad}: {error}");
    }
    for pattern in ["(", "(?=a)", "(a)\\1", "(?<!a)b"] {
        assert!(CompiledSchema::compile(&json!({ "pattern": pattern })).is_err(), "{pattern}");
        assert!(CompiledSchema::compile(&json!({ "patternProperties": { pattern: {} } })).is_err(), "{pattern}");
    }
    assert!(CompiledSchema::compile(&json!({ "pattern": "(((a{100}){100}){100}){100}" })).is_err(), "too large");
}

#[test]
fn a_schema_is_as_deep_as_a_value_may_be_and_no_deeper() {
    let nested = |levels: usize| (1..levels).fold(json!({}), |inner, _| json!({ "not": inner }));
    assert!(CompiledSchema::compile(&nested(MAX_SCHEMA_DEPTH)).is_ok());
    let error = CompiledSchema::compile(&nested(MAX_SCHEMA_DEPTH + 1)).unwrap_err();
    assert_eq!(error.message, "more than 100 arrays and objects stand in each other");
}

#[test]
fn references_within_the_schema_work_and_circles_end() {
    let tree = json!({ "$defs": { "t": { "items": { "$ref": "#/$defs/t" }, "type": "array" } }, "$ref": "#/$defs/t" });
    assert_eq!(violations(tree.clone(), json!([[], [[]]])), [""; 0]);
    assert_eq!(violations(tree, json!([[], [1]])).len(), 1);
    for circle in [json!({ "$ref": "#" }), json!({ "allOf": [{ "$ref": "#" }] }), json!({ "not": { "$ref": "#" } })] {
        if let Ok(schema) = CompiledSchema::compile(&circle) {
            let _ = schema.validate(&Value::Null);
        }
    }
}

#[test]
fn a_pattern_takes_time_linear_in_the_text() {
    let pattern = schema(json!({ "pattern": "^(a+)+$" }));
    let text = "a".repeat(100_000) + "b";
    assert!(pattern.validate(&text.into()).is_err());
}

#[test]
fn format_checks_nothing() {
    assert_eq!(violations(json!({ "format": "email" }), json!("not an address")), [""; 0]);
}

#[test]
fn the_draft_is_2020_12_whatever_the_schema_calls_itself() {
    let tuple = json!({ "$schema": "http://json-schema.org/draft-07/schema#", "prefixItems": [{ "type": "string" }] });
    assert_eq!(violations(tuple, json!([1])).len(), 1, "2020-12 knows prefixItems, draft 7 does not");
}

fn value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|it| json!(it)),
        (-3_i64..4).prop_map(|it| json!(it)),
        any::<i64>().prop_map(|it| json!(it)),
        prop_oneof![Just(0.5), Just(1.0), Just(2.0), -4.0..4.0].prop_map(|it| json!(it)),
        "[a-c]{0,3}".prop_map(|it| json!(it)),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|it| json!(it)),
            prop::collection::btree_map("[a-c]", inner, 0..4).prop_map(|it| json!(it)),
        ]
    })
}

fn any_schema() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        prop::sample::select(vec!["null", "boolean", "integer", "number", "string", "array", "object"])
            .prop_map(|it| json!({ "type": it })),
        value().prop_map(|it| json!({ "const": it })),
        prop::collection::vec(value(), 1..4).prop_map(|it| json!({ "enum": it })),
        (-3_i64..4).prop_map(|it| json!({ "minimum": it })),
        (-3_i64..4).prop_map(|it| json!({ "exclusiveMaximum": it })),
        (1_i64..4).prop_map(|it| json!({ "multipleOf": it })),
        (0_u32..3).prop_map(|it| json!({ "minLength": it, "maxItems": it, "minProperties": it })),
        Just(json!({ "uniqueItems": true })),
        Just(json!({ "pattern": "^a" })),
        Just(json!({ "required": ["a"], "propertyNames": { "pattern": "[ab]" } })),
    ];
    leaf.prop_recursive(3, 16, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..3).prop_map(|it| json!({ "anyOf": it })),
            prop::collection::vec(inner.clone(), 1..3).prop_map(|it| json!({ "oneOf": it })),
            inner.clone().prop_map(|it| json!({ "not": it })),
            inner.clone().prop_map(|it| json!({ "items": it, "additionalProperties": it })),
            inner
                .clone()
                .prop_map(|it| json!({ "contains": it, "properties": { "a": it }, "unevaluatedProperties": false })),
            (inner.clone(), inner).prop_map(|(test, then)| json!({ "if": test, "then": then })),
        ]
    })
}

proptest! {
    /// The library over its own values is the reference.
    #[test]
    fn values_are_judged_as_their_json_is(schema in any_schema(), value in value()) {
        let reference = jsonschema::options().with_draft(Draft::Draft202012).build(&schema).unwrap();
        let own = CompiledSchema::compile(&schema).unwrap();
        prop_assert_eq!(own.validate(&value.clone().into()).is_ok(), reference.is_valid(&value));
    }
}
