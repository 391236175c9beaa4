//! `dualtape graph`: draws an expression or a small model with values and gradients, or writes it as code.

mod svg;

use crate::expression::{Expression, constant};
use crate::failure::Failure;
use crate::output::{check_free, print, say};
use crate::parsers;
use clap::{Args, ValueEnum};
use dualtape::codegen::Source;
use dualtape::program::Graph;
use dualtape::{Differentiable, Program, Traced};
use dualtape_nn::data::Standardizer;
use dualtape_nn::{Activation, Mlp, SavedModel, files};
use layout::gv::{DotParser, GraphBuilder};
use std::path::{Path, PathBuf};

/// Draw an expression, or a small model, as a graph that shows the name, the data and the gradient of every value; or
/// write it as Rust or C code that computes value and gradient.
///
/// Without --output, the drawing is printed in Graphviz's DOT language, or, with --code, the code is printed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    dualtape graph \"(c - a*x)**2 + sin(a)\" a=2 x=-3 c=10 --output graph.svg\n  \
    dualtape graph \"max(x, 0)\" x=0\n  \
    dualtape graph --model 2,2,1 --activation relu x1=1 x2=-1 --output model.svg --output model.dot\n  \
    dualtape graph \"r * sin(phi)\" --code rust\n  \
    dualtape graph \"r * sin(phi)\" --output height.c --output height.h\n\n\
    Put '--' before an expression that begins with a minus sign. Expressions may use + - * / %, ** or ^ for powers, brackets, pi, e, and the functions of dualtape's rule table, \
    such as sin, exp, ln, sqrt, tanh, sigmoid, relu, erf, atan2, min and max.")]
pub(crate) struct GraphOptions {
    /// An expression (not with --model), then values as NAME=NUMBER; a variable without a value is 1
    #[arg(value_name = "EXPRESSION | NAME=NUMBER")]
    given: Vec<String>,

    /// Draw a network, given by its layer sizes separated by commas, by a model file or by the folder of a run
    ///
    /// A trained network takes its inputs in the units of the data, and a regression has its outputs in them, as in 'dualtape
    /// predict'. The outputs of a classifier are the scores from which 'predict' computes probabilities.
    #[arg(long, value_name = "SIZES | RUN")]
    model: Option<String>,

    /// The activation function of hidden neurons
    #[arg(long, value_name = "NAME", default_value = "tanh", value_parser = parsers::expected::<Activation>)]
    activation: Activation,

    /// Seed of the model's initial weights
    #[arg(long, value_name = "N", default_value_t = 1, allow_negative_numbers = true, value_parser = parsers::seed)]
    seed: u64,

    /// Print code instead of a drawing
    #[arg(long, value_name = "LANGUAGE", conflicts_with = "output")]
    code: Option<Language>,

    /// Write a drawing to a file ending in .dot or .svg, or code to a file ending in .rs, .c or .h; may be given
    /// several times
    #[arg(long, value_name = "FILE")]
    output: Vec<PathBuf>,

    /// Replace the output if it exists
    #[arg(long)]
    overwrite: bool,
}

/// A language for code.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Language {
    Rust,
    C,
}

/// A recorded function, with the names and values of its inputs.
struct Recorded {
    graph: Graph<f64>,
    names: Vec<String>,
    values: Vec<f64>,
}

pub(crate) fn run(options: &GraphOptions) -> Result<(), Failure> {
    let known = |path: &&PathBuf| ["dot", "svg", "rs", "c", "h"].contains(&extension(path).as_str());
    if let Some(path) = options.output.iter().find(|path| !known(path)) {
        let path = path.display();
        let expected = "a drawing ending in .dot or .svg, or code ending in .rs, .c or .h";
        return Err(Failure::Usage(format!("--output is {path}; expected {expected}")));
    }
    options.output.iter().try_for_each(|path| check_free(path, options.overwrite))?;
    let recorded = match &options.model {
        Some(model) => of_model(model, options)?,
        None => of_expression(options)?,
    };
    if let Some(language) = options.code {
        let extension = match language {
            Language::Rust => "rs",
            Language::C => "c",
        };
        return print(&recorded.text(extension)?);
    }
    if options.output.is_empty() {
        return print(&recorded.text("dot")?);
    }
    // All texts are made first, so that nothing is written if one of them cannot be made.
    let texts: Vec<String> =
        options.output.iter().map(|path| recorded.text(&extension(path))).collect::<Result<_, _>>()?;
    for (path, text) in options.output.iter().zip(texts) {
        files::replace(path, text.as_bytes())?;
        say(format_args!("wrote {}", path.display()));
    }
    Ok(())
}

impl Recorded {
    /// The function in the format of files with this extension.
    fn text(&self, extension: &str) -> Result<String, Failure> {
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        if let "dot" | "svg" = extension {
            let dot = self.graph.dot(&names, &self.values)?;
            return if extension == "svg" { svg(&dot) } else { Ok(dot) };
        }
        let program = Program::from(self.graph.clone());
        let source = Source::new(&program).inputs(&names);
        Ok(match extension {
            "rs" => source.rust()?,
            "c" => source.c()?,
            _ => source.c_header()?,
        })
    }
}

fn extension(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().into_owned()
}

/// Values by name, as in `x=2`; a name without a value gets 1.
fn assignments(given: &[String], names: &[String]) -> Result<Vec<f64>, Failure> {
    let mut values = vec![None; names.len()];
    for text in given {
        // The name of a category's feature has an equals sign itself, as in color=red.
        let (name, number) = text.rsplit_once('=').unwrap_or((text, ""));
        let name = name.trim();
        let Some(place) = names.iter().position(|known| known == name) else {
            return Err(Failure::Usage(format!("'{text}' {}", without_input(name, names))));
        };
        let number = number.trim().parse().ok().filter(|number: &f64| number.is_finite());
        let number =
            number.ok_or_else(|| Failure::Usage(format!("'{text}': expected a finite number after =")))?;
        if let Some(first) = values[place].replace(number) {
            return Err(Failure::Usage(format!(
                "'{text}' gives {name} a second value, after {first}; expected one value for each name"
            )));
        }
    }
    Ok(values.into_iter().map(|value| value.unwrap_or(1.0)).collect())
}

/// The error for a value whose name is not an input.
fn without_input(name: &str, names: &[String]) -> String {
    let problem = match constant(name) {
        Some(_) => format!("gives a value to the constant {name}"),
        None => "does not give a value to an input".to_owned(),
    };
    match names {
        [] => format!("{problem}; expected no values, since there are no names to give them to"),
        names => format!("{problem}; expected NAME=NUMBER, with a name among {}", names.join(", ")),
    }
}

fn of_expression(options: &GraphOptions) -> Result<Recorded, Failure> {
    let Some((text, given)) = options.given.split_first() else {
        let problem =
            "there is nothing to draw; expected an expression, or --model; see 'dualtape graph --help'";
        return Err(Failure::Usage(problem.to_owned()));
    };
    let expression = Expression::parse(text)?;
    let names = expression.variables.clone();
    let values = assignments(given, &names)?;
    // Evaluated with plain numbers first, to find errors such as wrong limits.
    expression.evaluate(&values)?;
    let traced = |x: &[Traced<f64>]| expression.evaluate(x).into_iter().collect::<Vec<_>>();
    let graph = Graph::record(traced, &values)?;
    Ok(Recorded { graph, names, values })
}

/// The most parameters of a model that is drawn. The number of nodes is limited as well, later.
const MOST_PARAMETERS: usize = 500;

fn of_model(model: &str, options: &GraphOptions) -> Result<Recorded, Failure> {
    let Opened { model, parameters, inputs, input_scale, target_scale } = open_model(model, options)?;
    if model.parameter_count() > MOST_PARAMETERS {
        let count = model.parameter_count();
        return Err(Failure::Failed(format!(
            "the model has {count} parameters; expected at most {MOST_PARAMETERS} for a drawing"
        )));
    }
    let values = assignments(&options.given, &inputs)?;
    let mut names = Vec::new();
    for (number, layer) in model.layers().iter().enumerate().map(|(i, layer)| (i + 1, layer)) {
        for output in 1..=layer.outputs {
            names.extend((1..=layer.inputs).map(|input| format!("w{number}.{output}.{input}")));
        }
        names.extend((1..=layer.outputs).map(|output| format!("b{number}.{output}")));
    }
    names.extend(inputs);
    // The same operations as those of `SavedModel::predict`, so that graph and code have the same bits.
    let outputs = |p: &[Traced<f64>], x: &[Traced<f64>]| {
        let input_scale = columns(input_scale.as_ref(), x.len());
        let x: Vec<Traced<f64>> =
            x.iter().zip(input_scale).map(|(&x, scale)| standardised(x, scale)).collect();
        let outputs = model.forward(p, &x);
        let target_scale = columns(target_scale.as_ref(), outputs.len());
        outputs.into_iter().zip(target_scale).map(|(y, scale)| in_units(y, scale)).collect::<Vec<_>>()
    };
    let graph = Graph::record_with_data(outputs, &parameters, &values)?;
    Ok(Recorded { graph, names, values: parameters.into_iter().chain(values).collect() })
}

/// The mean and the deviation of each column, if the columns were standardised.
fn columns(scale: Option<&Standardizer>, width: usize) -> Vec<Option<(f64, f64)>> {
    match scale {
        Some(scale) => {
            scale.means().iter().copied().zip(scale.deviations().iter().copied()).map(Some).collect()
        }
        None => vec![None; width],
    }
}

fn standardised(x: Traced<f64>, scale: Option<(f64, f64)>) -> Traced<f64> {
    match scale {
        Some((mean, deviation)) => (x - Traced::constant(mean)) / Traced::constant(deviation),
        None => x,
    }
}

fn in_units(x: Traced<f64>, scale: Option<(f64, f64)>) -> Traced<f64> {
    match scale {
        Some((mean, deviation)) => x * Traced::constant(deviation) + Traced::constant(mean),
        None => x,
    }
}

/// A model with its parameters, the names of its inputs, and how inputs and targets were standardised.
struct Opened {
    model: Mlp,
    parameters: Vec<f64>,
    inputs: Vec<String>,
    input_scale: Option<Standardizer>,
    target_scale: Option<Standardizer>,
}

fn open_model(given: &str, options: &GraphOptions) -> Result<Opened, Failure> {
    let path = Path::new(given);
    if path.exists() {
        let file = if path.is_dir() { crate::run_folder::model(path) } else { path.to_owned() };
        let SavedModel { model, parameters, features: inputs, input_scale, target_scale, .. } =
            SavedModel::load(file)?;
        return Ok(Opened { model, parameters, inputs, input_scale, target_scale });
    }
    let sizes: Option<Vec<usize>> = given.split(',').map(|size| size.trim().parse().ok()).collect();
    let Some(sizes) = sizes else {
        return Err(Failure::Usage(format!(
            "--model is {given}; expected sizes such as 2,3,1, or the folder of a run"
        )));
    };
    let model = Mlp::new(&sizes, options.activation)?;
    let (input_scale, target_scale) = (None, None);
    if model.parameter_count() > MOST_PARAMETERS {
        let (parameters, inputs) = (Vec::new(), Vec::new());
        return Ok(Opened { model, parameters, inputs, input_scale, target_scale });
    }
    let inputs = (1..=model.inputs()).map(|i| format!("x{i}")).collect();
    let parameters = model.initialize(options.seed);
    Ok(Opened { model, parameters, inputs, input_scale, target_scale })
}

/// Lays out the drawing.
fn svg(dot: &str) -> Result<String, Failure> {
    let graph = DotParser::new(dot).process();
    let graph =
        graph.map_err(|problem| Failure::Failed(format!("the graph cannot be laid out: {problem}")))?;
    let mut builder = GraphBuilder::new();
    builder.visit_graph(&graph);
    let mut drawing = svg::Drawing::default();
    builder.get().do_it(false, false, false, &mut drawing);
    Ok(drawing.finish())
}
