//! What is restored and imported: archives of runs and exports of stores, changed, with their digest made anew.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use bloom_ir::Digest;
use bloom_runtime::record::Actor;
use bloom_store::RedbStore;
use flate2::Compression;
use flate2::write::GzEncoder;
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::mutate::mutate;
use crate::serving::{long, play, world};
use crate::world::{asking_llm, plain, proposing};

/// Later than anything here.
const LATE: i64 = 4_000_000_000_000;

/// What a store wrote of the same runs.
struct Written {
    export: Vec<Value>,
    /// What is left in the store when the archive is made,
    rest: String,
    /// and the archive.
    archive: Vec<Value>,
}

static WRITTEN: LazyLock<Written> = LazyLock::new(|| {
    play(async {
        let world = world(true);
        for flow in [plain("a", "1.0.0"), asking_llm("b"), proposing("c")] {
            world.run(&flow).await;
        }
        let export = exported(&world.store);
        let folder = folder();
        let path = folder.path().join("archive");
        let plan = world.store.archivable(LATE).await.expect("the store can be read");
        world.store.archive(plan, &path, LATE, &by()).await.expect("the folder can be written");
        let mut text = String::new();
        let file = fs::File::open(&path).expect("it was written");
        std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(file), &mut text).expect("it was written");
        Written { export: lines(&export), rest: exported(&world.store), archive: lines(&text) }
    })
});

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
}

fn by() -> Actor {
    Actor("fuzz".to_owned())
}

fn exported(store: &RedbStore) -> String {
    let mut text = Vec::new();
    store.export(&mut text, 0).expect("the store can be read");
    String::from_utf8(text).expect("it is JSON")
}

/// In memory, where the system has such a place.
pub(crate) fn folder() -> TempDir {
    let shm = Path::new("/dev/shm");
    let place: PathBuf = if shm.is_dir() { shm.to_owned() } else { std::env::temp_dir() };
    TempDir::with_prefix_in("bloom-fuzz-", place).expect("a folder can be made")
}

/// What cannot be restored or imported changes nothing; what is imported agrees with itself.
pub fn restores_or_explains(bytes: &[u8]) -> Result<()> {
    let bytes = long(bytes);
    let input = &mut Unstructured::new(&bytes);
    let is_archive = input.arbitrary()?;
    let whole = if is_archive { &WRITTEN.archive } else { &WRITTEN.export };
    let text = sealed(&edited(whole, input)?, input)?;
    let file = packed(text.as_bytes(), input)?;
    if is_archive {
        restores(&file)
    } else {
        imports(&file)
    }
    Ok(())
}

fn restores(file: &[u8]) {
    let folder = folder();
    RedbStore::import(folder.path(), WRITTEN.rest.as_bytes(), 0, &by()).expect("it was exported");
    let path = folder.path().join("archive");
    fs::write(&path, file).expect("the folder can be written");
    play(async {
        let store = RedbStore::open(folder.path()).expect("it was imported");
        let before = exported(&store);
        match store.restore(&path, LATE, &by()).await {
            Ok(restored) => {
                assert_eq!(restored.restored + restored.there, restored.contents.runs);
                let again = store.restore(&path, LATE, &by()).await.expect("it was restored");
                assert_eq!((again.restored, again.there), (0, restored.contents.runs));
            }
            Err(error) => {
                assert!(!error.to_string().is_empty());
                assert_eq!(exported(&store), before);
            }
        }
        let found = store.verify().await.expect("the store can be read");
        assert_eq!(found.faults, Vec::<String>::new());
    });
}

fn imports(file: &[u8]) {
    let folder = folder();
    let imported = RedbStore::import(folder.path(), file, 0, &by());
    let store = RedbStore::open(folder.path()).expect("it is empty, or what was imported");
    play(async {
        let found = store.verify().await.expect("the store can be read");
        assert_eq!(found.faults, Vec::<String>::new());
        if let Ok(contents) = imported {
            assert_eq!((found.runs, found.events), (contents.runs, contents.events));
        } else {
            assert_eq!(found.rows, 0, "it is left as it was");
        }
    });
}

/// Up to four lines changed, taken out, doubled or moved.
fn edited(whole: &[Value], input: &mut Unstructured<'_>) -> Result<Vec<Value>> {
    let mut lines = whole.to_vec();
    // The last line follows from the others.
    lines.pop();
    for _ in 0..input.int_in_range(0..=4)? {
        let at = input.choose_index(lines.len().max(1))?.min(lines.len().saturating_sub(1));
        let Some(line) = lines.get(at).cloned() else { break };
        match input.int_in_range(0..=7)? {
            0 => drop(lines.remove(at)),
            1 => lines.insert(at, line),
            2 => {
                let other = input.choose_index(lines.len())?;
                lines.swap(at, other);
            }
            3 => mutate(&mut lines[at], input)?,
            // What an earlier change left may be no record any more.
            _ => lines[at].get_mut("record").map_or(Ok(()), |record| mutate(record, input))?,
        }
    }
    Ok(lines)
}

/// With an end that says what is before it, for the most part.
fn sealed(lines: &[Value], input: &mut Unstructured<'_>) -> Result<String> {
    let mut text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let sha256 = Digest::of(text.as_bytes());
    let records = lines.len().saturating_sub(1) + if input.ratio(1, 16)? { 1 } else { 0 };
    text += &format!("{}\n", json!({ "kind": "end", "v": 1, "record": { "records": records, "sha256": sha256 } }));
    Ok(text)
}

/// Compressed or not, and seldom cut off or changed.
fn packed(text: &[u8], input: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let mut file = text.to_vec();
    if input.ratio(1, 3)? {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        let written = encoder.write_all(&file).and_then(|()| encoder.finish());
        file = written.expect("memory can be written");
    }
    match input.int_in_range(0..=15)? {
        0 => file.truncate(input.choose_index(file.len())?),
        1 => {
            let at = input.choose_index(file.len())?;
            file[at] = input.arbitrary()?;
        }
        _ => {}
    }
    Ok(file)
}
