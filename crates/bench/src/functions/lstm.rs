//! A long short-term memory that predicts the next character of a text, bit by bit.

use dualtape::Differentiable;

/// The bits of a character.
pub(crate) const BITS: usize = 7;

/// Applies one layer to the signal of one bit. `own` contains the four weights and four biases of the layer.
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

/// The outputs for one bit after each character except the last, given its eight parameters for each
/// layer and the three further ones, its states, and the bit in all characters.
pub(crate) fn says<D: Differentiable<Scalar = f64>>(own: &[D], state: &[D], bits: &[D]) -> Vec<D> {
    let mut state = state.to_vec();
    bits[..bits.len() - 1].iter().map(|&bit| reads(own, &mut state, bit)).collect()
}

/// The output for one bit after one more character, and the states after it.
pub(crate) fn reads<D: Differentiable<Scalar = f64>>(own: &[D], state: &mut [D], bit: D) -> D {
    let (main, extra) = own.split_at(own.len() - 3);
    let layers = main.chunks(8).zip(state.chunks_mut(2));
    let signal = layers.fold(bit * extra[0], |signal, (own, state)| {
        let (hidden, cell) = state.split_at_mut(1);
        layer(own, &mut hidden[0], &mut cell[0], signal)
    });
    signal * extra[1] + extra[2]
}

/// log p of the bits of a character, given the outputs for each bit.
pub(crate) fn log_likelihood<D: Differentiable<Scalar = f64>>(said: &[D], bits: &[D]) -> D {
    let exponentials: Vec<D> = said.iter().map(|y| y.exp()).collect();
    let log_total = (D::sum_of(&exponentials) + 2.0).ln();
    let apart: Vec<D> = said.iter().map(|&y| y - log_total).collect();
    D::dot(&apart, bits)
}
