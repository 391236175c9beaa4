//! Files of measurements, one for each processor: a line of JSON about the machine, then one for each mode of each
//! workload.

use crate::timing::Measured;
use crate::workload::{BY_HAND, VALUE, Workload};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

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
    /// The ratio to the gradient written by hand, if there is one.
    pub to_by_hand: Option<f64>,
    /// The ratio to the plain value.
    pub to_value: Option<f64>,
}

impl Line {
    /// The measurement as a line of a file.
    pub fn json(&self) -> String {
        json!(self).to_string()
    }
}

/// The measurements of a workload, with their ratios.
pub fn lines(workload: &Workload, measured: &[Measured]) -> Vec<Line> {
    lines_of(workload.name, &workload.size, measured)
}

pub(crate) fn lines_of(workload: &str, size: &str, measured: &[Measured]) -> Vec<Line> {
    let time_of =
        |mode: &str| measured.iter().find(|other| other.mode == mode).map(|other| other.nanoseconds);
    let ratio = |nanoseconds: f64, to: &str| time_of(to).map(|time| nanoseconds / time);
    let line = |&Measured { mode, nanoseconds, low, high }: &Measured| Line {
        workload: workload.to_owned(),
        size: size.to_owned(),
        mode: mode.to_owned(),
        nanoseconds,
        low,
        high,
        to_by_hand: ratio(nanoseconds, BY_HAND),
        to_value: ratio(nanoseconds, VALUE),
    };
    measured.iter().map(line).collect()
}

/// Where and how a record was made.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct About {
    /// The name of the processor, as far as it is known.
    pub machine: String,
    /// The instruction set used for lanes.
    pub instructions: String,
    /// The number of processors available to a program.
    pub cores: usize,
    /// The date, as in 2026-11-29.
    pub date: String,
    /// The version of `rustc`.
    pub compiler: String,
    /// The command that was run.
    pub command: String,
}

/// The command that makes records.
pub const COMMAND: &str = "cargo run --release -p dualtape-bench --features peers --bin ratios -- --record";

impl About {
    /// This machine, today.
    pub fn here() -> Self {
        let compiler = said("rustc", &["--version"]).unwrap_or_else(|| "an unknown compiler".to_owned());
        let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        Self {
            machine: processor(),
            instructions: instructions(),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            date: date(since / 86_400),
            compiler,
            command: COMMAND.to_owned(),
        }
    }

    /// The name of the record's file: the processor and its instructions, in lower-case letters, digits and dashes.
    pub fn file_name(&self) -> String {
        let both = format!("{} {}", self.machine, self.instructions).to_lowercase();
        let words = both.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        format!("{}.jsonl", words.collect::<Vec<_>>().join("-"))
    }
}

/// The output of a program, in one line; `None` if it cannot be run.
fn said(program: &str, arguments: &[&str]) -> Option<String> {
    let output =
        Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn processor() -> String {
    let on_linux = std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(": ")?.1.trim().to_owned())
    });
    let found = on_linux.or_else(|| said("sysctl", &["-n", "machdep.cpu.brand_string"]));
    found.unwrap_or_else(|| format!("unknown {}", std::env::consts::ARCH))
}

/// The instruction set chosen by dualtape.
fn instructions() -> String {
    let narrowed = std::env::var("DUALTAPE_INSTRUCTIONS").ok().filter(|set| set != "widest");
    let widest = format!("{:?}", pulp::Arch::new());
    let name = match (narrowed.as_deref(), widest.split(['(', ' ']).next()) {
        (Some("avx2"), _) | (None, Some("V3")) => "AVX2",
        (None, Some("V4")) => "AVX-512",
        (None, Some("Neon")) => "NEON",
        _ => "no vector instructions",
    };
    name.to_owned()
}

/// The date a number of days after 1 January 1970, in the Gregorian calendar.
fn date(days: u64) -> String {
    // Years are counted from March, so that they end with the leap day; a 400-year cycle began 719 468 days before 1970.
    let days = days + 719_468;
    let (cycle, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    format!("{:04}-{month:02}-{day:02}", 400 * cycle + year + later)
}

/// The measurements on one machine.
#[derive(Clone, Debug)]
pub struct Record {
    /// The machine.
    pub about: About,
    /// The measurements.
    pub lines: Vec<Line>,
}

impl Record {
    /// Reads a record.
    ///
    /// # Errors
    ///
    /// A message if the file cannot be read, has no first line about the machine, or has a line that is not a measurement.
    pub fn read(file: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        let wrong =
            |line: usize, error: serde_json::Error| format!("{}, line {line}: {error}", file.display());
        let mut lines = text.lines();
        let about =
            serde_json::from_str(lines.next().unwrap_or_default()).map_err(|error| wrong(1, error))?;
        let line = |(index, line)| serde_json::from_str(line).map_err(|error| wrong(index + 2, error));
        Ok(Self { about, lines: lines.enumerate().map(line).collect::<Result<_, _>>()? })
    }

    /// The record as the text of a file.
    pub fn text(&self) -> String {
        let lines: String = self.lines.iter().map(|line| line.json() + "\n").collect();
        format!("{}\n{lines}", json!(self.about))
    }
}

/// The folder of the records.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("record")
}

/// All records in a folder, the newest first; records of the same day are sorted by name.
///
/// # Errors
///
/// A message if there is no record, or one cannot be read.
pub fn all(folder: &Path) -> Result<Vec<Record>, String> {
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    let mut records: Vec<Record> = files.iter().map(|file| Record::read(file)).collect::<Result<_, _>>()?;
    records.sort_by(|a, b| b.about.date.cmp(&a.about.date));
    if records.is_empty() {
        return Err(format!("{}: there is no record; expected a file that ends in .jsonl", folder.display()));
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::{About, date};

    #[test]
    fn days_have_their_dates() {
        for (days, expected) in [
            (0, "1970-01-01"),
            (11_016, "2000-02-29"),
            (11_017, "2000-03-01"),
            (20_786, "2026-11-29"),
            (47_540, "2100-02-28"),
            (47_541, "2100-03-01"),
        ] {
            assert_eq!(date(days), expected);
        }
    }

    #[test]
    fn a_file_is_named_for_its_processor() {
        let machine = "Intel(R) Xeon(R) CPU @ 2.20GHz".to_owned();
        let about = About { machine, instructions: "AVX-512".to_owned(), ..About::here() };
        assert_eq!(about.file_name(), "intel-r-xeon-r-cpu-2-20ghz-avx-512.jsonl");
    }
}
