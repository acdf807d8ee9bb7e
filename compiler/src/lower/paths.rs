//! Which steps stand in which path of a fork, and which variables the paths hand over.

use std::collections::{BTreeMap, BTreeSet};

use super::Lowering;
use super::draft::{Draft, NOWHERE, Op, StepId};
use crate::codes;
use crate::text::Problem;

/// A path: its fork, and its position in it.
pub(super) type Path = (StepId, usize);

/// The innermost path that each step stands in. The steps of a path are those that its head leads to before the join;
/// ways that cross its border were told before, or are told by the IR's own checks.
pub(super) fn paths(draft: &Draft) -> Vec<Option<Path>> {
    let mut path_of: Vec<Option<Path>> = vec![None; draft.steps.len()];
    let mut seen = vec![false; draft.steps.len()];
    let mut stack: Vec<(StepId, Option<Path>)> = Vec::new();
    stack.extend([Some(draft.entry), draft.catch].into_iter().flatten().map(|start| (start, None)));
    while let Some((step, path)) = stack.pop() {
        if step == NOWHERE || std::mem::replace(&mut seen[step], true) {
            continue;
        }
        path_of[step] = path;
        let op = &draft.steps[step].op;
        match op {
            Op::Fork { branches, join, .. } => {
                if !std::mem::replace(&mut seen[*join], true) {
                    path_of[*join] = path;
                    stack.extend(draft.steps[*join].op.exits().into_iter().map(|(_, to)| (to, path)));
                }
                stack.extend(branches.iter().enumerate().map(|(index, (to, _))| (*to, Some((step, index)))));
            }
            _ => stack.extend(op.exits().into_iter().map(|(_, to)| (to, path))),
        }
    }
    path_of
}

impl Lowering<'_> {
    /// Gives each path of each fork the variables that it sets and that are used after the join.
    pub(super) fn hand_over(&mut self) {
        let forks: Vec<StepId> =
            (0..self.draft.steps.len()).filter(|step| matches!(self.draft.steps[*step].op, Op::Fork { .. })).collect();
        if forks.is_empty() {
            return;
        }
        let path_of = paths(&self.draft);
        let mut sets: BTreeMap<Path, BTreeSet<String>> = BTreeMap::new();
        for (step, path) in path_of.iter().enumerate() {
            let mut around = *path;
            while let Some(path) = around {
                // What the compiler names itself is read where it is set, never after a join.
                let names = self.draft.steps[step].op.sets().into_iter().filter(|name| !name.starts_with('$'));
                sets.entry(path).or_default().extend(names.map(str::to_owned));
                around = path_of[path.0];
            }
        }
        let names: BTreeSet<String> = sets.values().flatten().cloned().collect();
        let mut writes: BTreeMap<Path, Vec<String>> = BTreeMap::new();
        for name in names {
            let live = self.live(&name);
            for fork in &forks {
                let Op::Fork { branches, join, .. } = &self.draft.steps[*fork].op else { continue };
                if !live.get(*join).copied().unwrap_or(false) {
                    continue;
                }
                let mut first = true;
                for path in (0..branches.len()).map(|index| (*fork, index)) {
                    if !sets.get(&path).is_some_and(|set| set.contains(&name)) {
                        continue;
                    }
                    if !std::mem::replace(&mut first, false) {
                        let problem = Problem::error(codes::TWO_PATHS_SET, 0..0).with("name", &name);
                        self.problems.push((self.draft.steps[*fork].unit, problem));
                    }
                    writes.entry(path).or_default().push(name.clone());
                }
            }
        }
        for ((fork, index), names) in writes {
            if let Op::Fork { branches, .. } = &mut self.draft.steps[fork].op
                && let Some((_, writes)) = branches.get_mut(index)
            {
                *writes = names;
            }
        }
    }

    /// Before which steps a variable has a value that is still used: backward from its uses.
    fn live(&mut self, name: &str) -> Vec<bool> {
        let draft = &mut self.draft;
        let count = draft.steps.len();
        let mut comes_from: Vec<Vec<StepId>> = vec![Vec::new(); count];
        for (step, at) in draft.steps.iter().enumerate() {
            // An error can lead to the handler from anywhere.
            let exits = at.op.exits().into_iter().map(|(_, to)| to).chain(draft.catch);
            for to in exits.filter(|to| *to != NOWHERE) {
                comes_from[to].push(step);
            }
        }
        let mut live = vec![false; count];
        let mut work: Vec<StepId> = Vec::new();
        for (step, at) in draft.steps.iter_mut().enumerate() {
            if at.op.expressions_mut().iter().any(|expression| expression.reads(name)) {
                work.push(step);
            }
        }
        while let Some(step) = work.pop() {
            if !std::mem::replace(&mut live[step], true) {
                let before = comes_from[step].iter().copied();
                work.extend(before.filter(|step| !draft.steps[*step].op.sets().contains(&name)));
            }
        }
        live
    }
}
