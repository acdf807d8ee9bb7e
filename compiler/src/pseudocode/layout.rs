//! Icons to lines. What is still to be written is kept on a stack of our own, so depth costs no native stack.

use bloom_ir::document::Locale;

use super::expression::quote;
use super::flow::Flow;
use super::lines::{Line, Lines};
use super::nesting::Nesting;
use super::statement::Writer;
use crate::lower::{Asked, CaseForm, Form};
use crate::read::{ItemId, Kind};
use crate::text::{Jump, Keyword, LoopHead, Statement};

/// Blocks of conditions within each other; what is deeper is written as a step of its own.
const DEEPEST: usize = 10;
/// Columns of one level.
const STEP: usize = 2;

/// Where something is written.
#[derive(Clone, Copy)]
struct Place {
    indent: usize,
    /// How many blocks of conditions stand around it in its body.
    depth: usize,
    /// What follows the block without a word.
    next: Option<ItemId>,
    /// What `→ NEXT` and `→ BREAK` mean.
    again: Option<ItemId>,
    leave: Option<ItemId>,
    block: usize,
    body: usize,
    /// The body of the innermost path: paths that meet in one icon have ends of their own.
    path: usize,
    /// Whether it goes on from `ELSE`, on its line.
    chained: bool,
}

/// A block of lines.
struct Block {
    /// Whether some way through it comes to its end.
    fell: bool,
    /// The block that ends where it ends.
    parent: Option<usize>,
    /// How many lines there were before it.
    start: usize,
}

enum Task {
    /// An icon, with all that stands in it and after it.
    Icon(ItemId, Place),
    /// A way to an icon.
    Way(ItemId, Place),
    /// The second arm of a question, once the first is written.
    Otherwise { way: ItemId, first: usize, place: Place },
    /// A line that begins a block, and the way that it leads to.
    Arm { line: String, way: ItemId, place: Place },
    /// A path of a parallel.
    Path { line: String, way: ItemId, end: ItemId, place: Place },
    /// A word where a block would be empty.
    Fill(usize, usize),
    /// What was put off in a body, and its end.
    Close { place: Place, end: Option<ItemId> },
}

pub(super) struct Layout<'f> {
    flow: &'f Flow<'f>,
    nesting: Nesting,
    locale: Locale,
    lines: Lines,
    tasks: Vec<Task>,
    blocks: Vec<Block>,
    /// Which icons are written, or stand open: ways back to them are jumps.
    written: Vec<bool>,
    /// Of each body, what was put off.
    put_off: Vec<Vec<ItemId>>,
}

/// The lines between the program's first and its last.
pub(super) fn lines(flow: &Flow<'_>, locale: Locale) -> Lines {
    let mut layout = Layout {
        flow,
        nesting: Nesting::new(flow),
        locale,
        lines: Lines::default(),
        tasks: Vec::new(),
        blocks: Vec::new(),
        written: vec![false; flow.exits.len()],
        put_off: Vec::new(),
    };
    for &root in &flow.roots {
        let mut indent = STEP;
        if flow.named {
            let name = quote(flow.graph.icon(root).text.trim());
            layout.lines.push(Line::Text(indent, format!("{} {name}", layout.word(Keyword::Branch))));
            indent += STEP;
        }
        let block = layout.block(None);
        let body = layout.body();
        let place = Place {
            indent,
            depth: 0,
            next: flow.end,
            again: None,
            leave: None,
            block,
            body,
            path: body,
            chained: false,
        };
        layout.tasks.push(Task::Fill(block, indent));
        layout.tasks.push(Task::Close { place, end: flow.end });
        layout.tasks.push(Task::Icon(root, place));
        layout.run();
    }
    layout.lines
}

impl Layout<'_> {
    fn run(&mut self) {
        while let Some(task) = self.tasks.pop() {
            match task {
                Task::Icon(item, place) => self.icon(item, place),
                Task::Way(to, place) => self.way(to, place),
                Task::Otherwise { way, first, place } => self.otherwise(way, first, place),
                Task::Arm { line, way, place } => {
                    self.text(place.indent - STEP, line);
                    let block = self.block(Some(place.block));
                    self.tasks.push(Task::Fill(block, place.indent));
                    self.tasks.push(Task::Way(way, Place { block, ..place }));
                }
                Task::Path { line, way, end, place } => {
                    self.text(place.indent + STEP, line);
                    let inner = self.inner(place);
                    let inner = Place {
                        indent: place.indent + 2 * STEP,
                        next: Some(end),
                        again: None,
                        leave: None,
                        path: inner.body,
                        ..inner
                    };
                    self.block_of(way, inner, Some(end));
                }
                Task::Fill(block, indent) => {
                    if !self.lines.says_something(self.blocks[block].start) {
                        self.text(indent, self.word(Keyword::Skip).to_owned());
                    }
                }
                Task::Close { place, end } => self.close(place, end),
            }
        }
    }

    fn word(&self, keyword: Keyword) -> &'static str {
        keyword.word(self.locale)
    }

    fn writer(&self, indent: usize) -> Writer {
        Writer { locale: self.locale, indent }
    }

    fn text(&mut self, indent: usize, text: String) {
        self.lines.push(Line::Text(indent, text));
    }

    fn block(&mut self, parent: Option<usize>) -> usize {
        self.blocks.push(Block { fell: false, parent, start: self.lines.len() });
        self.blocks.len() - 1
    }

    fn body(&mut self) -> usize {
        self.put_off.push(Vec::new());
        self.put_off.len() - 1
    }

    /// A way comes to the end of a block, and so of those that end with it.
    fn fall(&mut self, block: usize) {
        let mut at = Some(block);
        while let Some(block) = at.filter(|block| !self.blocks[*block].fell) {
            self.blocks[block].fell = true;
            at = self.blocks[block].parent;
        }
    }

    fn icon(&mut self, item: ItemId, place: Place) {
        self.written[item] = true;
        let followers = self.nesting.followers[item].clone();
        let mut own = place;
        if let Some(first) = followers.first() {
            // The followers come after the icon's own blocks, each leading to the next.
            for (index, follower) in followers.iter().enumerate().rev() {
                let next = followers.get(index + 1).copied();
                let block = if next.is_some() { self.block(None) } else { place.block };
                let place = Place { next: next.or(place.next), block, chained: false, ..place };
                self.tasks.push(Task::Icon(*follower, place));
            }
            own = Place { next: Some(*first), block: self.block(None), ..place };
        }
        if !own.chained {
            self.lines.push(Line::Label(own.indent, item));
        }
        if self.nesting.turned_to[item] && self.flow.graph.icon(item).kind != Kind::LoopBegin {
            self.repeat(item, own);
            return;
        }
        self.says(item, own);
    }

    /// What an icon says, and where it leads.
    fn says(&mut self, item: ItemId, place: Place) {
        let flow = self.flow;
        let icon = flow.graph.icon(item);
        let exits = &flow.exits[item];
        match (icon.kind, flow.forms.of(item)) {
            (Kind::LoopBegin, Some(Form::Loop(head))) => self.for_loop(item, head, place),
            (Kind::ParBegin, _) => self.parallel(item, place),
            (Kind::Select, Some(Form::Select { on, cases })) => self.select(item, on, cases, place),
            (Kind::Question, Some(Form::Question(asked))) => self.question(item, asked, place),
            (kind, form) => {
                if kind == Kind::Comment {
                    self.remark(&icon.text, place.indent);
                }
                if let Some(Form::Statements(statements)) = form {
                    self.remarks_of(item, place.indent);
                    let seconds = flow.forms.seconds(item);
                    for statement in statements {
                        let node = match &statement.node {
                            // Without an end, each jump to it ends the run by itself.
                            Statement::Jump(Jump::End) if flow.end.is_none() => &Statement::Return(None),
                            Statement::Jump(_) => continue,
                            node => node,
                        };
                        let text = self.writer(place.indent).statement(node, seconds);
                        self.text(place.indent, text);
                    }
                }
                if let Some(to) = exits.first() {
                    self.tasks.push(Task::Way(*to, place));
                }
            }
        }
    }

    fn remark(&mut self, text: &str, indent: usize) {
        for line in text.trim().lines() {
            let line = line.trim();
            self.text(indent, if line.is_empty() { "#".to_owned() } else { format!("# {line}") });
        }
    }

    /// Lines of an icon that the compiler does not read.
    fn remarks_of(&mut self, item: ItemId, indent: usize) {
        let icon = self.flow.graph.icon(item);
        if icon.kind == Kind::Action && !self.flow.forms.is_prose(item) {
            for remark in crate::text::remarks(&icon.text) {
                self.remark(remark, indent);
            }
        }
    }

    /// A condition or a question in words.
    fn asked(&self, item: ItemId, asked: &Asked) -> String {
        let writer = self.writer(0);
        match (asked, self.flow.forms.seconds(item)) {
            (Asked::Expression(value), _) => writer.expression(value),
            (Asked::Prose(text), None) => quote(text),
            (Asked::Prose(text), Some(seconds)) => format!("{} {}", quote(text), writer.limit(seconds)),
        }
    }

    fn question(&mut self, item: ItemId, asked: &Asked, place: Place) {
        let &[then, otherwise] = self.flow.exits[item].as_slice() else { return };
        let word = self.word(if place.chained { Keyword::ElseIf } else { Keyword::If });
        let condition = self.asked(item, asked);
        self.text(place.indent, format!("{word} {condition}"));
        let inner = Place { indent: place.indent + STEP, depth: place.depth + 1, chained: false, ..place };
        if !self.writes(then, inner) {
            let falls = Some(then) == place.next;
            // A way that a word can say needs no block for what else may come.
            let worded = !falls || self.jump_word(then, place).is_some();
            let guards = worded && !place.chained && Some(otherwise) != place.next;
            if falls && !guards {
                self.fall(place.block);
                self.text(inner.indent, self.word(Keyword::Skip).to_owned());
                if Some(otherwise) != place.next {
                    self.else_arm(otherwise, place);
                }
                return;
            }
            self.jump(then, inner);
            if guards || Some(otherwise) == place.next {
                self.tasks.push(Task::Way(otherwise, place));
            } else {
                self.else_arm(otherwise, place);
            }
            return;
        }
        let first = self.block(None);
        self.tasks.push(Task::Otherwise { way: otherwise, first, place });
        self.tasks.push(Task::Fill(first, inner.indent));
        self.tasks.push(Task::Way(then, Place { block: first, ..inner }));
    }

    fn otherwise(&mut self, way: ItemId, first: usize, place: Place) {
        if self.blocks[first].fell {
            self.fall(place.block);
        } else if !place.chained {
            // The first arm never comes to its end: what follows is the second.
            self.tasks.push(Task::Way(way, place));
            return;
        }
        if Some(way) == place.next {
            self.fall(place.block);
        } else {
            self.else_arm(way, place);
        }
    }

    fn else_arm(&mut self, way: ItemId, place: Place) {
        let chain = self.writes(way, place)
            && self.flow.graph.icon(way).kind == Kind::Question
            && !self.nesting.turned_to[way]
            && self.nesting.followers[way].is_empty();
        if chain {
            let block = self.block(Some(place.block));
            self.tasks.push(Task::Icon(way, Place { block, chained: true, ..place }));
            return;
        }
        let line = self.word(Keyword::Else).to_owned();
        let place = Place { indent: place.indent + STEP, depth: place.depth + 1, chained: false, ..place };
        self.tasks.push(Task::Arm { line, way, place });
    }

    fn select(&mut self, item: ItemId, on: &Asked, cases: &[CaseForm], place: Place) {
        let on = self.asked(item, on);
        self.text(place.indent, format!("{} {on}", self.word(Keyword::Select)));
        let inner = Place { indent: place.indent + 2 * STEP, depth: place.depth + 1, chained: false, ..place };
        for case in cases.iter().rev() {
            let line = match case.values.as_slice() {
                [] => self.word(Keyword::Else).to_owned(),
                values => format!("{} {}", self.word(Keyword::Case), self.writer(0).case(values)),
            };
            self.tasks.push(Task::Arm { line, way: case.to, place: inner });
        }
    }

    fn for_loop(&mut self, item: ItemId, head: &LoopHead, place: Place) {
        let &[body, after] = self.flow.exits[item].as_slice() else { return };
        let line = self.writer(place.indent).loop_head(head);
        self.text(place.indent, line);
        let end = self.flow.graph.partner[item];
        self.tasks.push(Task::Way(after, place));
        let inner = Place { next: end, again: end, leave: Some(after), ..self.inner(place) };
        self.block_of(body, inner, end);
    }

    /// A body of its own, one level deeper.
    fn inner(&mut self, place: Place) -> Place {
        let (block, body) = (self.block(None), self.body());
        Place { indent: place.indent + STEP, depth: 0, block, body, chained: false, ..place }
    }

    fn block_of(&mut self, way: ItemId, inner: Place, end: Option<ItemId>) {
        self.tasks.push(Task::Fill(inner.block, inner.indent));
        self.tasks.push(Task::Close { place: inner, end });
        self.tasks.push(Task::Way(way, inner));
    }

    /// A loop that its own jumps leave.
    fn repeat(&mut self, item: ItemId, place: Place) {
        self.text(place.indent, self.word(Keyword::Repeat).to_owned());
        let leave = self.nesting.leave[item];
        if let Some(leave) = leave {
            let only = self.nesting.owner[leave] == Some(item);
            self.tasks.push(if only { Task::Icon(leave, place) } else { Task::Way(leave, place) });
        }
        let inner = Place { next: Some(item), again: Some(item), leave, ..self.inner(place) };
        self.tasks.push(Task::Fill(inner.block, inner.indent));
        self.tasks.push(Task::Close { place: inner, end: Some(item) });
        self.says(item, inner);
    }

    fn parallel(&mut self, item: ItemId, place: Place) {
        let Some(parallel) = self.flow.graph.parallels.get(&item) else { return };
        let end = parallel.end;
        let Some((&after, paths)) = self.flow.exits[item].split_last() else { return };
        self.text(place.indent, self.word(Keyword::Parallel).to_owned() + ":");
        self.tasks.push(Task::Way(after, place));
        let line = self.word(Keyword::Path).to_owned() + ":";
        for &path in paths.iter().rev() {
            self.tasks.push(Task::Path { line: line.clone(), way: path, end, place });
        }
    }

    /// Whether a way is written as what it leads to.
    fn writes(&self, to: ItemId, place: Place) -> bool {
        Some(to) != place.next && self.nesting.inline[to] && !self.written[to]
    }

    fn way(&mut self, to: ItemId, place: Place) {
        if Some(to) == place.next {
            self.fall(place.block);
        } else if !self.writes(to, place) {
            self.jump(to, place);
        } else if place.depth > DEEPEST && !place.chained {
            self.put_off[place.body].push(to);
            self.lines.push(Line::Jump(place.indent, to));
        } else {
            self.tasks.push(Task::Icon(to, place));
        }
    }

    /// The word that a jump is said with, where there is one.
    fn jump_word(&self, to: ItemId, place: Place) -> Option<String> {
        let writer = self.writer(place.indent);
        let icon = self.flow.graph.icon(to);
        if Some(to) == self.flow.end {
            Some(writer.jump(&Jump::End))
        } else if Some(to) == place.again {
            Some(writer.jump(&Jump::Next))
        } else if Some(to) == place.leave {
            Some(writer.jump(&Jump::Break))
        } else if self.flow.is_root(to) {
            Some(writer.jump(&Jump::Branch(icon.text.trim().to_owned())))
        } else {
            None
        }
    }

    fn jump(&mut self, to: ItemId, place: Place) {
        if let Some(word) = self.jump_word(to, place) {
            self.text(place.indent, word);
        } else {
            let label = self.label(to, place);
            self.lines.push(Line::Jump(place.indent, label));
        }
    }

    /// What a step is known by in the lines.
    fn label(&self, item: ItemId, place: Place) -> usize {
        match self.flow.graph.icon(item).kind {
            Kind::ParEnd => self.flow.exits.len() + place.path,
            _ => item,
        }
    }

    /// Ends a body: with what was put off in it, each as a step of its own, and with a label for its end.
    fn close(&mut self, place: Place, end: Option<ItemId>) {
        let put_off = std::mem::take(&mut self.put_off[place.body]);
        if put_off.is_empty() {
            if let Some(end) = end.filter(|end| matches!(self.flow.graph.icon(*end).kind, Kind::LoopEnd | Kind::ParEnd))
            {
                let label = self.label(end, place);
                self.lines.push(Line::Tail(place.indent, label));
            }
            return;
        }
        if self.blocks[place.block].fell
            && let Some(end) = end
        {
            self.jump(end, place);
            self.blocks[place.block].fell = false;
        }
        self.tasks.push(Task::Close { place, end });
        for item in put_off.into_iter().rev() {
            let block = self.block(None);
            self.tasks.push(Task::Icon(item, Place { next: None, block, depth: 0, ..place }));
        }
    }
}
