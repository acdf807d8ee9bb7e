//! What can be seen from each icon and its neighbours.

use std::collections::{BTreeMap, BTreeSet};

use bloom_ir::Diagnostic;
use bloom_ir::diagnostic::Place;

use super::Graph;
use crate::codes;
use crate::read::{BROKEN_NUMBER, Diagram, ItemId, Kind, NO_NUMBER};
use crate::report::Report;

/// More branches or cases than people can take in.
const MANY: usize = 16;

pub(super) fn check_icons(diagram: &Diagram, report: &mut Report) {
    let mut ends = diagram.icons.iter().filter(|icon| icon.kind == Kind::End);
    if let Some(first) = ends.next() {
        for other in ends {
            report.add(other.error(codes::SECOND_END).with("other", &first.id));
        }
    }
    for icon in &diagram.icons {
        if let Some(side) = icon.side
            && diagram.icons[side].kind != Kind::Duration
        {
            report.add(icon.error(codes::SIDE).with("target", &diagram.icons[side].id));
        }
        if icon.one.is_none() && !icon.severed && !matches!(icon.kind, Kind::End | Kind::Duration) {
            report.add(icon.error(codes::NO_NEXT).with("field", "one"));
        }
        if icon.kind == Kind::Question {
            if icon.two.is_none() && !icon.severed {
                report.add(icon.error(codes::NO_NEXT).with("field", "two"));
            } else if icon.one == icon.two && icon.one.is_some() {
                report.add(icon.warning(codes::EQUAL_ARMS));
            }
        }
    }
}

/// The branch that a run begins with, and the one that takes errors.
pub(super) fn branches(diagram: &Diagram, report: &mut Report) -> Option<(ItemId, Option<ItemId>)> {
    let mut branches: Vec<ItemId> = of_kind(diagram, Kind::Branch).collect();
    branches.sort_by_key(|branch| diagram.icons[*branch].branch);
    let Some(entry) = branches.first().copied() else {
        report.add(Diagnostic::error(codes::NO_BRANCH, Place::File));
        return None;
    };
    if branches.len() == 1 {
        return Some((entry, None));
    }
    if branches.len() > MANY {
        report.add(diagram.icons[entry].warning(codes::MANY).with("found", branches.len()).with("limit", MANY));
    }
    let mut catch = None;
    let mut names: BTreeMap<String, &str> = BTreeMap::new();
    for pair in branches.windows(2) {
        let (former, latter) = (&diagram.icons[pair[0]], &diagram.icons[pair[1]]);
        if latter.branch == NO_NUMBER {
            report.add(
                latter
                    .error(codes::WRONG_TYPE)
                    .with("field", "branchId")
                    .with("expected", "integer")
                    .with("found", "null"),
            );
        } else if former.branch == latter.branch && latter.branch != BROKEN_NUMBER {
            report.add(latter.error(codes::REPEATED_NUMBER).with("number", latter.branch).with("other", &former.id));
        }
    }
    for branch in branches {
        let icon = &diagram.icons[branch];
        let name = icon.text.trim();
        if name.is_empty() {
            report.add(icon.error(codes::NO_NAME));
        } else if let Some(other) = names.insert(name.to_lowercase(), &icon.id) {
            report.add(icon.error(codes::REPEATED_NAME).with("name", name).with("other", other));
        }
        if name.eq_ignore_ascii_case("catch") && branch != entry {
            catch = Some(branch);
        }
    }
    Some((entry, catch))
}

/// The cases of each select.
pub(super) fn cases(diagram: &Diagram, report: &mut Report) -> BTreeMap<ItemId, Vec<ItemId>> {
    let mut selects = BTreeMap::new();
    let mut owned: BTreeSet<ItemId> = BTreeSet::new();
    for select in of_kind(diagram, Kind::Select) {
        let icon = &diagram.icons[select];
        let mut cases = Vec::new();
        let mut next = icon.one;
        while let Some(case) = next {
            if diagram.icons[case].kind != Kind::Case {
                let code = if cases.is_empty() { codes::NO_CASES } else { codes::CASE_OUTSIDE };
                report.add(
                    diagram.icons[*cases.last().unwrap_or(&select)].error(code).with("other", &diagram.icons[case].id),
                );
                break;
            }
            if !owned.insert(case) {
                report.add(diagram.icons[case].error(codes::CASE_OUTSIDE).with("other", &icon.id));
                break;
            }
            cases.push(case);
            next = diagram.icons[case].two;
        }
        if let Some((last, others)) = cases.split_last() {
            for case in others {
                if diagram.icons[*case].text.trim().is_empty() {
                    report.add(diagram.icons[*case].error(codes::EMPTY_CASE));
                }
            }
            if !diagram.icons[*last].text.trim().is_empty() {
                report.add(icon.warning(codes::NO_DEFAULT));
            }
        }
        if cases.len() > MANY {
            report.add(icon.warning(codes::MANY).with("found", cases.len()).with("limit", MANY));
        }
        selects.insert(select, cases);
    }
    for (index, icon) in diagram.icons.iter().enumerate() {
        if icon.kind == Kind::Case && !owned.contains(&index) {
            report.add(icon.error(codes::CASE_OUTSIDE).with("other", ""));
        }
        // The chain of cases is the only way to a case.
        let mut targets = vec![icon.one];
        if icon.kind == Kind::Question {
            targets.push(icon.two);
        }
        for target in targets.into_iter().flatten() {
            if diagram.icons[target].kind == Kind::Case && icon.kind != Kind::Select {
                report.add(diagram.icons[target].error(codes::CASE_OUTSIDE).with("other", &icon.id));
            }
        }
    }
    selects
}

/// What no run comes to.
pub(super) fn check_reachable(graph: &Graph<'_>, report: &mut Report) {
    // Where a way breaks off, what it should lead to is not blamed for it.
    let severed = graph.diagram.icons.iter().any(|icon| icon.severed);
    for (item, icon) in graph.diagram.icons.iter().enumerate() {
        if graph.reachable[item] {
            continue;
        }
        match icon.kind {
            Kind::Branch if severed => {}
            // A state that nothing leads to yet; its end may be all that is left of it.
            Kind::Branch if graph.machine => report.add(icon.warning(codes::LONELY_BRANCH)),
            Kind::Branch => report.add(icon.error(codes::LONELY_BRANCH)),
            Kind::Duration | Kind::Comment => {}
            // A broken diagram is not told what follows from that.
            _ if report.errors() > 0 => {}
            _ => report.add(icon.warning(codes::UNREACHABLE)),
        }
    }
}

fn of_kind(diagram: &Diagram, kind: Kind) -> impl Iterator<Item = ItemId> {
    diagram.icons.iter().enumerate().filter(move |(_, icon)| icon.kind == kind).map(|(index, _)| index)
}
