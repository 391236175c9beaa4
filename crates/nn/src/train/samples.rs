//! The rows that a recorded loss takes in training: inputs, targets, and factors of dropout.

use crate::initialize::{self, Use};
use crate::module::check_dropout;
use crate::{Error, Model};
use dualtape::program::Rows;
use rand::Rng;

#[derive(Clone, Debug)]
pub(super) struct Samples {
    /// Each sample's inputs, followed by its targets and the factors of dropout, which are drawn for each step.
    rows: Vec<f64>,
    width: usize,
    /// The probability of each factor to be 0.
    dropout: Vec<f64>,
}

impl Samples {
    /// Of a model, from each sample's inputs and targets.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] if a probability of the model's dropout is out of its range.
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

    /// Draws the factors of dropout for these samples in a step, counted from 1. They depend on seed, step and samples only,
    /// so each process draws the same.
    pub(super) fn draw_dropout(&mut self, seed: u64, step: u64, chosen: &[usize]) {
        if self.dropout.is_empty() {
            return;
        }
        let mut stream = initialize::substream(seed, Use::Dropout, step);
        for &sample in chosen {
            let row = &mut self.rows[sample * self.width..(sample + 1) * self.width];
            let factors = &mut row[self.width - self.dropout.len()..];
            for (factor, &p) in factors.iter_mut().zip(&self.dropout) {
                // Uniform in [0, 1), by the 53 bits that a number holds.
                let uniform = (stream.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
                *factor = if uniform < p { 0.0 } else { 1.0 / (1.0 - p) };
            }
        }
    }

    pub(super) fn rows(&self) -> Rows<'_, f64> {
        Rows::new(&self.rows, self.width)
    }
}
