//! Where dualtape stands: each workload at each size in every mode, in nanoseconds and as ratios to the
//! gradient written by hand and to the plain value. Takes about a minute.
//!
//! ```text
//! cargo run --release -p dualtape-bench --features peers --bin ratios                      a table for each workload
//! cargo run --release -p dualtape-bench --features peers --bin ratios -- --json            a line for each measurement
//! cargo run --release -p dualtape-bench --bin ratios -- --markdown FILE   the README's table, of such lines
//! ```

use dualtape_bench::record::{self, Line};
use dualtape_bench::timing::{self, measure};
use dualtape_bench::workloads;
use std::process::ExitCode;
use std::time::Duration;

/// How long one turn of one mode takes.
const TURN: Duration = Duration::from_millis(20);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => each_workload(table),
        ["--json"] => {
            println!("{}", record::about());
            each_workload(|lines| lines.iter().for_each(|line| println!("{}", line.json())));
        }
        ["--markdown", file] => match record::read(file.as_ref()) {
            Ok(lines) => print!("{}", record::markdown(&lines)),
            Err(error) => {
                eprintln!("error: {error}");
                return ExitCode::FAILURE;
            }
        },
        _ => {
            eprintln!("usage: ratios [--json | --markdown FILE]");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

/// Measures one workload after the other.
fn each_workload(print: impl Fn(&[Line])) {
    timing::on_one_thread();
    for make in workloads::all() {
        let mut workload = make();
        let measured = measure(&mut workload, TURN);
        print(&record::lines(&workload, &measured));
    }
}

fn table(lines: &[Line]) {
    println!("\n{}, {}", lines[0].workload, lines[0].size);
    println!("  {:<18} {:>14} {:>10} {:>10}", "", "ns", "/ by hand", "/ value");
    for line in lines {
        let words = |ratio: Option<f64>| ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}"));
        let [hand, value] = [line.to_by_hand, line.to_value].map(words);
        println!("  {:<18} {:>14.1} {hand:>10} {value:>10}", line.mode, line.nanoseconds);
    }
}
