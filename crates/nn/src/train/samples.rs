//! The rows of data for a recorded loss in training: inputs, targets, and factors of dropout.

use crate::initialize::{self, Use};
use crate::module::check_dropout;
use crate::{Error, Model};
use dualtape::program::Rows;
use rand::Rng;

#[derive(Clone, Debug)]
pub(super) struct Samples {
    /// Each sample's inputs, followed by its targets and the factors of dropout. The factors are drawn for each step.
    rows: Vec<f64>,
    width: usize,
    /// The probability that a factor is 0, for each factor.
    dropout: Vec<f64>,
}

impl Samples {
    /// The rows for a model, from each sample's inputs and targets.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] if a dropout probability of the model is out of its range.
    pub(super) fn new<M: Model>(model: &M, rows: Vec<f64>) -> Result<Self, Error> {
        let (known, dropout) = (model.inputs() + model.outputs(), model.dropout());
        dropout.iter().try_for_each(|&p| check_dropout(p))?;
        let width = known + dropout.len();
        if dropout.is_empty() {
            return Ok(Self { rows, width, dropout });
        }
        let mut wider = Vec::with_capacity(rows.len() / known * width);
        for row in rows.chunks_exact(known) {
            wider.extend_from_slice(row);
            wider.extend(std::iter::repeat_n(1.0, dropout.len()));
        }
        Ok(Self { rows: wider, width, dropout })
    }

    /// Draws the factors of dropout for these samples in a step, counted from 1. They depend only on the seed, the step and
    /// the samples, so every process draws the same factors.
    pub(super) fn draw_dropout(&mut self, seed: u64, step: u64, chosen: &[usize]) {
        if self.dropout.is_empty() {
            return;
        }
        let mut stream = initialize::substream(seed, Use::Dropout, step);
        for &sample in chosen {
            let row = &mut self.rows[sample * self.width..(sample + 1) * self.width];
            let factors = &mut row[self.width - self.dropout.len()..];
            for (factor, &p) in factors.iter_mut().zip(&self.dropout) {
                // Uniform in [0, 1), from 53 bits, as many as the significand of an `f64` has.
                let uniform = (stream.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
                *factor = if uniform < p { 0.0 } else { 1.0 / (1.0 - p) };
            }
        }
    }

    pub(super) fn rows(&self) -> Rows<'_, f64> {
        Rows::new(&self.rows, self.width)
    }
}
