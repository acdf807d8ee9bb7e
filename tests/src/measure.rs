//! Times of work, and the physical limit that durable work is held against.

use std::fs::{self, File};
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

/// What is measured on.
pub fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let (processors, memory) = (read("/proc/cpuinfo"), read("/proc/meminfo"));
    let after = |text: &str, name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(':'));
        line.map_or_else(|| String::from("?"), |line| line.trim().to_owned())
    };
    let threads = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let model = after(&processors, "model name");
    let (memory, system) = (after(&memory, "MemTotal"), read("/proc/sys/kernel/osrelease"));
    format!("{model}, {threads} processors, {memory} of memory, {} {}", std::env::consts::OS, system.trim())
}

/// What the kernel counts of a process's memory, in MiB: `VmHWM`, the most that was resident, or `VmRSS`, what is; from
/// `proc_pid_status(5)`.
pub fn memory(process: u32, which: &str) -> io::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(which)?.strip_prefix(':'));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kib.map(|kib| kib / 1024.0).ok_or_else(|| io::Error::other(format!("there is no {which}")))
}

/// What a process has taken of processors so far: `utime` and `stime` of `proc_pid_stat(5)`.
pub fn processor_time(process: u32) -> io::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // They are the fourteenth and fifteenth, behind the name, which may hold anything.
    let (_, after) = stat.rsplit_once(')').ok_or_else(|| io::Error::other("there is no name"))?;
    let ticks: u64 = after.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Ok(Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second()))
}
