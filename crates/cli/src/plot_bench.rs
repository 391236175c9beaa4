//! `dualtape plot-bench`: draws measurements as bars.

use crate::failure::Failure;
use crate::output::{check_picture, draw, say};
use clap::Args;
use dualtape_nn::Error;
use dualtape_plots::{Bar, Benchmarks, Figure, Picture};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Draw measurements as bars with whiskers.
///
/// Each line of the file is a JSON object with "workload", "size", "mode" and "nanoseconds", and, where known, the ends of
/// the whisker, "low" and "high". A first line about the "machine" is ignored. Such files are written by `ratios
/// --json` of dualtape-bench.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    dualtape plot-bench ratios.jsonl --log-axis\n\n\
    with lines such as\n  \
    {\"workload\":\"rosenbrock\",\"size\":100,\"mode\":\"reverse\",\"nanoseconds\":3200,\"low\":3150,\"high\":3290}")]
pub(crate) struct PlotBenchOptions {
    /// The file of measurements
    file: PathBuf,

    /// File for the picture, ending in .png or .svg [default: the name of the measurements' file, with .png]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Also write the picture as SVG
    #[arg(long)]
    svg: bool,

    /// Draw times on a logarithmic axis
    #[arg(long)]
    log_axis: bool,

    /// Replace the picture if it exists
    #[arg(long)]
    overwrite: bool,
}

struct Measurement {
    workload: String,
    size: String,
    mode: String,
    nanoseconds: f64,
    low: Option<f64>,
    high: Option<f64>,
}

impl Measurement {
    /// Parses a line. The error says what is wrong with it.
    fn parse(line: &str) -> Result<Self, String> {
        let object: Value = serde_json::from_str(line).map_err(|_| "it is not a JSON object".to_owned())?;
        let number = |name: &str| object.get(name).and_then(Value::as_f64);
        let text = |name: &str| match object.get(name) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(Value::Number(number)) if name == "size" => Ok(number.to_string()),
            Some(other) => Err(format!("\"{name}\" is {other}")),
            None => Err(format!("it has no \"{name}\"")),
        };
        let missing = || match object.get("nanoseconds") {
            Some(other) => format!("\"nanoseconds\" is {other}"),
            None => "it has no \"nanoseconds\"".to_owned(),
        };
        Ok(Self {
            workload: text("workload")?,
            size: text("size")?,
            mode: text("mode")?,
            nanoseconds: number("nanoseconds").ok_or_else(missing)?,
            low: number("low"),
            high: number("high"),
        })
    }
}

pub(crate) fn run(options: &PlotBenchOptions) -> Result<(), Failure> {
    let output = options.output.clone().unwrap_or_else(|| options.file.with_extension("png"));
    check_picture(&output, options.svg, options.overwrite)?;
    let measurements = read(&options.file)?;
    // Every panel contains all modes, so that a mode has the same colour in all panels.
    let modes = in_order(measurements.iter().map(|m| m.mode.clone()));
    let workloads = in_order(measurements.iter().map(|m| m.workload.clone()));
    let panel = |workload: &String| {
        let own: Vec<_> = measurements.iter().filter(|m| m.workload == *workload).collect();
        bars(workload, &own, &modes).log_axis(options.log_axis)
    };
    let picture: Box<dyn Picture> = match &workloads[..] {
        [single] => Box::new(panel(single)),
        several => Box::new(several.iter().map(panel).fold(Figure::new("benchmarks"), Figure::with)),
    };
    let written = draw(&*picture, &output, options.svg)?;
    let names: Vec<_> = written.iter().map(|path| path.display().to_string()).collect();
    say(format_args!(
        "{} measurements of {} workloads; wrote {}",
        measurements.len(),
        workloads.len(),
        names.join(" and ")
    ));
    Ok(())
}

fn read(path: &Path) -> Result<Vec<Measurement>, Failure> {
    let text = std::fs::read_to_string(path).map_err(|source| Failure::read(path, source))?;
    let wrong = |problem| Failure::from(Error::Data { origin: path.display().to_string(), problem });
    let about = |(i, line): &(usize, &str)| {
        *i == 0 && serde_json::from_str::<Value>(line).is_ok_and(|about| about.get("machine").is_some())
    };
    let lines = text.lines().enumerate().filter(|line| !line.1.trim().is_empty() && !about(line));
    let measurement = |(i, line): (usize, &str)| {
        Measurement::parse(line).map_err(|problem| {
            let expected = r#"expected {"workload":..., "size":..., "mode":..., "nanoseconds":...}"#;
            wrong(format!("line {}: {problem}; {expected}", i + 1))
        })
    };
    let all = lines.map(measurement).collect::<Result<Vec<_>, _>>()?;
    if all.is_empty() {
        return Err(wrong("there is no measurement; expected a JSON object in each line".to_owned()));
    }
    Ok(all)
}

/// The distinct items, in the order of their first occurrence.
fn in_order<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut each = Vec::new();
    for one in all {
        if !each.contains(&one) {
            each.push(one);
        }
    }
    each
}

/// The bars of one workload: a group for each size, a bar for each mode.
fn bars(workload: &str, own: &[&Measurement], modes: &[String]) -> Benchmarks {
    let sizes = in_order(own.iter().map(|m| m.size.clone()));
    let longest = own.iter().map(|m| m.nanoseconds).filter(|time| time.is_finite()).fold(0.0, f64::max);
    let (unit, name) = match longest {
        time if time < 1e4 => (1.0, "ns"),
        time if time < 1e7 => (1e3, "µs"),
        time if time < 1e10 => (1e6, "ms"),
        _ => (1e9, "s"),
    };
    let bar = |size: &String, mode: &String| {
        let Some(m) = own.iter().find(|m| m.size == *size && m.mode == *mode) else {
            return Bar::exact(f64::NAN);
        };
        let end = |end: Option<f64>| end.unwrap_or(m.nanoseconds) / unit;
        Bar::new(m.nanoseconds / unit, end(m.low), end(m.high))
    };
    let picture = Benchmarks::new(workload, &format!("time in {name}"), modes.iter());
    sizes
        .iter()
        .fold(picture, |picture, size| picture.workload(size, modes.iter().map(|mode| bar(size, mode))))
}
