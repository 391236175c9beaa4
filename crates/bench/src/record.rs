//! Measurements in files: a line of JSON for the machine, then one for each mode of each workload.

use crate::timing::Measured;
use crate::workload::{BY_HAND, VALUE, Workload};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::Path;
use std::process::Command;

/// One measurement.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Line {
    /// The name of the workload.
    pub workload: String,
    /// Its size, in words.
    pub size: String,
    /// The name of the mode.
    pub mode: String,
    /// The median time.
    pub nanoseconds: f64,
    /// The shortest time.
    pub low: f64,
    /// The longest time.
    pub high: f64,
    /// The ratio to the gradient written by hand, where there is one.
    pub to_by_hand: Option<f64>,
    /// The ratio to the plain value.
    pub to_value: Option<f64>,
}

impl Line {
    /// As it stands in a file.
    pub fn json(&self) -> String {
        json!(self).to_string()
    }
}

/// What was measured of a workload, with its ratios.
pub fn lines(workload: &Workload, measured: &[Measured]) -> Vec<Line> {
    let time_of =
        |mode: &str| measured.iter().find(|other| other.mode == mode).map(|other| other.nanoseconds);
    let ratio = |nanoseconds: f64, to: &str| time_of(to).map(|time| nanoseconds / time);
    let line = |&Measured { mode, nanoseconds, low, high }: &Measured| Line {
        workload: workload.name.to_owned(),
        size: workload.size.clone(),
        mode: mode.to_owned(),
        nanoseconds,
        low,
        high,
        to_by_hand: ratio(nanoseconds, BY_HAND),
        to_value: ratio(nanoseconds, VALUE),
    };
    measured.iter().map(line).collect()
}

/// What a record says of the machine, as far as it can be found out.
pub fn about() -> String {
    let processor = std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(": ")?.1.to_owned())
    });
    let compiler = Command::new("rustc").arg("--version").output().ok();
    let compiler = compiler.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let command = "cargo run --release -p dualtape-bench --features peers --bin ratios -- --json";
    json!({ "machine": processor, "cores": cores, "compiler": compiler, "command": command }).to_string()
}

/// Reads the measurements of a record; what it says of the machine is left out.
///
/// # Errors
///
/// In words, if the file cannot be read, or a line is not a measurement.
pub fn read(file: &Path) -> Result<Vec<Line>, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let numbered = text.lines().enumerate().filter(|(_, line)| !line.contains("\"machine\""));
    let line = |(index, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|error| format!("{}, line {}: {error}", file.display(), index + 1))
    };
    numbered.map(line).collect()
}

/// The columns of the table: the name of each, and how the modes begin of which the fastest counts.
const COLUMNS: [(&str, &str); 11] = [
    ("value", "value"),
    ("by hand", "by hand"),
    ("lanes", "lanes"),
    ("tape", "tape"),
    ("record", "record"),
    ("replay", "replay"),
    ("loop", "loop"),
    ("batch", "batch"),
    ("echidna", "echidna"),
    ("reverse", "reverse"),
    ("num-dual", "num-dual"),
];

/// A table of all workloads, a row for each size.
pub fn markdown(lines: &[Line]) -> String {
    let mut table = "| workload |".to_owned();
    COLUMNS.iter().for_each(|(name, _)| table += &format!(" {name} |"));
    table += "\n|---|";
    table += &"---:|".repeat(COLUMNS.len());
    table += "\n";
    let same = |a: &Line, b: &Line| (&a.workload, &a.size) == (&b.workload, &b.size);
    for lines in lines.chunk_by(same) {
        table += &format!("| {}, {} |", lines[0].workload, lines[0].size);
        for (_, beginning) in COLUMNS {
            let is_of_column = |mode: &str| {
                mode.strip_prefix(beginning)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with([':', ',']))
            };
            let of_column = lines.iter().filter(|line| is_of_column(&line.mode));
            let fastest = of_column.map(|line| line.nanoseconds).min_by(f64::total_cmp);
            table += &format!(" {} |", fastest.map_or(String::new(), time));
        }
        table += "\n";
    }
    table
}

/// A time in the unit that suits it.
fn time(nanoseconds: f64) -> String {
    let (number, unit) = match nanoseconds {
        ns if ns < 1e3 => (ns, "ns"),
        ns if ns < 1e6 => (ns / 1e3, "µs"),
        ns => (ns / 1e6, "ms"),
    };
    if number < 10.0 { format!("{number:.1} {unit}") } else { format!("{number:.0} {unit}") }
}
