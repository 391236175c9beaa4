//! `dualtape report`: a run in a single, self-contained HTML file.

use crate::failure::Failure;
use crate::output::{check_free, check_not_read, reading, say};
use crate::run_folder;
use crate::scores::Scores;
use crate::summary::Summary;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use dualtape_nn::files;
use maud::{DOCTYPE, Markup, html};
use std::path::{Path, PathBuf};

/// Write a report of a run as one HTML file, with its scores, tables and pictures.
///
/// The file is self-contained and runs no scripts: send it to somebody, or open it from the disk.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    dualtape report runs/iris\n  \
    dualtape report runs/iris --output iris.html")]
pub(crate) struct ReportOptions {
    /// The folder of a finished run
    run: PathBuf,

    /// File for the report [default: report.html in the folder of the run]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Replace the report if it exists
    #[arg(long)]
    overwrite: bool,
}

pub(crate) fn run(options: &ReportOptions) -> Result<(), Failure> {
    let path = options.output.clone().unwrap_or_else(|| run_folder::page(&options.run));
    check_free(&path, options.overwrite)?;
    run_folder::files(&options.run).iter().try_for_each(|file| check_not_read(&path, file))?;
    let summary = Summary::read(&options.run)?;
    let page = page(&summary, &options.run)?;
    files::replace(&path, page.into_string().as_bytes())?;
    say(format_args!("wrote {}", path.display()));
    Ok(())
}

/// Follows the reader's light or dark mode, and is legible on paper.
const STYLE: &str = "\
    :root { color-scheme: light dark; } \
    body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; } \
    h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; } \
    table { border-collapse: collapse; } caption { text-align: left; opacity: 0.8; } \
    th, td { padding: 0.2rem 0.8rem; text-align: right; border-bottom: 1px solid #8886; } \
    th:first-child, td:first-child { text-align: left; } \
    .warning { border-left: 4px solid #d08700; padding-left: 0.8rem; } \
    .figure { font-size: 1.3rem; margin-right: 2rem; } \
    figure { margin: 1.5rem 0; } img { max-width: 100%; height: auto; background: white; } \
    pre { overflow-x: auto; padding: 0.8rem; border: 1px solid #8886; }";

fn page(summary: &Summary, folder: &Path) -> Result<Markup, Failure> {
    let pictures = summary.pictures.iter().filter(|name| name.ends_with(".png"));
    let pictures = pictures.map(|name| picture(&folder.join(name))).collect::<Result<Vec<_>, _>>()?;
    let path = run_folder::options(folder);
    let options = std::fs::read_to_string(&path).map_err(|source| Failure::read(&path, source))?;
    let layers: Vec<String> = summary.layers.iter().map(ToString::to_string).collect();
    Ok(html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (summary.data) " – dualtape" }
                style { (STYLE) }
            }
            body {
                h1 { (summary.data) }
                p {
                    "A network of sizes " (layers.join("-")) ", " (summary.parameters) " parameters, trained on "
                    (summary.training.samples) " samples for " (summary.epochs) " epochs"
                    @if summary.stopped_early { ", and stopped early" }
                    @match summary.kept_epoch {
                        Some(epoch) => { ". The parameters of epoch " (epoch) " are kept." }
                        None => { ". A step then failed, and the parameters before it are kept." }
                    }
                }
                (headline(summary))
                @for warning in &summary.warnings { p.warning { "Warning: " (warning) } }
                (scores_table(summary))
                (classes(&summary.validation, "Validation, by class"))
                @if let Some(test) = &summary.test { (classes(test, "Test, by class")) }
                (folds(&summary.folds))
                (importance(summary))
                @if let Some(privacy) = &summary.privacy {
                    h2 { "Privacy" }
                    p { (privacy.in_words()) }
                    @for (what, lines) in privacy.lists() {
                        p { (what) }
                        ul { @for line in lines { li { (line) } } }
                    }
                }
                h2 { "Pictures" }
                @for picture in &pictures { (picture) }
                h2 { "Options" }
                pre { (options) }
                @if !summary.notes.is_empty() {
                    h2 { "How the data were read" }
                    ul { @for note in &summary.notes { li { (note) } } }
                }
                p { "Written by dualtape " (summary.format.dualtape) "." }
            }
        }
    })
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// The main scores.
fn headline(summary: &Summary) -> Markup {
    let parts = [("validation", Some(&summary.validation)), ("test", summary.test.as_ref())];
    let figure = |scores: &Scores| match scores.main() {
        Some(("accuracy", accuracy)) => format!("accuracy {}", percent(accuracy)),
        Some((name, value)) => format!("{name} {value:.4}"),
        None => String::new(),
    };
    html! {
        p {
            @for (name, scores) in parts {
                @if let Some(scores) = scores { span.figure { (name) ": " strong { (figure(scores)) } } }
            }
        }
    }
}

/// A table with a column for each part of the data and a row for each score.
fn scores_table(summary: &Summary) -> Markup {
    let mut parts = vec![("training", &summary.training), ("validation", &summary.validation)];
    parts.extend(summary.test.as_ref().map(|test| ("test", test)));
    let all: Vec<_> = parts.iter().map(|(_, scores)| scores.figures()).collect();
    // A score that is not finite is in no report, so a part may lack one that another has.
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in all.iter().flatten() {
        if !names.contains(name) {
            names.push(name);
        }
    }
    let figure = |figures: &[(&str, String)], name: &str| {
        figures.iter().find(|(own, _)| *own == name).map_or("–".to_owned(), |(_, text)| text.clone())
    };
    html! {
        h2 { "Figures" }
        table {
            tr { th { } @for (name, _) in &parts { th { (name) } } }
            @for name in names {
                tr { td { (name) } @for figures in &all { td { (figure(figures, name)) } } }
            }
        }
    }
}

fn classes(scores: &Scores, caption: &str) -> Markup {
    let share = |share: Option<f64>| share.map_or("–".to_owned(), percent);
    html! {
        @if !scores.classes.is_empty() {
            h2 { (caption) }
            table {
                tr { th { "class" } th { "samples" } th { "precision" } th { "recall" } th { "F1" } }
                @for class in &scores.classes {
                    tr {
                        td { (class.class) } td { (class.samples) } td { (share(class.precision)) }
                        td { (share(class.recall)) } td { (share(class.f1)) }
                    }
                }
            }
        }
    }
}

fn folds(folds: &[Scores]) -> Markup {
    html! {
        @if let Some(line) = crate::cross_validation::in_words(folds) {
            h2 { "Cross-validation" }
            p { (line) }
            table {
                tr { th { "fold" } th { "samples" } th { (folds[0].main().map_or("", |(name, _)| name)) } }
                @for (i, fold) in folds.iter().enumerate() {
                    tr {
                        td { (i + 1) } td { (fold.samples) }
                        td { (fold.main().map_or(String::new(), |(_, value)| format!("{value:.4}"))) }
                    }
                }
            }
        }
    }
}

fn importance(summary: &Summary) -> Markup {
    let what = summary.validation.main().map_or("", |(name, _)| name);
    let number = |number: Option<f64>| number.map_or("–".to_owned(), reading);
    html! {
        @if !summary.importance.is_empty() {
            h2 { "Importance of columns" }
            table {
                caption { "Drop in validation " (what) " when a column is shuffled" }
                tr { th { "column" } th { "loss" } th { "standard deviation" } }
                @for one in &summary.importance {
                    tr { td { (one.column) } td { (number(one.mean)) } td { (number(one.deviation)) } }
                }
            }
        }
    }
}

/// A picture embedded in the page.
fn picture(path: &Path) -> Result<Markup, Failure> {
    let bytes = std::fs::read(path).map_err(|source| Failure::read(path, source))?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let address = format!("data:image/png;base64,{}", STANDARD.encode(bytes));
    Ok(html! { figure { img src=(address) alt=(name); } })
}
