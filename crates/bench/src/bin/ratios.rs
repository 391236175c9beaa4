//! Where dualtape stands: each workload at each size in every mode, in nanoseconds and as ratios to the
//! gradient written by hand and to the plain value. Takes less than a minute.
//!
//! Usage: `cargo run --release -p dualtape-bench [--features peers] --bin ratios [-- --json | --markdown]`

use dualtape_bench::timing::{self, Measured, measure};
use dualtape_bench::workloads::{self, BY_HAND, VALUE, Workload};
use std::process::ExitCode;
use std::time::Duration;

/// How long one turn of one mode takes.
const TURN: Duration = Duration::from_millis(20);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let print: fn(&Workload, &[Measured]) = match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..]
    {
        [] => table,
        ["--json"] => json,
        ["--markdown"] => {
            println!("| workload | size | mode | time | / by hand | / value |\n|---|---|---|---:|---:|---:|");
            markdown
        }
        _ => {
            eprintln!("usage: ratios [--json | --markdown]");
            return ExitCode::from(2);
        }
    };
    timing::on_one_thread();
    for make in workloads::all() {
        let mut workload = make();
        let measured = measure(&mut workload, TURN);
        print(&workload, &measured);
    }
    ExitCode::SUCCESS
}

/// The ratio to a mode, if it was measured.
fn ratio(measured: &[Measured], to: &str, nanoseconds: f64) -> Option<f64> {
    measured.iter().find(|other| other.mode == to).map(|other| nanoseconds / other.nanoseconds)
}

fn words(ratio: Option<f64>) -> String {
    ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}"))
}

fn table(workload: &Workload, measured: &[Measured]) {
    println!("\n{}, {}", workload.name, workload.size);
    println!("  {:<18} {:>14} {:>10} {:>10}", "", "ns", "/ by hand", "/ value");
    for Measured { mode, nanoseconds, .. } in measured {
        let [hand, value] = [BY_HAND, VALUE].map(|to| words(ratio(measured, to, *nanoseconds)));
        println!("  {mode:<18} {nanoseconds:>14.1} {hand:>10} {value:>10}");
    }
}

fn json(workload: &Workload, measured: &[Measured]) {
    for Measured { mode, nanoseconds, low, high } in measured {
        let line = serde_json::json!({
            "workload": workload.name,
            "size": workload.size,
            "mode": mode,
            "nanoseconds": nanoseconds,
            "low": low,
            "high": high,
            "to_by_hand": ratio(measured, BY_HAND, *nanoseconds),
            "to_value": ratio(measured, VALUE, *nanoseconds),
        });
        println!("{line}");
    }
}

fn markdown(workload: &Workload, measured: &[Measured]) {
    for Measured { mode, nanoseconds, .. } in measured {
        let [hand, value] = [BY_HAND, VALUE].map(|to| words(ratio(measured, to, *nanoseconds)));
        let time = match nanoseconds {
            ns if *ns < 1e3 => format!("{ns:.0} ns"),
            ns if *ns < 1e6 => format!("{:.1} µs", ns / 1e3),
            ns => format!("{:.2} ms", ns / 1e6),
        };
        println!("| {} | {} | {mode} | {time} | {hand} | {value} |", workload.name, workload.size);
    }
}
