//! Which end belongs to which parallel, and which path each icon stands in.

use std::collections::BTreeMap;

use super::Graph;
use crate::codes;
use crate::read::{Diagram, ItemId, Kind};
use crate::report::Report;

/// Paths that run side by side.
#[derive(Debug)]
pub(crate) struct Parallel {
    /// The heads of its paths, in the order of the diagram; the first is the parallel's own icon.
    pub(crate) paths: Vec<ItemId>,
    /// Where all paths meet.
    pub(crate) end: ItemId,
}

/// The parallels of a diagram, each under its first head.
pub(super) fn parallels(diagram: &Diagram, report: &mut Report) -> BTreeMap<ItemId, Parallel> {
    let icons = &diagram.icons;
    let chains = chains(diagram, report);
    let mut first_of: BTreeMap<ItemId, ItemId> = BTreeMap::new();
    for (first, paths) in &chains {
        first_of.extend(paths.iter().map(|path| (*path, *first)));
    }
    let mut end_of: BTreeMap<ItemId, ItemId> = BTreeMap::new();
    // As for loops: every walk of a sound diagram is through icons of its own.
    let mut budget = icons.len().saturating_mul(16).saturating_add(1024);
    for path in first_of.keys() {
        if end_of.contains_key(path) {
            continue;
        }
        let mut open = vec![*path];
        let mut at = icons[*path].one;
        while let (Some(item), Some(inner)) = (at, open.last().copied()) {
            let Some(left) = budget.checked_sub(1) else { break };
            budget = left;
            at = match icons[item].kind {
                Kind::ParBegin => match end_of.get(&item) {
                    Some(end) => icons[*end].one,
                    None if open.contains(&item) => None,
                    None => {
                        open.push(item);
                        icons[item].one
                    }
                },
                Kind::ParEnd => {
                    end_of.insert(inner, item);
                    open.pop();
                    if open.is_empty() { None } else { icons[item].one }
                }
                _ => icons[item].one,
            };
        }
    }
    let mut found = BTreeMap::new();
    let mut owner: BTreeMap<ItemId, ItemId> = BTreeMap::new();
    for (first, paths) in chains {
        let Some(end) = end_of.get(&first).copied() else {
            report.add(icons[first].error(codes::NO_PARALLEL_END));
            continue;
        };
        for path in &paths {
            if end_of.get(path) != Some(&end) {
                report.add(icons[*path].error(codes::PATH_ENDS_ELSEWHERE).with("target", &icons[end].id));
            }
        }
        if let Some(other) = owner.insert(end, first) {
            report.add(icons[end].error(codes::SHARED_PARALLEL_END).with("other", &icons[other].id));
        }
        found.insert(first, Parallel { paths, end });
    }
    for (item, icon) in icons.iter().enumerate() {
        if icon.kind == Kind::ParEnd && !owner.contains_key(&item) {
            report.add(icon.error(codes::NO_PARALLEL_BEGIN));
        }
    }
    found
}

/// The heads that are linked by `two`, each chain under its first.
fn chains(diagram: &Diagram, report: &mut Report) -> BTreeMap<ItemId, Vec<ItemId>> {
    let icons = &diagram.icons;
    let heads = || icons.iter().enumerate().filter(|(_, icon)| icon.kind == Kind::ParBegin);
    let mut former: BTreeMap<ItemId, ItemId> = BTreeMap::new();
    for (item, icon) in heads() {
        let Some(next) = icon.two else { continue };
        if icons[next].kind != Kind::ParBegin {
            report.add(icon.error(codes::PATH_CHAIN).with("target", &icons[next].id));
        } else if let Some(other) = former.insert(next, item) {
            report.add(icons[next].error(codes::PATH_CHAIN).with("target", &icons[other].id));
        }
    }
    let mut chains = BTreeMap::new();
    for (first, icon) in heads().filter(|(item, _)| !former.contains_key(item)) {
        let mut chain = vec![first];
        let mut next = icon.two;
        while let Some(path) = next.filter(|path| former.get(path) == chain.last()) {
            chain.push(path);
            next = icons[path].two;
        }
        chains.insert(first, chain);
    }
    chains
}

/// The innermost path that each icon stands in, by the head of the path. Ways that cross the border of a path are told.
pub(super) fn paths(graph: &Graph<'_>, report: &mut Report) -> Vec<Option<ItemId>> {
    let count = graph.diagram.icons.len();
    let mut path_of: Vec<Option<ItemId>> = vec![None; count];
    if graph.parallels.is_empty() {
        return path_of;
    }
    let mut ends: BTreeMap<ItemId, ItemId> = BTreeMap::new();
    for parallel in graph.parallels.values() {
        ends.extend(parallel.paths.iter().map(|path| (*path, parallel.end)));
    }
    let mut seen = vec![false; count];
    // What is outside is visited before the paths, so that a way between them is told where it enters a path.
    let mut outside: Vec<(ItemId, ItemId, Option<ItemId>)> = Vec::new();
    let mut inside: Vec<(ItemId, ItemId, Option<ItemId>)> = Vec::new();
    outside.extend([Some(graph.entry), graph.catch].into_iter().flatten().map(|start| (start, start, None)));
    while let Some((from, item, path)) = outside.pop().or_else(|| inside.pop()) {
        let icon = graph.icon(item);
        if std::mem::replace(&mut seen[item], true) {
            if path_of[item] != path {
                report.add(graph.icon(from).error(codes::ACROSS_PATHS).with("target", &icon.id));
            }
            continue;
        }
        path_of[item] = path;
        if path.is_some() && matches!(icon.kind, Kind::End | Kind::Branch) {
            report.add(icon.error(codes::END_IN_PATH).with("from", &graph.icon(from).id));
            continue;
        }
        let mut go = |to: Option<ItemId>, path: Option<ItemId>| {
            let Some(to) = to else { return };
            let own_end = path.and_then(|path| ends.get(&path)) == Some(&to);
            if own_end {
                return;
            }
            if graph.icon(to).kind == Kind::ParEnd {
                report.add(icon.error(codes::ACROSS_PATHS).with("target", &graph.icon(to).id));
                return;
            }
            if path.is_some() { inside.push((item, to, path)) } else { outside.push((item, to, path)) }
        };
        if icon.kind == Kind::ParBegin {
            let Some(parallel) = graph.parallels.get(&item) else { continue };
            // The end itself stands where the parallel stands.
            seen[parallel.end] = true;
            path_of[parallel.end] = path;
            for head in &parallel.paths {
                seen[*head] = true;
                path_of[*head] = path;
                go(graph.icon(*head).one, Some(*head));
            }
            go(graph.icon(parallel.end).one, path);
        } else {
            for to in graph.successors(item) {
                go(to, path);
            }
        }
    }
    path_of
}
