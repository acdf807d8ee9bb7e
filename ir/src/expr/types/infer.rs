//! The type of an expression, and what is certain to go wrong in it.

use std::collections::BTreeMap;

use super::nulls::{Nullness, known, root};
use super::{Kinds, Type};
use crate::expr::ast::{BinaryOp, Expr, Literal, Macro, Root, UnaryOp};
use crate::expr::functions::{self, Signature, Type as Stated};

/// More conditions in one expression about null say nothing.
const MOST_KNOWN: usize = 64;

/// What the names in an expression are.
pub trait Scope {
    /// The type of a variable of the flow.
    fn variable(&self, name: &str) -> Type;
    /// The type of the run's inputs.
    fn input(&self) -> Type;
    /// What is known of a variable, a member or an element where the expression stands.
    fn nullness(&self, place: &Expr) -> Option<Nullness> {
        let _ = place;
        None
    }
}

/// Something that goes wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// A member of what is no map.
    NoMembers {
        /// The member.
        name: String,
        /// What it would be a member of.
        found: Kinds,
    },
    /// A member that the map cannot have.
    NoMember {
        /// The member.
        name: String,
        /// Those that it may have.
        known: Vec<String>,
    },
    /// An element of what has none, or by what is no index.
    NoElement {
        /// What it would be an element of.
        found: Kinds,
        /// What it is named by.
        index: Kinds,
    },
    /// A function gets what it does not take.
    WrongArgument {
        /// Its name.
        function: String,
        /// What it gets.
        given: Vec<Kinds>,
        /// What it takes.
        takes: String,
    },
    /// An operator gets what it does not take.
    WrongOperand {
        /// The operator.
        operator: &'static str,
        /// What stands on its left; of a prefix, nothing.
        left: Option<Kinds>,
        /// What stands on its right.
        right: Kinds,
    },
    /// A condition is neither true nor false.
    NotCondition {
        /// What it is.
        found: Kinds,
    },
    /// A macro goes over what has no elements.
    NotIterable {
        /// What it goes over.
        found: Kinds,
    },
    /// Two values are compared that are never equal.
    NeverEqual {
        /// What stands on the left.
        left: Kinds,
        /// What stands on the right.
        right: Kinds,
    },
    /// A schema says that the value may be null, and here it must not be.
    MaybeNull {
        /// The value.
        value: Box<Expr>,
    },
}

/// The type of an expression. What is found goes to `found`.
pub fn infer(expr: &Expr, scope: &dyn Scope, found: &mut Vec<Finding>) -> Type {
    Walk { scope, locals: Vec::new(), known: Vec::new(), found }.infer(expr)
}

struct Walk<'a> {
    scope: &'a dyn Scope,
    locals: Vec<(String, Type)>,
    /// What the conditions say that hold here.
    known: Vec<(Expr, Nullness)>,
    found: &'a mut Vec<Finding>,
}

impl Walk<'_> {
    fn infer(&mut self, expr: &Expr) -> Type {
        let of = self.computed(expr);
        if !matches!(expr, Expr::Variable(_) | Expr::Local(_) | Expr::Member { .. } | Expr::Index { .. }) {
            return of;
        }
        let here = self.known.iter().rev().find(|(place, _)| place == expr).map(|(_, nullness)| *nullness);
        match here.or_else(|| self.scope.nullness(expr)) {
            Some(nullness) => of.narrowed(nullness),
            None => of,
        }
    }

    fn computed(&mut self, expr: &Expr) -> Type {
        match expr {
            Expr::Literal(literal) => Type::of(match literal {
                Literal::Null => Kinds::NULL,
                Literal::Bool(_) => Kinds::BOOL,
                Literal::Int(_) => Kinds::INT,
                Literal::Double(_) => Kinds::NUMBER,
                Literal::String(_) => Kinds::STRING,
            }),
            Expr::Variable(name) => self.scope.variable(name),
            Expr::Root(Root::Input) => self.scope.input(),
            Expr::Root(Root::Run) => run(),
            Expr::Local(name) => {
                let local = self.locals.iter().rev().find(|(bound, _)| bound == name);
                local.map_or_else(Type::any, |(_, local)| local.clone())
            }
            Expr::Member { target, name } => self.member(target, name),
            Expr::Has { target, name } => {
                let of = self.infer(target);
                self.map(target, &of, name);
                Type::of(Kinds::BOOL)
            }
            Expr::Index { target, index } => self.element(target, index),
            Expr::Unary { op, operand } => self.unary(*op, operand),
            Expr::Binary { op, left, right } => self.binary(*op, left, right),
            Expr::Conditional { condition, then, otherwise } => {
                self.condition(condition);
                let outside = self.known.len();
                self.learn(condition, true);
                let then = self.infer(then);
                self.known.truncate(outside);
                self.learn(condition, false);
                let otherwise = self.infer(otherwise);
                self.known.truncate(outside);
                then.join(&otherwise)
            }
            Expr::List(items) => {
                let items = items.iter().map(|item| self.infer(item)).reduce(|all, item| all.join(&item));
                items.map_or_else(|| Type::list(Type::never()), Type::list)
            }
            Expr::Map(entries) => {
                let mut members = BTreeMap::new();
                let mut closed = true;
                for (key, value) in entries {
                    let value = self.infer(value);
                    if let Expr::Literal(Literal::String(name)) = key {
                        members.insert(name.clone(), value);
                    } else {
                        self.infer(key);
                        closed = false;
                    }
                }
                // Where a name is computed, it may be any.
                if closed { Type::map(members, true) } else { Type::of(Kinds::MAP) }
            }
            Expr::Call { function, args } => self.call(function, args),
            Expr::Macro { kind, range, binds, filter, body } => {
                self.expand(*kind, range, binds, filter.as_deref(), body)
            }
        }
    }

    /// Tells what must not be null and may be.
    fn not_null(&mut self, expr: &Expr, of: &Type) {
        if of.is_nullable() {
            self.found.push(Finding::MaybeNull { value: Box::new(expr.clone()) });
        }
    }

    /// Whether a member of the value can be asked for.
    fn map(&mut self, target: &Expr, of: &Type, name: &str) -> bool {
        if of.may(Kinds::MAP) {
            self.not_null(target, of);
            return true;
        }
        self.found.push(Finding::NoMembers { name: name.to_owned(), found: of.kinds() });
        false
    }

    fn member(&mut self, target: &Expr, name: &str) -> Type {
        let of = self.infer(target);
        if !self.map(target, &of, name) {
            return Type::any();
        }
        of.member(name).unwrap_or_else(|| {
            let known = of.member_names().map(str::to_owned).collect();
            self.found.push(Finding::NoMember { name: name.to_owned(), known });
            Type::any()
        })
    }

    fn element(&mut self, target: &Expr, index: &Expr) -> Type {
        let (of, by) = (self.infer(target), self.infer(index));
        let of_list = of.may(Kinds::LIST) && by.may(Kinds::NUMBER);
        let of_map = of.may(Kinds::MAP) && by.may(Kinds::STRING);
        if !of_list && !of_map {
            self.found.push(Finding::NoElement { found: of.kinds(), index: by.kinds() });
            return Type::any();
        }
        self.not_null(target, &of);
        self.not_null(index, &by);
        if of_map { Type::any() } else { of.items() }
    }

    /// Something that must be true or false.
    fn condition(&mut self, expr: &Expr) {
        let of = self.infer(expr);
        if of.may(Kinds::BOOL) {
            self.not_null(expr, &of);
        } else {
            self.found.push(Finding::NotCondition { found: of.kinds() });
        }
    }

    /// Takes what a condition says that is true, or false, as known.
    fn learn(&mut self, condition: &Expr, holds: bool) {
        let more = MOST_KNOWN.saturating_sub(self.known.len());
        self.known.extend(known(condition, holds).into_iter().take(more));
    }

    /// Of `a && b && c`, each counts only where those before it are true; of `||`, where they are false.
    fn logic(&mut self, op: BinaryOp, left: &Expr, right: &Expr) -> Type {
        let mut operands = vec![right];
        let mut first = left;
        while let Expr::Binary { op: inner, left, right } = first
            && *inner == op
        {
            operands.push(right);
            first = left;
        }
        operands.push(first);
        let outside = self.known.len();
        for operand in operands.into_iter().rev() {
            self.condition(operand);
            self.learn(operand, op == BinaryOp::And);
        }
        self.known.truncate(outside);
        Type::of(Kinds::BOOL)
    }

    fn unary(&mut self, op: UnaryOp, operand: &Expr) -> Type {
        match op {
            UnaryOp::Not => {
                self.condition(operand);
                Type::of(Kinds::BOOL)
            }
            UnaryOp::Negate => {
                let of = self.infer(operand);
                if of.may(Kinds::NUMBER) {
                    self.not_null(operand, &of);
                } else {
                    self.found.push(Finding::WrongOperand { operator: "-", left: None, right: of.kinds() });
                }
                Type::of(Kinds::NUMBER)
            }
        }
    }

    fn binary(&mut self, op: BinaryOp, left: &Expr, right: &Expr) -> Type {
        let operator = match op {
            BinaryOp::Or | BinaryOp::And => return self.logic(op, left, right),
            BinaryOp::Equal | BinaryOp::NotEqual => {
                let (left, right) = (self.infer(left).kinds(), self.infer(right).kinds());
                let known = [left, right].iter().all(|side| !side.meets(Kinds::NULL) && *side != Kinds::NONE);
                if known && !numbers(left).meets(numbers(right)) {
                    self.found.push(Finding::NeverEqual { left, right });
                }
                return Type::of(Kinds::BOOL);
            }
            BinaryOp::In => {
                self.infer(left);
                let of = self.infer(right);
                if of.may(Kinds::LIST.or(Kinds::MAP)) {
                    self.not_null(right, &of);
                } else {
                    let left = Some(Kinds::ALL);
                    self.found.push(Finding::WrongOperand { operator: "in", left, right: of.kinds() });
                }
                return Type::of(Kinds::BOOL);
            }
            BinaryOp::Less => "<",
            BinaryOp::LessEqual => "<=",
            BinaryOp::Greater => ">",
            BinaryOp::GreaterEqual => ">=",
            BinaryOp::Add => "+",
            BinaryOp::Subtract => "-",
            BinaryOp::Multiply => "*",
            BinaryOp::Divide => "/",
            BinaryOp::Remainder => "%",
        };
        let (of_left, of_right) = (self.infer(left), self.infer(right));
        let takes = match op {
            BinaryOp::Less | BinaryOp::LessEqual | BinaryOp::Greater | BinaryOp::GreaterEqual => {
                Kinds::NUMBER.or(Kinds::STRING).or(Kinds::BOOL)
            }
            BinaryOp::Add => Kinds::NUMBER.or(Kinds::STRING).or(Kinds::LIST),
            _ => Kinds::NUMBER,
        };
        let common = match [&of_left, &of_right].map(|side| numbers(side.kinds())) {
            [Kinds::NONE, side] | [side, Kinds::NONE] => {
                numbers(takes).and(if side == Kinds::NONE { takes } else { side })
            }
            [left, right] => numbers(takes).and(left).and(right),
        };
        if common == Kinds::NONE {
            let (left, right) = (Some(of_left.kinds()), of_right.kinds());
            self.found.push(Finding::WrongOperand { operator, left, right });
        } else {
            self.not_null(left, &of_left);
            self.not_null(right, &of_right);
        }
        match op {
            BinaryOp::Add if common == Kinds::LIST => Type::list(of_left.items().join(&of_right.items())),
            BinaryOp::Add if common == Kinds::NONE => Type::any(),
            BinaryOp::Add => Type::of(common),
            BinaryOp::Subtract | BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Remainder => Type::of(Kinds::NUMBER),
            _ => Type::of(Kinds::BOOL),
        }
    }

    fn call(&mut self, name: &str, args: &[Expr]) -> Type {
        let given: Vec<Type> = args.iter().map(|arg| self.infer(arg)).collect();
        let Some(function) = functions::find(name) else { return Type::any() };
        let takes = |signature: &&Signature| {
            signature.arguments.len() == given.len()
                && signature.arguments.iter().zip(&given).all(|(takes, given)| given.may(kinds(*takes)))
        };
        let fitting: Vec<&Signature> = function.signatures.iter().filter(takes).collect();
        if fitting.is_empty() {
            self.found.push(Finding::WrongArgument {
                function: name.to_owned(),
                given: given.iter().map(Type::kinds).collect(),
                takes: function.signatures_text(),
            });
            return Type::any();
        }
        for (index, (arg, of)) in args.iter().zip(&given).enumerate() {
            let takes_null = |signature: &&&Signature| signature.arguments.get(index) == Some(&Stated::Any);
            if !fitting.iter().any(|signature| takes_null(&signature)) {
                self.not_null(arg, of);
            }
        }
        match (name, given.first()) {
            ("split" | "keys", _) => Type::list(Type::of(Kinds::STRING)),
            ("sort" | "distinct", Some(list)) => Type::list(list.items()),
            _ => Type::of(fitting.iter().map(|signature| kinds(signature.result)).fold(Kinds::NONE, Kinds::or)),
        }
    }

    fn expand(&mut self, kind: Macro, range: &Expr, binds: &str, filter: Option<&Expr>, body: &Expr) -> Type {
        let over = self.infer(range);
        if over.may(Kinds::LIST.or(Kinds::MAP)) {
            self.not_null(range, &over);
        } else {
            self.found.push(Finding::NotIterable { found: over.kinds() });
        }
        // Over a map it goes by the keys.
        let item = match (over.may(Kinds::LIST), over.kinds().meets(Kinds::MAP)) {
            (true, false) => over.items(),
            (false, true) => Type::of(Kinds::STRING),
            _ => Type::any(),
        };
        // What is known of another one of this name is not known of this one.
        let of_local = |place: &Expr| matches!(root(place), Some(Expr::Local(name)) if name == binds);
        let outside = self.known.clone();
        self.known.retain(|(place, _)| !of_local(place));
        self.locals.push((binds.to_owned(), item));
        if let Some(filter) = filter {
            self.condition(filter);
            self.learn(filter, true);
        }
        let made = match kind {
            Macro::Map => Type::list(self.infer(body)),
            Macro::All | Macro::Exists | Macro::ExistsOne => {
                self.condition(body);
                Type::of(Kinds::BOOL)
            }
            Macro::Filter => {
                self.condition(body);
                self.learn(body, true);
                Type::list(self.infer(&Expr::Local(binds.to_owned())))
            }
        };
        self.locals.pop();
        self.known = outside;
        made
    }
}

/// Whole numbers and doubles are compared and computed with each other.
fn numbers(kinds: Kinds) -> Kinds {
    if kinds.meets(Kinds::NUMBER) { kinds.or(Kinds::NUMBER) } else { kinds }
}

fn kinds(stated: Stated) -> Kinds {
    match stated {
        Stated::Any => Kinds::ALL,
        Stated::Bool => Kinds::BOOL,
        Stated::Int | Stated::Double | Stated::Number => Kinds::NUMBER,
        Stated::String => Kinds::STRING,
        Stated::List => Kinds::LIST,
        Stated::Map => Kinds::MAP,
    }
}

fn run() -> Type {
    let text = ["id", "flow", "version"].map(|name| (name.to_owned(), Type::of(Kinds::STRING)));
    let time = ["started_at", "now"].map(|name| (name.to_owned(), Type::of(Kinds::INT)));
    Type::map(text.into_iter().chain(time).collect(), true)
}
