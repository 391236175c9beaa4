//! The tables and the picture that the README shows of the records.

use crate::record::{About, Line, Record};
use crate::steps;
use crate::workload::{BY_HAND, GENERATED, MACHINE_CODE};
use dualtape_plots::{Bar, Benchmarks, Error, Picture};

/// The columns of the table: the name of each, and the prefix of its modes. The fastest of these modes is shown.
const COLUMNS: [(&str, &str); 14] = [
    ("value", "value"),
    ("by hand", BY_HAND),
    ("lanes", "lanes"),
    ("tape", "tape"),
    ("record", "record"),
    ("replay", "replay"),
    ("loop", "loop"),
    ("machine code", MACHINE_CODE),
    ("generated", GENERATED),
    ("batch", "batch"),
    ("2 threads", "batch on 2 threads"),
    ("echidna", "echidna"),
    ("reverse", "reverse"),
    ("num-dual", "num-dual"),
];

/// The number of columns for dualtape; other crates follow.
const OURS: usize = 11;

/// The measurements, grouped by workload and size.
fn by_workload(lines: &[Line]) -> impl Iterator<Item = &[Line]> {
    lines.chunk_by(|a, b| (&a.workload, &a.size) == (&b.workload, &b.size))
}

/// Whether any measurement belongs in the table of workloads.
fn is_workload(lines: &[Line]) -> bool {
    lines[0].workload != steps::NAME
}

/// The fastest of the modes that begin with one of these prefixes.
fn fastest<'a>(lines: &'a [Line], beginnings: &[&str]) -> Option<&'a Line> {
    let begins = |line: &Line, beginning: &&str| {
        let rest = line.mode.strip_prefix(beginning);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', ',']))
    };
    let some = lines.iter().filter(|&line| beginnings.iter().any(|beginning| begins(line, beginning)));
    some.min_by(|a, b| a.nanoseconds.total_cmp(&b.nanoseconds))
}

/// The heading of a table, with the line below it.
fn heading(names: impl ExactSizeIterator<Item = &'static str>, first: &str) -> String {
    let rule = "---:|".repeat(names.len());
    let names: String = names.map(|name| format!(" {name} |")).collect();
    format!("| {first} |{names}\n|---|{rule}\n")
}

/// The table of all workloads, with a row for each size.
fn workloads(lines: &[Line]) -> String {
    let mut table = heading(COLUMNS.iter().map(|&(name, _)| name), "workload");
    for lines in by_workload(lines).filter(|lines| is_workload(lines)) {
        let cells =
            COLUMNS.map(|(_, beginning)| fastest(lines, &[beginning]).map(|line| time(line.nanoseconds)));
        // Sparse matrices and high orders have different modes, and their tables are in docs/.
        if cells[2..OURS].iter().any(Option::is_some) {
            table += &format!("| {}, {} |", lines[0].workload, lines[0].size);
            table += &cells.map(|cell| format!(" {} |", cell.unwrap_or_default())).concat();
            table += "\n";
        }
    }
    table
}

/// The table of training steps, with a row for each network.
fn training(lines: &[Line]) -> String {
    let mut table = heading(steps::MODES.into_iter(), "network, batch");
    for lines in by_workload(lines).filter(|lines| !is_workload(lines)) {
        let time_of =
            |mode: &str| lines.iter().find(|line| line.mode == mode).map(|line| time(line.nanoseconds));
        let cells = steps::MODES.map(|mode| format!(" {} |", time_of(mode).unwrap_or_default()));
        table += &format!("| {} |{}\n", lines[0].size, cells.concat());
    }
    table
}

/// A time in a suitable unit.
fn time(nanoseconds: f64) -> String {
    let (number, unit) = match nanoseconds {
        ns if ns < 1e3 => (ns, "ns"),
        ns if ns < 1e6 => (ns / 1e3, "µs"),
        ns => (ns / 1e6, "ms"),
    };
    if number < 10.0 { format!("{number:.1} {unit}") } else { format!("{number:.0} {unit}") }
}

/// The machine in words.
fn machine(about: &About) -> String {
    let About { machine, instructions, cores, compiler, date, .. } = about;
    let compiler = compiler.split(" (").next().unwrap_or(compiler);
    format!("{machine} with {instructions}, {cores} cores, {compiler}, {date}")
}

fn tables(record: &Record) -> String {
    let steps = "One step of training (gradient, clip, update) on one thread:";
    format!("{}\n{steps}\n\n{}", workloads(&record.lines), training(&record.lines))
}

/// The tables of all records: the newest is visible, the others are collapsed.
pub fn markdown(records: &[Record]) -> String {
    let mut text = String::new();
    for (index, record) in records.iter().enumerate() {
        let (machine, tables) = (machine(&record.about), tables(record));
        text += &match index {
            0 => format!("On {machine}:\n\n{tables}"),
            _ => format!("\n<details><summary>On {machine}</summary>\n\n{tables}\n</details>\n"),
        };
    }
    text
}

/// The lines of the README between which the tables are.
const MARKERS: [&str; 2] = [
    "<!-- Written by `ratios --record` of dualtape-bench, from crates/bench/record. -->\n\n",
    "\n<!-- The end of what `ratios --record` writes. -->\n",
];

/// The README with the tables of the records.
///
/// # Errors
///
/// A message if the README has no place for them.
pub fn into_readme(readme: &str, records: &[Record]) -> Result<String, String> {
    let [begin, end] = MARKERS;
    let parts = readme.split_once(begin).and_then(|(before, rest)| Some((before, rest.split_once(end)?.1)));
    let (before, after) = parts.ok_or_else(|| {
        format!("the README has no place for the tables: '{}' and '{}'", begin.trim(), end.trim())
    })?;
    Ok(format!("{before}{begin}{}{end}{after}", markdown(records)))
}

/// The workloads of the picture: name and size in the record, and the name in the picture.
const DRAWN: [(&str, &str, &str); 8] = [
    ("rosenbrock", "n = 100", "Rosenbrock, 100 inputs"),
    ("log-sum-exp", "n = 1000", "log-sum-exp, 1000 inputs"),
    ("least squares", "n = 1024, m = 128", "least squares, 128 inputs, 1024 points"),
    ("gaussian mixture", "d = 10, k = 25, n = 1000", "Gaussian mixture, 1650 inputs, 1000 points"),
    ("ode", "n = 10, 10 steps", "Runge–Kutta, 10 equations, 10 steps"),
    ("lstm", "128 characters", "LSTM, 77 inputs, 128 characters"),
    ("bundle adjustment", "2000 observations", "bundle adjustment, 2000 Jacobians"),
    ("network", "2-16-16-1, 100 points", "network 2-16-16-1, 100 points"),
];

/// The bars of each workload: their name, and the prefixes of their modes. The fastest of these modes is shown.
const BARS: [(&str, &[&str]); 3] = [
    ("as written: tape or lanes", &["tape", "lanes"]),
    ("recorded: replay or batch", &["replay", "batch"]),
    ("code: at run time or before", &[MACHINE_CODE, GENERATED]),
];

/// A picture of some workloads, with and without recording: ratios to the gradient written by hand.
///
/// # Errors
///
/// If it cannot be drawn.
pub fn picture(record: &Record) -> Result<String, Error> {
    let title = format!("gradients on {}, one thread", record.about.machine);
    let label = "time, as a multiple of the gradient written by hand";
    let mut picture = Benchmarks::new(&title, label, BARS.map(|(name, _)| name)).log_axis(true);
    for (workload, size, name) in DRAWN {
        let mut all = by_workload(&record.lines);
        let own = all.find(|lines| lines[0].workload == workload && lines[0].size == size);
        picture = picture.workload(name, own.map_or([Bar::exact(f64::NAN); BARS.len()], bars));
    }
    picture.svg(picture.natural_size())
}

fn bars(lines: &[Line]) -> [Bar; BARS.len()] {
    let by_hand = fastest(lines, &[BY_HAND]).map_or(f64::NAN, |line| line.nanoseconds);
    BARS.map(|(_, beginnings)| {
        fastest(lines, beginnings).map_or(Bar::exact(f64::NAN), |line| {
            Bar::new(line.nanoseconds / by_hand, line.low / by_hand, line.high / by_hand)
        })
    })
}
