//! Where runs go: what they reach, where they turn back, and whether loops are entered at their heads.

use super::Graph;
use crate::codes;
use crate::read::{ItemId, Kind};
use crate::report::Report;

/// A depth-first walk over all that can be reached.
pub(super) struct Walk {
    /// When an icon was met, from 1; 0 when it was not.
    entered: Vec<u32>,
    /// When all below it was done.
    left: Vec<u32>,
    /// Edges to an icon that was still open.
    back: Vec<(ItemId, ItemId)>,
    /// All other edges, by their target.
    predecessors: Vec<Vec<ItemId>>,
}

impl Walk {
    pub(super) fn new(graph: &Graph<'_>) -> Self {
        let count = graph.diagram.icons.len();
        let mut walk = Self {
            entered: vec![0; count],
            left: vec![0; count],
            back: Vec::new(),
            predecessors: vec![Vec::new(); count],
        };
        let mut clock = 0;
        for start in [Some(graph.entry), graph.catch].into_iter().flatten() {
            if walk.entered[start] == 0 {
                walk.from(graph, start, &mut clock);
            }
        }
        walk
    }

    fn from(&mut self, graph: &Graph<'_>, start: ItemId, clock: &mut u32) {
        let mut stack: Vec<(ItemId, usize)> = vec![(start, 0)];
        *clock += 1;
        self.entered[start] = *clock;
        while let Some((item, edge)) = stack.last_mut() {
            let item = *item;
            let target = graph.successors(item).get(*edge).copied();
            *edge += 1;
            match target {
                None => {
                    *clock += 1;
                    self.left[item] = *clock;
                    stack.pop();
                }
                Some(None) => {}
                Some(Some(target)) => {
                    if self.entered[target] == 0 {
                        *clock += 1;
                        self.entered[target] = *clock;
                        stack.push((target, 0));
                    } else if self.left[target] == 0 {
                        self.back.push((item, target));
                        continue;
                    }
                    self.predecessors[target].push(item);
                }
            }
        }
    }

    pub(super) fn reached(&self) -> Vec<bool> {
        self.entered.iter().map(|entered| *entered > 0).collect()
    }

    /// Whether `item` was met below `above`, or is it.
    fn below(&self, above: ItemId, item: ItemId) -> bool {
        self.entered[above] <= self.entered[item] && self.left[item] <= self.left[above]
    }
}

/// Only heads of loops and branches may be gone back to.
pub(super) fn check_back_edges(graph: &Graph<'_>, walk: &Walk, report: &mut Report) {
    for &(from, to) in &walk.back {
        let own_loop = graph.icon(from).kind == Kind::LoopEnd && graph.partner[from] == Some(to);
        if !own_loop && !matches!(graph.icon(to).kind, Kind::ArrowLoop | Kind::Branch) {
            report.add(graph.icon(from).error(codes::BACK_EDGE).with("target", &graph.icon(to).id));
        }
    }
}

/// A loop is entered at its head: nothing else leads into its body (Havlak, "Nesting of reducible and irreducible loops").
pub(super) fn check_side_entries(graph: &Graph<'_>, walk: &Walk, report: &mut Report) {
    let count = graph.diagram.icons.len();
    let mut latches: Vec<Vec<ItemId>> = vec![Vec::new(); count];
    for &(from, to) in &walk.back {
        if matches!(graph.icon(to).kind, Kind::ArrowLoop | Kind::LoopBegin) {
            latches[to].push(from);
        }
    }
    let mut heads: Vec<ItemId> = (0..count).filter(|item| !latches[*item].is_empty()).collect();
    heads.sort_by_key(|head| std::cmp::Reverse(walk.entered[*head]));
    let mut sets = Sets((0..count).collect());
    let mut member_of = vec![usize::MAX; count];
    for head in heads {
        let mut members = Vec::new();
        let mut work: Vec<(ItemId, ItemId)> = latches[head].iter().map(|latch| (sets.find(*latch), head)).collect();
        let mut told = false;
        while let Some((item, leads_to)) = work.pop() {
            if item == head || member_of[item] == head {
                continue;
            }
            if !walk.below(head, item) {
                if !told {
                    let icon = graph.icon(item);
                    let diagnostic = icon.error(codes::SIDE_ENTRY);
                    report.add(diagnostic.with("target", &graph.icon(leads_to).id).with("loop", &graph.icon(head).id));
                }
                // One way in is told for each loop: what lies before it would be told again and again.
                told = true;
                continue;
            }
            member_of[item] = head;
            members.push(item);
            for predecessor in &walk.predecessors[item] {
                work.push((sets.find(*predecessor), item));
            }
        }
        for member in members {
            sets.0[member] = head;
        }
    }
}

/// Disjoint sets: loops that are done count as their heads.
struct Sets(Vec<ItemId>);

impl Sets {
    fn find(&mut self, item: ItemId) -> ItemId {
        let mut root = item;
        while self.0[root] != root {
            root = self.0[root];
        }
        let mut at = item;
        while self.0[at] != root {
            at = std::mem::replace(&mut self.0[at], root);
        }
        root
    }
}
