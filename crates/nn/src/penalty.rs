//! Regularisation: a penalty for large parameters.

use crate::Error;
use std::ops::Range;

/// The penalty l1 · Σ|w| + l2 · Σw², which is added to the mean loss of a batch. The sums are over the parameters that the
/// model declares as [weights](crate::Model::weights), which usually excludes biases.
///
/// ```
/// use dualtape_nn::Penalty;
///
/// let penalty = Penalty { l1: 0.5, l2: 2.0 };
/// let mut gradient = [0.0; 3];
/// // The third parameter is a bias.
/// let value = penalty.add(&[1.0, -3.0, 9.0], &[0..2], 1.0, &mut gradient);
/// assert_eq!((value, gradient), (22.0, [4.5, -12.5, 0.0]));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Penalty {
    /// The factor of the magnitudes of the weights; 0 or more.
    pub l1: f64,
    /// The factor of the squares of the weights; 0 or more.
    pub l2: f64,
}

impl Penalty {
    /// Checks that both numbers are in their range.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] if a number is negative or not finite.
    ///
    /// ```
    /// use dualtape_nn::Penalty;
    /// assert!(Penalty { l1: 0.0, l2: 0.01 }.check().is_ok());
    /// assert!(Penalty { l1: -1.0, l2: 0.0 }.check().is_err());
    /// ```
    pub fn check(self) -> Result<(), Error> {
        for (what, value) in [("L1 penalty", self.l1), ("L2 penalty", self.l2)] {
            if !(value.is_finite() && value >= 0.0) {
                let given = value.to_string();
                return Err(Error::Setting { what, given, expected: "a number of 0 or more" });
            }
        }
        Ok(())
    }

    /// Returns the penalty times `scale`, and adds its gradient to `gradient`. The derivative of a magnitude at 0 is 0.
    ///
    /// # Panics
    ///
    /// If a range lies outside the slices.
    ///
    /// ```
    /// use dualtape_nn::Penalty;
    /// let mut gradient = [1.0, 1.0];
    /// let value = Penalty { l1: 0.0, l2: 1.0 }.add(&[3.0, 4.0], &[0..2], 0.5, &mut gradient);
    /// assert_eq!((value, gradient), (12.5, [4.0, 5.0]));
    /// ```
    pub fn add(self, parameters: &[f64], weights: &[Range<usize>], scale: f64, gradient: &mut [f64]) -> f64 {
        let mut value = 0.0;
        if self == Self::default() {
            return value;
        }
        for range in weights {
            for (&w, g) in parameters[range.clone()].iter().zip(&mut gradient[range.clone()]) {
                value += self.l1 * w.abs() + self.l2 * w * w;
                let sign = if w == 0.0 { 0.0 } else { w.signum() };
                *g += scale * (self.l1 * sign + 2.0 * self.l2 * w);
            }
        }
        value * scale
    }
}
