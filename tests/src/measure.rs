//! Times of work, and the physical limit that durable work is held against.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

/// Runs `work` until `time` is over, at least once, and returns the seconds that one took on average.
pub fn seconds_each(time: Duration, mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    let mut count = 0_u32;
    loop {
        work();
        count += 1;
        if start.elapsed() >= time {
            return start.elapsed().as_secs_f64() / f64::from(count);
        }
    }
}

/// How often a second a 4 KiB append to a file in `folder` becomes durable, one after another: what the disk allows a
/// journal that commits each record by itself.
pub fn raw_commits_per_second(folder: &Path, time: Duration) -> io::Result<f64> {
    let path = folder.join("raw");
    let mut file = File::create(&path)?;
    let mut outcome = Ok(());
    let seconds = seconds_each(time, || {
        if outcome.is_ok() {
            outcome = file.write_all(&[0x5a; 4096]).and_then(|()| file.sync_data());
        }
    });
    std::fs::remove_file(path)?;
    outcome.map(|()| 1.0 / seconds)
}
