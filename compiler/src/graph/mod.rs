//! A diagram as a graph: what each icon leads to, and whether its shape holds.

mod flow;
mod loops;
mod parallel;
mod shape;

use std::collections::BTreeMap;

use crate::read::{Diagram, Icon, ItemId, Kind};
use crate::report::Report;
use crate::text;
pub(crate) use parallel::Parallel;

/// A diagram whose shape was looked at. When it is not sound, its texts can be checked, and nothing else.
#[derive(Debug)]
pub(crate) struct Graph<'d> {
    pub(crate) diagram: &'d Diagram,
    /// The branch that a run begins with.
    pub(crate) entry: ItemId,
    /// The branch that takes errors.
    pub(crate) catch: Option<ItemId>,
    /// Of each loop begin its end, and of each end its begin.
    pub(crate) partner: Vec<Option<ItemId>>,
    /// The innermost `for` loop that an icon stands in.
    pub(crate) enclosing: Vec<Option<ItemId>>,
    /// The parallels, each under the head of its first path.
    pub(crate) parallels: BTreeMap<ItemId, Parallel>,
    /// The head of the innermost parallel path that an icon stands in.
    pub(crate) path: Vec<Option<ItemId>>,
    /// The cases of each select, in their order.
    pub(crate) cases: BTreeMap<ItemId, Vec<ItemId>>,
    /// Which icons a run can come to.
    pub(crate) reachable: Vec<bool>,
    /// Whether it is a machine, which waits for ever.
    pub(crate) machine: bool,
    /// Whether the program can be put together.
    pub(crate) sound: bool,
}

impl<'d> Graph<'d> {
    /// Checks the shape; all that is wrong is in the report. `None` when there is nowhere to begin.
    pub(crate) fn build(diagram: &'d Diagram, report: &mut Report) -> Option<Self> {
        let errors = report.errors();
        shape::check_icons(diagram, report);
        let (entry, catch) = shape::branches(diagram, report)?;
        let cases = shape::cases(diagram, report);
        let partner = loops::partners(diagram, report);
        let parallels = parallel::parallels(diagram, report);
        let mut graph = Self {
            diagram,
            entry,
            catch,
            partner,
            enclosing: Vec::new(),
            parallels,
            path: Vec::new(),
            cases,
            reachable: Vec::new(),
            machine: diagram.machine || text::declares_machine(&diagram.params),
            sound: true,
        };
        let walk = flow::Walk::new(&graph);
        graph.reachable = walk.reached();
        flow::check_back_edges(&graph, &walk, report);
        flow::check_side_entries(&graph, &walk, report);
        shape::check_reachable(&graph, report);
        graph.path = parallel::paths(&graph, report);
        graph.enclosing = loops::enclosing(&graph);
        graph.sound = report.errors() == errors;
        Some(graph)
    }

    pub(crate) fn icon(&self, item: ItemId) -> &'d Icon {
        &self.diagram.icons[item]
    }

    /// Where a run may go from an icon; of a `for` loop both its body and what follows it.
    fn successors(&self, item: ItemId) -> [Option<ItemId>; 2] {
        let icon = self.icon(item);
        match icon.kind {
            Kind::Question | Kind::Case | Kind::ParBegin => [icon.one, icon.two],
            Kind::LoopBegin => [icon.one, self.partner[item].and_then(|end| self.icon(end).one)],
            Kind::LoopEnd => [self.partner[item], None],
            Kind::End | Kind::Duration => [None, None],
            _ => [icon.one, None],
        }
    }
}
