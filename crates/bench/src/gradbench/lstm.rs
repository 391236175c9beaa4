//! `lstm`: the loss of a long short-term memory that predicts the next character of a text from those before.
//!
//! All weight matrices are diagonal. A character is a row of bits.

use super::measure::{Clock, Failure, Reply, check, flatten, parse};
use dualtape::{Differentiable, Reverse};
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

/// What is not differentiated.
struct Text {
    layers: usize,
    /// The number of bits of a character, and of cells of a layer.
    bits: usize,
    state: Vec<f64>,
    sequence: Vec<f64>,
}

/// One layer: moves its state, given the signal from below, and leaves its hidden state as the signal above.
fn layer<D: Differentiable<Scalar = f64>>(
    parameters: &[D],
    hidden: &mut [D],
    cell: &mut [D],
    signal: &mut [D],
) {
    let bits = signal.len();
    let gate =
        |which: usize, i: usize, x: D| x * parameters[which * bits + i] + parameters[(4 + which) * bits + i];
    for i in 0..bits {
        let forget = gate(0, i, signal[i]).sigmoid();
        let take = gate(1, i, hidden[i]).sigmoid();
        let show = gate(2, i, signal[i]).sigmoid();
        let change = gate(3, i, hidden[i]).tanh();
        cell[i] = cell[i] * forget + take * change;
        hidden[i] = show * cell[i].tanh();
        signal[i] = hidden[i];
    }
}

impl Text {
    /// How many numbers are differentiated: eight for each cell, three for each bit.
    fn parameters(&self) -> usize {
        (8 * self.layers + 3) * self.bits
    }

    /// The mean of −log p over all bits of all characters but the first.
    fn loss<D: Differentiable<Scalar = f64>>(&self, parameters: &[D]) -> D {
        let bits = self.bits;
        let (main, extra) = parameters.split_at(8 * self.layers * bits);
        let mut state: Vec<D> = self.state.iter().map(|&x| D::constant(x)).collect();
        let mut total = D::zero();
        let mut signal = vec![D::zero(); bits];
        let mut characters = self.sequence.chunks(bits);
        let mut now = characters.next().unwrap_or_default();
        for next in characters {
            for (i, &bit) in now.iter().enumerate() {
                signal[i] = extra[i] * bit;
            }
            for (main, state) in main.chunks(8 * bits).zip(state.chunks_mut(2 * bits)) {
                let (hidden, cell) = state.split_at_mut(bits);
                layer(main, hidden, cell, &mut signal);
            }
            for i in 0..bits {
                signal[i] = signal[i] * extra[bits + i] + extra[2 * bits + i];
            }
            let exponentials: Vec<D> = signal.iter().map(|y| y.exp()).collect();
            let log_total = (D::sum_of(&exponentials) + 2.0).ln();
            for (&y, &bit) in signal.iter().zip(next) {
                if bit != 0.0 {
                    total += (y - log_total) * bit;
                }
            }
            now = next;
        }
        let count = (self.sequence.len() / bits).saturating_sub(1) * bits;
        -total / count as f64
    }
}

pub(super) fn evaluate(function: &str, input: &Value) -> Result<Reply, Failure> {
    let clock = Clock::start(input);
    let input: Input = parse(input)?;
    let layers = input.main_params.len() / 2;
    let bits = input.extra_params.first().map_or(0, Vec::len);
    check("rows of main_params, two for each layer", input.main_params.len(), 2 * layers)?;
    check("rows of extra_params", input.extra_params.len(), 3)?;
    check("rows of state, two for each layer", input.state.len(), 2 * layers)?;
    if bits == 0 || input.sequence.len() < 2 {
        return Err(Failure(
            "there is nothing to predict: a sequence needs two characters of a bit".to_owned(),
        ));
    }
    let mut parameters = flatten("numbers in a row of main_params", &input.main_params, 4 * bits)?;
    parameters.extend(flatten("numbers in a row of extra_params", &input.extra_params, bits)?);
    let text = Text {
        layers,
        bits,
        state: flatten("numbers in a row of state", &input.state, bits)?,
        sequence: flatten("bits of a character", &input.sequence, bits)?,
    };
    check("parameters", parameters.len(), text.parameters())?;
    match function {
        "objective" => clock.run(0.0, |y| {
            *y = text.loss(&parameters);
            Ok(())
        }),
        // One long chain of small steps, each once: the tape.
        "jacobian" => {
            let mut reverse = Reverse::new();
            clock.run(vec![0.0; parameters.len()], |gradient| {
                reverse.gradient(|parameters| text.loss(parameters), &parameters, gradient)?;
                Ok(())
            })
        }
        _ => Err(Failure::function(function, "objective and jacobian")),
    }
}
