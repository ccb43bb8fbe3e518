//! What the figures were measured with: they mean little without.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use serde::Serialize;

use crate::machine;

/// The machine, the system, the compiler and the crates.
#[derive(Serialize)]
pub(crate) struct Environment {
    date: String,
    cpu: String,
    cpus_online: usize,
    /// The near thread's and the far one's.
    cpus_used: &'static [usize],
    kernel: String,
    rustc: &'static str,
    profile: &'static str,
    rustflags: &'static str,
    node: Option<&'static str>,
    crates: BTreeMap<&'static str, &'static str>,
}

/// Crates whose versions are recorded.
const CRATES: [&str; 16] = [
    "async-channel",
    "bbqueue",
    "crossbeam-channel",
    "crossbeam-queue",
    "crossfire",
    "disruptor",
    "flume",
    "futures-lite",
    "kanal",
    "message-port",
    "ringbuf",
    "rkyv",
    "rtrb",
    "rustix",
    "thingbuf",
    "tokio",
];

impl Environment {
    pub(crate) fn read() -> Self {
        let uname = rustix::system::uname();
        Self {
            date: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            cpu: cpu_model(),
            cpus_online: std::thread::available_parallelism().map_or(0, usize::from),
            cpus_used: machine::usable(),
            kernel: [uname.sysname(), uname.release(), uname.machine()]
                .map(|part| part.to_string_lossy())
                .join(" "),
            rustc: env!("PEERS_RUSTC"),
            profile: env!("PEERS_PROFILE"),
            rustflags: env!("PEERS_RUSTFLAGS"),
            node: crate::node::version(),
            crates: locked_versions(),
        }
    }

    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let crates: Vec<_> =
            self.crates.iter().map(|(name, version)| format!("{name} {version}")).collect();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "date     {}", self.date);
        let _ = writeln!(text, "CPU      {}, {} online", self.cpu, self.cpus_online);
        let _ = writeln!(text, "pinned   near and far thread on CPUs {:?}", self.cpus_used);
        let _ = writeln!(text, "kernel   {}", self.kernel);
        let _ = writeln!(text, "built    {}, {} {}", self.rustc, self.profile, self.rustflags);
        let node = self.node.unwrap_or("skipped: no node");
        let _ = writeln!(text, "node     {node}");
        let _ = writeln!(text, "crates   {}", crates.join(", "));
        text
    }
}

fn cpu_model() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    info.lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, model)| model.trim().to_owned())
}

/// The versions that this program was built with.
fn locked_versions() -> BTreeMap<&'static str, &'static str> {
    let mut versions = BTreeMap::new();
    let mut name = "";
    let quoted = |line: &'static str, key: &str| {
        line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"')
    };
    for line in include_str!("../../Cargo.lock").lines() {
        if let Some(found) = quoted(line, "name") {
            name = found;
        } else if let Some(version) = quoted(line, "version")
            && CRATES.contains(&name)
        {
            versions.insert(name, version);
        }
    }
    versions
}
