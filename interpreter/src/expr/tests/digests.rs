//! A digest of every function's results over fixed arguments: IR 0.1 fixes them for ever, so a difference here is an
//! error in the code or a changed table in a dependency, and never a reason to change a digest.

use std::fmt::Write as _;

use bloom_ir::expr::functions::{self, Function, Spelling};
use bloom_ir::{Digest, Value};

use super::*;

/// Arguments that try what functions tell apart.
const ARGUMENTS: [&str; 28] = [
    "null",
    "true",
    "0",
    "-7",
    "9007199254740993",
    "9223372036854775807",
    "1763712001500",
    "0.1",
    "-2.5",
    "1e300",
    "''",
    "'a'",
    "'true'",
    "'42'",
    "'-1.5e3'",
    "'Їжак, п\\'ять слів — та 2026!\\n  Ends ΣΑΣ Straße \\n'",
    "','",
    "'[a-z]+|ї'",
    "'2024-02-29T23:59:59.9996+02:00'",
    "'+02:00'",
    "'months'",
    "'hours'",
    "'%Y-%m-%d %H:%M:%S.%L %j %u %z %%'",
    "'{\"a\": [1.0, 2.5, \"ї\"]}'",
    "[]",
    "[3, 1, 2.5, 1, 3.0]",
    "['b', 'а', 'B', 'b']",
    "{'b': 1, 'a': [2.0]}",
];

/// The first 16 digits of each SHA-256.
const DIGESTS: &[(&str, &str)] = &[
    ("bool", "921734c5c7d067a3"),
    ("contains", "740a6fe6cd12e01e"),
    ("date.add", "3346b5816af2db03"),
    ("date.diff", "db49d04649d1d43f"),
    ("date.format", "3e9111de081bcc49"),
    ("date.parse", "373a81f3075fbc65"),
    ("distinct", "4c4c122b5b8fed4d"),
    ("div", "1ea301fe2f2fe1f7"),
    ("double", "767fc2a32a0af0f3"),
    ("endsWith", "c69e73baa82560de"),
    ("int", "c0b31351a055fe9d"),
    ("join", "a03d7d45bbac3d7a"),
    ("json.format", "e7578256cf4f5457"),
    ("json.parse", "f1515f90cbb5e04f"),
    ("keys", "c283ed2bff72cfb7"),
    ("lines", "bcddac26123fc65c"),
    ("lower", "c09842d3dd0cbc9e"),
    ("matches", "5deaf74a9ada936b"),
    ("max", "8830792610b97b1c"),
    ("merge", "c8484411c874e818"),
    ("min", "212ba8a9dc7c131d"),
    ("replace", "36e5938e8cd9c775"),
    ("size", "1402de58d9a738e4"),
    ("sort", "bc6247d7ad04baed"),
    ("split", "0d838d9dae0bc1e8"),
    ("startsWith", "54e1d8a176d13091"),
    ("string", "1166b9726b8baeba"),
    ("sum", "f601548118f39c84"),
    ("tokens", "a151c4f1c0e74583"),
    ("trim", "61d2139dd2b59d9c"),
    ("upper", "f350d0b68fb05706"),
    ("words", "bf974f26f8f0c2e0"),
];

fn call(function: &Function, args: &[&str]) -> String {
    match (function.canonical_spelling(), args) {
        (Spelling::Method, [receiver, rest @ ..]) => format!("{receiver}.{}({})", function.name, rest.join(", ")),
        _ => format!("{}({})", function.name, args.join(", ")),
    }
}

/// All calls with so many arguments; of those with three only some, as there are many.
fn results(function: &Function, arity: usize) -> String {
    let mut lines = String::new();
    let calls = 0..ARGUMENTS.len().pow(u32::try_from(arity).unwrap());
    for mut choice in calls.step_by(if arity == 3 { 5 } else { 1 }) {
        let mut args = Vec::new();
        for _ in 0..arity {
            args.push(ARGUMENTS[choice % ARGUMENTS.len()]);
            choice /= ARGUMENTS.len();
        }
        let is_text = |arg: &&str| arg.starts_with('\'');
        if arity == 3 && !args[1..].iter().any(is_text) {
            continue;
        }
        let text = call(function, &args);
        let outcome = match evaluate(&text) {
            Ok(value) => String::from_utf8(value.to_bytes()).unwrap(),
            Err(error) => error.code().to_owned(),
        };
        writeln!(lines, "{text} = {outcome}").unwrap();
    }
    lines
}

fn short(bytes: &[u8]) -> String {
    Digest::of(bytes).to_string().trim_start_matches("sha256:").chars().take(16).collect()
}

#[test]
fn the_results_of_every_function_are_fixed() {
    let mut found = Vec::new();
    for function in functions::all() {
        let mut lines = String::new();
        for arity in (1..=3).filter(|arity| function.accepts(*arity)) {
            lines.push_str(&results(function, arity));
        }
        found.push((function.name, short(lines.as_bytes())));
    }
    let found: Vec<(&str, &str)> = found.iter().map(|(name, digest)| (*name, digest.as_str())).collect();
    assert_eq!(found, DIGESTS);
}

/// One text with every character.
fn every_character() -> Value {
    ('\0'..=char::MAX).collect::<String>().into()
}

fn with_text(text: &str, value: Value) -> Value {
    let program = compile(&parse(text).unwrap(), &mut |_| Some(Slot(0))).unwrap();
    let budget = Budget { steps: u64::MAX, bytes: u64::MAX };
    let environment = Environment { variables: &[value], input: &Value::Null, run: &run_vars(), budget };
    Evaluator::default().evaluate(&program, &environment).unwrap()
}

#[test]
fn the_tables_of_characters_are_fixed() {
    let mut found = Vec::new();
    for text in ["v['x'].lower()", "v['x'].upper()", "[words(v['x']), tokens(v['x'])]"] {
        found.push(short(&with_text(text, every_character()).to_bytes()));
    }
    let plane: Value = ('\0'..='\u{2FFF}').map(|character| Value::from(String::from(character))).collect();
    for class in [r"\\w", r"\\d", r"\\s", r"\\p{Lu}", r"(?i)[k\u0457]"] {
        let text = format!("v['x'].filter(c, c.matches('^{class}$'))");
        found.push(short(&with_text(&text, plane.clone()).to_bytes()));
    }
    assert_eq!(
        found,
        [
            "db53da3c1226fb23",
            "815050d01ac868c9",
            "2edb645fbe93bd00",
            "613263f44a371dd3",
            "8cef1372456edbfc",
            "44f79e79da71d885",
            "53bcc9600c0575ba",
            "ddcd61679544f38c"
        ]
    );
}
