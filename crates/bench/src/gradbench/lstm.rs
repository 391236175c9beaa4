//! `lstm`: the loss of a long short-term memory that predicts the next character of a text from those before.
//!
//! A character is a row of bits. All weight matrices are diagonal, so what the memory says of one bit depends
//! on that bit of the characters before, and on nothing else.

use super::measure::{Clock, Failure, Reply, check, flatten, parse};
use dualtape::program::{Batch, Results, Rows, Sums};
use dualtape::{Differentiable, Program};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Input {
    /// For each layer a row of weights and one of biases: forget, in, out, change.
    main_params: Vec<Vec<f64>>,
    /// Weights of the input, weights and biases of the output.
    extra_params: Vec<Vec<f64>>,
    /// For each layer the hidden state and the cell state.
    state: Vec<Vec<f64>>,
    sequence: Vec<Vec<f64>>,
}

/// What one layer does to the signal of one bit. `own` are its four weights and four biases.
fn layer<D: Differentiable<Scalar = f64>>(own: &[D], hidden: &mut D, cell: &mut D, signal: D) -> D {
    let gate = |which: usize, x: D| x * own[which] + own[4 + which];
    let forget = gate(0, signal).sigmoid();
    let take = gate(1, *hidden).sigmoid();
    let show = gate(2, signal).sigmoid();
    let change = gate(3, *hidden).tanh();
    *cell = *cell * forget + take * change;
    *hidden = show * cell.tanh();
    *hidden
}

/// What the memory says of one bit after each character but the last, given its eight parameters for each
/// layer and the three beyond, its states, and the bit in all characters.
pub(crate) fn says<D: Differentiable<Scalar = f64>>(own: &[D], state: &[D], bits: &[D]) -> Vec<D> {
    let mut state = state.to_vec();
    bits[..bits.len() - 1].iter().map(|&bit| reads(own, &mut state, bit)).collect()
}

/// What the memory says of one bit after one more character, with its states after it.
pub(crate) fn reads<D: Differentiable<Scalar = f64>>(own: &[D], state: &mut [D], bit: D) -> D {
    let (main, extra) = own.split_at(own.len() - 3);
    let layers = main.chunks(8).zip(state.chunks_mut(2));
    let signal = layers.fold(bit * extra[0], |signal, (own, state)| {
        let (hidden, cell) = state.split_at_mut(1);
        layer(own, &mut hidden[0], &mut cell[0], signal)
    });
    signal * extra[1] + extra[2]
}

/// log p of the bits of a character, given what the memory says of each.
pub(crate) fn log_likelihood<D: Differentiable<Scalar = f64>>(said: &[D], bits: &[D]) -> D {
    let exponentials: Vec<D> = said.iter().map(|y| y.exp()).collect();
    let log_total = (D::sum_of(&exponentials) + 2.0).ln();
    let apart: Vec<D> = said.iter().map(|&y| y - log_total).collect();
    D::dot(&apart, bits)
}

/// The numbers sorted by bit.
struct Text {
    layers: usize,
    /// The number of bits of a character.
    width: usize,
    /// For each bit its parameters, states, and the bit of every character.
    columns: Vec<Vec<f64>>,
    characters: Vec<f64>,
}

impl Text {
    fn new(input: &Input) -> Result<Self, Failure> {
        let layers = input.main_params.len() / 2;
        let width = input.extra_params.first().map_or(0, Vec::len);
        check("rows of main_params, two for each layer", input.main_params.len(), 2 * layers)?;
        check("rows of extra_params", input.extra_params.len(), 3)?;
        check("rows of state, two for each layer", input.state.len(), 2 * layers)?;
        if width == 0 || input.sequence.len() < 2 {
            let needs = "a sequence needs two characters of a bit at least";
            return Err(Failure(format!("there is nothing to predict: {needs}")));
        }
        let mut all = flatten("numbers in a row of main_params", &input.main_params, 4 * width)?;
        all.extend(flatten("numbers in a row of extra_params", &input.extra_params, width)?);
        all.extend(flatten("numbers in a row of state", &input.state, width)?);
        let characters = flatten("bits of a character", &input.sequence, width)?;
        all.extend(&characters);
        let column = |bit: usize| all[bit..].iter().step_by(width).copied().collect();
        Ok(Self { layers, width, columns: (0..width).map(column).collect(), characters })
    }

    fn parameters(&self) -> usize {
        8 * self.layers + 3
    }

    fn states(&self) -> usize {
        2 * self.layers
    }

    /// How many characters are predicted.
    fn predicted(&self) -> usize {
        self.characters.len() / self.width - 1
    }

    /// What is said of one bit, given its column.
    fn says<D: Differentiable<Scalar = f64>>(&self, column: &[D]) -> Vec<D> {
        let (own, rest) = column.split_at(self.parameters());
        let (state, bits) = rest.split_at(self.states());
        says(own, state, &bits[..=self.predicted()])
    }

    /// What is said of a character, followed by the character; for each that is predicted.
    fn write_predictions(&self, said: &[f64], rows: &mut Vec<f64>) {
        rows.clear();
        for (time, next) in self.characters.chunks(self.width).skip(1).enumerate() {
            rows.extend(said.chunks(self.predicted()).map(|said| said[time]));
            rows.extend(next);
        }
    }

    /// Minus one over the number of bits that are predicted.
    fn scale(&self) -> f64 {
        -1.0 / (self.predicted() * self.width) as f64
    }

    fn loss(&self) -> f64 {
        let said: Vec<f64> = self.columns.iter().flat_map(|column| self.says(column)).collect();
        let mut rows = Vec::new();
        self.write_predictions(&said, &mut rows);
        let each =
            rows.chunks(2 * self.width).map(|row| log_likelihood(&row[..self.width], &row[self.width..]));
        each.sum::<f64>() * self.scale()
    }
}

/// The gradient of the loss. Bits meet only in the likelihood, so there are two batches: one over bits, which
/// go through the whole text side by side, and one over characters.
struct Backward<'a> {
    text: &'a Text,
    /// What is said of a bit.
    says: Program<f64>,
    /// The same, times an adjoint for each time, summed; the adjoints stand at the end of the column.
    pull: Program<f64>,
    likelihood: Program<f64>,
    over_bits: Batch<f64>,
    over_characters: Batch<f64>,
    said: Vec<f64>,
    rows: Vec<f64>,
    adjoints: Vec<f64>,
    columns: Vec<Vec<f64>>,
    slopes: Vec<f64>,
}

impl<'a> Backward<'a> {
    fn new(text: &'a Text) -> Result<Self, Failure> {
        let (width, predicted) = (text.width, text.predicted());
        let columns: Vec<Vec<f64>> =
            text.columns.iter().map(|column| [&column[..], &vec![0.0; predicted]].concat()).collect();
        let says = Program::record_with_data(|_, column| text.says(column), &[], &text.columns[0])?;
        let pull = Program::record_with_data(
            |_, column: &[_]| Differentiable::dot(&text.says(column), &column[column.len() - predicted..]),
            &[],
            &columns[0],
        )?;
        let likelihood = Program::record_with_data(
            |_, row: &[_]| log_likelihood(&row[..width], &row[width..]),
            &[],
            &vec![0.0; 2 * width],
        )?;
        let (over_bits, over_characters) = (says.batch(), likelihood.batch());
        let (said, rows) = (vec![0.0; width * predicted], Vec::new());
        let adjoints = vec![0.0; 2 * width * predicted];
        let slopes = vec![0.0; columns.len() * columns[0].len()];
        Ok(Self {
            text,
            says,
            pull,
            likelihood,
            over_bits,
            over_characters,
            said,
            rows,
            adjoints,
            columns,
            slopes,
        })
    }

    fn gradient(&mut self, gradient: &mut [f64]) -> Result<(), Failure> {
        let (text, width, predicted) = (self.text, self.text.width, self.text.predicted());
        self.says.values(&mut self.over_bits, &[], &text.columns, &mut self.said)?;
        text.write_predictions(&self.said, &mut self.rows);
        let sums = Sums { scale: Some(text.scale()), ..Sums::none() };
        let results = Results { data_gradients: Some(&mut self.adjoints), ..Results::none() };
        let rows = Rows::new(&self.rows, 2 * width);
        self.likelihood.sum(&mut self.over_characters, &[], &rows, &sums, results)?;
        for (bit, column) in self.columns.iter_mut().enumerate() {
            let start = column.len() - predicted;
            let adjoints = self.adjoints[bit..].iter().step_by(2 * width);
            column[start..].iter_mut().zip(adjoints).for_each(|(place, &adjoint)| *place = adjoint);
        }
        let results = Results { data_gradients: Some(&mut self.slopes), ..Results::none() };
        self.pull.sum(&mut self.over_bits, &[], &self.columns, &Sums::none(), results)?;
        for (bit, slopes) in self.slopes.chunks(self.columns[0].len()).enumerate() {
            let places = gradient[bit..].iter_mut().step_by(width);
            places.zip(slopes).for_each(|(place, &slope)| *place = slope);
        }
        Ok(())
    }
}

pub(super) fn evaluate(function: &str, input: &Value) -> Result<Reply, Failure> {
    let clock = Clock::start(input);
    let text = Text::new(&parse(input)?)?;
    match function {
        "objective" => clock.run(0.0, |y| {
            *y = text.loss();
            Ok(())
        }),
        // Bits go the same way side by side: a batch.
        "jacobian" => {
            let mut backward = Backward::new(&text)?;
            clock.run(vec![0.0; text.parameters() * text.width], |gradient| backward.gradient(gradient))
        }
        _ => Err(Failure::function(function, "objective and jacobian")),
    }
}
