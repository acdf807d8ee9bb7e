//! From a tree to a program.

use std::sync::Arc;

use bloom_ir::Value;
use bloom_ir::expr::ast::{BinaryOp, Expr, Literal, Macro, Root, UnaryOp};
use bloom_ir::expr::{MAX_DEPTH, functions as table};

use super::functions;
use super::operators::Comparison;
use super::program::{Action, Handler, Op, Program, RunMember, Slot};
use super::regular::Pattern;

/// The most nodes that an expression may have; a parsed one never has more.
const MAX_NODES: u32 = 65_536;

/// Why a tree cannot be compiled. One that was parsed always can, if its variables exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message says what each variant and its fields are")]
pub enum CompileError {
    #[error("there is no variable `{name}`")]
    UnknownVariable { name: String },
    #[error("there is no function `{name}`")]
    UnknownFunction { name: String },
    #[error("{name} does not take {given} arguments")]
    Arity { name: String, given: usize },
    #[error("nothing binds `{name}`")]
    Unbound { name: String },
    #[error("`run` has no such use")]
    Run,
    #[error("the expression has more than {MAX_DEPTH} levels")]
    TooDeep,
    #[error("the expression has more than {MAX_NODES} nodes")]
    TooLarge,
    #[error("a number is not finite")]
    NotFinite,
}

/// Compiles an expression; `resolve` says in which slot a variable lives, if there is one of that name. It is asked for
/// each occurrence.
pub fn compile(expr: &Expr, resolve: &mut dyn FnMut(&str) -> Option<Slot>) -> Result<Program, CompileError> {
    let mut compiler = Compiler {
        resolve,
        ops: Vec::new(),
        constants: Vec::new(),
        names: Vec::new(),
        patterns: Vec::new(),
        handlers: Vec::new(),
        bound: Vec::new(),
        height: 0,
        highest: 0,
        depth: 0,
        nodes: 0,
        cost: 0,
        doubles: false,
    };
    compiler.expr(expr)?;
    Ok(Program {
        ops: compiler.ops.into(),
        constants: compiler.constants.into(),
        names: compiler.names.into(),
        patterns: compiler.patterns.into(),
        handlers: compiler.handlers.into(),
        height: compiler.highest,
        cost: compiler.cost.into(),
        doubles: compiler.doubles,
    })
}

struct Compiler<'a> {
    resolve: &'a mut dyn FnMut(&str) -> Option<Slot>,
    ops: Vec<Op>,
    constants: Vec<Value>,
    names: Vec<Arc<str>>,
    patterns: Vec<Pattern>,
    handlers: Vec<Handler>,
    /// What the enclosing macros bind.
    bound: Vec<String>,
    /// How many values the stack holds at this place.
    height: usize,
    /// The most that it ever holds.
    highest: usize,
    depth: usize,
    nodes: u32,
    /// The nodes so far, of the innermost macro's body or else of the expression.
    cost: u32,
    doubles: bool,
}

impl Compiler<'_> {
    /// Emits code that leaves one value on the stack.
    fn expr(&mut self, expr: &Expr) -> Result<(), CompileError> {
        if self.depth >= MAX_DEPTH {
            return Err(CompileError::TooDeep);
        }
        self.nodes += 1;
        self.cost += 1;
        if self.nodes > MAX_NODES {
            return Err(CompileError::TooLarge);
        }
        let height = self.height;
        self.depth += 1;
        self.node(expr)?;
        self.depth -= 1;
        self.height = height + 1;
        self.highest = self.highest.max(self.height);
        Ok(())
    }

    fn node(&mut self, expr: &Expr) -> Result<(), CompileError> {
        match expr {
            Expr::Literal(literal) => self.literal(literal)?,
            Expr::Variable(name) => {
                let slot = self.slot(name)?;
                self.emit(Op::Variable(slot));
            }
            Expr::Root(Root::Input) => {
                self.emit(Op::Input);
            }
            Expr::Root(Root::Run) => return Err(CompileError::Run),
            Expr::Local(name) => {
                let level = self.bound.iter().rposition(|bound| bound == name);
                let level = level.ok_or_else(|| CompileError::Unbound { name: name.clone() })?;
                self.emit(Op::Local(index(level)));
            }
            Expr::Member { target, name } => self.member(target, name)?,
            Expr::Has { target, name } => self.has(target, name)?,
            Expr::Index { target, index } => {
                self.expr(target)?;
                self.expr(index)?;
                self.emit(Op::Index);
            }
            Expr::Unary { op, operand } => {
                self.expr(operand)?;
                self.emit(match op {
                    UnaryOp::Not => Op::Not,
                    UnaryOp::Negate => Op::Negate,
                });
            }
            Expr::Binary { op: BinaryOp::And, left, right } => self.logical(true, left, right)?,
            Expr::Binary { op: BinaryOp::Or, left, right } => self.logical(false, left, right)?,
            Expr::Binary { op, left, right } => {
                self.expr(left)?;
                self.expr(right)?;
                self.emit(operator(*op));
            }
            Expr::Conditional { condition, then, otherwise } => {
                let height = self.height;
                self.expr(condition)?;
                let test = self.emit(Op::JumpIfFalse(0));
                self.height = height;
                self.expr(then)?;
                let jump = self.emit(Op::Jump(0));
                self.patch(test, Op::JumpIfFalse(self.here()));
                self.height = height;
                self.expr(otherwise)?;
                self.patch(jump, Op::Jump(self.here()));
            }
            Expr::List(items) => {
                for item in items {
                    self.expr(item)?;
                }
                self.emit(Op::List(index(items.len())));
            }
            Expr::Map(entries) => {
                for (key, value) in entries {
                    self.expr(key)?;
                    self.expr(value)?;
                }
                self.emit(Op::Map(index(entries.len())));
            }
            Expr::Call { function, args } => self.call(function, args)?,
            Expr::Macro { kind, range, binds, filter, body } => {
                self.expand(*kind, range, binds, filter.as_deref(), body)?;
            }
        }
        Ok(())
    }

    fn literal(&mut self, literal: &Literal) -> Result<(), CompileError> {
        let value = match literal {
            Literal::Int(int) => {
                self.emit(Op::Int(*int));
                return Ok(());
            }
            Literal::Null => Value::Null,
            Literal::Bool(value) => Value::Bool(*value),
            Literal::Double(number) if !number.is_finite() => return Err(CompileError::NotFinite),
            Literal::Double(number) => {
                self.doubles = true;
                Value::Double(*number)
            }
            Literal::String(text) => Value::from(text.as_str()),
        };
        let constant = index(self.constants.len());
        self.constants.push(value);
        self.emit(Op::Constant(constant));
        Ok(())
    }

    fn member(&mut self, target: &Expr, name: &str) -> Result<(), CompileError> {
        let op = match target {
            Expr::Root(Root::Run) => Op::Run(run_member(name)?),
            Expr::Root(Root::Input) => Op::InputMember(self.name(name)),
            Expr::Variable(variable) => {
                let slot = self.slot(variable)?;
                Op::VariableMember { slot, name: self.name(name) }
            }
            target => {
                self.expr(target)?;
                let member = Op::Member(self.name(name));
                self.emit(member);
                return Ok(());
            }
        };
        // The target has no code of its own, but is a node all the same.
        self.cost += 1;
        self.emit(op);
        Ok(())
    }

    fn has(&mut self, target: &Expr, name: &str) -> Result<(), CompileError> {
        if let Expr::Root(Root::Run) = target {
            run_member(name)?;
            return self.literal(&Literal::Bool(true));
        }
        self.expr(target)?;
        let has = Op::Has(self.name(name));
        self.emit(has);
        Ok(())
    }

    fn logical(&mut self, and: bool, left: &Expr, right: &Expr) -> Result<(), CompileError> {
        let (start, height, loops) = (self.ops.len(), self.height, self.bound.len());
        self.expr(left)?;
        let test = self.emit(Op::Test { and, end: 0 });
        let middle = self.ops.len();
        let action = Action::Left { and, right: middle };
        self.handlers.push(Handler { ops: start..middle, height, loops, action });
        self.expr(right)?;
        self.handlers.push(Handler { ops: middle..self.ops.len(), height, loops, action: Action::Right });
        self.emit(Op::Join { and });
        self.patch(test, Op::Test { and, end: self.here() });
        Ok(())
    }

    fn call(&mut self, name: &str, args: &[Expr]) -> Result<(), CompileError> {
        let unknown = || CompileError::UnknownFunction { name: name.to_owned() };
        let arity = || CompileError::Arity { name: name.to_owned(), given: args.len() };
        if !table::find(name).ok_or_else(unknown)?.accepts(args.len()) {
            return Err(arity());
        }
        if let ("matches", [text, Expr::Literal(Literal::String(pattern))]) = (name, args) {
            self.expr(text)?;
            let matches = Op::Matches(index(self.patterns.len()));
            self.patterns.push(Pattern::new(pattern));
            self.cost += 1;
            self.emit(matches);
            return Ok(());
        }
        let function = functions::find(name).ok_or_else(unknown)?;
        let arguments = u8::try_from(args.len()).map_err(|_| arity())?;
        for arg in args {
            self.expr(arg)?;
        }
        self.emit(Op::Call { function, arguments });
        Ok(())
    }

    fn expand(
        &mut self,
        kind: Macro,
        range: &Expr,
        binds: &str,
        filter: Option<&Expr>,
        body: &Expr,
    ) -> Result<(), CompileError> {
        let (height, loops) = (self.height, self.bound.len());
        self.expr(range)?;
        self.emit(Op::LoopStart);
        self.height = height;
        let next = self.emit(Op::LoopNext { end: 0, cost: 0 });
        let outside = std::mem::take(&mut self.cost);
        self.bound.push(binds.to_owned());
        let start = self.ops.len();
        if let Some(filter) = filter {
            self.expr(filter)?;
            self.emit(Op::LoopFilter { next: index(next) });
            self.height = height;
        }
        self.expr(body)?;
        self.emit(Op::LoopStep { kind, next: index(next) });
        if matches!(kind, Macro::All | Macro::Exists) {
            let action = Action::Body { next };
            self.handlers.push(Handler { ops: start..self.ops.len(), height, loops, action });
        }
        self.bound.pop();
        let cost = std::mem::replace(&mut self.cost, outside);
        self.patch(next, Op::LoopNext { end: self.here(), cost });
        self.emit(Op::LoopEnd(kind));
        Ok(())
    }

    fn slot(&mut self, name: &str) -> Result<u32, CompileError> {
        let slot = (self.resolve)(name).ok_or_else(|| CompileError::UnknownVariable { name: name.to_owned() })?;
        Ok(slot.0)
    }

    fn emit(&mut self, op: Op) -> usize {
        self.ops.push(op);
        self.ops.len() - 1
    }

    fn patch(&mut self, at: usize, op: Op) {
        if let Some(place) = self.ops.get_mut(at) {
            *place = op;
        }
    }

    fn here(&self) -> u32 {
        index(self.ops.len())
    }

    fn name(&mut self, name: &str) -> u32 {
        self.names.push(name.into());
        index(self.names.len() - 1)
    }
}

/// An index into a table of the program. None grows beyond a few entries for each of at most [`MAX_NODES`] nodes.
fn index(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

fn run_member(name: &str) -> Result<RunMember, CompileError> {
    match name {
        "id" => Ok(RunMember::Id),
        "flow" => Ok(RunMember::Flow),
        "version" => Ok(RunMember::Version),
        "started_at" => Ok(RunMember::StartedAt),
        "now" => Ok(RunMember::Now),
        _ => Err(CompileError::Run),
    }
}

fn operator(op: BinaryOp) -> Op {
    match op {
        // These two have code of their own.
        BinaryOp::Or => Op::Join { and: false },
        BinaryOp::And => Op::Join { and: true },
        BinaryOp::Equal => Op::Equal,
        BinaryOp::NotEqual => Op::NotEqual,
        BinaryOp::Less => Op::Compare(Comparison::Less),
        BinaryOp::LessEqual => Op::Compare(Comparison::LessEqual),
        BinaryOp::Greater => Op::Compare(Comparison::Greater),
        BinaryOp::GreaterEqual => Op::Compare(Comparison::GreaterEqual),
        BinaryOp::In => Op::In,
        BinaryOp::Add => Op::Add,
        BinaryOp::Subtract => Op::Subtract,
        BinaryOp::Multiply => Op::Multiply,
        BinaryOp::Divide => Op::Divide,
        BinaryOp::Remainder => Op::Remainder,
    }
}
