//! Random diagrams that are valid by their making, as a person draws them: insert an icon, move the end of a line to where
//! it can go without crossing another, add a case, add a branch, turn an address.
//!
//! A diagram is grown by [`Act`]s, each of which means something in every diagram, so that a failing test shrinks to a few.
//! What keeps lines from crossing is a planar embedding: each icon knows the order of the lines that come to it and that
//! leave it, and the end of a line moves only along the two faces that the line borders on.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test file uses a part of it")]

mod check;
mod text;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

pub use text::Texts;

/// One change of a diagram: what is done, and where.
pub type Act = (u8, u16, u16);

/// Diagrams that up to `most` acts make.
pub fn diagram(most: usize, texts: Texts) -> impl Strategy<Value = Value> {
    proptest::collection::vec(any::<Act>(), 0..=most).prop_map(move |acts| grow(&acts, texts))
}

/// The diagram that these acts make of an empty one.
pub fn grow(acts: &[Act], texts: Texts) -> Value {
    let mut drawing = Drawing::new();
    for act in acts {
        drawing.act(*act);
    }
    drawing.json(texts)
}

type NodeId = usize;
type EdgeId = usize;
type ScopeId = usize;

/// Icons that one line comes to and one leaves, as their files name them.
const PLAIN: [&str; 18] = [
    "action",
    "action",
    "action",
    "action",
    "insertion",
    "process",
    "shelf",
    "input",
    "output",
    "simpleinput",
    "sinput",
    "simpleoutput",
    "soutput",
    "pause",
    "timer",
    "comment",
    "ctrlstart",
    "ctrlend",
];
const MOST_CASES: usize = 6;
const MOST_PATHS: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Plain(&'static str),
    /// An action in which nothing is written.
    Empty,
    Branch,
    End,
    /// Where the lines of a branch of a silhouette end, each at an address.
    Bus,
    Question,
    Select,
    Case,
    LoopBegin,
    LoopEnd,
    ArrowLoop,
    ParBegin,
    ParEnd,
}

#[derive(Clone, Debug)]
struct Node {
    kind: Kind,
    /// What the lines that come to it stand in, and what those stand in that leave it.
    upper: ScopeId,
    lower: ScopeId,
    /// From left to right; what comes back to an arrow loop is at the right.
    ins: Vec<EdgeId>,
    /// `one`, `two`.
    outs: Vec<EdgeId>,
    one_is_yes: bool,
    side: bool,
}

#[derive(Clone, Debug)]
struct Edge {
    from: NodeId,
    to: NodeId,
    /// Whether it goes up, to an arrow loop.
    back: bool,
    /// The branch that a line to a bus goes on with.
    address: Option<NodeId>,
}

/// The body of a `for` loop, or a parallel path.
#[derive(Clone, Debug)]
struct Scope {
    parent: ScopeId,
    /// Of a path: where it joins the others.
    join: Option<NodeId>,
}

const OUTSIDE: ScopeId = 0;

#[derive(Clone, Debug)]
struct Drawing {
    nodes: Vec<Node>,
    edges: Vec<Edge>,
    scopes: Vec<Scope>,
    /// From left to right, without the handler of errors.
    branches: Vec<NodeId>,
    catch: Option<NodeId>,
}

impl Drawing {
    fn new() -> Self {
        let scopes = vec![Scope { parent: OUTSIDE, join: None }];
        let mut drawing = Self { nodes: Vec::new(), edges: Vec::new(), scopes, branches: Vec::new(), catch: None };
        let (start, end) = (drawing.node(Kind::Branch, OUTSIDE), drawing.node(Kind::End, OUTSIDE));
        let edge = drawing.edge(start, end, false, None);
        drawing.nodes[end].ins.push(edge);
        drawing.branches.push(start);
        drawing
    }

    fn node(&mut self, kind: Kind, scope: ScopeId) -> NodeId {
        let node = Node {
            kind,
            upper: scope,
            lower: scope,
            ins: Vec::new(),
            outs: Vec::new(),
            one_is_yes: false,
            side: false,
        };
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// The next line that leaves `from`; where it comes among those that come to `to` is the caller's to say.
    fn edge(&mut self, from: NodeId, to: NodeId, back: bool, address: Option<NodeId>) -> EdgeId {
        self.edges.push(Edge { from, to, back, address });
        self.nodes[from].outs.push(self.edges.len() - 1);
        self.edges.len() - 1
    }

    /// A line that is the first to come to `to`.
    fn link(&mut self, from: NodeId, to: NodeId) {
        let edge = self.edge(from, to, false, None);
        self.nodes[to].ins.push(edge);
    }

    fn act(&mut self, (what, place, more): Act) {
        let (place, more) = (usize::from(place), usize::from(more));
        match what % 32 {
            0..=7 => {
                let kind = PLAIN[more % PLAIN.len()];
                let kind = if more % 97 == 96 { Kind::Empty } else { Kind::Plain(kind) };
                self.insert(place, kind, more);
            }
            8..=12 => self.insert(place, Kind::Question, more),
            13 | 14 => self.insert(place, Kind::Select, more),
            15 | 16 => self.insert(place, Kind::LoopBegin, more),
            17 => self.insert(place, Kind::ArrowLoop, more),
            18 => self.insert(place, Kind::ParBegin, more),
            19..=25 => self.attempt(|drawing| drawing.move_end(place, more)),
            26 => self.add_case(place),
            27 => self.add_path(place),
            28 => self.add_branch(),
            29 | 30 => self.attempt(|drawing| drawing.turn_address(place, more)),
            _ if more % 4 == 0 => self.add_catch(),
            _ => self.add_side(place),
        }
    }

    /// Takes a change back that makes no valid diagram.
    fn attempt(&mut self, change: impl FnOnce(&mut Self)) {
        let before = self.clone();
        change(self);
        if !self.holds() {
            *self = before;
        }
    }

    /// What a line stands in: what it comes to, for a line that leaves a loop early has left it.
    fn scope(&self, edge: EdgeId) -> ScopeId {
        let Edge { from, to, .. } = self.edges[edge];
        if self.nodes[to].kind != Kind::ParEnd {
            return self.nodes[to].upper;
        }
        let mut scope = self.nodes[from].lower;
        while self.scopes[scope].join.is_none() {
            scope = self.scopes[scope].parent;
        }
        scope
    }

    /// Lines that an icon can be put on: not those between a select and its cases, or between parallel paths.
    fn lines(&self) -> Vec<EdgeId> {
        (0..self.edges.len()).filter(|edge| !self.is_chain(*edge)).collect()
    }

    fn is_chain(&self, edge: EdgeId) -> bool {
        let Edge { from, to, .. } = self.edges[edge];
        self.nodes[to].kind == Kind::Case
            || (self.nodes[from].kind == Kind::ParBegin && self.nodes[from].outs.get(1) == Some(&edge))
    }

    /// Puts an icon on a line, with all that belongs to it.
    fn insert(&mut self, place: usize, kind: Kind, more: usize) {
        let lines = self.lines();
        let edge = lines[place % lines.len()];
        let scope = self.scope(edge);
        let Edge { to, back, address, .. } = self.edges[edge];
        let top = self.node(kind, scope);
        self.nodes[top].one_is_yes = more % 2 == 1;
        // What goes on, from left to right.
        let mut bottom = vec![top];
        match kind {
            Kind::Question => bottom.push(top),
            Kind::Select => {
                bottom.clear();
                let mut last = top;
                for _ in 0..=more % 3 {
                    let case = self.node(Kind::Case, scope);
                    self.link(last, case);
                    bottom.push(case);
                    last = case;
                }
            }
            Kind::LoopBegin => {
                let body = self.new_scope(scope, None);
                let end = self.node(Kind::LoopEnd, scope);
                self.nodes[end].upper = body;
                self.nodes[top].lower = body;
                self.link(top, end);
                bottom = vec![end];
            }
            Kind::ArrowLoop => {
                let question = self.node(Kind::Question, scope);
                self.nodes[question].one_is_yes = more % 2 == 1;
                self.link(top, question);
                bottom = vec![question];
            }
            Kind::ParBegin => {
                let end = self.node(Kind::ParEnd, scope);
                let path = self.new_scope(scope, Some(end));
                self.nodes[top].lower = path;
                self.link(top, end);
                for _ in 0..=more % 3 {
                    self.path_after(top, end, scope);
                }
                bottom = vec![end];
            }
            _ => {}
        }
        // The first line keeps its place below; the others come at its right.
        let at = self.nodes[to].ins.iter().position(|found| *found == edge).unwrap();
        self.nodes[to].ins.remove(at);
        for (index, from) in bottom.iter().enumerate() {
            let line = self.edge(*from, to, back, address);
            self.nodes[to].ins.insert(at + index, line);
            // Of a case, `one` is the way down.
            if kind == Kind::Select {
                self.nodes[*from].outs.rotate_right(1);
            }
        }
        self.edges[edge] = Edge { from: self.edges[edge].from, to: top, back: false, address: None };
        self.nodes[top].ins.insert(0, edge);
        if kind == Kind::ArrowLoop {
            let up = self.edge(bottom[0], top, true, None);
            self.nodes[top].ins.push(up);
        }
    }

    fn new_scope(&mut self, parent: ScopeId, join: Option<NodeId>) -> ScopeId {
        self.scopes.push(Scope { parent, join });
        self.scopes.len() - 1
    }

    /// Another path at the right of the last one.
    fn path_after(&mut self, first: NodeId, end: NodeId, scope: ScopeId) {
        let mut last = first;
        let mut paths = 1;
        while let Some(next) = self.nodes[last].outs.get(1) {
            last = self.edges[*next].to;
            paths += 1;
        }
        if paths >= MOST_PATHS {
            return;
        }
        let path = self.node(Kind::ParBegin, scope);
        self.nodes[path].lower = self.new_scope(scope, Some(end));
        self.link(last, path);
        // All lines of the paths at its left come before it.
        self.link(path, end);
    }

    fn of_kind(&self, kind: Kind) -> Vec<NodeId> {
        (0..self.nodes.len()).filter(|node| self.nodes[*node].kind == kind).collect()
    }

    /// A case before the last one; it goes on where the case at its left does.
    fn add_case(&mut self, place: usize) {
        let cases = self.of_kind(Kind::Case);
        let Some(left) = cases.get(place % cases.len().max(1)).copied() else { return };
        let mut count = 0;
        let mut at = left;
        while self.nodes[at].kind == Kind::Case {
            at = self.edges[self.nodes[at].ins[0]].from;
            count += 1;
        }
        if count >= MOST_CASES || self.nodes[left].outs.len() < 2 {
            return;
        }
        let [below, right] = self.nodes[left].outs[..] else { return };
        let case = self.node(Kind::Case, self.nodes[left].upper);
        let Edge { to, back, address, .. } = self.edges[below];
        let line = self.edge(case, to, back, address);
        let at = self.nodes[to].ins.iter().position(|found| *found == below).unwrap();
        self.nodes[to].ins.insert(at + 1, line);
        let next = self.edges[right].to;
        self.edges[right].to = case;
        self.nodes[case].ins.push(right);
        self.nodes[next].ins.clear();
        self.link(case, next);
    }

    fn add_path(&mut self, place: usize) {
        let firsts: Vec<NodeId> =
            self.of_kind(Kind::ParBegin).into_iter().filter(|path| self.is_first(*path)).collect();
        let Some(first) = firsts.get(place % firsts.len().max(1)).copied() else { return };
        let scope = self.nodes[first].upper;
        if let Some(end) = self.scopes[self.nodes[first].lower].join {
            self.path_after(first, end, scope);
        }
    }

    fn is_first(&self, path: NodeId) -> bool {
        self.nodes[path].ins.iter().all(|edge| !self.is_chain(*edge))
    }

    /// A branch at the right; the one before it, which came to the end, comes to it.
    fn add_branch(&mut self) {
        let end = self.of_kind(Kind::End)[0];
        let branch = self.node(Kind::Branch, OUTSIDE);
        let bus = self.node(Kind::Bus, OUTSIDE);
        let lines = std::mem::take(&mut self.nodes[end].ins);
        for line in &lines {
            self.edges[*line].to = bus;
            self.edges[*line].address = Some(branch);
        }
        self.nodes[bus].ins = lines;
        self.link(branch, end);
        self.branches.push(branch);
    }

    /// The handler of errors, which goes on with the last branch.
    fn add_catch(&mut self) {
        if self.catch.is_some() || self.branches.len() < 2 {
            return;
        }
        let catch = self.node(Kind::Branch, OUTSIDE);
        let bus = self.node(Kind::Bus, OUTSIDE);
        let line = self.edge(catch, bus, false, self.branches.last().copied());
        self.nodes[bus].ins.push(line);
        self.catch = Some(catch);
    }

    fn turn_address(&mut self, place: usize, more: usize) {
        let lines: Vec<EdgeId> = (0..self.edges.len()).filter(|edge| self.edges[*edge].address.is_some()).collect();
        if let Some(line) = lines.get(place % lines.len().max(1)) {
            self.edges[*line].address = Some(self.branches[more % self.branches.len()]);
        }
    }

    fn add_side(&mut self, place: usize) {
        let node = place % self.nodes.len();
        self.nodes[node].side |= matches!(self.nodes[node].kind, Kind::Plain(kind) if kind != "comment");
    }

    /// Moves the end of a line to another place on a face that it borders on.
    fn move_end(&mut self, place: usize, more: usize) {
        let lines: Vec<EdgeId> = self.lines().into_iter().filter(|edge| self.is_spare(*edge)).collect();
        let Some(line) = lines.get(place % lines.len().max(1)).copied() else { return };
        let Edge { from, to, .. } = self.edges[line];
        let places: Vec<(NodeId, usize)> =
            self.corners(line).into_iter().filter(|(node, at)| *node != to && self.may_end(line, *node, *at)).collect();
        let Some((target, mut at)) = places.get(more % places.len().max(1)).copied() else { return };
        let address = match self.nodes[target].kind {
            Kind::Bus => self.nodes[target].ins.get(at.saturating_sub(1)).and_then(|left| self.edges[*left].address),
            _ => None,
        };
        self.nodes[to].ins.retain(|found| *found != line);
        let back = self.reaches(target, from);
        at = at.min(self.nodes[target].ins.len());
        self.nodes[target].ins.insert(at, line);
        self.edges[line] = Edge { from, to: target, back, address };
    }

    /// Whether what it comes to can do without it.
    fn is_spare(&self, edge: EdgeId) -> bool {
        let Edge { to, back, .. } = self.edges[edge];
        self.nodes[to].ins.iter().any(|other| *other != edge && self.edges[*other].back == back)
    }

    /// Whether a line may come to `target` as number `at`.
    fn may_end(&self, line: EdgeId, target: NodeId, at: usize) -> bool {
        let from = self.edges[line].from;
        let node = &self.nodes[target];
        if matches!(node.kind, Kind::Branch | Kind::Case) || (node.kind == Kind::ParBegin && !self.is_first(target)) {
            return false;
        }
        let forward = node.ins.iter().filter(|edge| !self.edges[**edge].back).count();
        if self.reaches(target, from) {
            return node.kind == Kind::ArrowLoop && at == node.ins.len() && self.nodes[from].lower == node.upper;
        }
        // Out of loops, not into them, and neither into a path nor out of it.
        let mut scope = self.nodes[from].lower;
        let fits = |scope: ScopeId| match node.kind {
            Kind::ParEnd => self.scopes[scope].join == Some(target),
            _ => scope == node.upper,
        };
        while !fits(scope) {
            if scope == OUTSIDE || self.scopes[scope].join.is_some() {
                return false;
            }
            scope = self.scopes[scope].parent;
        }
        at <= forward
    }

    /// The places on the two faces that a line borders on: an icon, and the number that a line there would have.
    fn corners(&self, line: EdgeId) -> Vec<(NodeId, usize)> {
        let mut corners = Vec::new();
        for mut leaves in [true, false] {
            let (start, first) = ((line, leaves), line);
            let mut edge = first;
            // Along the line to its other end; there, on with the next line clockwise: lines that come from left to right,
            // then lines that leave from right to left.
            loop {
                let node = if leaves { self.edges[edge].to } else { self.edges[edge].from };
                let Node { ins, outs, .. } = &self.nodes[node];
                let at = if leaves {
                    ins.iter().position(|found| *found == edge).unwrap()
                } else {
                    ins.len() + outs.len() - 1 - outs.iter().position(|found| *found == edge).unwrap()
                };
                let next = (at + 1) % (ins.len() + outs.len());
                if next <= ins.len() {
                    corners.push((node, if at < ins.len() { at + 1 } else { 0 }));
                }
                (edge, leaves) = if next < ins.len() {
                    (ins[next], false)
                } else {
                    (outs[outs.len() - 1 - (next - ins.len())], true)
                };
                if (edge, leaves) == start {
                    break;
                }
            }
        }
        corners
    }

    fn json(&self, texts: Texts) -> Value {
        let mut items = Map::new();
        let id = |node: NodeId| Value::from((node + 1).to_string());
        for (index, node) in self.nodes.iter().enumerate() {
            let mut item = json!({ "type": node.kind.name() });
            for (field, edge) in ["one", "two"].iter().zip(&node.outs) {
                let Edge { to, address, .. } = self.edges[*edge];
                item[*field] = id(address.unwrap_or(to));
            }
            let branch = self.branches.iter().position(|branch| *branch == index);
            match node.kind {
                Kind::Bus => continue,
                Kind::Question => item["flag1"] = u8::from(node.one_is_yes).into(),
                Kind::Branch if self.branches.len() == 1 => item["branchId"] = 0.into(),
                Kind::Branch => item["branchId"] = (branch.unwrap_or(self.branches.len()) + 1).into(),
                _ => {}
            }
            self.write(index, texts, &mut item);
            if node.side {
                let side = format!("s{}", index + 1);
                items.insert(side.clone(), json!({ "type": "duration", "content": text::duration(texts) }));
                item["side"] = side.into();
            }
            items.insert((index + 1).to_string(), item);
        }
        json!({ "type": "drakon", "name": "Random", "params": text::params(texts), "items": items })
    }
}
