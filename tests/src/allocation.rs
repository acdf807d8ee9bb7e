//! What work takes of memory and of processors.
//!
//! A binary whose memory is to be counted names the allocator: `#[global_allocator] static ALLOCATOR: Counting = Counting;`.

#![expect(unsafe_code, reason = "an allocator is an unsafe trait; this one hands everything to the system's")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The system's allocator, with counters for all threads together.
pub struct Counting;

static COUNT: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);
static LIVE: AtomicU64 = AtomicU64::new(0);
static PEAK: AtomicU64 = AtomicU64::new(0);

fn grow(bytes: usize) {
    let bytes = bytes as u64;
    BYTES.fetch_add(bytes, Relaxed);
    let live = LIVE.fetch_add(bytes, Relaxed).wrapping_add(bytes);
    PEAK.fetch_max(live, Relaxed);
}

fn shrink(bytes: usize) {
    LIVE.fetch_sub(bytes as u64, Relaxed);
}

// SAFETY: each method hands its arguments to the system's allocator, unchanged, and gives back what that gives.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Relaxed);
        grow(layout.size());
        // SAFETY: the caller promises what the trait asks for, which is what `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Relaxed);
        grow(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        shrink(layout.size());
        // SAFETY: as above; all that this allocator gave came from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.fetch_add(1, Relaxed);
        shrink(layout.size());
        grow(size);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// What some work took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Taken {
    /// Time of processors, of all threads together.
    pub cpu: Duration,
    /// How often memory was asked for.
    pub allocations: u64,
    /// How much was asked for, in bytes; what was given back is not taken off.
    pub bytes: u64,
    /// How much more was held than before, at most, in bytes.
    pub peak: u64,
}

/// Does some work, and tells what it took. Where the binary does not name [`Counting`], of memory nothing.
pub fn measured<T>(work: impl FnOnce() -> T) -> (T, Taken) {
    let cpu = cpu_time();
    let (count, bytes, live) = (COUNT.load(Relaxed), BYTES.load(Relaxed), LIVE.load(Relaxed));
    PEAK.store(live, Relaxed);
    let made = work();
    let taken = Taken {
        cpu: cpu_time().saturating_sub(cpu),
        allocations: COUNT.load(Relaxed).wrapping_sub(count),
        bytes: BYTES.load(Relaxed).wrapping_sub(bytes),
        peak: PEAK.load(Relaxed).saturating_sub(live),
    };
    (made, taken)
}

/// What this process has had of processors so far, all its threads together.
pub fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let nanos = u32::try_from(time.tv_nsec).unwrap_or_default();
    Duration::new(u64::try_from(time.tv_sec).unwrap_or_default(), nanos)
}

/// Memory and threads of this process, as the kernel counts them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Footprint {
    /// Bytes that are in memory (`VmRSS`).
    pub resident: u64,
    /// Of these, those that are the process's own: no part of a file (`RssAnon`).
    pub own: u64,
    /// Threads.
    pub threads: u64,
}

impl Footprint {
    /// Now; zeros where there is no `/proc`.
    pub fn now() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let number = |name: &str| -> u64 {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
        };
        Self { resident: number("VmRSS") * 1024, own: number("RssAnon") * 1024, threads: number("Threads") }
    }
}

impl fmt::Display for Footprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |bytes: u64| bytes >> 20;
        let Self { resident, own, threads } = self;
        write!(formatter, "{:>8} {:>8} {threads:>8}", mib(*resident), mib(*own))
    }
}
