//! Where a run goes from icon to icon along the lines.

use std::collections::{BTreeMap, BTreeSet};

use bloom_ir::Diagnostic;
use bloom_ir::diagnostic::Place;
use serde_json::{Map, Value, json};

use super::Sheet;
use super::geometry::{Plan, Side, Stop};
use crate::codes;
use crate::read::plain_text;
use crate::report::Report;
use crate::text::nearest;

/// What a way leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Goal {
    Icon(Stop),
    /// The place on a line that an arrow points at.
    Loop(Stop),
    /// The left end of the double line that paths begin at.
    Fork(Stop),
    /// The left end of the double line that paths end at.
    Join(Stop),
}

/// The diagram in the native dialect; `None` where there is nowhere to begin.
pub(super) fn diagram(sheet: &Sheet, plan: &Plan<'_>, report: &mut Report) -> Option<Value> {
    let mut flow =
        Flow { plan, report, branches: BTreeMap::new(), items: Map::new(), open: Vec::new(), known: BTreeSet::new() };
    let begin = flow.begin()?;
    let params = plan.joints[begin].way(Side::Right).filter(|stop| plan.joints[*stop].is_icon);
    flow.start(begin);
    flow.icons(begin, params);
    while let Some(goal) = flow.open.pop() {
        flow.complete(goal);
    }
    let items = flow.items;
    let params = params.map_or("", |stop| plan.joints[stop].item.text.trim());
    let name = sheet.name.trim();
    let low = name.to_lowercase();
    let machine =
        low == "state machine" || low.starts_with("sm ") || params.to_lowercase().starts_with("state machine");
    let mut diagram = json!({
        "type": if machine { "machine" } else { "drakon" }, "name": name, "params": content(params), "items": items,
    });
    if !sheet.description.trim().is_empty() {
        diagram["description"] = content(&sheet.description).into();
    }
    Some(diagram)
}

struct Flow<'p, 's, 'r> {
    plan: &'p Plan<'s>,
    report: &'r mut Report,
    /// By their names.
    branches: BTreeMap<&'s str, Stop>,
    items: Map<String, Value>,
    /// What ways lead to that is no icon of the sheet, and is not written yet.
    open: Vec<Goal>,
    known: BTreeSet<Goal>,
}

impl<'s> Flow<'_, 's, '_> {
    /// The icon that a run begins at.
    fn begin(&mut self) -> Option<Stop> {
        let begins: Vec<Stop> =
            self.of_kind("beginend").filter(|stop| self.plan.joints[*stop].way(Side::Down).is_some()).collect();
        if let Some((first, others)) = begins.split_first() {
            for other in others {
                let error = self.plan.joints[*other].item.error(codes::DRN_BEGIN);
                self.report.add(error.with("other", self.plan.joints[*first].item.id));
            }
            return Some(*first);
        }
        self.report.add(Diagnostic::error(codes::DRN_BEGIN, Place::File).with("other", "none"));
        None
    }

    fn of_kind(&self, kind: &'static str) -> impl Iterator<Item = Stop> + use<'_, 's> {
        let joints = self.plan.joints.iter().enumerate();
        joints.filter(move |(_, joint)| joint.is_icon && joint.item.kind == kind).map(|(stop, _)| stop)
    }

    /// The branches from left to right; of a primitive, its begin.
    fn start(&mut self, begin: Stop) {
        let plan = self.plan;
        let mut branches: Vec<Stop> = self.of_kind("branch").collect();
        branches.sort_by_key(|stop| (plan.joints[*stop].x, *stop));
        if branches.is_empty() {
            let one = self.way(begin, Side::Down);
            self.write(begin, json!({ "type": "branch", "branchId": 0, "one": one }));
            return;
        }
        for (number, stop) in branches.iter().enumerate() {
            self.branches.entry(plan.joints[*stop].item.text.trim()).or_insert(*stop);
            let branch = json!({ "type": "branch", "branchId": number.saturating_add(1), "content": content(plan.joints[*stop].item.text.trim()) });
            self.write(*stop, branch);
        }
        for stop in branches {
            let one = self.way(stop, Side::Down);
            self.items[&self.plan.joints[stop].item.id.to_string()]["one"] = one.into();
        }
    }

    /// All icons that are no branches.
    fn icons(&mut self, begin: Stop, params: Option<Stop>) {
        let plan = self.plan;
        for (stop, joint) in plan.joints.iter().enumerate() {
            let kind = joint.item.kind.as_str();
            let beside = (kind == "commentin" && joint.is_alone())
                // A second begin, which was told.
                || (kind == "beginend" && joint.way(Side::Down).is_some());
            if !joint.is_icon || kind == "branch" || stop == begin || params == Some(stop) || beside {
                continue;
            }
            let lower = !matches!(kind, "beginend" | "address");
            if joint.way(Side::Up).is_none() || (lower && joint.way(Side::Down).is_none()) {
                self.report.add(joint.item.error(codes::DRN_ALONE));
                continue;
            }
            let right = joint.way(Side::Right).filter(|_| kind != "if");
            if let Some(side) = right.or(joint.way(Side::Left)) {
                self.report.add(plan.joints[side].error(codes::DRN_LINE));
            }
            let item = match kind {
                "address" => continue,
                "beginend" => json!({ "type": "end" }),
                "select" => json!({ "type": "select", "one": self.cases(stop) }),
                "if" => json!({
                    "type": "question", "flag1": i32::from(joint.item.b != 0),
                    "one": self.way(stop, Side::Down), "two": self.way(stop, Side::Right),
                }),
                _ => json!({ "type": native(kind), "one": self.way(stop, Side::Down) }),
            };
            let mut item = item;
            if kind != "beginend" {
                item["content"] = content(&joint.item.text).into();
            }
            if matches!(kind, "shelf" | "process" | "input" | "output") {
                item["secondary"] = content(&joint.item.upper).into();
            }
            self.write(stop, item);
        }
    }

    /// Adds to what may be known of an item: a case is linked to the next one before its own turn comes.
    fn write(&mut self, stop: Stop, item: Value) {
        let id = self.plan.joints[stop].item.id.to_string();
        let entry = self.items.entry(id).or_insert_with(|| json!({}));
        if let (Some(entry), Value::Object(item)) = (entry.as_object_mut(), item) {
            entry.extend(item);
        }
    }

    /// Links the cases of a select from left to right; returns the first.
    fn cases(&mut self, select: Stop) -> String {
        let plan = self.plan;
        let mut cases: Vec<Stop> = Vec::new();
        let mut next = plan.joints[select].way(Side::Down);
        while let Some(stop) = next {
            let joint = &plan.joints[stop];
            let case = if joint.is_icon { Some(stop) } else { joint.way(Side::Down) };
            match case.filter(|case| plan.joints[*case].is_icon && plan.joints[*case].item.kind == "case") {
                Some(case) => cases.push(case),
                None => self.report.add(joint.error(codes::DRN_LINE)),
            }
            next = if joint.is_icon || cases.len() > plan.joints.len() { None } else { joint.way(Side::Right) };
        }
        for pair in cases.windows(2) {
            let two = plan.joints[pair[1]].item.id.to_string();
            self.write(pair[0], json!({ "two": two }));
        }
        cases.first().map(|case| plan.joints[*case].item.id.to_string()).unwrap_or_default()
    }

    /// The id of what the line at a side of an icon leads to; empty when that was reported.
    fn way(&mut self, from: Stop, side: Side) -> String {
        let Some(goal) = self.follow(from, side) else { return String::new() };
        if let Goal::Icon(stop) = goal
            && self.plan.joints[stop].item.kind == "address"
        {
            return self.address(stop);
        }
        if !matches!(goal, Goal::Icon(_)) && self.known.insert(goal) {
            self.open.push(goal);
        }
        self.id(goal)
    }

    fn address(&mut self, stop: Stop) -> String {
        let item = self.plan.joints[stop].item;
        if let Some(branch) = self.branches.get(item.text.trim()) {
            return self.plan.joints[*branch].item.id.to_string();
        }
        let near = nearest(item.text.trim(), self.branches.keys().copied()).map_or("none", |near| near.word());
        self.report.add(item.error(codes::UNKNOWN_BRANCH).with("name", item.text.trim()).with("nearest", near));
        String::new()
    }

    fn id(&self, goal: Goal) -> String {
        let joint = |stop: Stop| &self.plan.joints[stop];
        match goal {
            Goal::Icon(stop) => joint(stop).item.id.to_string(),
            Goal::Loop(stop) => joint(stop).arrow.map_or(0, |arrow| arrow.id).to_string(),
            Goal::Fork(stop) => format!("path-{}-{}", joint(stop).x, joint(stop).y),
            Goal::Join(stop) => format!("join-{}-{}", joint(stop).x, joint(stop).y),
        }
    }

    /// Writes what is no icon of the sheet.
    fn complete(&mut self, goal: Goal) {
        let id = self.id(goal);
        match goal {
            Goal::Icon(_) => {}
            Goal::Loop(stop) => {
                let one = self.way(stop, Side::Down);
                self.items.insert(id, json!({ "type": "arrow-loop", "one": one }));
            }
            Goal::Fork(stop) => {
                let paths: Vec<Stop> = self.bar(stop).into_iter().filter(|path| self.leads_down(*path)).collect();
                for (index, path) in paths.iter().enumerate() {
                    let one = self.way(*path, Side::Down);
                    let two = paths.get(index.saturating_add(1)).map(|next| self.id(Goal::Fork(*next)));
                    let id = if index == 0 { id.clone() } else { self.id(Goal::Fork(*path)) };
                    self.items.insert(id, json!({ "type": "parbegin", "one": one, "two": two.unwrap_or_default() }));
                }
            }
            Goal::Join(stop) => {
                let after = self.bar(stop).into_iter().find(|after| self.leads_down(*after));
                let one = after.map(|after| self.way(after, Side::Down)).unwrap_or_default();
                self.items.insert(id, json!({ "type": "parend", "one": one }));
            }
        }
    }

    fn leads_down(&self, stop: Stop) -> bool {
        self.plan.joints[stop].way(Side::Down).is_some()
    }

    /// The places on a double line from left to right.
    fn bar(&self, stop: Stop) -> Vec<Stop> {
        let on_bar = |stop: &Stop| self.plan.joints[*stop].on_bar && !self.plan.joints[*stop].is_icon;
        let next = |stop: Stop, side| self.plan.joints[stop].way(side).filter(on_bar);
        let mut first = stop;
        while let Some(left) = next(first, Side::Left) {
            first = left;
        }
        std::iter::successors(Some(first), |stop| next(*stop, Side::Right)).collect()
    }

    /// Follows a line to an icon, an arrow's tip, or a double line. What cannot be followed is reported.
    fn follow(&mut self, from: Stop, side: Side) -> Option<Goal> {
        let plan = self.plan;
        let Some(mut at) = plan.joints[from].way(side) else {
            self.report.add(plan.joints[from].error(codes::DRN_ALONE));
            return None;
        };
        let mut heading = side;
        let mut rose = false;
        for _ in 0..=plan.joints.len() {
            let joint = &plan.joints[at];
            let has = |side| joint.way(side).is_some();
            if joint.arrow.is_some() && has(Side::Down) {
                return Some(Goal::Loop(at));
            }
            if joint.is_icon && heading == Side::Down && !rose {
                return Some(Goal::Icon(at));
            }
            if joint.on_bar && heading == Side::Down {
                let bar = self.bar(at);
                let ways = |side| bar.iter().filter(|stop| plan.joints[**stop].way(side).is_some()).count();
                match (ways(Side::Up), ways(Side::Down)) {
                    (1, 2..) => return bar.into_iter().find(|stop| self.leads_down(*stop)).map(Goal::Fork),
                    (2.., 1) => return bar.first().copied().map(Goal::Join),
                    _ => {}
                }
            }
            let turns = match heading {
                Side::Down => [Side::Down, Side::Left, Side::Right],
                Side::Left => [Side::Left, Side::Down, Side::Up],
                Side::Right => [Side::Right, Side::Down, Side::Up],
                Side::Up => [Side::Up, Side::Left, Side::Right],
            };
            // A line that goes on, and another that begins here: nothing says which is meant.
            let forks = match heading {
                Side::Left => has(Side::Left) && has(Side::Down),
                Side::Right => has(Side::Right) && (has(Side::Down) || has(Side::Up)),
                Side::Down | Side::Up => false,
            };
            let turn = turns.into_iter().find_map(|side| Some((side, joint.way(side)?)));
            let Some((side, next)) = turn.filter(|_| !joint.is_icon && !forks) else {
                self.report.add(joint.error(codes::DRN_LINE));
                return None;
            };
            rose |= side == Side::Up;
            if rose && side == Side::Down {
                // It went up and joins a line without an arrow.
                self.report.add(joint.error(codes::DRN_ARROW));
                return None;
            }
            heading = side;
            at = next;
        }
        self.report.add(plan.joints[from].error(codes::DRN_LINE));
        None
    }
}

/// The native dialect's name of an icon.
fn native(kind: &str) -> &str {
    match kind {
        "commentin" => "comment",
        "loopstart" => "loopbegin",
        other => other,
    }
}

/// A plain text as the native dialect keeps it: one that would be taken for HTML is written as HTML.
fn content(text: &str) -> String {
    let text = &text.replace("\r\n", "\n");
    if plain_text(text) == *text {
        return text.to_owned();
    }
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\n', "<br>");
    format!("<p>{escaped}</p>")
}
