//! A server without a network, as the tests of its routes have it, in a time that passes when nobody has anything to do.

use std::io;
use std::sync::Arc;

use bloom_ir::Digest;
use bloom_server::ServerConfig;
use bloom_store::RedbStore;
use redb::StorageBackend;
use redb::backends::InMemoryBackend;

use crate::world::{Setup, World};

/// Does what a server, its clients and its workers do, all in this thread.
pub(crate) fn play<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.expect("a thread can be had").block_on(work)
}

/// A server whose every answer is held against its own description.
pub(crate) fn world(has_worker: bool) -> World {
    let config = ServerConfig { open_requests_per_minute: 0, ..ServerConfig::default() };
    World::with(Setup { config, has_worker, store: Some(Arc::new(store())), ..Setup::default() })
}

/// A store in memory, which has no thread.
pub(crate) fn store() -> RedbStore {
    RedbStore::without_threads(InMemoryBackend::new(), Log::default()).expect("memory can be had")
}

/// An input that says enough for a conversation: what a short one does not say follows from it.
pub(crate) fn long(bytes: &[u8]) -> Vec<u8> {
    const ENOUGH: usize = 1_000;
    let mut long = bytes.to_vec();
    let mut digest = Digest::of(bytes);
    while bytes.len() < ENOUGH / 8 && long.len() < ENOUGH {
        long.extend(digest.as_bytes());
        digest = Digest::of(digest.as_bytes());
    }
    long
}

#[derive(Clone, Debug, Default)]
struct Log(Arc<InMemoryBackend>);

impl StorageBackend for Log {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(offset, data)
    }
}
