//! Counts the instructions of small derivative computations, and compares them with a record.
//!
//! Times on a shared machine vary by tens of per cent; instruction counts hardly vary, so a change that costs a few
//! per cent is visible. They say nothing about caches and branches; for times, see `dualtape-bench`.
//!
//! Valgrind's callgrind counts all cases in one run of this program: it resets the count whenever [`begin`] is
//! called, and writes a file whenever a call of [`counted`] ends. These are two functions because callgrind accepts
//! only one such option per function.
//!
//! A new case may change the counts of others by some per cent, since the number of uses of a function affects
//! whether the compiler inlines it. So a commit that adds cases also updates the record, and does not change core.

mod cases;

use dualtape_instructions::{PERCENT, Record};
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};

const USAGE: &str = "\
usage: cargo run --profile counted -p dualtape-instructions [-- OPTION]

Counts the instructions of small cases with valgrind, and compares them with the record in crates/instructions/record.csv.

  (nothing)   compares; exits with code 1 if a count is not within 3 % of the record
  --update    rewrites the record
  --cases     runs the cases without counting (valgrind runs the program with this option)
  --help      prints this help

Counts depend on the compiler and the C library: if these differ from the recorded ones, differences are reported but are not an error.
Counts are for optimised code with AVX2; on processors without AVX2, nothing is counted.";

/// The instruction set for lanes. Valgrind supports no wider one, so it is the same everywhere.
const INSTRUCTIONS: &str = "avx2";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let done = match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--cases"] => {
            run_cases();
            Ok(ExitCode::SUCCESS)
        }
        ["--help"] => {
            println!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        options @ ([] | ["--update"]) if can_count() => count_all(!options.is_empty()),
        [] | ["--update"] => Ok(ExitCode::SUCCESS),
        _ => {
            eprintln!("{USAGE}");
            Ok(ExitCode::from(2))
        }
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}

/// Whether lanes will use the recorded instruction set and the code is optimised; prints a message if not.
fn can_count() -> bool {
    if cfg!(debug_assertions) {
        println!(
            "Nothing is counted: this program was built without optimisation. Build it with --profile counted."
        );
    } else if !has_avx2() {
        println!("Nothing is counted: the record requires AVX2, which this processor lacks.");
    } else {
        return true;
    }
    false
}

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("bmi2")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_avx2() -> bool {
    false
}

fn count_all(update: bool) -> Result<ExitCode, String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("record.csv");
    let told = |error: String| format!("{}: {error}", file.display());
    let now = Record { with: with(), counts: counts()? };
    now.counts.iter().for_each(|(name, count)| println!("{count:>12}  {name}"));
    if update {
        fs::write(&file, now.text()).map_err(|error| told(error.to_string()))?;
        println!("Written to {}.", file.display());
        return Ok(ExitCode::SUCCESS);
    }
    let text = fs::read_to_string(&file).map_err(|error| told(error.to_string()))?;
    Ok(compare(&Record::read(&text).map_err(told)?, &now))
}

/// Reports which counts have changed.
fn compare(recorded: &Record, now: &Record) -> ExitCode {
    let differences = recorded.differences(now);
    if differences.is_empty() {
        println!("All {} cases are within {PERCENT} % of the record.", now.counts.len());
        return ExitCode::SUCCESS;
    }
    println!("\nNot within {PERCENT} % of the record:");
    differences.iter().for_each(|line| println!("  {line}"));
    if recorded.with != now.with {
        println!(
            "The record was made with {}, these counts with {}: the difference is not an error.",
            recorded.with, now.with
        );
        return ExitCode::SUCCESS;
    }
    println!(
        "If this is intended, or an improvement, update the record and commit it:\n  \
         cargo run --profile counted -p dualtape-instructions -- --update"
    );
    ExitCode::FAILURE
}

/// What counts depend on besides our code. Valgrind simulates the same processor everywhere.
fn with() -> String {
    let said = |program: &str, argument: &str| {
        let output = Command::new(program).arg(argument).output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let known = |words: Option<String>, what: &str| words.unwrap_or_else(|| format!("an unknown {what}"));
    let compiler = known(said("rustc", "--version"), "compiler");
    let library = known(said("getconf", "GNU_LIBC_VERSION"), "C library");
    format!("{compiler}; {library}; {INSTRUCTIONS}")
}

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, String> {
        let path = env::temp_dir().join(format!("dualtape-instructions-{}", std::process::id()));
        fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Runs the cases under valgrind. Returns the count of each.
fn counts() -> Result<Vec<(String, u64)>, String> {
    let folder = Folder::new()?;
    let program = env::current_exe().map_err(|error| format!("cannot find this program: {error}"))?;
    let output = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            "--zero-before=instructions::begin*",
            "--dump-after=instructions::counted*",
        ])
        .arg(format!("--callgrind-out-file={}", folder.0.join("counts").display()))
        .arg(program)
        .arg("--cases")
        .env("DUALTAPE_INSTRUCTIONS", INSTRUCTIONS)
        .output()
        .map_err(|error| format!("cannot start valgrind: {error}"))?;
    if !output.status.success() {
        return Err(format!("valgrind failed:\n{}", String::from_utf8_lossy(&output.stderr)));
    }
    let names = String::from_utf8_lossy(&output.stdout);
    let names = names.lines().enumerate();
    names
        .map(|(index, name)| Ok((name.to_owned(), total(&folder.0.join(format!("counts.{}", index + 1)))?)))
        .collect()
}

/// The total in a file written by callgrind.
fn total(file: &Path) -> Result<u64, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let sum = text.lines().find_map(|line| line.strip_prefix("totals: "));
    sum.and_then(|sum| sum.trim().parse().ok())
        .ok_or_else(|| format!("{}: there are no totals", file.display()))
}

/// Runs each case once as a warm-up, and once to be counted; prints its name.
fn run_cases() {
    // Waiting for a task in another thread would be a loop, which would be counted as well.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread();
    pool.build_global().expect("the pool does not exist yet");
    for (name, make) in cases::all() {
        let mut run = make();
        run();
        begin();
        counted(&mut *run);
        println!("{name}");
    }
}

/// Marks the beginning of a count; valgrind finds it by its name.
#[inline(never)]
fn begin() {
    black_box(());
}

/// Marks the end of a count.
#[inline(never)]
fn counted(run: &mut dyn FnMut()) {
    run();
    // The following code keeps the call from becoming a jump, since callgrind would then not see the end of this function.
    black_box(());
}
