//! `Embedding`: a row of a table for each index.

use crate::module::Part;
use crate::{Error, Initializer, Mlp, Model};
use dualtape::{Differentiable, Relation};
use rand_chacha::ChaCha8Rng;
use std::fmt;

/// A table with a row of numbers for each index from 0, like PyTorch's `Embedding`. The inputs are indices, given as numbers.
/// The outputs are the rows of all inputs, one after another, as after PyTorch's `Flatten`. If a PyTorch sequence contains
/// `Flatten`, put [`Activation::Identity`](crate::Activation::Identity) in its place, so that the modules keep their numbers.
///
/// Its parameters are the table, row after row. An input that is not an index (negative, too large, or not a whole number)
/// gives NaN, so that the error is visible. If the embedding is the first module of a [`Sequential`](crate::Sequential), a
/// [`Trainer`](crate::Trainer) and [`predict`](crate::predict) refuse such data beforehand.
///
/// A recorded program reads all rows, so the work for one input grows with `embeddings` times `size`, as for a layer with that
/// many inputs and outputs. It therefore suits categories, but not the words of a language.
///
/// ```
/// use dualtape_nn::{Embedding, Model};
/// let embedding = Embedding { embeddings: 3, size: 2, indices: 2 };
/// let table = [0.0_f64, 0.5, 1.0, 1.5, 2.0, 2.5];
/// assert_eq!(embedding.forward(&table, &[2.0, 0.0]), [2.0, 2.5, 0.0, 0.5]);
/// assert!(embedding.forward(&table, &[3.0, 0.0])[0].is_nan());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Embedding {
    /// How many rows the table has; at least 1.
    pub embeddings: usize,
    /// How many numbers a row has; at least 1.
    pub size: usize,
    /// How many indices it takes; at least 1.
    pub indices: usize,
}

impl Model for Embedding {
    fn inputs(&self) -> usize {
        self.indices
    }

    fn outputs(&self) -> usize {
        self.indices * self.size
    }

    fn parameter_count(&self) -> usize {
        self.embeddings * self.size
    }

    fn forward<D: Differentiable>(&self, parameters: &[D], input: &[D]) -> Vec<D> {
        self.check_lengths(parameters.len(), input.len());
        let column = |j: usize| parameters.iter().copied().skip(j).step_by(self.size).collect::<Vec<D>>();
        let columns: Vec<Vec<D>> = (0..self.size).map(column).collect();
        let mut outputs = Vec::with_capacity(self.outputs());
        for &index in input {
            let (row, nothing) = self.one_hot(index);
            outputs.extend(columns.iter().map(|column| D::dot(column, &row) + nothing));
        }
        outputs
    }

    /// The name of PyTorch: `weight`.
    fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        vec![("weight".to_owned(), vec![self.embeddings, self.size])]
    }

    fn check_input(&self, input: &[f64]) -> Result<(), String> {
        let is_index = |x: f64| x >= 0.0 && x < self.embeddings as f64 && x.fract() == 0.0;
        match input.iter().position(|&x| !is_index(x)) {
            None => Ok(()),
            Some(i) => {
                let (feature, given, last) = (i + 1, input[i], self.embeddings - 1);
                Err(format!("feature {feature} is {given}; expected a whole number from 0 to {last}"))
            }
        }
    }
}

impl Embedding {
    /// Numbers that are 1 at the index and 0 elsewhere; and a number that is 0, or NaN if there is no such index. They are
    /// selected, because a recording must not branch.
    fn one_hot<D: Differentiable>(&self, index: D) -> (Vec<D>, D) {
        let at = |row: usize| D::select(Relation::Equal, index, D::literal(row as f64), D::one(), D::zero());
        let row: Vec<D> = (0..self.embeddings).map(at).collect();
        let nothing = D::select(Relation::Equal, D::sum_of(&row), D::one(), D::zero(), D::nan());
        (row, nothing)
    }
}

impl Part for Embedding {
    fn check(&self) -> Result<(), Error> {
        let Self { embeddings, size, indices } = *self;
        for (what, given) in [
            ("number of rows of an embedding", embeddings),
            ("size of an embedding", size),
            ("number of indices of an embedding", indices),
        ] {
            if given == 0 {
                return Err(Error::Setting { what, given: "0".to_owned(), expected: "at least 1" });
            }
        }
        match indices.checked_mul(size) {
            Some(outputs) if outputs <= Mlp::MAX_PARAMETERS => Ok(()),
            _ => Err(Error::TooLarge { given: vec![indices, size], most: Mlp::MAX_PARAMETERS }),
        }
    }

    /// Normal with deviation 1, as in PyTorch.
    fn initialize(&self, _: Initializer, stream: &mut ChaCha8Rng, parameters: &mut Vec<f64>) {
        Initializer::Normal { deviation: 1.0 }.weights(self.embeddings, self.size, stream, parameters);
    }
}

impl fmt::Display for Embedding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { embeddings, size, indices } = self;
        write!(f, "embedding of {indices} indices, {embeddings} -> {size}")
    }
}
