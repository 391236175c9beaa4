//! Compares speeds: each workload at each size in every mode of dualtape, next to gradients written by hand and other
//! crates. See [`USAGE`].

use dualtape_bench::record::{self, About, Line, Record};
use dualtape_bench::timing::measure;
use dualtape_bench::{steps, tables, workloads};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

const USAGE: &str = "\
usage: cargo run --release -p dualtape-bench --features peers --bin ratios [-- OPTION]

Times value and gradient of the same functions in every mode, and training steps, in about two minutes. Without the feature
peers, other crates are left out. The modes take turns, and each time is a median; ratios are more reliable than times.

  (nothing)  prints a table for each workload: nanoseconds, and ratios to the gradient written by hand and to the plain value
  --json     prints a line of JSON about the machine, then one for each measurement
  --record   writes the record of this processor, crates/bench/record/PROCESSOR.jsonl, replacing an older one, and then does
             what --write does; needs the feature peers
  --write    writes the tables of README.md and docs/speed.svg from the records, without measuring anything
  --help     prints this help";

/// The duration of one turn of one mode.
const TURN: Duration = Duration::from_millis(20);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {
            each_workload(table);
            Ok(())
        }
        ["--json"] => {
            println!("{}", serde_json::json!(About::here()));
            each_workload(|lines| lines.iter().for_each(|line| println!("{}", line.json())));
            Ok(())
        }
        ["--record"] if cfg!(feature = "peers") => write_record().and_then(|()| write_readme()),
        ["--record"] => Err(format!(
            "a record must include other crates, so the feature peers is needed: {}",
            record::COMMAND
        )),
        ["--write"] => write_readme(),
        ["--help"] => {
            println!("{USAGE}");
            Ok(())
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Measures one workload after the other, and training steps.
fn each_workload(mut print: impl FnMut(&[Line])) {
    for make in workloads::all() {
        let mut workload = make();
        let measured = measure(&mut workload, TURN);
        print(&record::lines(&workload, &measured));
    }
    steps::measure(TURN).chunk_by(|a, b| a.size == b.size).for_each(print);
}

fn table(lines: &[Line]) {
    println!("\n{}, {}", lines[0].workload, lines[0].size);
    println!("  {:<28} {:>14} {:>10} {:>10}", "", "ns", "/ by hand", "/ value");
    for line in lines {
        let words = |ratio: Option<f64>| ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}"));
        let [hand, value] = [line.to_by_hand, line.to_value].map(words);
        println!("  {:<28} {:>14.1} {hand:>10} {value:>10}", line.mode, line.nanoseconds);
    }
}

fn write(file: &Path, text: &str) -> Result<(), String> {
    std::fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))?;
    println!("written: {}", file.display());
    Ok(())
}

fn write_record() -> Result<(), String> {
    let mut record = Record { about: About::here(), lines: Vec::new() };
    each_workload(|lines| {
        table(lines);
        record.lines.extend_from_slice(lines);
    });
    let folder = record::folder();
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    write(&folder.join(record.about.file_name()), &record.text())
}

fn write_readme() -> Result<(), String> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let records = record::all(&record::folder())?;
    let file = top.join("README.md");
    let readme = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    write(&file, &tables::into_readme(&readme, &records)?)?;
    let picture = tables::picture(&records[0]).map_err(|error| format!("docs/speed.svg: {error}"))?;
    write(&top.join("docs/speed.svg"), &picture)
}
