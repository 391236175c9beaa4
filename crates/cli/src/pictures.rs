//! The pictures of a run. They are drawn from what a checkpoint contains, so a run that was killed and resumed draws
//! the same pictures.

use crate::failure::Failure;
use crate::importance::Importance;
use crate::output::{draw, reading};
use crate::predict::shares;
use crate::run_folder::RunFolder;
use crate::setup::Setup;
use dualtape::Differentiable;
use dualtape_nn::data::{Dataset, Targets};
use dualtape_nn::{Clip, Loss, Metrics, Record, SavedModel, confusion, sample_norms};
use dualtape_plots::{
    ConfusionMatrix, Curves, DecisionBoundary, Figure, NormHistogram, Picture, Predictions, ProbabilityGrid,
    Window,
};

/// The number of grid nodes in each direction for drawing decisions.
const GRID: usize = 150;

/// The data for a run's pictures.
pub(crate) struct Drawing<'a> {
    pub(crate) setup: &'a Setup,
    /// The trained model.
    pub(crate) model: &'a SavedModel,
    /// The records of the epochs, in the units of the data.
    pub(crate) history: &'a [Record],
    /// The epoch with the best validation loss.
    pub(crate) best: Option<usize>,
    /// The metrics of the model on the validation part, in the units of the data.
    pub(crate) validation: &'a Metrics,
    /// The importance of the columns; empty if it says nothing.
    pub(crate) importance: &'a [Importance],
}

type Boxed = Box<dyn Picture>;

impl Drawing<'_> {
    /// Writes every picture that applies to this run, and removes an earlier run's pictures that do not. Returns the names
    /// of the files.
    pub(crate) fn write(
        &self,
        folder: &RunFolder,
        svg: bool,
        log_axis: bool,
    ) -> Result<Vec<String>, Failure> {
        let pictures: [(&str, Option<Boxed>); 8] = [
            ("loss", self.over_epochs(self.losses(log_axis))),
            ("gradients", self.gradients(log_axis)),
            ("rate", self.rates()),
            ("norms", self.norms()?),
            ("confusion", self.confusion()?),
            ("boundary", self.boundary()?),
            ("predictions", self.predictions()?),
            ("importance", self.importance()),
        ];
        let mut names = Vec::new();
        for (name, picture) in pictures {
            let png = folder.join(&format!("{name}.png"));
            let drawn = match picture {
                Some(picture) => draw(&*picture, &png, svg)?,
                None => Vec::new(),
            };
            for file in [png.clone(), png.with_extension("svg")] {
                if drawn.contains(&file) {
                    names.extend(file.file_name().map(|name| name.to_string_lossy().into_owned()));
                } else {
                    folder.remove(&file)?;
                }
            }
        }
        Ok(names)
    }

    /// The picture, if there is at least one epoch to show.
    fn over_epochs(&self, picture: impl Picture + 'static) -> Option<Boxed> {
        if self.history.is_empty() { None } else { Some(Box::new(picture)) }
    }

    fn title(&self, what: &str) -> String {
        format!("{}: {what}", self.setup.name)
    }

    fn points(&self, number: impl Fn(&Record) -> f64) -> Vec<(f64, f64)> {
        self.history.iter().map(|record| (record.epoch as f64, number(record))).collect()
    }

    /// Losses, and next to them accuracy or mean absolute error.
    fn losses(&self, log_axis: bool) -> Figure {
        let loss = self.setup.settings.loss.to_string();
        let mut losses = Curves::new("loss", "epoch", &loss)
            .curve("training", self.points(|record| record.training.loss))
            .curve("validation", self.points(|record| record.validation.loss))
            .log_axis(log_axis);
        if let Some(best) = self.best {
            losses = losses.best_at(best as f64);
        }
        let is_regression = matches!(self.setup.training.targets(), Targets::Numbers { .. });
        let (title, label, number): (_, _, fn(&Metrics) -> Option<f64>) = if is_regression {
            ("mean absolute error", "in units of the target", |metrics| metrics.mean_absolute_error)
        } else {
            ("accuracy", "right answers", |metrics| metrics.accuracy)
        };
        let curve = |metrics: fn(&Record) -> &Metrics| {
            self.points(|record| number(metrics(record)).unwrap_or(f64::NAN))
        };
        let metric = Curves::new(title, "epoch", label)
            .percent(!is_regression)
            .curve("training", curve(|record| &record.training))
            .curve("validation", curve(|record| &record.validation));
        let sizes = self.setup.model.layers().iter().map(|layer| layer.outputs.to_string());
        let shape =
            std::iter::once(self.setup.model.inputs().to_string()).chain(sizes).collect::<Vec<_>>().join("-");
        Figure::new(&self.title(&format!("{shape}{}", self.not_private()))).with(losses).with(metric)
    }

    /// A note for the titles of pictures that are computed from the training part without noise, if there is a
    /// privacy budget.
    fn not_private(&self) -> &'static str {
        if self.setup.settings.budget.is_some() { " (not private)" } else { "" }
    }

    fn gradients(&self, log_axis: bool) -> Option<Boxed> {
        let title = self.title(&format!("gradient norms{}", self.not_private()));
        let (before, after) =
            (self.points(|record| record.gradient_norm), self.points(|record| record.clipped_norm));
        let of_batch = "norm of each batch, on average";
        let (label, limit) = match self.setup.settings.clip {
            Clip::None => {
                let norms = Curves::new(&title, "epoch", of_batch).curve("gradient", before);
                return self.over_epochs(norms.log_axis(log_axis));
            }
            Clip::Value(_) => (of_batch, None),
            Clip::Norm(limit) => (of_batch, Some(limit)),
            Clip::PerSample(limit) | Clip::PerLayer(limit) => {
                ("norm of each sample, on average", Some(limit))
            }
            Clip::Adaptive { .. } => ("norm of each sample, on average", None),
        };
        let norms = Curves::new(&title, "epoch", label)
            .curve("before clipping", before)
            .curve("after clipping", after)
            .log_axis(log_axis);
        self.over_epochs(match limit {
            Some(limit) => norms.threshold(limit),
            None => norms,
        })
    }

    /// The learning rate; no picture if it never changes.
    fn rates(&self) -> Option<Boxed> {
        let points = self.points(|record| record.rate);
        if points.windows(2).all(|pair| pair[0].1 == pair[1].1) {
            return None;
        }
        let title = self.title("learning rate");
        self.over_epochs(
            Curves::new(&title, "epoch", "learning rate of the last step").curve("", points).smoothing(0),
        )
    }

    /// The distribution of gradient norms of single samples, for the trained model.
    fn norms(&self) -> Result<Option<Boxed>, Failure> {
        let Setup { model, training, settings, .. } = self.setup;
        let norms = sample_norms(model, &self.model.parameters, training, settings.loss)?;
        let histogram = NormHistogram::new(
            &self.title(&format!(
                "gradient norms of the training samples, at the kept parameters{}",
                self.not_private()
            )),
            norms,
        );
        Ok(Some(Box::new(match settings.clip {
            Clip::PerSample(limit) => histogram.threshold(limit),
            _ => histogram,
        })))
    }

    fn confusion(&self) -> Result<Option<Boxed>, Failure> {
        let Setup { model, validation, .. } = self.setup;
        if !(1..=ConfusionMatrix::MOST_CLASSES).contains(&validation.classes().len())
            || !self.has_class_outputs()
        {
            return Ok(None);
        }
        let counts = confusion(model, &self.model.parameters, validation)?;
        let numbers = counts.rows().flatten().copied();
        let matrix = ConfusionMatrix::new(&self.title("validation samples"), counts.classes(), numbers)?;
        Ok(Some(Box::new(matrix)))
    }

    /// Whether the outputs of the model correspond to the classes of the data.
    fn has_class_outputs(&self) -> bool {
        let (classes, outputs) = (self.setup.training.classes().len(), self.setup.model.outputs());
        classes == outputs || (classes == 2 && outputs == 1)
    }

    /// The decisions over the plane, for data with two features.
    fn boundary(&self) -> Result<Option<Boxed>, Failure> {
        let Setup { training, validation, .. } = self.setup;
        let [x, y] = training.features() else { return Ok(None) };
        let classes = training.classes();
        if !(2..=ProbabilityGrid::MOST_CLASSES).contains(&classes.len()) || !self.has_class_outputs() {
            return Ok(None);
        }
        let points_of = |data: &Dataset| -> Vec<([f64; 2], usize)> {
            let input = |i| self.setup.unscaled_input(data, i);
            (0..data.len()).filter_map(|i| Some((input(i).try_into().ok()?, data.label(i)?))).collect()
        };
        let (training, validation) = (points_of(training), points_of(validation));
        let window = Window::around(training.iter().chain(&validation).map(|point| point.0));
        let loss = self.model.loss;
        let is_probability = matches!(loss, Loss::CrossEntropy | Loss::BinaryCrossEntropy);
        let shares = |point: [f64; 2]| {
            let Ok(outputs) = self.model.predict(&point) else { return vec![f64::NAN; classes.len()] };
            let shares = shares(loss, &outputs).into_iter();
            // Other losses give scores; their logistic function is between 0 and 1 and keeps their order.
            shares.map(|share| if is_probability { share } else { Differentiable::sigmoid(share) }).collect()
        };
        let grid = ProbabilityGrid::new(window, (GRID, GRID), classes.len(), shares)?;
        let picture = DecisionBoundary::new(&self.title(&format!("decision{}", self.not_private())), grid)
            .training(training)
            .validation(validation)
            .classes(classes)
            .axes(x, y);
        Ok(Some(Box::new(if is_probability { picture } else { picture.quantity("logistic of the score") })))
    }

    /// How much the score drops when a column is shuffled.
    fn importance(&self) -> Option<Boxed> {
        let score = if self.setup.training.classes().is_empty() { "R²" } else { "accuracy" };
        // A column whose scores are not finite has no place on the axis.
        let finite = |one: &Importance| Some((one.column.clone(), one.mean?, one.deviation?));
        let columns: Vec<_> = self.importance.iter().filter_map(finite).collect();
        let is_empty = columns.is_empty();
        let label = format!("drop in validation {score} when the column is shuffled");
        let picture = dualtape_plots::Importance::new(&self.title("importance of columns"), &label, columns);
        (!is_empty).then(|| -> Boxed { Box::new(picture) })
    }

    fn predictions(&self) -> Result<Option<Boxed>, Failure> {
        let Targets::Numbers { names, .. } = self.setup.training.targets() else { return Ok(None) };
        let validation = &self.setup.validation;
        let outputs = dualtape_nn::predict(&self.setup.model, &self.model.parameters, validation)?;
        let targets = (0..validation.len()).flat_map(|i| validation.numbers(i)).copied();
        let in_units = |numbers: Vec<f64>| self.setup.unscaled_targets(numbers);
        let pairs = in_units(targets.collect()).into_iter().zip(in_units(outputs));
        let name = names.join(", ");
        let mut picture = Predictions::new(&self.title("validation samples"), pairs)
            .axes(&name, &format!("prediction of {name}"));
        if let Metrics { r_squared: Some(r_squared), mean_absolute_error: Some(error), .. } = *self.validation
        {
            let note = format!("R² = {r_squared:.3}, mean absolute error {}", reading(error));
            picture = picture.note(&note);
        }
        Ok(Some(Box::new(picture)))
    }
}
