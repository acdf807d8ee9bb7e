//! Runs a program.

use std::sync::Arc;

use bloom_ir::Value;
use bloom_ir::expr::ast::Macro;
use bloom_ir::value::Map;

use super::budget::{Budget, Meter};
use super::error::{EvalError, excerpt};
use super::operators;
use super::program::{Action, Op, Program, RunMember};
use super::settle::settle;
use super::stack::Stack;

/// What an expression may read.
#[derive(Clone, Copy, Debug)]
pub struct Environment<'a> {
    /// The variables, by slot; one that is not set is null.
    pub variables: &'a [Value],
    /// `input`: a map.
    pub input: &'a Value,
    /// `run`
    pub run: &'a RunVars,
    /// How much the evaluation may use.
    pub budget: Budget,
}

/// The members of `run`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunVars {
    /// The run's id.
    pub id: Arc<str>,
    /// The flow's id.
    pub flow: Arc<str>,
    /// The flow's version.
    pub version: Arc<str>,
    /// When the run started, in Unix milliseconds.
    pub started_at: i64,
    /// When the latest result that this branch has consumed was recorded, in Unix milliseconds.
    pub now: i64,
}

/// Evaluates programs, one after another. It keeps nothing but the memory of its stacks: use one for many evaluations.
#[derive(Debug, Default)]
pub struct Evaluator {
    stack: Stack,
    loops: Vec<Loop>,
    /// Errors of left operands whose right operands are being evaluated, by the height of the stack at which a value
    /// stands in for the left one.
    pending: Vec<(usize, EvalError)>,
    /// Steps of all evaluations since they were last reset.
    steps: u64,
}

/// A clone has stacks of its own, and nothing in them yet.
impl Clone for Evaluator {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// A macro that is being evaluated.
#[derive(Debug)]
struct Loop {
    items: Arc<Vec<Value>>,
    position: usize,
    item: Value,
    /// What `filter` and `map` have made.
    output: Vec<Value>,
    /// How many elements the condition held for, or for `all` did not.
    hits: usize,
    /// The first error, in `all` and `exists`.
    error: Option<EvalError>,
}

impl Evaluator {
    /// The expression's value in the environment.
    pub fn evaluate(&mut self, program: &Program, environment: &Environment<'_>) -> Result<Value, EvalError> {
        let mut meter = Meter::new(environment.budget);
        let value = self.evaluate_within(program, environment, &mut meter);
        self.steps = self.steps.saturating_add(meter.steps_done());
        value
    }

    /// Steps of all evaluations since [`Evaluator::reset_steps`].
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Counts steps from zero.
    pub fn reset_steps(&mut self) {
        self.steps = 0;
    }

    fn evaluate_within(
        &mut self,
        program: &Program,
        environment: &Environment<'_>,
        meter: &mut Meter,
    ) -> Result<Value, EvalError> {
        self.stack.reset(program.height);
        self.loops.clear();
        self.pending.clear();
        meter.doubles = program.doubles;
        meter.steps(program.cost)?;
        let mut at = 0;
        loop {
            match self.run(program, environment, meter, &mut at) {
                Ok(()) => return settle(self.stack.pop(), meter),
                Err(error) => at = self.recover(program, at, error)?,
            }
        }
    }

    /// Runs from the instruction at `at` to the end, or to an error, leaving `at` where it was raised.
    fn run(
        &mut self,
        program: &Program,
        environment: &Environment<'_>,
        meter: &mut Meter,
        at: &mut usize,
    ) -> Result<(), EvalError> {
        while let Some(op) = program.ops.get(*at) {
            let mut next = *at + 1;
            match *op {
                Op::Int(int) => self.stack.push(Value::Int(int)),
                Op::Constant(index) => self.stack.push(get(&program.constants, index).cloned().unwrap_or_default()),
                Op::Variable(slot) => match get(environment.variables, slot) {
                    Some(Value::Int(int)) => self.stack.push(Value::Int(*int)),
                    other => self.stack.push(other.cloned().unwrap_or_default()),
                },
                Op::VariableMember { slot, name } => {
                    let target = get(environment.variables, slot).unwrap_or(&Value::Null);
                    self.stack.push(member(target, program, name)?.clone());
                }
                Op::Input => self.stack.push(environment.input.clone()),
                Op::InputMember(name) => self.stack.push(member(environment.input, program, name)?.clone()),
                Op::Run(member) => self.stack.push(run_value(environment.run, member)),
                Op::Local(level) => {
                    self.stack.push(get(&self.loops, level).map(|frame| frame.item.clone()).unwrap_or_default());
                }
                Op::Member(name) => {
                    let target = self.stack.pop();
                    self.stack.push(member(&target, program, name)?.clone());
                }
                Op::Has(name) => {
                    let target = self.stack.pop();
                    let Value::Map(map) = &target else { return Err(no_member(&target, program, name)) };
                    let name = get(&program.names, name).map_or("", |name| &**name);
                    self.stack.push(Value::Bool(map.contains_key(name)));
                }
                Op::Index => {
                    let index = self.stack.pop();
                    let target = self.stack.pop();
                    self.stack.push(operators::index(&target, &index)?);
                }
                Op::Not => match self.stack.pop() {
                    Value::Bool(value) => self.stack.push(Value::Bool(!value)),
                    other => return Err(EvalError::NotBool { found: other.type_name() }),
                },
                Op::Negate => {
                    let operand = self.stack.pop();
                    self.stack.push(operators::negate(&operand, meter)?);
                }
                Op::Add => self.arithmetic(meter, i64::checked_add, operators::add)?,
                Op::Subtract => self.arithmetic(meter, i64::checked_sub, operators::subtract)?,
                Op::Multiply => self.arithmetic(meter, i64::checked_mul, operators::multiply)?,
                Op::Divide => self.arithmetic(meter, i64::checked_div, operators::divide)?,
                Op::Remainder => self.arithmetic(meter, i64::checked_rem, operators::remainder)?,
                Op::Equal => self.equality(true, meter)?,
                Op::NotEqual => self.equality(false, meter)?,
                Op::Compare(comparison) => {
                    if !self.stack.compare_integers(|left, right| comparison.is(left.cmp(&right))) {
                        self.binary(meter, |left, right, meter| comparison.holds(left, right, meter))?;
                    }
                }
                Op::In => self.binary(meter, operators::within)?,
                Op::JumpIfFalse(target) => match self.stack.pop() {
                    Value::Bool(true) => {}
                    Value::Bool(false) => next = index(target),
                    other => return Err(EvalError::NotBool { found: other.type_name() }),
                },
                Op::Jump(target) => next = index(target),
                Op::Test { and, end } => match self.stack.last() {
                    Value::Bool(left) if *left == and => {}
                    Value::Bool(_) => next = index(end),
                    other => return Err(EvalError::NotBool { found: other.type_name() }),
                },
                Op::Join { and } => self.join(and)?,
                Op::List(items) => {
                    meter.elements(index(items))?;
                    let items = self.stack.take(index(items));
                    self.stack.push(Value::List(Arc::new(items)));
                }
                Op::Map(entries) => {
                    meter.elements(index(entries))?;
                    let map = self.map(entries)?;
                    self.stack.push(map);
                }
                Op::Call { function, arguments } => {
                    let arguments = usize::from(arguments);
                    let value = function(self.stack.tail(arguments), meter)?;
                    self.stack.truncate(self.stack.len() - arguments);
                    self.stack.push(value);
                }
                Op::Matches(pattern) => {
                    let text = self.stack.pop();
                    if let Some(pattern) = get(&program.patterns, pattern) {
                        self.stack.push(pattern.matches(&text, meter)?);
                    }
                }
                Op::LoopStart => self.start_loop(meter)?,
                Op::LoopNext { end, cost } => {
                    if let Some(frame) = self.loops.last_mut() {
                        match frame.items.get(frame.position) {
                            Some(item) => {
                                meter.steps(cost.into())?;
                                frame.item = item.clone();
                                frame.position += 1;
                            }
                            None => next = index(end),
                        }
                    }
                }
                Op::LoopFilter { next: again } => match self.stack.pop() {
                    Value::Bool(true) => {}
                    Value::Bool(false) => next = index(again),
                    other => return Err(EvalError::NotBool { found: other.type_name() }),
                },
                Op::LoopStep { kind, next: again } => {
                    self.step_loop(kind, meter)?;
                    next = index(again);
                }
                Op::LoopEnd(kind) => self.end_loop(kind, meter)?,
            }
            *at = next;
        }
        Ok(())
    }

    fn binary(
        &mut self,
        meter: &mut Meter,
        operate: impl FnOnce(&Value, &Value, &mut Meter) -> Result<Value, EvalError>,
    ) -> Result<(), EvalError> {
        self.stack.replace_pair(|left, right| operate(left, right, meter))
    }

    /// Integers are worked on in place; everything else, and what overflows, goes the long way.
    #[inline]
    fn arithmetic(
        &mut self,
        meter: &mut Meter,
        integers: impl FnOnce(i64, i64) -> Option<i64>,
        operate: impl FnOnce(&Value, &Value, &mut Meter) -> Result<Value, EvalError>,
    ) -> Result<(), EvalError> {
        if self.stack.integers(integers) { Ok(()) } else { self.binary(meter, operate) }
    }

    #[inline]
    fn equality(&mut self, expected: bool, meter: &mut Meter) -> Result<(), EvalError> {
        if self.stack.compare_integers(|left, right| (left == right) == expected) {
            return meter.steps(1);
        }
        self.binary(meter, |left, right, meter| Ok(Value::Bool(operators::equal(left, right, meter)? == expected)))
    }

    /// The value of `&&` (`||`) whose left operand did not decide: it has the neutral value, or an error is pending.
    fn join(&mut self, and: bool) -> Result<(), EvalError> {
        let right = self.stack.pop();
        self.stack.pop();
        let height = self.stack.len();
        let pending = self.pending.pop_if(|(at, _)| *at == height);
        match (right, pending) {
            (Value::Bool(right), _) if right != and => self.stack.push(Value::Bool(right)),
            (_, Some((_, error))) => return Err(error),
            (Value::Bool(right), None) => self.stack.push(Value::Bool(right)),
            (other, None) => return Err(EvalError::NotBool { found: other.type_name() }),
        }
        Ok(())
    }

    /// Takes the error to the innermost operator or macro that can absorb it: where to go on, or the error.
    #[cold]
    fn recover(&mut self, program: &Program, at: usize, mut error: EvalError) -> Result<usize, EvalError> {
        if error.is_limit() {
            return Err(error);
        }
        for handler in program.handlers.iter().filter(|handler| handler.ops.contains(&at)) {
            let height = handler.height;
            // Errors that belong to operators inside, which are given up.
            while self.pending.pop_if(|(place, _)| *place > height).is_some() {}
            match handler.action {
                Action::Right => {
                    if let Some((_, first)) = self.pending.pop_if(|(place, _)| *place == height) {
                        error = first;
                    }
                }
                Action::Left { and, right } => {
                    self.stack.truncate(height);
                    self.loops.truncate(handler.loops);
                    self.pending.push((height, error));
                    self.stack.push(Value::Bool(and));
                    return Ok(right);
                }
                Action::Body { next } => {
                    self.stack.truncate(height);
                    self.loops.truncate(handler.loops + 1);
                    if let Some(frame) = self.loops.last_mut() {
                        frame.error.get_or_insert(error);
                    }
                    return Ok(next);
                }
            }
        }
        Err(error)
    }

    fn map(&mut self, entries: u32) -> Result<Value, EvalError> {
        let parts = self.stack.take(index(entries) * 2);
        let mut map = Map::new();
        let mut parts = parts.into_iter();
        while let (Some(key), Some(value)) = (parts.next(), parts.next()) {
            let Value::String(key) = key else {
                return Err(EvalError::WrongType {
                    given: format!("map with a key of type {}", key.type_name()),
                    defined: "map with keys of type string".to_owned(),
                });
            };
            if map.contains_key(&key) {
                return Err(EvalError::DuplicateKey { key: excerpt(&key).into() });
            }
            map.insert(key, value);
        }
        Ok(Value::Map(Arc::new(map)))
    }

    fn start_loop(&mut self, meter: &mut Meter) -> Result<(), EvalError> {
        let items = match self.stack.pop() {
            Value::List(items) => items,
            Value::Map(map) => {
                meter.elements(map.len())?;
                Arc::new(map.keys().map(|key| Value::String(key.clone())).collect())
            }
            other => {
                return Err(EvalError::WrongType {
                    given: format!("macro over {}", other.type_name()),
                    defined: "one over list and map".to_owned(),
                });
            }
        };
        self.loops.push(Loop { items, position: 0, item: Value::Null, output: Vec::new(), hits: 0, error: None });
        Ok(())
    }

    fn step_loop(&mut self, kind: Macro, meter: &mut Meter) -> Result<(), EvalError> {
        let value = self.stack.pop();
        let Some(frame) = self.loops.last_mut() else { return Ok(()) };
        if kind == Macro::Map {
            meter.elements(1)?;
            frame.output.push(value);
            return Ok(());
        }
        let Value::Bool(holds) = value else { return Err(EvalError::NotBool { found: value.type_name() }) };
        match kind {
            // The first one decides, whatever went wrong before it.
            Macro::All | Macro::Exists => {
                if holds == (kind == Macro::Exists) {
                    frame.hits = 1;
                    frame.position = frame.items.len();
                }
            }
            Macro::ExistsOne => frame.hits += usize::from(holds),
            Macro::Filter | Macro::Map => {
                if holds {
                    meter.elements(1)?;
                    frame.output.push(std::mem::take(&mut frame.item));
                }
            }
        }
        Ok(())
    }

    fn end_loop(&mut self, kind: Macro, meter: &mut Meter) -> Result<(), EvalError> {
        let Some(frame) = self.loops.pop() else { return Ok(()) };
        let value = match (kind, frame.error) {
            (Macro::All | Macro::Exists, Some(error)) if frame.hits == 0 => return Err(error),
            (Macro::All, _) => Value::Bool(frame.hits == 0),
            (Macro::Exists, _) => Value::Bool(frame.hits > 0),
            (Macro::ExistsOne, _) => Value::Bool(frame.hits == 1),
            (Macro::Filter | Macro::Map, _) => {
                meter.elements(0)?;
                Value::List(Arc::new(frame.output))
            }
        };
        self.stack.push(value);
        Ok(())
    }
}

/// An index into a table of the program, as the compiler wrote it.
#[inline]
fn index(index: u32) -> usize {
    // Lossless on every platform that Rust's standard library has a `usize` of 32 bits or more for.
    index as usize
}

#[inline]
fn get<T>(table: &[T], at: u32) -> Option<&T> {
    table.get(index(at))
}

fn run_value(run: &RunVars, member: RunMember) -> Value {
    match member {
        RunMember::Id => Value::String(run.id.clone()),
        RunMember::Flow => Value::String(run.flow.clone()),
        RunMember::Version => Value::String(run.version.clone()),
        RunMember::StartedAt => Value::Int(run.started_at),
        RunMember::Now => Value::Int(run.now),
    }
}

fn member<'a>(target: &'a Value, program: &Program, name: u32) -> Result<&'a Value, EvalError> {
    let Value::Map(map) = target else { return Err(no_member(target, program, name)) };
    let Some(name) = get(&program.names, name) else { return Ok(&Value::Null) };
    map.get(name).ok_or_else(|| EvalError::missing_member(name, map))
}

#[cold]
fn no_member(target: &Value, program: &Program, name: u32) -> EvalError {
    let name = get(&program.names, name).map_or("", |name| &**name);
    EvalError::WrongType {
        given: format!("member `{}` of type {}", excerpt(name), target.type_name()),
        defined: String::new(),
    }
}
