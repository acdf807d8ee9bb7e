//! Two processes, and one that is killed.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};

use super::*;

const FOLDER: &str = "BLOOM_STORE_TEST_FOLDER";

/// Not a test: what the other process runs. It appends for ever and says what was acknowledged.
#[tokio::test(flavor = "multi_thread")]
async fn other_process() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let store = Arc::new(RedbStore::open(folder).unwrap());
    let say = |text: String| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "\n{text}").and_then(|()| out.flush()).unwrap();
    };
    say("open".to_owned());
    let writers: Vec<_> = (0..8)
        .map(|n| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let mut scribe = submitted(store.as_ref(), &format!("r{n}")).await;
                for count in 2.. {
                    let audit = vec![note("noted", count)];
                    store.append(Append { audit, ..scribe.append([completed("n1#1", "так")]) }).await.unwrap();
                    say(format!("acknowledged {} {count}", scribe.run()));
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
}

struct Other(Child, BufReader<ChildStdout>);

impl Other {
    fn start(folder: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "embedded::tests::process::other_process", "--nocapture"])
            .env(FOLDER, folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut other = Self(child, output);
        while other.line() != "open" {}
        other
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert_ne!(self.1.read_line(&mut line).unwrap(), 0, "the other process has ended");
        line.trim_end().to_owned()
    }

    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[tokio::test]
async fn other_process_is_named_and_gone_when_killed() {
    let folder = tempfile::tempdir().unwrap();
    let other = Other::start(folder.path());
    let error = RedbStore::open(folder.path()).err().unwrap();
    let StoreError::Locked { path, holder } = &error else { panic!("{error}") };
    assert!(path.ends_with(RedbStore::FILE), "{path}");
    assert!(holder.starts_with(&format!("process {} (`", other.0.id())), "{holder}");
    other.kill();
    RedbStore::open(folder.path()).unwrap();
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = std::collections::BTreeMap::new();
    let mut other = Other::start(folder.path());
    for _ in 0..200 {
        let line = other.line();
        let words: Vec<_> = line.split(' ').collect();
        if let ["acknowledged", run, count] = words[..] {
            acknowledged.insert(RunId::new(run), count.parse::<u64>().unwrap());
        }
    }
    other.kill();
    let store = RedbStore::open(folder.path()).unwrap();
    assert!(!acknowledged.is_empty());
    for (run, count) in acknowledged {
        let history = store.history(&run, 1, usize::MAX).await.unwrap();
        let chain = bloom_interpreter::history::Chain::verify(&history).unwrap();
        let record = store.run(&run).await.unwrap().unwrap();
        assert!(chain.seq() >= count);
        assert_eq!((record.events, record.history_head), (chain.seq(), chain.head()));
    }
    assert_eq!(verify_audit(&store, None).await.unwrap().fault, None);
}
