//! The options of a training, as given on the command line, in an options file, or stored with a run.

use crate::failure::Failure;
use crate::private::Private;
use crate::{parsers, text};
use clap::Args;
use dualtape_nn::data::{Missing, Unknown};
use dualtape_nn::{Activation, Clip, Error, Initializer, Loss, Method, Reduction, Schedule, Unit};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// All options; `None` where an option was not given. In a file, the names are those of the command line without the
/// dashes.
#[derive(Args, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Options {
    /// digits, iris, moons, circles, spirals; a CSV file; or - for standard input
    ///
    /// A file has one sample per line, with its label in the last column. Cells are separated by commas, semicolons, tabs
    /// or bars. The file may be compressed with gzip.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<String>,

    /// Column of the label, by name or by number from 1 [default: the last]
    #[arg(long, value_name = "COLUMN", help_heading = "Data")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) label: Option<String>,

    /// Whether the first line names the columns: yes or no [default: detected from the first lines]
    #[arg(long, value_name = "YES|NO", value_parser = parsers::yes_or_no, help_heading = "Data", hide_short_help = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) header: Option<bool>,

    /// All classes, in order [default: the distinct labels, sorted]
    #[arg(long, value_name = "NAMES", value_delimiter = ',', help_heading = "Data", hide_short_help = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) classes: Option<Vec<String>>,

    /// The label is a number to predict, not a class
    #[arg(long, value_name = "YES|NO", value_parser = parsers::yes_or_no, num_args = 0..=1, require_equals = true, default_missing_value = "true",
          help_heading = "Data")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) regression: Option<bool>,

    /// Missing values: refuse, drop, mean or median [default: refuse]
    ///
    /// 'drop' leaves out rows with a missing value. 'mean' and 'median' fill the gap with the mean or median of the
    /// column in the training part, or, in a column of categories, with the most frequent category. The model stores
    /// these values for predictions. A cell counts as missing if it is empty, NA, N/A, nan, null or ?. A missing
    /// label is never filled in.
    #[arg(long, value_name = "WAY", value_parser = parsers::expected::<Missing>, help_heading = "Data")]
    #[serde(with = "text", skip_serializing_if = "Option::is_none")]
    pub(crate) missing: Option<Missing>,

    /// Columns that hold categories, or 'all' for every column with words
    ///
    /// Each category becomes a feature of 0 or 1.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', help_heading = "Data")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) categories: Option<Vec<String>>,

    /// Columns to leave out, by name or number
    #[arg(long, value_name = "NAMES", value_delimiter = ',', conflicts_with = "only", help_heading = "Data")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) drop: Option<Vec<String>>,

    /// Learn from these columns only, by name or number
    #[arg(long, value_name = "NAMES", value_delimiter = ',', help_heading = "Data", hide_short_help = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) only: Option<Vec<String>>,

    /// What separates cells: comma, semicolon, tab, bar, space, or any single character [default: detected from the
    /// first lines]
    #[arg(long, value_name = "SIGN", value_parser = parsers::expected::<Delimiter>, help_heading = "Data",
          hide_short_help = true)]
    #[serde(with = "text", skip_serializing_if = "Option::is_none")]
    pub(crate) delimiter: Option<Delimiter>,

    /// Encoding of the text, such as utf-8, latin1 or utf-16le [default: from the byte-order mark, or else utf-8 if
    /// valid, or else windows-1252]
    #[arg(long, value_name = "NAME", help_heading = "Data", hide_short_help = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) encoding: Option<String>,

    /// Read at most this many rows
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = parsers::at_least_one, help_heading = "Data", hide_short_help = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_rows: Option<usize>,

    /// A file to score the result on; training never uses it
    #[arg(long, value_name = "FILE", help_heading = "Data")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) test: Option<String>,

    /// How to treat categories that occur only in the test file: refuse, or zero (treat as none of the known ones)
    /// [default: refuse]
    #[arg(long, value_name = "WAY", value_parser = parsers::expected::<Unknown>, help_heading = "Data", hide_short_help = true)]
    #[serde(with = "text", skip_serializing_if = "Option::is_none")]
    pub(crate) unknown: Option<Unknown>,

    /// First cross-validate with this many folds
    #[arg(long, value_name = "K", allow_negative_numbers = true, value_parser = parsers::whole, help_heading = "Data")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) folds: Option<usize>,

    /// Share of the samples kept for validation, between 0 and 1 [default: 0.2]
    #[arg(long, value_name = "X", allow_negative_numbers = true, value_parser = parsers::number, help_heading = "Data", hide_short_help = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) validation: Option<f64>,

    /// Whether to scale features, and the targets of a regression, to mean 0 and standard deviation 1 [default: true]
    #[arg(long, value_name = "BOOL", help_heading = "Data", hide_short_help = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) standardize: Option<bool>,

    /// Sizes of hidden layers, as in 32,16; or none [default: 32, or chosen for the data set]
    #[arg(long, value_name = "SIZES", value_parser = parsers::expected::<Sizes>, help_heading = "Model")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hidden: Option<Sizes>,

    /// tanh, relu, gelu and others [default: tanh, or chosen for the data set]
    ///
    /// The activation function of hidden neurons: identity, tanh, relu, leaky-relu[:SLOPE], elu[:SCALE], gelu,
    /// gelu-tanh, silu, sigmoid or softplus.
    #[arg(long, value_name = "NAME", value_parser = parsers::expected::<Activation>, help_heading = "Model")]
    #[serde(with = "text", skip_serializing_if = "Option::is_none")]
    pub(crate) activation: Option<Activation>,

    /// Initial weights: zeros, uniform:LIMIT, normal:DEVIATION, xavier-uniform, xavier-normal,
    /// kaiming-uniform or kaiming-normal [default: xavier-uniform; kaiming-normal for relu]
    #[arg(long, value_name = "NAME", value_parser = parsers::expected::<Initializer>, help_heading = "Model", hide_short_help = true)]
    #[serde(with = "text", skip_serializing_if = "Option::is_none")]
    pub(crate) initializer: Option<Initializer>,

    /// The loss to minimise: cross-entropy, binary-cross-entropy or hinge for classes; mse, l1 or huber[:DELTA] for a
    /// regression [default: cross-entropy, or mse for a regression]
    #[arg(long, value_name = "NAME", value_parser = parsers::expected::<Loss>, help_heading = "Training", hide_short_help = true)]
    #[serde(with = "text", skip_serializing_if = "Option::is_none")]
    pub(crate) loss: Option<Loss>,

    /// Passes over the training part [default: 20, or chosen for the data set]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = parsers::whole, help_heading = "Training")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) epochs: Option<usize>,

    /// Samples in each step [default: 32]
    #[arg(long, alias = "batch", value_name = "N", allow_negative_numbers = true, value_parser = parsers::whole, help_heading = "Training")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) batch_size: Option<usize>,

    /// Batches whose gradients are added up to make one step [default: 1]
    ///
    /// The result has the same bits as with a batch size K times as large.
    #[arg(long, value_name = "K", allow_negative_numbers = true, value_parser = parsers::whole, help_heading = "Training", hide_short_help = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) accumulate: Option<usize>,

    /// Learning rate [default: 0.05, or chosen for the data set]
    #[arg(long, value_name = "X", allow_negative_numbers = true, value_parser = parsers::number, help_heading = "Training")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rate: Option<f64>,

    /// How the learning rate changes: constant, step:SIZE:GAMMA, exponential:GAMMA, cosine:LENGTH[:MIN],
    /// warmup:LENGTH, one-cycle:MAX:TOTAL, or several joined by + (add @LENGTH to one that has no end)
    /// [default: constant]
    #[arg(long, value_name = "SCHEDULE", value_parser = parsers::expected::<Schedule>, help_heading = "Training", hide_short_help = true)]
    #[serde(with = "text", skip_serializing_if = "Option::is_none")]
    pub(crate) schedule: Option<Schedule>,

    /// The unit in which the schedule counts: epoch or step [default: epoch]
    #[arg(long, value_name = "UNIT", value_parser = parsers::expected::<Unit>, help_heading = "Training", hide_short_help = true)]
    #[serde(with = "text", skip_serializing_if = "Option::is_none")]
    pub(crate) schedule_unit: Option<Unit>,

    /// sgd, adam, adamw or rmsprop [default: sgd:momentum=0.9, or chosen for the data set]
    ///
    /// Parameters follow a colon, as in sgd:momentum=0.9,nesterov or adam:beta1=0.8.
    #[arg(long, value_name = "METHOD", value_parser = parsers::expected::<Method>, help_heading = "Training")]
    #[serde(with = "text", skip_serializing_if = "Option::is_none")]
    pub(crate) optimizer: Option<Method>,

    /// Momentum of sgd and rmsprop, from 0 to less than 1
    #[arg(long, value_name = "X", allow_negative_numbers = true, value_parser = parsers::number, help_heading = "Training", hide_short_help = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) momentum: Option<f64>,

    /// none, value:C, norm:C, per-sample:C and others [default: none]
    ///
    /// Gradient clipping. value:C limits each component, norm:C the norm of the batch's gradient, per-sample:C the norm of
    /// each sample's gradient, and per-layer:C the norm of each layer's part of it. adaptive:QUANTILE:C limits the norm of
    /// each sample's gradient; the limit begins at C and follows a quantile of the samples' norms.
    #[arg(long, value_name = "CLIP", value_parser = parsers::expected::<Clip>, help_heading = "Training")]
    #[serde(with = "text", skip_serializing_if = "Option::is_none")]
    pub(crate) clip: Option<Clip>,

    /// Train with differential privacy, as in epsilon=3,delta=1e-5
    ///
    /// The samples of each step are drawn at random, each sample's gradient is clipped, and noise is added. The noise
    /// is just large enough that all steps together stay within the budget; training stops when the budget is spent.
    /// Optional parts: clip=C (default 1), accountant=rdp (default pld), and repeatable, which draws the noise from
    /// the seed and so protects nobody.
    #[arg(long, value_name = "BUDGET", value_parser = parsers::expected::<Private>, help_heading = "Training")]
    #[serde(with = "text", skip_serializing_if = "Option::is_none")]
    pub(crate) private: Option<Private>,

    /// Standard deviation of the noise for private training, in multiples of the per-sample clipping norm
    /// [default: 0, or with --private, what the budget requires]
    #[arg(long, value_name = "X", allow_negative_numbers = true, value_parser = parsers::number, help_heading = "Training", hide_short_help = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) noise: Option<f64>,

    /// How the losses of a batch are combined: mean or sum [default: mean]
    #[arg(long, value_name = "NAME", value_parser = parsers::expected::<Reduction>, help_heading = "Training", hide_short_help = true)]
    #[serde(with = "text", skip_serializing_if = "Option::is_none")]
    pub(crate) reduction: Option<Reduction>,

    /// Factor of the L1 penalty, the sum of the absolute values of the weights [default: 0]
    #[arg(long, value_name = "X", allow_negative_numbers = true, value_parser = parsers::number, help_heading = "Training", hide_short_help = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) l1: Option<f64>,

    /// Factor of the L2 penalty, the sum of the squares of the weights [default: 0]
    #[arg(long, value_name = "X", allow_negative_numbers = true, value_parser = parsers::number, help_heading = "Training", hide_short_help = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) l2: Option<f64>,

    /// Stop after this many epochs without progress [default: never]
    ///
    /// Progress means a lower validation loss.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = parsers::whole, help_heading = "Training")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) patience: Option<usize>,

    /// Whether to keep the parameters with the best validation loss rather than the last ones [default: true]
    #[arg(long, value_name = "BOOL", help_heading = "Training", hide_short_help = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) keep_best: Option<bool>,

    /// Seed of the random numbers [default: 1]
    ///
    /// It determines generated data, the split, initial weights, the order of samples, and noise. The samples and noise of
    /// --private do not depend on it, unless --private contains 'repeatable'.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = parsers::seed, help_heading = "Training")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<u64>,

    /// Number of worker threads, which does not affect the result; 0 for one per core [default: 0]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = parsers::whole, help_heading = "Training", hide_short_help = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) threads: Option<usize>,

    /// Seconds between checkpoints; 0 for a checkpoint after every step [default: 5]
    #[arg(long, value_name = "X", allow_negative_numbers = true, value_parser = parsers::number, help_heading = "Training", hide_short_help = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) checkpoint_every: Option<f64>,
}

/// Options that may change when a run is resumed.
const FREE: [&str; 7] = ["epochs", "patience", "threads", "checkpoint-every", "test", "unknown", "folds"];

impl Options {
    /// These options; where one is not given, the value from `below`.
    pub(crate) fn over(&self, below: &Self) -> Self {
        let mut all = below.table();
        // A momentum belongs to the optimiser beside it.
        if self.optimizer.is_some() {
            all.remove("momentum");
        }
        all.extend(self.table());
        all.try_into().expect("a table of options is what it was made from")
    }

    /// The names of all options.
    fn command_options() -> Vec<String> {
        let command = Self::augment_args(clap::Command::new("options"));
        command.get_arguments().map(|argument| argument.get_long().unwrap_or("data").to_owned()).collect()
    }

    /// All options that are given.
    pub(crate) fn table(&self) -> toml::Table {
        toml::Table::try_from(self).expect("options are a table")
    }

    /// As the text of a file.
    pub(crate) fn to_text(&self) -> String {
        self.table().to_string()
    }

    /// Parses the text of a file; `origin` names the file in errors.
    pub(crate) fn from_text(origin: &str, text: &str) -> Result<Self, Failure> {
        toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            let line = text.bytes().take(start).filter(|&byte| byte == b'\n').count() + 1;
            Failure::Usage(format!("{origin}, line {line}: {}", in_plain_words(error.message())))
        })
    }

    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path).map_err(|source| Failure::read(path, source))?;
        Self::from_text(&path.display().to_string(), &text)
    }

    /// Checks that a resumed run keeps the options it began with, except the few in [`FREE`].
    pub(crate) fn check_same(&self, before: &Self, run: &Path) -> Result<(), Failure> {
        let (now, then) = (self.table(), before.table());
        let of = |table: &toml::Table, key: &String| {
            table.get(key).map_or("not given".to_owned(), ToString::to_string)
        };
        match now
            .keys()
            .chain(then.keys())
            .find(|key| !FREE.contains(&key.as_str()) && now.get(*key) != then.get(*key))
        {
            None => Ok(()),
            Some(key) => Err(Failure::Usage(format!(
                "the run in {} began with {key} {}, now it is {}; expected the same value to resume the run",
                run.display(),
                of(&then, key),
                of(&now, key),
            ))),
        }
    }

    /// # Errors
    ///
    /// If a momentum is given, and the optimiser has none.
    pub(crate) fn method(&self, otherwise: Method) -> Result<Method, Failure> {
        let mut method = self.optimizer.unwrap_or(otherwise);
        if let Some(given) = self.momentum {
            match &mut method {
                Method::Sgd { momentum, .. } | Method::RmsProp { momentum, .. } => *momentum = given,
                Method::Adam { .. } | Method::AdamW { .. } => {
                    let problem =
                        format!("--momentum is for sgd and rmsprop; {method} has beta1 and beta2 instead");
                    return Err(Failure::Usage(problem));
                }
            }
        }
        Ok(method)
    }
}

/// The message of the TOML parser, without the names of our types.
fn in_plain_words(problem: &str) -> String {
    let mut problem = problem.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((name, _)) = problem.strip_prefix("unknown field `").and_then(|rest| rest.split_once('`')) {
        let all = Options::command_options();
        let nearest = crate::suggestion::nearest(name, all.iter().map(String::as_str));
        let hint = nearest.map_or_else(
            || format!("expected one of {}", all.join(", ")),
            |name| format!("did you mean {name}?"),
        );
        return format!("there is no option '{name}'; {hint}");
    }
    for (theirs, ours) in [
        ("invalid type: ", "the value is of the wrong kind: "),
        ("invalid value: ", "the value is out of range: "),
        ("expected usize", "expected a whole number of 0 or more"),
        ("expected u64", "expected a whole number of 0 or more"),
        ("expected f64", "expected a number"),
        ("expected a boolean", "expected true or false"),
        ("expected a string", "expected text in quotation marks"),
        ("expected a sequence", "expected a list, as in [\"a\", \"b\"]"),
        ("floating point", "number"),
        ("integer", "whole number"),
    ] {
        problem = problem.replace(theirs, ours);
    }
    problem
}

/// The character that separates cells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Delimiter(pub(crate) u8);

/// Characters that have names.
const NAMED_SIGNS: [(&str, u8); 5] =
    [("comma", b','), ("semicolon", b';'), ("tab", b'\t'), ("bar", b'|'), ("space", b' ')];

impl std::str::FromStr for Delimiter {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let named = NAMED_SIGNS.iter().find(|(name, _)| *name == text).map(|(_, sign)| *sign);
        let single = match text.as_bytes() {
            b"\\t" => Some(b'\t'),
            &[sign] if sign.is_ascii() && !sign.is_ascii_alphanumeric() && !b"\"\r\n.-+".contains(&sign) => {
                Some(sign)
            }
            _ => None,
        };
        named.or(single).map(Self).ok_or_else(|| Error::Setting {
            what: "delimiter",
            given: format!("'{text}'"),
            expected: "comma, semicolon, tab, bar, space, or a single character that is not a letter, digit or quotation mark",
        })
    }
}

impl std::fmt::Display for Delimiter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match NAMED_SIGNS.iter().find(|(_, sign)| *sign == self.0) {
            Some((name, _)) => f.write_str(name),
            None => write!(f, "{}", char::from(self.0)),
        }
    }
}

/// Sizes of hidden layers; none for a linear model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "toml::Value")]
pub(crate) struct Sizes(pub(crate) Vec<usize>);

/// In a file, a list or the same text as on the command line.
impl TryFrom<toml::Value> for Sizes {
    type Error = Error;

    fn try_from(given: toml::Value) -> Result<Self, Error> {
        match given {
            toml::Value::String(text) => text.parse(),
            toml::Value::Array(sizes) if sizes.is_empty() => Ok(Self(Vec::new())),
            toml::Value::Array(sizes) => {
                sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join(",").parse()
            }
            other => other.to_string().parse(),
        }
    }
}

impl std::str::FromStr for Sizes {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text == "none" {
            return Ok(Self(Vec::new()));
        }
        // A size that does not fit into an options file is too large for a network anyway.
        let fits = |&size: &usize| size > 0 && i64::try_from(size).is_ok();
        let size = |part: &str| part.trim().parse().ok().filter(fits);
        text.split(',').map(size).collect::<Option<_>>().map(Self).ok_or_else(|| Error::Setting {
            what: "list of hidden layers",
            given: text.to_owned(),
            expected: "whole numbers of at least 1, separated by commas, or 'none'",
        })
    }
}
