//! Power cuts: a disk that loses what was not synced, at every sync point of a mixed workload.

use std::io;
use std::sync::{Mutex, mpsc};
use std::thread;

use bloom_interpreter::history::Chain;
use bloom_runtime::record::{LeaseEnding, ProposalId, ProposalStatus, TaskId, TaskStatus, Verdict};

use super::*;
use crate::conformance::fixture::{answer, ask, end, owner};

#[derive(Clone, Debug)]
enum Acknowledged {
    Events { run: RunId, count: u64 },
    Completed(TaskId),
    Decided(ProposalId),
    Blob(Digest),
}

/// What a disk may hold after a power cut, and what must be there then.
struct Image {
    bytes: Vec<u8>,
    acknowledged: Vec<Acknowledged>,
}

#[derive(Debug)]
enum Pending {
    Length(u64),
    Write(u64, Vec<u8>),
}

impl Pending {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Length(length) => bytes.resize(usize::try_from(*length).unwrap(), 0),
            Self::Write(offset, data) => {
                let start = usize::try_from(*offset).unwrap();
                let end = start + data.len();
                if bytes.len() < end {
                    bytes.resize(end, 0);
                }
                bytes[start..end].copy_from_slice(data);
            }
        }
    }
}

#[derive(Debug, Default)]
struct State {
    synced: Vec<u8>,
    seen: Vec<u8>,
    pending: Vec<Pending>,
    syncs: u64,
    fails_after: Option<u64>,
}

/// A disk with a write cache.
#[derive(Clone, Debug, Default)]
struct Disk {
    state: Arc<Mutex<State>>,
    acknowledged: Arc<Mutex<Vec<Acknowledged>>>,
    images: Option<mpsc::SyncSender<Image>>,
}

impl std::fmt::Debug for Image {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} bytes", self.bytes.len())
    }
}

impl Disk {
    fn acknowledge(&self, what: Acknowledged) {
        self.acknowledged.lock().unwrap().push(what);
    }

    fn perform(&self, pending: Pending) {
        let mut state = self.state.lock().unwrap();
        pending.apply(&mut state.seen);
        state.pending.push(pending);
    }
}

/// For reading back what was synced.
fn disk_with(bytes: Vec<u8>) -> Disk {
    let disk = Disk::default();
    *disk.state.lock().unwrap() = State { synced: bytes.clone(), seen: bytes, ..State::default() };
    disk
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state.lock().unwrap().seen.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).unwrap();
        let state = self.state.lock().unwrap();
        let bytes = state.seen.get(start..start + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.perform(Pending::Length(length));
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.perform(Pending::Write(offset, data.to_vec()));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        state.syncs += 1;
        if state.fails_after.is_some_and(|limit| state.syncs > limit) {
            return Err(io::Error::other("the disk is gone"));
        }
        if let Some(images) = &self.images {
            let acknowledged = self.acknowledged.lock().unwrap().clone();
            // The power is cut just before the sync: none of the writes has arrived, or any of them.
            let mut coin = state.syncs.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            for chance in [0, 1, 2] {
                let mut bytes = state.synced.clone();
                for pending in &state.pending {
                    coin = coin.rotate_left(25).wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x5bf0_3635;
                    if coin % 3 < chance {
                        pending.apply(&mut bytes);
                    }
                }
                images.send(Image { bytes, acknowledged: acknowledged.clone() }).unwrap();
            }
        }
        state.pending.clear();
        state.synced = state.seen.clone();
        Ok(())
    }
}

/// Opens what is left after a power cut, and looks for what was acknowledged.
async fn survives(image: Image) {
    let store = RedbStore::over(disk_with(image.bytes)).unwrap();
    for acknowledged in image.acknowledged {
        match acknowledged {
            Acknowledged::Events { run, count } => {
                let history = store.history(&run, 1, usize::MAX).await.unwrap();
                let chain = Chain::verify(&history).unwrap();
                assert!(chain.seq() >= count, "run {run} has {} of {count} events", chain.seq());
                let record = store.run(&run).await.unwrap().unwrap();
                assert_eq!((record.events, record.history_head), (chain.seq(), chain.head()));
            }
            Acknowledged::Completed(task) => {
                assert_eq!(store.task(&task).await.unwrap().unwrap().status, TaskStatus::Completed);
            }
            Acknowledged::Decided(proposal) => {
                assert_eq!(store.proposal(&proposal).await.unwrap().unwrap().status, ProposalStatus::Approved);
            }
            Acknowledged::Blob(digest) => {
                assert_eq!(Digest::of(&store.blob(digest).await.unwrap().unwrap()), digest);
            }
        }
    }
    let check = verify_audit(&store, None).await.unwrap();
    assert_eq!(check.fault, None);
    // And it goes on.
    submitted(&store, "after").await;
}

async fn work(store: &RedbStore, disk: &Disk) {
    let events = |scribe: &Scribe, count| disk.acknowledge(Acknowledged::Events { run: scribe.run().clone(), count });
    for round in 0..2_i64 {
        let mut scribe = Scribe::of(&format!("r{round}"), "archivist", round);
        let mut submission = scribe.submission();
        submission.first.audit = vec![note("run_started", round)];
        store.submit(submission).await.unwrap();
        events(&scribe, 1);

        let (task, proposal) = (format!("t{round}"), format!("p{round}"));
        let mut append = scribe.asking(&[(&task, "n1#1")]);
        append.proposals = vec![scribe.proposal(&proposal, "n2#1", "summary")];
        store.append(append).await.unwrap();
        events(&scribe, 2);

        let grant = store.grant(ask(&format!("l{round}"), 1)).await.unwrap().unwrap();
        let large = "відповідь".repeat(10_000);
        let mut completion = end(&grant, LeaseEnding::Completed(answer(&large)));
        completion.append = Some(scribe.append([completed("n1#1", &large)]));
        store.end_lease(completion).await.unwrap();
        events(&scribe, 3);
        disk.acknowledge(Acknowledged::Completed(grant.task.id));

        let decision = Decision {
            proposal: ProposalId::new(&proposal),
            verdict: Verdict::Approve,
            by: owner(),
            at: round,
            note: None,
        };
        store.decide(decision).await.unwrap();
        disk.acknowledge(Acknowledged::Decided(ProposalId::new(&proposal)));

        let blob = vec![u8::try_from(round).unwrap(); 300_000];
        disk.acknowledge(Acknowledged::Blob(store.put_blob(blob).await.unwrap()));

        // Many at once, committed together.
        let names: Vec<_> = (0..10).map(|n| format!("r{round}-{n}")).collect();
        let scribes = futures::future::join_all(names.iter().map(|name| submitted(store, name))).await;
        for scribe in &scribes {
            events(scribe, 1);
        }
    }
}

#[test]
fn what_was_acknowledged_survives_a_power_cut_at_every_sync() {
    let (images, cut) = mpsc::sync_channel(4);
    let verifier = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        cut.into_iter().map(|image| runtime.block_on(survives(image))).count()
    });
    // What is lost while the file is made is nobody's.
    let mut disk = Disk::default();
    drop(RedbStore::over(disk.clone()).unwrap());
    disk.images = Some(images);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let store = RedbStore::over(disk.clone()).unwrap();
    runtime.block_on(work(&store, &disk));
    drop(store);
    disk.images = None;
    let verified = verifier.join().unwrap();
    assert!(verified > 50, "{verified} images");
}

#[tokio::test]
async fn failed_commit_fails_its_verbs_and_closes_the_store() {
    let disk = Disk::default();
    let store = RedbStore::over(disk.clone()).unwrap();
    let mut scribe = submitted(&store, "r1").await;
    {
        let mut state = disk.state.lock().unwrap();
        state.fails_after = Some(state.syncs);
    }
    let append = scribe.append([completed("n1#1", "так")]);
    let (first, blob) = futures::join!(store.append(append.clone()), store.put_blob(b"x".to_vec()));
    for error in [first.unwrap_err(), blob.unwrap_err()] {
        assert!(matches!(error, StoreError::Backend(_)) && !error.is_fatal(), "{error}");
    }
    let closed = store.append(append.clone()).await.unwrap_err();
    assert!(matches!(closed, StoreError::Closed) && closed.is_fatal(), "{closed}");
    drop(store);
    let synced = disk.state.lock().unwrap().synced.clone();
    let store = RedbStore::over(disk_with(synced)).unwrap();
    assert_eq!(store.run(scribe.run()).await.unwrap().unwrap().events, 1);
    store.append(append).await.unwrap();
}
