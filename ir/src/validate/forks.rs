//! Which branch each node belongs to, and whether forks keep their rules.

use std::collections::{BTreeMap, BTreeSet};

use super::graph::{Graph, Index};
use super::parts::Spot;
use super::{Report, codes};
use crate::document::{Action, Awaited, Branch, NodeKind};

/// A branch of a fork.
pub(super) struct BranchPlace<'a> {
    pub branch: &'a Branch,
    pub fork: Index,
    pub join: Index,
    /// Its position in the fork.
    position: usize,
}

/// The branches of a document, and for each node the innermost one that it belongs to.
pub(super) struct Branches<'a> {
    pub all: Vec<BranchPlace<'a>>,
    pub of: Vec<Region>,
    /// For each fork the number of its first branch.
    first: BTreeMap<Index, usize>,
    /// For each join its fork.
    forks: BTreeMap<Index, Index>,
}

/// Where a node stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Region {
    /// Nothing leads to it.
    Nowhere,
    /// In no branch.
    Main,
    /// In the branch with this number.
    Branch(usize),
}

impl<'a> Branches<'a> {
    /// `None` when an edge crosses the border of a branch: what is known where is then unclear.
    pub(super) fn check(graph: &Graph<'a>, report: &mut Report<'a>) -> Option<Self> {
        let before = report.errors();
        let mut walk = Walk {
            graph,
            branches: Self {
                all: Vec::new(),
                of: vec![Region::Nowhere; graph.nodes.len()],
                first: BTreeMap::new(),
                forks: BTreeMap::new(),
            },
            rest: Vec::new(),
        };
        for (pointer, root) in [("/entry", Some(graph.entry)), ("/catch/to", graph.catch)] {
            let Some(root) = root else { continue };
            walk.enter(root, Region::Main);
            if walk.is_join(root) {
                report.document_error(codes::EDGE_ACROSS_BRANCH, pointer, |it| it.with("target", graph.id(root)));
            }
        }
        while let Some(index) = walk.rest.pop() {
            walk.step(index, report);
        }
        let branches = walk.branches;
        if report.errors() > before {
            return None;
        }
        branches.check_writes(graph, report);
        branches.check_awaits(graph, report);
        Some(branches)
    }

    /// The number of a fork's first branch; the others follow.
    pub(super) fn first_of(&self, fork: Index) -> Option<usize> {
        self.first.get(&fork).copied()
    }

    /// The fork that meets at a join.
    pub(super) fn fork_of(&self, join: Index) -> Option<Index> {
        self.forks.get(&join).copied()
    }

    /// A fork's branches, with their numbers.
    pub(super) fn of_fork(&self, fork: Index) -> impl Iterator<Item = (usize, &BranchPlace<'a>)> {
        let first = self.first_of(fork).unwrap_or(self.all.len());
        self.all.iter().enumerate().skip(first).take_while(move |(_, place)| place.fork == fork)
    }

    /// The branch that a branch's fork stands in.
    fn outer(&self, branch: usize) -> Region {
        self.of[self.all[branch].fork]
    }

    fn check_writes(&self, graph: &Graph<'a>, report: &mut Report<'a>) {
        let mut set: BTreeSet<(usize, &str)> = BTreeSet::new();
        for (index, edges) in graph.edges.iter().enumerate() {
            if let Region::Branch(branch) = self.of[index] {
                set.extend(edges.iter().flat_map(|edge| &edge.sets).map(|variable| (branch, *variable)));
            }
        }
        // Inner branches come after the branch that their fork stands in.
        for (number, place) in self.all.iter().enumerate().rev() {
            for variable in &place.branch.writes {
                if !set.contains(&(number, variable.as_str())) {
                    let spot = Spot::Within("branches", place.position, "writes");
                    report.error(codes::WRITE_WITHOUT_SET, graph.id(place.fork), spot, |it| {
                        it.with("variable", variable).with("branch", &place.branch.name)
                    });
                }
                if let Region::Branch(outer) = self.outer(number) {
                    set.insert((outer, variable));
                }
            }
        }
        let mut writers: BTreeMap<(Index, &str), usize> = BTreeMap::new();
        for (number, place) in self.all.iter().enumerate() {
            for variable in &place.branch.writes {
                let first = *writers.entry((place.fork, variable)).or_insert(number);
                if first != number {
                    let spot = Spot::Within("branches", place.position, "writes");
                    report.error(codes::WRITES_OVERLAP, graph.id(place.fork), spot, |it| {
                        it.with("variable", variable)
                            .with("first", &self.all[first].branch.name)
                            .with("second", &place.branch.name)
                    });
                }
            }
        }
    }

    fn check_awaits(&self, graph: &Graph<'a>, report: &mut Report<'a>) {
        let mut awaiters: BTreeMap<(Index, &str, &str), usize> = BTreeMap::new();
        for (index, (id, node)) in graph.nodes.iter().enumerate() {
            let NodeKind::Action(Action::Await { what, .. }) = &node.kind else { continue };
            let (kind, name) = match what {
                Awaited::Signal(name) => ("signal", name.as_str()),
                Awaited::Timer(name) => ("timer", name.as_str()),
                Awaited::Ask(_) => continue,
            };
            let mut region = self.of[index];
            while let Region::Branch(number) = region {
                let fork = self.all[number].fork;
                let first = *awaiters.entry((fork, kind, name)).or_insert(number);
                if first != number {
                    report.error(codes::AWAIT_IN_TWO_BRANCHES, id, Spot::Member(kind), |it| {
                        it.with("name", name)
                            .with("first", &self.all[first].branch.name)
                            .with("second", &self.all[number].branch.name)
                    });
                    break;
                }
                region = self.outer(number);
            }
        }
    }
}

struct Walk<'g, 'a> {
    graph: &'g Graph<'a>,
    branches: Branches<'a>,
    rest: Vec<Index>,
}

impl<'a> Walk<'_, 'a> {
    /// Says that a node belongs to a region; false when it belongs to another one already.
    fn enter(&mut self, index: Index, region: Region) -> bool {
        let known = &mut self.branches.of[index];
        if *known == Region::Nowhere {
            *known = region;
            self.rest.push(index);
        }
        *known == region
    }

    fn step(&mut self, index: Index, report: &mut Report<'a>) {
        let region = self.branches.of[index];
        match &self.graph.node(index).kind {
            NodeKind::Action(Action::Fork { branches, .. }) => self.step_fork(index, branches, report),
            NodeKind::Action(Action::Join { fork, .. }) => {
                let forks = self.graph.nodes.binary_search_by_key(&fork, |(id, _)| id);
                if !forks.is_ok_and(|fork| self.join_of(fork) == Some(index)) {
                    report.error(codes::UNMATCHED_FORK, self.graph.id(index), Spot::Member("fork"), |it| {
                        it.with("fork", fork).with("join", self.graph.id(index))
                    });
                }
                self.follow(index, 0, report);
            }
            NodeKind::Return(_) => {
                if let Region::Branch(number) = region {
                    let name = &self.branches.all[number].branch.name;
                    report.error(codes::RETURN_IN_BRANCH, self.graph.id(index), None, |it| it.with("branch", name));
                }
            }
            _ => self.follow(index, 0, report),
        }
    }

    /// The first exits of a fork are its branches, then comes its join, then perhaps its error's.
    fn step_fork(&mut self, index: Index, branches: &'a [Branch], report: &mut Report<'a>) {
        let id = self.graph.id(index);
        let Some(join) = self.graph.edges[index].get(branches.len()).map(|edge| edge.to) else { return };
        let named = match &self.graph.node(join).kind {
            NodeKind::Action(Action::Join { fork, .. }) => fork == id,
            _ => false,
        };
        if !named {
            report.error(codes::UNMATCHED_FORK, id, Spot::Member("join"), |it| {
                it.with("fork", id).with("join", self.graph.id(join))
            });
        }
        self.branches.first.insert(index, self.branches.all.len());
        self.branches.forks.insert(join, index);
        for (position, branch) in branches.iter().enumerate() {
            let number = self.branches.all.len();
            self.branches.all.push(BranchPlace { branch, fork: index, join, position });
            let Some(entry) = self.graph.edges[index].get(position).map(|edge| edge.to) else { continue };
            if entry != join && !self.enter(entry, Region::Branch(number)) {
                self.crosses(index, entry, report);
            }
        }
        let region = self.branches.of[index];
        if !self.enter(join, region) {
            self.crosses(index, join, report);
        }
        self.follow(index, branches.len().saturating_add(1), report);
    }

    /// Goes along the exits from the given one on.
    fn follow(&mut self, index: Index, first: usize, report: &mut Report<'a>) {
        let region = self.branches.of[index];
        let own_join = match region {
            Region::Branch(number) => Some(self.branches.all[number].join),
            _ => None,
        };
        let graph = self.graph;
        for edge in graph.edges[index].iter().skip(first).filter(|edge| Some(edge.to) != own_join) {
            if self.is_join(edge.to) || !self.enter(edge.to, region) {
                self.crosses(index, edge.to, report);
            }
        }
    }

    fn is_join(&self, index: Index) -> bool {
        matches!(self.graph.node(index).kind, NodeKind::Action(Action::Join { .. }))
    }

    fn crosses(&self, from: Index, to: Index, report: &mut Report<'a>) {
        let target = self.graph.id(to);
        report.error(codes::EDGE_ACROSS_BRANCH, self.graph.id(from), None, |it| it.with("target", target));
    }

    fn join_of(&self, index: Index) -> Option<Index> {
        match &self.graph.node(index).kind {
            NodeKind::Action(Action::Fork { branches, .. }) => {
                self.graph.edges[index].get(branches.len()).map(|edge| edge.to)
            }
            _ => None,
        }
    }
}
