//! What names mean, and whether they are set where they are used.

use std::collections::{BTreeMap, BTreeSet};

use bloom_ir::diagnostic::Severity;
use bloom_ir::expr::ast::{Expr, Root};

use super::Lowering;
use super::draft::{Draft, NOWHERE, Op, PROSE, Step, StepId};
use super::paths::{self, Path};
use crate::codes;
use crate::text::{Expression, Parameters, Problem, Special, foreign_letter, input, script, skeleton, special};

/// More variables are no program that a person wrote.
const MOST_VARIABLES: usize = 4096;

/// The variable that the handler of errors finds the error in.
const ERROR_NAMES: [&str; 2] = ["помилка", "error"];

impl Lowering<'_> {
    /// Gives every name its meaning; tells those that have none.
    pub(super) fn resolve(&mut self, parameters: &Parameters, sound: bool) {
        self.suspect();
        let mut set: BTreeSet<String> =
            self.draft.steps.iter().flat_map(|step| step.op.sets()).map(str::to_owned).collect();
        let mut used: BTreeSet<String> = BTreeSet::new();
        for step in &mut self.draft.steps {
            for expression in step.op.expressions_mut() {
                used.extend(expression.uses.iter().map(|name| name.name.clone()));
            }
        }
        if self.draft.catch.is_some() {
            let name = ERROR_NAMES.into_iter().find(|name| used.contains(*name) && !set.contains(*name));
            self.error_variable = name.map(str::to_owned);
            set.extend(self.error_variable.clone());
        }
        // A parameter that the flow changes is a variable from the start.
        let changed: Vec<&String> = parameters.by_name.keys().filter(|name| set.contains(*name)).collect();
        for name in changed {
            self.copy_parameter(name, parameters);
        }
        let mut problems: Vec<(usize, Problem)> = Vec::new();
        for step in &mut self.draft.steps {
            for expression in step.op.expressions_mut() {
                for name in &expression.uses {
                    let known = set.contains(&name.name)
                        || parameters.by_name.contains_key(&name.name)
                        || special(&name.name).is_some()
                        || self.perhaps_set.contains(&name.name);
                    if !known {
                        let names = set.iter().chain(parameters.by_name.keys()).map(String::as_str);
                        let names = names.filter(|name| !name.starts_with('$'));
                        let problem = Problem::error(codes::UNKNOWN_VARIABLE, name.span.clone())
                            .with("name", &name.name)
                            .near(self.speller.nearest(&name.name, names));
                        problems.push((step.unit, problem));
                    }
                }
                rewrite(&mut expression.expr, &set, parameters);
            }
        }
        // What is misspelt is not used, and what could not be read uses nothing.
        let harmless = |(_, problem): &(usize, Problem)| problem.severity == Severity::Warning;
        if sound && problems.is_empty() && self.problems.iter().all(harmless) {
            self.unused(&used, &mut problems);
        }
        self.look_alikes(&mut problems);
        for (unit, problem) in problems {
            self.problem(unit, problem);
        }
    }

    /// Remembers what may be set by texts that could not be read.
    fn suspect(&mut self) {
        let unread: BTreeSet<usize> = self
            .problems
            .iter()
            .filter(|(_, problem)| problem.severity == Severity::Error)
            .map(|(unit, _)| *unit)
            .collect();
        for unit in unread {
            self.perhaps_set.extend(self.draft.units[unit].perhaps_sets());
        }
    }

    /// Variables that nobody can tell apart by looking at them.
    fn look_alikes(&self, problems: &mut Vec<(usize, Problem)>) {
        let mut by_look: BTreeMap<String, &str> = BTreeMap::new();
        let mut told = BTreeSet::new();
        for step in &self.draft.steps {
            for name in step.op.sets().into_iter().filter(|name| !name.starts_with('$')) {
                let first = *by_look.entry(skeleton(name)).or_insert(name);
                let Some(letter) = foreign_letter(name, first) else { continue };
                if told.insert(name) {
                    let problem = Problem::warning(codes::LOOK_ALIKE, step.span.clone())
                        .with("name", name)
                        .with("nearest", first)
                        .with("letter", letter)
                        .with("script", script(letter));
                    problems.push((step.unit, problem));
                }
            }
        }
    }

    fn copy_parameter(&mut self, name: &str, parameters: &Parameters) {
        let default = parameters.by_name.get(name).and_then(|parameter| parameter.default.as_ref());
        let value = Expression::made(input(name, default), 0..0);
        let unit = self.parameter_unit;
        let op = Op::Set { into: name.to_owned(), value, next: self.draft.entry };
        self.draft.entry = self.draft.push(Step { op, unit, part: None, first: false, span: 0..0 });
    }

    /// Variables that are set for nothing.
    fn unused(&self, used: &BTreeSet<String>, problems: &mut Vec<(usize, Problem)>) {
        let mut told = BTreeSet::new();
        for step in &self.draft.steps {
            let (Op::Set { into, .. } | Op::Tool { into: Some(into), .. }) = &step.op else { continue };
            let hidden = into.starts_with(['_', '$']);
            if !hidden && !used.contains(into) && told.insert(into.clone()) {
                problems
                    .push((step.unit, Problem::warning(codes::UNUSED_VARIABLE, step.span.clone()).with("name", into)));
            }
        }
    }

    /// Whether each variable is set on every way to where it is used.
    pub(super) fn check_assigned(&mut self) {
        let mut indices: BTreeMap<String, usize> = BTreeMap::new();
        for step in &self.draft.steps {
            for name in step.op.sets() {
                let next = indices.len();
                indices.entry(name.to_owned()).or_insert(next);
            }
        }
        if indices.len() > MOST_VARIABLES {
            let problem = Problem::error(codes::TOO_LARGE, 0..0)
                .with("what", "variables")
                .with("found", indices.len())
                .with("limit", MOST_VARIABLES);
            self.problem(0, problem);
            return;
        }
        let before = Assigned::new(&self.draft, &indices).solve();
        let mut problems = Vec::new();
        let prose = indices.get(PROSE).copied();
        for (id, step) in self.draft.steps.iter_mut().enumerate() {
            let Some(set) = &before[id] else { continue };
            if let Op::Prose { follows, .. } = &mut step.op {
                *follows = prose.is_some_and(|prose| contains(set, prose));
            }
            for expression in step.op.expressions_mut() {
                for name in &expression.uses {
                    if let Some(index) = indices.get(&name.name)
                        && !contains(set, *index)
                    {
                        let problem = Problem::error(codes::NOT_ALWAYS_SET, name.span.clone());
                        problems.push((step.unit, problem.with("name", &name.name)));
                    }
                }
            }
        }
        for (unit, problem) in problems {
            self.problem(unit, problem);
        }
    }
}

type Bits = Vec<u64>;

fn contains(bits: &Bits, index: usize) -> bool {
    bits.get(index / 64).is_some_and(|word| word >> (index % 64) & 1 == 1)
}

/// Which variables are set on every way to a step: a forward analysis over sets that only shrink.
struct Assigned<'a> {
    draft: &'a Draft,
    sets: Vec<Vec<usize>>,
    words: usize,
    /// The innermost path that each step stands in, where there are forks.
    paths: Vec<Option<Path>>,
    /// What the paths of each fork hand over: the position of the path, and the variable.
    handed: BTreeMap<StepId, Vec<(usize, usize)>>,
}

impl<'a> Assigned<'a> {
    fn new(draft: &'a Draft, indices: &BTreeMap<String, usize>) -> Self {
        let sets = draft
            .steps
            .iter()
            .map(|step| step.op.sets().iter().filter_map(|name| indices.get(*name)).copied().collect());
        let sets = sets.collect();
        let mut handed = BTreeMap::new();
        for (fork, step) in draft.steps.iter().enumerate() {
            if let Op::Fork { branches, .. } = &step.op {
                let names = branches.iter().enumerate().flat_map(|(path, (_, writes))| {
                    writes.iter().filter_map(move |name| Some((path, indices.get(name).copied()?)))
                });
                handed.insert(fork, names.collect());
            }
        }
        let paths = if handed.is_empty() { Vec::new() } else { paths::paths(draft) };
        Self { draft, sets, words: indices.len().div_ceil(64), paths, handed }
    }

    /// The join that ends the path of a step.
    fn own_join(&self, step: StepId) -> Option<StepId> {
        let (fork, _) = self.paths.get(step).copied().flatten()?;
        match &self.draft.steps[fork].op {
            Op::Fork { join, .. } => Some(*join),
            _ => None,
        }
    }

    fn solve(&self) -> Vec<Option<Bits>> {
        let mut before: Vec<Option<Bits>> = vec![None; self.draft.steps.len()];
        let mut work: std::collections::VecDeque<StepId> = std::collections::VecDeque::new();
        // The order in which steps come in a walk without ways back settles most of them in one round.
        let order = self.order();
        let mut queued = vec![false; self.draft.steps.len()];
        if self.draft.entry != NOWHERE {
            before[self.draft.entry] = Some(vec![0; self.words]);
        }
        if let Some(catch) = self.draft.catch {
            // What is not set in the handler reads as null.
            before[catch].get_or_insert_with(|| vec![u64::MAX; self.words]);
        }
        for step in order {
            queued[step] = true;
            work.push_back(step);
        }
        // At the end of each path what all its ways there have set; and each fork's state before it.
        let mut ends: BTreeMap<Path, Bits> = BTreeMap::new();
        while let Some(step) = work.pop_front() {
            queued[step] = false;
            let Some(unchanged) = before[step].clone() else { continue };
            let mut set = unchanged.clone();
            for index in &self.sets[step] {
                set[index / 64] |= 1 << (index % 64);
            }
            for (arm, to) in self.draft.steps[step].op.exits() {
                if to == NOWHERE {
                    continue;
                }
                // A loop that is exhausted has not set its variable.
                let after = if arm == "done" { &unchanged } else { &set };
                // All paths have come to their end at a join: what any of them hands over is set.
                let joined;
                let after = if self.own_join(step) == Some(to) {
                    let Some(path) = self.paths[step] else { continue };
                    let end = ends.entry(path).or_insert_with(|| after.clone());
                    end.iter_mut().zip(after).for_each(|(known, new)| *known &= new);
                    let Some(fork) = before[path.0].clone() else { continue };
                    joined = self.joined(path.0, fork, &ends);
                    &joined
                } else if let Op::Fork { join, .. } = &self.draft.steps[step].op
                    && *join == to
                {
                    joined = self.joined(step, unchanged.clone(), &ends);
                    &joined
                } else {
                    after
                };
                let changed = match &mut before[to] {
                    Some(known) => {
                        let mut changed = false;
                        for (known, new) in known.iter_mut().zip(after) {
                            changed |= *known & !new != 0;
                            *known &= new;
                        }
                        changed
                    }
                    unknown => {
                        *unknown = Some(after.clone());
                        true
                    }
                };
                if changed && !queued[to] {
                    queued[to] = true;
                    work.push_back(to);
                }
            }
        }
        before
    }

    /// What is set after a join: what was before the fork, and what its paths hand over.
    fn joined(&self, fork: StepId, mut state: Bits, ends: &BTreeMap<Path, Bits>) -> Bits {
        for (path, index) in self.handed.get(&fork).into_iter().flatten() {
            // A path whose end is not known yet is taken to set all that it hands over.
            if ends.get(&(fork, *path)).is_none_or(|end| contains(end, *index)) {
                state[index / 64] |= 1 << (index % 64);
            }
        }
        state
    }

    /// Reverse postorder from the entries.
    fn order(&self) -> Vec<StepId> {
        let mut seen = vec![false; self.draft.steps.len()];
        let mut order = Vec::new();
        for start in [self.draft.catch, Some(self.draft.entry)].into_iter().flatten() {
            if start == NOWHERE || std::mem::replace(&mut seen[start], true) {
                continue;
            }
            let mut stack = vec![(start, self.draft.steps[start].op.exits(), 0)];
            while let Some((step, exits, next)) = stack.last_mut() {
                let Some((_, to)) = exits.get(*next) else {
                    order.push(*step);
                    stack.pop();
                    continue;
                };
                let to = *to;
                *next += 1;
                if to != NOWHERE && !std::mem::replace(&mut seen[to], true) {
                    stack.push((to, self.draft.steps[to].op.exits(), 0));
                }
            }
        }
        order.reverse();
        order
    }
}

/// Puts inputs and the run in the place of names that are no variables. Recurses by the depth of an expression, which
/// is bounded.
/// Puts in the place of each name that is no variable what it means.
pub(crate) fn rewrite(expr: &mut Expr, set: &BTreeSet<String>, parameters: &Parameters) {
    match expr {
        Expr::Variable(name) if !name.starts_with('$') && !set.contains(name.as_str()) => {
            let replaced = match (parameters.by_name.get(name.as_str()), special(name)) {
                (Some(parameter), _) => input(name, parameter.default.as_ref()),
                (None, Some(Special::Input)) => Expr::Root(Root::Input),
                (None, Some(Special::Run)) => Expr::Root(Root::Run),
                (None, Some(Special::Now)) => {
                    Expr::Member { target: Box::new(Expr::Root(Root::Run)), name: "now".to_owned() }
                }
                (None, None) => return,
            };
            *expr = replaced;
        }
        Expr::Literal(_) | Expr::Variable(_) | Expr::Root(_) | Expr::Local(_) => {}
        Expr::Member { target, .. } | Expr::Has { target, .. } => rewrite(target, set, parameters),
        Expr::Index { target, index } => {
            rewrite(target, set, parameters);
            rewrite(index, set, parameters);
        }
        Expr::Unary { operand, .. } => rewrite(operand, set, parameters),
        Expr::Binary { left, right, .. } => {
            rewrite(left, set, parameters);
            rewrite(right, set, parameters);
        }
        Expr::Conditional { condition, then, otherwise } => {
            rewrite(condition, set, parameters);
            rewrite(then, set, parameters);
            rewrite(otherwise, set, parameters);
        }
        Expr::List(items) | Expr::Call { args: items, .. } => {
            for item in items {
                rewrite(item, set, parameters);
            }
        }
        Expr::Map(entries) => {
            for (key, value) in entries {
                rewrite(key, set, parameters);
                rewrite(value, set, parameters);
            }
        }
        Expr::Macro { range, filter, body, .. } => {
            rewrite(range, set, parameters);
            if let Some(filter) = filter {
                rewrite(filter, set, parameters);
            }
            rewrite(body, set, parameters);
        }
    }
}
