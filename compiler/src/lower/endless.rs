//! Whether runs come to an end, as far as that can be told of a program that has other errors.

use std::collections::BTreeSet;

use bloom_ir::diagnostic::Severity;

use super::Lowering;
use super::draft::{NOWHERE, Op};
use crate::codes;
use crate::text::Problem;

impl Lowering<'_> {
    /// Tells the first step from which no run can come to its end. A sound program is asked when its nodes are written;
    /// this is for one whose texts have errors, so that both are told at once.
    pub(super) fn check_endless(&mut self, machine: bool) {
        // A text that could not be read may end the run; prose cannot.
        let is_read =
            |code| [codes::PROSE, codes::UNKNOWN_VARIABLE].contains(&code) || codes::OF_WHAT_IS_NAMED.contains(&code);
        let unread: BTreeSet<usize> = self
            .problems
            .iter()
            .filter(|(_, problem)| problem.severity == Severity::Error && !is_read(problem.code))
            .map(|(unit, _)| *unit)
            .collect();
        let steps = &self.draft.steps;
        let mut order = Vec::new();
        let mut seen = vec![false; steps.len()];
        let mut comes_from: Vec<Vec<usize>> = vec![Vec::new(); steps.len()];
        let mut ending = Vec::new();
        let mut work: Vec<usize> = [self.draft.catch, Some(self.draft.entry)].into_iter().flatten().collect();
        while let Some(at) = work.pop() {
            if at == NOWHERE || std::mem::replace(&mut seen[at], true) {
                continue;
            }
            order.push(at);
            let step = &steps[at];
            let exits = step.op.exits();
            let waits = machine && matches!(step.op, Op::Await { .. });
            if exits.is_empty() || waits || unread.contains(&step.unit) || exits.iter().any(|(_, to)| *to == NOWHERE) {
                ending.push(at);
            }
            for (_, to) in exits.into_iter().rev().filter(|(_, to)| *to != NOWHERE) {
                comes_from[to].push(at);
                work.push(to);
            }
        }
        let mut ends = vec![false; steps.len()];
        while let Some(at) = ending.pop() {
            if !std::mem::replace(&mut ends[at], true) {
                ending.append(&mut comes_from[at]);
            }
        }
        if let Some(at) = order.into_iter().find(|at| !ends[*at] && !matches!(steps[*at].op, Op::Pass { .. })) {
            let step = &steps[at];
            let problem = Problem::error(codes::ENDLESS, step.span.clone());
            self.problems.push((step.unit, problem));
        }
    }
}
