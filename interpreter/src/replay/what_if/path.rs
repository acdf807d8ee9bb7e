//! Which icons were passed, and where two runs part.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::recorded::branch_key;
use crate::program::{NodeIndex, Op, Place, Program};

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
    let shared = |program: &Program, step: &Step| item(program, step).is_some_and(|item| both.contains(&item));
    let next_shared = |program: &Program, steps: &[Step], from: usize| {
        let rest = steps.get(from..).unwrap_or_default();
        rest.iter().position(|step| shared(program, step)).map_or(steps.len(), |after| from.saturating_add(after))
    };
    // Behind the last icon that both have.
    let (mut own_from, mut other_from) = (0, 0);
    loop {
        let own_at = next_shared(program, own, own_from);
        let other_at = next_shared(other_program, others, other_from);
        let is_same = match (own.get(own_at), others.get(other_at)) {
            (Some(recorded), Some(replayed)) => item(program, recorded) == item(other_program, replayed),
            (Some(_), None) => other_tail == Tail::Open,
            (None, Some(_)) => tail == Tail::Open,
            (None, None) => true,
        };
        if !is_same {
            // Of the icons that only the other program has, the first that decides; else what both passed last.
            let decides = |step: &Step| decides(&other_program.inner().node(step.node).op);
            let new = others.get(other_from..other_at).unwrap_or_default().iter().position(decides);
            let behind = new.map_or(other_from, |new| other_from.saturating_add(new).saturating_add(1));
            let place = |program: &Program, step: &Step| program.place(program.inner().id(step.node));
            let after = behind.checked_sub(1).and_then(|at| others.get(at));
            let (recorded, replayed) = (own.get(own_from), others.get(behind));
            let parting = Parting {
                seq: recorded.or(after).or(replayed).map_or(0, |step| step.seq),
                after: after.and_then(|step| place(other_program, step)),
                recorded: recorded.and_then(|step| place(program, step)),
                replayed: replayed.and_then(|step| place(other_program, step)),
            };
            return Some((after.or(replayed).map_or(0, |step| step.number), parting));
        }
        if own_at >= own.len() || other_at >= others.len() {
            return None;
        }
        (own_from, other_from) = (own_at.saturating_add(1), other_at.saturating_add(1));
    }
}

/// Whether more than one way leads out of a node, errors apart.
fn decides(op: &Op) -> bool {
    match op {
        Op::If { .. } | Op::Choice { .. } | Op::Iter { .. } => true,
        Op::Ask { on_timeout, .. } => on_timeout.is_some(),
        Op::Set { .. } | Op::Each { .. } | Op::Emit { .. } | Op::Fork { .. } | Op::Join { .. } | Op::Return { .. } => {
            false
        }
    }
}
