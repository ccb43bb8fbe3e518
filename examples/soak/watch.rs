//! How far the run is, what it takes, and whether anything still moves.

use std::fs;
use std::io::{self, Write};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// What happens to a message by the choice of a single call, whatever the plan.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Way {
    PostedInBatch,
    PostedAsArchive,
    ReadInBatch,
    Spilled,
}

pub(crate) const WAYS: [Way; 4] =
    [Way::PostedInBatch, Way::PostedAsArchive, Way::ReadInBatch, Way::Spilled];

impl Way {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::PostedInBatch => "batches posted",
            Self::PostedAsArchive => "archives posted",
            Self::ReadInBatch => "batches read",
            Self::Spilled => "spilled",
        }
    }
}

/// What the threads of a round tell.
#[derive(Default)]
pub(crate) struct Progress {
    received: AtomicU64,
    ways: [AtomicU64; WAYS.len()],
    round: AtomicU64,
    over: AtomicBool,
}

impl Progress {
    pub(crate) fn received(&self, messages: u64) {
        self.received.fetch_add(messages, Ordering::Relaxed);
    }

    pub(crate) fn goes(&self, way: Way, messages: u64) {
        self.ways[way as usize].fetch_add(messages, Ordering::Relaxed);
    }

    pub(crate) fn went(&self, way: Way) -> u64 {
        self.ways[way as usize].load(Ordering::Relaxed)
    }

    pub(crate) fn messages(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// Has everybody stop posting, so that the round ends soon.
    fn stop(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    pub(crate) fn begin(&self, round: u64) {
        self.round.store(round, Ordering::Relaxed);
    }
}

/// How to do it again.
pub(crate) fn failed(seed: u64, round: u64, why: &str) {
    eprintln!("soak: failed: {why}; again with --seed {seed} --first {round}");
}

/// Seconds without a message after which the run has failed. Seconds in which the process could not run do
/// not count.
const PATIENCE: u32 = 180;

/// Ends the last round when the time is over, and the process if nothing moves any more.
pub(crate) fn watch(progress: &Arc<Progress>, seed: u64, time: Option<Duration>) {
    let progress = Arc::clone(progress);
    let start = Instant::now();
    thread::spawn(move || {
        let state =
            |progress: &Progress| (progress.messages(), progress.round.load(Ordering::Relaxed));
        let (mut last, mut still) = (state(&progress), 0);
        loop {
            thread::sleep(Duration::from_secs(1));
            if time.is_some_and(|time| start.elapsed() >= time) {
                progress.stop();
            }
            let now = state(&progress);
            still = if now == last { still + 1 } else { 0 };
            last = now;
            if still == PATIENCE {
                failed(seed, last.1, "nothing moves any more");
                process::exit(1);
            }
        }
    });
}

/// Bytes of memory that the process has in use now; `None` where the system does not tell.
pub(crate) struct Resident {
    page: u64,
}

impl Resident {
    pub(crate) fn new() -> Self {
        // The auxiliary vector: pairs of words, of which number 6 is the size of a page.
        const PAGE_SIZE: usize = 6;
        let vector = fs::read("/proc/self/auxv").unwrap_or_default();
        let (words, _) = vector.as_chunks::<{ size_of::<usize>() }>();
        let mut words = words.iter().map(|word| usize::from_ne_bytes(*word));
        let mut page = 0;
        while let (Some(key), Some(value)) = (words.next(), words.next()) {
            if key == PAGE_SIZE {
                page = value as u64;
            }
        }
        Self { page }
    }

    pub(crate) fn bytes(&self) -> Option<u64> {
        let pages = fs::read_to_string("/proc/self/statm").ok()?;
        let pages: u64 = pages.split(' ').nth(1)?.parse().ok()?;
        (self.page > 0).then(|| pages * self.page)
    }

    /// The most that it ever had.
    pub(crate) fn peak() -> Option<u64> {
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        peak.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
    }
}

/// Has the allocator give back at once what was freed. By itself it keeps as much as a long message takes at
/// the end of each of its arenas, and it is what was *not* freed that is looked for.
pub(crate) fn keep_nothing_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    for option in [libc::M_MMAP_THRESHOLD, libc::M_TRIM_THRESHOLD] {
        // SAFETY: it takes two numbers, and changes nothing about what is in use.
        unsafe {
            libc::mallopt(option, 128 << 10);
        }
    }
}

/// Bytes by which the memory between two rounds may exceed the most that it was during the warm-up.
pub(crate) const BOUND: u64 = 16 << 20;

/// So many looks in succession must find more than that. What leaks stays; what the allocator keeps for a
/// while, since a block behind it is still in use, does not.
const LOOKS: u32 = 6;

/// Memory between rounds, when no channel is there.
pub(crate) struct Memory {
    resident: Resident,
    /// The most until the end of the warm-up, and after it.
    pub(crate) warm: u64,
    pub(crate) highest: u64,
    warming: bool,
    /// Looks in succession that found more than the bound.
    above: u32,
}

impl Memory {
    pub(crate) fn new() -> Self {
        let mut memory =
            Self { resident: Resident::new(), warm: 0, highest: 0, warming: true, above: 0 };
        memory.look();
        memory
    }

    pub(crate) fn is_warm(&mut self) {
        if self.warming {
            self.look();
            self.warming = false;
        }
    }

    /// What there is now, and whether it has come back below the bound.
    fn look(&mut self) -> (Option<u64>, bool) {
        let Some(now) = self.resident.bytes() else { return (None, true) };
        let most = if self.warming { &mut self.warm } else { &mut self.highest };
        *most = now.max(*most);
        self.above = if self.warming || now <= self.warm + BOUND { 0 } else { self.above + 1 };
        (Some(now), self.above < LOOKS)
    }
}

pub(crate) fn mebibytes(bytes: Option<u64>) -> String {
    let Some(bytes) = bytes else { return "?".to_owned() };
    format!("{}.{}", bytes >> 20, (bytes >> 10 & 1023) * 10 / 1024)
}

/// Prints a line now and then.
pub(crate) struct Lines {
    start: Instant,
    every: Duration,
    last: Instant,
    messages: u64,
}

impl Lines {
    pub(crate) fn new(every: u64) -> Self {
        let start = Instant::now();
        Self { start, every: Duration::from_secs(every), last: start, messages: 0 }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Prints a line if one is due, or `last` says that it is the last one. Says whether memory has not
    /// grown for good.
    pub(crate) fn line(
        &mut self,
        last: bool,
        [messages, rounds, channels]: [u64; 3],
        memory: &mut Memory,
    ) -> io::Result<bool> {
        let since = self.last.elapsed();
        if !last && since < self.every {
            return Ok(true);
        }
        let rate = u128::from(messages - self.messages) * 1_000_000_000 / since.as_nanos().max(1);
        let (resident, within) = memory.look();
        writeln!(
            io::stdout(),
            "{:7.0} s  {messages:>13} messages  {rate:>9} /s  {:>6} MiB resident  {:>6} at most  \
             {rounds:>8} rounds  {channels:>8} channels",
            self.elapsed().as_secs_f64(),
            mebibytes(resident),
            mebibytes(Resident::peak()),
        )?;
        self.last = Instant::now();
        self.messages = messages;
        Ok(within)
    }
}
