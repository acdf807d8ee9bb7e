//! Operators: their precedence, and the units that comparisons take away.

use std::ops::Range;

use bloom_ir::expr::ast::{BinaryOp, Expr, Literal, UnaryOp};
use bloom_ir::expr::is_identifier;

use super::Problem;
use super::expression::{MOST_PARTS, parts};
use super::grammar::Rule;
use crate::codes;

/// An operand that may carry a unit, which the comparison around it takes away.
pub(super) struct Operand {
    pub(super) expr: Expr,
    pub(super) unit: Option<Unit>,
    pub(super) span: Range<usize>,
    pub(super) number: bool,
}

impl Operand {
    /// The expression, where no unit waits for its comparison.
    pub(super) fn plain(self) -> Result<Expr, Problem> {
        match self.unit {
            Some(_) => Err(Problem::error(codes::UNIT, self.span)),
            None => Ok(self.expr),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Words,
    Chars,
    Lines,
    Tokens,
}

pub(super) enum Token {
    Prefix(Prefix),
    Infix(Infix),
    Operand(Operand),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Prefix {
    /// `не`: binds looser than comparisons.
    Word,
    /// `!`
    Bang,
    /// `-`
    Minus,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Infix {
    Binary(BinaryOp),
    NotIn,
    Coalesce,
}

impl Infix {
    /// How tightly it binds.
    fn power(self) -> u8 {
        match self {
            Self::Binary(BinaryOp::Or) => 1,
            Self::Binary(BinaryOp::And) => 2,
            // 3 is the word `не`.
            Self::NotIn
            | Self::Binary(
                BinaryOp::Equal
                | BinaryOp::NotEqual
                | BinaryOp::Less
                | BinaryOp::LessEqual
                | BinaryOp::Greater
                | BinaryOp::GreaterEqual
                | BinaryOp::In,
            ) => 4,
            Self::Coalesce => 5,
            Self::Binary(BinaryOp::Add | BinaryOp::Subtract) => 6,
            Self::Binary(BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Remainder) => 7,
        }
    }
}

pub(super) struct Climber<'b, I: Iterator<Item = Token>> {
    pub(super) parts: &'b mut usize,
    pub(super) tokens: std::iter::Peekable<I>,
    pub(super) span: Range<usize>,
}

impl<I: Iterator<Item = Token>> Climber<'_, I> {
    /// Precedence climbing; recursion goes by the levels of precedence, by prefixes and by `??` alone.
    pub(super) fn climb(&mut self, least: u8) -> Result<Operand, Problem> {
        let mut left = match self.tokens.next() {
            Some(Token::Operand(operand)) => operand,
            Some(Token::Prefix(prefix)) => self.prefixed(prefix)?,
            _ => return Err(Problem::error(codes::SYNTAX, self.span.clone())),
        };
        while let Some(Token::Infix(infix)) = self.tokens.peek() {
            let infix = *infix;
            if infix.power() < least {
                break;
            }
            self.tokens.next();
            let right = self.climb(if infix == Infix::Coalesce { infix.power() } else { infix.power() + 1 })?;
            left = self.combine(infix, left, right)?;
        }
        Ok(left)
    }

    fn prefixed(&mut self, prefix: Prefix) -> Result<Operand, Problem> {
        let mut prefixes = vec![prefix];
        while let Some(Token::Prefix(next)) = self.tokens.peek() {
            prefixes.push(*next);
            self.tokens.next();
        }
        if prefixes.len() > 20 {
            return Err(Problem::error(codes::TOO_COMPLEX, self.span.clone()).with("limit", 20));
        }
        let least = if prefixes.contains(&Prefix::Word) { 4 } else { 8 };
        let mut operand = self.climb(least)?;
        for prefix in prefixes.into_iter().rev() {
            let number = operand.number;
            let span = operand.span.clone();
            let unit = operand.unit;
            let expr = match (prefix, operand.expr) {
                (Prefix::Minus, Expr::Literal(Literal::Int(int))) if number => Expr::Literal(Literal::Int(-int)),
                (Prefix::Minus, Expr::Literal(Literal::Double(double))) if number => {
                    Expr::Literal(Literal::Double(-double))
                }
                (Prefix::Minus, operand) => Expr::Unary { op: UnaryOp::Negate, operand: Box::new(operand) },
                (Prefix::Word | Prefix::Bang, operand) => Expr::Unary { op: UnaryOp::Not, operand: Box::new(operand) },
            };
            operand = Operand { expr, unit, span, number: false };
        }
        Ok(operand)
    }

    fn combine(&mut self, infix: Infix, left: Operand, right: Operand) -> Result<Operand, Problem> {
        let span = left.span.start..right.span.end;
        let (left, right) = match (left.unit, right.unit) {
            (None, None) => (left.expr, right.expr),
            (None, Some(unit)) => (measured(left, unit)?, right.expr),
            (Some(unit), None) => (left.expr, measured(right, unit)?),
            (Some(_), Some(_)) => return Err(Problem::error(codes::UNIT, span)),
        };
        let expr = match infix {
            Infix::Binary(op) => binary(op, left, right),
            Infix::NotIn => Expr::Unary { op: UnaryOp::Not, operand: Box::new(binary(BinaryOp::In, left, right)) },
            Infix::Coalesce => {
                // It is written twice in the result.
                *self.parts += parts(&left);
                if *self.parts > MOST_PARTS {
                    return Err(Problem::error(codes::TOO_COMPLEX, span).with("limit", MOST_PARTS));
                }
                coalesce(left, right)
            }
        };
        Ok(Operand { expr, unit: None, span, number: false })
    }
}

/// The other side of a quantity: its length, counted in the quantity's unit.
pub(super) fn measured(operand: Operand, unit: Unit) -> Result<Expr, Problem> {
    let name = match unit {
        Unit::Words => "words",
        Unit::Chars => "size",
        Unit::Lines => "lines",
        Unit::Tokens => "tokens",
    };
    match operand.expr {
        Expr::Call { function, args } if function == "size" || function == name => {
            Ok(Expr::Call { function: name.to_owned(), args })
        }
        _ => Err(Problem::error(codes::UNIT, operand.span)),
    }
}

/// `left ?? right`: `right` where the member on the left is missing, or the value there is null.
pub(super) fn coalesce(left: Expr, right: Expr) -> Expr {
    let condition = match &left {
        Expr::Member { target, name } => has((**target).clone(), name.clone()),
        other => binary(BinaryOp::NotEqual, other.clone(), Expr::Literal(Literal::Null)),
    };
    Expr::Conditional { condition: Box::new(condition), then: Box::new(left), otherwise: Box::new(right) }
}

pub(super) fn has(target: Expr, name: String) -> Expr {
    if is_identifier(&name) {
        Expr::Has { target: Box::new(target), name }
    } else {
        binary(BinaryOp::In, Expr::Literal(Literal::String(name)), target)
    }
}

pub(crate) fn binary(op: BinaryOp, left: Expr, right: Expr) -> Expr {
    Expr::Binary { op, left: Box::new(left), right: Box::new(right) }
}

pub(super) fn infix(rule: Rule) -> Infix {
    Infix::Binary(match rule {
        Rule::coalesce => return Infix::Coalesce,
        Rule::not_in => return Infix::NotIn,
        Rule::or => BinaryOp::Or,
        Rule::and => BinaryOp::And,
        Rule::within => BinaryOp::In,
        Rule::equal => BinaryOp::Equal,
        Rule::not_equal => BinaryOp::NotEqual,
        Rule::less_equal => BinaryOp::LessEqual,
        Rule::greater_equal => BinaryOp::GreaterEqual,
        Rule::less => BinaryOp::Less,
        Rule::greater => BinaryOp::Greater,
        Rule::add => BinaryOp::Add,
        Rule::subtract => BinaryOp::Subtract,
        Rule::multiply => BinaryOp::Multiply,
        Rule::divide => BinaryOp::Divide,
        _ => BinaryOp::Remainder,
    })
}
