//! Which end belongs to which `for` loop.

use super::Graph;
use crate::codes;
use crate::read::{Diagram, ItemId, Kind};
use crate::report::Report;

/// Of each loop begin its end and of each end its begin: found along the main ways of the loops' bodies.
pub(super) fn partners(diagram: &Diagram, report: &mut Report) -> Vec<Option<ItemId>> {
    let icons = &diagram.icons;
    let mut partner: Vec<Option<ItemId>> = vec![None; icons.len()];
    let mut failed = vec![false; icons.len()];
    // Whether the walk is in a loop already: it does not go around in it.
    let mut is_open = vec![false; icons.len()];
    // Every walk of a sound diagram is through icons of its own; this bounds those of broken ones.
    let mut budget = icons.len().saturating_mul(16) + 1024;
    for begin in 0..icons.len() {
        if icons[begin].kind != Kind::LoopBegin || partner[begin].is_some() || failed[begin] {
            continue;
        }
        let mut open = vec![begin];
        is_open[begin] = true;
        let mut at = icons[begin].one;
        let mut broken_off = icons[begin].severed;
        while let Some(item) = at {
            let Some(left) = budget.checked_sub(1) else { break };
            budget = left;
            broken_off = icons[item].severed && icons[item].one.is_none();
            at = match icons[item].kind {
                Kind::LoopBegin => match partner[item] {
                    Some(end) => icons[end].one,
                    None if std::mem::replace(&mut is_open[item], true) => None,
                    None => {
                        open.push(item);
                        icons[item].one
                    }
                },
                Kind::LoopEnd => {
                    if let Some(begin) = partner[item] {
                        let begin = &icons[begin].id;
                        let inner = open.last().copied().unwrap_or(item);
                        report.add(icons[inner].error(codes::CROSSING_LOOPS).with("other", begin));
                        failed[inner] = true;
                        open.pop();
                        None
                    } else {
                        if let Some(inner) = open.pop() {
                            partner[inner] = Some(item);
                            partner[item] = Some(inner);
                        }
                        if open.is_empty() { None } else { icons[item].one }
                    }
                }
                _ => icons[item].one,
            };
        }
        for begin in open {
            is_open[begin] = false;
            if !failed[begin] {
                failed[begin] = true;
                if !broken_off {
                    report.add(icons[begin].error(codes::NO_LOOP_END));
                }
            }
        }
    }
    for (item, icon) in icons.iter().enumerate() {
        if icon.kind == Kind::LoopEnd && partner[item].is_none() {
            report.add(icon.error(codes::NO_LOOP_BEGIN));
        }
    }
    partner
}

/// The innermost `for` loop that each icon stands in: an icon that a run can come to without its body is outside.
pub(super) fn enclosing(graph: &Graph<'_>) -> Vec<Option<ItemId>> {
    let count = graph.diagram.icons.len();
    let mut enclosing = vec![None; count];
    let mut seen = vec![false; count];
    let mut stack: Vec<(ItemId, Option<ItemId>)> = Vec::new();
    stack.extend(graph.catch.map(|catch| (catch, None)));
    stack.push((graph.entry, None));
    while let Some((item, around)) = stack.pop() {
        if std::mem::replace(&mut seen[item], true) {
            continue;
        }
        enclosing[item] = around;
        let [one, two] = graph.successors(item);
        match graph.icon(item).kind {
            // What follows the loop is visited before its body.
            Kind::LoopBegin => {
                stack.extend(one.map(|one| (one, Some(item))));
                stack.extend(two.map(|two| (two, around)));
            }
            Kind::LoopEnd => {}
            _ => stack.extend([two, one].into_iter().flatten().map(|next| (next, around))),
        }
    }
    enclosing
}
