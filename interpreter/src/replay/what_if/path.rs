//! Which icons were passed, and where two runs part.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::recorded::branch_key;
use crate::program::{NodeIndex, Place, Program};

/// The icons that a run passed, by branch, in order.
#[derive(Default)]
pub(super) struct Path {
    branches: BTreeMap<String, Vec<Step>>,
    steps: u64,
}

struct Step {
    node: NodeIndex,
    /// How many icons the run had passed before, over all branches.
    number: u64,
    /// The last event before.
    seq: u64,
}

/// Where two runs went different ways.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Parting {
    /// The last event before, of the recorded run.
    pub seq: u64,
    /// The last icon before they part, as the other program passed it; `None` at the beginning.
    pub after: Option<Place>,
    /// Where the recorded run went; `None` where it ended.
    pub recorded: Option<Place>,
    /// Where the other one went; `None` where it ended.
    pub replayed: Option<Place>,
}

/// What is known of how a path ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tail {
    /// Nothing follows.
    Ended,
    /// It is not known what follows.
    Open,
}

impl Path {
    /// A node is done. Of an icon only the first counts.
    pub(super) fn pass(&mut self, program: &Program, branch: &str, node: NodeIndex, seq: u64) {
        let id = program.inner().id(node);
        if program.inner().spots.get(id).is_some_and(|spot| spot.first) {
            let number = self.steps;
            self.steps = self.steps.saturating_add(1);
            self.branches.entry(branch_key(branch, Some(program))).or_default().push(Step { node, number, seq });
        }
    }

    /// How many icons were passed.
    pub(super) fn len(&self) -> u64 {
        self.steps
    }

    /// Where this path, of the recorded run, and another one part first. Icons that only one of the programs has say nothing
    /// about the way. With the place in the other run: how many icons it had passed.
    pub(super) fn parting(
        &self,
        program: &Program,
        tail: Tail,
        other: &Self,
        other_program: &Program,
        other_tail: Tail,
    ) -> Option<(u64, Parting)> {
        let items = |program: &Program| -> BTreeSet<String> {
            program.inner().spots.values().map(|spot| spot.item.clone()).collect()
        };
        let both: BTreeSet<String> = items(program).intersection(&items(other_program)).cloned().collect();
        let none = Vec::new();
        let keys: BTreeSet<&String> = self.branches.keys().chain(other.branches.keys()).collect();
        let mut first: Option<(u64, Parting)> = None;
        for key in keys {
            let (own, others) = (self.branches.get(key).unwrap_or(&none), other.branches.get(key).unwrap_or(&none));
            let Some(found) = part((program, own, tail), (other_program, others, other_tail), &both) else {
                continue;
            };
            if first.as_ref().is_none_or(|(number, _)| found.0 < *number) {
                first = Some(found);
            }
        }
        first
    }
}

type Side<'a> = (&'a Program, &'a [Step], Tail);

fn part(
    (program, own, tail): Side<'_>,
    (other_program, others, other_tail): Side<'_>,
    both: &BTreeSet<String>,
) -> Option<(u64, Parting)> {
    let item = |program: &Program, step: &Step| program.item(program.inner().id(step.node)).map(str::to_owned);
    let shared = |program: &Program, step: &&Step| item(program, step).is_some_and(|item| both.contains(&item));
    let mut own = own.iter().filter(|step| shared(program, step));
    let mut at = 0;
    let place = |program: &Program, step: &Step| program.place(program.inner().id(step.node));
    let before = |at: usize| at.checked_sub(1).and_then(|before| others.get(before));
    loop {
        let recorded = own.next();
        while others.get(at).is_some_and(|step| !shared(other_program, &step)) {
            at += 1;
        }
        let replayed = others.get(at);
        let is_same = match (recorded, replayed) {
            (Some(recorded), Some(replayed)) => item(program, recorded) == item(other_program, replayed),
            (Some(_), None) => other_tail == Tail::Open,
            (None, Some(_)) => tail == Tail::Open,
            (None, None) => true,
        };
        if !is_same {
            let last = replayed.or_else(|| before(at));
            let number = last.map_or(0, |step| step.number);
            let parting = Parting {
                seq: recorded.or(last).map_or(0, |step| step.seq),
                after: before(at).and_then(|step| place(other_program, step)),
                recorded: recorded.and_then(|step| place(program, step)),
                replayed: replayed.and_then(|step| place(other_program, step)),
            };
            return Some((number, parting));
        }
        if recorded.is_none() || replayed.is_none() {
            return None;
        }
        at += 1;
    }
}
