//! Histories from elsewhere, held against programs.

use std::sync::LazyLock;

use bloom_interpreter::Program;
use bloom_interpreter::history::{Chain, Event, Payload, read_lines, write_lines};
use bloom_interpreter::replay::replay;
use bloom_ir::{Digest, SigningKey, VerifiedIr, validate};

/// Programs with the digests that a history names them by.
static PROGRAMS: LazyLock<Vec<(Program, Digest)>> = LazyLock::new(|| {
    let documents = [
        include_str!("../../fixtures/histories/notes.ir.json"),
        include_str!("../../fixtures/histories/forked.ir.json"),
        include_str!("../../fixtures/histories/waited.ir.json"),
        include_str!("../../fixtures/histories/called.ir.json"),
    ];
    let program = |text: &str| {
        let document = validate::read(text.as_bytes()).expect("a fixture can be read");
        let ir = VerifiedIr::signed(document, &SigningKey::from_seed(&[7; 32])).expect("a fixture passes the checks");
        (Program::load(&ir).expect("a fixture can be loaded"), ir.hash())
    };
    documents.into_iter().map(program).collect()
});

/// Reads a history, which is written as it was read, and replays it with each program: as it is, and with its chain made anew, so
/// that what stands in it is followed.
pub fn replays_or_explains(text: &str) {
    let Ok(events) = read_lines(text) else { return };
    let written = write_lines(&events);
    let again = read_lines(&written).expect("what was written can be read");
    assert_eq!(write_lines(&again), written);
    let _ = Chain::verify(&events);
    for (program, ir) in PROGRAMS.iter() {
        replay(program, &events, None);
        let chained = chained(&events, *ir);
        Chain::verify(&chained).expect("a chain that was made is one");
        replay(program, &chained, None);
    }
}

/// What happened, as if it had happened in a run of this program.
fn chained(events: &[Event], ir: Digest) -> Vec<Event> {
    let mut chain = Chain::default();
    let with = |mut payload: Payload| {
        if let Payload::RunStarted(started) = &mut payload {
            started.ir = ir;
        }
        payload
    };
    events.iter().filter_map(|event| Some(chain.next(event.at, with(event.payload.clone()?)))).collect()
}
