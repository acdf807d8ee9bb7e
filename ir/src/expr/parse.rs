//! From text to a tree: recursive descent, with a stack of operators in the place of a rule for each precedence.
//!
//! Written by hand for speed: a document has thousands of expressions, and they are read whenever it is loaded.

mod error;

use std::ops::Range;

pub use error::{ParseError, ParseErrorKind};

use super::ast::{BinaryOp, Expr, Literal, Macro, Root, UnaryOp};
use super::functions::{self, Function, Spelling};
use super::identifier::{RUN_MEMBERS, is_reserved};
use super::print::{macro_name, print};
use super::quote::unquote;
use super::token::{Token, next_token};

/// The longest text that is read, in bytes.
pub const MAX_TEXT: usize = 64 * 1024;

/// How many levels a tree may have: a recursive walk stays far below the 2 MiB of stack that a thread has at least.
/// A chain `a + b + c` has a level for each operator.
pub const MAX_DEPTH: usize = 128;

/// How deep brackets may nest. It bounds the parser's own recursion, which takes more stack than a walk does.
pub const MAX_NESTING: usize = 64;

const AN_EXPRESSION: &str = "an expression";
const AN_OPERATOR: &str = "an operator or the end of what is open";

/// Reads an expression.
///
/// Work is linear in the text's length.
pub fn parse(text: &str) -> Result<Expr, ParseError> {
    if text.len() > MAX_TEXT {
        return Err(ParseErrorKind::TooLong { bytes: text.len() }.at(MAX_TEXT..text.len()));
    }
    let (token, place) = next_token(text, 0);
    let mut parser = Parser { text, token, place, ended: 0, nesting: 0, bound: Vec::new(), respelled: false };
    let expr = parser.expr()?.expr;
    if parser.token != Token::End {
        return Err(parser.expected(AN_OPERATOR));
    }
    if parser.respelled {
        // `x.size()` is printed as `size(x)`, which has one bracket more around `x`. What is printed must read back.
        parse(&print(&expr)).map_err(|error| error.kind.at(0..text.len()))?;
    }
    Ok(expr)
}

/// A tree and how many levels it has.
struct Built {
    expr: Expr,
    depth: usize,
}

impl Built {
    fn leaf(expr: Expr) -> Self {
        Self { expr, depth: 1 }
    }
}

/// Recurses over brackets only, whose nesting it counts.
struct Parser<'text> {
    text: &'text str,
    token: Token,
    /// Where the token stands.
    place: Range<usize>,
    /// Where the token before it ended.
    ended: usize,
    /// How many brackets are open.
    nesting: usize,
    /// The names that the enclosing macros bind.
    bound: Vec<&'text str>,
    /// Whether a function was called as a method though it is printed as a function.
    respelled: bool,
}

impl<'text> Parser<'text> {
    /// `chain ("?" chain ":" chain)*`: right-associative, and there is no bare conditional between `?` and `:`, as in CEL.
    fn expr(&mut self) -> Result<Built, ParseError> {
        let start = self.place.start;
        let mut tail = self.chain()?;
        let mut waiting = Vec::new();
        while self.take(b'?') {
            let then = self.chain()?;
            self.expect(b':')?;
            waiting.push((tail, then));
            tail = self.chain()?;
        }
        while let Some((condition, then)) = waiting.pop() {
            let depth = tail.depth.max(then.depth).max(condition.depth);
            let (condition, then, otherwise) = (condition.expr.into(), then.expr.into(), tail.expr.into());
            tail = self.over(depth, Expr::Conditional { condition, then, otherwise }, start)?;
        }
        Ok(tail)
    }

    /// `operand (infix operand)*`, by operator precedence.
    fn chain(&mut self) -> Result<Built, ParseError> {
        let start = self.place.start;
        let mut right = self.operand()?;
        let mut waiting: Vec<(Built, BinaryOp)> = Vec::new();
        loop {
            let next = self.infix();
            let binds =
                |(_, before): &mut (Built, BinaryOp)| next.is_none_or(|op| precedence(*before) >= precedence(op));
            while let Some((left, op)) = waiting.pop_if(binds) {
                let depth = left.depth.max(right.depth);
                let expr = Expr::Binary { op, left: left.expr.into(), right: right.expr.into() };
                right = self.over(depth, expr, start)?;
            }
            let Some(op) = next else { return Ok(right) };
            self.advance();
            waiting.push((right, op));
            right = self.operand()?;
        }
    }

    /// `("!" | "-")* primary (member | index)*`
    fn operand(&mut self) -> Result<Built, ParseError> {
        let start = self.place.start;
        let mut prefixes = Vec::new();
        let mut sign = None;
        while sign.is_none() {
            let at = self.place.start;
            if self.take(b'!') {
                prefixes.push(UnaryOp::Not);
            } else if self.token == Token::Infix(BinaryOp::Subtract) {
                self.advance();
                // The sign of a number belongs to the number, so that the smallest integer can be written.
                if matches!(self.token, Token::Decimal | Token::Hexadecimal | Token::Double) {
                    sign = Some(at);
                } else {
                    prefixes.push(UnaryOp::Negate);
                }
            } else {
                break;
            }
        }
        let mut built = self.primary(sign)?;
        loop {
            built = match self.token {
                Token::Symbol(b'.') => self.member(built)?,
                Token::Symbol(b'[') => self.index(built)?,
                _ => break,
            };
        }
        for op in prefixes.into_iter().rev() {
            built = self.over(built.depth, Expr::Unary { op, operand: built.expr.into() }, start)?;
        }
        Ok(built)
    }

    fn primary(&mut self, sign: Option<usize>) -> Result<Built, ParseError> {
        let start = self.place.start;
        match self.token {
            Token::Decimal | Token::Hexadecimal | Token::Double => self.number(sign),
            Token::Text => Ok(Built::leaf(Expr::Literal(Literal::String(self.string()?)))),
            Token::Name => self.name(),
            Token::Symbol(b'(') => {
                self.open()?;
                let built = self.expr()?;
                self.close(b')')?;
                Ok(built)
            }
            Token::Symbol(b'[') => {
                let (items, depth) = self.items(b']')?;
                self.over(depth, Expr::List(items), start)
            }
            Token::Symbol(b'{') => self.map(),
            _ => Err(self.expected(AN_EXPRESSION)),
        }
    }

    /// Expressions between brackets; those of a list may end with a comma, arguments may not.
    fn items(&mut self, close: u8) -> Result<(Vec<Expr>, usize), ParseError> {
        self.open()?;
        let mut depth = 0;
        let mut items = Vec::new();
        let mut comma = false;
        while !self.is(close) || (comma && close == b')') {
            let item = self.expr()?;
            depth = depth.max(item.depth);
            items.push(item.expr);
            comma = self.take(b',');
            if !comma {
                break;
            }
        }
        self.close(close)?;
        Ok((items, depth))
    }

    fn map(&mut self) -> Result<Built, ParseError> {
        let start = self.open()?;
        let mut depth = 0;
        let mut entries = Vec::new();
        while !self.is(b'}') {
            let key = self.expr()?;
            self.expect(b':')?;
            let value = self.expr()?;
            depth = depth.max(key.depth).max(value.depth);
            entries.push((key.expr, value.expr));
            if !self.take(b',') {
                break;
            }
        }
        self.close(b'}')?;
        self.over(depth, Expr::Map(entries), start)
    }

    /// A name and what belongs to it: `v['x']`, `run.now`, `size(x)`, `json.parse(x)`, `has(x.y)`.
    fn name(&mut self) -> Result<Built, ParseError> {
        let (name, place) = self.word();
        if self.is(b'(') {
            return match name {
                "has" => self.has(),
                _ if is_reserved(name) => Err(reserved(name, false, place)),
                _ => self.call(name, place),
            };
        }
        match name {
            "null" => Ok(Built::leaf(Expr::Literal(Literal::Null))),
            "true" | "false" => Ok(Built::leaf(Expr::Literal(Literal::Bool(name == "true")))),
            "input" => Ok(Built::leaf(Expr::Root(Root::Input))),
            "v" => match self.literal_index()? {
                Some(name) => Ok(Built::leaf(Expr::Variable(name))),
                None => Err(ParseErrorKind::VariableSpelling.at(place)),
            },
            "run" => {
                let member = if self.take(b'.') && self.token == Token::Name {
                    Some(self.word().0.to_owned()).filter(|_| !self.is(b'('))
                } else {
                    self.literal_index()?
                };
                match member.filter(|name| RUN_MEMBERS.contains(&name.as_str())) {
                    Some(name) => {
                        self.over(1, Expr::Member { target: Expr::Root(Root::Run).into(), name }, place.start)
                    }
                    None => Err(ParseErrorKind::RunMember.at(place)),
                }
            }
            _ if is_reserved(name) => Err(reserved(name, false, place)),
            _ if self.bound.contains(&name) => Ok(Built::leaf(Expr::Local(name.to_owned()))),
            _ if functions::is_namespace(name) && self.take(b'.') => {
                if self.token != Token::Name {
                    return Err(self.expected("a name"));
                }
                let (_, member) = self.word();
                let whole = place.start..member.end;
                if !self.is(b'(') {
                    return Err(ParseErrorKind::UnknownName { name: name.to_owned() }.at(whole));
                }
                self.call(&format!("{name}.{}", &self.text[member]), whole)
            }
            _ => Err(ParseErrorKind::UnknownName { name: name.to_owned() }.at(place)),
        }
    }

    fn has(&mut self) -> Result<Built, ParseError> {
        let start = self.open()?;
        let built = if self.is(b')') { None } else { Some(self.expr()?) };
        // In the tree `x['y']` is `x.y`, but CEL's `has` takes only the latter.
        let indexed = self.text[..self.ended].ends_with(']');
        if self.is(b',') {
            return Err(ParseErrorKind::HasArgument.at(start..self.end_of_arguments()));
        }
        self.close(b')')?;
        match built {
            Some(Built { expr: Expr::Member { target, name }, depth }) if !indexed => {
                Ok(Built { expr: Expr::Has { target, name }, depth })
            }
            _ => Err(ParseErrorKind::HasArgument.at(start..self.ended)),
        }
    }

    /// A function in function spelling.
    fn call(&mut self, name: &str, place: Range<usize>) -> Result<Built, ParseError> {
        let start = self.place.start;
        let function = find(name, Spelling::Function, place)?;
        let (args, depth) = self.items(b')')?;
        check_arity(function, args.len(), start..self.ended)?;
        self.over(depth, Expr::Call { function: name.to_owned(), args }, start)
    }

    /// `.name`, a method or a macro.
    fn member(&mut self, target: Built) -> Result<Built, ParseError> {
        let start = self.place.start;
        self.advance();
        if self.token != Token::Name {
            return Err(self.expected("a name"));
        }
        let (name, place) = self.word();
        if !self.is(b'(') {
            if is_reserved(name) {
                return Err(reserved(name, true, place));
            }
            let member = Expr::Member { target: target.expr.into(), name: name.to_owned() };
            return self.over(target.depth, member, start);
        }
        let macros = [Macro::All, Macro::Exists, Macro::ExistsOne, Macro::Filter, Macro::Map];
        if let Some(kind) = macros.into_iter().find(|kind| macro_name(*kind) == name) {
            return self.expand(kind, target);
        }
        let function = find(name, Spelling::Method, place)?;
        self.respelled |= function.canonical_spelling() == Spelling::Function;
        let start = self.place.start;
        let (rest, depth) = self.items(b')')?;
        check_arity(function, rest.len() + 1, start..self.ended)?;
        let mut args = vec![target.expr];
        args.extend(rest);
        self.over(depth.max(target.depth), Expr::Call { function: name.to_owned(), args }, start)
    }

    /// `(name, body)`, or `(name, filter, body)`
    fn expand(&mut self, kind: Macro, range: Built) -> Result<Built, ParseError> {
        let start = self.open()?;
        let (name, place) = if self.token == Token::Name { self.word() } else { ("", start..start) };
        if name.is_empty() || !self.take(b',') {
            return Err(self.macro_form(kind, start));
        }
        if matches!(name, "v" | "input" | "run") || functions::is_namespace(name) || is_reserved(name) {
            return Err(ParseErrorKind::BoundName { name: name.to_owned() }.at(place));
        }
        self.bound.push(name);
        let mut body = self.expr()?;
        let mut filter = None;
        if kind == Macro::Map && self.take(b',') {
            filter = Some(std::mem::replace(&mut body, self.expr()?));
        }
        self.bound.pop();
        if self.is(b',') {
            return Err(self.macro_form(kind, start));
        }
        self.close(b')')?;
        let depth = range.depth.max(body.depth).max(filter.as_ref().map_or(0, |filter| filter.depth));
        let filter = filter.map(|filter| filter.expr.into());
        let (range, body) = (range.expr.into(), body.expr.into());
        self.over(depth, Expr::Macro { kind, range, binds: name.to_owned(), filter, body }, start)
    }

    fn macro_form(&mut self, kind: Macro, start: usize) -> ParseError {
        let form = match kind {
            Macro::All => "list.all(name, condition)",
            Macro::Exists => "list.exists(name, condition)",
            Macro::ExistsOne => "list.exists_one(name, condition)",
            Macro::Filter => "list.filter(name, condition)",
            Macro::Map => "list.map(name, value) or list.map(name, condition, value)",
        };
        ParseErrorKind::MacroForm { form }.at(start..self.end_of_arguments())
    }

    /// Where the arguments end that are being read, for a message about all of them.
    fn end_of_arguments(&mut self) -> usize {
        let outside = self.nesting - 1;
        while self.nesting > outside && self.token != Token::End {
            match self.token {
                Token::Symbol(b'(' | b'[' | b'{') => self.nesting += 1,
                Token::Symbol(b')' | b']' | b'}') => self.nesting -= 1,
                _ => {}
            }
            self.advance();
        }
        self.ended
    }

    fn index(&mut self, target: Built) -> Result<Built, ParseError> {
        let start = self.open()?;
        let index = self.expr()?;
        self.close(b']')?;
        match index.expr {
            Expr::Literal(Literal::String(name)) => {
                self.over(target.depth, Expr::Member { target: target.expr.into(), name }, start)
            }
            expr => {
                let depth = target.depth.max(index.depth);
                self.over(depth, Expr::Index { target: target.expr.into(), index: expr.into() }, start)
            }
        }
    }

    /// The text of `['literal']`; `None` when anything else stands here.
    fn literal_index(&mut self) -> Result<Option<String>, ParseError> {
        if !self.is(b'[') {
            return Ok(None);
        }
        self.open()?;
        match self.token {
            Token::Text => {
                let text = self.string()?;
                Ok(if self.is(b']') { self.close(b']').map(|()| Some(text))? } else { None })
            }
            Token::Unclosed => Err(self.expected(AN_EXPRESSION)),
            _ => Ok(None),
        }
    }

    fn number(&mut self, sign: Option<usize>) -> Result<Built, ParseError> {
        let kind = self.token;
        let (digits, place) = self.word();
        let place = sign.unwrap_or(place.start)..place.end;
        let sign = if sign.is_some() { "-" } else { "" };
        let text = format!("{sign}{digits}");
        let literal = match kind {
            Token::Double => text.parse().ok().filter(|number: &f64| number.is_finite()).map(Literal::Double),
            Token::Decimal => text.parse().ok().map(Literal::Int),
            _ => i64::from_str_radix(&format!("{sign}{}", &digits[2..]), 16).ok().map(Literal::Int),
        };
        match literal {
            Some(literal) => Ok(Built::leaf(Expr::Literal(literal))),
            None if kind == Token::Double => Err(ParseErrorKind::DoubleRange { text }.at(place)),
            None => Err(ParseErrorKind::IntegerRange { text }.at(place)),
        }
    }

    fn string(&mut self) -> Result<String, ParseError> {
        let (literal, place) = self.word();
        unquote(literal).map_err(|bad| {
            let text = literal.get(bad.0.clone()).unwrap_or_default().to_owned();
            ParseErrorKind::Escape { text }.at(place.start + bad.0.start..place.start + bad.0.end)
        })
    }

    /// The token's text and place, and on to the next.
    fn word(&mut self) -> (&'text str, Range<usize>) {
        let place = self.place.clone();
        self.advance();
        (&self.text[place.clone()], place)
    }

    fn advance(&mut self) {
        self.ended = self.place.end;
        (self.token, self.place) = next_token(self.text, self.place.end);
    }

    fn is(&self, symbol: u8) -> bool {
        self.token == Token::Symbol(symbol)
    }

    /// Goes past the symbol if it stands here.
    fn take(&mut self, symbol: u8) -> bool {
        let is = self.is(symbol);
        if is {
            self.advance();
        }
        is
    }

    fn infix(&self) -> Option<BinaryOp> {
        match self.token {
            Token::Infix(op) => Some(op),
            Token::Name if self.text[self.place.clone()] == *"in" => Some(BinaryOp::In),
            _ => None,
        }
    }

    /// Goes past an opening bracket, and says where it stood.
    fn open(&mut self) -> Result<usize, ParseError> {
        if self.nesting == MAX_NESTING {
            return Err(ParseErrorKind::TooNested.at(self.place.clone()));
        }
        let start = self.place.start;
        self.nesting += 1;
        self.advance();
        Ok(start)
    }

    /// Goes past the bracket that closes.
    fn close(&mut self, symbol: u8) -> Result<(), ParseError> {
        self.expect(symbol)?;
        self.nesting -= 1;
        Ok(())
    }

    /// Goes past a symbol that follows an expression.
    fn expect(&mut self, symbol: u8) -> Result<(), ParseError> {
        if self.take(symbol) { Ok(()) } else { Err(self.expected(AN_OPERATOR)) }
    }

    /// A tree that begins at `start` and ends before the token, over parts of which the deepest has `depth` levels.
    fn over(&self, depth: usize, expr: Expr, start: usize) -> Result<Built, ParseError> {
        if depth >= MAX_DEPTH {
            return Err(ParseErrorKind::TooDeep.at(start..self.ended));
        }
        Ok(Built { expr, depth: depth + 1 })
    }

    /// What is said where the token is not what could stand there.
    fn expected(&self, expected: &str) -> ParseError {
        let unclosed = self.token == Token::Unclosed;
        let at = if unclosed { self.place.end - 1 } else { self.place.start };
        let rest = &self.text[at..];
        let word = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let length = if word > 0 { word } else { rest.chars().next().map_or(0, char::len_utf8) };
        let expected = if unclosed { "a text that ends on its line" } else { expected };
        let found = if length > 0 { format!("`{}`", &rest[..length]) } else { String::new() };
        ParseErrorKind::Syntax { expected: expected.to_owned(), found }.at(at..at + length)
    }
}

fn reserved(name: &str, member: bool, place: Range<usize>) -> ParseError {
    ParseErrorKind::Reserved { name: name.to_owned(), member }.at(place)
}

/// Greater binds tighter.
fn precedence(op: BinaryOp) -> u8 {
    match op {
        BinaryOp::Or => 1,
        BinaryOp::And => 2,
        BinaryOp::Equal
        | BinaryOp::NotEqual
        | BinaryOp::Less
        | BinaryOp::LessEqual
        | BinaryOp::Greater
        | BinaryOp::GreaterEqual
        | BinaryOp::In => 3,
        BinaryOp::Add | BinaryOp::Subtract => 4,
        BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Remainder => 5,
    }
}

fn find(name: &str, spelling: Spelling, place: Range<usize>) -> Result<&'static Function, ParseError> {
    let method = spelling == Spelling::Method;
    let hint = match functions::find(name) {
        Some(function) if function.is_spelled(spelling) => return Ok(function),
        Some(_) if method => Some(format!("it is a function: {name}(…)")),
        Some(_) => Some(format!("it is a method: x.{name}(…)")),
        None => functions::all()
            .iter()
            .map(|function| (distance(name, function.name), function.name))
            .filter(|(distance, nearest)| *distance <= 2 && *distance < nearest.len())
            .min()
            .map(|(_, nearest)| format!("did you mean `{nearest}`?")),
    };
    Err(ParseErrorKind::UnknownFunction { name: name.to_owned(), method, hint }.at(place))
}

/// How many letters must be inserted, removed or changed to make one name of the other (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    if from.len() > 32 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, a) in from.bytes().enumerate() {
        let mut diagonal = line;
        let mut before = line + 1;
        for (cell, b) in row.iter_mut().skip(1).zip(to.bytes()) {
            let changed = diagonal + usize::from(a != b);
            diagonal = *cell;
            before = changed.min(diagonal + 1).min(before + 1);
            *cell = before;
        }
        if let Some(first) = row.first_mut() {
            *first = line + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

fn check_arity(function: &Function, given: usize, place: Range<usize>) -> Result<(), ParseError> {
    if function.accepts(given) {
        return Ok(());
    }
    Err(ParseErrorKind::Arity { given, signatures: function.signatures_text() }.at(place))
}

#[cfg(test)]
mod tests;
