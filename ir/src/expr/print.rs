//! The one canonical spelling of an expression.

use std::fmt::Write as _;

use super::ast::{BinaryOp, Expr, Literal, Macro, Root, UnaryOp};
use super::functions::{self, Spelling};
use super::identifier::is_identifier;
use super::quote::quote;

/// Writes the expression in its one canonical spelling: single quotes, as few parentheses as its meaning allows, one
/// space around infix operators.
pub fn print(expr: &Expr) -> String {
    let mut printer = Printer { out: String::new() };
    printer.expr(expr);
    printer.out
}

/// How tightly an expression holds together; a looser one inside a tighter one needs parentheses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Conditional,
    Or,
    And,
    Relation,
    Sum,
    Product,
    Prefix,
    Postfix,
}

fn binding(expr: &Expr) -> Binding {
    match expr {
        Expr::Conditional { .. } => Binding::Conditional,
        Expr::Binary { op, .. } => binary_binding(*op),
        Expr::Has { name, .. } if !is_identifier(name) => Binding::Relation,
        Expr::Unary { .. } => Binding::Prefix,
        _ => Binding::Postfix,
    }
}

fn binary_binding(op: BinaryOp) -> Binding {
    match op {
        BinaryOp::Or => Binding::Or,
        BinaryOp::And => Binding::And,
        BinaryOp::Equal
        | BinaryOp::NotEqual
        | BinaryOp::Less
        | BinaryOp::LessEqual
        | BinaryOp::Greater
        | BinaryOp::GreaterEqual
        | BinaryOp::In => Binding::Relation,
        BinaryOp::Add | BinaryOp::Subtract => Binding::Sum,
        BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Remainder => Binding::Product,
    }
}

/// The next tighter one: what a right operand must be, as all infix operators associate to the left.
fn tighter(binding: Binding) -> Binding {
    match binding {
        Binding::Conditional => Binding::Or,
        Binding::Or => Binding::And,
        Binding::And => Binding::Relation,
        Binding::Relation => Binding::Sum,
        Binding::Sum => Binding::Product,
        Binding::Product => Binding::Prefix,
        Binding::Prefix | Binding::Postfix => Binding::Postfix,
    }
}

struct Printer {
    out: String,
}

impl Printer {
    fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Literal(literal) => self.literal(literal),
            Expr::Variable(name) => {
                self.out.push_str("v[");
                quote(name, &mut self.out);
                self.out.push(']');
            }
            Expr::Root(Root::Input) => self.out.push_str("input"),
            Expr::Root(Root::Run) => self.out.push_str("run"),
            Expr::Local(name) => self.out.push_str(name),
            Expr::Member { target, name } => {
                self.within(target, Binding::Postfix);
                self.member(name);
            }
            Expr::Index { target, index } => {
                self.within(target, Binding::Postfix);
                self.out.push('[');
                self.expr(index);
                self.out.push(']');
            }
            Expr::Has { target, name } if is_identifier(name) => {
                self.out.push_str("has(");
                self.within(target, Binding::Postfix);
                self.member(name);
                self.out.push(')');
            }
            Expr::Has { target, name } => {
                quote(name, &mut self.out);
                self.out.push_str(" in ");
                self.within(target, tighter(Binding::Relation));
            }
            Expr::Unary { op, operand } => self.unary(*op, operand),
            Expr::Binary { op, left, right } => {
                let binding = binary_binding(*op);
                self.within(left, binding);
                let _ = write!(self.out, " {} ", symbol(*op));
                self.within(right, tighter(binding));
            }
            Expr::Conditional { condition, then, otherwise } => {
                self.within(condition, Binding::Or);
                self.out.push_str(" ? ");
                self.within(then, Binding::Or);
                self.out.push_str(" : ");
                self.within(otherwise, Binding::Conditional);
            }
            Expr::List(items) => {
                self.out.push('[');
                self.list(items);
                self.out.push(']');
            }
            Expr::Map(entries) => {
                self.out.push('{');
                for (index, (key, value)) in entries.iter().enumerate() {
                    if index > 0 {
                        self.out.push_str(", ");
                    }
                    self.expr(key);
                    self.out.push_str(": ");
                    self.expr(value);
                }
                self.out.push('}');
            }
            Expr::Call { function, args } => self.call(function, args),
            Expr::Macro { kind, range, binds, filter, body } => {
                self.within(range, Binding::Postfix);
                let _ = write!(self.out, ".{}({binds}, ", macro_name(*kind));
                if let Some(filter) = filter {
                    self.expr(filter);
                    self.out.push_str(", ");
                }
                self.expr(body);
                self.out.push(')');
            }
        }
    }

    fn literal(&mut self, literal: &Literal) {
        // Writing to a string cannot fail.
        let _ = match literal {
            Literal::Null => write!(self.out, "null"),
            Literal::Bool(value) => write!(self.out, "{value}"),
            Literal::Int(int) => write!(self.out, "{int}"),
            // The shortest text that reads back, always with a dot or an exponent.
            Literal::Double(number) => write!(self.out, "{number:?}"),
            Literal::String(text) => {
                quote(text, &mut self.out);
                Ok(())
            }
        };
    }

    fn unary(&mut self, op: UnaryOp, operand: &Expr) {
        self.out.push(match op {
            UnaryOp::Not => '!',
            UnaryOp::Negate => '-',
        });
        let start = self.out.len();
        self.within(operand, Binding::Prefix);
        // A minus directly before a digit would belong to the number.
        if op == UnaryOp::Negate && self.out[start..].starts_with(|first: char| first.is_ascii_digit()) {
            self.out.insert(start, '(');
            self.out.push(')');
        }
    }

    fn call(&mut self, function: &str, args: &[Expr]) {
        let spelling = functions::find(function).map_or(Spelling::Function, functions::Function::canonical_spelling);
        let rest = match (spelling, args) {
            (Spelling::Method, [receiver, rest @ ..]) => {
                self.within(receiver, Binding::Postfix);
                self.out.push('.');
                rest
            }
            _ => args,
        };
        self.out.push_str(function);
        self.out.push('(');
        self.list(rest);
        self.out.push(')');
    }

    fn member(&mut self, name: &str) {
        if is_identifier(name) {
            self.out.push('.');
            self.out.push_str(name);
        } else {
            self.out.push('[');
            quote(name, &mut self.out);
            self.out.push(']');
        }
    }

    fn list(&mut self, items: &[Expr]) {
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.out.push_str(", ");
            }
            self.expr(item);
        }
    }

    /// Writes it in parentheses if it is looser than its place asks for.
    fn within(&mut self, expr: &Expr, place: Binding) {
        if binding(expr) < place {
            self.out.push('(');
            self.expr(expr);
            self.out.push(')');
        } else {
            self.expr(expr);
        }
    }
}

fn symbol(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Or => "||",
        BinaryOp::And => "&&",
        BinaryOp::Equal => "==",
        BinaryOp::NotEqual => "!=",
        BinaryOp::Less => "<",
        BinaryOp::LessEqual => "<=",
        BinaryOp::Greater => ">",
        BinaryOp::GreaterEqual => ">=",
        BinaryOp::In => "in",
        BinaryOp::Add => "+",
        BinaryOp::Subtract => "-",
        BinaryOp::Multiply => "*",
        BinaryOp::Divide => "/",
        BinaryOp::Remainder => "%",
    }
}

pub(super) fn macro_name(kind: Macro) -> &'static str {
    match kind {
        Macro::All => "all",
        Macro::Exists => "exists",
        Macro::ExistsOne => "exists_one",
        Macro::Filter => "filter",
        Macro::Map => "map",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::expr::{generators::any_expr, parse};

    #[test]
    fn each_text_has_one_canonical_spelling() {
        for (text, canonical) in [
            ("1+2*3", "1 + 2 * 3"),
            ("(1+2)*3", "(1 + 2) * 3"),
            ("((1*2))+3", "1 * 2 + 3"),
            ("1-(2-3)", "1 - (2 - 3)"),
            ("(1-2)-3", "1 - 2 - 3"),
            ("a_ ? b_ : c_", ""),
            ("true ? 1 : (false ? 2 : 3)", "true ? 1 : false ? 2 : 3"),
            ("(true ? true : false) ? (true ? 1 : 2) : 3", "(true ? true : false) ? (true ? 1 : 2) : 3"),
            ("!(v['a'] && v['b']) || v['c']", "!(v['a'] && v['b']) || v['c']"),
            ("-5", "-5"),
            ("- 5", "-5"),
            ("-(5)", "-(5)"),
            ("--5", "--5"),
            ("-v['x']", "-v['x']"),
            ("-(1.5.size())", "-size(1.5)"),
            ("-(5.x)", "-(5.x)"),
            ("1 -1", "1 - 1"),
            ("0x1F", "31"),
            ("1e3", "1000.0"),
            ("1E+20", "1e20"),
            (".5", "0.5"),
            ("-0.0", "-0.0"),
            ("v[\"пам'ять\"]['оброблені_slugs'].x", "v['пам\\'ять']['оброблені_slugs'].x"),
            ("input['folder']", "input.folder"),
            ("input['if']", "input['if']"),
            ("v['a']['b c']", "v['a']['b c']"),
            ("'abc'.size()", "size('abc')"),
            ("matches('a', 'b')", "'a'.matches('b')"),
            ("[1,2,]", "[1, 2]"),
            ("{'a':1,\"b\":[],}", "{'a': 1, 'b': []}"),
            ("('a' + 'b').lower()", "('a' + 'b').lower()"),
            ("[1].map(x,x>0,x*2).exists_one(y,y==1)", "[1].map(x, x > 0, x * 2).exists_one(y, y == 1)"),
            ("json . parse ( '1' ) // the end", "json.parse('1')"),
            ("has( input.x ) ?input.x:null", "has(input.x) ? input.x : null"),
            ("run.now", "run.now"),
        ] {
            if canonical.is_empty() {
                assert!(parse(text).is_err());
                continue;
            }
            let expr = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(print(&expr), canonical);
            assert_eq!(parse(canonical).unwrap(), expr, "{text}");
        }
    }

    #[test]
    fn an_absent_name_that_is_no_identifier_is_asked_for_with_in() {
        let has = |name: &str| Expr::Has { target: Expr::Root(Root::Input).into(), name: name.into() };
        assert_eq!(print(&has("ключ")), "'ключ' in input");
        let both = Expr::Binary { op: BinaryOp::Equal, left: has("ключ").into(), right: has("key").into() };
        assert_eq!(print(&both), "'ключ' in input == has(input.key)");
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(expr in any_expr()) {
            let text = print(&expr);
            prop_assert_eq!(parse(&text).map_err(|error| format!("{text}: {error}")).unwrap(), expr);
        }
    }
}
