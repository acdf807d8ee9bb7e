//! What schemas prove to go wrong is told, and nothing else is.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "tests")]

mod support;

use bloom_compiler::{KnownFlow, Options, SourceFile, compile};
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
        // An LLM or a person would read the word null.
        ("x ← LLM:\n  When? {memory.last_run}\nFORMAT {yes: bool}\nLOG x", &["D161"]),
        // Null that somebody thinks of too late, or elsewhere.
        ("x ← memory.last_run + 1\nIF memory.last_run == null:\n  LOG x", &["D161"]),
        ("IF least > 5:\n  LOG memory.last_run == null\nELSE:\n  LOG memory.last_run + 1", &["D161"]),
        // Where it is known to be null.
        ("IF memory.last_run == null:\n  LOG memory.last_run + 1", &["D158"]),
        ("IF NOT (memory.last_run != null OR least > 5):\n  t ← memory.last_run\n  LOG memory.last_run + 1", &["D158"]),
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
        // Behind the question it is not null, whatever it is called then.
        "IF memory.last_run != null:\n  t ← memory.last_run\n  LOG t + 1",
        "IF memory.last_run == null OR least > 5:\n  LOG 1\nELSE:\n  t ← memory.last_run\n  FOR note IN notes:\n    LOG t + 1",
        "t ← memory.last_run\nIF t == null:\n  t ← 0\nu ← t\nLOG u + 1",
        "t ← memory.last_run\nt ← t == null ? 0 : t\nu ← t\nLOG u + 1",
        // It was asked of a copy.
        "t ← memory.last_run\nu ← t\nIF u == null:\n  → END\nLOG memory.last_run + 1",
        "t ← memory.last_run\nIF memory.last_run == null:\n  → END\nx ← LLM:\n  When? {t}\nFORMAT {yes: bool}\nLOG x",
        "asked ← memory.last_run == null\nIF NOT asked:\n  LOG memory.last_run + 1",
        "IF memory.last_run == null:\n  → END\nx ← LLM:\n  When? {memory.last_run}\nFORMAT {yes: bool}\nLOG x",
        // What grows in a loop.
        "x ← []\nFOR note IN notes:\n  x ← [x, note]\nLOG x[0][0][0][0].slug",
        "x ← {}\nFOR note IN notes:\n  x.slug ← note.slug\nLOG x.slug + x.other",
        // What only the run can know.
        "x ← json.parse(folder)\nLOG x.a.b + 1",
    ] {
        assert_eq!(codes(lines), Vec::<&str>::new(), "{lines}");
    }
}

/// The codes that the types cause in a program that calls another one.
fn codes_of_call(callee: &str, lines: &str) -> Vec<String> {
    let callee = compile_text("child.md", callee);
    let callee = callee.document.as_ref().unwrap_or_else(|| panic!("{}", rendered(&callee)));
    let options = support::options();
    let flows = vec![KnownFlow::new("Child", callee, &options)];
    let program = format!("BEGIN\n  {}\nEND\n", lines.replace('\n', "\n  "));
    let compilation = compile(&SourceFile::new("a.md", program.as_bytes()), &Options { flows, ..options });
    let others: Vec<_> = compilation.diagnostics.iter().filter(|found| found.code.0 < "D155").collect();
    assert!(others.iter().all(|found| found.code.0 == "D069"), "{lines}\n{}", rendered(&compilation));
    compilation.diagnostics.iter().map(|found| found.code.0.to_owned()).collect()
}

#[test]
fn the_result_of_a_called_flow_has_the_type_of_what_it_returns() {
    let callee = "BEGIN
  PARAM folder: string
  notes ← read-notes(folder)
  memory ← read-memory()
  IF size(notes) > 5
    RETURN {notes: notes, last: memory.last_run}
  RETURN {notes: notes, last: 5}
END
";
    for (lines, expected) in [
        ("x ← CALL Child(folder: \"a\")\nLOG x.nots", &["D156"][..]),
        ("x ← CALL Child(folder: \"a\")\nLOG x.notes.slug", &["D155"]),
        ("x ← CALL Child(folder: \"a\")\nFOR note IN x.notes:\n  LOG note.titel", &["D156"]),
        ("x ← CALL Child(folder: \"a\")\nLOG x.last + 1", &["D161"]),
        ("x ← CALL Child(folder: \"a\")\nLOG x.notes[0].slug + x.notes[0].title", &[]),
        ("x ← CALL Child(folder: \"a\")\nIF x.last != null:\n  LOG x.last + 1", &[]),
    ] {
        assert_eq!(codes_of_call(callee, lines), expected, "{lines}");
    }
    // What the run alone knows of it is not guessed.
    let unknown = "BEGIN\n  PARAM text: string\n  RETURN json.parse(text)\nEND\n";
    assert_eq!(codes_of_call(unknown, "x ← CALL Child(text: \"{}\")\nLOG x.a.b + 1"), Vec::<String>::new());
}
