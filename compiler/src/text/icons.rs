//! The texts of icons that say without a word what they do: insertions, processes, timers, inputs and outputs.
//!
//! Of an icon with two texts, spans are in the lower one; what is wrong with the upper one marks the icon as a whole.

use pest::Parser;
use pest::iterators::Pair;

use super::expression;
use super::grammar::{Grammar, Rule};
use super::literal::string_literal;
use super::sections::syntax_error;
use super::statement::{self, Argument, AwaitKind, Spanned, Statement, Target, arguments, target_of};
use super::waiting::{self, flow_name, within};
use super::{Part, Problem, Vocabulary, limits};
use crate::codes;

/// The text of a timer: `"name" 5 min`, `name: 5 min`, `name until time`.
pub(crate) fn timer(part: Part<'_>, vocabulary: &Vocabulary<'_>) -> Result<Spanned<Statement>, Problem> {
    let part = part.trimmed();
    let mut named = None;
    let mut due = None;
    for pair in parse(Rule::timer_only, part, vocabulary)? {
        match pair.as_rule() {
            Rule::flow_name => named = Some(flow_name(&pair, part).node),
            Rule::due => due = Some(waiting::due_of(pair, part)?),
            _ => {}
        }
    }
    let (name, due) = named.zip(due).ok_or_else(|| incomplete(part))?;
    Ok(spanned(Statement::Timer { name, due }, part))
}

/// The text of an insertion: `Name`, `Name(args)`, `x ← Name(args)`, `"A name of many words"(args)`.
pub(crate) fn insertion(part: Part<'_>, vocabulary: &Vocabulary<'_>) -> Result<Spanned<Statement>, Problem> {
    let part = part.trimmed();
    let mut target = None;
    let mut flow = None;
    let mut args = Vec::new();
    let mut limit = None;
    for pair in parse(Rule::insertion, part, vocabulary)? {
        match pair.as_rule() {
            Rule::target => target = Some(target_of(pair, part)?),
            Rule::flow_name => flow = Some(flow_name(&pair, part)),
            Rule::arguments => args = arguments(pair, part)?,
            Rule::limit => limit = Some(pair),
            _ => {}
        }
    }
    let flow = flow.ok_or_else(|| incomplete(part))?;
    limited(Statement::Flow { target, flow, args, wait: true }, limit, part)
}

/// The texts of a process: the flow's name above and its arguments below, or all of it in one of the two.
pub(crate) fn process(
    upper: &str,
    lower: Part<'_>,
    vocabulary: &Vocabulary<'_>,
) -> Result<Spanned<Statement>, Problem> {
    let lower = lower.trimmed();
    let above = Part::new(upper, 0).trimmed();
    let whole = if lower.text.is_empty() { above } else { lower };
    let mut flow = None;
    let mut args: Vec<Argument> = Vec::new();
    if above.text.is_empty() || lower.text.is_empty() {
        for pair in parse(Rule::process, whole, vocabulary)? {
            match pair.as_rule() {
                Rule::flow_name => flow = Some(flow_name(&pair, whole)),
                Rule::arguments => args = arguments(pair, whole)?,
                _ => {}
            }
        }
    } else {
        flow = Some(name_above(above, vocabulary)?);
        for pair in parse(Rule::args_only, lower, vocabulary)? {
            match pair.as_rule() {
                Rule::arguments => args = arguments(pair, lower)?,
                Rule::argument => args.push(statement::argument(pair, lower)?),
                _ => {}
            }
        }
    }
    let mut flow = flow.ok_or_else(|| incomplete(whole))?;
    if lower.text.is_empty() {
        flow.span = 0..0;
    }
    Ok(spanned(Statement::Flow { target: None, flow, args, wait: false }, lower))
}

/// The texts of an input: `signal`, `x ← signal`, or the signal above and the variable below.
pub(crate) fn input(upper: &str, lower: Part<'_>, vocabulary: &Vocabulary<'_>) -> Result<Spanned<Statement>, Problem> {
    let lower = lower.trimmed();
    let above = Part::new(upper, 0).trimmed();
    if above.text.is_empty() || lower.text.is_empty() {
        let whole = if lower.text.is_empty() { above } else { lower };
        let mut target = None;
        let mut signal = None;
        let mut limit = None;
        for pair in parse(Rule::signal, whole, vocabulary)? {
            match pair.as_rule() {
                Rule::target => target = Some(target_of(pair, whole)?),
                Rule::flow_name => signal = Some(flow_name(&pair, whole).node),
                Rule::limit => limit = Some(pair),
                _ => {}
            }
        }
        let name = signal.ok_or_else(|| incomplete(whole))?;
        return limited(Statement::Await { target, kind: AwaitKind::Signal, name }, limit, whole);
    }
    let name = name_above(above, vocabulary)?.node;
    let target = parse(Rule::target_only, lower, vocabulary)?.into_iter().find(|pair| pair.as_rule() == Rule::target);
    let target: Option<Target> = target.map(|pair| target_of(pair, lower)).transpose()?;
    Ok(spanned(Statement::Await { target, kind: AwaitKind::Signal, name }, lower))
}

/// The texts of an output: `EVENT name(args)`, `name(args)`, `ARTIFACT "name" ← value`, or what goes out above
/// (`name`, `EVENT name`, `ARTIFACT "name"`) and its value below.
pub(crate) fn output(upper: &str, lower: Part<'_>, vocabulary: &Vocabulary<'_>) -> Result<Spanned<Statement>, Problem> {
    let lower = lower.trimmed();
    let above = Part::new(upper, 0).trimmed();
    if above.text.is_empty() || lower.text.is_empty() {
        let whole = if lower.text.is_empty() { above } else { lower };
        let pair = parse(Rule::output, whole, vocabulary)?.into_iter().next().ok_or_else(|| incomplete(whole))?;
        if pair.as_rule() != Rule::named_event {
            return Ok(spanned(statement::build(pair, whole, vocabulary)?, whole));
        }
        let mut event = None;
        let mut args = Vec::new();
        for pair in pair.into_inner() {
            match pair.as_rule() {
                Rule::flow_name => event = Some(flow_name(&pair, whole).node),
                _ => args = arguments(pair, whole)?,
            }
        }
        return Ok(spanned(Statement::Event { name: event.ok_or_else(|| incomplete(whole))?, args }, whole));
    }
    let head = parse(Rule::output_head, above, vocabulary).map_err(marked)?;
    let head = head.into_iter().next().ok_or_else(|| incomplete(lower))?;
    let value = expression::expression(lower).map_err(|problem| statement::refused(problem, lower, vocabulary))?;
    let artifact = head.as_rule() == Rule::artifact_head;
    let mut named = None;
    for pair in head.into_inner() {
        match pair.as_rule() {
            Rule::string => named = Some(string_literal(pair.as_str())),
            Rule::flow_name => named = Some(flow_name(&pair, above).node),
            _ => {}
        }
    }
    let name = named.ok_or_else(|| incomplete(lower))?;
    let statement = if artifact {
        Statement::Artifact { name, value }
    } else {
        Statement::Event { name, args: vec![Argument { name: None, value }] }
    };
    Ok(spanned(statement, lower))
}

/// The name in the upper text.
fn name_above(above: Part<'_>, vocabulary: &Vocabulary<'_>) -> Result<Spanned<String>, Problem> {
    let pairs = parse(Rule::name_only, above, vocabulary).map_err(marked)?;
    let named = pairs.into_iter().find(|pair| pair.as_rule() == Rule::flow_name).ok_or_else(|| incomplete(above))?;
    Ok(Spanned { span: 0..0, ..flow_name(&named, above) })
}

fn marked(problem: Problem) -> Problem {
    Problem { span: 0..0, ..problem }
}

fn incomplete(part: Part<'_>) -> Problem {
    Problem::error(codes::SYNTAX, part.range())
}

fn spanned(node: Statement, part: Part<'_>) -> Spanned<Statement> {
    Spanned { node, span: statement::first_line_in(part) }
}

fn limited(statement: Statement, limit: Option<Pair<'_, Rule>>, part: Part<'_>) -> Result<Spanned<Statement>, Problem> {
    let statement = match limit {
        Some(limit) => within(statement, limit, part)?,
        None => statement,
    };
    Ok(spanned(statement, part))
}

fn parse<'a>(rule: Rule, part: Part<'a>, vocabulary: &Vocabulary<'_>) -> Result<Vec<Pair<'a, Rule>>, Problem> {
    let refused = |problem| statement::refused(problem, part, vocabulary);
    limits::check(part).map_err(refused)?;
    let pairs = Grammar::parse(rule, part.text).map_err(|error| refused(syntax_error(part, &error)))?;
    Ok(pairs.collect())
}

#[cfg(test)]
mod tests {
    use super::super::statement::Due;
    use super::*;
    use bloom_ir::expr::print;

    fn read(
        reader: impl Fn(&str, Part<'_>, &Vocabulary<'_>) -> Result<Spanned<Statement>, Problem>,
        upper: &str,
        lower: &str,
    ) -> Statement {
        let vocabulary = Vocabulary::new(&[]);
        reader(upper, Part::new(lower, 0), &vocabulary).unwrap_or_else(|problem| panic!("{lower}: {problem:?}")).node
    }

    #[test]
    fn an_insertion_names_a_flow() {
        for (text, name, count, bound) in [
            ("Підготовка", "Підготовка", 0, false),
            ("prepare-notes(a, b: 1)", "prepare-notes", 2, false),
            ("x ← Prepare()", "Prepare", 0, true),
            ("x.y = \"Prepare the notes\"(a)", "Prepare the notes", 1, true),
            ("CALL Prepare(a)", "Prepare", 1, false),
            ("x ← ВИКЛИК «Підготовка нотаток»", "Підготовка нотаток", 0, true),
        ] {
            match read(|_, part, words| insertion(part, words), "", text) {
                Statement::Flow { target, flow, args, wait: true } => {
                    assert_eq!((flow.node.as_str(), args.len(), target.is_some()), (name, count, bound), "{text}");
                }
                other => panic!("{text}: {other:?}"),
            }
        }
        let limited = read(|_, part, words| insertion(part, words), "", "x ← Prepare(1) ПРОТЯГОМ 2 год");
        assert!(matches!(limited, Statement::Within { seconds: 7200, .. }), "{limited:?}");
    }

    #[test]
    fn a_process_has_its_name_above_or_all_in_one_text() {
        for (upper, lower, name, count) in [
            ("", "Watch(folder)", "Watch", 1),
            ("Watch(folder, 2)", "", "Watch", 2),
            ("Watch", "folder: a, depth: 2", "Watch", 2),
            ("Watch", "(a)", "Watch", 1),
            ("«Стежити за текою»", "a", "Стежити за текою", 1),
            ("", "ЗАПУСК Watch()", "Watch", 0),
        ] {
            match read(process, upper, lower) {
                Statement::Flow { target: None, flow, args, wait: false } => {
                    assert_eq!((flow.node.as_str(), args.len()), (name, count), "{upper} / {lower}");
                }
                other => panic!("{upper} / {lower}: {other:?}"),
            }
        }
    }

    #[test]
    fn an_input_waits_for_a_signal() {
        for (upper, lower, signal, variable) in [
            ("", "approved", "approved", None),
            ("", "x ← note-created", "note-created", Some("x")),
            ("", "відповідь ← «нова нотатка»", "нова нотатка", Some("відповідь")),
            ("", "x ← AWAIT \"answer\"", "answer", Some("x")),
            ("note-created", "x", "note-created", Some("x")),
        ] {
            match read(input, upper, lower) {
                Statement::Await { target, kind: AwaitKind::Signal, name } => {
                    assert_eq!((name.as_str(), target.as_ref().map(|target| target.name.as_str())), (signal, variable));
                }
                other => panic!("{upper} / {lower}: {other:?}"),
            }
        }
    }

    #[test]
    fn an_output_emits_an_event_or_an_artifact() {
        for (upper, lower, name, artifact, count) in [
            ("", "ready", "ready", false, 0),
            ("", "ready(x, size: 1)", "ready", false, 2),
            ("", "ПОДІЯ ready(x)", "ready", false, 1),
            ("", "ARTIFACT \"report\" ← text", "report", true, 0),
            ("ready", "x + 1", "ready", false, 1),
            ("ПОДІЯ «усе готово»", "x", "усе готово", false, 1),
            ("АРТЕФАКТ \"звіт\"", "текст_звіту", "звіт", true, 0),
        ] {
            match read(output, upper, lower) {
                Statement::Event { name: found, args } => {
                    assert_eq!((found.as_str(), false, args.len()), (name, artifact, count), "{upper} / {lower}");
                }
                Statement::Artifact { name: found, .. } => assert_eq!((found.as_str(), true), (name, artifact)),
                other => panic!("{upper} / {lower}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_timer_has_a_name_and_a_due_time() {
        for (text, name, until, value) in [
            ("\"lesson\" 45 min", "lesson", false, "2700000"),
            ("урок: 45 хв", "урок", false, "2700000"),
            ("ТАЙМЕР «урок» ДО час", "урок", true, "v['час']"),
            ("lesson UNTIL x.y", "lesson", true, "v['x'].y"),
        ] {
            let due = match read(|_, part, words| timer(part, words), "", text) {
                Statement::Timer { name: found, due } if found == name => due,
                other => panic!("{text}: {other:?}"),
            };
            let (is_until, expression) = match due {
                Due::For(expression) => (false, expression),
                Due::Until(expression) => (true, expression),
            };
            assert_eq!((is_until, print(&expression.expr).as_str()), (until, value), "{text}");
        }
    }

    #[test]
    fn prose_in_these_icons_is_told_as_such() {
        let vocabulary = Vocabulary::new(&[]);
        for text in ["Prepare the notes", "Підготувати нотатки для учня"] {
            for read in [process, input, output] {
                assert_eq!(read("", Part::new(text, 0), &vocabulary).unwrap_err().code, codes::PROSE, "{text}");
            }
            assert_eq!(insertion(Part::new(text, 0), &vocabulary).unwrap_err().code, codes::PROSE, "{text}");
        }
    }
}
