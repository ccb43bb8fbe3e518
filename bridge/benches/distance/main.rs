//! What the distance costs: a linked port, put by threads and by posts, bare Zenoh, and a port in one
//! process, in one run.
//!
//! ```text
//! cargo bench --manifest-path bridge/Cargo.toml                       # the table, some minutes
//! cargo bench --manifest-path bridge/Cargo.toml -- --quick            # a first look
//! cargo bench --manifest-path bridge/Cargo.toml -- --check            # tiny counts, no table
//! cargo bench --manifest-path bridge/Cargo.toml -- --memory           # while the far receiver sleeps
//! ```
//!
//! The far side is another process on this machine, over loopback TCP. The subjects of a row take
//! turns in each round. A message is made from a buffer that the sender keeps, the receiver looks at its
//! first byte, and an answer is made from the message in hand, for everybody.

mod local;
mod memory;
mod net;
mod port;
mod raw;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use port::Put;

/// Tells the far process that it is one, and where the near one listens.
const ENDPOINT: &str = "MESSAGE_PORT_BENCH";

/// Which of the subjects the others are compared with.
const BARE: usize = 2;

pub(crate) const SIZES: [usize; 3] = [64, 1024, 65_536];

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// A message goes there and back, then the next one.
    RoundTrip,
    /// Messages go there as fast as they can; the clock stops when the last one has arrived.
    OneWay,
}

/// One of those that take turns.
pub(crate) trait Subject {
    fn name(&self) -> &'static str;
    /// Sends `count` messages of `size` bytes, and returns how long that took.
    fn measure(&mut self, way: Way, size: usize, count: u64) -> Duration;
}

/// What is fair to all: the first bytes tell a round trip from a stream and count the rest.
pub(crate) mod protocol {
    pub(crate) const ECHO: u8 = 1;
    pub(crate) const COUNT: u8 = 2;
    /// The last of a stream: to be answered.
    pub(crate) const LAST: u8 = 3;
    pub(crate) const QUIT: u8 = 4;
}

fn main() {
    if let Ok(endpoint) = std::env::var(ENDPOINT) {
        return far(&endpoint);
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    // `cargo test` passes `--test` to benchmarks.
    let check = has("--check") || has("--test");
    let (rounds, time) = match (check, has("--quick")) {
        (true, _) => (1, Duration::ZERO),
        (false, true) => (3, Duration::from_millis(100)),
        (false, false) => (11, Duration::from_millis(300)),
    };
    let (session, endpoint) = net::listen();
    let mut far = Far::start(&endpoint);
    if has("--memory") {
        memory::measure(&session, &mut far);
        far.end();
        return;
    }
    let mut subjects: Vec<Box<dyn Subject>> = vec![
        Box::new(port::Linked::new(&session, Put::ByThreads)),
        Box::new(port::Linked::new(&session, Put::ByPosts)),
        Box::new(raw::Raw::new(&session, &mut far)),
        Box::new(local::InProcess::new()),
    ];
    for way in [Way::RoundTrip, Way::OneWay] {
        for size in SIZES {
            row(&mut subjects, way, size, rounds, time);
        }
    }
    drop(subjects);
    far.end();
    println!("checked");
}

/// The far process: as many users as there are subjects.
fn far(endpoint: &str) {
    let session = net::connect(endpoint);
    let asleep = [Put::ByThreads, Put::ByPosts].map(|put| port::answer(&session, put));
    raw::answer(&session);
    // Until the near process has had enough, or is gone.
    let mut line = String::new();
    let mut input = std::io::stdin().lock();
    while input.read_line(&mut line).is_ok_and(|read| read > 0) {
        match line.trim() {
            "memory" => println!("{}", memory::resident()),
            "sleep" => {
                memory::sleep(&session);
                println!("asleep");
            }
            _ => {}
        }
        let _ = std::io::stdout().flush();
        line.clear();
    }
    drop(asleep);
}

/// The far process, seen from the near one.
pub(crate) struct Far {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Far {
    fn start(endpoint: &str) -> Self {
        let program = std::env::current_exe().expect("the path of this program");
        let mut child = Command::new(program)
            .env(ENDPOINT, endpoint)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a second process");
        let input = child.stdin.take().expect("a pipe");
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, input, output }
    }

    pub(crate) fn ask(&mut self, question: &str) -> String {
        writeln!(self.input, "{question}").expect("the far process listens");
        let mut answer = String::new();
        self.output.read_line(&mut answer).expect("the far process answers");
        answer.trim().to_owned()
    }

    fn end(mut self) {
        drop(self.input);
        let _ = self.child.wait();
    }
}

/// Measures and prints one row.
fn row(subjects: &mut [Box<dyn Subject>], way: Way, size: usize, rounds: usize, time: Duration) {
    // As many operations as take each subject the time of a round.
    let counts: Vec<u64> = subjects
        .iter_mut()
        .map(|subject| {
            let (mut count, start) = (4, Instant::now());
            loop {
                let took = subject.measure(way, size, count);
                if took >= time / 4 || start.elapsed() > time * 20 {
                    let per = took.as_nanos().max(1) / u128::from(count);
                    let wanted = time.as_nanos() / per.max(1);
                    break u64::try_from(wanted).unwrap_or(u64::MAX).max(4);
                }
                count *= 4;
            }
        })
        .collect();
    let mut values = vec![Vec::new(); subjects.len()];
    for _ in 0..rounds {
        for ((subject, count), values) in subjects.iter_mut().zip(&counts).zip(&mut values) {
            let took = subject.measure(way, size, *count);
            values.push(took.as_nanos() / u128::from(*count));
        }
    }
    let name = match way {
        Way::RoundTrip => "round trip",
        Way::OneWay => "one way",
    };
    if time.is_zero() {
        return;
    }
    println!("{name} of {size} bytes, nanoseconds per message: median (smallest to largest)");
    let medians: Vec<u128> = values
        .iter_mut()
        .map(|values| {
            values.sort_unstable();
            values[values.len() / 2]
        })
        .collect();
    for ((subject, values), median) in subjects.iter().zip(&values).zip(&medians) {
        println!(
            "    {:<30} {median:>10} ({} to {}), {} % of bare Zenoh",
            subject.name(),
            values[0],
            values[values.len() - 1],
            median * 100 / medians[BARE].max(1),
        );
    }
}
