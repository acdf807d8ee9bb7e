//! One rehearsal: a walk from the entry to an end.

use bloom_ir::document::{Action, Decision, Document, NodeId, NodeKind, Source, SourceSpot};

use super::event::Event;
use super::oracle::Oracle;

/// When a rehearsal is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Events that are told.
    pub events: usize,
    /// Nodes that are visited.
    pub steps: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { events: 600, steps: 20_000 }
    }
}

/// How a rehearsal ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It came to an end of the flow.
    Returned,
    /// It was cut off; perhaps a loop that does not end.
    Cut,
}

/// What one rehearsal did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rehearsal {
    /// What happened, in order.
    pub events: Vec<Event>,
    /// The nodes that were visited, in order; with each the way out that was taken, by its name in the source map.
    pub visits: Vec<(NodeId, String)>,
    /// How it ended.
    pub end: End,
}

/// Walks through a validated document with the answers of an oracle. Paths side by side are walked one after another.
pub fn rehearse(document: &Document, oracle: &mut dyn Oracle, bounds: Bounds) -> Rehearsal {
    let rehearsal = Rehearsal { events: Vec::new(), visits: Vec::new(), end: End::Returned };
    let mut walk = Walk { document, oracle, bounds, rehearsal, forks: Vec::new() };
    if let Some(source) = &document.source {
        walk.pass(source.via.get("entry"));
    }
    let mut at = document.entry.clone();
    loop {
        if walk.is_over() {
            walk.rehearsal.events.truncate(bounds.events);
            walk.rehearsal.end = End::Cut;
            break;
        }
        match walk.step(&at) {
            Some(next) => at = next,
            None => break,
        }
    }
    walk.rehearsal
}

/// A fork whose paths are under way.
struct Fork {
    id: NodeId,
    /// The path that is walked now.
    path: usize,
}

struct Walk<'a> {
    document: &'a Document,
    oracle: &'a mut dyn Oracle,
    bounds: Bounds,
    rehearsal: Rehearsal,
    forks: Vec<Fork>,
}

impl Walk<'_> {
    fn is_over(&self) -> bool {
        self.rehearsal.events.len() >= self.bounds.events || self.rehearsal.visits.len() >= self.bounds.steps
    }

    fn source(&self) -> Option<&Source> {
        self.document.source.as_ref()
    }

    fn spot(&self, id: &NodeId) -> Option<&SourceSpot> {
        self.source()?.map.get(id)
    }

    fn icon(&self, item: &str) -> &str {
        self.source().and_then(|source| source.icons.get(item)).map_or("", String::as_str)
    }

    fn tell(&mut self, event: Event) {
        self.rehearsal.events.push(event);
    }

    /// Icons that are passed without a node.
    fn pass(&mut self, items: Option<&Vec<String>>) {
        for item in items.into_iter().flatten() {
            match self.icon(item) {
                "branch" => self.tell(Event::Branch(item.clone())),
                "arrow-loop" => self.tell(Event::Loop(item.clone())),
                // The only case of its choice.
                "case" => self.tell(Event::Case(item.clone(), true)),
                "action" | "comment" | "loopend" | "parbegin" | "parend" | "duration" => {}
                icon => {
                    let icon = icon.to_owned();
                    self.tell(Event::Do(item.clone(), icon));
                }
            }
        }
    }

    /// Visits a node; `None` at the end.
    fn step(&mut self, id: &NodeId) -> Option<NodeId> {
        let document = self.document;
        let node = document.nodes.get(id)?;
        let spot = self.spot(id).cloned().unwrap_or_default();
        let icon = self.icon(&spot.item).to_owned();
        let decides = matches!(icon.as_str(), "question" | "select" | "loopbegin" | "parbegin" | "parend" | "end");
        if spot.first && !decides && !icon.is_empty() {
            self.tell(Event::Do(spot.item.clone(), icon.clone()));
        }
        let (arm, to) = match &node.kind {
            NodeKind::Decision(Decision::If { then, otherwise, .. }) => {
                let yes = if icon == "loopbegin" {
                    let again = self.oracle.answer(&format!("l:{}", spot.item));
                    self.tell(Event::For(spot.item.clone(), again));
                    again
                } else {
                    let yes = self.oracle.answer(&format!("q:{}", spot.item));
                    self.tell(Event::Question(spot.item.clone(), yes));
                    yes
                };
                if yes { ("then".to_owned(), then.clone()) } else { ("else".to_owned(), otherwise.clone()) }
            }
            NodeKind::Decision(Decision::Choice { cases, otherwise, .. }) => {
                let chosen = self.choose(&spot, cases.len(), otherwise.is_some());
                match (cases.get(chosen), otherwise) {
                    (Some(case), _) => (format!("case:{chosen}"), case.to.clone()),
                    (None, Some(otherwise)) => ("else".to_owned(), otherwise.clone()),
                    (None, None) => return None,
                }
            }
            NodeKind::Action(Action::Iter { next, done, .. }) => {
                let again = self.oracle.answer(&format!("l:{}", spot.item));
                self.tell(Event::For(spot.item.clone(), again));
                if again { ("next".to_owned(), next.clone()) } else { ("done".to_owned(), done.clone()) }
            }
            NodeKind::Action(Action::Fork { branches, .. }) => {
                self.tell(Event::Parallel(spot.item.clone(), branches.len()));
                self.forks.push(Fork { id: id.clone(), path: 0 });
                self.enter_path(id, 0)?
            }
            NodeKind::Action(Action::Join { next, .. }) => match self.forks.pop() {
                // The join is done when every path has come to it.
                Some(mut fork) => {
                    fork.path = fork.path.saturating_add(1);
                    let (fork_id, path) = (fork.id.clone(), fork.path);
                    match self.branch_count(&fork_id) {
                        Some(count) if path < count => {
                            self.forks.push(fork);
                            let (arm, to) = self.enter_path(&fork_id, path)?;
                            // The visit is of the fork: its next path.
                            self.leave(&fork_id, &arm);
                            return Some(to);
                        }
                        _ => ("next".to_owned(), next.clone()),
                    }
                }
                None => ("next".to_owned(), next.clone()),
            },
            NodeKind::Return(_) => {
                self.rehearsal.visits.push((id.clone(), String::new()));
                return None;
            }
            NodeKind::Action(
                Action::Set { next, .. }
                | Action::Each { next, .. }
                | Action::Tool { next, .. }
                | Action::Flow { next, .. }
                | Action::Sleep { next, .. }
                | Action::Timer { next, .. }
                | Action::Await { next, .. },
            ) => ("next".to_owned(), next.clone()),
            NodeKind::LlmCall(call) => ("next".to_owned(), call.next.clone()),
            NodeKind::Emit(emit) => ("next".to_owned(), emit.next.clone()),
        };
        self.leave(id, &arm);
        Some(to)
    }

    fn branch_count(&self, fork: &NodeId) -> Option<usize> {
        match &self.document.nodes.get(fork)?.kind {
            NodeKind::Action(Action::Fork { branches, .. }) => Some(branches.len()),
            _ => None,
        }
    }

    fn enter_path(&mut self, fork: &NodeId, path: usize) -> Option<(String, NodeId)> {
        let document = self.document;
        let NodeKind::Action(Action::Fork { branches, .. }) = &document.nodes.get(fork)?.kind else { return None };
        let head = self.spot(fork).and_then(|spot| spot.cases.get(path)).cloned().unwrap_or_default();
        self.tell(Event::Path(head));
        Some((format!("branch:{path}"), branches.get(path)?.entry.clone()))
    }

    /// Says which way a node is left, and passes the icons on it.
    fn leave(&mut self, id: &NodeId, arm: &str) {
        self.rehearsal.visits.push((id.clone(), arm.to_owned()));
        let via = self.spot(id).and_then(|spot| spot.via.get(arm)).cloned();
        self.pass(via.as_ref());
    }

    /// Asks case after case; the position of the case that is taken, behind the last for the way of all others.
    fn choose(&mut self, spot: &SourceSpot, cases: usize, has_default: bool) -> usize {
        let item = |case: usize| spot.cases.get(case).cloned().unwrap_or_else(|| format!("{}:{case}", spot.item));
        for case in 0..cases {
            let taken = self.oracle.answer(&format!("c:{}", item(case)));
            self.tell(Event::Case(item(case), taken));
            if taken {
                return case;
            }
        }
        if has_default {
            self.tell(Event::Case(item(cases), true));
            return cases;
        }
        let last = cases.saturating_sub(1);
        self.tell(Event::Unexpected(item(last)));
        last
    }
}
