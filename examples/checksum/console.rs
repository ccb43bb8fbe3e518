//! What goes to stderr: messages and the progress bar, kept apart from each other.

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Used by all threads.
pub(crate) struct Console {
    bar: ProgressBar,
    failed: AtomicBool,
}

impl Console {
    /// The bar is shown on a terminal, unless the sums scroll by there: they are progress enough.
    pub(crate) fn new(output_is_terminal: bool) -> Self {
        let target = if output_is_terminal {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        let template = "{wide_bar} {bytes}/{total_bytes} {bytes_per_sec}";
        let style =
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        Self {
            bar: ProgressBar::with_draw_target(None, target).with_style(style),
            failed: AtomicBool::new(false),
        }
    }

    pub(crate) fn expect(&self, bytes: u64) {
        self.bar.set_length(bytes);
    }

    pub(crate) fn advance(&self, bytes: usize) {
        self.bar.inc(bytes as u64);
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// Reports what went wrong; the program goes on and fails in the end.
    pub(crate) fn fail(&self, text: fmt::Arguments<'_>) {
        self.failed.store(true, Ordering::Relaxed);
        self.bar.suspend(|| print_error(text));
    }

    #[allow(clippy::unnecessary_debug_formatting, reason = "a path may hold control characters")]
    pub(crate) fn unreadable(&self, path: &Path, error: &dyn fmt::Display) {
        self.fail(format_args!("{path:?}: {error}"));
    }

    /// A reader that has seen enough (`| head`) is no failure.
    pub(crate) fn output_failed(&self, error: &io::Error) {
        if error.kind() != ErrorKind::BrokenPipe {
            self.fail(format_args!("stdout: {error}"));
        }
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }
}

/// One line on stderr; if that is closed there is nowhere left to complain.
pub(crate) fn print_error(text: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "checksum: {text}");
}
