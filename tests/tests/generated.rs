//! Random valid diagrams, and real ones that were damaged: they compile to what they say, or it is told what is wrong.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests"
)]

#[path = "../../compiler/tests/support/random/mod.rs"]
mod random;
#[path = "../../compiler/tests/support/walk.rs"]
mod walk;

use bloom_compiler::{Compilation, KnownFlow, Options, Prose, SourceFile, compile, render};
use bloom_interpreter::rehearse::{Bounds, End, HashOracle, rehearse};
use bloom_ir::Digest;
use bloom_ir::document::{Document, Locale};
use bloom_ir::expr::types::Type;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use random::{Texts, diagram};
use serde_json::{Value, json};

/// Every text is prose, so that the shape alone is tested.
fn opaque() -> Options {
    Options { opaque: true, prose: Prose::Llm, ..Options::default() }
}

/// Texts are programs; they call a flow of one input.
fn parsed() -> Options {
    let inputs = json!({ "type": "object", "properties": { "x": { "type": "integer" } }, "required": ["x"] });
    let child = KnownFlow {
        name: "Child".to_owned(),
        id: "child".to_owned(),
        hash: Digest::of(b"child"),
        inputs,
        returns: Type::any(),
    };
    Options { flows: vec![child], ..Options::default() }
}

fn compiled(diagram: &Value, options: &Options) -> Compilation {
    compile(&SourceFile::new("random.drakon", diagram.to_string().as_bytes()), options)
}

fn told(compilation: &Compilation) -> String {
    compilation
        .diagnostics
        .iter()
        .map(|diagnostic| render(diagnostic, &compilation.outline, Locale::En, false) + "\n")
        .collect()
}

fn document(diagram: &Value, options: &Options) -> Document {
    let compilation = compiled(diagram, options);
    let told = told(&compilation);
    compilation.document.unwrap_or_else(|| panic!("{told}\n{diagram:#}"))
}

/// The same diagrams every time, unless `PROPTEST_RNG_SEED` names others and `PROPTEST_CASES` how many.
fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    let rng_seed = match default.rng_seed {
        RngSeed::Random => RngSeed::Fixed(1),
        named @ RngSeed::Fixed(_) => named,
    };
    ProptestConfig { failure_persistence: None, rng_seed, ..default }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn programs_do_what_a_walk_of_their_diagram_does(diagram in diagram(80, Texts::Prose)) {
        let document = document(&diagram, &opaque());
        bloom_ir::validate::check(&document).unwrap();
        for seed in 1..=4 {
            let expected = walk::trace(diagram["items"].as_object().unwrap(), seed);
            let found = rehearse(&document, &mut HashOracle::new(seed.to_string()), Bounds::default());
            let events: Vec<Value> = found.events.iter().map(|event| json!(event)).collect();
            prop_assert_eq!(&events, &expected.events, "seed {}\n{:#}", seed, diagram);
            prop_assert_eq!(found.end == End::Cut, expected.cut);
        }
    }

    #[test]
    fn diagrams_written_as_programs_compile(diagram in diagram(80, Texts::Statements)) {
        let document = document(&diagram, &parsed());
        bloom_ir::validate::check(&document).unwrap();
    }

    #[test]
    fn damaged_diagrams_are_answered(diagram in diagram(40, Texts::Statements), damages in damages()) {
        answered(diagram, damages);
    }
}

#[derive(Clone, Debug)]
enum Damage {
    /// An icon leads to another.
    Edge(&'static str, prop::sample::Index),
    /// A member of an icon is gone.
    Remove(&'static str),
    /// An icon is gone.
    Lose,
    /// An icon is of another kind.
    Kind(&'static str),
    /// Something else is written in an icon, or is not a text at all.
    Member(&'static str, Value),
}

const MEMBERS: [&str; 9] = ["one", "two", "side", "type", "content", "secondary", "flag1", "branchId", "text"];
const KINDS: [&str; 14] = [
    "action",
    "branch",
    "end",
    "question",
    "select",
    "case",
    "loopbegin",
    "loopend",
    "arrow-loop",
    "parbegin",
    "parend",
    "duration",
    "comment",
    "spaceship",
];

fn damage() -> impl Strategy<Value = Damage> {
    let values = vec![
        json!(""),
        json!(null),
        json!(1),
        json!(-3.5),
        json!([]),
        json!({}),
        json!(true),
        json!("x = ("),
        json!("catch"),
    ];
    prop_oneof![
        4 => (prop::sample::select(&MEMBERS[..3]), any::<prop::sample::Index>()).prop_map(|(field, to)| Damage::Edge(field, to)),
        1 => prop::sample::select(&MEMBERS[..]).prop_map(Damage::Remove),
        1 => Just(Damage::Lose),
        2 => prop::sample::select(&KINDS[..]).prop_map(Damage::Kind),
        1 => (prop::sample::select(&MEMBERS[..]), prop::sample::select(values)).prop_map(|(field, value)| Damage::Member(field, value)),
    ]
}

/// What is done to which icon.
type Damages = Vec<(prop::sample::Index, Damage)>;

fn damages() -> impl Strategy<Value = Damages> {
    proptest::collection::vec((any::<prop::sample::Index>(), damage()), 1..5)
}

/// Damages a diagram, and holds the compiler to an answer.
fn answered(mut diagram: Value, damages: Damages) {
    let Some(items) = diagram["items"].as_object_mut() else { return };
    for (item, damage) in damages {
        let ids: Vec<String> = items.keys().cloned().collect();
        if ids.is_empty() {
            break;
        }
        let id = item.get(&ids).clone();
        match damage {
            Damage::Edge(field, to) => items[&id][field] = to.get(&ids).as_str().into(),
            Damage::Remove(field) => drop(items[&id].as_object_mut().and_then(|item| item.remove(field))),
            Damage::Lose => drop(items.remove(&id)),
            Damage::Kind(kind) => items[&id]["type"] = kind.into(),
            Damage::Member(field, value) => items[&id][field] = value,
        }
    }
    for options in [parsed(), opaque()] {
        let compilation = compiled(&diagram, &options);
        assert_eq!(compilation.document.is_none(), compilation.has_errors());
        told(&compilation);
        if let Some(document) = &compilation.document {
            bloom_ir::validate::check(document).unwrap_or_else(|problems| panic!("{problems:?}\n{diagram:#}"));
            rehearse(document, &mut HashOracle::new("1"), Bounds { events: 50, steps: 500 });
        }
    }
}

#[test]
fn damaged_real_diagrams_are_answered() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus/diagrams.jsonl.gz");
    let Ok(file) = std::fs::File::open(&path) else {
        assert!(std::env::var_os("BLOOM_REQUIRE_CORPUS").is_none(), "there is no corpus");
        println!("skipped: there is no corpus");
        return;
    };
    let text = std::io::read_to_string(flate2::read::GzDecoder::new(file)).unwrap();
    let diagrams: Vec<Value> = text
        .lines()
        .step_by(4)
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|record| serde_json::from_str(record["diagram"].as_str().unwrap()).unwrap())
        .collect();
    let damaged = (prop::sample::select(diagrams), damages());
    let mut runner = proptest::test_runner::TestRunner::new(config());
    runner
        .run(&damaged, |(diagram, damages)| {
            answered(diagram, damages);
            Ok(())
        })
        .unwrap();
}
