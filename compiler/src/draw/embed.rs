//! The order from left to right of all lines, and the free spaces (faces) between them.
//!
//! A front of lines moves down from the head of a column. A part may be passed when all lines into it are in the front
//! and stand side by side; then the lines out of it take their place. Whatever order parts are passed in, the outcome is
//! the same, and when all can be passed the column has a drawing without crossings in which every line goes down
//! (Tamassia & Tollis, "A unified approach to visibility representations of planar graphs", 1986). Where no part can be
//! passed, the fewest lines that stand between are led away: an address is set where it is, a line is cut and goes on
//! elsewhere.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::plan::{FaceId, LineId, PartId, Plan, What};

/// How far is looked for what stands between the lines into a part.
const FAR: usize = 256;

/// Gives every part and line its faces. Returns how many lines had to be cut.
pub(super) fn embed(plan: &mut Plan) -> usize {
    let mut cuts = 0;
    let heads = plan.heads.clone();
    let mut front = Front::new(plan);
    for head in heads {
        front.start(head);
        cuts += front.advance();
    }
    cuts
}

struct Front<'p> {
    plan: &'p mut Plan,
    next: Vec<Option<LineId>>,
    previous: Vec<Option<LineId>>,
    /// The face at the right of each line of the front.
    gap: Vec<FaceId>,
    first: Option<LineId>,
    first_gap: FaceId,
    /// How many lines into each part are in the front, and how many of them have another one at their right.
    present: BTreeMap<PartId, (usize, usize)>,
    ready: VecDeque<PartId>,
    /// Parts that were ever ready.
    queued: BTreeSet<PartId>,
    /// Parts with all their lines in the front, not all side by side.
    waiting: BTreeSet<PartId>,
}

impl<'p> Front<'p> {
    fn new(plan: &'p mut Plan) -> Self {
        let count = plan.lines.len();
        Self {
            plan,
            next: vec![None; count],
            previous: vec![None; count],
            gap: vec![0; count],
            first: None,
            first_gap: 0,
            present: BTreeMap::new(),
            ready: VecDeque::new(),
            queued: BTreeSet::new(),
            waiting: BTreeSet::new(),
        }
    }

    fn start(&mut self, head: PartId) {
        let (left, right) = (self.plan.face(), self.plan.face());
        self.first = None;
        self.first_gap = left;
        self.put(head, left, right, None, None);
    }

    fn advance(&mut self) -> usize {
        let mut cuts = 0;
        loop {
            if let Some(part) = self.ready.pop_front() {
                self.pass(part);
            } else if let Some(part) = self.waiting.first().copied() {
                cuts += self.clear_way(part);
            } else if self.first.is_some() {
                self.feet();
            } else {
                return cuts;
            }
        }
    }

    fn to(&self, line: LineId) -> PartId {
        self.plan.lines[line].to
    }

    fn is_foot(&self, part: PartId) -> bool {
        matches!(self.plan.parts[part].what, What::Foot { raised: false, .. })
    }

    /// Whether the line has one into the same part at its left.
    fn follows(&self, line: LineId) -> bool {
        self.previous[line].is_some_and(|previous| self.to(previous) == self.to(line))
    }

    /// The lines from this one on that lead into the same part.
    fn group(&self, start: LineId) -> Vec<LineId> {
        let mut group = vec![start];
        let mut at = start;
        while let Some(next) = self.next[at].filter(|next| self.to(*next) == self.to(start)) {
            group.push(next);
            at = next;
        }
        group
    }

    fn starts(&self, part: PartId) -> Vec<LineId> {
        self.plan.parts[part].ins.iter().copied().filter(|line| !self.follows(*line)).collect()
    }

    /// Passes a part whose lines stand side by side.
    fn pass(&mut self, part: PartId) {
        let Some(start) = self.starts(part).first().copied() else { return };
        self.waiting.remove(&part);
        let group = self.group(start);
        let last = group[group.len() - 1];
        let (before, after) = (self.previous[start], self.next[last]);
        let left = before.map_or(self.first_gap, |before| self.gap[before]);
        let right = self.gap[last];
        for line in &group {
            self.plan.lines[*line].right = self.gap[*line];
            self.plan.lines[*line].left = self.previous[*line].map_or(self.first_gap, |line| self.gap[line]);
        }
        self.plan.parts[part].ins = group;
        self.put(part, left, right, before, after);
    }

    /// Puts the lines out of a part into the front.
    fn put(&mut self, part: PartId, left: FaceId, right: FaceId, before: Option<LineId>, after: Option<LineId>) {
        self.plan.sequence.push(part);
        self.plan.parts[part].left = left;
        self.plan.parts[part].right = right;
        let outs = self.plan.parts[part].outs.clone();
        let mut previous = before;
        for (index, line) in outs.iter().copied().enumerate() {
            let gap = if index + 1 == outs.len() { right } else { self.plan.face() };
            self.link(previous, Some(line));
            self.gap[line] = gap;
            let to = self.to(line);
            self.present.entry(to).or_default().0 += 1;
            previous = Some(line);
        }
        self.link(previous, after);
        if outs.is_empty() {
            // What was at its right is now at the right of what was at its left.
            match before {
                Some(before) => {
                    self.gap[before] = right;
                    self.plan.above.push((part, before));
                }
                None => self.first_gap = right,
            }
        }
        let mut at = outs.first().copied().or(after);
        let mut touched = Vec::new();
        while let Some(line) = at {
            if self.follows(line) {
                self.present.entry(self.to(line)).or_default().1 += 1;
            }
            touched.push(self.to(line));
            at = if Some(line) == after { None } else { self.next[line] };
        }
        for part in touched {
            self.look(part);
        }
    }

    fn link(&mut self, left: Option<LineId>, right: Option<LineId>) {
        match left {
            Some(left) => self.next[left] = right,
            None => self.first = right,
        }
        if let Some(right) = right {
            self.previous[right] = left;
        }
    }

    /// Takes note of a part that may have become ready.
    fn look(&mut self, part: PartId) {
        if self.is_foot(part) {
            return;
        }
        let ins = self.plan.parts[part].ins.len();
        let (present, beside) = self.present.get(&part).copied().unwrap_or_default();
        if present != ins || ins == 0 {
            return;
        }
        if beside + 1 == ins {
            self.waiting.remove(&part);
            if self.queued.insert(part) {
                self.ready.push_back(part);
            }
        } else {
            self.waiting.insert(part);
        }
    }

    /// Sets the target of a line of the front.
    fn lead(&mut self, line: LineId, target: PartId) {
        let old = self.to(line);
        for right in [Some(line), self.next[line]].into_iter().flatten() {
            if self.follows(right) {
                self.present.entry(self.to(right)).or_default().1 -= 1;
            }
        }
        self.present.entry(old).or_default().0 -= 1;
        self.plan.parts[old].ins.retain(|known| *known != line);
        self.plan.lines[line].to = target;
        self.plan.parts[target].ins.push(line);
        self.present.entry(target).or_default().0 += 1;
        for right in [Some(line), self.next[line]].into_iter().flatten() {
            if self.follows(right) {
                self.present.entry(self.to(right)).or_default().1 += 1;
            }
        }
    }

    /// Leads away what stands between the lines into a part, or cuts those that cannot be reached.
    fn clear_way(&mut self, part: PartId) -> usize {
        let starts = self.starts(part);
        for start in &starts {
            let group = self.group(*start);
            if let Some(between) = self.only_feet_after(group[group.len() - 1], part) {
                let column = self.plan.parts[part].column;
                let mut run: Option<(PartId, PartId)> = None;
                for line in between {
                    let foot = self.to(line);
                    let raised = match run {
                        Some((of, raised)) if of == foot => raised,
                        _ => {
                            let What::Foot { item, .. } = self.plan.parts[foot].what else { continue };
                            let raised = self.plan.part(What::Foot { item, raised: true }, column);
                            run = Some((foot, raised));
                            raised
                        }
                    };
                    self.lead(line, raised);
                }
                let raised: Vec<PartId> = (0..self.plan.parts.len())
                    .rev()
                    .take_while(|part| matches!(self.plan.parts[*part].what, What::Foot { raised: true, .. }))
                    .collect();
                for part in raised {
                    self.look(part);
                }
                self.look(part);
                return 0;
            }
        }
        // The main way is kept: its icon was met first.
        let keeps = |start: &LineId| {
            let group = self.group(*start);
            let goes_back = group.iter().any(|line| self.plan.lines[*line].back);
            let first = group.iter().map(|line| self.plan.lines[*line].from).min();
            (!goes_back, first)
        };
        let Some(kept) = starts.iter().copied().min_by_key(keeps) else { return 0 };
        let (What::Icon(item) | What::Tail(item)) = self.plan.parts[part].what else {
            self.waiting.remove(&part);
            return 0;
        };
        let mut cuts = 0;
        for start in starts.into_iter().filter(|start| *start != kept) {
            for line in self.group(start) {
                let jump = self.plan.jump(item, self.plan.parts[part].column);
                self.lead(line, jump);
                self.look(jump);
                cuts += 1;
            }
        }
        self.look(part);
        cuts
    }

    /// The lines between this one and the next into the part, when all of them lead to feet.
    fn only_feet_after(&self, line: LineId, part: PartId) -> Option<Vec<LineId>> {
        let mut between = Vec::new();
        let mut at = self.next[line];
        while let Some(line) = at {
            if self.to(line) == part {
                return Some(between);
            }
            if !self.is_foot(self.to(line)) || between.len() == FAR {
                return None;
            }
            between.push(line);
            at = self.next[line];
        }
        None
    }

    /// At the end only feet are left: those of one address that stand side by side are one.
    fn feet(&mut self) {
        let mut at = self.first;
        let mut seen: BTreeSet<PartId> = BTreeSet::new();
        let mut feet = Vec::new();
        while let Some(start) = at {
            let group = self.group(start);
            at = self.next[group[group.len() - 1]];
            let foot = self.to(start);
            if seen.insert(foot) {
                feet.push((foot, group));
            } else {
                let (what, column) = (self.plan.parts[foot].what, self.plan.parts[foot].column);
                feet.push((self.plan.part(what, column), group));
            }
        }
        for (foot, group) in feet {
            let right = self.gap[group[group.len() - 1]];
            let left = self.previous[group[0]].map_or(self.first_gap, |line| self.gap[line]);
            for line in &group {
                self.plan.lines[*line].to = foot;
                self.plan.lines[*line].right = self.gap[*line];
                self.plan.lines[*line].left = self.previous[*line].map_or(self.first_gap, |line| self.gap[line]);
            }
            let part = &mut self.plan.parts[foot];
            (part.ins, part.left, part.right) = (group, left, right);
            self.plan.sequence.push(foot);
        }
        self.first = None;
    }
}
