//! Where runs go from each icon, with the jumps that are written in icons, and how the icons are nested.

use std::collections::BTreeMap;

use crate::graph::Graph;
use crate::lower::{Form, Forms};
use crate::read::{ItemId, Kind};
use crate::text::{Jump, Spanned, Statement};

/// The icons of a diagram as they are printed.
pub(super) struct Flow<'g> {
    pub(super) graph: &'g Graph<'g>,
    pub(super) forms: &'g Forms,
    /// Where a run goes from each icon, in the order of its arms.
    pub(super) exits: Vec<Vec<ItemId>>,
    /// The branches that are printed as such, or the only one; the handler of errors is last.
    pub(super) roots: Vec<ItemId>,
    /// Whether an icon is one of those.
    pub(super) starts: Vec<bool>,
    /// Whether branches are gone to by their names.
    pub(super) named: bool,
    /// The end of the flow, where there is one.
    pub(super) end: Option<ItemId>,
    /// All icons in reverse postorder.
    pub(super) order: Vec<ItemId>,
}

impl<'g> Flow<'g> {
    pub(super) fn new(graph: &'g Graph<'g>, forms: &'g Forms) -> Self {
        let icons = &graph.diagram.icons;
        let end = icons.iter().position(|icon| icon.kind == Kind::End).filter(|end| graph.reachable[*end]);
        let branches = (0..icons.len()).filter(|item| icons[*item].kind == Kind::Branch && graph.reachable[*item]);
        let named = branches.clone().count() > 1;
        let by_name: BTreeMap<String, ItemId> =
            branches.map(|item| (icons[item].text.trim().to_lowercase(), item)).collect();
        let mut flow = Self {
            graph,
            forms,
            exits: Vec::new(),
            roots: Vec::new(),
            starts: vec![false; icons.len()],
            named,
            end,
            order: Vec::new(),
        };
        flow.exits = (0..icons.len()).map(|item| flow.exits_of(item, &by_name)).collect();
        flow.order();
        flow
    }

    fn exits_of(&self, item: ItemId, by_name: &BTreeMap<String, ItemId>) -> Vec<ItemId> {
        let graph = self.graph;
        if !graph.reachable[item] {
            return Vec::new();
        }
        let icon = graph.icon(item);
        let follow = |end: Option<ItemId>| end.and_then(|end| graph.icon(end).one);
        match icon.kind {
            Kind::End | Kind::LoopEnd | Kind::ParEnd | Kind::Duration => Vec::new(),
            Kind::Question => {
                let (then, otherwise) = if icon.one_is_yes { (icon.one, icon.two) } else { (icon.two, icon.one) };
                [then, otherwise].into_iter().flatten().collect()
            }
            Kind::Select => match self.forms.of(item) {
                Some(Form::Select { cases, .. }) => cases.iter().map(|case| case.to).collect(),
                _ => Vec::new(),
            },
            Kind::LoopBegin => [icon.one, follow(graph.partner[item])].into_iter().flatten().collect(),
            Kind::ParBegin => match graph.parallels.get(&item) {
                Some(parallel) => {
                    let paths = parallel.paths.iter().filter_map(|path| graph.icon(*path).one);
                    paths.chain(follow(Some(parallel.end))).collect()
                }
                None => Vec::new(),
            },
            _ => match self.forms.of(item) {
                Some(Form::Statements(statements)) => self.after(item, statements, by_name),
                _ => icon.one.into_iter().collect(),
            },
        }
    }

    /// Where the text of an icon leads.
    fn after(
        &self,
        item: ItemId,
        statements: &[Spanned<Statement>],
        by_name: &BTreeMap<String, ItemId>,
    ) -> Vec<ItemId> {
        let graph = self.graph;
        let around = graph.enclosing[item].and_then(|begin| graph.partner[begin]);
        let target = match statements.last().map(|statement| &statement.node) {
            Some(Statement::Return(_) | Statement::Fail(_)) => None,
            Some(Statement::Jump(jump)) => match jump {
                Jump::End => self.end,
                Jump::Next => around,
                Jump::Break => around.and_then(|end| graph.icon(end).one),
                Jump::Branch(name) => by_name.get(&name.to_lowercase()).copied(),
                Jump::Step(_) => None,
            },
            _ => graph.icon(item).one,
        };
        target.into_iter().collect()
    }

    /// Finds the branches that are reached, and the order of all icons.
    fn order(&mut self) {
        let graph = self.graph;
        let count = graph.diagram.icons.len();
        let mut seen = vec![false; count];
        let mut found = Vec::new();
        // Branches so far as something leads to them, and the handler of errors.
        let mut queue: Vec<ItemId> = graph.catch.into_iter().chain([graph.entry]).collect();
        while let Some(root) = queue.pop() {
            if std::mem::replace(&mut seen[root], true) {
                continue;
            }
            found.push(root);
            let mut stack = vec![root];
            while let Some(item) = stack.pop() {
                for &to in &self.exits[item] {
                    if self.is_root(to) {
                        queue.push(to);
                    } else if !std::mem::replace(&mut seen[to], true) {
                        stack.push(to);
                    }
                }
            }
        }
        let number = |item: &ItemId| graph.icon(*item).branch;
        found.sort_by_key(|item| (Some(*item) == graph.catch && *item != graph.entry, number(item)));
        for root in &found {
            self.starts[*root] = true;
        }
        self.roots = found;

        let mut seen = vec![false; count];
        let mut order = Vec::new();
        for &root in self.roots.iter().rev() {
            if std::mem::replace(&mut seen[root], true) {
                continue;
            }
            let mut stack = vec![(root, self.exits[root].len())];
            while let Some((item, left)) = stack.last_mut() {
                if *left == 0 {
                    order.push(*item);
                    stack.pop();
                    continue;
                }
                *left -= 1;
                let to = self.exits[*item][*left];
                if !self.is_root(to) && !std::mem::replace(&mut seen[to], true) {
                    stack.push((to, self.exits[to].len()));
                }
            }
        }
        order.reverse();
        self.order = order;
    }

    /// Whether an icon is gone to by its name.
    pub(super) fn is_root(&self, item: ItemId) -> bool {
        self.named && self.graph.icon(item).kind == Kind::Branch
    }

    /// Whether an icon says nothing where it stands: its place follows from a block.
    pub(super) fn is_silent(&self, item: ItemId) -> bool {
        matches!(self.graph.icon(item).kind, Kind::End | Kind::LoopEnd | Kind::ParEnd) || self.is_root(item)
    }
}
