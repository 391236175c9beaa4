//! What a recorded function may return.

use crate::ProgramScalar;
use crate::program::record::Traced;

/// One output, or an array or a vector of them.
///
/// Implement it for results with names:
///
/// ```
/// use dualtape::{Float, Program, Traced, program::Outputs};
///
/// struct Polar {
///     radius: Traced<f64>,
///     angle: Traced<f64>,
/// }
///
/// impl Outputs<f64> for Polar {
///     fn append_to(self, outputs: &mut Vec<Traced<f64>>) {
///         outputs.extend([self.radius, self.angle]);
///     }
/// }
///
/// let polar = |x: &[Traced<f64>]| Polar { radius: x[0].hypot(x[1]), angle: x[1].atan2(x[0]) };
/// let program = Program::record(polar, &[1.0, 1.0])?;
/// let mut outputs = [0.0; 2];
/// program.evaluate(&mut program.workspace(), &[0.0, 2.0], &mut outputs)?;
/// assert_eq!(outputs, [2.0, std::f64::consts::FRAC_PI_2]);
/// # Ok::<(), dualtape::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "a recorded function does not return `{Self}`",
    label = "neither numbers of a recording nor a collection of them",
    note = "return a `Traced` number, an array or a `Vec` of them, or implement `dualtape::program::Outputs` for your type"
)]
pub trait Outputs<F> {
    /// Appends the outputs, in order.
    fn append_to(self, outputs: &mut Vec<Traced<F>>);
}

impl<F: ProgramScalar> Outputs<F> for Traced<F> {
    fn append_to(self, outputs: &mut Vec<Self>) {
        outputs.push(self);
    }
}

impl<F: ProgramScalar> Outputs<F> for Vec<Traced<F>> {
    fn append_to(mut self, outputs: &mut Self) {
        outputs.append(&mut self);
    }
}

impl<F: ProgramScalar, const N: usize> Outputs<F> for [Traced<F>; N] {
    fn append_to(self, outputs: &mut Vec<Traced<F>>) {
        outputs.extend(self);
    }
}
