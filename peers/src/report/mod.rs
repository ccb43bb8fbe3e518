//! What came out: as a table, as JSON, as charts.

mod chart;
mod environment;
mod figures;
mod table;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use serde::Serialize;

pub(crate) use environment::Environment;
use figures::RowFigures;
pub(crate) use table::table;

use crate::rounds::Results;

#[derive(Serialize)]
struct Document<'a> {
    environment: &'a Environment,
    rows: Vec<RowFigures<'a>>,
}

/// Writes `peers.json` and a chart for each row; returns how many files that were.
pub(crate) fn write(
    folder: &Path,
    environment: &Environment,
    results: &[Results<'_>],
) -> io::Result<usize> {
    fs::create_dir_all(folder)?;
    let rows: Vec<_> = results.iter().map(figures::of_row).collect();
    for row in &rows {
        let path = folder.join(format!("{}.svg", row.name.replace('/', "-")));
        chart::draw(&path, row).map_err(io::Error::other)?;
    }
    let files = rows.len() + 1;
    let mut json = BufWriter::new(File::create(folder.join("peers.json"))?);
    serde_json::to_writer_pretty(&mut json, &Document { environment, rows })?;
    writeln!(json)?;
    json.flush()?;
    Ok(files)
}
