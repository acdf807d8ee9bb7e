//! The write-ahead log that a killed process leaves, changed, with the sums of its records made anew.

use std::fs;
use std::sync::LazyLock;

use bloom_store::RedbStore;
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use sha2::{Digest as _, Sha256};

use crate::archive::folder;
use crate::serving::{long, play};
use crate::world::{Setup, World, asking_llm, plain, proposing};

/// Of a record: generation, number, length of its rows.
const HEAD: usize = 16 + 8 + 4;
const SUM: usize = 16;

/// What a process that is killed leaves.
struct Left {
    store: Vec<u8>,
    generation: Vec<u8>,
    /// The rows of each record of the log.
    records: Vec<Vec<u8>>,
}

static LEFT: LazyLock<Left> = LazyLock::new(|| {
    let folder = folder();
    let at = |name: &str| fs::read(folder.path().join(name)).expect("it is there");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a thread can be had");
    runtime.block_on(async {
        let store = RedbStore::open(folder.path()).expect("a store can be made");
        let world = World::with(Setup { store: Some(store.into()), ..Setup::default() });
        for flow in [plain("a", "1.0.0"), proposing("b"), plain("c", "1.0.0"), asking_llm("d")] {
            world.run(&flow).await;
        }
        let log = at(&format!("{}.wal", RedbStore::FILE));
        let (mut records, mut rest) = (Vec::new(), log.as_slice());
        let generation = rest[..16].to_vec();
        while rest.starts_with(&generation) {
            let size = u32::from_le_bytes(rest[24..HEAD].try_into().expect("four bytes")) as usize;
            let (record, next) = rest.split_at(HEAD + SUM + size);
            records.push(record[HEAD + SUM..].to_vec());
            rest = next;
        }
        assert!(!records.is_empty(), "the log holds what was committed");
        Left { store: at(RedbStore::FILE), generation, records }
    })
});

/// A store opens with whatever lies in its log, or says why it does not; it never panics, then or later.
pub fn opens_or_explains(bytes: &[u8]) -> Result<()> {
    let bytes = long(bytes);
    let input = &mut Unstructured::new(&bytes);
    let log = log(input)?;
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    fs::write(path(RedbStore::FILE), &LEFT.store).expect("the folder can be written");
    fs::write(path(&format!("{}.wal", RedbStore::FILE)), log).expect("the folder can be written");
    match RedbStore::open(folder.path()) {
        Ok(store) => {
            // What a record with a right sum says was committed, and need not make sense.
            let _ = play(store.verify());
            let _ = store.export(std::io::sink(), 0);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    Ok(())
}

fn log(input: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let mut records = LEFT.records.clone();
    for _ in 0..input.int_in_range(0..=4)? {
        let at = input.choose_index(records.len().max(1))?;
        let Some(record) = records.get_mut(at) else { break };
        match input.int_in_range(0..=6)? {
            0 => drop(records.remove(at)),
            1 => {
                let copy = record.clone();
                records.push(copy);
            }
            2 => record.truncate(input.choose_index(record.len().max(1))?),
            3 => record.extend_from_slice(input.bytes(input.len().min(24))?),
            4 => {
                let row = row(input)?;
                records.insert(at, row);
            }
            _ => {
                if let Ok(place) = input.choose_index(record.len()) {
                    record[place] = input.arbitrary()?;
                }
            }
        }
    }
    let mut log = Vec::new();
    for (number, rows) in records.iter().enumerate() {
        let size = u32::try_from(rows.len()).expect("it is short").to_le_bytes();
        let head = [LEFT.generation.as_slice(), &(number as u64).to_le_bytes(), &size].concat();
        let sum = Sha256::new().chain_update(&head).chain_update(rows).finalize();
        log.extend([head.as_slice(), &sum[..SUM], rows].concat());
    }
    // As the disk may have it: cut off, or with bytes that were not written.
    match input.int_in_range(0..=3)? {
        0 => log.truncate(input.choose_index(log.len().max(1))?),
        1 if !log.is_empty() => {
            let at = input.choose_index(log.len())?;
            log[at] = input.arbitrary()?;
        }
        2 => log.resize(log.len().next_multiple_of(4096), 0),
        _ => {}
    }
    Ok(log)
}

/// A row of a table that is there or not.
fn row(input: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let table = *input.choose(&["runs", "flows", "events", "audit", "meta", "wal", "tasks", "x", ""])?;
    let mut row = Vec::new();
    for part in [table.as_bytes(), input.bytes(input.len().min(8))?, input.bytes(input.len().min(16))?] {
        row.extend(u32::try_from(part.len()).expect("it is short").to_le_bytes());
        row.extend_from_slice(part);
    }
    Ok(row)
}
