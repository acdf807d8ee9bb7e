//! What schemas prove to go wrong: members that are not there, arguments of another kind, null that nobody thought of.
//!
//! A variable has one type in the whole program: of all that is put into it; only of null it is known at each node whether
//! somebody has asked ([`Nulls`]). So this takes time in proportion to the program, whatever its ways are, and what it finds is
//! wrong on every way.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;

use bloom_ir::document::{
    Action, Awaited, Decision, Document, ErrorTarget, Node, NodeId, NodeKind, Return, ReturnStatus, TemplatePart,
};
use bloom_ir::expr::ast::Expr;
use bloom_ir::expr::types::nulls::Nullness;
use bloom_ir::expr::types::{Finding, Kinds, Scope, Type, infer};
use bloom_ir::expr::variables::names;
use bloom_ir::expr::{functions, parse};
use bloom_ir::validate::expressions_of;

use super::nulls::{Nulls, State, name};
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
    let nulls = Nulls::of(document);
    let types = Types::of(document, options, &nulls);
    let mut faults = Vec::new();
    for (id, node) in &document.nodes {
        let mut of_node = Vec::new();
        types.at(nulls.at(id)).check(node, options, &mut of_node);
        let mut told = BTreeSet::new();
        for fault in of_node {
            let thought_of = fault.problem.code == codes::MAYBE_NULL && nulls.is_asked(id, &fault.word);
            if !thought_of && told.insert((fault.problem.code.0, fault.word.clone())) {
                faults.push((id, fault));
            }
        }
    }
    faults
}

/// What a flow gives to one that calls it: as it says, else of all that it returns.
pub(crate) fn returned(document: &Document, options: &Options) -> Type {
    let stated = Type::of_schema(&document.outputs);
    if stated != Type::any() {
        return stated;
    }
    let nulls = Nulls::of(document);
    let types = Types::of(document, options, &nulls);
    let mut all = Type::never();
    for (id, node) in &document.nodes {
        if let NodeKind::Return(Return { status: ReturnStatus::Completed, value }) = &node.kind {
            let known = parse(value).map(|value| infer(&value, &types.at(nulls.at(id)), &mut Vec::new()));
            all = all.join(&known.unwrap_or_else(|_| Type::any()));
        }
    }
    // One that never ends gives nothing, of which nothing is known.
    if all.kinds() == Kinds::NONE { Type::any() } else { all }
}

/// Something that is put into a variable.
struct Put {
    into: String,
    from: From,
}

/// Expressions stand with what is known of null where they are computed.
enum From {
    Value(Expr, State),
    /// An element of what a loop goes over.
    Element(Expr, State),
    Known(Type),
}

/// The types of a program's variables.
struct Types<'n> {
    inputs: Type,
    variables: BTreeMap<String, Type>,
    nulls: &'n Nulls<'n>,
}

/// The same at a node, with what is known there of null.
struct At<'t> {
    types: &'t Types<'t>,
    state: State,
}

impl Scope for At<'_> {
    fn variable(&self, name: &str) -> Type {
        self.types.variable(name)
    }

    fn input(&self) -> Type {
        self.types.inputs.clone()
    }

    fn nullness(&self, place: &Expr) -> Option<Nullness> {
        self.types.nulls.nullness(self.state, place)
    }
}

impl<'n> Types<'n> {
    fn of(document: &Document, options: &Options, nulls: &'n Nulls<'n>) -> Self {
        let mut types = Self { inputs: Type::of_schema(&document.inputs), variables: BTreeMap::new(), nulls };
        types.settle(&puts(document, options, nulls));
        types
    }

    fn at(&self, state: State) -> At<'_> {
        At { types: self, state }
    }

    fn variable(&self, name: &str) -> Type {
        self.variables.get(name).cloned().unwrap_or_else(Type::any)
    }

    /// Lets the types grow until they hold all that is put into the variables.
    fn settle(&mut self, puts: &[Put]) {
        let mut readers: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, put) in puts.iter().enumerate() {
            self.variables.insert(put.into.clone(), Type::never());
            if let From::Value(expr, _) | From::Element(expr, _) = &put.from {
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
            From::Value(expr, state) => infer(expr, &self.at(*state), unheard),
            From::Element(over, state) => {
                let over = infer(over, &self.at(*state), unheard);
                if over.kinds().meets(Kinds::MAP) { Type::any() } else { over.items() }
            }
        }
    }
}

impl At<'_> {
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
            NodeKind::Action(Action::Await { what: Awaited::Ask(ask), .. }) => {
                self.template(ask.title.iter().chain(&ask.text), faults);
            }
            NodeKind::LlmCall(call) => {
                self.template(call.prompt.iter().chain(call.system.iter().flatten()), faults);
                for expr in &call.memory {
                    self.told(expr, faults);
                }
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

    /// What is read by an LLM or a person, who would read the word `null`.
    fn template<'p>(&self, parts: impl Iterator<Item = &'p TemplatePart>, faults: &mut Vec<Fault>) {
        for part in parts {
            if let TemplatePart::Expr(expr) = part
                && self.told(expr, faults).is_nullable()
            {
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
fn puts(document: &Document, options: &Options, nulls: &Nulls<'_>) -> Vec<Put> {
    let mut over: BTreeMap<&str, Vec<(Expr, State)>> = BTreeMap::new();
    for (id, node) in &document.nodes {
        if let NodeKind::Action(Action::Each { over: list, cursor, .. }) = &node.kind {
            over.entry(cursor).or_default().extend(parse(list).map(|list| (list, nulls.at(id))));
        }
    }
    let mut puts = Vec::new();
    let mut put = |into: &Option<String>, from: From| {
        puts.extend(into.clone().map(|into| Put { into, from }));
    };
    let any = || From::Known(Type::any());
    let schema = |schema: Option<&serde_json::Value>| From::Known(schema.map_or_else(Type::any, Type::of_schema));
    for (id, node) in &document.nodes {
        match &node.kind {
            NodeKind::Action(Action::Set { into, value, .. }) => {
                let value = parse(value).map_or_else(|_| any(), |value| From::Value(value, nulls.at(id)));
                put(&Some(into.clone()), value);
            }
            NodeKind::Action(Action::Iter { cursor, item, index, key, .. }) => {
                for (list, state) in over.get(cursor.as_str()).into_iter().flatten() {
                    put(&Some(item.clone()), From::Element(list.clone(), *state));
                }
                put(index, any());
                put(key, any());
            }
            NodeKind::Action(Action::Tool { tool, into, .. }) => {
                let manifest = options.tools.iter().map(|(manifest, _)| manifest).find(|known| known.name == *tool);
                put(into, schema(node.output.as_ref().or(manifest.map(|manifest| &manifest.output))));
            }
            NodeKind::Action(Action::Flow { hash, wait, into, .. }) => {
                let known = options.flows.iter().find(|known| known.hash == *hash);
                let of_result = || known.map_or_else(Type::any, |known| known.returns.clone());
                // One that is not waited for answers with the id of its run.
                let answer = if *wait { of_result() } else { Type::of(Kinds::STRING) };
                put(into, From::Known(node.output.as_ref().map_or(answer, Type::of_schema)));
            }
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
