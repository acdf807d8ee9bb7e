//! Components that were tampered with, arguments and manifests of every kind: nothing brings the host down. `fuzz/run` looks
//! further with the same properties.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod arbitrary;

use proptest::prelude::*;
use serde_json::json;

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_component_that_was_tampered_with_is_examined(
        which in 0_usize..4,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in prop::option::weighted(0.2, any::<prop::sample::Index>()),
    ) {
        let (_, mut bytes) = arbitrary::components().swap_remove(which);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        arbitrary::examines_or_explains(&bytes);
    }

    #[test]
    fn tools_are_called_with_json_of_every_kind(args in any_json()) {
        arbitrary::calls_or_explains(args.to_string().as_bytes());
    }

    #[test]
    fn a_component_says_of_itself_what_it_likes(
        field in prop::sample::select(vec![
            "name", "version", "description", "effect", "input", "output", "params", "aliases", "capabilities",
        ]),
        value in any_json(),
    ) {
        let mut manifest = json!({
            "name": "tool", "version": "1.0.0", "description": "A tool.", "effect": "read", "input": {}, "output": {},
        });
        manifest[field] = value;
        arbitrary::reads_manifest_or_explains(&manifest.to_string());
    }
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        ".{0,20}".prop_map(Into::into),
        prop::sample::select(vec!["object", "type", "http:*", "files:notes", "config:", "1.0.0", "$ref", "#"])
            .prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Into::into),
            prop::collection::btree_map("type|\\$ref|properties|[a-zї]{0,8}", inner, 0..8)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}
