//! `lstm`: the loss of a long short-term memory that predicts the next character of a text from those before.
//!
//! A character is a row of bits. All weight matrices are diagonal, so the output for one bit depends
//! only on that bit of the previous characters.

use super::measure::{Clock, Failure, Reply, check, flatten, parse};
use crate::functions::lstm::{log_likelihood, reads};
use dualtape::program::{BatchWorkspace, Results, Rows, Sums, Wrt};
use dualtape::{Differentiable, Program};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Input {
    /// A row of weights and a row of biases for each layer: forget, in, out, change.
    main_params: Vec<Vec<f64>>,
    /// Weights of the input, weights and biases of the output.
    extra_params: Vec<Vec<f64>>,
    /// The hidden state and the cell state of each layer.
    state: Vec<Vec<f64>>,
    sequence: Vec<Vec<f64>>,
}

/// The numbers of the input.
struct Text {
    layers: usize,
    /// The number of bits of a character.
    width: usize,
    /// The parameters of each bit, and its initial states.
    parameters: Vec<Vec<f64>>,
    states: Vec<Vec<f64>>,
    /// The bits of the characters, character by character.
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
            let needs = "a sequence needs at least two characters with at least one bit";
            return Err(Failure(format!("there is nothing to predict: {needs}")));
        }
        let mut parameters = flatten("numbers in a row of main_params", &input.main_params, 4 * width)?;
        parameters.extend(flatten("numbers in a row of extra_params", &input.extra_params, width)?);
        let states = flatten("numbers in a row of state", &input.state, width)?;
        let of_bits = |all: &[f64]| {
            let of_bit = |bit: usize| all[bit..].iter().step_by(width).copied().collect();
            (0..width).map(of_bit).collect()
        };
        let characters = flatten("bits of a character", &input.sequence, width)?;
        Ok(Self { layers, width, parameters: of_bits(&parameters), states: of_bits(&states), characters })
    }

    /// The number of parameters and states of a bit.
    fn parameters(&self) -> usize {
        8 * self.layers + 3
    }

    fn states(&self) -> usize {
        2 * self.layers
    }

    /// The number of characters that are predicted.
    fn predicted(&self) -> usize {
        self.characters.len() / self.width - 1
    }

    /// Minus one over the number of predicted bits.
    fn scale(&self) -> f64 {
        -1.0 / (self.predicted() * self.width) as f64
    }
}

/// How many characters are read at a time, times layers: the values of a block of bits stay in the cache.
const TOGETHER: usize = 64;

/// The loss. Bits interact only in the likelihood, so there are two batches: one over bits, which go through the text side
/// by side, some characters at a time, and one over characters.
struct Forward<'a> {
    text: &'a Text,
    /// How many characters are read at a time.
    together: usize,
    /// A program of a bit's parameters, its states and its values in some characters. It computes the output after
    /// each character, and the states after the last.
    says: Program<f64>,
    likelihood: Program<f64>,
    over_bits: BatchWorkspace<f64>,
    over_characters: BatchWorkspace<f64>,
    /// The parameters, states and values of each bit, and the outputs of the program for each bit.
    rows: Vec<f64>,
    results: Vec<f64>,
    /// The states of all bits before each part of the text.
    starts: Vec<Vec<f64>>,
    /// The outputs for each predicted character, and its bits.
    predictions: Vec<f64>,
    likelihoods: Vec<f64>,
}

impl<'a> Forward<'a> {
    fn new(text: &'a Text) -> Result<Self, Failure> {
        let (width, predicted) = (text.width, text.predicted());
        let together = (TOGETHER / text.layers.max(1)).clamp(1, predicted);
        let row = [&text.parameters[0][..], &text.states[0], &vec![0.0; together]].concat();
        let says = Program::record_with_data(|_, row: &[_]| said_and_states(text, row), &[], &row)?;
        let likelihood = Program::record_with_data(
            |_, row: &[_]| log_likelihood(&row[..width], &row[width..]),
            &[],
            &vec![0.0; 2 * width],
        )?;
        let next = text.characters.chunks(width).skip(1);
        let predictions = next.flat_map(|bits| vec![0.0; width].into_iter().chain(bits.iter().copied()));
        Ok(Self {
            together,
            over_bits: says.batch_workspace(),
            over_characters: likelihood.batch_workspace(),
            rows: vec![0.0; width * row.len()],
            results: vec![0.0; width * says.outputs()],
            starts: vec![vec![0.0; width * text.states()]; predicted.div_ceil(together)],
            predictions: predictions.collect(),
            likelihoods: vec![0.0; predicted],
            text,
            says,
            likelihood,
        })
    }

    /// The parts of the text: the number of each, and its first character.
    fn parts(&self) -> impl DoubleEndedIterator<Item = (usize, usize)> + use<> {
        let (together, parts) = (self.together, self.starts.len());
        (0..parts).map(move |part| (part, part * together))
    }

    /// Reads the text, and writes the outputs for each character.
    fn read(&mut self) -> Result<(), Failure> {
        let (width, states) = (self.text.width, self.text.states());
        let initial = self.text.states.concat();
        self.starts[0].copy_from_slice(&initial);
        for (part, first) in self.parts() {
            let length = self.rows.len() / width;
            for (bit, row) in self.rows.chunks_mut(length).enumerate() {
                write_row(self.text, &self.starts[part], bit, first, row);
            }
            self.says.values(&mut self.over_bits, &[], &Rows::new(&self.rows, length), &mut self.results)?;
            let outputs = self.together + states;
            for (bit, results) in self.results.chunks(outputs).enumerate() {
                let (said, after) = results.split_at(self.together);
                let places = self.predictions[first * 2 * width..][bit..].iter_mut().step_by(2 * width);
                places.zip(said).for_each(|(place, &said)| *place = said);
                if let Some(next) = self.starts.get_mut(part + 1) {
                    next[bit * states..][..states].copy_from_slice(after);
                }
            }
        }
        Ok(())
    }

    fn loss(&mut self) -> Result<f64, Failure> {
        self.read()?;
        let rows = Rows::new(&self.predictions, 2 * self.text.width);
        self.likelihood.values(&mut self.over_characters, &[], &rows, &mut self.likelihoods)?;
        Ok(self.likelihoods.iter().sum::<f64>() * self.text.scale())
    }
}

/// The outputs for a bit after each of some characters, and its states after the last. A row has the bit's parameters, its
/// states, and its values in the characters.
fn said_and_states<D: Differentiable<Scalar = f64>>(text: &Text, row: &[D]) -> Vec<D> {
    let (own, rest) = row.split_at(text.parameters());
    let (states, bits) = rest.split_at(text.states());
    let mut states = states.to_vec();
    let mut results: Vec<D> = bits.iter().map(|&bit| reads(own, &mut states, bit)).collect();
    results.extend(states);
    results
}

/// Writes a bit's parameters, its states, and its values starting from a character. Values beyond the last character
/// that leads to a prediction are left unchanged, since the outputs there are not used.
fn write_row(text: &Text, starts: &[f64], bit: usize, first: usize, row: &mut [f64]) {
    let states = text.states();
    let (own, rest) = row.split_at_mut(text.parameters());
    own.copy_from_slice(&text.parameters[bit]);
    rest[..states].copy_from_slice(&starts[bit * states..][..states]);
    let bits = text.characters[first * text.width..][bit..].iter().step_by(text.width);
    rest[states..].iter_mut().zip(bits).for_each(|(place, &bit)| *place = bit);
}

/// The gradient of the loss: forward through the text and backward, part by part.
struct Backward<'a> {
    forward: Forward<'a>,
    /// The sum of the outputs for a bit in a part of the text and its states after it, each times its adjoint.
    pull: Program<f64>,
    over_bits: BatchWorkspace<f64>,
    /// The derivatives with respect to the outputs for each character and to its bits.
    adjoints: Vec<f64>,
    /// The parameters, states and values of each bit, and the adjoints of the program's outputs.
    rows: Vec<f64>,
    values: Vec<f64>,
    /// The derivatives with respect to the parameters and states of each bit.
    derivatives: Vec<f64>,
}

impl<'a> Backward<'a> {
    fn new(text: &'a Text) -> Result<Self, Failure> {
        let forward = Forward::new(text)?;
        let (width, length) = (text.width, forward.rows.len() / text.width);
        let outputs = forward.says.outputs();
        let row = [&forward.rows[..length], &vec![0.0; outputs]].concat();
        let pull = Program::record_with_data(
            |_, row: &[_]| Differentiable::dot(&said_and_states(text, &row[..length]), &row[length..]),
            &[],
            &row,
        )?;
        Ok(Self {
            over_bits: pull.batch_workspace(),
            adjoints: vec![0.0; forward.predictions.len()],
            rows: vec![0.0; width * row.len()],
            values: vec![0.0; width],
            derivatives: vec![0.0; width * (text.parameters() + text.states())],
            forward,
            pull,
        })
    }

    fn gradient(&mut self, gradient: &mut [f64]) -> Result<(), Failure> {
        self.forward.read()?;
        let Self { forward, pull, over_bits, adjoints, rows, values, derivatives } = self;
        let (text, width, states) = (forward.text, forward.text.width, forward.text.states());
        let sums = Sums { scale: Some(text.scale()), ..Sums::none() };
        let results = Results { data_gradients: Some(adjoints), ..Results::none() };
        let predictions = Rows::new(&forward.predictions, 2 * width);
        forward.likelihood.sum(&mut forward.over_characters, &[], &predictions, &sums, results)?;
        gradient.fill(0.0);
        // Nothing follows the last part.
        rows.fill(0.0);
        let (length, inputs) = (rows.len() / width, forward.rows.len() / width);
        let (own, moving) = (text.parameters(), text.parameters() + states);
        for (part, first) in forward.parts().rev() {
            for (bit, row) in rows.chunks_mut(length).enumerate() {
                let (row, of_results) = row.split_at_mut(inputs);
                write_row(text, &forward.starts[part], bit, first, row);
                let adjoints = adjoints[first * 2 * width..][bit..].iter().step_by(2 * width);
                let places = of_results[..forward.together].iter_mut().zip(adjoints);
                places.for_each(|(place, &adjoint)| *place = adjoint);
            }
            let wrt = Wrt::FirstData(moving);
            pull.jacobians(over_bits, &[], &Rows::new(rows, length), wrt, values, derivatives)?;
            for (bit, (derivatives, row)) in
                derivatives.chunks(moving).zip(rows.chunks_mut(length)).enumerate()
            {
                let places = gradient[bit..].iter_mut().step_by(width).zip(&derivatives[..own]);
                places.for_each(|(place, derivative)| *place += derivative);
                row[length - states..].copy_from_slice(&derivatives[own..]);
            }
        }
        Ok(())
    }
}

pub(super) fn evaluate(function: &str, input: &Value) -> Result<Reply, Failure> {
    let clock = Clock::start(input);
    let text = Text::new(&parse(input)?)?;
    match function {
        "objective" => {
            let mut forward = Forward::new(&text)?;
            clock.run(0.0, |loss| {
                *loss = forward.loss()?;
                Ok(())
            })
        }
        "jacobian" => {
            let mut backward = Backward::new(&text)?;
            clock.run(vec![0.0; text.parameters() * text.width], |gradient| backward.gradient(gradient))
        }
        _ => Err(Failure::function(function, "objective and jacobian")),
    }
}
