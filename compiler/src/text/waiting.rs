//! What takes time: pauses, timers, signals, other flows, and limits of time.

use bloom_ir::expr::ast::{Expr, Literal};
use pest::Parser;
use pest::iterators::Pair;

use super::expression::{self, Expression};
use super::grammar::{Grammar, Rule};
use super::literal::{name, string_literal};
use super::sections::syntax_error;
use super::statement::{self, AwaitKind, Due, Spanned, Statement, Target, arguments};
use super::{Part, Problem, limits};
use crate::codes;

/// Builds the statement of a pair that waits for something, or starts it.
pub(super) fn build(pair: Pair<'_, Rule>, target: Option<Target>, part: Part<'_>) -> Result<Statement, Problem> {
    let span = part.span(pair.as_span());
    let incomplete = || Problem::error(codes::SYNTAX, span.clone());
    match pair.as_rule() {
        Rule::pause => {
            let due = pair.into_inner().find(|pair| pair.as_rule() == Rule::due).ok_or_else(incomplete)?;
            Ok(Statement::Sleep(due_of(due, part)?))
        }
        Rule::timer => {
            let mut name = None;
            let mut due = None;
            for pair in pair.into_inner() {
                match pair.as_rule() {
                    Rule::string => name = Some(string_literal(pair.as_str())),
                    Rule::due => due = Some(due_of(pair, part)?),
                    _ => {}
                }
            }
            let (name, due) = name.zip(due).ok_or_else(incomplete)?;
            Ok(Statement::Timer { name, due })
        }
        Rule::awaiting => {
            let mut kind = AwaitKind::Signal;
            let mut name = None;
            for pair in pair.into_inner() {
                match pair.as_rule() {
                    Rule::timer_word => kind = AwaitKind::Timer,
                    Rule::string => name = Some(string_literal(pair.as_str())),
                    _ => {}
                }
            }
            Ok(Statement::Await { target, kind, name: name.ok_or_else(incomplete)? })
        }
        rule => {
            let mut flow = None;
            let mut args = Vec::new();
            for pair in pair.into_inner() {
                match pair.as_rule() {
                    Rule::flow_name => flow = Some(flow_name(&pair, part)),
                    Rule::arguments => args = arguments(pair, part)?,
                    _ => {}
                }
            }
            Ok(Statement::Flow { target, flow: flow.ok_or_else(incomplete)?, args, wait: rule == Rule::calling })
        }
    }
}

/// A word, or a text where the name is not one word.
pub(super) fn flow_name(pair: &Pair<'_, Rule>, part: Part<'_>) -> Spanned<String> {
    let span = part.span(pair.as_span());
    let node = match pair.clone().into_inner().next().map(|inner| inner.as_rule()) {
        Some(Rule::string) => string_literal(pair.as_str().trim()),
        _ => name(pair.as_str().trim()),
    };
    Spanned { node, span }
}

/// Reads when a pause ends: `5 хв`, `a + b`, `ДО час`, `UNTIL time`.
pub(crate) fn due(part: Part<'_>) -> Result<Due, Problem> {
    let part = part.trimmed();
    limits::check(part)?;
    let pairs = Grammar::parse(Rule::due_only, part.text).map_err(|error| syntax_error(part, &error))?;
    let due = pairs.into_iter().find(|pair| pair.as_rule() == Rule::due);
    due_of(due.ok_or_else(|| Problem::error(codes::SYNTAX, part.range()))?, part)
}

pub(super) fn due_of(pair: Pair<'_, Rule>, part: Part<'_>) -> Result<Due, Problem> {
    let span = part.span(pair.as_span());
    let mut until = false;
    let mut value = None;
    for pair in pair.into_inner() {
        match pair.as_rule() {
            Rule::until_word => until = true,
            _ => value = Some(expression::build(pair, part)?),
        }
    }
    let value = value.ok_or_else(|| Problem::error(codes::SYNTAX, span))?;
    Ok(if until { Due::Until(value) } else { Due::For(value) })
}

/// Reads the time that something may take, in seconds: a constant, as `5 хв` or `90 s`.
pub(crate) fn duration_seconds(part: Part<'_>) -> Result<u32, Problem> {
    let part = part.trimmed();
    seconds(&expression::expression(part)?)
}

fn seconds(value: &Expression) -> Result<u32, Problem> {
    let problem = || Problem::error(codes::TIME_LIMIT, value.span.clone());
    match value.expr {
        Expr::Literal(Literal::Int(milliseconds)) if milliseconds > 0 && milliseconds % 1000 == 0 => {
            u32::try_from(milliseconds / 1000).map_err(|_| problem())
        }
        _ => Err(problem()),
    }
}

/// Puts the limit of time that follows a statement around it.
pub(super) fn within(statement: Statement, limit: Pair<'_, Rule>, part: Part<'_>) -> Result<Statement, Problem> {
    let span = part.span(limit.as_span());
    let value = limit.into_inner().find(|pair| pair.as_rule() == Rule::expr);
    let value = value.ok_or_else(|| Problem::error(codes::SYNTAX, span.clone()))?;
    let seconds = seconds(&expression::build(value, part)?)?;
    if !takes_time(&statement) {
        return Err(Problem::error(codes::NOTHING_TO_LIMIT, span));
    }
    Ok(Statement::Within { seconds, statement: Box::new(statement) })
}

/// Whether a statement does something that a limit of time can end.
pub(crate) fn takes_time(statement: &Statement) -> bool {
    matches!(
        statement,
        Statement::Call { .. }
            | Statement::Llm(_)
            | Statement::Await { .. }
            | Statement::Flow { .. }
            | Statement::Prose(_)
    )
}

/// A line that is nothing but quoted text, with a limit of time or without: it may be longer than other statements.
pub(super) fn quoted_line(part: Part<'_>) -> Result<Option<Statement>, Problem> {
    let Some((text, rest)) = leading_text(part) else { return Ok(None) };
    let statement = Statement::Prose(text);
    if rest.text.is_empty() {
        return Ok(Some(statement));
    }
    let Ok(mut pairs) = Grammar::parse(Rule::limit_only, rest.text) else { return Ok(None) };
    match pairs.next() {
        Some(limit) if limit.as_rule() == Rule::limit => within(statement, limit, rest).map(Some),
        _ => Ok(None),
    }
}

/// The text, if the part is nothing but a quoted one.
pub(super) fn quoted(part: Part<'_>) -> Option<String> {
    leading_text(part.trimmed()).filter(|(_, rest)| rest.text.is_empty()).map(|(text, _)| text)
}

/// Reads the condition of a block: prose, in quotation marks or without, may have a limit of time.
pub(super) fn asked(part: Part<'_>) -> Result<Asked, Problem> {
    let part = part.trimmed();
    if let Some((text, rest)) = leading_text(part)
        && let Ok(mut pairs) = Grammar::parse(Rule::limit_only, rest.text)
        && let Some(limit) = pairs.next().filter(|pair| pair.as_rule() == Rule::limit)
    {
        let Statement::Within { seconds, .. } = within(Statement::Prose(String::new()), limit, rest)? else {
            return Err(Problem::error(codes::SYNTAX, part.range()));
        };
        let value = Expression::made(Expr::Literal(Literal::String(text)), part.range());
        return Ok(Asked { value, seconds: Some(seconds) });
    }
    match statement::condition(part) {
        Ok(value) => Ok(Asked { value, seconds: None }),
        Err(problem) if problem.code == codes::PROSE_QUESTION => {
            let value = Expression::made(Expr::Literal(Literal::String(part.text.to_owned())), part.range());
            Ok(Asked { value, seconds: None })
        }
        Err(problem) => Err(problem),
    }
}

/// The condition of a block; a literal text is prose.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) value: Expression,
    /// The limit of time for those who answer it.
    pub(crate) seconds: Option<u32>,
}

/// The texts that a part begins with, joined, and what follows them.
fn leading_text(part: Part<'_>) -> Option<(String, Part<'_>)> {
    let part = part.trimmed();
    let mut text = String::new();
    let mut rest = part;
    let mut found = false;
    while rest.text.starts_with(['"', '\'', '«', '“', '„']) {
        let mut scanner = limits::Scanner::new(rest.text);
        let Some((0, limits::Event::Other('"'))) = scanner.next() else { return None };
        let literal = rest.slice(0..scanner.position);
        text.push_str(&string_literal(literal.text));
        found = true;
        rest = rest.slice(scanner.position..rest.text.len()).trimmed();
    }
    found.then_some((text, rest))
}

#[cfg(test)]
mod tests {
    use super::super::Vocabulary;
    use super::super::statement::{Jump, condition, statement};
    use super::*;
    use bloom_ir::expr::print;

    fn read(text: &str) -> Result<Statement, Problem> {
        statement(Part::new(text, 0), &Vocabulary::new(&[])).map(|statement| statement.node)
    }

    /// The statement in a few words.
    fn said(statement: &Statement) -> String {
        let due = |due: &Due| match due {
            Due::For(value) => format!("for {}", print(&value.expr)),
            Due::Until(value) => format!("until {}", print(&value.expr)),
        };
        let bound =
            |target: &Option<Target>| target.as_ref().map_or(String::new(), |target| format!("{} = ", target.name));
        match statement {
            Statement::Sleep(when) => format!("sleep {}", due(when)),
            Statement::Timer { name, due: when } => format!("timer {name} {}", due(when)),
            Statement::Await { target, kind, name } => format!("{}{kind:?} {name}", bound(target)),
            Statement::Flow { target, flow, args, wait } => {
                format!("{}flow {} {} {wait}", bound(target), flow.node, args.len())
            }
            Statement::Prose(text) => format!("prose {text}"),
            Statement::Within { seconds, statement } => format!("{} in {seconds} s", said(statement)),
            Statement::Jump(Jump::Step(name)) => format!("to {name}"),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn both_languages_say_the_same() {
        for (uk, en, meaning) in [
            ("ПАУЗА 5 хв", "PAUSE 5 min", "sleep for 300000"),
            ("ПАУЗА ДО урок.час", "PAUSE UNTIL урок.час", "sleep until v['урок']['час']"),
            ("ТАЙМЕР \"урок\" 2 год", "TIMER \"урок\" 2 h", "timer урок for 7200000"),
            ("ТАЙМЕР «урок» ДО x", "TIMER 'урок' UNTIL x", "timer урок until v['x']"),
            ("x ← ЧЕКАТИ \"сигнал\"", "x = AWAIT \"сигнал\"", "x = Signal сигнал"),
            ("ЧЕКАТИ ТАЙМЕР \"урок\"", "AWAIT TIMER \"урок\"", "Timer урок"),
            ("x ← ВИКЛИК Підготовка(a, b: 1)", "x ← CALL Підготовка(a, b: 1)", "x = flow Підготовка 2 true"),
            ("ВИКЛИК \"Підготовка до уроку\"()", "CALL \"Підготовка до уроку\"()", "flow Підготовка до уроку 0 true"),
            ("ЗАПУСК prepare-notes(a)", "START prepare-notes(a)", "flow prepare-notes 1 false"),
            ("\"Перевір настройку\"", "'Перевір ' 'настройку'", "prose Перевір настройку"),
            ("\"Грай\" ПРОТЯГОМ 5 хв", "\"Грай\" WITHIN 5 min", "prose Грай in 300 s"),
            ("x ← ЧЕКАТИ \"так\" ПРОТЯГОМ 1 дн", "x ← AWAIT \"так\" WITHIN 1 d", "x = Signal так in 86400 s"),
            ("x ← ВИКЛИК П() ПРОТЯГОМ 1 год", "x ← CALL П() WITHIN 60 min", "x = flow П 0 true in 3600 s"),
            ("→ КРОК 3", "-> STEP 3", "to 3"),
            ("→ КРОК \"до уроку\"", "→ STEP \"до уроку\"", "to до уроку"),
        ] {
            let [uk, en] =
                [uk, en].map(|text| said(&read(text).unwrap_or_else(|problem| panic!("{text}: {problem:?}"))));
            assert_eq!((uk.as_str(), en.as_str()), (meaning, meaning));
        }
    }

    #[test]
    fn variables_may_be_called_like_keywords() {
        for text in ["pause = 5", "start ← timer", "x = await + call", "step ← start.x", "call.x = within", "timer = 1"]
        {
            assert!(matches!(read(text), Ok(Statement::Assign { .. })), "{text}: {:?}", read(text));
        }
    }

    #[test]
    fn what_is_wrong_with_a_limit_is_told() {
        for (text, code) in [
            ("x ← AWAIT \"a\" WITHIN 1500 ms", codes::TIME_LIMIT),
            ("x ← AWAIT \"a\" WITHIN y", codes::TIME_LIMIT),
            ("x ← AWAIT \"a\" WITHIN 0 s", codes::TIME_LIMIT),
            ("x ← 1 + 1 WITHIN 5 s", codes::NOTHING_TO_LIMIT),
            ("LOG x WITHIN 5 s", codes::NOTHING_TO_LIMIT),
            ("→ КРОКК 3", codes::KEYWORD),
        ] {
            assert_eq!(read(text).map_err(|problem| problem.code).unwrap_err(), code, "{text}");
        }
    }

    #[test]
    fn a_misspelt_keyword_is_told_where_prose_is_not_wanted() {
        for text in ["ЧЕКТИ \"сигнал\"", "TIMR \"x\" 5 min"] {
            let Ok(Statement::Prose(prose)) = read(text) else { panic!("{text}") };
            let vocabulary = Vocabulary::new(&[]);
            assert_eq!(crate::text::prose(0..1, &prose, &vocabulary).code, codes::KEYWORD, "{text}");
        }
    }

    #[test]
    fn a_duration_is_a_constant() {
        for (text, seconds) in
            [("5 хв", Some(300)), ("90 s", Some(90)), ("1.5 h", Some(5400)), ("x", None), ("5", None)]
        {
            assert_eq!(duration_seconds(Part::new(text, 0)).ok(), seconds, "{text}");
        }
    }

    #[test]
    fn quoted_questions_may_be_long() {
        let long = "a".repeat(200_000);
        let text = format!("\"{long}\"?");
        assert_eq!(condition(Part::new(&text, 0)).unwrap().as_text(), Some(long.as_str()));
        let line = format!("\"{long}\" WITHIN 5 s");
        assert!(matches!(read(&line), Ok(Statement::Within { seconds: 5, .. })));
    }
}
