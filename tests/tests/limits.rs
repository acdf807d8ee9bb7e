//! Large diagrams: they need no more stack than small ones, and what is beyond a limit is refused by its name.

use bloom_compiler::{Options, SourceFile, compile};
use bloom_tests::diagram::SHAPES;

/// Less than a third of what a thread gets by itself.
const SMALL_STACK: usize = 512 << 10;

#[test]
fn large_diagrams_need_no_more_stack() {
    for shape in SHAPES {
        let bytes = (shape.draw)(*shape.sizes.last().unwrap());
        let work = move || compile(&SourceFile::new("large.drakon", &bytes), &Options::default());
        let compilation = std::thread::Builder::new().stack_size(SMALL_STACK).spawn(work).unwrap().join().unwrap();
        let codes: Vec<&str> = compilation.diagnostics.iter().take(5).map(|found| found.code.0).collect();
        assert_eq!(compilation.has_errors(), shape.refused, "{}: {codes:?}", shape.name);
        assert_eq!(compilation.document.is_none(), shape.refused, "{}", shape.name);
    }
}
