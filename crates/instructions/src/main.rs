//! Counts the instructions of small derivatives, and holds them to a record.
//!
//! Times of a shared machine move by tens of per cent; instructions hardly move at all, so that a change which costs a few
//! per cent is seen. They say nothing of caches and branches: times are those of `dualtape-bench`.
//!
//! Valgrind's callgrind counts, in one run of this program for all cases: it begins at zero whenever [`begin`] is called, and
//! writes a file whenever a call of [`counted`] ends. Of one function, it takes one such wish only.
//!
//! A new case may move others by some per cent: how often a function is used is part of whether the compiler inlines it. So cases
//! are added with the record written anew, and core is not changed in the same commit.

mod cases;

use dualtape_instructions::{PERCENT, Record};
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};

const USAGE: &str = "\
usage: cargo run --profile counted -p dualtape-instructions [-- OPTION]

Counts the instructions of small cases, by valgrind, and compares them with the record: crates/instructions/record.csv.

  (nothing)   compares; ends with 1 if a count is not within 3 % of the record
  --update    writes the record anew
  --cases     runs the cases, without counting: this is what valgrind runs
  --help      says this

Counts depend on the compiler and the C library: with others than those recorded, differences are told, and do not fail.
They are those of optimised code in AVX2, so on processors without it nothing is counted.";

/// In which instructions lanes run. Valgrind knows no wider ones, so this holds everywhere.
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

/// Whether lanes will run in the instructions that are recorded, and the code is optimised; says so if not.
fn can_count() -> bool {
    if cfg!(debug_assertions) {
        println!(
            "Nothing is counted: this program was built without optimisation. Build it with --profile counted."
        );
    } else if !has_avx2() {
        println!("Nothing is counted: the record is of AVX2, which this processor has not.");
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

/// Says where the counts have moved.
fn compare(recorded: &Record, now: &Record) -> ExitCode {
    let differences = recorded.differences(now);
    if differences.is_empty() {
        println!("All {} cases are within {PERCENT} % of the record.", now.counts.len());
        return ExitCode::SUCCESS;
    }
    println!("\nNot within {PERCENT} % of the record:");
    differences.iter().for_each(|line| println!("  {line}"));
    if recorded.with != now.with {
        println!("The record was made with {}, this with {}: nothing follows.", recorded.with, now.with);
        return ExitCode::SUCCESS;
    }
    println!(
        "If this is meant, or better than before, write the record anew and commit it:\n  \
         cargo run --profile counted -p dualtape-instructions -- --update"
    );
    ExitCode::FAILURE
}

/// What counts depend on besides our code. Valgrind shows the same processor everywhere.
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

/// A folder that is gone in the end.
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

/// Runs the cases below valgrind. Returns what each took.
fn counts() -> Result<Vec<(String, u64)>, String> {
    let folder = Folder::new()?;
    let program = env::current_exe().map_err(|error| format!("where this program is: {error}"))?;
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
        .map_err(|error| format!("valgrind does not start: {error}"))?;
    if !output.status.success() {
        return Err(format!("valgrind failed:\n{}", String::from_utf8_lossy(&output.stderr)));
    }
    let names = String::from_utf8_lossy(&output.stdout);
    let names = names.lines().enumerate();
    names
        .map(|(index, name)| Ok((name.to_owned(), total(&folder.0.join(format!("counts.{}", index + 1)))?)))
        .collect()
}

/// The sum in a file of callgrind's.
fn total(file: &Path) -> Result<u64, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let sum = text.lines().find_map(|line| line.strip_prefix("totals: "));
    sum.and_then(|sum| sum.trim().parse().ok()).ok_or_else(|| format!("{}: has no totals", file.display()))
}

/// Runs each case once to warm up, and once to be counted; prints its name.
fn run_cases() {
    // A task handed to another thread would be waited for in a loop, which is counted as well.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread();
    pool.build_global().expect("the pool is not there yet");
    for (name, make) in cases::all() {
        let mut run = make();
        run();
        begin();
        counted(&mut *run);
        println!("{name}");
    }
}

/// Where a count begins; valgrind finds it by its name.
#[inline(never)]
fn begin() {
    black_box(());
}

/// Where a count ends.
#[inline(never)]
fn counted(run: &mut dyn FnMut()) {
    run();
    // What follows keeps the call from becoming a jump, after which this function would have no end.
    black_box(());
}
