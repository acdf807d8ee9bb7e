//! Draws diagrams: `draw FILE OUT [dark]`.
#![allow(missing_docs, clippy::unwrap_used, reason = "an example")]
fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let bytes = std::fs::read(&arguments[1]).unwrap();
    let theme = if arguments.len() > 3 { bloom_compiler::Theme::Dark } else { bloom_compiler::Theme::Light };
    let options = bloom_compiler::DrawOptions { theme, ..Default::default() };
    let drawing = bloom_compiler::draw(&bloom_compiler::SourceFile::new(&arguments[1], &bytes), &options);
    std::fs::write(&arguments[2], drawing.svg.unwrap()).unwrap();
}
