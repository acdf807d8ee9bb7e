//! What schemas prove to go wrong: members that are not there, arguments of another kind, null that nobody thought of.
//!
//! A variable has one type in the whole program: of all that is put into it. So this takes time in proportion to the program,
//! whatever its ways are, and what it finds is wrong on every way.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;

use bloom_ir::document::{Action, Awaited, Decision, Document, ErrorTarget, Node, NodeId, NodeKind};
use bloom_ir::expr::ast::{BinaryOp, Expr, Literal};
use bloom_ir::expr::types::{Finding, Kinds, Scope, Type, infer};
use bloom_ir::expr::variables::names;
use bloom_ir::expr::{functions, parse};
use bloom_ir::validate::expressions_of;

use crate::text::{Problem, nearest};
use crate::{Options, codes};

/// A variable whose type has grown so often keeps growing: it may be anything.
const MOST_GROWTH: u32 = 16;

/// What is wrong at a node, and the word in its icon that it is about.
pub(super) struct Fault {
    pub(super) problem: Problem,
    pub(super) word: String,
}

/// What is wrong, by node.
pub(super) fn faults<'d>(document: &'d Document, options: &Options) -> Vec<(&'d NodeId, Fault)> {
    let mut types = Types { inputs: Type::of_schema(&document.inputs), variables: BTreeMap::new() };
    types.settle(&puts(document, options));
    let handled = handled(document);
    let mut faults = Vec::new();
    for (id, node) in &document.nodes {
        let mut of_node = Vec::new();
        types.check(node, options, &mut of_node);
        let mut told = BTreeSet::new();
        for fault in of_node {
            let thought_of = fault.problem.code == codes::MAYBE_NULL && handled.contains(&fault.word);
            if !thought_of && told.insert((fault.problem.code.0, fault.word.clone())) {
                faults.push((id, fault));
            }
        }
    }
    faults
}

/// Something that is put into a variable.
struct Put {
    into: String,
    from: From,
}

enum From {
    Value(Expr),
    /// An element of what a loop goes over.
    Element(Expr),
    Known(Type),
}

/// The types of a program's variables.
struct Types {
    inputs: Type,
    variables: BTreeMap<String, Type>,
}

impl Scope for Types {
    fn variable(&self, name: &str) -> Type {
        self.variables.get(name).cloned().unwrap_or_else(Type::any)
    }

    fn input(&self) -> Type {
        self.inputs.clone()
    }
}

impl Types {
    /// Lets the types grow until they hold all that is put into the variables.
    fn settle(&mut self, puts: &[Put]) {
        let mut readers: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, put) in puts.iter().enumerate() {
            self.variables.insert(put.into.clone(), Type::never());
            if let From::Value(expr) | From::Element(expr) = &put.from {
                for name in names(expr).variables {
                    readers.entry(name).or_default().push(index);
                }
            }
        }
        let mut grown: BTreeMap<&str, u32> = BTreeMap::new();
        let mut waits = vec![true; puts.len()];
        let mut queue: VecDeque<usize> = (0..puts.len()).collect();
        while let Some(index) = queue.pop_front() {
            let Some(put) = puts.get(index) else { continue };
            waits[index] = false;
            let before = self.variable(&put.into);
            let mut after = before.join(&self.from(&put.from));
            if after == before {
                continue;
            }
            let times = grown.entry(&put.into).or_default();
            *times += 1;
            if *times > MOST_GROWTH {
                after = Type::any();
            }
            self.variables.insert(put.into.clone(), after);
            for reader in readers.get(&put.into).into_iter().flatten() {
                if !std::mem::replace(&mut waits[*reader], true) {
                    queue.push_back(*reader);
                }
            }
        }
    }

    fn from(&self, from: &From) -> Type {
        // What is wrong is told when the types are settled.
        let unheard = &mut Vec::new();
        match from {
            From::Known(known) => known.clone(),
            From::Value(expr) => infer(expr, self, unheard),
            From::Element(over) => {
                let over = infer(over, self, unheard);
                if over.kinds().meets(Kinds::MAP) { Type::any() } else { over.items() }
            }
        }
    }

    fn check(&self, node: &Node, options: &Options, faults: &mut Vec<Fault>) {
        match &node.kind {
            NodeKind::Action(Action::Each { over, .. }) => {
                let over = self.told(over, faults);
                if !over.may(Kinds::LIST.or(Kinds::MAP)) {
                    faults.push(error(codes::NOT_ITERABLE, "", over.kinds()));
                }
            }
            NodeKind::Decision(Decision::If { when, .. }) => {
                let when = self.told(when, faults);
                if !when.may(Kinds::BOOL) {
                    faults.push(error(codes::NOT_CONDITION, "", when.kinds()));
                }
            }
            NodeKind::Action(Action::Tool { tool, args, .. }) => {
                let manifest = options.tools.iter().map(|(manifest, _)| manifest).find(|known| known.name == *tool);
                self.arguments(tool, args, manifest.map(|manifest| &manifest.input), faults);
            }
            NodeKind::Action(Action::Flow { flow, hash, inputs, .. }) => {
                let known = options.flows.iter().find(|known| known.hash == *hash);
                self.arguments(flow, inputs, known.map(|known| &known.inputs), faults);
            }
            _ => {
                for expr in expressions_of(node) {
                    self.told(expr, faults);
                }
            }
        }
    }

    /// What a tool or a flow gets, against what its schema takes.
    fn arguments(
        &self,
        called: &str,
        args: &BTreeMap<String, String>,
        schema: Option<&serde_json::Value>,
        faults: &mut Vec<Fault>,
    ) {
        let takes = schema.map_or_else(Type::any, Type::of_schema);
        for (name, expr) in args {
            let given = self.told(expr, faults);
            let Some(takes) = takes.member(name) else { continue };
            if !given.may(takes.kinds()) {
                let fault = error(codes::ARGUMENT_KIND, name, given.kinds());
                let problem = fault.problem.with("name", name).with("tool", called).with("expected", takes.kinds());
                faults.push(Fault { problem, ..fault });
            } else if given.is_nullable() && !takes.may(Kinds::NULL) {
                faults.extend(parse(expr).ok().map(|expr| maybe_null(&expr)));
            }
        }
    }

    /// The type of an expression; what is wrong with it is told.
    fn told(&self, expr: &str, faults: &mut Vec<Fault>) -> Type {
        // What does not parse has left the compiler never.
        let Ok(expr) = parse(expr) else { return Type::any() };
        let mut found = Vec::new();
        let of = infer(&expr, self, &mut found);
        faults.extend(found.into_iter().map(fault));
        of
    }
}

/// All that is put into variables.
fn puts(document: &Document, options: &Options) -> Vec<Put> {
    let mut over: BTreeMap<&str, Vec<Expr>> = BTreeMap::new();
    for node in document.nodes.values() {
        if let NodeKind::Action(Action::Each { over: list, cursor, .. }) = &node.kind {
            over.entry(cursor).or_default().extend(parse(list));
        }
    }
    let mut puts = Vec::new();
    let mut put = |into: &Option<String>, from: From| {
        puts.extend(into.clone().map(|into| Put { into, from }));
    };
    let any = || From::Known(Type::any());
    let schema = |schema: Option<&serde_json::Value>| From::Known(schema.map_or_else(Type::any, Type::of_schema));
    for node in document.nodes.values() {
        match &node.kind {
            NodeKind::Action(Action::Set { into, value, .. }) => {
                put(&Some(into.clone()), parse(value).map_or_else(|_| any(), From::Value));
            }
            NodeKind::Action(Action::Iter { cursor, item, index, key, .. }) => {
                for list in over.get(cursor.as_str()).into_iter().flatten() {
                    put(&Some(item.clone()), From::Element(list.clone()));
                }
                put(index, any());
                put(key, any());
            }
            NodeKind::Action(Action::Tool { tool, into, .. }) => {
                let manifest = options.tools.iter().map(|(manifest, _)| manifest).find(|known| known.name == *tool);
                put(into, schema(node.output.as_ref().or(manifest.map(|manifest| &manifest.output))));
            }
            NodeKind::Action(Action::Flow { into, .. }) => put(into, schema(node.output.as_ref())),
            NodeKind::Action(Action::Await { what, schema: stated, into, .. }) => {
                let asked = match what {
                    Awaited::Ask(ask) => Some(&ask.schema),
                    Awaited::Signal(_) | Awaited::Timer(_) => stated.as_ref(),
                };
                put(into, schema(asked));
            }
            NodeKind::LlmCall(call) => put(&Some(call.into.clone()), schema(node.output.as_ref())),
            _ => {}
        }
    }
    let targets = document.nodes.values().filter_map(|node| node.on_error.as_ref()).chain(&document.catch);
    for ErrorTarget { into, .. } in targets {
        put(into, From::Known(of_error()));
    }
    puts
}

/// What a handler of errors gets.
fn of_error() -> Type {
    let members = [
        ("code", Kinds::STRING),
        ("message", Kinds::STRING),
        ("node", Kinds::STRING),
        ("retryable", Kinds::BOOL),
        ("details", Kinds::ALL),
    ];
    Type::map(members.map(|(name, kinds)| (name.to_owned(), Type::of(kinds))).into(), true)
}

/// The names of what the program asks somewhere whether it is null, or there.
fn handled(document: &Document) -> BTreeSet<String> {
    let mut handled = BTreeSet::new();
    for node in document.nodes.values() {
        if let NodeKind::Decision(Decision::Choice { on, .. }) = &node.kind {
            handled.extend(parse(on).ok().map(|on| name(&on)));
        }
        for expr in expressions_of(node).filter_map(|expr| parse(expr).ok()) {
            let mut rest = vec![&expr];
            while let Some(expr) = rest.pop() {
                match expr {
                    Expr::Has { name, .. } => {
                        handled.insert(name.clone());
                    }
                    Expr::Binary { op: BinaryOp::Equal | BinaryOp::NotEqual, left, right } => {
                        for (one, other) in [(left, right), (right, left)] {
                            if matches!(**one, Expr::Literal(Literal::Null)) {
                                handled.insert(name(other));
                            }
                        }
                    }
                    _ => {}
                }
                rest.extend(expr.parts());
            }
        }
    }
    handled
}

/// What a value is called: its variable, or the last member on the way to it.
fn name(expr: &Expr) -> String {
    match expr {
        Expr::Variable(name) | Expr::Local(name) | Expr::Member { name, .. } => name.clone(),
        Expr::Index { target, .. } => name(target),
        _ => String::new(),
    }
}

fn error(code: bloom_ir::diagnostic::Code, word: &str, found: Kinds) -> Fault {
    Fault { problem: Problem::error(code, Range::default()).with("found", found), word: word.to_owned() }
}

fn maybe_null(value: &Expr) -> Fault {
    let word = name(value);
    let shown = if word.is_empty() { bloom_ir::expr::print(value) } else { word.clone() };
    Fault { problem: Problem::warning(codes::MAYBE_NULL, Range::default()).with("name", shown), word }
}

fn fault(finding: Finding) -> Fault {
    match finding {
        Finding::NoMembers { name, found } => {
            let fault = error(codes::NO_MEMBERS, &name, found);
            Fault { problem: fault.problem.with("name", &name), ..fault }
        }
        Finding::NoMember { name, known } => {
            let near = nearest(&name, known.iter().map(String::as_str));
            let problem = Problem::error(codes::NO_MEMBER, Range::default()).with("name", &name);
            let problem = problem.with("expected", known.join(", ")).near(near);
            Fault { problem, word: name }
        }
        Finding::NoElement { found, index } => operand(format!("{found}[{index}]")),
        Finding::WrongArgument { function, given, takes } => {
            let given: Vec<String> = given.iter().map(Kinds::to_string).collect();
            let problem = Problem::error(codes::WRONG_ARGUMENT, Range::default())
                .with("name", &function)
                .with("found", given.join(", "))
                .with("expected", takes);
            let word = functions::find(&function).map(|function| function.name.to_owned());
            Fault { problem, word: word.unwrap_or_default() }
        }
        Finding::WrongOperand { operator, left, right } => operand(left.map_or_else(
            || format!("{operator}({right})"),
            |left| match left {
                Kinds::ALL => format!("… {operator} ({right})"),
                left => format!("({left}) {operator} ({right})"),
            },
        )),
        Finding::NotCondition { found } => error(codes::NOT_CONDITION, "", found),
        Finding::NotIterable { found } => error(codes::NOT_ITERABLE, "", found),
        Finding::NeverEqual { left, right } => {
            let problem = Problem::warning(codes::NEVER_EQUAL, Range::default());
            Fault { problem: problem.with("found", left).with("expected", right), word: String::new() }
        }
        Finding::MaybeNull { value } => maybe_null(&value),
    }
}

fn operand(found: String) -> Fault {
    Fault { problem: Problem::error(codes::WRONG_OPERAND, Range::default()).with("found", found), word: String::new() }
}
