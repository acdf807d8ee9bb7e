//! `docs/expressions.md`: every example is run, every function and operator has one.

use bloom_ir::Value;
use bloom_ir::expr::functions as table;

use super::{Budget, Environment, Evaluator, Slot, compile, parse, run_vars};

const PAGE: &str = include_str!("../../../../docs/expressions.md");

/// The texts of the page's code blocks in a language.
fn blocks(language: &str) -> impl Iterator<Item = &'static str> {
    let start = format!("```{language}\n");
    PAGE.match_indices(&start.clone())
        .map(|(at, _)| PAGE[at..].split_once('\n').unwrap().1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect::<Vec<_>>()
        .into_iter()
}

/// The examples: an expression, which may go over several lines, and what is said of it.
fn examples() -> Vec<(String, &'static str)> {
    let mut examples = Vec::new();
    for block in blocks("cel") {
        let mut text = String::new();
        for line in block.lines() {
            match line.split_once("  // ") {
                Some((end, says)) => examples.push((std::mem::take(&mut text) + end, says)),
                None => text = text + line + "\n",
            }
        }
        assert_eq!(text, "", "an example without a value");
    }
    examples
}

fn outcome(text: &str) -> String {
    let variables: Value = serde_json::from_str(blocks("json").next().unwrap()).unwrap();
    let input: Value = serde_json::from_str(r#"{"folder": "notes"}"#).unwrap();
    let mut slots = Vec::new();
    let program = compile(&parse(text).unwrap_or_else(|error| panic!("{text}: {error}")), &mut |name| {
        slots.push(variables.get(name).cloned().unwrap_or_default());
        Some(Slot(u32::try_from(slots.len() - 1).unwrap()))
    })
    .unwrap();
    let environment = Environment { variables: &slots, input: &input, run: &run_vars(), budget: Budget::default() };
    match Evaluator::default().evaluate(&program, &environment) {
        Ok(value) => String::from_utf8(value.to_bytes()).unwrap(),
        Err(error) => format!("error: {}", error.code()),
    }
}

#[test]
fn each_example_of_the_manual_gives_what_it_says() {
    let examples = examples();
    assert!(examples.len() > 100, "{}", examples.len());
    let wrong: Vec<_> = examples
        .into_iter()
        .map(|(text, says)| (outcome(&text), text, says))
        .filter(|(outcome, _, says)| outcome != says)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_manual_has_every_function_operator_and_macro() {
    let examples = examples();
    for function in table::all() {
        assert!(PAGE.contains(&format!("\n`{}`\n", function.signatures_text())), "{}", function.signatures_text());
        assert!(PAGE.contains(function.doc), "{}", function.doc);
        let called = format!("{}(", function.name);
        assert!(examples.iter().any(|(text, says)| text.contains(&called) && !says.starts_with("error")), "{called}");
    }
    for written in [
        " ? ",
        " || ",
        " && ",
        " == ",
        " != ",
        " < ",
        " <= ",
        " > ",
        " >= ",
        " in ",
        " + ",
        " - ",
        " * ",
        " / ",
        " % ",
        "!",
        "-",
        ".all(",
        ".exists(",
        ".exists_one(",
        ".filter(",
        ".map(",
        "has(",
        "v['",
        "input.",
        "run.id",
        "run.flow",
        "run.version",
        "run.started_at",
        "run.now",
    ] {
        assert!(examples.iter().any(|(text, _)| text.contains(written)), "no example has {written}");
    }
}
