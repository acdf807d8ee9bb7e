//! What a call used, for people and for programs.

use std::io::{self, Write};
use std::time::Duration;

use bloom_wasm::{CallReport, LogLevel};
use serde_json::{Value, json};

use crate::catalogue::{Catalogue, text};
use crate::output::one_line;

/// As `bloom tool call --json` prints it.
pub(crate) fn json_of(report: &CallReport) -> Value {
    let (output, error) = match &report.result {
        Ok(output) => (output.to_json(), Value::Null),
        Err(error) => {
            (Value::Null, json!({ "code": error.code, "message": error.message, "retryable": error.retryable }))
        }
    };
    let log: Vec<Value> =
        report.log.iter().map(|line| json!({ "level": level(line.level), "text": line.text })).collect();
    json!({
        "output": output,
        "error": error,
        "fuel": report.fuel,
        "memory_bytes": report.memory_bytes,
        "microseconds": microseconds(report.took),
        "log": log,
    })
}

/// `1.2 ms, fuel 12345, memory 1.1 MiB`
pub(crate) fn figures(report: &CallReport, catalogue: &Catalogue) -> String {
    let (took, memory) = (time(report.took), size(report.memory_bytes));
    text!(catalogue, "tool-figures", took = took, fuel = report.fuel.to_string(), memory = memory)
}

/// The lines that it logged, one below the other.
pub(crate) fn write_log(report: &CallReport, indent: &str, to: &mut impl Write) -> io::Result<()> {
    for line in &report.log {
        writeln!(to, "{indent}{}: {}", level(line.level), one_line(&line.text))?;
    }
    Ok(())
}

/// Short times in microseconds, long ones in seconds.
pub(crate) fn time(took: Duration) -> String {
    let seconds = took.as_secs_f64();
    if seconds < 0.001 {
        format!("{:.0} µs", seconds * 1e6)
    } else if seconds < 1.0 {
        format!("{:.1} ms", seconds * 1e3)
    } else {
        format!("{seconds:.1} s")
    }
}

/// In KiB or MiB.
pub(crate) fn size(bytes: usize) -> String {
    #[expect(clippy::cast_precision_loss, reason = "one digit after the point is shown")]
    let kib = bytes as f64 / 1024.0;
    if kib < 1024.0 { format!("{kib:.0} KiB") } else { format!("{:.1} MiB", kib / 1024.0) }
}

pub(crate) fn microseconds(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

fn level(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Debug => "debug",
        LogLevel::Info => "info",
        LogLevel::Warn => "warn",
        LogLevel::Error => "error",
    }
}
