//! `dualtape compare`: several runs in one table and one picture.

use crate::failure::Failure;
use crate::output::{check_picture, draw, reading, say};
use crate::summary::Summary;
use crate::{run_folder, table};
use clap::Args;
use dualtape_nn::{Metrics, Record};
use dualtape_plots::{Curves, Figure};
use std::path::PathBuf;

/// Compare runs: a table of their results, and their curves in one picture.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    dualtape compare runs/moons runs/clipped\n  \
    dualtape compare runs/* --output all.png --svg --log-axis")]
pub(crate) struct CompareOptions {
    /// The folders of the runs
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,

    /// File for the picture, ending in .png or .svg
    #[arg(long, value_name = "FILE", default_value = "compare.png")]
    output: PathBuf,

    /// Also write the picture as SVG
    #[arg(long)]
    svg: bool,

    /// Draw losses on a logarithmic axis
    #[arg(long)]
    log_axis: bool,

    /// Replace the picture if it exists
    #[arg(long)]
    overwrite: bool,
}

struct Run {
    name: String,
    history: Vec<Record>,
}

pub(crate) fn run(options: &CompareOptions) -> Result<(), Failure> {
    check_picture(&options.output, options.svg, options.overwrite)?;
    let read = |folder: &PathBuf| -> Result<Run, Failure> {
        // If there is a report, the table belongs to the same finished run.
        Summary::read(folder)?;
        Ok(Run { name: folder.display().to_string(), history: table::read(&run_folder::metrics(folder))? })
    };
    let runs = options.runs.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let figure = figure(&runs, options.log_axis);
    let written = draw(&figure, &options.output, options.svg)?;
    print_table(&runs);
    let names: Vec<_> = written.iter().map(|path| path.display().to_string()).collect();
    say(format_args!("\nwrote {}", names.join(" and ")));
    Ok(())
}

/// The epoch with the lowest validation loss.
fn best(history: &[Record]) -> Option<&Record> {
    let known = history.iter().filter(|record| !record.validation.loss.is_nan());
    known.min_by(|a, b| a.validation.loss.total_cmp(&b.validation.loss))
}

fn print_table(runs: &[Run]) {
    let header = ["run", "epochs", "best epoch", "loss", "accuracy", "mean abs. error", "R²", "seconds"];
    let mut rows = vec![header.map(str::to_owned)];
    for run in runs {
        let best = best(&run.history);
        let number = |of: fn(&Metrics) -> Option<f64>, write: fn(f64) -> String| {
            best.and_then(|record| of(&record.validation)).map_or("-".to_owned(), write)
        };
        rows.push([
            run.name.clone(),
            run.history.len().to_string(),
            best.map_or("-".to_owned(), |record| record.epoch.to_string()),
            number(|metrics| Some(metrics.loss), reading),
            number(|metrics| metrics.accuracy, |share| format!("{:.1} %", share * 100.0)),
            number(|metrics| metrics.mean_absolute_error, reading),
            number(|metrics| metrics.r_squared, |share| format!("{share:.4}")),
            run.history.last().map_or("-".to_owned(), |last| format!("{:.1}", last.elapsed.as_secs_f64())),
        ]);
    }
    // Columns that are empty for every run are left out.
    let shown: Vec<usize> =
        (0..header.len()).filter(|&i| rows[1..].iter().any(|row| row[i] != "-")).collect();
    let width = |i: usize| rows.iter().map(|row| row[i].chars().count()).max().unwrap_or(0);
    say("validation, at the best epoch of each run:");
    for row in &rows {
        let cells = shown.iter().map(|&i| match i {
            0 => format!("{:<1$}", row[i], width(i)),
            _ => format!("{:>1$}", row[i], width(i)),
        });
        say(cells.collect::<Vec<_>>().join("  "));
    }
}

fn figure(runs: &[Run], log_axis: bool) -> Figure {
    let panel = |title: &str, label: &str, number: fn(&Record) -> Option<f64>| {
        // Every panel contains all runs, so that a run has the same colour in all panels; a run without the number
        // has no points.
        let points = |run: &Run| -> Vec<(f64, f64)> {
            run.history.iter().filter_map(|record| Some((record.epoch as f64, number(record)?))).collect()
        };
        let add = |curves: Curves, run: &Run| curves.curve(&run.name, points(run));
        let is_measured = runs.iter().any(|run| !points(run).is_empty());
        is_measured.then(|| runs.iter().fold(Curves::new(title, "epoch", label), add))
    };
    let losses = panel("validation loss", "loss", |record| Some(record.validation.loss));
    let panels = [
        losses.map(|losses| losses.log_axis(log_axis).mark_lowest(true)),
        panel("validation accuracy", "right answers", |record| record.validation.accuracy)
            .map(|curves| curves.percent(true)),
        panel("mean absolute error", "in units of the target", |record| {
            record.validation.mean_absolute_error
        }),
        panel("gradient norm", "before clipping", |record| Some(record.gradient_norm)),
    ];
    panels.into_iter().flatten().fold(Figure::new(&format!("{} runs", runs.len())), Figure::with)
}
