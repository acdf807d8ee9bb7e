//! Which icons and which lines touch.

use std::collections::{BTreeMap, BTreeSet};

use bloom_ir::Diagnostic;
use bloom_ir::diagnostic::{Code, Severity};

use super::{Item, Sheet};
use crate::codes;
use crate::report::Report;

/// A point that lines lead to: an icon, or a place where lines meet or turn.
pub(super) type Stop = usize;

/// Up, right, down, left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Up,
    Right,
    Down,
    Left,
}

impl Side {
    fn opposite(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Right => Self::Left,
            Self::Down => Self::Up,
            Self::Left => Self::Right,
        }
    }
}

/// What stands or meets in a place.
#[derive(Debug)]
pub(super) struct Joint<'s> {
    /// The icon; of a place where lines meet, one of the lines.
    pub(super) item: &'s Item,
    pub(super) is_icon: bool,
    pub(super) x: i64,
    pub(super) y: i64,
    /// By [`Side`].
    ways: [Option<Stop>; 4],
    /// The arrow that points at it.
    pub(super) arrow: Option<&'s Item>,
    /// Whether it is on the double line of a parallel.
    pub(super) on_bar: bool,
}

impl Joint<'_> {
    pub(super) fn way(&self, side: Side) -> Option<Stop> {
        self.ways[side as usize]
    }

    /// An error at this place.
    pub(super) fn error(&self, code: Code) -> Diagnostic {
        self.item.error(code).with("x", self.x).with("y", self.y)
    }

    /// Whether no line comes to it.
    pub(super) fn is_alone(&self) -> bool {
        self.ways.iter().all(Option::is_none)
    }
}

/// The icons and the places where lines meet, and which of them lines connect.
#[derive(Debug)]
pub(super) struct Plan<'s> {
    pub(super) joints: Vec<Joint<'s>>,
}

/// A line from `from` to `to` along an axis, at `at` on the other.
#[derive(Clone, Debug)]
struct Segment<'s> {
    item: &'s Item,
    at: i64,
    from: i64,
    to: i64,
    bar: bool,
}

struct Rect {
    left: i64,
    top: i64,
    right: i64,
    bottom: i64,
}

impl Rect {
    fn of(item: &Item) -> Self {
        Self { left: item.x - item.w, top: item.y - item.h, right: item.x + item.w, bottom: item.y + item.h }
    }

    fn touches(&self, other: &Self) -> bool {
        self.left <= other.right && other.left <= self.right && self.top <= other.bottom && other.top <= self.bottom
    }
}

/// Beyond this, coordinates are no drawing, and sums of them may overflow.
const FARTHEST: i64 = 100_000_000;

/// The icons that have a place in the flow, as the editor names them.
const ICONS: [&str; 17] = [
    "action",
    "address",
    "beginend",
    "branch",
    "case",
    "commentin",
    "if",
    "input",
    "insertion",
    "loopend",
    "loopstart",
    "output",
    "pause",
    "process",
    "select",
    "shelf",
    "timer",
];

/// Finds what touches what; problems are in the report.
pub(super) fn plan<'s>(sheet: &'s Sheet, report: &mut Report) -> Plan<'s> {
    let mut icons: Vec<&Item> = Vec::new();
    let (mut across, mut down): (Vec<Segment<'_>>, Vec<Segment<'_>>) = (Vec::new(), Vec::new());
    let mut tips: BTreeMap<(i64, i64), &Item> = BTreeMap::new();
    for item in &sheet.items {
        let Item { x, y, w, h, a, b, .. } = *item;
        if [x, y, w, h, a, b].iter().any(|number| number.abs() > FARTHEST) || w < 0 || h < 0 || a < 0 {
            report.add(item.error(codes::DRN_NUMBERS));
            continue;
        }
        let line = |at, from, length: i64, bar| Segment { item, at, from, to: from + length, bar };
        match item.kind.as_str() {
            "horizontal" => across.push(line(y, x, w, false)),
            "parallel" => across.push(line(y, x, w, true)),
            "vertical" => down.push(line(x, y, h, false)),
            "arrow" => {
                let right = b != 0;
                down.push(line(x, y, h, false));
                across.push(line(y, if right { x } else { x - w }, w, false));
                across.push(line(y + h, if right { x } else { x - a }, a, false));
                tips.insert((if right { x + w } else { x - w }, y), item);
            }
            // Beside the flow.
            "commentout" => {}
            kind if ICONS.contains(&kind) => {
                if kind == "if" {
                    across.push(line(y, x + w, a, false));
                }
                icons.push(item);
            }
            _ => report.add(item.error(codes::DRN_ITEM)),
        }
    }
    check_space(&icons, report);
    for icon in &icons {
        let Rect { left, top, right, bottom } = Rect::of(icon);
        across = cut(across, (top, bottom), (left, right));
        down = cut(down, (left, right), (top, bottom));
    }
    let mut builder = Builder::new(&icons);
    let across = merge(across);
    builder.connect(&across, &merge(down), report);
    for (tip, arrow) in tips {
        match builder.pointed_at(tip, arrow, &across) {
            Some(stop) => builder.joints[stop].arrow = Some(arrow),
            None => report.add(arrow.error(codes::DRN_ARROW)),
        }
    }
    let plan = Plan { joints: builder.joints };
    plan.check(report);
    plan
}

/// Icons that touch leave no room for the line between them.
fn check_space(icons: &[&Item], report: &mut Report) {
    let mut by_left: Vec<(Rect, &Item)> = icons.iter().map(|icon| (Rect::of(icon), *icon)).collect();
    by_left.sort_by_key(|(rect, icon)| (rect.left, icon.id));
    for (index, (rect, icon)) in by_left.iter().enumerate() {
        let near = by_left[index + 1..].iter().take_while(|(other, _)| other.left <= rect.right);
        for (other, touched) in near {
            if rect.touches(other) {
                report.add_with(Severity::Error, || touched.error(codes::DRN_TOUCH).with("other", icon.id));
            }
        }
    }
}

/// Takes out of lines what is under an icon.
fn cut(segments: Vec<Segment<'_>>, across: (i64, i64), along: (i64, i64)) -> Vec<Segment<'_>> {
    let mut cut = Vec::with_capacity(segments.len());
    for segment in segments {
        if segment.at < across.0 || segment.at > across.1 || segment.to <= along.0 || segment.from >= along.1 {
            cut.push(segment);
            continue;
        }
        if segment.from < along.0 {
            cut.push(Segment { to: along.0, ..segment.clone() });
        }
        if segment.to > along.1 {
            cut.push(Segment { from: along.1, ..segment });
        }
    }
    cut
}

/// Makes one line of those that overlap or go on in one another. A double line stays apart from those that touch it.
fn merge(mut segments: Vec<Segment<'_>>) -> Vec<Segment<'_>> {
    segments.retain(|segment| segment.from < segment.to);
    segments.sort_by_key(|segment| (segment.at, segment.from, segment.to, segment.item.id));
    let mut merged: Vec<Segment<'_>> = Vec::with_capacity(segments.len());
    for segment in segments {
        match merged.last_mut() {
            Some(last) if last.at == segment.at && segment.from <= last.to => {
                last.to = last.to.max(segment.to);
                last.bar |= segment.bar;
            }
            _ => merged.push(segment),
        }
    }
    merged
}

struct Builder<'s> {
    joints: Vec<Joint<'s>>,
    knots: BTreeMap<(i64, i64), Stop>,
    icons: usize,
}

impl<'s> Builder<'s> {
    fn new(icons: &[&'s Item]) -> Self {
        let joints = icons.iter().map(|icon| joint(icon, true, icon.x, icon.y)).collect();
        Self { joints, knots: BTreeMap::new(), icons: icons.len() }
    }

    /// Connects what stands along each line: icons at its ends, and where it meets other lines.
    fn connect(&mut self, across: &[Segment<'s>], down: &[Segment<'s>], report: &mut Report) {
        let mut stops_across: Vec<BTreeSet<i64>> =
            across.iter().map(|line| BTreeSet::from([line.from, line.to])).collect();
        let mut stops_down: Vec<BTreeSet<i64>> = down.iter().map(|line| BTreeSet::from([line.from, line.to])).collect();
        for (row, line) in across.iter().enumerate() {
            for (column, other) in down.iter().enumerate() {
                let meets =
                    line.from <= other.at && other.at <= line.to && other.from <= line.at && line.at <= other.to;
                if meets {
                    stops_across[row].insert(other.at);
                    stops_down[column].insert(line.at);
                }
            }
        }
        for (line, stops) in across.iter().zip(stops_across) {
            let places: Vec<(i64, i64)> = stops.into_iter().map(|x| (x, line.at)).collect();
            self.string(line, &places, Side::Right, report);
        }
        for (line, stops) in down.iter().zip(stops_down) {
            let places: Vec<(i64, i64)> = stops.into_iter().map(|y| (line.at, y)).collect();
            self.string(line, &places, Side::Down, report);
        }
    }

    /// Connects neighbours along a line that goes to `side`.
    fn string(&mut self, line: &Segment<'s>, places: &[(i64, i64)], side: Side, report: &mut Report) {
        let count = places.len();
        let mut stops = Vec::with_capacity(count);
        for (index, place) in places.iter().enumerate() {
            let icon = match index {
                0 => self.icon_at(*place, side),
                _ if index + 1 == count => self.icon_at(*place, side.opposite()),
                _ => None,
            };
            let stop = icon.unwrap_or_else(|| self.knot(line.item, *place));
            self.joints[stop].on_bar |= line.bar;
            stops.push(stop);
        }
        for pair in stops.windows(2) {
            let (from, to) = (pair[0], pair[1]);
            if self.joints[from].ways[side as usize].replace(to).is_some() {
                report.add(self.joints[from].item.error(codes::DRN_TWO_LINES));
            }
            if self.joints[to].ways[side.opposite() as usize].replace(from).is_some() {
                report.add(self.joints[to].item.error(codes::DRN_TWO_LINES));
            }
        }
    }

    /// The icon whose `side` is at this place.
    fn icon_at(&self, (x, y): (i64, i64), side: Side) -> Option<Stop> {
        (0..self.icons).find(|stop| {
            let rect = Rect::of(self.joints[*stop].item);
            let within_x = rect.left <= x && x <= rect.right;
            let within_y = rect.top <= y && y <= rect.bottom;
            match side {
                Side::Up => within_x && y == rect.top,
                Side::Down => within_x && y == rect.bottom,
                Side::Left => within_y && x == rect.left,
                Side::Right => within_y && x == rect.right,
            }
        })
    }

    /// Where an arrow with this tip points: its line may be drawn longer than the arrow itself.
    fn pointed_at(&self, (x, y): (i64, i64), arrow: &Item, across: &[Segment<'_>]) -> Option<Stop> {
        let line = across.iter().find(|line| line.at == y && line.from <= x && x <= line.to)?;
        let mut knots = self.knots.iter().filter(|((_, knot), _)| *knot == y);
        let found = if arrow.b != 0 {
            knots.find(|((at, _), _)| x <= *at && *at <= line.to)
        } else {
            knots.rfind(|((at, _), _)| line.from <= *at && *at <= x)
        };
        found.map(|(_, stop)| *stop)
    }

    fn knot(&mut self, item: &'s Item, (x, y): (i64, i64)) -> Stop {
        let joints = &mut self.joints;
        *self.knots.entry((x, y)).or_insert_with(|| {
            joints.push(joint(item, false, x, y));
            joints.len() - 1
        })
    }
}

fn joint(item: &Item, is_icon: bool, x: i64, y: i64) -> Joint<'_> {
    Joint { item, is_icon, x, y, ways: [None; 4], arrow: None, on_bar: false }
}

impl Plan<'_> {
    /// Lines that end in nothing, and lines that cross.
    fn check(&self, report: &mut Report) {
        for joint in self.joints.iter().filter(|joint| !joint.is_icon) {
            let count = joint.ways.iter().flatten().count();
            if count == 1 {
                report.add(joint.error(codes::DRN_DANGLING));
            }
            // The line over a silhouette meets the begin icon above the first branch.
            let branch = joint.way(Side::Down).is_some_and(|below| self.joints[below].item.kind == "branch");
            if count == 4 && !branch && !joint.on_bar {
                report.add(joint.error(codes::DRN_CROSSING));
            }
        }
    }
}
