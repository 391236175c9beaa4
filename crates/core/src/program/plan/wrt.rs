//! The inputs with respect to which a program is differentiated.

use super::schedule::Class;
use crate::{Program, ProgramScalar};

/// The inputs with respect to which to differentiate.
///
/// ```
/// use dualtape::{Program, program::{Rows, Wrt}};
/// // A point is an input and a label; what is asked for is the derivative in the input.
/// let miss = Program::record_with_data(|p, x| p[0] * x[0] - x[1], &[1.0], &[1.0_f64; 2])?;
/// let (mut values, mut derivatives) = ([0.0; 2], [0.0; 2]);
/// let points = Rows::new(&[1.0, 3.0, 2.0, 5.0], 2);
/// miss.jacobians(&mut miss.batch_workspace(), &[4.0], &points, Wrt::FirstData(1), &mut values, &mut derivatives)?;
/// assert_eq!((values, derivatives), ([1.0, 3.0], [4.0, 4.0]));
/// # Ok::<(), dualtape::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrt {
    /// The parameters.
    Parameters,
    /// The data.
    Data,
    /// The first data of each point, of the given number, or all if there are fewer. Often the first data of a point
    /// are those that need derivatives, and then come measured data such as a label or a weight: no derivative is
    /// computed for the rest.
    FirstData(usize),
    /// All.
    Both,
}

impl Wrt {
    /// How many parameters of a program these are.
    pub(in crate::program) fn parameters<F: ProgramScalar>(self, program: &Program<F>) -> usize {
        match self {
            Self::Parameters | Self::Both => program.parameters(),
            Self::Data | Self::FirstData(_) => 0,
        }
    }

    /// How many data of a program these are.
    pub(in crate::program) fn data<F: ProgramScalar>(self, program: &Program<F>) -> usize {
        match self {
            Self::Parameters => 0,
            Self::FirstData(count) => count.min(program.data()),
            Self::Data | Self::Both => program.data(),
        }
    }

    /// Whether the adjoint of a value of the given class is needed.
    pub(in crate::program) fn wants(self, class: Class) -> bool {
        match self {
            Self::Parameters => class.on_parameters(),
            Self::Data | Self::FirstData(_) => class.on_data(),
            Self::Both => class != Class::Constant,
        }
    }
}
