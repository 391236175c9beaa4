//! `report.json`: the results of a run, written after all other files, and read by `compare` and `report`.

use crate::failure::Failure;
use crate::importance::Importance;
use crate::private::Statement;
use crate::run_folder;
use crate::scores::Scores;
use dualtape_nn::files;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The version of the file format.
const FORMAT: u32 = 1;

/// Which version of the program wrote a file, and in which format.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Format {
    number: u32,
    pub(crate) dualtape: String,
}

impl Default for Format {
    fn default() -> Self {
        Self { number: FORMAT, dualtape: env!("CARGO_PKG_VERSION").to_owned() }
    }
}

/// The results of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Summary {
    pub(crate) format: Format,
    pub(crate) data: String,
    /// Sizes of the layers, inputs first.
    pub(crate) layers: Vec<usize>,
    pub(crate) parameters: usize,
    pub(crate) features: usize,
    pub(crate) epochs: usize,
    /// `None` if a step failed: the parameters before it are kept, and those belong to no record.
    pub(crate) kept_epoch: Option<usize>,
    pub(crate) stopped_early: bool,
    pub(crate) training: Scores,
    pub(crate) validation: Scores,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) test: Option<Scores>,
    /// The scores on the validation part of each fold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) folds: Vec<Scores>,
    /// How much the validation score drops when a column is shuffled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) importance: Vec<Importance>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) notes: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) warnings: Vec<String>,
    pub(crate) pictures: Vec<String>,
    /// The privacy claim of a private training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) privacy: Option<Statement>,
}

impl Summary {
    pub(crate) fn write(&self, folder: &Path) -> Result<(), Failure> {
        let path = run_folder::report(folder);
        let text = serde_json::to_string_pretty(self).map_err(|error| Failure::write(&path, error))?;
        Ok(files::replace(&path, (text + "\n").as_bytes())?)
    }

    /// Reads the report of a finished run.
    pub(crate) fn read(folder: &Path) -> Result<Self, Failure> {
        let path = run_folder::report(folder);
        let named = folder.display();
        if !path.exists() {
            return Err(Failure::Failed(match run_folder::checkpoint(folder).exists() {
                true => format!(
                    "the run in {named} is not finished; 'dualtape train --resume --output {named}' continues it"
                ),
                false => {
                    format!("there is no run in {named}; expected the folder of a run, with its report.json")
                }
            }));
        }
        let text = std::fs::read_to_string(&path).map_err(|source| Failure::read(&path, source))?;
        let wrong = || {
            format!(
                "{} is not a report of a run, or was changed; expected the file that 'dualtape train' wrote",
                path.display()
            )
        };
        let summary: Self = serde_json::from_str(&text).map_err(|_| Failure::Failed(wrong()))?;
        let given = summary.format.number;
        if given != FORMAT {
            return Err(Failure::Failed(format!("{} has format {given}; expected {FORMAT}", path.display())));
        }
        Ok(summary)
    }
}
