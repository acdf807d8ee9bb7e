//! From text to a tree.

use std::ops::Range;

use pest::Parser as _;
use pest::error::{ErrorVariant, InputLocation};
use pest::iterators::{Pair, Pairs};

use super::ast::{BinaryOp, Expr, Literal, Macro, Root, UnaryOp};
use super::functions::{self, Function, Spelling};
use super::identifier::{RUN_MEMBERS, is_identifier, is_reserved};
use super::print::{macro_name, print};
use super::quote::unquote;

/// The longest text that is read, in bytes.
pub const MAX_TEXT: usize = 64 * 1024;

/// How many levels a tree may have: a recursive walk stays far below the 2 MiB of stack that a thread has at least.
/// A chain `a + b + c` has a level for each operator.
pub const MAX_DEPTH: usize = 128;

/// How deep brackets may nest. It bounds the parser's own recursion, which takes more stack than a walk does.
pub const MAX_NESTING: usize = 64;

/// Reads an expression.
///
/// Work is linear in the text's length.
pub fn parse(text: &str) -> Result<Expr, ParseError> {
    if text.len() > MAX_TEXT {
        return Err(ParseErrorKind::TooLong { bytes: text.len() }.at(MAX_TEXT..text.len()));
    }
    check_nesting(text)?;
    let pairs = Grammar::parse(Rule::text, text).map_err(|error| syntax_error(&error, text))?;
    let mut builder = Builder { bound: Vec::new(), respelled: false };
    for pair in pairs {
        if pair.as_rule() == Rule::expr {
            let expr = builder.expr(pair)?.expr;
            // `x.size()` is printed as `size(x)`, which has one bracket more around `x`. What is printed must read back.
            if builder.respelled && check_nesting(&print(&expr)).is_err() {
                return Err(ParseErrorKind::TooNested.at(0..text.len()));
            }
            return Ok(expr);
        }
    }
    Err(ParseErrorKind::Syntax { expected: "an expression".to_owned(), found: String::new() }.at(0..text.len()))
}

/// Why a text is not an expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct ParseError {
    /// Where, in bytes of the text.
    pub span: Range<usize>,
    /// What is wrong there.
    pub kind: ParseErrorKind,
}

/// What is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message says what each variant and its fields are")]
pub enum ParseErrorKind {
    #[error("an expression of {bytes} bytes is longer than the limit of {MAX_TEXT}")]
    TooLong { bytes: usize },
    #[error("the expression has more than {MAX_DEPTH} levels")]
    TooDeep,
    #[error("the expression's brackets nest deeper than {MAX_NESTING} levels")]
    TooNested,
    #[error("expected {expected}, found {}", if found.is_empty() { "the end" } else { found })]
    Syntax { expected: String, found: String },
    #[error("the integer {text} does not fit 64 bits")]
    IntegerRange { text: String },
    #[error("the number {text} is too great for a double")]
    DoubleRange { text: String },
    #[error("`{text}` is no escape of a text; a backslash itself is written `\\\\`")]
    Escape { text: String },
    #[error("`{name}` is a reserved word of the language{}", if *member { format!("; write ['{name}']") } else { String::new() })]
    Reserved { name: String, member: bool },
    #[error("there is no name `{name}`; a variable is written v['{name}']")]
    UnknownName { name: String },
    #[error("variables are written v['name'] and not otherwise")]
    VariableSpelling,
    #[error("`run` has {}, and is used only through them", RUN_MEMBERS.join(", "))]
    RunMember,
    #[error("there is no {} `{name}`{}", if *method { "method" } else { "function" }, hint.as_ref().map_or(String::new(), |hint| format!("; {hint}")))]
    UnknownFunction { name: String, method: bool, hint: Option<String> },
    #[error("{given} arguments do not fit: {signatures}")]
    Arity { given: usize, signatures: String },
    #[error("has() takes a member that is written with a dot, as has(x.name); for other names write 'name' in x")]
    HasArgument,
    #[error("the form is {form}")]
    MacroForm { form: &'static str },
    #[error("`{name}` has a meaning already and cannot be bound")]
    BoundName { name: String },
}

impl ParseErrorKind {
    fn at(self, span: Range<usize>) -> ParseError {
        ParseError { span, kind: self }
    }
}

/// The generated parser, kept out of the public API.
mod grammar {
    /// See `grammar.pest`.
    #[derive(pest_derive::Parser)]
    #[grammar = "expr/grammar.pest"]
    pub(super) struct Grammar;
}
use grammar::{Grammar, Rule};

fn span(pair: &Pair<'_, Rule>) -> Range<usize> {
    pair.as_span().start()..pair.as_span().end()
}

/// Refuses brackets that nest too deep, before anything recurses over them.
fn check_nesting(text: &str) -> Result<(), ParseError> {
    let Ok(pairs) = Grammar::parse(Rule::brackets, text) else {
        // The rule matches every text; should it ever not, the grammar proper reports.
        return Ok(());
    };
    let mut depth = 0_usize;
    for pair in pairs.flat_map(Pair::into_inner) {
        match pair.as_rule() {
            Rule::open => {
                depth += 1;
                if depth > MAX_NESTING {
                    return Err(ParseErrorKind::TooNested.at(span(&pair)));
                }
            }
            Rule::close => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

fn syntax_error(error: &pest::error::Error<Rule>, text: &str) -> ParseError {
    let at = match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
    };
    let rest = text.get(at..).unwrap_or_default();
    let found_length = match rest.char_indices().find(|(_, c)| !(c.is_alphanumeric() || *c == '_')) {
        Some((0, first)) => first.len_utf8(),
        Some((end, _)) => end,
        None => rest.len(),
    };
    let found = rest.get(..found_length).unwrap_or_default();
    let expected = match &error.variant {
        _ if matches!(found, "'" | "\"") => "a text that ends on its line".to_owned(),
        ErrorVariant::ParsingError { positives, .. } => expected(positives),
        ErrorVariant::CustomError { message } => message.clone(),
    };
    let found = if found.is_empty() { String::new() } else { format!("`{found}`") };
    ParseErrorKind::Syntax { expected, found }.at(at..at + found_length)
}

/// What the grammar would have taken, in people's words.
fn expected(rules: &[Rule]) -> String {
    let mut words: Vec<&str> = rules
        .iter()
        .map(|rule| match rule {
            Rule::infix | Rule::within => "an operator",
            Rule::member | Rule::index => "a member",
            Rule::arguments => "arguments in parentheses",
            Rule::identifier => "a name",
            Rule::EOI => "the end",
            Rule::entry => "a key",
            _ => "an expression",
        })
        .collect();
    words.sort_unstable();
    words.dedup();
    match words.as_slice() {
        // Where a value has just ended, or nothing that the grammar names could follow.
        [] => "something else".to_owned(),
        [.., _] if words.contains(&"an operator") => "an operator or the end of what is open".to_owned(),
        [most @ .., last] if !most.is_empty() => format!("{} or {last}", most.join(", ")),
        [one, ..] => (*one).to_owned(),
    }
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

    /// A tree over parts of which the deepest has `depth` levels.
    fn over(depth: usize, expr: Expr, span: &Range<usize>) -> Result<Self, ParseError> {
        if depth >= MAX_DEPTH {
            return Err(ParseErrorKind::TooDeep.at(span.clone()));
        }
        Ok(Self { expr, depth: depth + 1 })
    }
}

/// Builds the tree from what the grammar saw. It recurses over brackets only, whose nesting is checked.
struct Builder {
    /// The names that the enclosing macros bind.
    bound: Vec<String>,
    /// Whether a function was called as a method though it is printed as a function.
    respelled: bool,
}

impl Builder {
    /// `chain ("?" chain ":" chain)*`
    fn expr(&mut self, pair: Pair<'_, Rule>) -> Result<Built, ParseError> {
        let place = span(&pair);
        // A loop, here and below, and no iterator that collects: its frames would be on the stack at every level.
        let mut chains: Vec<Built> = Vec::new();
        for chain in pair.into_inner() {
            chains.push(self.chain(chain)?);
        }
        let mut tail = chains.pop().ok_or_else(|| missing(&place))?;
        while let (Some(then), Some(condition)) = (chains.pop(), chains.pop()) {
            tail = Built::over(
                tail.depth.max(then.depth).max(condition.depth),
                Expr::Conditional {
                    condition: condition.expr.into(),
                    then: then.expr.into(),
                    otherwise: tail.expr.into(),
                },
                &place,
            )?;
        }
        Ok(tail)
    }

    /// `operand (infix operand)*`, by operator precedence.
    fn chain(&mut self, pair: Pair<'_, Rule>) -> Result<Built, ParseError> {
        let place = span(&pair);
        let mut operands: Vec<Built> = Vec::new();
        let mut waiting: Vec<BinaryOp> = Vec::new();
        for part in pair.into_inner() {
            if part.as_rule() == Rule::operand {
                operands.push(self.operand(part)?);
                continue;
            }
            let op = binary_op(part.as_str());
            while let Some(before) = waiting.pop_if(|before| precedence(*before) >= precedence(op)) {
                reduce(&mut operands, before, &place)?;
            }
            waiting.push(op);
        }
        while let Some(op) = waiting.pop() {
            reduce(&mut operands, op, &place)?;
        }
        operands.pop().ok_or_else(|| missing(&place))
    }

    /// `(not | negate)* primary (member | index)*`
    fn operand(&mut self, pair: Pair<'_, Rule>) -> Result<Built, ParseError> {
        let place = span(&pair);
        let mut parts = pair.into_inner().peekable();
        let mut prefixes = Vec::new();
        while let Some(prefix) = parts.next_if(|part| matches!(part.as_rule(), Rule::not | Rule::negate)) {
            prefixes.push(if prefix.as_rule() == Rule::not { UnaryOp::Not } else { UnaryOp::Negate });
        }
        let first = parts.next().ok_or_else(|| missing(&place))?;
        let mut built =
            if first.as_rule() == Rule::name { self.name(first, &mut parts)? } else { self.primary(first)? };
        for postfix in parts {
            built = match postfix.as_rule() {
                Rule::member => self.member(built, postfix)?,
                _ => self.index(built, postfix)?,
            };
        }
        for op in prefixes.into_iter().rev() {
            built = Built::over(built.depth, Expr::Unary { op, operand: built.expr.into() }, &place)?;
        }
        Ok(built)
    }

    fn primary(&mut self, pair: Pair<'_, Rule>) -> Result<Built, ParseError> {
        let place = span(&pair);
        match pair.as_rule() {
            Rule::number => Ok(Built::leaf(Expr::Literal(number(pair)?))),
            Rule::string => Ok(Built::leaf(Expr::Literal(Literal::String(string(&pair)?)))),
            Rule::group => self.expr(pair.into_inner().next().ok_or_else(|| missing(&place))?),
            Rule::list => {
                let (items, depth) = self.all(pair.into_inner())?;
                Built::over(depth, Expr::List(items), &place)
            }
            _ => self.map(pair, &place),
        }
    }

    fn map(&mut self, pair: Pair<'_, Rule>, place: &Range<usize>) -> Result<Built, ParseError> {
        let mut depth = 0;
        let mut entries = Vec::new();
        for entry in pair.into_inner() {
            let mut parts = entry.into_inner();
            let key = self.expr(parts.next().ok_or_else(|| missing(place))?)?;
            let value = self.expr(parts.next().ok_or_else(|| missing(place))?)?;
            depth = depth.max(key.depth).max(value.depth);
            entries.push((key.expr, value.expr));
        }
        Built::over(depth, Expr::Map(entries), place)
    }

    fn all(&mut self, pairs: Pairs<'_, Rule>) -> Result<(Vec<Expr>, usize), ParseError> {
        let mut depth = 0;
        let mut items = Vec::new();
        for pair in pairs {
            let built = self.expr(pair)?;
            depth = depth.max(built.depth);
            items.push(built.expr);
        }
        Ok((items, depth))
    }

    /// A name and what belongs to it: `v['x']`, `run.now`, `size(x)`, `json.parse(x)`, `has(x.y)`.
    fn name<'text>(
        &mut self,
        pair: Pair<'text, Rule>,
        rest: &mut std::iter::Peekable<Pairs<'text, Rule>>,
    ) -> Result<Built, ParseError> {
        let place = span(&pair);
        let mut parts = pair.into_inner();
        let identifier = parts.next().ok_or_else(|| missing(&place))?;
        let name = identifier.as_str();
        let name_place = span(&identifier);
        if let Some(arguments) = parts.next() {
            return match name {
                "has" => self.has(arguments),
                _ if is_reserved(name) => Err(reserved(name, false, name_place)),
                _ => self.call(name, &name_place, arguments),
            };
        }
        match name {
            "null" => return Ok(Built::leaf(Expr::Literal(Literal::Null))),
            "true" | "false" => return Ok(Built::leaf(Expr::Literal(Literal::Bool(name == "true")))),
            "input" => return Ok(Built::leaf(Expr::Root(Root::Input))),
            "v" => {
                let index = rest.next_if(|next| next.as_rule() == Rule::index);
                return match index.and_then(literal_index) {
                    Some(name) => Ok(Built::leaf(Expr::Variable(name?))),
                    None => Err(ParseErrorKind::VariableSpelling.at(name_place)),
                };
            }
            "run" => {
                let member = match rest.next() {
                    Some(member) if member.as_rule() == Rule::member => {
                        let mut parts = member.into_inner();
                        parts.next().map(|name| name.as_str().to_owned()).filter(|_| parts.next().is_none())
                    }
                    Some(index) => literal_index(index).transpose()?,
                    None => None,
                };
                return match member {
                    Some(name) if RUN_MEMBERS.contains(&name.as_str()) => {
                        let target = Expr::Root(Root::Run).into();
                        Built::over(1, Expr::Member { target, name }, &place)
                    }
                    _ => Err(ParseErrorKind::RunMember.at(place)),
                };
            }
            _ => {}
        }
        if is_reserved(name) {
            return Err(reserved(name, false, name_place));
        }
        if self.bound.iter().any(|bound| bound == name) {
            return Ok(Built::leaf(Expr::Local(name.to_owned())));
        }
        if functions::is_namespace(name)
            && let Some(member) = rest.next_if(|next| next.as_rule() == Rule::member)
        {
            let place = name_place.start..span(&member).end;
            let mut parts = member.into_inner();
            let (Some(function), Some(arguments)) = (parts.next(), parts.next()) else {
                return Err(ParseErrorKind::UnknownName { name: name.to_owned() }.at(place));
            };
            let name_place = name_place.start..span(&function).end;
            return self.call(&format!("{name}.{}", function.as_str()), &name_place, arguments);
        }
        Err(ParseErrorKind::UnknownName { name: name.to_owned() }.at(name_place))
    }

    fn has(&mut self, arguments: Pair<'_, Rule>) -> Result<Built, ParseError> {
        let place = span(&arguments);
        let mut arguments = arguments.into_inner();
        let (Some(argument), None) = (arguments.next(), arguments.next()) else {
            return Err(ParseErrorKind::HasArgument.at(place));
        };
        // In the tree `x['y']` is `x.y`, but CEL's `has` takes only the latter.
        let indexed = argument.as_str().ends_with(']');
        let built = self.expr(argument)?;
        match built.expr {
            Expr::Member { target, name } if !indexed => {
                Ok(Built { expr: Expr::Has { target, name }, depth: built.depth })
            }
            _ => Err(ParseErrorKind::HasArgument.at(place)),
        }
    }

    /// A function in function spelling.
    fn call(&mut self, name: &str, name_place: &Range<usize>, arguments: Pair<'_, Rule>) -> Result<Built, ParseError> {
        let place = span(&arguments);
        let function = find(name, Spelling::Function, name_place)?;
        let (args, depth) = self.all(arguments.into_inner())?;
        check_arity(function, args.len(), &place)?;
        Built::over(depth, Expr::Call { function: name.to_owned(), args }, &place)
    }

    /// `.name`, a method or a macro.
    fn member(&mut self, target: Built, pair: Pair<'_, Rule>) -> Result<Built, ParseError> {
        let place = span(&pair);
        let mut parts = pair.into_inner();
        let identifier = parts.next().ok_or_else(|| missing(&place))?;
        let name = identifier.as_str();
        let name_place = span(&identifier);
        let Some(arguments) = parts.next() else {
            if is_reserved(name) {
                return Err(reserved(name, true, name_place));
            }
            let member = Expr::Member { target: target.expr.into(), name: name.to_owned() };
            return Built::over(target.depth, member, &place);
        };
        let macros = [Macro::All, Macro::Exists, Macro::ExistsOne, Macro::Filter, Macro::Map];
        if let Some(kind) = macros.into_iter().find(|kind| macro_name(*kind) == name) {
            return self.expand(kind, target, arguments);
        }
        let function = find(name, Spelling::Method, &name_place)?;
        self.respelled |= function.canonical_spelling() == Spelling::Function;
        let place = span(&arguments);
        let (rest, depth) = self.all(arguments.into_inner())?;
        check_arity(function, rest.len() + 1, &place)?;
        let mut args = vec![target.expr];
        args.extend(rest);
        Built::over(depth.max(target.depth), Expr::Call { function: name.to_owned(), args }, &place)
    }

    fn expand(&mut self, kind: Macro, range: Built, arguments: Pair<'_, Rule>) -> Result<Built, ParseError> {
        let place = span(&arguments);
        let form = || {
            let form = match kind {
                Macro::All => "list.all(name, condition)",
                Macro::Exists => "list.exists(name, condition)",
                Macro::ExistsOne => "list.exists_one(name, condition)",
                Macro::Filter => "list.filter(name, condition)",
                Macro::Map => "list.map(name, value) or list.map(name, condition, value)",
            };
            ParseErrorKind::MacroForm { form }.at(place.clone())
        };
        let mut arguments: Vec<_> = arguments.into_inner().collect();
        let body = arguments.pop().ok_or_else(form)?;
        let filter = if arguments.len() == 2 && kind == Macro::Map { arguments.pop() } else { None };
        let (Some(binds), true) = (arguments.pop(), arguments.is_empty()) else { return Err(form()) };
        let name = binds.as_str();
        if matches!(name, "v" | "input" | "run") || functions::is_namespace(name) || is_reserved(name) {
            return Err(ParseErrorKind::BoundName { name: name.to_owned() }.at(span(&binds)));
        }
        if !is_identifier(name) {
            return Err(form());
        }
        self.bound.push(name.to_owned());
        let filter = filter.map(|filter| self.expr(filter)).transpose();
        let body = self.expr(body);
        let binds = self.bound.pop().unwrap_or_default();
        let (filter, body) = (filter?, body?);
        let depth = range.depth.max(body.depth).max(filter.as_ref().map_or(0, |filter| filter.depth));
        let filter = filter.map(|filter| filter.expr.into());
        let expanded = Expr::Macro { kind, range: range.expr.into(), binds, filter, body: body.expr.into() };
        Built::over(depth, expanded, &place)
    }

    fn index(&mut self, target: Built, pair: Pair<'_, Rule>) -> Result<Built, ParseError> {
        let place = span(&pair);
        let index = self.expr(pair.into_inner().next().ok_or_else(|| missing(&place))?)?;
        let depth = target.depth.max(index.depth);
        match index.expr {
            Expr::Literal(Literal::String(name)) => {
                Built::over(target.depth, Expr::Member { target: target.expr.into(), name }, &place)
            }
            index => Built::over(depth, Expr::Index { target: target.expr.into(), index: index.into() }, &place),
        }
    }
}

/// The grammar's rules always hold the parts that are asked for; this is what is said should they ever not.
fn missing(place: &Range<usize>) -> ParseError {
    ParseErrorKind::Syntax { expected: "an expression".to_owned(), found: String::new() }.at(place.clone())
}

fn reserved(name: &str, member: bool, place: Range<usize>) -> ParseError {
    ParseErrorKind::Reserved { name: name.to_owned(), member }.at(place)
}

/// The text of `['literal']`; `None` when anything else is in the brackets.
fn literal_index(pair: Pair<'_, Rule>) -> Option<Result<String, ParseError>> {
    fn only(pair: Pair<'_, Rule>) -> Option<Pair<'_, Rule>> {
        let mut parts = pair.into_inner();
        parts.next().filter(|_| parts.next().is_none())
    }
    if pair.as_rule() != Rule::index {
        return None;
    }
    let literal = only(only(only(only(pair)?)?)?)?;
    (literal.as_rule() == Rule::string).then(|| string(&literal))
}

fn binary_op(symbol: &str) -> BinaryOp {
    match symbol {
        "||" => BinaryOp::Or,
        "&&" => BinaryOp::And,
        "==" => BinaryOp::Equal,
        "!=" => BinaryOp::NotEqual,
        "<" => BinaryOp::Less,
        "<=" => BinaryOp::LessEqual,
        ">" => BinaryOp::Greater,
        ">=" => BinaryOp::GreaterEqual,
        "+" => BinaryOp::Add,
        "-" => BinaryOp::Subtract,
        "*" => BinaryOp::Multiply,
        "/" => BinaryOp::Divide,
        "%" => BinaryOp::Remainder,
        // The only one that is left in the grammar.
        _ => BinaryOp::In,
    }
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

fn reduce(operands: &mut Vec<Built>, op: BinaryOp, place: &Range<usize>) -> Result<(), ParseError> {
    let (Some(right), Some(left)) = (operands.pop(), operands.pop()) else { return Err(missing(place)) };
    let expr = Expr::Binary { op, left: left.expr.into(), right: right.expr.into() };
    operands.push(Built::over(left.depth.max(right.depth), expr, place)?);
    Ok(())
}

fn number(pair: Pair<'_, Rule>) -> Result<Literal, ParseError> {
    let place = span(&pair);
    let mut negative = false;
    for part in pair.into_inner() {
        let digits = part.as_str();
        let sign = if negative { "-" } else { "" };
        let signed = format!("{sign}{digits}");
        match part.as_rule() {
            Rule::minus => negative = true,
            Rule::double => {
                return match signed.parse::<f64>() {
                    Ok(number) if number.is_finite() => Ok(Literal::Double(number)),
                    _ => Err(ParseErrorKind::DoubleRange { text: signed }.at(place)),
                };
            }
            rule => {
                let int = match rule {
                    Rule::decimal => signed.parse(),
                    _ => i64::from_str_radix(&format!("{sign}{}", &digits[2..]), 16),
                };
                return int.map(Literal::Int).map_err(|_| ParseErrorKind::IntegerRange { text: signed }.at(place));
            }
        }
    }
    Err(missing(&place))
}

fn string(pair: &Pair<'_, Rule>) -> Result<String, ParseError> {
    let literal = pair.as_str();
    unquote(literal).map_err(|bad| {
        let text = literal.get(bad.0.clone()).unwrap_or_default().to_owned();
        let start = span(pair).start;
        ParseErrorKind::Escape { text }.at(start + bad.0.start..start + bad.0.end)
    })
}

fn find(name: &str, spelling: Spelling, place: &Range<usize>) -> Result<&'static Function, ParseError> {
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
    Err(ParseErrorKind::UnknownFunction { name: name.to_owned(), method, hint }.at(place.clone()))
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

fn check_arity(function: &Function, given: usize, place: &Range<usize>) -> Result<(), ParseError> {
    if function.accepts(given) {
        return Ok(());
    }
    Err(ParseErrorKind::Arity { given, signatures: function.signatures_text() }.at(place.clone()))
}

#[cfg(test)]
mod tests;
