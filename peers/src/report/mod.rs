//! What came out: as a table, as JSON, as charts.

mod chart;
mod environment;
mod figures;
mod summary;
mod table;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use serde::Serialize;

pub(crate) use environment::Environment;
use figures::RowFigures;
use summary::Summary;

use crate::rounds::Results;

/// Everything that came out of a run.
#[derive(Serialize)]
pub(crate) struct Report<'a> {
    environment: &'a Environment,
    summary: Summary,
    rows: Vec<RowFigures<'a>>,
}

impl<'a> Report<'a> {
    pub(crate) fn new(environment: &'a Environment, results: &'a [Results<'_>]) -> Self {
        let rows: Vec<_> = results.iter().map(figures::of_row).collect();
        Self { environment, summary: Summary::of(&rows), rows }
    }

    /// What it was measured with, every row, and the summary.
    pub(crate) fn table(&self) -> String {
        let rows: String = self.rows.iter().map(table::row).collect();
        [self.environment.text(), rows, self.summary.text()].concat()
    }

    /// Writes `peers.json` and a chart for each row; returns how many files that were.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<usize> {
        fs::create_dir_all(folder)?;
        for row in &self.rows {
            let path = folder.join(format!("{}.svg", row.name.replace('/', "-")));
            chart::draw(&path, row).map_err(io::Error::other)?;
        }
        let mut json = BufWriter::new(File::create(folder.join("peers.json"))?);
        serde_json::to_writer_pretty(&mut json, self)?;
        writeln!(json)?;
        json.flush()?;
        Ok(self.rows.len() + 1)
    }
}
