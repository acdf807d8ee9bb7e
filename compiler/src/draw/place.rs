//! Where everything stands: heights from the longest ways, columns from the order of the faces.
//!
//! All lines with one face at their left stand above each other, so the first line into a part and the first out of it are
//! one vertical: the skewer. A face lies right of all that is at its left. Parts that come after each other have heights
//! that do not meet; parts that do not, have columns that do not meet.

use super::plan::{FaceId, Line, LineId, PartId, Plan, Port, What};
use super::size::Extent;

/// From one icon to the next.
const GAP: i64 = 22;
/// More below an icon where several lines begin at one bar.
const BAR: i64 = 14;
/// Between a meeting of lines and what is above it.
const JOIN_GAP: i64 = 16;
/// More below a question, for its answer.
const ANSWER: i64 = 8;
/// Between what stands side by side.
const ASIDE: i64 = 26;
/// From a question to the vertical at its right, for its answer.
const ANSWER_ASIDE: i64 = 40;
/// How far a question may move down so that its line runs straight into another.
const SLACK: i64 = 110;

/// Coordinates of a plan.
#[derive(Debug)]
pub(super) struct Places {
    /// The axis of each part.
    pub(super) x: Vec<i64>,
    /// The middle of each part.
    pub(super) y: Vec<i64>,
    /// The vertical of each line.
    pub(super) line_x: Vec<i64>,
    /// Lines that run level from a question into a meeting of lines.
    pub(super) level: Vec<bool>,
    /// Of each column, from where to where it reaches.
    pub(super) columns: Vec<(i64, i64)>,
}

/// Places all parts. `extents` grows by the meetings that are added.
pub(super) fn place(plan: &mut Plan, extents: &mut Vec<Extent>) -> Places {
    insert_joins(plan, extents);
    extents.resize(plan.parts.len(), Extent::default());
    let mut level = Levels::find(plan, extents);
    extents.resize(plan.parts.len(), Extent::default());
    let mut faces = Faces((0..plan.faces).collect());
    let mut y = heights(plan, extents, &level);
    if y.is_none() {
        level = Levels::none(plan);
        y = heights(plan, extents, &level);
    }
    for &(a, b) in &level.merged {
        faces.merge(a, b);
    }
    let mut columns = abscissas(plan, extents, &level, &mut faces);
    if columns.is_none() {
        level = Levels::none(plan);
        y = heights(plan, extents, &level);
        faces = Faces((0..plan.faces).collect());
        columns = abscissas(plan, extents, &level, &mut faces);
    }
    // Without level lines both orders follow from the embedding; what is left over would be a fault of ours.
    let y = y.unwrap_or_else(|| vec![0; plan.parts.len()]);
    let face_x = columns.unwrap_or_else(|| vec![0; plan.faces]);
    let mut spans = vec![(i64::MAX, i64::MIN); plan.heads.len()];
    let mut grow = |column: usize, from: i64, to: i64| {
        let span = &mut spans[column];
        *span = (span.0.min(from), span.1.max(to));
    };
    let mut x = Vec::with_capacity(plan.parts.len());
    for (part, extent) in plan.parts.iter().zip(extents.iter()) {
        let at = face_x[faces.find(part.left)];
        if part.what == What::Join || !part.ins.is_empty() || !part.outs.is_empty() {
            grow(part.column, at - extent.left, at + extent.right);
        }
        x.push(at);
    }
    let mut line_x = Vec::with_capacity(plan.lines.len());
    for line in &plan.lines {
        let at = face_x[faces.find(line.left)];
        grow(plan.parts[line.from].column, at, at);
        line_x.push(at);
    }
    let level = level.lines;
    Places { x, y, line_x, level, columns: spans }
}

/// Where several lines lead into an icon they meet above it; the paths of a parallel end at its bar.
fn insert_joins(plan: &mut Plan, extents: &[Extent]) {
    let mut sequence = Vec::with_capacity(plan.sequence.len() * 2);
    for part in std::mem::take(&mut plan.sequence) {
        let stands_alone = matches!(plan.parts[part].what, What::Tail(_)) || extents[part].is_bar;
        if plan.parts[part].ins.len() > 1 && !stands_alone {
            let join = plan.part(What::Join, plan.parts[part].column);
            let ins = std::mem::take(&mut plan.parts[part].ins);
            for line in &ins {
                plan.lines[*line].to = join;
            }
            let (left, right) = (plan.parts[part].left, plan.parts[part].right);
            (plan.parts[join].ins, plan.parts[join].left, plan.parts[join].right) = (ins, left, right);
            plan.line(Line { from: join, to: part, port: Port::Below, back: false, origin: None, left, right });
            sequence.push(join);
        }
        sequence.push(part);
    }
    plan.sequence = sequence;
}

/// How far the middles of two parts must be apart.
fn distance(plan: &Plan, extents: &[Extent], line: &Line) -> i64 {
    let (from, to) = (&plan.parts[line.from], &plan.parts[line.to]);
    let is_meeting = |what: What| matches!(what, What::Join | What::Tail(_));
    let mut gap = if is_meeting(from.what) || is_meeting(to.what) { JOIN_GAP } else { GAP };
    let outs = from.outs.len();
    let right = plan.lines[*from.outs.last().unwrap_or(&0)].port == Port::Right;
    if outs > 1 && right {
        gap += ANSWER;
    } else if outs > 1 && extents[line.from].block.is_some() {
        gap += BAR;
    }
    extents[line.from].down + gap + extents[line.to].up
}

/// Lines that leave a question at its right and run level into a vertical there.
struct Levels {
    lines: Vec<bool>,
    /// Of each meeting, the question that it is level with.
    with: Vec<Option<PartId>>,
    merged: Vec<(FaceId, FaceId)>,
}

impl Levels {
    fn none(plan: &Plan) -> Self {
        Self { lines: vec![false; plan.lines.len()], with: vec![None; plan.parts.len()], merged: Vec::new() }
    }

    fn find(plan: &mut Plan, extents: &mut Vec<Extent>) -> Self {
        let mut levels = Self::none(plan);
        // As high as possible, to begin with.
        let Some(mut y) = heights(plan, extents, &levels) else { return levels };
        let sequence = std::mem::take(&mut plan.sequence);
        for part in &sequence {
            if matches!(plan.parts[*part].what, What::Join | What::Tail(_)) {
                levels.try_level(plan, extents, &mut y, *part);
            }
        }
        plan.sequence = sequence;
        levels.lines.resize(plan.lines.len(), false);
        levels.with.resize(plan.parts.len(), None);
        levels
    }

    /// Makes lines into a meeting level, from the first on, as far as they can be. Each that is gets a meeting of its own,
    /// under the one where the lines after it meet.
    fn try_level(&mut self, plan: &mut Plan, extents: &mut Vec<Extent>, y: &mut Vec<i64>, whole: PartId) {
        let ins = std::mem::take(&mut plan.parts[whole].ins);
        let (backs, ways): (Vec<LineId>, Vec<LineId>) = ins.into_iter().partition(|line| plan.lines[*line].back);
        let column = plan.parts[whole].column;
        let reach = |y: &[i64], extents: &[Extent], line: &LineId| {
            let line = &plan.lines[*line];
            y[line.from] + distance(plan, extents, line)
        };
        // How low the lines from each on reach.
        let mut lowest = vec![i64::MIN; ways.len() + 1];
        for (index, line) in ways.iter().enumerate().rev() {
            lowest[index] = lowest[index + 1].max(reach(y, extents, line));
        }
        let head = backs.iter().map(|line| reach(y, extents, line)).max().unwrap_or(i64::MIN);
        if ways.is_empty() {
            return collect(plan, whole, &[], &backs);
        }
        let mut meeting = whole;
        for (index, first) in ways.iter().enumerate() {
            let rest = &ways[index + 1..];
            let backs = if meeting == whole { &backs[..] } else { &[] };
            let below = lowest[index + 1].max(if backs.is_empty() { i64::MIN } else { head });
            let Line { port, from: question, .. } = plan.lines[*first];
            let next = rest.first().or(backs.first()).filter(|_| port == Port::Right && below <= y[question] + SLACK);
            let Some(next) = next else {
                return collect(plan, meeting, &ways[index..], backs);
            };
            self.lines[*first] = true;
            self.with[meeting] = Some(question);
            self.merged.push((plan.lines[*first].left, plan.lines[*next].left));
            y[meeting] = y[question];
            let (Some(second), Some(last), true) = (rest.first(), rest.last(), rest.len() > 1) else {
                return collect(plan, meeting, &ways[index..], backs);
            };
            let (left, right) = (plan.lines[*second].left, plan.lines[*last].right);
            let above = plan.part(What::Join, column);
            (plan.parts[above].left, plan.parts[above].right) = (left, right);
            extents.push(Extent::default());
            self.with.push(None);
            y.push(lowest[index + 1]);
            collect(plan, meeting, &ways[index..=index], &[]);
            plan.line(Line { from: above, to: meeting, port: Port::Below, back: false, origin: None, left, right });
            self.lines.push(false);
            plan.parts[meeting].ins.extend(backs);
            meeting = above;
        }
    }
}

/// Lets these lines lead into a meeting.
fn collect(plan: &mut Plan, meeting: PartId, ways: &[LineId], backs: &[LineId]) {
    for line in ways {
        plan.lines[*line].to = meeting;
    }
    plan.parts[meeting].ins = [ways, backs].concat();
}

/// The middle of each part as high as it can be; `None` if the order has a cycle.
fn heights(plan: &Plan, extents: &[Extent], levels: &Levels) -> Option<Vec<i64>> {
    let count = plan.parts.len();
    let stands_with = |part: PartId| levels.with.get(part).copied().flatten().unwrap_or(part);
    let mut waits = vec![0_usize; count];
    let mut members: Vec<Vec<PartId>> = vec![Vec::new(); count];
    for part in 0..count {
        members[stands_with(part)].push(part);
    }
    for line in &plan.lines {
        if stands_with(line.from) != stands_with(line.to) {
            waits[stands_with(line.to)] += 1;
        }
    }
    let mut below: Vec<Vec<PartId>> = vec![Vec::new(); count];
    for &(part, line) in &plan.above {
        let to = plan.lines[line].to;
        if stands_with(part) != stands_with(to) {
            below[part].push(to);
            waits[stands_with(to)] += 1;
        }
    }
    let mut y = vec![0; count];
    let mut ready: Vec<PartId> = (0..count).filter(|part| stands_with(*part) == *part && waits[*part] == 0).collect();
    let mut done = 0;
    while let Some(place) = ready.pop() {
        for part in &members[place] {
            done += 1;
            y[*part] = y[place];
            let lines = plan.parts[*part].outs.iter().map(|line| {
                let line = &plan.lines[*line];
                (line.to, distance(plan, extents, line))
            });
            let beside = below[*part].iter().map(|to| (*to, extents[*part].down + JOIN_GAP + extents[*to].up));
            for (to, distance) in lines.chain(beside) {
                let to = stands_with(to);
                if to == place {
                    continue;
                }
                y[to] = y[to].max(y[place] + distance);
                waits[to] -= 1;
                if waits[to] == 0 {
                    ready.push(to);
                }
            }
        }
    }
    (done == count).then_some(y)
}

/// Where the verticals of each face stand; `None` if the order has a cycle.
fn abscissas(plan: &Plan, extents: &[Extent], levels: &Levels, faces: &mut Faces) -> Option<Vec<i64>> {
    let count = plan.faces;
    // What the parts of a face take at its left.
    let mut before = vec![0; count];
    let mut after: Vec<Vec<(FaceId, i64)>> = vec![Vec::new(); count];
    let mut waits = vec![0_usize; count];
    let mut add = |faces: &mut Faces, left: FaceId, right: FaceId, width: i64| {
        let (left, right) = (faces.find(left), faces.find(right));
        after[left].push((right, width));
        waits[right] += 1;
    };
    for (part, extent) in plan.parts.iter().zip(extents) {
        if part.ins.is_empty() && part.outs.is_empty() {
            continue;
        }
        let left = faces.find(part.left);
        before[left] = extent.left.max(before[left]);
        add(faces, part.left, part.right, extent.right + ASIDE);
        if let [.., last] = part.outs[..]
            && plan.lines[last].port == Port::Right
            && part.outs.len() > 1
        {
            add(faces, part.left, plan.lines[last].left, extent.right + ANSWER_ASIDE);
        }
    }
    for (id, line) in plan.lines.iter().enumerate() {
        if !levels.lines.get(id).copied().unwrap_or(false) {
            add(faces, line.left, line.right, ASIDE);
        }
    }
    let mut x = vec![0; count];
    let roots: Vec<FaceId> = (0..count).filter(|face| faces.find(*face) == *face).collect();
    let mut ready: Vec<FaceId> = roots.iter().copied().filter(|face| waits[*face] == 0).collect();
    let mut done = 0;
    while let Some(face) = ready.pop() {
        done += 1;
        x[face] += before[face];
        for (right, width) in std::mem::take(&mut after[face]) {
            x[right] = x[right].max(x[face] + width);
            waits[right] -= 1;
            if waits[right] == 0 {
                ready.push(right);
            }
        }
    }
    (done == roots.len()).then_some(x)
}

/// Faces, of which some stand at one vertical.
struct Faces(Vec<FaceId>);

impl Faces {
    fn find(&mut self, face: FaceId) -> FaceId {
        let mut at = face;
        while self.0[at] != at {
            self.0[at] = self.0[self.0[at]];
            at = self.0[at];
        }
        at
    }

    fn merge(&mut self, a: FaceId, b: FaceId) {
        let (a, b) = (self.find(a), self.find(b));
        self.0[b] = a;
    }
}
