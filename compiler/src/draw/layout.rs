//! The finished layout: blocks with their places, and lines as polylines.

use std::collections::BTreeMap;

use crate::graph::Graph;
use crate::read::{ItemId, Kind};

use super::embed::embed;
use super::place::{Places, place};
use super::plan::{PartId, Plan, Port, What};
use super::size::{Block, Extent, SIDE_GAP, branch_name, extents, letter_block, title};
use super::text::Font;
use super::words::Words;

/// Around the whole picture.
const MARGIN: i64 = 24;
/// Between the columns of a silhouette.
const COLUMN_GAP: i64 = 34;
/// From the lines of a silhouette to its headers and addresses.
const RAIL: i64 = 22;

/// A block with its upper left corner.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub(super) block: Block,
    pub(super) x: i64,
    pub(super) y: i64,
}

/// What a line is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// A way that a run may take.
    Way,
    /// The double bar of a parallel.
    Bar(Option<ItemId>),
    /// What connects all branches of a silhouette.
    Rail,
    /// What ties an icon, the parameters or a letter to another.
    Tie,
}

/// A line with its corners.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    pub(super) points: Vec<(i64, i64)>,
    pub(super) role: Role,
    /// Whether an arrow stands at its end.
    pub(super) arrow: bool,
    /// How often a run took it.
    pub(super) taken: u64,
    #[cfg_attr(not(test), expect(dead_code, reason = "what the tests of crossings go by"))]
    /// The parts at its ends; wires with a part in common may meet.
    pub(super) ends: [Option<PartId>; 2],
}

/// A word beside a line.
#[derive(Clone, Debug)]
pub(super) struct Label {
    pub(super) text: &'static str,
    pub(super) x: i64,
    pub(super) y: i64,
}

/// The arrow of a loop.
#[derive(Clone, Copy, Debug)]
pub(super) struct LoopArrow {
    pub(super) item: ItemId,
    pub(super) x: i64,
    pub(super) y: i64,
}

/// A picture without colours.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(super) width: i64,
    pub(super) height: i64,
    pub(super) placed: Vec<Placed>,
    pub(super) wires: Vec<Wire>,
    pub(super) labels: Vec<Label>,
    pub(super) arrows: Vec<LoopArrow>,
    /// How many lines could not be drawn without a crossing and go on at a letter.
    pub(super) cuts: usize,
    /// Icons that no run comes to are not drawn.
    pub(super) undrawn: usize,
}

/// How often the way from one icon to another was taken, by their ids.
pub(super) type Taken = BTreeMap<(ItemId, ItemId), u64>;

impl Layout {
    pub(super) fn new(graph: &Graph<'_>, name: &str, words: &Words, taken: &Taken) -> Self {
        let mut plan = Plan::new(graph);
        embed(&mut plan);
        let mut extents = extents(&plan, graph, name, words);
        let places = place(&mut plan, &mut extents);
        let cuts = plan.parts.iter().filter(|part| matches!(part.what, What::Jump(_))).count();
        let mut painter = Painter {
            graph,
            layout: Self {
                width: 0,
                height: 0,
                placed: Vec::new(),
                wires: Vec::new(),
                labels: Vec::new(),
                arrows: Vec::new(),
                cuts,
                undrawn: 0,
            },
            plan,
            extents,
            places,
        };
        painter.arrange(name, words);
        painter.parts(words);
        painter.lines(taken);
        painter.layout.undrawn = painter.undrawn();
        painter.layout.crop();
        painter.layout
    }

    /// Moves everything to where the picture begins.
    fn crop(&mut self) {
        let (mut left, mut top, mut right, mut bottom) = (i64::MAX, i64::MAX, i64::MIN, i64::MIN);
        let mut see = |x: i64, y: i64| {
            (left, right) = (left.min(x), right.max(x));
            (top, bottom) = (top.min(y), bottom.max(y));
        };
        for placed in &self.placed {
            see(placed.x, placed.y);
            see(placed.x + placed.block.width, placed.y + placed.block.height);
        }
        for (x, y) in self.wires.iter().flat_map(|wire| &wire.points) {
            see(*x, *y);
        }
        if left > right {
            return;
        }
        let (dx, dy) = (MARGIN - left, MARGIN - top);
        for placed in &mut self.placed {
            (placed.x, placed.y) = (placed.x + dx, placed.y + dy);
        }
        for point in self.wires.iter_mut().flat_map(|wire| &mut wire.points) {
            *point = (point.0 + dx, point.1 + dy);
        }
        for label in &mut self.labels {
            (label.x, label.y) = (label.x + dx, label.y + dy);
        }
        for arrow in &mut self.arrows {
            (arrow.x, arrow.y) = (arrow.x + dx, arrow.y + dy);
        }
        (self.width, self.height) = (right - left + 2 * MARGIN, bottom - top + 2 * MARGIN);
    }
}

struct Painter<'g, 'd> {
    graph: &'g Graph<'d>,
    plan: Plan,
    extents: Vec<Extent>,
    places: Places,
    layout: Layout,
}

impl Painter<'_, '_> {
    /// Puts columns side by side, feet on one line, and the title above.
    fn arrange(&mut self, name: &str, words: &Words) {
        let mut shifts = Vec::new();
        let mut at = 0;
        for (left, right) in &self.places.columns {
            shifts.push(at - left);
            at += right - left + COLUMN_GAP;
        }
        for (part, x) in self.plan.parts.iter().zip(&mut self.places.x) {
            *x += shifts[part.column];
        }
        for (line, x) in self.plan.lines.iter().zip(&mut self.places.line_x) {
            *x += shifts[self.plan.parts[line.from].column];
        }
        let (capsule, params) = title(self.graph, name, words);
        let Some(first) = self.plan.heads.first().copied() else { return };
        if !self.plan.is_silhouette {
            let (x, y) = (self.places.x[first], self.places.y[first]);
            self.parameters(first, params, x + capsule.width / 2, y);
            return;
        }
        // All headers hang from one line, and all addresses stand on another.
        let top = self.plan.heads.iter().map(|head| self.extents[*head].up).max().unwrap_or(0);
        let heads = self.plan.heads.clone();
        let lift: Vec<i64> = heads.iter().map(|head| self.extents[*head].up - top - self.places.y[*head]).collect();
        for (part, y) in self.plan.parts.iter().zip(&mut self.places.y) {
            *y += lift[part.column];
        }
        let parts = self.plan.parts.iter().zip(&self.extents).zip(&self.places.y);
        let bottom = parts.filter(|((part, _), _)| !part.ins.is_empty() || !part.outs.is_empty());
        let bottom = bottom.map(|((_, extent), y)| y + extent.down).max().unwrap_or(0);
        for (id, part) in self.plan.parts.iter().enumerate() {
            if matches!(part.what, What::Foot { raised: false, .. }) {
                self.places.y[id] = bottom - self.extents[id].down;
            }
        }
        self.rails(first, -top - RAIL, bottom + RAIL, &heads);
        let x = self.places.x[first];
        let y = -top - RAIL - RAIL - capsule.height / 2;
        let (half, height) = (capsule.width / 2, capsule.height);
        self.layout.placed.push(Placed { block: capsule, x: x - half, y: y - height / 2 });
        self.wire(vec![(x, y + height / 2), (x, -top - RAIL)], Role::Rail, [Some(first), None]);
        self.parameters(first, params, x + half, y);
    }

    fn parameters(&mut self, first: PartId, params: Option<Block>, x: i64, y: i64) {
        let Some(params) = params else { return };
        // What is higher than the title grows upwards, away from the diagram.
        let below = self.extents[first].up.min(params.height / 2).max(17);
        let top = y + below - params.height;
        self.wire(vec![(x, y), (x + ASIDE_PARAMS, y)], Role::Tie, [Some(first), None]);
        self.layout.placed.push(Placed { block: params, x: x + ASIDE_PARAMS, y: top });
    }

    /// The line over all headers, the line under all addresses, and the one that leads back.
    fn rails(&mut self, first: PartId, top: i64, bottom: i64, heads: &[PartId]) {
        for head in heads {
            let x = self.places.x[*head];
            let y = self.places.y[*head] - self.extents[*head].up;
            self.wire(vec![(x, top), (x, y)], Role::Rail, [Some(*head), None]);
        }
        let feet = self.plan.parts.iter().enumerate().filter(|(_, part)| match part.what {
            What::Foot { item, raised: false } => !part.ins.is_empty() && self.graph.icon(item).kind == Kind::Branch,
            _ => false,
        });
        let feet: Vec<PartId> = feet.map(|(id, _)| id).collect();
        for foot in &feet {
            let (x, y) = (self.places.x[*foot], self.places.y[*foot] + self.extents[*foot].down);
            self.wire(vec![(x, y), (x, bottom)], Role::Rail, [Some(*foot), None]);
        }
        let last = heads.iter().map(|head| self.places.x[*head]).max().unwrap_or(0);
        let from = self.places.x[first];
        if last > from {
            self.wire(vec![(from, top), (last, top)], Role::Rail, [None, None]);
        }
        if let Some(right) = feet.iter().map(|foot| self.places.x[*foot]).max() {
            let left = self.places.columns.first().map_or(0, |_| 0) - RAIL;
            let points = vec![(right, bottom), (left, bottom), (left, top), (from, top)];
            self.wire(points, Role::Rail, [None, None]);
            if let Some(wire) = self.layout.wires.last_mut() {
                wire.arrow = true;
            }
        }
    }

    fn wire(&mut self, points: Vec<(i64, i64)>, role: Role, ends: [Option<PartId>; 2]) {
        self.layout.wires.push(Wire { points, role, arrow: false, taken: 0, ends });
    }

    fn parts(&mut self, words: &Words) {
        let font = Font::regular();
        for id in 0..self.plan.parts.len() {
            let part = self.plan.parts[id].clone();
            if part.ins.is_empty() && part.outs.is_empty() {
                continue;
            }
            let (x, y) = (self.places.x[id], self.places.y[id]);
            let mut left = x;
            if let Some(block) = self.extents[id].block.take() {
                left = x - block.width / 2;
                let top = y - block.height / 2;
                if let [.., last] = part.outs[..]
                    && self.plan.lines[last].port == Port::Right
                {
                    self.answers(&part.outs, x, top + block.height, left + block.width, y, words);
                }
                self.layout.placed.push(Placed { block, x: left, y: top });
            }
            if let Some(side) = self.extents[id].side.take() {
                let at = left - SIDE_GAP;
                self.wire(vec![(at, y), (left, y)], Role::Tie, [Some(id), Some(id)]);
                left = at - side.width;
                let top = y - side.height / 2;
                self.layout.placed.push(Placed { block: side, x: left, y: top });
            }
            let What::Icon(item) = part.what else { continue };
            match self.graph.icon(item).kind {
                Kind::ArrowLoop => {
                    let right = part.outs.last().filter(|line| self.plan.lines[**line].back);
                    if right.is_none_or(|line| self.plan.parts[self.plan.lines[*line].to].ins.len() < 2) {
                        // Nothing comes back: only the icon itself is shown.
                        self.layout.arrows.push(LoopArrow { item, x: x + 1, y });
                    } else {
                        self.layout.arrows.push(LoopArrow { item, x, y });
                    }
                }
                Kind::ParBegin | Kind::ParEnd => self.bars(&part.ins, &part.outs, item, id, (x, y)),
                _ => {}
            }
            if let Some(letter) = self.plan.arrivals.get(&item).copied() {
                let block = letter_block(letter, item, font);
                let at = left - 20;
                self.wire(vec![(at, y), (left, y)], Role::Tie, [Some(id), Some(id)]);
                if let Some(wire) = self.layout.wires.last_mut() {
                    wire.arrow = true;
                }
                let (x, y) = (at - block.width, y - block.height / 2);
                self.layout.placed.push(Placed { block, x, y });
            }
        }
    }

    /// Yes and no at the ways out of a question.
    fn answers(&mut self, outs: &[usize], x: i64, bottom: i64, right: i64, y: i64, words: &Words) {
        for line in outs {
            let line = &self.plan.lines[*line];
            let Some((item, _)) = line.origin else { continue };
            let is_one = line.port == Port::Below;
            let text = if is_one == self.graph.icon(item).one_is_yes { words.yes } else { words.no };
            let (x, y) = if is_one { (x + 6, bottom + 14) } else { (right + 5, y - 5) };
            self.layout.labels.push(Label { text, x, y });
        }
    }

    /// The two lines of a parallel, over all of its ways.
    fn bars(&mut self, ins: &[usize], outs: &[usize], item: ItemId, id: PartId, (x, y): (i64, i64)) {
        let mut right = x;
        let mut left = x;
        let is_end = self.graph.icon(item).kind == Kind::ParEnd;
        for line in if is_end { ins } else { outs } {
            right = right.max(self.places.line_x[*line]);
            left = left.min(self.places.line_x[*line]);
        }
        for offset in [-3, 3] {
            let points = vec![(left - 18, y + offset), (right + 18, y + offset)];
            self.wire(points, Role::Bar(Some(item)), [Some(id), None]);
        }
    }

    fn lines(&mut self, taken: &Taken) {
        let counts = self.counts(taken);
        for (id, taken) in counts.into_iter().enumerate() {
            let line = self.plan.lines[id].clone();
            if self.plan.parts[line.to].ins.is_empty() {
                continue;
            }
            let at = self.places.line_x[id];
            let (from, to) = (
                (self.places.x[line.from], self.places.y[line.from]),
                (self.places.x[line.to], self.places.y[line.to]),
            );
            let [mut start, mut end] = [line.from, line.to].map(|part| self.extents[part].clone());
            // Lines run through the head of an arrow loop.
            if self.is_arrow_loop(line.from) {
                start.down = 0;
            }
            if self.is_arrow_loop(line.to) {
                end.up = 0;
            }
            let mut points = Vec::new();
            if line.back {
                if self.plan.parts[line.to].ins.len() < 2 {
                    continue;
                }
                points.extend([(at, to.1), (at, from.1), (from.0, from.1)]);
            } else {
                match line.port {
                    Port::Right => points.extend([(from.0 + start.right, from.1), (at, from.1)]),
                    Port::Below if at == from.0 => points.push((from.0, from.1 + start.down)),
                    Port::Below if start.is_bar => points.push((at, from.1 + start.down)),
                    Port::Below => {
                        let bar = from.1 + start.down + BAR_DROP;
                        points.extend([(from.0, bar), (at, bar)]);
                    }
                }
                if self.places.level[id] {
                    points.truncate(1);
                    points.push((self.places.line_x_of_meeting(&self.plan, line.to), from.1));
                } else if matches!(self.plan.parts[line.to].what, What::Join | What::Tail(_)) {
                    points.push((at, to.1));
                    let meeting = self.places.line_x_of_meeting(&self.plan, line.to);
                    points.push((meeting, to.1));
                } else {
                    points.push((at, to.1 - end.up));
                }
            }
            points.dedup();
            if points.len() < 2 {
                continue;
            }
            self.layout.wires.push(Wire {
                points,
                role: Role::Way,
                arrow: line.back,
                taken,
                ends: [Some(line.from), Some(line.to)],
            });
        }
    }

    /// How often each line was taken: what meets goes on together.
    fn counts(&self, taken: &Taken) -> Vec<u64> {
        let mut counts = vec![0; self.plan.lines.len()];
        if taken.is_empty() {
            return counts;
        }
        for (count, line) in counts.iter_mut().zip(&self.plan.lines) {
            *count = line.origin.and_then(|origin| taken.get(&origin).copied()).unwrap_or(0);
        }
        // A meeting above another was added after it, so a few rounds would do; a stack does in any order.
        let meetings = |part: &PartId| matches!(self.plan.parts[*part].what, What::Join | What::Tail(_));
        let mut waits: Vec<usize> = vec![0; self.plan.parts.len()];
        for part in (0..self.plan.parts.len()).filter(meetings) {
            waits[part] = self.plan.parts[part].ins.iter().filter(|line| self.is_from_meeting(**line)).count();
        }
        let mut ready: Vec<PartId> =
            (0..self.plan.parts.len()).filter(meetings).filter(|part| waits[*part] == 0).collect();
        while let Some(part) = ready.pop() {
            let ins = &self.plan.parts[part].ins;
            let sum = ins.iter().filter(|line| !self.plan.lines[**line].back).map(|line| counts[*line]).sum();
            for line in &self.plan.parts[part].outs {
                counts[*line] = sum;
                let to = self.plan.lines[*line].to;
                if meetings(&to) {
                    waits[to] -= 1;
                    if waits[to] == 0 {
                        ready.push(to);
                    }
                }
            }
            for line in ins.iter().filter(|line| self.plan.lines[**line].back) {
                counts[*line] = sum;
            }
        }
        counts
    }

    fn is_arrow_loop(&self, part: PartId) -> bool {
        matches!(self.plan.parts[part].what, What::Icon(item) if self.graph.icon(item).kind == Kind::ArrowLoop)
    }

    fn is_from_meeting(&self, line: usize) -> bool {
        matches!(self.plan.parts[self.plan.lines[line].from].what, What::Join | What::Tail(_))
    }

    /// Icons that are in the file and not in the picture.
    fn undrawn(&self) -> usize {
        let icons = self.graph.diagram.icons.iter().enumerate();
        icons.filter(|(item, icon)| !self.graph.reachable[*item] && icon.kind != Kind::Duration).count()
    }
}

/// Between the title and the parameters.
const ASIDE_PARAMS: i64 = 24;

/// From an icon to the bar at which several lines begin.
const BAR_DROP: i64 = 16;

impl Places {
    /// The vertical that goes on from a meeting of lines.
    fn line_x_of_meeting(&self, plan: &Plan, meeting: PartId) -> i64 {
        let part = &plan.parts[meeting];
        match part.outs.first() {
            Some(line) => self.line_x[*line],
            // The tail of a loop: the line that leads back.
            None => part.ins.last().map_or(self.x[meeting], |line| self.line_x[*line]),
        }
    }
}

/// What a foot says, for the tests and the titles of icons.
pub(super) fn foot_name(graph: &Graph<'_>, item: ItemId) -> String {
    branch_name(graph, item)
}
