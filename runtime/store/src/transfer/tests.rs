use std::io::Write as _;

use bloom_interpreter::history::{Chain, Payload};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

fn records() -> Vec<Record> {
    let mut chain = Chain::default();
    let value = bloom_ir::Value::Double(0.1);
    let received = Payload::SignalReceived { name: "згода".to_owned(), value, sender: "owner".to_owned() };
    let erased = Payload::RunCancelled { reason: "досить".to_owned() };
    let blob = |bytes: &[u8]| Blob { digest: Digest::of(bytes), content: Bytes::of(bytes.to_vec()) };
    vec![
        Record::Setting(Setting { name: "власники".to_owned(), value: "Олена\n".to_owned() }),
        Record::Event(chain.next(1, received)),
        Record::Event(chain.next(i64::MIN, erased).erased()),
        Record::Blob(blob("їжак".as_bytes())),
        Record::Blob(blob(&[0xff, 0, 0x1f, 0x8b])),
    ]
}

fn written() -> Vec<u8> {
    let mut lines = LineWriter::new(Vec::new(), Format::Export, 5).unwrap();
    for record in records() {
        lines.write(&record).unwrap();
    }
    lines.finish().unwrap().0
}

fn read(bytes: &[u8]) -> Result<Vec<Record>, TransferError> {
    let mut lines = LineReader::open(bytes, Format::Export)?;
    let mut found = Vec::new();
    while let Some(record) = lines.read()? {
        found.push(record);
    }
    assert_eq!(lines.contents().unwrap().records, found.len() as u64);
    Ok(found)
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn records_are_read_as_they_were_written_compressed_or_not() {
    let whole = written();
    assert_eq!(read(&whole).unwrap(), records());
    assert_eq!(read(&compressed(&whole)).unwrap(), records());
    assert_eq!(String::from_utf8(whole).unwrap().lines().count(), records().len() + 2);
}

#[test]
fn file_that_was_cut_anywhere_is_told() {
    for whole in [written(), compressed(&written())] {
        for end in 0..whole.len() {
            let error = read(&whole[..end]).unwrap_err();
            assert!(
                matches!(error, TransferError::Truncated { .. } | TransferError::Foreign),
                "{end} of {}: {error:?}",
                whole.len()
            );
        }
    }
}

#[test]
fn file_that_was_changed_anywhere_is_told() {
    let whole = written();
    for place in 0..whole.len() {
        let mut changed = whole.clone();
        changed[place] ^= 1;
        assert!(read(&changed).is_err(), "byte {place} of {}", whole.len());
    }
    let doubled = [whole.as_slice(), whole.as_slice()].concat();
    assert!(matches!(read(&doubled), Err(TransferError::Changed { .. })));
}

#[test]
fn line_that_is_missing_or_repeated_is_told() {
    let whole = String::from_utf8(written()).unwrap();
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    for line in 1..lines.len() - 1 {
        let mut fewer = lines.clone();
        fewer.remove(line);
        assert!(matches!(read(fewer.concat().as_bytes()), Err(TransferError::Changed { .. })));
        let mut more = lines.clone();
        more.insert(line, lines[line]);
        assert!(matches!(read(more.concat().as_bytes()), Err(TransferError::Changed { .. })));
    }
}

#[test]
fn what_is_newer_or_of_another_kind_is_told() {
    let whole = String::from_utf8(written()).unwrap();
    let told = |from: &str, to: &str| read(whole.replacen(from, to, 1).as_bytes()).unwrap_err();
    let newer = told(r#""kind":"blob","v":1"#, r#""kind":"blob","v":2"#);
    assert!(matches!(&newer, TransferError::Newer { line: 5, kind, version: 2 } if kind == "blob"), "{newer:?}");
    let unknown = told(r#""kind":"setting""#, r#""kind":"dream""#);
    assert!(matches!(&unknown, TransferError::Newer { line: 2, kind, .. } if kind == "dream"), "{unknown:?}");
    let header = told(r#""kind":"header","v":1"#, r#""kind":"header","v":9"#);
    assert!(matches!(header, TransferError::Newer { line: 1, version: 9, .. }), "{header:?}");
    let archive = told("bloom-export", "bloom-archive");
    assert!(matches!(archive, TransferError::Other(Format::Archive)), "{archive:?}");
    for foreign in ["", "нотатка", "{}\n", "{\"kind\":\"run\",\"v\":1}\n", "\n\n"] {
        assert!(matches!(read(foreign.as_bytes()), Err(TransferError::Foreign)), "{foreign}");
    }
}
