//! Random valid diagrams: they are understood, whatever way they were drawn.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests"
)]

mod support;

use std::collections::BTreeSet;

use bloom_ir::diagnostic::Severity;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use support::random::{Texts, diagram};
use support::walk::trace;
use support::{compile_text, rendered};

/// Errors of the shape: those of texts, and of icons that are not supported yet, do not count.
fn is_shape(code: &str) -> bool {
    ("D001"..="D034").contains(&code) && !["D016", "D017", "D033"].contains(&code)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn valid_diagrams_have_a_sound_shape(diagram in diagram(80, Texts::Prose)) {
        let compilation = compile_text("random.drakon", &diagram.to_string());
        let wrong = compilation.diagnostics.iter().find(|diagnostic| diagnostic.severity == Severity::Error && is_shape(diagnostic.code.0));
        prop_assert!(wrong.is_none(), "{}\n{diagram:#}", rendered(&compilation));
    }

    #[test]
    fn every_walk_comes_to_the_end_or_to_its_limit(diagram in diagram(80, Texts::Prose), seed in 0..8_u64) {
        let items = diagram["items"].as_object().unwrap();
        let found = trace(items, seed);
        prop_assert!(!found.events.is_empty());
        // Every icon leads to one that is there.
        for item in items.values() {
            for field in ["one", "two", "side"] {
                prop_assert!(item[field].is_null() || item[field].as_str().is_some_and(|id| items.contains_key(id)), "{item}");
            }
        }
    }
}

#[test]
fn the_random_diagrams_have_all_icons() {
    let mut runner = TestRunner::deterministic();
    let mut kinds = BTreeSet::new();
    let (mut largest, mut backwards) = (0, 0);
    for _ in 0..300 {
        let drawn = diagram(80, Texts::Prose).new_tree(&mut runner).unwrap().current();
        let items = drawn["items"].as_object().unwrap();
        largest = largest.max(items.len());
        for item in items.values() {
            kinds.insert(item["type"].as_str().unwrap().to_owned());
            let to = item["one"].as_str().map(|to| &items[to]);
            backwards += usize::from(to.is_some_and(|to| to["type"] == "branch"));
        }
    }
    assert_eq!(kinds.len(), 26, "{kinds:?}");
    assert!(largest > 80, "{largest}");
    assert!(backwards > 300, "{backwards}");
}

#[test]
fn a_choice_of_nothing_but_what_is_left_reads_back() {
    let written = compile_text("left.md", "BEGIN\n  x = 1\n  SELECT x\n    ELSE\n      LOG x\nEND\n");
    assert!(written.document.is_some(), "{}", rendered(&written));
}
