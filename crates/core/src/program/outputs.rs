//! What a recorded function may return.

use super::Traced;
use crate::Scalar;

/// One output, or an array or a vector of them.
pub trait Outputs<F> {
    /// Appends the outputs, in order.
    fn append_to(self, outputs: &mut Vec<Traced<F>>);
}

impl<F: Scalar> Outputs<F> for Traced<F> {
    fn append_to(self, outputs: &mut Vec<Self>) {
        outputs.push(self);
    }
}

impl<F: Scalar> Outputs<F> for Vec<Traced<F>> {
    fn append_to(mut self, outputs: &mut Self) {
        outputs.append(&mut self);
    }
}

impl<F: Scalar, const N: usize> Outputs<F> for [Traced<F>; N] {
    fn append_to(self, outputs: &mut Vec<Traced<F>>) {
        outputs.extend(self);
    }
}
