//! Node's `MessagePort` between two worker threads, as a subject.

use std::process::Command;
use std::sync::OnceLock;

use serde::Deserialize;

use crate::machine::Cpus;
use crate::measure::Sample;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/node/message-port.mjs");

/// What the script prints.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Printed {
    nanoseconds: f64,
    messages: u64,
    cpu_seconds: f64,
    latencies: Vec<u64>,
}

/// Node's version; `None` if it is not installed.
pub(crate) fn version() -> Option<&'static str> {
    static VERSION: OnceLock<Option<String>> = OnceLock::new();
    VERSION
        .get_or_init(|| {
            let output = Command::new("node").arg("--version").output().ok()?;
            let version = String::from_utf8(output.stdout).ok()?;
            output.status.success().then(|| version.trim().to_owned())
        })
        .as_deref()
}

fn execute(kind: &str, value: &str, messages: u64) -> Result<Printed, String> {
    let output = Command::new("node")
        .args([SCRIPT, kind, value, &messages.to_string()])
        .output()
        .map_err(|error| format!("node does not start: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    serde_json::from_slice(&output.stdout).map_err(|error| format!("node prints {error}"))
}

/// Whether everything arrives in order: the script looks at each message.
pub(crate) fn check(kind: &str, value: &str) -> Result<(), String> {
    execute(kind, value, 3000).map(|_| ())
}

/// Time per message or trip. Node's threads run where the system puts them.
pub(crate) fn run(messages: u64, _: Cpus, kind: &str, value: &str) -> Sample {
    let printed = execute(kind, value, messages).expect("it has run before");
    Sample {
        operations: printed.messages,
        value: printed.nanoseconds,
        cpu: printed.cpu_seconds,
        latencies: printed.latencies,
        pinned: false,
    }
}
