//! A table of measured points, joined by straight lines.

use super::{CustomRule, Partial};
use crate::{Differentiable, Error, Scalar};
use std::sync::Arc;

/// The function that joins the points of a table by straight lines.
///
/// Its derivative is that of the piece. Where two pieces meet, it is the number nearest to 0 between the derivatives
/// of the two, as at every [kink](crate::rules): 0 at a peak. Second derivatives are 0. A clone shares the table.
///
/// It is a [rule](CustomRule) with one input and two outputs, the value and the derivative; [`at`](Self::at) gives
/// the value.
///
/// ```
/// use dualtape::{Error, Piecewise, Program, derivative};
/// let density = Piecewise::linear(&[0.0, 10.0, 20.0], &[1.25, 1.0, 0.5])?;
/// let (value, derivative) = derivative(|height| density.at(height).expect("it is in the table"), 15.0_f64);
/// assert_eq!((value, derivative), (0.75, -0.05));
///
/// let drag = Program::record(|x| density.at(x[0]).expect("it is in the table") * x[1], &[5.0, 2.0])?;
/// assert_eq!(drag.value(&mut drag.workspace(), &[20.0, 2.0])?, 1.0);
/// // Beyond the table, there is no value.
/// let error = drag.value(&mut drag.workspace(), &[21.0, 2.0]);
/// assert!(error.is_err_and(|error| error.to_string().contains("21 is outside the table, which goes from 0 to 20")));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Piecewise<F> {
    points: Arc<[[F; 2]]>,
}

impl<F: Scalar> Piecewise<F> {
    /// The function through the points (xᵢ, yᵢ).
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if there is not one y for each x, and [`Error::NotATable`] if there are fewer than two
    /// points, if a number is not finite, if the x do not increase, or if the derivative of a piece overflows.
    ///
    /// ```
    /// use dualtape::Piecewise;
    /// let error = Piecewise::linear(&[0.0, 2.0, 1.0], &[0.0; 3]).expect_err("2 is not below 1");
    /// assert!(error.to_string().contains("x must increase, but 1 follows 2"));
    /// ```
    pub fn linear(x: &[F], y: &[F]) -> Result<Self, Error> {
        Error::check_length("table: its y", "x", x.len(), y.len())?;
        if x.len() < 2 {
            return Err(Self::not_a_table(format!("a table needs two points or more, not {}", x.len())));
        }
        if let Some(number) = x.iter().chain(y).find(|number| !number.is_finite()) {
            return Err(Self::not_a_table(format!("a table needs finite numbers, not {number}")));
        }
        if let Some(pair) = x.windows(2).find(|pair| pair[0] >= pair[1]) {
            return Err(Self::not_a_table(format!("x must increase, but {} follows {}", pair[1], pair[0])));
        }
        let this = Self { points: x.iter().zip(y).map(|(&x, &y)| [x, y]).collect() };
        let overflows =
            |&piece: &usize| !(x[piece] - x[piece - 1]).is_finite() || !this.derivative(piece).is_finite();
        match (1..x.len()).find(overflows) {
            None => Ok(this),
            Some(piece) => Err(Self::not_a_table(format!(
                "the distance or the derivative between x = {} and x = {} is too large a number",
                x[piece - 1],
                x[piece]
            ))),
        }
    }

    /// The value at `x`.
    ///
    /// # Errors
    ///
    /// [`Error::Rule`] outside the table. At NaN, the value is NaN.
    ///
    /// ```
    /// use dualtape::{Piecewise, gradient};
    /// let tent = Piecewise::linear(&[-1.0, 0.0, 1.0], &[0.0, 1.0, 0.0])?;
    /// let sum = gradient(|x| tent.at(x[0]).unwrap() + tent.at(x[1]).unwrap(), &[-0.25, 0.0]);
    /// assert_eq!(sum, (1.75, vec![1.0, 0.0]));
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    #[track_caller]
    pub fn at<D: Differentiable<Scalar = F>>(&self, x: D) -> Result<D, Error> {
        Ok(D::call(self, &[x])?[0])
    }

    /// The derivative between a point, which is not the first, and the point before it.
    fn derivative(&self, piece: usize) -> F {
        let [[x0, y0], [x1, y1]] = [self.points[piece - 1], self.points[piece]];
        (y1 - y0) / (x1 - x0)
    }

    /// The number nearest to 0 between two derivatives.
    fn derivative_at_kink(left: F, right: F) -> F {
        F::zero().max(left.min(right)).min(left.max(right))
    }

    fn not_a_table(reason: String) -> Error {
        Error::NotATable { reason }
    }
}

impl<F: Scalar> CustomRule for Piecewise<F> {
    type Scalar = F;

    fn name(&self) -> &'static str {
        "piecewise"
    }

    fn inputs(&self) -> usize {
        1
    }

    fn outputs(&self) -> usize {
        2
    }

    fn value(&self, x: &[F], z: &mut [F]) -> Result<(), Error> {
        let (x, last) = (x[0], self.points.len() - 1);
        if x.is_nan() {
            z.fill(x);
            return Ok(());
        }
        let ([first, _], [end, _]) = (self.points[0], self.points[last]);
        if x < first || x > end {
            let reason = format!("{x} is outside the table, which goes from {first} to {end}");
            return Err(Error::Rule { rule: self.name(), reason });
        }
        // The first point that is not before x.
        let next = self.points.partition_point(|&[other, _]| other < x);
        let [other, y] = self.points[next];
        (z[0], z[1]) = if other > x {
            let ([x0, y0], derivative) = (self.points[next - 1], self.derivative(next));
            (y0 + derivative * (x - x0), derivative)
        } else {
            let [left, right] = [next.max(1), (next + 1).min(last)].map(|piece| self.derivative(piece));
            (y, Self::derivative_at_kink(left, right))
        };
        Ok(())
    }

    fn vjp<D: Differentiable<Scalar = F>>(&self, _: &[D], z: &[D], cotangent: &[D]) -> Result<Vec<D>, Error> {
        Ok(vec![Partial::Of(D::stop_gradient(z[1])).times(cotangent[0])])
    }

    fn jvp<D: Differentiable<Scalar = F>>(
        &self,
        _: &[D],
        z: &[D],
        tangent: &[D],
    ) -> Option<Result<Vec<D>, Error>> {
        Some(Ok(vec![Partial::Of(D::stop_gradient(z[1])).times(tangent[0]), D::zero()]))
    }
}
