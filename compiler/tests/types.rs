//! What schemas prove to go wrong is told, and nothing else is.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "tests")]

mod support;

use support::{compile_text, rendered};

/// The codes that the types cause in a program with these lines.
fn codes(lines: &str) -> Vec<&'static str> {
    let lines = lines.replace('\n', "\n  ");
    let program = format!(
        "BEGIN
  PARAM folder: string
  PARAM least: int = 200
  memory ← read-memory()
  notes ← read-notes(folder)
  answer ← LLM:
    Is it so?
  FORMAT {{yes: bool, why: string}}
  {lines}
  LOG [memory, notes, answer]
END
"
    );
    let compilation = compile_text("types.md", &program);
    let others: Vec<_> = compilation.diagnostics.iter().filter(|found| found.code.0 < "D155").collect();
    assert!(others.iter().all(|found| found.code.0 == "D069"), "{lines}\n{}", rendered(&compilation));
    compilation.diagnostics.iter().map(|found| found.code.0).filter(|code| *code >= "D155").collect()
}

#[test]
fn what_schemas_prove_is_told() {
    for (lines, expected) in [
        ("x ← notes.slug", &["D155"][..]),
        ("x ← notes[0].slg", &["D156"]),
        ("x ← size(least)", &["D157"]),
        ("x ← folder + least", &["D158"]),
        ("IF notes:\n  LOG 1", &["D159"]),
        ("FOR letter IN folder:\n  LOG letter", &["D160"]),
        ("x ← memory.last_run + 1", &["D161"]),
        ("x ← read-notes(least)", &["D162"]),
        ("IF least == \"many\":\n  LOG 1", &["D163"]),
        // The type goes with the value: through variables, loops, members and what an LLM answers.
        ("x ← notes\ny ← x[0]\nz ← y.tags[0].slug", &["D155"]),
        ("FOR note IN notes:\n  LOG note.titel", &["D156"]),
        ("x ← notes.map(n, n.words)\nFOR y IN x:\n  LOG y.trim()", &["D157"]),
        ("x ← answer.yes + 1", &["D158"]),
        ("x ← answer.maybe", &["D156"]),
        ("x ← \"a\"\nIF least > 1:\n  x ← \"b\"\nLOG x.slug", &["D155"]),
        ("x ← {a: 1}\nx.b ← 2\nLOG x.a.c", &[]),
        ("t ← memory.last_run\nLOG t > 5", &["D161"]),
    ] {
        assert_eq!(codes(lines), expected, "{lines}");
    }
}

#[test]
fn what_may_go_well_is_not_told() {
    for lines in [
        "x ← notes[0].slug + folder\nLOG x",
        // Two types on two ways.
        "x ← 1\nIF least > 1:\n  x ← [1]\nLOG x.map(y, y)",
        // Null that somebody thought of, wherever.
        "IF memory.last_run == null:\n  → END\nx ← memory.last_run + 1\nLOG x",
        "x ← memory.last_run == null ? 0 : memory.last_run\nLOG x + 1",
        "IF memory.last_run != null AND memory.last_run > 5:\n  LOG 1",
        // What grows in a loop.
        "x ← []\nFOR note IN notes:\n  x ← [x, note]\nLOG x[0][0][0][0].slug",
        "x ← {}\nFOR note IN notes:\n  x.slug ← note.slug\nLOG x.slug + x.other",
        // What only the run can know.
        "x ← json.parse(folder)\nLOG x.a.b + 1",
    ] {
        assert_eq!(codes(lines), Vec::<&str>::new(), "{lines}");
    }
}
