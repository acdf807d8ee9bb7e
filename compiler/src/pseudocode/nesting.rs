//! What stands in what: loops, the icons that are written after the block of another, and those written where a way
//! leads to them.
//!
//! An icon that one way leads to is written there. An icon where ways meet is written after the block of its immediate
//! dominator (Ramsey, "Beyond Relooper"), or after the loop that the dominator stands in and it does not.

use crate::read::{ItemId, Kind};

use super::flow::Flow;

/// No icon.
const NONE: usize = usize::MAX;

/// How the icons of a flow are nested.
pub(super) struct Nesting {
    /// Icons that are written where the only way to them comes from.
    pub(super) inline: Vec<bool>,
    /// What is written after the block of each icon, in order.
    pub(super) followers: Vec<Vec<ItemId>>,
    /// Of the head of a loop with arrows: what follows the loop.
    pub(super) leave: Vec<Option<ItemId>>,
    /// Of what follows such a loop and is led to from nowhere else: the loop's head.
    pub(super) owner: Vec<Option<ItemId>>,
    /// Whether something turns back to an icon.
    pub(super) turned_to: Vec<bool>,
}

impl Nesting {
    pub(super) fn new(flow: &Flow<'_>) -> Self {
        let count = flow.exits.len();
        let ways = Ways::new(flow);
        let dominators = ways.dominators(flow);
        let loops = Loops::new(flow, &ways, &dominators);
        // Ways back are written as such and do not count.
        let mut forward: Vec<Vec<ItemId>> = vec![Vec::new(); count];
        let mut turned_to = vec![false; count];
        for &item in &flow.order {
            for &to in &flow.exits[item] {
                if loops.is_head[to] && loops.holds(to, item) {
                    turned_to[to] = true;
                } else {
                    forward[to].push(item);
                }
            }
        }
        let mut nesting = Self {
            inline: vec![false; count],
            followers: vec![Vec::new(); count],
            leave: vec![None; count],
            owner: vec![None; count],
            turned_to,
        };
        let placed = |item: ItemId| !flow.is_silent(item);
        for &item in flow.order.iter().filter(|item| placed(**item)) {
            nesting.inline[item] = forward[item].len() == 1;
        }
        let sizes = sizes(flow, &dominators);
        for &head in flow.order.iter().filter(|head| nesting.turned_to[**head]) {
            nesting.leave[head] = loops.leave(flow, head, &forward, &sizes, &dominators);
        }
        for &head in &flow.order {
            let turns_back = |to: ItemId| loops.is_head[to] && loops.holds(to, head);
            if let Some(leave) = nesting.leave[head].filter(|leave| nesting.inline[*leave] && !turns_back(*leave)) {
                nesting.inline[leave] = false;
                nesting.owner[leave] = Some(head);
            }
        }
        let mut root_of = vec![NONE; count];
        for &item in &flow.order {
            let first = forward[item].first().copied().filter(|_| !flow.starts[item]);
            root_of[item] = first.map_or(item, |first| root_of[first]);
            if !placed(item) || nesting.inline[item] || flow.starts[item] || nesting.owner[item].is_some() {
                continue;
            }
            let parent = match dominators[item] {
                NONE if root_of[item] == NONE => flow.graph.entry,
                NONE => root_of[item],
                dominator => loops.outermost_left(dominator, item).unwrap_or(dominator),
            };
            nesting.followers[parent].push(item);
        }
        nesting
    }
}

/// The ways between icons, with those that blocks imply.
struct Ways {
    /// Where ways come from.
    from: Vec<Vec<ItemId>>,
    /// The position of each icon in the order.
    position: Vec<usize>,
}

impl Ways {
    fn new(flow: &Flow<'_>) -> Self {
        let count = flow.exits.len();
        let graph = flow.graph;
        let mut from: Vec<Vec<ItemId>> = vec![Vec::new(); count];
        let mut position = vec![NONE; count];
        for (index, &item) in flow.order.iter().enumerate() {
            position[item] = index;
            for &to in flow.exits[item].iter().filter(|to| !flow.is_root(**to)) {
                from[to].push(item);
            }
            match graph.icon(item).kind {
                // A round ends at the loop's end and goes on at its begin.
                Kind::LoopEnd => {
                    if let Some(begin) = graph.partner[item] {
                        from[begin].push(item);
                    }
                }
                Kind::ParEnd => {
                    if let Some(after) = graph.icon(item).one.filter(|after| !flow.is_root(*after)) {
                        from[after].push(item);
                    }
                }
                _ => {}
            }
        }
        Self { from, position }
    }

    /// The immediate dominator of each icon (Cooper, Harvey, Kennedy, "A Simple, Fast Dominance Algorithm"); none where
    /// it is the beginning of the flow itself.
    fn dominators(&self, flow: &Flow<'_>) -> Vec<ItemId> {
        // Positions count from 1; 0 is the beginning, which leads to all roots.
        let mut above: Vec<usize> = vec![NONE; flow.order.len() + 1];
        above[0] = 0;
        let mut changed = true;
        while changed {
            changed = false;
            for (index, &item) in flow.order.iter().enumerate() {
                let mut common = if flow.starts[item] { 0 } else { NONE };
                for &before in &self.from[item] {
                    let before = self.position[before] + 1;
                    if above.get(before).is_none_or(|above| *above == NONE) {
                        continue;
                    }
                    common = if common == NONE { before } else { meet(&above, common, before) };
                }
                if common != NONE && above[index + 1] != common {
                    above[index + 1] = common;
                    changed = true;
                }
            }
        }
        let mut dominators = vec![NONE; flow.exits.len()];
        for (index, &item) in flow.order.iter().enumerate() {
            if above[index + 1] != 0 && above[index + 1] != NONE {
                dominators[item] = flow.order[above[index + 1] - 1];
            }
        }
        dominators
    }
}

fn meet(above: &[usize], mut one: usize, mut other: usize) -> usize {
    while one != other {
        while one > other {
            one = above[one];
        }
        while other > one {
            other = above[other];
        }
    }
    one
}

/// How many icons each one dominates, with itself.
fn sizes(flow: &Flow<'_>, dominators: &[ItemId]) -> Vec<usize> {
    let mut sizes = vec![1_usize; flow.exits.len()];
    for &item in flow.order.iter().rev() {
        if dominators[item] != NONE {
            sizes[dominators[item]] += sizes[item];
        }
    }
    sizes
}

/// The natural loops of a flow.
struct Loops {
    is_head: Vec<bool>,
    /// The head of the innermost loop that each icon stands in; a head stands in its own.
    innermost: Vec<ItemId>,
    /// The head of the loop around each loop.
    outer: Vec<ItemId>,
    depth: Vec<usize>,
}

impl Loops {
    fn new(flow: &Flow<'_>, ways: &Ways, dominators: &[ItemId]) -> Self {
        let count = flow.exits.len();
        let mut latches: Vec<Vec<ItemId>> = vec![Vec::new(); count];
        let intervals = Intervals::new(flow, dominators);
        for &item in &flow.order {
            for &before in &ways.from[item] {
                if ways.position[before] >= ways.position[item] && intervals.dominates(item, before) {
                    latches[item].push(before);
                }
            }
        }
        let mut loops = Self {
            is_head: latches.iter().map(|latches| !latches.is_empty()).collect(),
            innermost: vec![NONE; count],
            outer: vec![NONE; count],
            depth: vec![0; count],
        };
        let mut sets: Vec<ItemId> = (0..count).collect();
        for &head in flow.order.iter().rev().filter(|head| !latches[**head].is_empty()) {
            loops.innermost[head] = head;
            let mut work: Vec<ItemId> = latches[head].iter().map(|latch| find(&mut sets, *latch)).collect();
            while let Some(item) = work.pop() {
                if item == head || sets[item] != item {
                    continue;
                }
                if loops.is_head[item] {
                    loops.outer[item] = head;
                } else {
                    loops.innermost[item] = head;
                }
                sets[item] = head;
                for &before in &ways.from[item] {
                    work.push(find(&mut sets, before));
                }
            }
        }
        for &head in flow.order.iter().filter(|head| loops.is_head[**head]) {
            loops.depth[head] = if loops.outer[head] == NONE { 1 } else { loops.depth[loops.outer[head]] + 1 };
        }
        loops
    }

    /// Whether an icon stands in the loop with this head.
    fn holds(&self, head: ItemId, item: ItemId) -> bool {
        let mut around = self.innermost[item];
        while around != NONE && self.depth[around] > self.depth[head] {
            around = self.outer[around];
        }
        around == head
    }

    /// The head of the outermost loop that `inside` stands in and `item` does not.
    fn outermost_left(&self, inside: ItemId, item: ItemId) -> Option<ItemId> {
        let mut left = None;
        let mut around = self.innermost[inside];
        while around != NONE && !self.holds(around, item) {
            left = Some(around);
            around = self.outer[around];
        }
        left
    }

    /// What follows a loop with arrows: where its ways out meet, or the way out that most of the flow lies on.
    fn leave(
        &self,
        flow: &Flow<'_>,
        head: ItemId,
        forward: &[Vec<ItemId>],
        sizes: &[usize],
        dominators: &[ItemId],
    ) -> Option<ItemId> {
        if flow.graph.icon(head).kind == Kind::LoopBegin {
            return None;
        }
        let mut met = None;
        let mut elsewhere = None;
        let mut only: Option<ItemId> = None;
        // The head dominates its loop, so its members come after it.
        let members = flow.order.iter().filter(|item| self.holds(head, **item));
        for &item in members {
            for &to in flow.exits[item].iter().filter(|to| !self.holds(head, **to)) {
                if self.is_head[to] && self.holds(to, head) {
                    elsewhere = elsewhere.or(Some(to));
                } else if flow.is_silent(to) {
                    // The end and branches are gone to by a word of their own.
                    let block_end = matches!(flow.graph.icon(to).kind, Kind::LoopEnd | Kind::ParEnd);
                    elsewhere = elsewhere.or(block_end.then_some(to));
                } else if forward[to].len() == 1 {
                    if only.is_none_or(|only| sizes[to] > sizes[only]) {
                        only = Some(to);
                    }
                } else if dominators[to] != NONE && self.outermost_left(dominators[to], to) == Some(head) {
                    met = met.or(Some(to));
                } else {
                    elsewhere = elsewhere.or(Some(to));
                }
            }
        }
        match (met, only, elsewhere) {
            (Some(met), ..) => Some(met),
            (None, Some(only), Some(elsewhere)) => Some(if sizes[only] >= 4 { only } else { elsewhere }),
            (None, only, elsewhere) => only.or(elsewhere),
        }
    }
}

/// When a walk over the tree of dominators enters and leaves each icon.
struct Intervals {
    entered: Vec<usize>,
    left: Vec<usize>,
}

impl Intervals {
    fn new(flow: &Flow<'_>, dominators: &[ItemId]) -> Self {
        let count = flow.exits.len();
        let mut below: Vec<Vec<ItemId>> = vec![Vec::new(); count];
        let mut tops = Vec::new();
        for &item in &flow.order {
            match dominators[item] {
                NONE => tops.push(item),
                dominator => below[dominator].push(item),
            }
        }
        let mut intervals = Self { entered: vec![NONE; count], left: vec![0; count] };
        let mut clock = 0;
        for top in tops {
            let mut stack = vec![(top, 0)];
            while let Some((item, next)) = stack.last_mut() {
                if *next == 0 {
                    intervals.entered[*item] = clock;
                    clock += 1;
                }
                if let Some(&child) = below[*item].get(*next) {
                    *next += 1;
                    stack.push((child, 0));
                } else {
                    intervals.left[*item] = clock;
                    stack.pop();
                }
            }
        }
        intervals
    }

    fn dominates(&self, above: ItemId, item: ItemId) -> bool {
        self.entered[above] <= self.entered[item] && self.entered[item] < self.left[above]
    }
}

fn find(sets: &mut [ItemId], item: ItemId) -> ItemId {
    let mut root = item;
    while sets[root] != root {
        root = sets[root];
    }
    let mut at = item;
    while sets[at] != root {
        at = std::mem::replace(&mut sets[at], root);
    }
    root
}
