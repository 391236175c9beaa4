//! Runs a function as often as the harness requires, and measures the time of each run.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;
use std::time::{Duration, Instant};

/// Why there is no output; reported to the harness.
#[derive(Debug)]
pub(super) struct Failure(pub(super) String);

impl Failure {
    /// The module has no such function.
    pub(super) fn function(given: &str, known: &str) -> Self {
        Self(format!("there is no function '{given}' here, only {known}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<dualtape::Error> for Failure {
    fn from(error: dualtape::Error) -> Self {
        Self(error.to_string())
    }
}

/// The output of a function, and all timings.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) output: Value,
    pub(super) timings: Vec<Timing>,
}

/// One entry of a response's timings.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Timing {
    name: &'static str,
    nanoseconds: u64,
}

impl Timing {
    fn new(name: &'static str, time: Duration) -> Self {
        Self { name, nanoseconds: time.as_nanos().try_into().unwrap_or(u64::MAX) }
    }
}

/// The least number and time of runs; the fields are part of most inputs.
#[derive(Deserialize)]
struct Runs {
    #[serde(default = "once")]
    min_runs: u64,
    #[serde(default)]
    min_seconds: f64,
}

fn once() -> u64 {
    1
}

/// Reads an input.
pub(super) fn parse<'a, T: Deserialize<'a>>(input: &'a Value) -> Result<T, Failure> {
    T::deserialize(input).map_err(|error| Failure(format!("the input cannot be read: {error}")))
}

/// An error unless a part of the input has the size that another part requires.
pub(super) fn check(what: &str, given: usize, expected: usize) -> Result<(), Failure> {
    if given == expected {
        return Ok(());
    }
    Err(Failure(format!("{what}: there are {given}, but the rest of the input needs {expected}")))
}

/// Concatenates rows, each of which must have the given width.
pub(super) fn flatten(what: &str, rows: &[Vec<f64>], width: usize) -> Result<Vec<f64>, Failure> {
    rows.iter().try_for_each(|row| check(what, row.len(), width))?;
    Ok(rows.concat())
}

/// The clock of one request. The time before the first run counts as preparation.
pub(super) struct Clock<'a> {
    input: &'a Value,
    start: Instant,
}

impl<'a> Clock<'a> {
    /// Starts the clock.
    pub(super) fn start(input: &'a Value) -> Self {
        Self { input, start: Instant::now() }
    }

    /// Runs a function that writes its output in place, at least as often and as long as the input requires.
    pub(super) fn run<O: Serialize>(
        self,
        mut output: O,
        mut function: impl FnMut(&mut O) -> Result<(), Failure>,
    ) -> Result<Reply, Failure> {
        let mut timings = vec![Timing::new("prepare", self.start.elapsed())];
        let runs =
            if self.input.is_object() { parse(self.input)? } else { Runs { min_runs: 1, min_seconds: 0.0 } };
        let least = Duration::try_from_secs_f64(runs.min_seconds)
            .map_err(|_| Failure(format!("min_seconds cannot be {}", runs.min_seconds)))?;
        let (mut done, mut total) = (0, Duration::ZERO);
        while done == 0 || done < runs.min_runs || total < least {
            let start = Instant::now();
            function(&mut output)?;
            let time = start.elapsed();
            timings.push(Timing::new("evaluate", time));
            total += time;
            done += 1;
        }
        let output = serde_json::to_value(output).map_err(|error| Failure(error.to_string()))?;
        Ok(Reply { output, timings })
    }
}
