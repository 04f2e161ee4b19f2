//! The table that is printed: what was measured, beside what, and whether the promised bound holds.

use std::fmt::{self, Display, Formatter};

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, Table as Drawn};

use crate::sides::Took;

/// What is compared of two sides that were timed.
#[derive(Clone, Copy, Debug)]
pub enum By {
    Median,
    P99,
}

/// One comparison.
struct Line {
    what: String,
    beside: String,
    measured: String,
    baseline: String,
    ratio: f64,
    of: &'static str,
    bound: Option<f64>,
}

impl Line {
    fn is_kept(&self) -> bool {
        self.bound.is_none_or(|bound| self.ratio <= bound)
    }
}

/// All comparisons of a run.
#[derive(Default)]
pub struct Table(Vec<Line>);

impl Table {
    /// Two sides that were timed. Without a bound the ratio is just shown.
    pub fn times(&mut self, (what, took): (&str, &Took), (beside, baseline): (&str, &Took), by: By, bound: Option<f64>) {
        let (ratio, of) = match by {
            By::Median => (took.median().as_secs_f64() / baseline.median().as_secs_f64(), "median"),
            By::P99 => (took.p99_beside(baseline), "p99"),
        };
        let (measured, baseline) = (took.to_string(), baseline.to_string());
        self.add(Line { what: what.into(), beside: beside.into(), measured, baseline, ratio, of, bound });
    }

    /// Two sizes of a process, in kB.
    pub fn sizes(&mut self, (what, size): (&str, u64), (beside, baseline): (&str, u64), bound: Option<f64>) {
        #[allow(clippy::cast_precision_loss)]
        let megabytes = |kilobytes: u64| kilobytes as f64 / 1024.0;
        let (size, baseline) = (megabytes(size), megabytes(baseline));
        let ratio = size / baseline;
        let (measured, baseline) = (format!("{size:.1} MB"), format!("{baseline:.1} MB"));
        self.add(Line { what: what.into(), beside: beside.into(), measured, baseline, ratio, of: "size", bound });
    }

    fn add(&mut self, line: Line) {
        eprintln!("  {}: {:.2} of {}", line.what, line.ratio, line.beside);
        self.0.push(line);
    }

    /// Whether every bound holds.
    pub fn is_kept(&self) -> bool {
        self.0.iter().all(Line::is_kept)
    }
}

impl Display for Table {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut drawn = Drawn::new();
        drawn.load_style(UTF8_HORIZONTAL_ONLY);
        drawn.set_header(["what", "median / p99", "beside", "median / p99", "ratio", "at most"]);
        for line in &self.0 {
            let ratio = format!("{:.2} ({})", line.ratio, line.of);
            let bound = line.bound.map_or_else(|| "just shown".to_owned(), |bound| format!("{bound}"));
            let bound = if line.is_kept() { bound } else { format!("{bound} BROKEN") };
            drawn.add_row([&line.what, &line.measured, &line.beside, &line.baseline, &ratio, &bound]);
        }
        for column in [1, 3, 4] {
            if let Some(column) = drawn.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        write!(f, "{drawn}")
    }
}
