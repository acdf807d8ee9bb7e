//! How large each part is, from the text in it and the shape around it.

use crate::graph::Graph;
use crate::read::{ItemId, Kind};

use super::plan::{Part, Plan, What};
use super::text::{Font, LEADING, Line, count, height};
use super::words::Words;

/// Text is broken into lines of this width, unless there is much of it.
const TEXT_WIDTH: i64 = 270;

/// No icon with a text is narrower.
const LEAST_WIDTH: i64 = 104;

/// Icons in one column that are no wider than this are made equally wide.
const SAME_WIDTH: i64 = 340;

/// The distance from an icon to the one at its left.
pub(super) const SIDE_GAP: i64 = 18;

/// What is drawn around a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// The title, which begins the diagram, and its end.
    Capsule,
    Parameters,
    Header,
    Address,
    Of(Kind),
    /// A circle with a letter, where a line goes on elsewhere.
    Letter,
}

/// A text in a shape.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) shape: Shape,
    pub(super) item: Option<ItemId>,
    pub(super) width: i64,
    pub(super) height: i64,
    pub(super) lines: Vec<Line>,
    /// The upper text of an icon that has two, and how high that part is.
    pub(super) upper: Vec<Line>,
    pub(super) upper_height: i64,
    pub(super) is_bold: bool,
}

/// What the shape takes at each side of the text.
#[derive(Clone, Copy)]
pub(super) struct Padding {
    pub(super) left: i64,
    pub(super) right: i64,
    pub(super) top: i64,
    pub(super) bottom: i64,
}

impl Shape {
    pub(super) fn padding(self) -> Padding {
        let around = |x, top, bottom| Padding { left: x, right: x, top, bottom };
        match self {
            Self::Capsule => around(24, 9, 9),
            Self::Parameters => around(14, 8, 8),
            Self::Header => around(14, 9, 20),
            Self::Address => around(14, 20, 9),
            Self::Letter => around(0, 0, 0),
            Self::Of(kind) => match kind {
                Kind::Question => around(24, 10, 10),
                Kind::Select => around(26, 10, 10),
                Kind::Case => around(12, 8, 18),
                Kind::LoopBegin => around(16, 12, 9),
                Kind::LoopEnd => around(16, 9, 12),
                Kind::Insertion => around(20, 10, 10),
                Kind::Process => around(14, 16, 16),
                Kind::Input | Kind::SimpleInput => Padding { left: 30, right: 14, top: 9, bottom: 9 },
                Kind::Output | Kind::SimpleOutput => Padding { left: 14, right: 30, top: 9, bottom: 9 },
                Kind::Pause | Kind::Duration => around(24, 9, 9),
                Kind::Timer => around(30, 9, 9),
                Kind::ControlStart | Kind::ControlEnd => Padding { left: 32, right: 14, top: 10, bottom: 10 },
                Kind::Comment => around(16, 8, 8),
                _ => around(14, 10, 10),
            },
        }
    }
}

impl Block {
    fn new(shape: Shape, item: Option<ItemId>, text: &str, font: &Font) -> Self {
        let lines = fitted(text, font);
        let mut block =
            Self { shape, item, width: 0, height: 0, lines, upper: Vec::new(), upper_height: 0, is_bold: false };
        block.measure();
        block
    }

    fn measure(&mut self) {
        let Padding { left, right, top, bottom } = self.shape.padding();
        let widest = |lines: &[Line]| lines.iter().map(|line| line.width).max().unwrap_or(0);
        let text = widest(&self.lines).max(widest(&self.upper));
        self.width = (text + left + right).max(LEAST_WIDTH);
        self.width += self.width % 2;
        if !self.upper.is_empty() || self.shape.has_two_texts() {
            self.upper_height = height(&self.upper).max(LEADING) + 12;
        }
        self.height = (height(&self.lines).max(LEADING) + top + bottom) + self.upper_height;
        self.height += self.height % 2;
    }
}

impl Shape {
    pub(super) fn has_two_texts(self) -> bool {
        matches!(self, Self::Of(Kind::Shelf | Kind::Input | Kind::Output))
    }
}

/// Lines of the usual width; much text gets wider ones, so that it does not become a ribbon.
fn fitted(text: &str, font: &Font) -> Vec<Line> {
    let lines = font.lines(text, TEXT_WIDTH);
    let rows = count(lines.len());
    if rows <= 14 {
        return lines;
    }
    let area = rows * LEADING * TEXT_WIDTH;
    let wide = (area * 3 / 2).isqrt().clamp(TEXT_WIDTH, 1600);
    font.lines(text, wide)
}

/// A part with its extents from its axis: the vertical line that goes through it, and its middle.
#[derive(Clone, Debug, Default)]
pub(super) struct Extent {
    pub(super) block: Option<Block>,
    /// What stands at its left.
    pub(super) side: Option<Block>,
    /// Whether lines begin and end anywhere along it, as at the bars of a parallel.
    pub(super) is_bar: bool,
    pub(super) left: i64,
    pub(super) right: i64,
    pub(super) up: i64,
    pub(super) down: i64,
}

/// The extents of all parts.
pub(super) fn extents(plan: &Plan, graph: &Graph<'_>, title: &str, words: &Words) -> Vec<Extent> {
    let fonts = [Font::regular(), Font::bold()];
    let mut extents: Vec<Extent> =
        plan.parts.iter().map(|part| extent(plan, part, graph, title, words, &fonts)).collect();
    align(plan, &mut extents);
    for (extent, part) in extents.iter_mut().zip(&plan.parts) {
        extent.settle(plan, part);
    }
    extents
}

/// The title with the parameters beside it.
pub(super) fn title(graph: &Graph<'_>, title: &str, words: &Words) -> (Block, Option<Block>) {
    let bold = Font::bold();
    let mut capsule = Block::new(Shape::Capsule, None, title, bold);
    capsule.is_bold = true;
    let params = graph.diagram.params.trim();
    let params = (!params.is_empty()).then(|| Block::new(Shape::Parameters, None, params, Font::regular()));
    let _ = words;
    (capsule, params)
}

fn extent(
    plan: &Plan,
    part: &Part,
    graph: &Graph<'_>,
    title_text: &str,
    words: &Words,
    [regular, bold]: &[&Font; 2],
) -> Extent {
    let (block, item) = match part.what {
        What::Join | What::Tail(_) => return Extent::default(),
        What::Title(_) => {
            let (capsule, _) = title(graph, title_text, words);
            return Extent { block: Some(capsule), ..Extent::default() };
        }
        What::Jump(item) => {
            let letter = plan.arrivals.get(&item).copied().unwrap_or(0);
            return Extent { block: Some(letter_block(letter, item, regular)), ..Extent::default() };
        }
        What::Foot { item, .. } => {
            let icon = graph.icon(item);
            if icon.kind == Kind::End {
                let text = if icon.text.trim().is_empty() { words.end } else { &icon.text };
                let mut block = Block::new(Shape::Capsule, Some(item), text, bold);
                block.is_bold = true;
                return Extent { block: Some(block), ..Extent::default() };
            }
            (Block::new(Shape::Address, Some(item), &branch_name(graph, item), regular), item)
        }
        What::Icon(item) => {
            let icon = graph.icon(item);
            match icon.kind {
                Kind::ArrowLoop => return Extent::default(),
                Kind::ParBegin | Kind::ParEnd => {
                    return Extent { is_bar: true, up: 4, down: 4, left: 24, right: 24, ..Extent::default() };
                }
                Kind::Branch => {
                    let mut block = Block::new(Shape::Header, Some(item), &branch_name(graph, item), bold);
                    block.is_bold = true;
                    (block, item)
                }
                kind => {
                    let shape = Shape::Of(kind);
                    let has_parts = shape.has_two_texts();
                    let reading =
                        if has_parts || icon.secondary.trim().is_empty() { None } else { Some(icon.reading()) };
                    let text = reading.as_deref().unwrap_or(&icon.text);
                    let mut block = Block::new(shape, Some(item), text, regular);
                    if has_parts {
                        block.upper = fitted(&icon.secondary, regular);
                        block.measure();
                    }
                    (block, item)
                }
            }
        }
    };
    let side = graph.icon(item).side.filter(|side| *side != item).map(|side| {
        let icon = graph.icon(side);
        Block::new(Shape::Of(icon.kind), Some(side), &icon.text, regular)
    });
    Extent { block: Some(block), side, ..Extent::default() }
}

/// A circle with a letter in it.
pub(super) fn letter_block(letter: usize, item: ItemId, font: &Font) -> Block {
    let text = letter_name(letter);
    let line = Line { width: font.width(&text), text };
    let side = (line.width + 12).max(26);
    let side = side + side % 2;
    Block {
        shape: Shape::Letter,
        item: Some(item),
        width: side,
        height: side,
        lines: vec![line],
        upper: Vec::new(),
        upper_height: 0,
        is_bold: false,
    }
}

/// A, B, … Z, A1, B1, …
fn letter_name(letter: usize) -> String {
    let name = char::from(b'A' + u8::try_from(letter % 26).unwrap_or(0));
    if letter < 26 { name.to_string() } else { format!("{name}{}", letter / 26) }
}

/// What a branch is called; one without a name, by its number.
pub(super) fn branch_name(graph: &Graph<'_>, item: ItemId) -> String {
    let icon = graph.icon(item);
    if !icon.text.trim().is_empty() {
        return icon.text.clone();
    }
    if icon.branch == i64::MAX { "?".to_owned() } else { icon.branch.to_string() }
}

/// Makes icons that stand above each other equally wide.
fn align(plan: &Plan, extents: &mut [Extent]) {
    let mut widths = vec![0; plan.faces];
    let narrow = |block: &Block| {
        block.width <= SAME_WIDTH && !matches!(block.shape, Shape::Letter | Shape::Capsule | Shape::Of(Kind::Comment))
    };
    for (part, extent) in plan.parts.iter().zip(extents.iter()) {
        if let Some(block) = extent.block.as_ref().filter(|block| narrow(block)) {
            widths[part.left] = block.width.max(widths[part.left]);
        }
    }
    for (part, extent) in plan.parts.iter().zip(extents.iter_mut()) {
        if let Some(block) = extent.block.as_mut().filter(|block| narrow(block)) {
            block.width = widths[part.left];
        }
    }
}

impl Extent {
    fn settle(&mut self, plan: &Plan, part: &Part) {
        if let Some(block) = &self.block {
            (self.left, self.right) = (block.width / 2, block.width / 2);
            (self.up, self.down) = (block.height / 2, block.height / 2);
        }
        if let Some(side) = &self.side {
            self.left += side.width + SIDE_GAP;
            self.up = self.up.max(side.height / 2);
            self.down = self.down.max(side.height / 2);
        }
        if let What::Icon(item) = part.what {
            if plan.arrivals.contains_key(&item) {
                self.left += 52;
                (self.up, self.down) = (self.up.max(14), self.down.max(14));
            }
            if self.block.is_none() && self.left == 0 && self.up == 0 {
                // The arrow of a loop.
                (self.up, self.down) = (6, 6);
            }
        }
    }
}
