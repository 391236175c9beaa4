//! Models in files: the shape, the parameters, and everything needed for predictions.

use crate::container::{self, Tensor};
use crate::data::{Dataset, Encoder, Standardizer, Targets};
use crate::{Error, Layer, Loss, Mlp, Model, metrics, text};
use serde::{Deserialize, Serialize};
use std::path::Path;

const KIND: &str = "model";

/// A trained network with everything needed for predictions. It takes rows as they are in the data, and gives
/// numbers in the units of the targets, or names of classes.
///
/// ```
/// use dualtape_nn::{Activation, Loss, Mlp, SavedModel, data::iris};
///
/// let model = Mlp::new(&[4, 8, 3], Activation::Tanh)?;
/// let saved = SavedModel::new(model.clone(), model.initialize(1), &iris(), Loss::CrossEntropy);
/// let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("model.safetensors");
/// saved.save(&path)?;
/// let loaded = SavedModel::load(&path)?;
/// assert_eq!(loaded, saved);
/// assert!(loaded.classes.contains(&loaded.class_of(&[5.1, 3.5, 1.4, 0.2])?.to_owned()));
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SavedModel {
    /// Its shape.
    pub model: Mlp,
    /// Its parameters.
    pub parameters: Vec<f64>,
    /// The loss with which it was trained.
    pub loss: Loss,
    /// The names of its inputs.
    pub features: Vec<String>,
    /// The names of the classes; empty for regression.
    pub classes: Vec<String>,
    /// The names of the numbers it predicts; empty for classification.
    pub targets: Vec<String>,
    /// The name of the label's column in the training data, if it had one.
    pub label: Option<String>,
    /// How the columns of a table become inputs, before the inputs are standardised.
    pub encoder: Encoder,
    /// How inputs are standardised.
    pub input_scale: Option<Standardizer>,
    /// How targets were standardised.
    pub target_scale: Option<Standardizer>,
}

#[derive(Serialize, Deserialize)]
struct About {
    layers: Vec<LayerAbout>,
    #[serde(with = "text")]
    loss: Loss,
    features: Vec<String>,
    classes: Vec<String>,
    targets: Vec<String>,
    #[serde(default)]
    label: Option<String>,
    /// Missing in files from before encoders existed, when all columns were numbers.
    #[serde(default)]
    encoder: Option<Encoder>,
}

#[derive(Serialize, Deserialize)]
struct LayerAbout {
    inputs: usize,
    outputs: usize,
    #[serde(with = "text")]
    activation: crate::Activation,
}

impl SavedModel {
    /// A network trained on data with these features and targets, without standardising.
    ///
    /// ```
    /// use dualtape_nn::{Activation, Loss, Mlp, SavedModel, data};
    /// let model = Mlp::new(&[4, 3], Activation::Tanh)?;
    /// let parameters = model.initialize(7);
    /// let saved = SavedModel::new(model, parameters, &data::iris(), Loss::CrossEntropy);
    /// assert_eq!(saved.classes, ["setosa", "versicolor", "virginica"]);
    /// assert_eq!(saved.input_scale, None); // set it if inputs were standardised
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn new(model: Mlp, parameters: Vec<f64>, data: &Dataset, loss: Loss) -> Self {
        let targets = match data.targets() {
            Targets::Numbers { names, .. } => names.clone(),
            _ => Vec::new(),
        };
        let (features, classes) = (data.features().to_vec(), data.classes().to_vec());
        let label = if targets.len() == 1 { targets.first().cloned() } else { None };
        let encoder = Encoder::numbers(&features);
        let (input_scale, target_scale) = (None, None);
        Self {
            model,
            parameters,
            loss,
            features,
            classes,
            targets,
            label,
            encoder,
            input_scale,
            target_scale,
        }
    }

    /// Writes the model to a file, and replaces an old file only when the new one is complete.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] if the number of parameters is not the model's; [`Error::Write`] if the file cannot be written. An
    /// old file then stays unchanged.
    ///
    /// ```
    /// use dualtape_nn::{Activation, Loss, Mlp, SavedModel, data};
    /// let model = Mlp::new(&[4, 3], Activation::Tanh)?;
    /// let parameters = model.initialize(7);
    /// let saved = SavedModel::new(model, parameters, &data::iris(), Loss::CrossEntropy);
    /// let folder = tempfile::tempdir().unwrap();
    /// let path = folder.path().join("model.safetensors");
    /// saved.save(&path)?;
    /// assert_eq!(SavedModel::load(&path)?.parameters, saved.parameters);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let (given, expected) = (self.parameters.len(), self.model.parameter_count());
        if given != expected {
            return Err(Error::Shape { what: "parameters of the model".to_owned(), given, expected });
        }
        let mut tensors = Tensor::split("", &self.model.tensors(), &self.parameters);
        for (name, scale) in [("inputs", &self.input_scale), ("targets", &self.target_scale)] {
            if let Some(scale) = scale {
                tensors.push(Tensor::row(&format!("{name}.mean"), scale.means()));
                tensors.push(Tensor::row(&format!("{name}.deviation"), scale.deviations()));
            }
        }
        let layer =
            |&Layer { inputs, outputs, activation }: &Layer| LayerAbout { inputs, outputs, activation };
        let about = About {
            layers: self.model.layers().iter().map(layer).collect(),
            loss: self.loss,
            features: self.features.clone(),
            classes: self.classes.clone(),
            targets: self.targets.clone(),
            label: self.label.clone(),
            encoder: Some(self.encoder.clone()),
        };
        container::write(path.as_ref(), KIND, &about, &tensors)
    }

    /// Reads a file that [`save`](Self::save) wrote.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] if the file cannot be read, [`Error::Checkpoint`] if it is damaged or not a model.
    ///
    /// ```
    /// use dualtape_nn::{Error, SavedModel};
    /// let folder = tempfile::tempdir().unwrap();
    /// let path = folder.path().join("model.safetensors");
    /// assert!(matches!(SavedModel::load(&path), Err(Error::Read { .. })));
    /// std::fs::write(&path, "something else").unwrap();
    /// assert!(matches!(SavedModel::load(&path), Err(Error::Checkpoint { .. })));
    /// ```
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        let file = container::read::<About>(path.as_ref(), KIND)?;
        let about = &file.about;
        let layer = |l: &LayerAbout| Layer { inputs: l.inputs, outputs: l.outputs, activation: l.activation };
        let model = Mlp::from_layers(about.layers.iter().map(layer).collect());
        let model = model.map_err(|error| file.wrong(error.to_string()))?;
        let parameters = file.join("", &model.tensors())?;
        if about.features.len() != model.inputs() {
            let (given, expected) = (about.features.len(), model.inputs());
            return Err(file.wrong(format!("it names {given} features; expected {expected}")));
        }
        let encoder = about.encoder.clone().unwrap_or_else(|| Encoder::numbers(&about.features));
        if encoder.features() != about.features {
            let (given, expected) = (encoder.features().join(", "), about.features.join(", "));
            return Err(file.wrong(format!("its columns become the features {given}; expected {expected}")));
        }
        let scale = |name: &str, width: usize| -> Result<Option<Standardizer>, Error> {
            let [mean, deviation] = ["mean", "deviation"].map(|what| format!("{name}.{what}"));
            if !file.has(&mean)? {
                return Ok(None);
            }
            let scale = Standardizer::new(file.row_of(&mean, width)?, file.row_of(&deviation, width)?);
            scale.map(Some).map_err(|error| file.wrong(error.to_string()))
        };
        Ok(Self {
            input_scale: scale("inputs", model.inputs())?,
            target_scale: scale("targets", model.outputs())?,
            parameters,
            loss: about.loss,
            features: about.features.clone(),
            classes: about.classes.clone(),
            targets: about.targets.clone(),
            label: about.label.clone(),
            encoder,
            model,
        })
    }

    /// The outputs for one row of features: scores of classes, or numbers in the units of the targets.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] if the row does not have one number for each feature.
    ///
    /// ```
    /// use dualtape_nn::{Activation, Loss, Mlp, SavedModel, data::{Csv, Standardizer}};
    /// let houses = Csv::new().numbers().parse("houses", b"rooms,price\n3,200\n5,400\n")?;
    /// let model = Mlp::new(&[1, 1], Activation::Tanh)?;
    /// let mut saved = SavedModel::new(model, vec![1.0, 0.0], &houses, Loss::MeanSquared);
    /// saved.input_scale = Some(Standardizer::fit(&houses));
    /// saved.target_scale = Standardizer::fit_targets(&houses);
    /// assert_eq!(saved.predict(&[6.0])?, [500.0]);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn predict(&self, row: &[f64]) -> Result<Vec<f64>, Error> {
        let (given, expected) = (row.len(), self.model.inputs());
        if given != expected {
            let what = format!("features of a row, for {}", self.model.ends()[0]);
            return Err(Error::Shape { what, given, expected });
        }
        let mut row = row.to_vec();
        if let Some(scale) = &self.input_scale {
            scale.scale(&mut row);
        }
        let mut outputs = self.model.forward(&self.parameters, &row);
        if let Some(scale) = &self.target_scale {
            scale.unscale(&mut outputs);
        }
        Ok(outputs)
    }

    /// The name of the class that the model predicts for a row of features.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] if the row does not have one number for each feature, or the model has no classes.
    ///
    /// ```
    /// use dualtape_nn::{Activation, Loss, Mlp, SavedModel, data::parse_csv};
    /// let data = parse_csv("steps", b"0.5,below\n2.5,over\n")?;
    /// let model = Mlp::new(&[1, 1], Activation::Tanh)?; // x − 1: above 0, the second class
    /// let saved = SavedModel::new(model, vec![1.0, -1.0], &data, Loss::Hinge);
    /// assert_eq!((saved.class_of(&[0.5])?, saved.class_of(&[1.5])?), ("below", "over"));
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn class_of(&self, row: &[f64]) -> Result<&str, Error> {
        let class = metrics::predicted_class(&self.predict(row)?);
        let name = self.classes.get(class).map(String::as_str);
        name.ok_or_else(|| Error::Shape {
            what: "names of classes of the model".to_owned(),
            given: self.classes.len(),
            expected: self.model.outputs().max(2),
        })
    }
}
