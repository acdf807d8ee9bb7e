//! Diagrams of a given size.

use serde_json::{Map, Value, json};

/// A family of diagrams that grows with a number.
#[derive(Clone, Copy)]
pub struct Shape {
    /// What there is so many of.
    pub name: &'static str,
    /// The file of a diagram with so many.
    pub draw: fn(usize) -> Vec<u8>,
    /// Numbers that double or so, for a curve.
    pub sizes: &'static [usize],
    /// Whether the largest is beyond a limit: such a diagram is refused.
    pub refused: bool,
}

/// All families: what is large in one direction each.
pub const SHAPES: &[Shape] = &[
    Shape { name: "questions in a row", draw: consecutive_ifs, sizes: &[10, 100, 1_000, 10_000], refused: false },
    Shape { name: "actions in a row", draw: straight, sizes: &[100, 1_000, 10_000], refused: false },
    Shape { name: "loops within loops", draw: nested_loops, sizes: &[25, 50, 100, 200, 2_000], refused: false },
    Shape { name: "questions within questions", draw: nested_ifs, sizes: &[100, 1_000, 10_000], refused: false },
    Shape { name: "cases", draw: cases, sizes: &[100, 1_000, 10_000], refused: false },
    Shape { name: "branches", draw: silhouette, sizes: &[100, 1_000, 10_000], refused: false },
    Shape { name: "ways back to one loop", draw: returns, sizes: &[100, 1_000, 10_000], refused: false },
    Shape { name: "arrow loops within arrow loops", draw: nested_arrows, sizes: &[100, 300, 1_000], refused: false },
    Shape {
        name: "bytes of statements in an icon",
        draw: statements,
        sizes: &[1_000, 10_000, 100_000, 1_000_000],
        refused: false,
    },
    Shape { name: "bytes of a comment", draw: comment, sizes: &[1_000, 10_000, 100_000, 1_000_000], refused: false },
    Shape { name: "bytes of HTML", draw: html, sizes: &[1_000, 10_000, 100_000, 1_000_000], refused: false },
    Shape { name: "bytes of one string", draw: string, sizes: &[1_000, 10_000, 100_000, 1_000_000], refused: true },
    Shape {
        name: "bytes of prose in an icon",
        draw: prose,
        sizes: &[1_000, 10_000, 100_000, 1_000_000],
        refused: true,
    },
    Shape { name: "brackets within brackets", draw: brackets, sizes: &[10, 1_000, 10_000, 100_000], refused: true },
    Shape { name: "icons without a way on", draw: broken, sizes: &[100, 1_000, 10_000], refused: true },
];

/// `count` questions in a row, each with an action on its right arm that joins the way down: what takes other compilers
/// time exponential in `count`.
pub fn consecutive_ifs(count: usize) -> Vec<u8> {
    let mut drawing = Drawing::new();
    for index in 0..count {
        let below = if index + 1 == count { "end".to_owned() } else { format!("q{}", index + 1) };
        drawing.question(&format!("q{index}"), &format!("x < {index}?"), &below, &format!("a{index}"));
        drawing.action(&format!("a{index}"), "x = x + 1", &below);
    }
    drawing.finish("q0")
}

/// `count` actions in a row.
pub fn straight(count: usize) -> Vec<u8> {
    let mut drawing = Drawing::new();
    for index in 0..count {
        drawing.action(&format!("a{index}"), "x = x + 1", &after("a", index, count, "end"));
    }
    drawing.finish("a0")
}

/// `count` loops, each in the body of the one before.
pub fn nested_loops(count: usize) -> Vec<u8> {
    let mut drawing = Drawing::new();
    for index in 0..count {
        let text = format!("i{index} in [1]");
        drawing.item(
            &format!("b{index}"),
            &json!({
                "type": "loopbegin", "content": text, "one": after("b", index, count, "body"),
            }),
        );
        let out = if index == 0 { "end".to_owned() } else { format!("e{}", index - 1) };
        drawing.item(&format!("e{index}"), &json!({ "type": "loopend", "one": out }));
    }
    drawing.action("body", "x = x + 1", &format!("e{}", count - 1));
    drawing.finish("b0")
}

/// `count` questions, each on the right arm of the one before; all arms meet in one action.
pub fn nested_ifs(count: usize) -> Vec<u8> {
    let mut drawing = Drawing::new();
    for index in 0..count {
        let right = after("q", index, count, "right");
        drawing.question(&format!("q{index}"), &format!("x < {index}?"), "join", &right);
    }
    drawing.action("right", "x = 1", "join");
    drawing.action("join", "x = x + 1", "end");
    drawing.finish("q0")
}

/// A select with `count` cases and one for all others.
pub fn cases(count: usize) -> Vec<u8> {
    let mut drawing = Drawing::new();
    drawing.item("s", &json!({ "type": "select", "content": "x", "one": "c0" }));
    for index in 0..count {
        drawing.item(
            &format!("c{index}"),
            &json!({
                "type": "case", "content": index.to_string(), "one": format!("a{index}"),
                "two": after("c", index, count, "other"),
            }),
        );
        drawing.action(&format!("a{index}"), "x = x + 1", "end");
    }
    drawing.item("other", &json!({ "type": "case", "content": "", "one": "end" }));
    drawing.finish("s")
}

/// A silhouette of `count` branches, each of which goes on with the next or with the first.
pub fn silhouette(count: usize) -> Vec<u8> {
    let mut drawing = Drawing::new();
    for index in 0..count {
        drawing.item(&format!("b{index}"), &json!({
            "type": "branch", "branchId": index + 1, "content": format!("Branch {index}"), "one": format!("q{index}"),
        }));
        drawing.question(&format!("q{index}"), "x < 10?", &after("b", index, count, "last"), &format!("a{index}"));
        drawing.action(&format!("a{index}"), "x = x + 1", "b0");
    }
    let number = count + 1;
    drawing.item("last", &json!({ "type": "branch", "branchId": number, "content": "Last", "one": "end" }));
    drawing.finish_silhouette()
}

/// `count` questions whose right arms go back to one arrow loop.
pub fn returns(count: usize) -> Vec<u8> {
    let mut drawing = Drawing::new();
    drawing.item("loop", &json!({ "type": "arrow-loop", "one": "first" }));
    drawing.action("first", "x = x + 1", "q0");
    for index in 0..count {
        drawing.question(&format!("q{index}"), &format!("x > {index}?"), &after("q", index, count, "end"), "loop");
    }
    drawing.finish("loop")
}

/// `count` arrow loops that begin one below the other, and end in the opposite order.
pub fn nested_arrows(count: usize) -> Vec<u8> {
    let mut drawing = Drawing::new();
    for index in 0..count {
        let one = after("l", index, count, "body");
        drawing.item(&format!("l{index}"), &json!({ "type": "arrow-loop", "one": one }));
        let out = if index == 0 { "end".to_owned() } else { format!("q{}", index - 1) };
        drawing.question(&format!("q{index}"), &format!("x > {index}?"), &out, &format!("l{index}"));
    }
    drawing.action("body", "x = x + 1", &format!("q{}", count - 1));
    drawing.finish("l0")
}

/// One action with `bytes` of statements.
pub fn statements(bytes: usize) -> Vec<u8> {
    icon(&"x = x + 1\n".repeat(bytes / 10))
}

/// One comment of `bytes`.
pub fn comment(bytes: usize) -> Vec<u8> {
    let mut drawing = Drawing::new();
    drawing.item("c", &json!({ "type": "comment", "content": "words ".repeat(bytes / 6), "one": "end" }));
    drawing.finish("c")
}

/// One comment of `bytes` of HTML.
pub fn html(bytes: usize) -> Vec<u8> {
    let mut drawing = Drawing::new();
    let text = "<p>a &amp; <strong>b</strong></p>".repeat(bytes / 33);
    drawing.item("c", &json!({ "type": "comment", "content": text, "one": "end" }));
    drawing.finish("c")
}

/// One action with a string of `bytes`.
pub fn string(bytes: usize) -> Vec<u8> {
    icon(&format!("y = \"{}\"", "a".repeat(bytes)))
}

/// One action with `bytes` of what is no statement.
pub fn prose(bytes: usize) -> Vec<u8> {
    icon(&"tune the violin ".repeat(bytes / 16))
}

/// One action with `count` brackets, each in the one before.
pub fn brackets(count: usize) -> Vec<u8> {
    icon(&format!("x = {}1{}", "(".repeat(count), ")".repeat(count)))
}

/// `count` actions that lead nowhere.
pub fn broken(count: usize) -> Vec<u8> {
    let mut drawing = Drawing::new();
    for index in 0..count {
        drawing.item(&format!("a{index}"), &json!({ "type": "action", "content": "x = (", "one": "nowhere" }));
    }
    drawing.finish("a0")
}

fn icon(text: &str) -> Vec<u8> {
    let mut drawing = Drawing::new();
    drawing.action("a", text, "end");
    drawing.finish("a")
}

/// The id of the next of `count`, or `last`.
fn after(prefix: &str, index: usize, count: usize, last: &str) -> String {
    if index + 1 == count { last.to_owned() } else { format!("{prefix}{}", index + 1) }
}

struct Drawing(Map<String, Value>);

impl Drawing {
    fn new() -> Self {
        Self(Map::new())
    }

    fn item(&mut self, id: &str, item: &Value) {
        self.0.insert(id.to_owned(), item.clone());
    }

    fn action(&mut self, id: &str, text: &str, one: &str) {
        self.item(id, &json!({ "type": "action", "content": text, "one": one }));
    }

    fn question(&mut self, id: &str, text: &str, one: &str, two: &str) {
        self.item(id, &json!({ "type": "question", "content": text, "flag1": 1, "one": one, "two": two }));
    }

    fn finish(mut self, start: &str) -> Vec<u8> {
        self.item("head", &json!({ "type": "branch", "branchId": 0, "one": start }));
        self.finish_silhouette()
    }

    fn finish_silhouette(mut self) -> Vec<u8> {
        self.item("end", &json!({ "type": "end" }));
        json!({ "type": "drakon", "params": "x: int = 0", "items": self.0 }).to_string().into_bytes()
    }
}
