//! The compiled form of an expression.

use std::ops::Range;
use std::sync::Arc;

use bloom_ir::Value;
use bloom_ir::expr::ast::Macro;

use super::functions::Builtin;
use super::operators::Comparison;
use super::regular::Pattern;

/// Where a variable lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub u32);

/// A compiled expression: postfix code over a stack of values. It is immutable and can be shared.
#[derive(Clone, Debug)]
pub struct Program {
    pub(super) ops: Box<[Op]>,
    pub(super) constants: Box<[Value]>,
    pub(super) names: Box<[Arc<str>]>,
    pub(super) patterns: Box<[Pattern]>,
    /// Inner ones before those around them.
    pub(super) handlers: Box<[Handler]>,
    /// The most values that its stack holds.
    pub(super) height: usize,
    /// The steps that every evaluation costs.
    pub(super) cost: u64,
    /// Whether a literal is a double that is not normal.
    pub(super) doubles: bool,
}

/// An instruction. Jumps are indexes into [`Program::ops`].
#[derive(Clone, Copy, Debug)]
pub(super) enum Op {
    /// Pushes an integer.
    Int(i64),
    /// Pushes any other constant.
    Constant(u32),
    /// Pushes a variable.
    Variable(u32),
    /// Pushes a member of a variable: `Variable` and `Member` without touching the variable's reference count.
    VariableMember {
        slot: u32,
        name: u32,
    },
    /// Pushes `input`.
    Input,
    /// Pushes a member of `input`.
    InputMember(u32),
    /// Pushes a member of `run`.
    Run(RunMember),
    /// Pushes what the macro at that level has bound.
    Local(u32),
    Member(u32),
    Has(u32),
    Index,
    Not,
    Negate,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Equal,
    NotEqual,
    Compare(Comparison),
    In,
    /// Pops a condition, jumps when it is false.
    JumpIfFalse(u32),
    Jump(u32),
    /// Looks at the left operand of `&&` (`||`) and jumps when it decides; otherwise it stays for the join.
    Test {
        and: bool,
        end: u32,
    },
    /// Pops both operands and pushes the value.
    Join {
        and: bool,
    },
    /// Pops so many elements.
    List(u32),
    /// Pops so many keys and values.
    Map(u32),
    /// Pops so many arguments.
    Call {
        function: Builtin,
        arguments: u8,
    },
    /// Pops a text and matches it with a pattern that was compiled beforehand.
    Matches(u32),
    /// Pops what a macro goes over.
    LoopStart,
    /// Binds the next element, or jumps when there is none.
    LoopNext {
        end: u32,
        cost: u32,
    },
    /// Pops a condition and goes on with the next element when it is false.
    LoopFilter {
        next: u32,
    },
    /// Pops the body's value and goes on with the next element.
    LoopStep {
        kind: Macro,
        next: u32,
    },
    /// Pushes the macro's value.
    LoopEnd(Macro),
}

/// A member of `run`.
#[derive(Clone, Copy, Debug)]
pub(super) enum RunMember {
    Id,
    Flow,
    Version,
    StartedAt,
    Now,
}

/// What to do with an error that is raised at one of `ops`.
#[derive(Clone, Debug)]
pub(super) struct Handler {
    pub(super) ops: Range<usize>,
    /// How many values the stack held before.
    pub(super) height: usize,
    /// How many macros were open before.
    pub(super) loops: usize,
    pub(super) action: Action,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Action {
    /// In the left operand of `&&` (`||`): keep the error, go on with the right one.
    Left { and: bool, right: usize },
    /// In the right operand: the error of the left one, if there is one, comes first.
    Right,
    /// In the body of `all` or `exists`: keep the first error, go on with the next element.
    Body { next: usize },
}
