//! What goes to stdout: the text format of `sha256sum`.

use std::io::{self, BufWriter, ErrorKind, IsTerminal, StdoutLock, Write};
use std::process::ExitCode;

use crate::args::HELP;
use crate::worker::Checksum;

pub(crate) struct Output {
    stdout: BufWriter<StdoutLock<'static>>,
    is_terminal: bool,
    line: Vec<u8>,
}

impl Output {
    pub(crate) fn new() -> Self {
        let stdout = io::stdout().lock();
        let is_terminal = stdout.is_terminal();
        Self { stdout: BufWriter::new(stdout), is_terminal, line: Vec::new() }
    }

    pub(crate) fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    pub(crate) fn print(&mut self, checksum: &Checksum) -> io::Result<()> {
        self.line.clear();
        format_line(&mut self.line, checksum)?;
        self.stdout.write_all(&self.line)?;
        if self.is_terminal { self.stdout.flush() } else { Ok(()) }
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.stdout.flush()
    }
}

/// A leading backslash says that backslashes and line ends of the path are escaped.
fn format_line(line: &mut Vec<u8>, checksum: &Checksum) -> io::Result<()> {
    if checksum.path.iter().any(|byte| matches!(byte, b'\\' | b'\n' | b'\r')) {
        line.push(b'\\');
    }
    for byte in checksum.sha256 {
        write!(line, "{byte:02x}")?;
    }
    line.extend_from_slice(b"  ");
    for byte in &checksum.path {
        match byte {
            b'\\' => line.extend_from_slice(b"\\\\"),
            b'\n' => line.extend_from_slice(b"\\n"),
            b'\r' => line.extend_from_slice(b"\\r"),
            byte => line.push(*byte),
        }
    }
    line.push(b'\n');
    Ok(())
}

pub(crate) fn print_help() -> ExitCode {
    match io::stdout().write_all(HELP.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    }
}
