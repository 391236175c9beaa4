//! Recorded functions in the form that argmin's solvers take: sums over data, with a penalty.

use super::Problem;
use crate::drivers::check_dense;
use crate::program::{BatchWorkspace, Results, Rows, Sums, Wrt};
use crate::{DENSE_LIMIT, Error, Program, Workspace};
use argmin::core::{CostFunction, Error as Failure, Gradient, Hessian};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many Hessians of points are in memory at a time.
const POINTS: usize = 256;

/// A program to minimise over its parameters, in a [`Problem`]: its value, or the sum of its values over data points,
/// and a penalty. [`Problem::from_program`] and [`Problem::sum_of_program`] create one.
#[derive(Debug)]
pub struct Recorded {
    program: Program<f64>,
    /// The numbers of all points, one point after another.
    data: Vec<f64>,
    penalty: Option<Program<f64>>,
    memory: Mutex<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    points: BatchWorkspace<f64>,
    penalty: Workspace<f64>,
    /// The Hessian at one point as a program, made when it is first needed.
    hessian: Option<(Program<f64>, BatchWorkspace<f64>)>,
}

impl Problem<Recorded> {
    /// A recorded function to minimise over its inputs. A Hessian of more than [`DENSE_LIMIT`] bytes is an error of
    /// the solver.
    ///
    /// # Errors
    ///
    /// [`Error::NotOneOutput`] if the program does not have exactly one output, and [`Error::Length`] if it has data:
    /// [`sum_of_program`](Self::sum_of_program) takes them.
    ///
    /// ```
    /// use argmin::core::{CostFunction, Gradient, Hessian};
    /// use dualtape::{Program, integrations::argmin::Problem};
    ///
    /// let problem = Problem::from_program(Program::record(|x| x[0] * x[0] * x[1], &[1.0, 1.0])?)?;
    /// let x = vec![3.0, 4.0];
    /// assert_eq!((problem.cost(&x)?, problem.gradient(&x)?), (36.0, vec![24.0, 9.0]));
    /// assert_eq!(problem.hessian(&x)?, [[8.0, 6.0], [6.0, 0.0]]);
    /// # Ok::<(), argmin::core::Error>(())
    /// ```
    pub fn from_program(program: Program<f64>) -> Result<Self, Error> {
        Error::check_length("list of data, which `sum_of_program` takes,", "datum", program.data(), 0)?;
        Self::new(program, Vec::new())
    }

    /// A recorded function of parameters and data, to minimise over its parameters: the sum of its values over
    /// points. `data` holds the numbers of the points, one point after another. Without points, the sum is zero; a
    /// program without data counts once.
    ///
    /// Cost, gradient and Hessian evaluate the points in lanes, on the threads of the current rayon pool.
    ///
    /// # Errors
    ///
    /// [`Error::NotOneOutput`] if the program does not have exactly one output, and [`Error::Length`] if the number
    /// of data is not a multiple of what one point of the program takes.
    ///
    /// ```
    /// use argmin::core::{CostFunction, Gradient, Hessian};
    /// use dualtape::{Float, Program, integrations::argmin::Problem};
    ///
    /// // How far a line misses a point, squared.
    /// let miss = Program::record_with_data(|p, x| (p[0] * x[0] + p[1] - x[1]).powi(2), &[0.0; 2], &[0.0; 2])?;
    /// let problem = Problem::sum_of_program(miss, vec![1.0, 3.0, 2.0, 5.0])?;
    /// let line = vec![1.0, 0.0];
    /// assert_eq!(problem.cost(&line)?, 4.0 + 9.0);
    /// assert_eq!(problem.gradient(&line)?, [-4.0 - 12.0, -4.0 - 6.0]);
    /// assert_eq!(problem.hessian(&line)?, [[2.0 + 8.0, 2.0 + 4.0], [6.0, 4.0]]);
    /// # Ok::<(), argmin::core::Error>(())
    /// ```
    pub fn sum_of_program(program: Program<f64>, data: Vec<f64>) -> Result<Self, Error> {
        let width = program.data();
        let whole = data.len().checked_div(width).unwrap_or(0) * width;
        Error::check_length("list of points", "datum of each point", whole, data.len())?;
        Self::new(program, data)
    }

    fn new(program: Program<f64>, data: Vec<f64>) -> Result<Self, Error> {
        match program.outputs() {
            1 => Ok(Self(Recorded { program, data, penalty: None, memory: Mutex::default() })),
            given => Err(Error::NotOneOutput { given }),
        }
    }

    /// The same problem plus a penalty, which is a function of the parameters only and is added once.
    ///
    /// # Errors
    ///
    /// [`Error::NotOneOutput`] if the penalty does not have exactly one output, and [`Error::Length`] if it does not
    /// have as many inputs as the program has parameters.
    ///
    /// ```
    /// use argmin::core::CostFunction;
    /// use dualtape::{Float, Program, integrations::argmin::Problem};
    ///
    /// let miss = Program::record_with_data(|p, x| (p[0] - x[0]).powi(2), &[0.0], &[0.0])?;
    /// let penalty = Program::record(|p| p[0] * p[0] * 0.5, &[0.0])?;
    /// let problem = Problem::sum_of_program(miss, vec![1.0, 5.0])?.penalized_by(penalty)?;
    /// assert_eq!(problem.cost(&vec![2.0])?, 1.0 + 9.0 + 2.0);
    /// # Ok::<(), argmin::core::Error>(())
    /// ```
    pub fn penalized_by(mut self, penalty: Program<f64>) -> Result<Self, Error> {
        if penalty.outputs() != 1 {
            return Err(Error::NotOneOutput { given: penalty.outputs() });
        }
        Error::check_length(
            "list of inputs of the penalty",
            "parameter",
            self.0.program.parameters(),
            penalty.inputs(),
        )?;
        self.0.penalty = Some(penalty);
        Ok(self)
    }
}

impl Recorded {
    /// A thread that panicked leaves only scratch memory behind.
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The points; for a program without data, one point without numbers.
    fn points(&self) -> Rows<'_, f64> {
        match self.program.data() {
            0 => Rows::without_data(1),
            width => Rows::new(&self.data, width),
        }
    }

    /// Adds the sum of the Hessians at all points.
    fn add_hessians(&self, memory: &mut Memory, x: &[f64], sum: &mut [f64]) -> Result<(), Error> {
        if memory.hessian.is_none() {
            memory.hessian =
                Some((self.program.hessian_program(Wrt::Parameters)?, BatchWorkspace::default()));
        }
        let Some((program, workspace)) = &mut memory.hessian else { return Ok(()) };
        let width = self.program.data();
        let parts: Vec<Rows<'_, f64>> = match width {
            0 => vec![Rows::without_data(1)],
            _ => self.data.chunks(POINTS * width).map(|part| Rows::new(part, width)).collect(),
        };
        for part in &parts {
            let mut hessians = vec![0.0; crate::program::Points::count(part) * sum.len()];
            program.values(workspace, x, part, &mut hessians)?;
            for hessian in hessians.chunks(sum.len().max(1)) {
                sum.iter_mut().zip(hessian).for_each(|(sum, h)| *sum += h);
            }
        }
        Ok(())
    }
}

impl CostFunction for Problem<Recorded> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, x: &Vec<f64>) -> Result<f64, Failure> {
        let Recorded { program, penalty, .. } = &self.0;
        let memory = &mut *self.0.memory();
        let sum = program.sum(&mut memory.points, x, &self.0.points(), &Sums::none(), Results::none())?;
        Ok(match penalty {
            Some(penalty) => sum.value + penalty.value(&mut memory.penalty, x)?,
            None => sum.value,
        })
    }
}

impl Gradient for Problem<Recorded> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, x: &Vec<f64>) -> Result<Vec<f64>, Failure> {
        let Recorded { program, penalty, .. } = &self.0;
        let memory = &mut *self.0.memory();
        let mut gradient = vec![0.0; x.len()];
        program.sum_gradient(&mut memory.points, x, &self.0.points(), &mut gradient)?;
        if let Some(penalty) = penalty {
            let mut share = vec![0.0; x.len()];
            penalty.gradient(&mut memory.penalty, x, &mut share)?;
            gradient.iter_mut().zip(share).for_each(|(sum, g)| *sum += g);
        }
        Ok(gradient)
    }
}

impl Hessian for Problem<Recorded> {
    type Param = Vec<f64>;
    type Hessian = Vec<Vec<f64>>;

    fn hessian(&self, x: &Vec<f64>) -> Result<Vec<Vec<f64>>, Failure> {
        let memory = &mut *self.0.memory();
        let n = x.len();
        Error::check_length("list of parameters", "parameter", self.0.program.parameters(), n)?;
        check_dense::<f64>("Hessian", n, n, DENSE_LIMIT)?;
        let mut sum = vec![0.0; n * n];
        self.0.add_hessians(memory, x, &mut sum)?;
        if let Some(penalty) = &self.0.penalty {
            let (mut gradient, mut share) = (vec![0.0; n], vec![0.0; n * n]);
            penalty.hessian(&mut memory.penalty, x, &mut gradient, &mut share)?;
            sum.iter_mut().zip(share).for_each(|(sum, h)| *sum += h);
        }
        Ok(sum.chunks(n.max(1)).map(<[f64]>::to_vec).collect())
    }
}
