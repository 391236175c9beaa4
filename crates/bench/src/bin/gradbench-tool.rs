//! Speaks GradBench's protocol on standard input and output; see [`dualtape_bench::gradbench`].
//!
//! Usage: `gradbench-tool [--multithreaded]`, started by the harness:
//! `gradbench run --eval "…" --tool target/release/gradbench-tool`.

use dualtape_bench::gradbench;
use std::io;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let threads = match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => 1,
        ["--multithreaded"] => 0,
        _ => {
            eprintln!("usage: gradbench-tool [--multithreaded], with messages on standard input");
            return ExitCode::from(2);
        }
    };
    // This thread belongs to the pool: a task from outside the pool would wake another thread each time.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).use_current_thread().build_global();
    let served = pool
        .map_err(io::Error::other)
        .and_then(|()| gradbench::serve(io::stdin().lock(), io::stdout().lock()));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        // The harness has ended.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
