//! What is to be drawn: parts and the lines between them, column by column, before anything has a place.
//!
//! A line that goes back to the head of a loop is turned round: it leaves the head at its right and ends in the loop's tail,
//! where the ways that go back meet. So what is to be placed has no cycles.

use std::collections::BTreeMap;

use crate::graph::Graph;
use crate::read::{ItemId, Kind};

pub(super) type PartId = usize;
pub(super) type LineId = usize;
pub(super) type FaceId = usize;

/// What stands at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// The title of the diagram, where a primitive begins.
    Title(ItemId),
    /// An icon of the file.
    Icon(ItemId),
    /// An address or the end: at the foot of its column, unless what lies around it leaves no way down.
    Foot { item: ItemId, raised: bool },
    /// Where lines meet.
    Join,
    /// Where the ways back to the head of a loop meet.
    Tail(ItemId),
    /// A line that goes on at an icon to which it cannot be drawn.
    Jump(ItemId),
}

#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) what: What,
    pub(super) column: usize,
    /// From left to right once the plan is embedded.
    pub(super) ins: Vec<LineId>,
    /// From left to right.
    pub(super) outs: Vec<LineId>,
    /// The free space at its left and at its right.
    pub(super) left: FaceId,
    pub(super) right: FaceId,
}

/// Where a line leaves an icon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Port {
    Below,
    Right,
}

#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) from: PartId,
    pub(super) to: PartId,
    pub(super) port: Port,
    /// Of a line that a run follows upwards: from the tail of a loop to its head.
    pub(super) back: bool,
    /// The icons that it connects in the file.
    pub(super) origin: Option<(ItemId, ItemId)>,
    pub(super) left: FaceId,
    pub(super) right: FaceId,
}

/// All that is to be drawn.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) parts: Vec<Part>,
    pub(super) lines: Vec<Line>,
    /// The first part of each column.
    pub(super) heads: Vec<PartId>,
    pub(super) is_silhouette: bool,
    /// How many faces there are.
    pub(super) faces: usize,
    /// The icons at which jumps arrive, with the letter that stands for each.
    pub(super) arrivals: BTreeMap<ItemId, usize>,
    /// Parts at which nothing goes on, each with the line at its left: what that line leads to spreads below the part.
    pub(super) above: Vec<(PartId, LineId)>,
    /// The parts in an order in which each comes after those that lead to it.
    pub(super) sequence: Vec<PartId>,
}

impl Plan {
    pub(super) fn new(graph: &Graph<'_>) -> Self {
        let count = graph.diagram.icons.len();
        let mut branches: Vec<ItemId> = (0..count).filter(|item| graph.icon(*item).kind == Kind::Branch).collect();
        branches.sort_by_key(|branch| (graph.icon(*branch).branch, *branch));
        let is_addressed = |branch: ItemId| {
            graph.diagram.icons.iter().any(|icon| icon.one == Some(branch) || icon.two == Some(branch))
        };
        let is_silhouette = match branches[..] {
            [only] => is_addressed(only),
            _ => branches.len() > 1,
        };
        let mut plan = Self {
            parts: Vec::new(),
            lines: Vec::new(),
            heads: Vec::new(),
            is_silhouette,
            faces: 0,
            arrivals: BTreeMap::new(),
            above: Vec::new(),
            sequence: Vec::new(),
        };
        let mut growth = Growth { at: vec![None; count], is_open: vec![false; count], ..Growth::default() };
        for branch in branches {
            plan.grow(graph, branch, &mut growth);
        }
        plan
    }

    pub(super) fn part(&mut self, what: What, column: usize) -> PartId {
        self.parts.push(Part { what, column, ins: Vec::new(), outs: Vec::new(), left: 0, right: 0 });
        self.parts.len() - 1
    }

    pub(super) fn line(&mut self, line: Line) -> LineId {
        let id = self.lines.len();
        self.parts[line.from].outs.push(id);
        self.parts[line.to].ins.push(id);
        self.lines.push(line);
        id
    }

    pub(super) fn face(&mut self) -> FaceId {
        self.faces += 1;
        self.faces - 1
    }

    /// A column: all that its branch leads to and no column before it has.
    fn grow(&mut self, graph: &Graph<'_>, branch: ItemId, growth: &mut Growth) {
        let column = self.heads.len();
        let what = if self.is_silhouette { What::Icon(branch) } else { What::Title(branch) };
        let head = self.part(what, column);
        self.heads.push(head);
        growth.at[branch] = Some(head);
        growth.feet.clear();
        growth.tails.clear();
        growth.is_open[branch] = true;
        let mut stack = vec![(branch, ways(graph, branch), 0)];
        while let Some((item, ways_out, next)) = stack.last_mut() {
            let from = growth.at[*item].unwrap_or(head);
            let Some(way) = ways_out.get(*next).copied() else {
                growth.is_open[*item] = false;
                stack.pop();
                continue;
            };
            *next += 1;
            let Way { source, target, port } = way;
            let kind = graph.icon(target).kind;
            let mut is_new = false;
            let to = match growth.at[target] {
                _ if kind == Kind::Branch || kind == Kind::End => *growth
                    .feet
                    .entry(target)
                    .or_insert_with(|| self.part(What::Foot { item: target, raised: false }, column)),
                None => {
                    is_new = true;
                    let part = self.part(What::Icon(target), column);
                    growth.at[target] = Some(part);
                    part
                }
                Some(part) if self.parts[part].column != column => self.jump(target, column),
                Some(_) if growth.is_open[target] && kind == Kind::ArrowLoop => {
                    *growth.tails.entry(target).or_insert_with(|| self.part(What::Tail(target), column))
                }
                Some(_) if growth.is_open[target] => self.jump(target, column),
                Some(part) => part,
            };
            let origin = Some((source, target));
            self.line(Line { from, to, port, back: false, origin, left: 0, right: 0 });
            if is_new {
                growth.is_open[target] = true;
                stack.push((target, ways(graph, target), 0));
            }
        }
        for (item, tail) in &growth.tails {
            let from = growth.at[*item].unwrap_or(head);
            self.line(Line { from, to: *tail, port: Port::Below, back: true, origin: None, left: 0, right: 0 });
        }
    }

    /// A part for a line that goes on elsewhere.
    pub(super) fn jump(&mut self, target: ItemId, column: usize) -> PartId {
        let letter = self.arrivals.len();
        self.arrivals.entry(target).or_insert(letter);
        self.part(What::Jump(target), column)
    }
}

/// What is known while columns grow.
#[derive(Default)]
struct Growth {
    /// The part of each icon.
    at: Vec<Option<PartId>>,
    /// Whether the way that is followed came through an icon.
    is_open: Vec<bool>,
    /// Of this column.
    feet: BTreeMap<ItemId, PartId>,
    tails: BTreeMap<ItemId, PartId>,
}

#[derive(Clone, Copy)]
struct Way {
    source: ItemId,
    target: ItemId,
    port: Port,
}

/// The lines that leave an icon, from left to right.
fn ways(graph: &Graph<'_>, item: ItemId) -> Vec<Way> {
    let icon = graph.icon(item);
    let way = |source: ItemId, target: Option<ItemId>, port| target.map(|target| Way { source, target, port });
    let one = way(item, icon.one, Port::Below);
    match icon.kind {
        Kind::End | Kind::Duration => Vec::new(),
        Kind::Question => one.into_iter().chain(way(item, icon.two, Port::Right)).collect(),
        Kind::Select => match graph.cases.get(&item) {
            Some(cases) if !cases.is_empty() => {
                cases.iter().filter_map(|case| way(item, Some(*case), Port::Below)).collect()
            }
            _ => one.into_iter().collect(),
        },
        Kind::ParBegin => match graph.parallels.get(&item) {
            Some(parallel) => {
                parallel.paths.iter().filter_map(|path| way(*path, graph.icon(*path).one, Port::Below)).collect()
            }
            None => one.into_iter().chain(way(item, icon.two, Port::Below)).collect(),
        },
        _ => one.into_iter().collect(),
    }
}
