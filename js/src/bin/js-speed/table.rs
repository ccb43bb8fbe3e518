//! The figures as a table.

use std::collections::BTreeMap;
use std::fmt::Write;

/// Nanoseconds by the name of the row, the least that were measured, and the names in order.
#[derive(Default)]
pub(crate) struct Rows {
    names: Vec<String>,
    least: BTreeMap<String, f64>,
}

impl Rows {
    /// Takes lines of a name and a figure, with a tab between them.
    pub(crate) fn add<'l>(&mut self, lines: impl IntoIterator<Item = &'l str>) {
        for line in lines {
            let Some((name, figure)) = line.split_once('\t') else { continue };
            let Ok(figure) = figure.parse::<f64>() else { continue };
            if !self.least.contains_key(name) {
                self.names.push(name.to_owned());
            }
            let least = self.least.entry(name.to_owned()).or_insert(figure);
            *least = least.min(figure);
        }
    }

    fn get(&self, name: &str) -> Option<f64> {
        self.least.get(name).copied()
    }
}

/// How many times faster than Node a row has to be.
fn bar(row: &str) -> f64 {
    if row.starts_with("two threads/round trip/") { 20.0 } else { 1.0 }
}

/// A line for each row of values that are cloned, beside the same as JSON text, and Node's.
pub(crate) fn table(ours: &Rows, theirs: &Rows) -> String {
    let mut table = String::from(
        "| row | ours, ns | as JSON text, ns | Node, ns | Node / ours | bar | |\n|---|---|---|---|---|---|---|\n",
    );
    for name in &ours.names {
        let Some(row) = name.strip_suffix("/cloned") else { continue };
        let Some(figure) = ours.get(name) else { continue };
        let shown = |figure: Option<f64>| figure.map_or("-".to_owned(), |ns| format!("{ns:.0}"));
        let json = shown(ours.get(&format!("{row}/JSON text")));
        let node = theirs.get(name);
        let (ratio, verdict) = match node {
            Some(node) if node / figure >= bar(row) => (node / figure, "reached"),
            Some(node) => (node / figure, "not reached"),
            None => (f64::NAN, "not measured"),
        };
        let (node, bar) = (shown(node), bar(row));
        let _ = writeln!(
            table,
            "| {row} | {figure:.0} | {json} | {node} | {ratio:.1} | {bar:.0} | {verdict} |"
        );
    }
    table
}

#[cfg(test)]
mod tests {
    use super::{Rows, table};

    #[test]
    fn the_least_of_each_row_is_compared_with_its_bar() {
        let (mut ours, mut theirs) = (Rows::default(), Rows::default());
        ours.add(["two threads/round trip/number/cloned\t900", "noise"]);
        ours.add(["two threads/round trip/number/cloned\t1000"]);
        ours.add([
            "one thread/one way/number/cloned\t700",
            "one thread/one way/number/JSON text\t800",
        ]);
        theirs.add([
            "two threads/round trip/number/cloned\t17000",
            "one thread/one way/number/cloned\t700",
        ]);
        let table = table(&ours, &theirs);
        let rows: Vec<_> = table.lines().skip(2).collect();
        assert_eq!(
            rows,
            [
                "| two threads/round trip/number | 900 | - | 17000 | 18.9 | 20 | not reached |",
                "| one thread/one way/number | 700 | 800 | 700 | 1.0 | 1 | reached |",
            ]
        );
    }
}
