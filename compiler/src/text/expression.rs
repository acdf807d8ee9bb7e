//! Surface expressions to the IR's.

use std::ops::Range;

use bloom_ir::expr::ast::{BinaryOp, Expr, Literal, Macro, Root};
use bloom_ir::expr::{functions, is_identifier};
use pest::Parser;
use pest::iterators::Pair;

use super::grammar::{Grammar, Rule};
use super::literal::{is_true, name, number, string_literal};
use super::operators::{Climber, Operand, Prefix, Token, Unit, binary, coalesce, has, infix};
use super::sections::syntax_error;
use super::{Part, Problem, limits, names};
use crate::codes;

/// Parts of one expression; also bounds how deep its tree can be.
pub(super) const MOST_PARTS: usize = 2000;
/// Levels of one tree: the IR's own limit, less what a member that is set and a default that is put in add to it.
const MOST_DEPTH: usize = bloom_ir::expr::MAX_DEPTH - 28;

/// An expression in which plain names still are [`Expr::Variable`]s, whatever they will turn out to mean.
#[derive(Clone, Debug)]
pub(crate) struct Expression {
    pub(crate) expr: Expr,
    /// Every plain name, in the order of the text.
    pub(crate) uses: Vec<Use>,
    /// What the variables of its comprehensions are called in the text, in the order of the text.
    pub(crate) bound: Vec<String>,
    /// Where it stands.
    pub(crate) span: Range<usize>,
}

/// A name in an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Use {
    pub(crate) name: String,
    pub(crate) span: Range<usize>,
}

impl Expression {
    /// One that the compiler makes itself.
    pub(crate) fn made(expr: Expr, span: Range<usize>) -> Self {
        Self { expr, uses: Vec::new(), bound: Vec::new(), span }
    }

    /// Whether it reads a variable of this name.
    pub(crate) fn reads(&self, name: &str) -> bool {
        self.uses.iter().any(|known| known.name == name)
    }

    /// The text, if the expression is nothing but a literal text.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match &self.expr {
            Expr::Literal(Literal::String(text)) => Some(text),
            _ => None,
        }
    }
}

/// Reads an expression, as it stands in a question or in a prompt.
pub(crate) fn expression(part: Part<'_>) -> Result<Expression, Problem> {
    limits::check(part)?;
    let mut pairs = Grammar::parse(Rule::condition, part.text).map_err(|error| syntax_error(part, &error))?;
    let pair = pairs.next().ok_or_else(|| Problem::error(codes::SYNTAX, part.range()))?;
    build(pair, part)
}

/// Builds an expression from a pair of the rule `expr`.
pub(super) fn build(pair: Pair<'_, Rule>, part: Part<'_>) -> Result<Expression, Problem> {
    let span = part.span(pair.as_span());
    let mut builder = Builder { part, uses: Vec::new(), bound: Vec::new(), words: Vec::new(), parts: 0 };
    let expr = builder.expr(pair)?;
    if depth(&expr) > MOST_DEPTH {
        return Err(Problem::error(codes::TOO_COMPLEX, span).with("limit", MOST_DEPTH));
    }
    Ok(Expression { expr, uses: builder.uses, bound: builder.words, span })
}

/// The levels of a tree.
fn depth(expr: &Expr) -> usize {
    1 + children(expr).into_iter().map(depth).max().unwrap_or(0)
}

/// The nodes of a tree.
pub(super) fn parts(expr: &Expr) -> usize {
    1 + children(expr).into_iter().map(parts).sum::<usize>()
}

/// What stands directly below.
fn children(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::Literal(_) | Expr::Variable(_) | Expr::Root(_) | Expr::Local(_) => Vec::new(),
        Expr::Member { target, .. } | Expr::Has { target, .. } => vec![target],
        Expr::Index { target, index } => vec![target, index],
        Expr::Unary { operand, .. } => vec![operand],
        Expr::Binary { left, right, .. } => vec![left, right],
        Expr::Conditional { condition, then, otherwise } => vec![condition, then, otherwise],
        Expr::List(items) | Expr::Call { args: items, .. } => items.iter().collect(),
        Expr::Map(entries) => entries.iter().flat_map(|(key, value)| [key, value]).collect(),
        Expr::Macro { range, filter, body, .. } => {
            [Some(range), filter.as_ref(), Some(body)].into_iter().flatten().map(AsRef::as_ref).collect()
        }
    }
}

struct Builder<'a> {
    part: Part<'a>,
    uses: Vec<Use>,
    /// Names that enclosing macros bind, with their names in the IR.
    bound: Vec<(String, String)>,
    /// What the variables of all macros are called.
    words: Vec<String>,
    parts: usize,
}

impl Builder<'_> {
    fn expr(&mut self, pair: Pair<'_, Rule>) -> Result<Expr, Problem> {
        let span = self.part.span(pair.as_span());
        let operand = self.operand_of(pair)?;
        match operand.unit {
            Some(_) => Err(Problem::error(codes::UNIT, span)),
            None => Ok(operand.expr),
        }
    }

    fn operand_of(&mut self, pair: Pair<'_, Rule>) -> Result<Operand, Problem> {
        let span = self.part.span(pair.as_span());
        let mut tokens = Vec::new();
        let mut branches = Vec::new();
        for inner in pair.into_inner() {
            self.parts += 1;
            if self.parts > MOST_PARTS {
                return Err(Problem::error(codes::TOO_COMPLEX, span).with("limit", MOST_PARTS));
            }
            match inner.as_rule() {
                Rule::expr => branches.push(self.expr(inner)?),
                Rule::operand => tokens.push(Token::Operand(self.operand(inner)?)),
                Rule::word_not => tokens.push(Token::Prefix(Prefix::Word)),
                Rule::bang => tokens.push(Token::Prefix(Prefix::Bang)),
                Rule::minus => tokens.push(Token::Prefix(Prefix::Minus)),
                rule => tokens.push(Token::Infix(infix(rule))),
            }
        }
        let mut condition =
            Climber { parts: &mut self.parts, tokens: tokens.into_iter().peekable(), span: span.clone() }.climb(0)?;
        let mut branches = branches.into_iter();
        if let (Some(then), Some(otherwise)) = (branches.next(), branches.next()) {
            condition = Operand {
                expr: Expr::Conditional {
                    condition: Box::new(condition.plain()?),
                    then: Box::new(then),
                    otherwise: Box::new(otherwise),
                },
                unit: None,
                span,
                number: false,
            };
        }
        Ok(condition)
    }

    fn operand(&mut self, pair: Pair<'_, Rule>) -> Result<Operand, Problem> {
        let span = self.part.span(pair.as_span());
        let mut inner = pair.into_inner();
        let Some(primary) = inner.next() else { return Err(Problem::error(codes::SYNTAX, span)) };
        let mut rest = inner.peekable();
        let primary_span = self.part.span(primary.as_span());
        let mut unit = None;
        let mut is_number = false;
        let mut value = match primary.as_rule() {
            Rule::quantity => {
                let (expr, of) = self.quantity(primary)?;
                unit = of;
                is_number = true;
                expr
            }
            Rule::number => {
                is_number = true;
                Expr::Literal(number(primary.as_str(), false, &primary_span)?)
            }
            Rule::strings => {
                Expr::Literal(Literal::String(primary.into_inner().map(|part| string_literal(part.as_str())).collect()))
            }
            Rule::list => Expr::List(primary.into_inner().map(|item| self.expr(item)).collect::<Result<_, _>>()?),
            Rule::map => Expr::Map(primary.into_inner().map(|entry| self.entry(entry)).collect::<Result<_, _>>()?),
            Rule::group => match primary.into_inner().next() {
                Some(inner) if rest.peek().is_none() => {
                    let operand = self.operand_of(inner)?;
                    unit = operand.unit;
                    is_number = operand.number && operand.unit.is_some();
                    operand.expr
                }
                Some(inner) => self.expr(inner)?,
                None => Expr::Literal(Literal::Null),
            },
            Rule::boolean => Expr::Literal(Literal::Bool(is_true(primary.as_str()))),
            Rule::null => Expr::Literal(Literal::Null),
            Rule::call_name => {
                return Err(Problem::error(codes::CALL_IN_EXPRESSION, primary_span).with("name", primary.as_str()));
            }
            _ => {
                let name = name(primary.as_str());
                match rest.peek().map(Pair::as_rule) {
                    Some(Rule::arguments) => match rest.next() {
                        Some(arguments) => self.call(&name, &primary_span, None, arguments)?,
                        None => Expr::Literal(Literal::Null),
                    },
                    Some(Rule::member) if functions::is_namespace(&name) && self.local(&name).is_none() => {
                        self.namespaced(name, primary_span.clone(), &mut rest)?
                    }
                    _ if name == "v" && matches!(rest.peek().map(Pair::as_rule), Some(Rule::index)) => {
                        self.cel_variable(&primary_span, &mut rest)?
                    }
                    _ => self.variable(name, primary_span.clone()),
                }
            }
        };
        while let Some(postfix) = rest.next() {
            self.parts += 1;
            if self.parts > MOST_PARTS {
                return Err(Problem::error(codes::TOO_COMPLEX, span).with("limit", MOST_PARTS));
            }
            let postfix_span = self.part.span(postfix.as_span());
            value = match postfix.as_rule() {
                Rule::member => {
                    let Some(field) = postfix.into_inner().next() else { continue };
                    let field_span = self.part.span(field.as_span());
                    let field = name(field.as_str());
                    if rest.peek().map(Pair::as_rule) == Some(Rule::arguments) {
                        match rest.next() {
                            Some(arguments) => self.call(&field, &field_span, Some(value), arguments)?,
                            None => value,
                        }
                    } else {
                        Expr::Member { target: Box::new(value), name: field }
                    }
                }
                Rule::index => {
                    let Some(inner) = postfix.into_inner().next() else { continue };
                    match self.expr(inner)? {
                        Expr::Literal(Literal::String(name)) => Expr::Member { target: Box::new(value), name },
                        index => Expr::Index { target: Box::new(value), index: Box::new(index) },
                    }
                }
                Rule::empty => Expr::Binary {
                    op: BinaryOp::Equal,
                    left: Box::new(size(value)),
                    right: Box::new(Expr::Literal(Literal::Int(0))),
                },
                Rule::not_empty => Expr::Binary {
                    op: BinaryOp::NotEqual,
                    left: Box::new(size(value)),
                    right: Box::new(Expr::Literal(Literal::Int(0))),
                },
                _ => return Err(Problem::error(codes::SYNTAX, postfix_span).with("expected", "operator")),
            };
            if unit.is_some() {
                return Err(Problem::error(codes::UNIT, span));
            }
            is_number = false;
        }
        Ok(Operand { expr: value, unit, span, number: is_number })
    }

    fn entry(&mut self, pair: Pair<'_, Rule>) -> Result<(Expr, Expr), Problem> {
        let span = self.part.span(pair.as_span());
        let mut inner = pair.into_inner();
        let (Some(key), Some(value)) = (inner.next(), inner.next()) else {
            return Err(Problem::error(codes::SYNTAX, span));
        };
        let key = match key.as_rule() {
            Rule::string => Expr::Literal(Literal::String(string_literal(key.as_str()))),
            Rule::key => Expr::Literal(Literal::String(name(key.as_str()))),
            _ => match key.into_inner().next() {
                Some(computed) => self.expr(computed)?,
                None => Expr::Literal(Literal::Null),
            },
        };
        Ok((key, self.expr(value)?))
    }

    fn local(&self, name: &str) -> Option<&str> {
        self.bound.iter().rev().find(|(bound, _)| bound == name).map(|(_, local)| local.as_str())
    }

    fn variable(&mut self, name: String, span: Range<usize>) -> Expr {
        if let Some(local) = self.local(&name) {
            return Expr::Local(local.to_owned());
        }
        self.uses.push(Use { name: name.clone(), span });
        Expr::Variable(name)
    }

    /// `v['name']`, as in the IR.
    fn cel_variable<'i>(
        &mut self,
        span: &Range<usize>,
        rest: &mut std::iter::Peekable<impl Iterator<Item = Pair<'i, Rule>>>,
    ) -> Result<Expr, Problem> {
        let index = rest.next().and_then(|index| index.into_inner().next());
        let Some(index) = index else { return Err(Problem::error(codes::SYNTAX, span.clone())) };
        let name_span = self.part.span(index.as_span());
        match self.expr(index)? {
            Expr::Literal(Literal::String(name)) => {
                self.uses.push(Use { name: name.clone(), span: name_span });
                Ok(Expr::Variable(name))
            }
            _ => Err(Problem::error(codes::SYNTAX, name_span).with("expected", "string")),
        }
    }

    /// `json.parse(x)`, or a variable that happens to be called `json`.
    fn namespaced<'i>(
        &mut self,
        namespace: String,
        span: Range<usize>,
        rest: &mut std::iter::Peekable<impl Iterator<Item = Pair<'i, Rule>>>,
    ) -> Result<Expr, Problem> {
        let Some(member) = rest.next() else { return Ok(self.variable(namespace, span)) };
        let member_span = self.part.span(member.as_span());
        let field = name(member.into_inner().next().as_ref().map_or("", Pair::as_str));
        let whole = span.start..member_span.end;
        match rest.peek().map(Pair::as_rule) {
            Some(Rule::arguments) => match rest.next() {
                Some(arguments) => self.call(&format!("{namespace}.{field}"), &whole, None, arguments),
                None => Ok(self.variable(namespace, span)),
            },
            _ => Ok(Expr::Member { target: Box::new(self.variable(namespace, span)), name: field }),
        }
    }

    fn call(
        &mut self,
        written: &str,
        span: &Range<usize>,
        receiver: Option<Expr>,
        arguments: Pair<'_, Rule>,
    ) -> Result<Expr, Problem> {
        let arguments_span = self.part.span(arguments.as_span());
        let mut pairs = Vec::new();
        for argument in arguments.into_inner() {
            let mut inner = argument.into_inner();
            match (inner.next(), inner.next()) {
                (Some(label), Some(_)) => {
                    let span = self.part.span(label.as_span());
                    return Err(Problem::error(codes::NAMED_ARGUMENT, span).with("name", written));
                }
                (Some(expr), None) => pairs.push(expr),
                _ => {}
            }
        }
        if names::asks_for_tag(written) {
            if let (Some(receiver), 1) = (receiver, pairs.len()) {
                let tag = pairs.into_iter().map(|pair| self.expr(pair)).collect::<Result<Vec<_>, _>>()?;
                let tags = Expr::Member { target: Box::new(receiver), name: "tags".to_owned() };
                return Ok(binary(BinaryOp::In, tag.into_iter().next().unwrap_or(Expr::List(Vec::new())), tags));
            }
            return Err(wrong_count(written, 1, pairs.len(), arguments_span));
        }
        let function = names::function(written);
        if function == "has" && receiver.is_none() {
            return self.has(pairs, &arguments_span);
        }
        if let Some(kind) = macro_named(function)
            && let Some(receiver) = receiver
        {
            return self.comprehension(kind, written, receiver, pairs, &arguments_span);
        }
        let Some(known) = functions::find(function) else {
            let near = names::nearest(
                written,
                functions::all().iter().map(|function| function.name).chain(names::OTHER_NAMES),
            );
            let problem = Problem::error(codes::UNKNOWN_FUNCTION, span.clone()).with("name", written).near(near);
            return Err(problem);
        };
        let mut args: Vec<Expr> = receiver.into_iter().collect();
        for pair in pairs {
            args.push(self.expr(pair)?);
        }
        if !known.accepts(args.len()) {
            let problem = Problem::error(codes::WRONG_COUNT, arguments_span)
                .with("name", written)
                .with("found", args.len())
                .with("expected", known.signatures_text());
            return Err(problem);
        }
        Ok(Expr::Call { function: known.name.to_owned(), args })
    }

    fn has(&mut self, pairs: Vec<Pair<'_, Rule>>, span: &Range<usize>) -> Result<Expr, Problem> {
        let count = pairs.len();
        let mut pairs = pairs.into_iter();
        match (pairs.next(), count) {
            (Some(pair), 1) => match self.expr(pair)? {
                Expr::Member { target, name } => Ok(has(*target, name)),
                _ => Err(Problem::error(codes::SYNTAX, span.clone()).with("expected", "member")),
            },
            _ => Err(wrong_count("has", 1, count, span.clone())),
        }
    }

    fn comprehension(
        &mut self,
        kind: Macro,
        written: &str,
        range: Expr,
        pairs: Vec<Pair<'_, Rule>>,
        span: &Range<usize>,
    ) -> Result<Expr, Problem> {
        let count = pairs.len();
        let mut pairs = pairs.into_iter();
        let binds = pairs.next();
        let Some(binds) = binds.filter(|_| count == 2 || (count == 3 && kind == Macro::Map)) else {
            return Err(wrong_count(written, 2, count, span.clone()));
        };
        let binds_span = self.part.span(binds.as_span());
        let word = name(binds.as_str().trim());
        if !word.chars().all(|letter| letter.is_alphanumeric() || letter == '_' || letter == '\'') {
            return Err(Problem::error(codes::SYNTAX, binds_span).with("expected", "variable"));
        }
        // CEL knows ASCII names only.
        let local = if is_identifier(&word) && !["v", "input", "run"].contains(&word.as_str()) {
            word.clone()
        } else {
            format!("x{}", self.bound.len() + 1)
        };
        self.words.push(word.clone());
        self.bound.push((word, local.clone()));
        let mut rest = pairs.map(|pair| self.expr(pair)).collect::<Result<Vec<_>, _>>()?.into_iter();
        self.bound.pop();
        let (filter, body) = match (rest.next(), rest.next()) {
            (Some(filter), Some(body)) => (Some(Box::new(filter)), body),
            (Some(body), None) => (None, body),
            _ => return Err(wrong_count(written, 2, count, span.clone())),
        };
        Ok(Expr::Macro { kind, range: Box::new(range), binds: local, filter, body: Box::new(body) })
    }

    fn quantity(&mut self, pair: Pair<'_, Rule>) -> Result<(Expr, Option<Unit>), Problem> {
        let span = self.part.span(pair.as_span());
        let mut inner = pair.into_inner();
        let (Some(amount), Some(unit)) = (inner.next(), inner.next()) else {
            return Err(Problem::error(codes::SYNTAX, span));
        };
        let literal = number(amount.as_str(), false, &span)?;
        let kind = unit.into_inner().next();
        let unit = match kind.as_ref().map(Pair::as_rule) {
            Some(Rule::word_unit) => Some(Unit::Words),
            Some(Rule::char_unit) => Some(Unit::Chars),
            Some(Rule::line_unit) => Some(Unit::Lines),
            Some(Rule::token_unit) => Some(Unit::Tokens),
            _ => None,
        };
        if unit.is_some() {
            return Ok((Expr::Literal(literal), unit));
        }
        let milliseconds: i64 = match kind.and_then(|kind| kind.into_inner().next()).map(|unit| unit.as_rule()) {
            Some(Rule::millisecond) => 1,
            Some(Rule::second) => 1000,
            Some(Rule::minute) => 60_000,
            Some(Rule::hour) => 3_600_000,
            _ => 86_400_000,
        };
        let total = match literal {
            Literal::Int(int) => int.checked_mul(milliseconds),
            Literal::Double(double) => whole_milliseconds(double, milliseconds),
            _ => None,
        };
        match total {
            Some(total) => Ok((Expr::Literal(Literal::Int(total)), None)),
            None => Err(Problem::error(codes::NUMBER, span)),
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "the range is checked")]
fn whole_milliseconds(amount: f64, unit: i64) -> Option<i64> {
    let total = (amount * unit as f64).round();
    (total.abs() < 9e15).then_some(total as i64)
}

fn size(value: Expr) -> Expr {
    Expr::Call { function: "size".to_owned(), args: vec![value] }
}

fn macro_named(name: &str) -> Option<Macro> {
    Some(match name {
        "all" => Macro::All,
        "exists" => Macro::Exists,
        "exists_one" => Macro::ExistsOne,
        "filter" => Macro::Filter,
        "map" => Macro::Map,
        _ => return None,
    })
}

fn wrong_count(name: &str, expected: usize, found: usize, span: Range<usize>) -> Problem {
    Problem::error(codes::WRONG_COUNT, span).with("name", name).with("expected", expected).with("found", found)
}

/// `input.name`, or its default where it is missing.
pub(crate) fn input(name: &str, default: Option<&Expr>) -> Expr {
    let member = Expr::Member { target: Box::new(Expr::Root(Root::Input)), name: name.to_owned() };
    match default {
        None => member,
        Some(default) => coalesce(member, default.clone()),
    }
}
