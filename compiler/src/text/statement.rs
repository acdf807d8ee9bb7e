//! Statements.

use std::ops::Range;

use pest::Parser;
use pest::iterators::Pair;

use super::expression::{self, Expression};
use super::grammar::{Grammar, Rule};
use super::limits::{self, Event, Scanner};
use super::literal::{name, string_literal};
use super::llm::{self, LlmCall};
use super::sections::{Section, first_line, sections, syntax_error};
use super::{Part, Problem, Vocabulary, keywords, waiting};
use crate::codes;
use bloom_ir::expr::ast::{Expr, Literal};
use bloom_ir::expr::functions;

/// Something and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Spanned<T> {
    pub(crate) node: T,
    pub(crate) span: Range<usize>,
}

/// What a line of an icon does.
#[derive(Clone, Debug)]
pub(crate) enum Statement {
    Assign {
        target: Target,
        value: Expression,
    },
    Call {
        target: Option<Target>,
        tool: Spanned<String>,
        args: Vec<Argument>,
    },
    Llm(Box<LlmCall>),
    Artifact {
        name: String,
        value: Expression,
    },
    Event {
        name: String,
        args: Vec<Argument>,
    },
    Log {
        value: Expression,
    },
    Jump(Jump),
    /// Ends the run, with a result.
    Return(Option<Expression>),
    /// Ends the run as failed.
    Fail(Expression),
    /// Waits.
    Sleep(Due),
    /// Starts a timer that a later `await` may name.
    Timer {
        name: String,
        due: Due,
    },
    /// Waits for a signal, or for a timer that was started.
    Await {
        target: Option<Target>,
        kind: AwaitKind,
        name: String,
    },
    /// Calls another flow; with `wait`, its result is what the call gives.
    Flow {
        target: Option<Target>,
        flow: Spanned<String>,
        args: Vec<Argument>,
        wait: bool,
    },
    /// What people read and no program: left to an LLM or a person, by the option for prose.
    Prose(String),
    /// A statement that must be done in so many seconds.
    Within {
        seconds: u32,
        statement: Box<Statement>,
    },
}

/// When something is due.
#[derive(Clone, Debug)]
pub(crate) enum Due {
    /// After a duration.
    For(Expression),
    /// At a time.
    Until(Expression),
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AwaitKind {
    Signal,
    Timer,
}

/// Where a jump goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Jump {
    End,
    Next,
    Break,
    Branch(String),
    /// To a step with this label.
    Step(String),
}

/// What an assignment changes: a variable, or a member in it.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) path: Vec<String>,
    pub(crate) span: Range<usize>,
}

/// An argument of a call.
#[derive(Clone, Debug)]
pub(crate) struct Argument {
    pub(crate) name: Option<Spanned<String>>,
    pub(crate) value: Expression,
}

/// Members within members of what is set: each makes its value two levels deeper.
const MOST_MEMBERS: usize = 10;

/// Reads the text of an icon. What can be read is read, also when something else cannot.
pub(crate) fn statements(part: Part<'_>, vocabulary: &Vocabulary<'_>) -> (Vec<Spanned<Statement>>, Vec<Problem>) {
    let mut statements = Vec::new();
    let mut problems = Vec::new();
    for section in sections(part) {
        let read = match section {
            Section::Statement(part) => statement(part, vocabulary),
            Section::Block(block) => llm::block(&block)
                .map(|call| Spanned { span: block.head.range(), node: Statement::Llm(Box::new(call)) }),
        };
        match read {
            Ok(statement) => statements.push(statement),
            Err(problem) => problems.push(problem),
        }
    }
    (statements, problems)
}

/// Reads one statement.
pub(super) fn statement(part: Part<'_>, vocabulary: &Vocabulary<'_>) -> Result<Spanned<Statement>, Problem> {
    if let Some(node) = waiting::quoted_line(part)? {
        return Ok(Spanned { node, span: first_line_in(part) });
    }
    let span = first_line_in(part);
    let read = limits::check(part)
        .and_then(|()| Grammar::parse(Rule::statement, part.text).map_err(|error| syntax_error(part, &error)));
    let mut pairs = match read {
        Ok(pairs) => pairs,
        Err(problem) if looks_like_code(part.text) => return Err(keywords::misspelt(part).unwrap_or(problem)),
        // What does not look like code and cannot be read as such was not meant as code.
        Err(_) => return Ok(Spanned { node: Statement::Prose(part.text.trim().to_owned()), span }),
    };
    let Some(pair) = pairs.next() else { return Err(Problem::error(codes::SYNTAX, part.range())) };
    let mut node = build(pair, part, vocabulary)?;
    if let Some(limit) = pairs.next().filter(|pair| pair.as_rule() == Rule::limit) {
        node = waiting::within(node, limit, part)?;
    }
    Ok(Spanned { node, span })
}

/// What is said of a text that cannot be read: its first word is a keyword that is misspelt, or it does not look like
/// code and was not meant as such, or else this problem.
pub(super) fn refused(problem: Problem, part: Part<'_>, vocabulary: &Vocabulary<'_>) -> Problem {
    if let Some(misspelt) = keywords::misspelt(part) {
        misspelt
    } else if looks_like_code(part.text) {
        problem
    } else {
        prose(first_line_in(part), part.text, vocabulary)
    }
}

/// The condition of a question, which may end with a question mark.
pub(crate) fn condition(part: Part<'_>) -> Result<Expression, Problem> {
    let part = part.trimmed();
    let asked = part.text.trim_end_matches(['?', ' ', '\u{a0}', '\n']);
    let part = part.slice(0..asked.len());
    if let Some(text) = waiting::quoted(part) {
        // A question in words may be longer than an expression.
        return Ok(Expression::made(Expr::Literal(Literal::String(text)), part.range()));
    }
    let read = expression::expression(part);
    match read {
        Err(problem) if !looks_like_code(part.text) && problem.code != codes::UNIT => {
            Err(Problem::error(codes::PROSE_QUESTION, first_line_in(part)).with("found", shorten(part.text)))
        }
        other => other,
    }
}

fn shorten(text: &str) -> String {
    let line = text.trim().lines().next().unwrap_or_default();
    if line.chars().count() > 60 { line.chars().take(59).chain(['…']).collect() } else { line.to_owned() }
}

/// That a text is no statement, with the keyword or the statement that it could have been.
pub(crate) fn prose(span: Range<usize>, text: &str, vocabulary: &Vocabulary<'_>) -> Problem {
    if let Some(misspelt) = keywords::misspelt(Part::new(text, span.start)) {
        return misspelt;
    }
    Problem::error(codes::PROSE, span).with("found", shorten(text)).with("nearest", vocabulary.statement_like(text))
}

pub(super) fn first_line_in(part: Part<'_>) -> Range<usize> {
    let line = first_line(part.text, 0..part.text.len());
    part.offset + line.start..part.offset + line.end
}

/// Whether somebody meant to write code: there is a sign that prose does not have.
pub(crate) fn looks_like_code(text: &str) -> bool {
    let mut scanner = Scanner::new(text);
    let mut last = ' ';
    while let Some((at, event)) = scanner.next() {
        match event {
            // `name(`: in prose there is a space before a bracket.
            Event::Open('(') if last == 'a' && !text[..at].ends_with(' ') => return true,
            Event::Open('{' | '[') | Event::Other('←' | '→' | '=' | '≠' | '≤' | '≥' | '<' | '>' | '&' | '|') =>
            {
                return true;
            }
            Event::Other(character) | Event::Open(character) | Event::Close(character) => last = character,
            Event::Unclosed => return false,
        }
    }
    false
}

pub(super) fn build(pair: Pair<'_, Rule>, part: Part<'_>, vocabulary: &Vocabulary<'_>) -> Result<Statement, Problem> {
    let span = part.span(pair.as_span());
    let incomplete = || Problem::error(codes::SYNTAX, span.clone());
    match pair.as_rule() {
        Rule::assign => {
            let mut inner = pair.into_inner();
            let target = inner.next().ok_or_else(incomplete)?;
            let value = inner.next().ok_or_else(incomplete)?;
            let target = target_of(target, part)?;
            if value.as_rule() != Rule::expr {
                return waiting::build(value, Some(target), part);
            }
            match call(value.clone(), part, vocabulary)? {
                Some((tool, args)) => Ok(Statement::Call { target: Some(target), tool, args }),
                None => Ok(Statement::Assign { target, value: expression::build(value, part)? }),
            }
        }
        Rule::expr => {
            if let Some((tool, args)) = call(pair.clone(), part, vocabulary)? {
                return Ok(Statement::Call { target: None, tool, args });
            }
            match expression::build(pair, part)?.expr {
                Expr::Literal(Literal::String(text)) => Ok(Statement::Prose(text)),
                Expr::Variable(_) | Expr::Literal(_) => Ok(Statement::Prose(part.text.trim().to_owned())),
                _ => Err(Problem::error(codes::UNUSED_VALUE, span)),
            }
        }
        Rule::pause | Rule::timer | Rule::awaiting | Rule::calling | Rule::starting => waiting::build(pair, None, part),
        Rule::prose => Ok(Statement::Prose(
            pair.into_inner().flat_map(Pair::into_inner).map(|text| string_literal(text.as_str())).collect(),
        )),
        Rule::llm_bind => llm::call(pair, part).map(|call| Statement::Llm(Box::new(call))),
        Rule::jump => {
            let target = pair.into_inner().next().ok_or_else(incomplete)?;
            Ok(Statement::Jump(match target.as_rule() {
                Rule::to_end => Jump::End,
                Rule::to_next => Jump::Next,
                Rule::to_break => Jump::Break,
                Rule::to_step => Jump::Step(step_name(target).ok_or_else(incomplete)?),
                _ => {
                    let name =
                        target.into_inner().find(|pair| pair.as_rule() == Rule::string).ok_or_else(incomplete)?;
                    Jump::Branch(string_literal(name.as_str()))
                }
            }))
        }
        Rule::give_back => {
            let value = pair.into_inner().find(|pair| pair.as_rule() == Rule::expr);
            Ok(Statement::Return(value.map(|value| expression::build(value, part)).transpose()?))
        }
        Rule::fail | Rule::log => {
            let kind = pair.as_rule();
            let value = pair.into_inner().find(|pair| pair.as_rule() == Rule::expr).ok_or_else(incomplete)?;
            let value = expression::build(value, part)?;
            Ok(if kind == Rule::fail { Statement::Fail(value) } else { Statement::Log { value } })
        }
        Rule::artifact => {
            let mut name = None;
            let mut value = None;
            for pair in pair.into_inner() {
                match pair.as_rule() {
                    Rule::string => name = Some(string_literal(pair.as_str())),
                    Rule::expr => value = Some(expression::build(pair, part)?),
                    _ => {}
                }
            }
            let (name, value) = name.zip(value).ok_or_else(incomplete)?;
            Ok(Statement::Artifact { name, value })
        }
        Rule::event => {
            let mut event = None;
            let mut args = Vec::new();
            for pair in pair.into_inner() {
                match pair.as_rule() {
                    Rule::flow_name => event = Some(waiting::flow_name(&pair, part).node),
                    Rule::arguments => args = arguments(pair, part)?,
                    _ => {}
                }
            }
            Ok(Statement::Event { name: event.ok_or_else(incomplete)?, args })
        }
        _ => Err(incomplete()),
    }
}

/// The name of a step that a jump leads to.
fn step_name(pair: Pair<'_, Rule>) -> Option<String> {
    pair.into_inner().find_map(|pair| match pair.as_rule() {
        Rule::string => Some(string_literal(pair.as_str())),
        Rule::step_name => Some(name(pair.as_str())),
        _ => None,
    })
}

/// Reads the label of a step: a number, a word, or a text.
pub(super) fn label(part: Part<'_>) -> Result<String, Problem> {
    let part = part.trimmed();
    let pairs = Grammar::parse(Rule::step_label, part.text).map_err(|error| syntax_error(part, &error))?;
    let label = pairs.into_iter().find_map(|pair| match pair.as_rule() {
        Rule::string => Some(string_literal(pair.as_str())),
        Rule::step_name => Some(name(pair.as_str())),
        _ => None,
    });
    label.ok_or_else(|| Problem::error(codes::SYNTAX, part.range()))
}

/// A tool and what it is given.
type Call = (Spanned<String>, Vec<Argument>);

/// The call of a tool, if the expression is nothing else.
fn call(pair: Pair<'_, Rule>, part: Part<'_>, vocabulary: &Vocabulary<'_>) -> Result<Option<Call>, Problem> {
    let Some(operand) = only(pair, Rule::operand) else { return Ok(None) };
    let mut inner = operand.into_inner();
    let (Some(callee), Some(args), None) = (inner.next(), inner.next(), inner.next()) else { return Ok(None) };
    if args.as_rule() != Rule::arguments {
        return Ok(None);
    }
    let tool = name(callee.as_str());
    let is_tool = match callee.as_rule() {
        Rule::call_name => true,
        Rule::variable => vocabulary.tool(&tool).is_some(),
        _ => false,
    };
    if !is_tool {
        if callee.as_rule() == Rule::variable
            && functions::find(super::names::function(&tool)).is_none()
            && !matches!(super::names::function(&tool), "has")
            && let Some(near) = vocabulary.nearest(&tool)
        {
            let span = part.span(callee.as_span());
            return Err(Problem::error(codes::UNKNOWN_FUNCTION, span).with("name", tool).near(Some(near)));
        }
        return Ok(None);
    }
    let span = part.span(callee.as_span());
    Ok(Some((Spanned { node: tool, span }, arguments(args, part)?)))
}

/// The only child, if it is of this rule.
fn only(pair: Pair<'_, Rule>, rule: Rule) -> Option<Pair<'_, Rule>> {
    let mut inner = pair.into_inner();
    let first = inner.next()?;
    (first.as_rule() == rule && inner.next().is_none()).then_some(first)
}

pub(super) fn arguments(pair: Pair<'_, Rule>, part: Part<'_>) -> Result<Vec<Argument>, Problem> {
    pair.into_inner().map(|pair| argument(pair, part)).collect()
}

pub(super) fn argument(pair: Pair<'_, Rule>, part: Part<'_>) -> Result<Argument, Problem> {
    let span = part.span(pair.as_span());
    let mut label = None;
    let mut value = None;
    for pair in pair.into_inner() {
        if pair.as_rule() == Rule::label {
            label = Some(Spanned { node: name(pair.as_str()), span: part.span(pair.as_span()) });
        } else {
            value = Some(expression::build(pair, part)?);
        }
    }
    let value = value.ok_or_else(|| Problem::error(codes::SYNTAX, span))?;
    Ok(Argument { name: label, value })
}

pub(super) fn target_of(pair: Pair<'_, Rule>, part: Part<'_>) -> Result<Target, Problem> {
    let span = part.span(pair.as_span());
    let mut words = pair.into_inner().map(|word| name(word.as_str()));
    let variable = words.next().ok_or_else(|| Problem::error(codes::SYNTAX, span.clone()))?;
    if super::special(&variable).is_some() || variable == "v" {
        return Err(Problem::error(codes::RESERVED_NAME, span).with("name", variable));
    }
    let path: Vec<String> = words.collect();
    if path.len() > MOST_MEMBERS {
        return Err(Problem::error(codes::TOO_COMPLEX, span).with("limit", MOST_MEMBERS));
    }
    Ok(Target { name: variable, path, span })
}
