//! Real diagrams of other authors, compiled with every text as prose, must walk as their reference traces say.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::print_stdout, reason = "tests")]

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use bloom_tests::corpus;
use flate2::read::GzDecoder;

#[test]
fn real_diagrams_walk_as_their_reference_traces_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus/diagrams.jsonl.gz");
    let Ok(file) = File::open(&path) else {
        assert!(std::env::var_os("BLOOM_REQUIRE_CORPUS").is_none(), "there is no corpus");
        println!("skipped: there is no corpus");
        return;
    };
    let tally = corpus::tally(BufReader::new(GzDecoder::new(file))).unwrap();
    println!("compiled: {}, refused: {:?}", tally.compiled, tally.refused);
    assert_eq!(tally.different, []);
    assert!(tally.refused() * 100 <= tally.compiled + tally.refused(), "{:?}", tally.refused);
}
