//! What every change must keep: the rules of the language that reach further than the lines next to it.

use super::{Drawing, EdgeId, Kind, NodeId};

impl Drawing {
    /// Whether the diagram is valid.
    pub(super) fn holds(&self) -> bool {
        self.all_come_to_the_end()
            && self.all_branches_are_named()
            && self.loops_are_entered_at_their_heads()
            && self.bodies_come_to_their_ends()
    }

    /// Whether a run can come from one icon to another downwards, within a branch.
    pub(super) fn reaches(&self, from: NodeId, to: NodeId) -> bool {
        self.below(&[from], |edge| !self.edges[edge].back && self.edges[edge].address.is_none())[to]
    }

    /// Which icons can be come to over lines that `follows` takes; a line with an address leads to its branch.
    fn below(&self, from: &[NodeId], follows: impl Fn(EdgeId) -> bool) -> Vec<bool> {
        let mut seen = vec![false; self.nodes.len()];
        let mut open = from.to_vec();
        while let Some(node) = open.pop() {
            if std::mem::replace(&mut seen[node], true) {
                continue;
            }
            let lines = self.nodes[node].outs.iter().filter(|edge| follows(**edge));
            open.extend(lines.map(|edge| self.edges[*edge].address.unwrap_or(self.edges[*edge].to)));
        }
        seen
    }

    fn all_come_to_the_end(&self) -> bool {
        let mut comes = vec![false; self.nodes.len()];
        // As often as there are lines, at most.
        loop {
            let mut more = false;
            for (node, found) in self.nodes.iter().enumerate() {
                let leads = |edge: &EdgeId| comes[self.edges[*edge].address.unwrap_or(self.edges[*edge].to)];
                if !comes[node] && (found.kind == Kind::End || found.outs.iter().any(leads)) {
                    comes[node] = true;
                    more = true;
                }
            }
            if !more {
                break;
            }
        }
        self.nodes.iter().zip(comes).all(|(node, comes)| comes || node.kind == Kind::Bus)
    }

    fn all_branches_are_named(&self) -> bool {
        let mut starts = vec![self.branches[0]];
        starts.extend(self.catch);
        let seen = self.below(&starts, |_| true);
        self.branches.iter().all(|branch| seen[*branch])
    }

    /// Without its head, nothing in a loop can be come to.
    fn loops_are_entered_at_their_heads(&self) -> bool {
        let roots: Vec<NodeId> = self.branches.iter().copied().chain(self.catch).collect();
        self.edges.iter().filter(|edge| edge.back).all(|back| {
            let without =
                self.below(&roots, |edge| self.edges[edge].to != back.to && self.edges[edge].address.is_none());
            !without[back.from]
        })
    }

    /// The main way of a `for` loop's body comes to its end, past the ends of those within it.
    fn bodies_come_to_their_ends(&self) -> bool {
        let begins = self.of_kind(Kind::LoopBegin);
        begins.into_iter().all(|begin| {
            let (mut at, mut open) = (begin, 0);
            for _ in 0..=self.nodes.len() {
                match self.nodes[at].kind {
                    Kind::LoopBegin => open += 1,
                    Kind::LoopEnd if open == 1 => return self.nodes[at].upper == self.nodes[begin].lower,
                    Kind::LoopEnd => open -= 1,
                    _ => {}
                }
                let Some(one) = self.nodes[at].outs.first() else { return false };
                at = self.edges[*one].to;
            }
            false
        })
    }
}
