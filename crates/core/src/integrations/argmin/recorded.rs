//! Recorded functions in the form that argmin's solvers take: sums over data, with a penalty.

use super::{HessianProduct, Problem, rows};
use crate::drivers::check_dense;
use crate::program::{BatchWorkspace, Points, Results, Rows, Sums, Wrt};
use crate::{DENSE_LIMIT, Error, Program, Workspace};
use argmin::core::{CostFunction, Error as Failure, Gradient, Hessian};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many Hessians of points are in memory at a time.
const POINTS: usize = 256;

/// A program to minimise over its parameters, in a [`Problem`]: its value, or the sum of its values over data points,
/// and a penalty. [`Problem::from_program`] and [`Problem::sum_of_program`] create one.
#[derive(Debug)]
pub struct Recorded {
    /// What is summed over points, and the numbers of all points, one point after another.
    summed: Option<(Program<f64>, Vec<f64>)>,
    /// What is added once: the program of a problem without points, and penalties.
    terms: Vec<Program<f64>>,
    memory: Mutex<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    points: BatchWorkspace<f64>,
    terms: Vec<Workspace<f64>>,
    /// The Hessian at one point as a program, made when it is first needed.
    hessian: Option<(Program<f64>, BatchWorkspace<f64>)>,
    /// The derivative at one point along a direction of the parameters, made when it is first needed. Its gradient is
    /// the Hessian times the direction.
    along: Option<(Program<f64>, BatchWorkspace<f64>)>,
}

impl Problem<Recorded> {
    /// A recorded function to minimise over its inputs. A Hessian of more than [`DENSE_LIMIT`] bytes is an error of
    /// the solver.
    ///
    /// # Errors
    ///
    /// [`Error::NotOneOutput`] if the program does not have exactly one output, and [`Error::Length`] if it has both
    /// parameters and data: [`sum_of_program`](Self::sum_of_program) takes it.
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
        if program.parameters() > 0 {
            Error::check_length("list of data, which `sum_of_program` takes,", "datum", program.data(), 0)?;
        }
        program.one_output()?;
        Ok(Self(Recorded { summed: None, terms: vec![program], memory: Mutex::default() }))
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
        program.one_output()?;
        Ok(Self(Recorded { summed: Some((program, data)), terms: Vec::new(), memory: Mutex::default() }))
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
        penalty.one_output()?;
        Error::check_length("list of inputs of the penalty", "unknown", self.0.unknowns(), penalty.inputs())?;
        self.0.terms.push(penalty);
        Ok(self)
    }
}

impl Recorded {
    /// How many numbers are to be found.
    fn unknowns(&self) -> usize {
        match &self.summed {
            Some((program, _)) => program.parameters(),
            None => self.terms[0].inputs(),
        }
    }

    /// A thread that panicked leaves only scratch memory behind.
    fn memory(&self) -> MutexGuard<'_, Memory> {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.terms.resize_with(self.terms.len(), Workspace::default);
        memory
    }
}

/// The points; for a program without data, one point without numbers.
fn points<'d>(program: &Program<f64>, data: &'d [f64]) -> Rows<'d, f64> {
    match program.data() {
        0 => Rows::without_data(1),
        width => Rows::new(data, width),
    }
}

/// Adds the Hessians of a program at all points.
fn add_hessians(
    (program, data): &(Program<f64>, Vec<f64>),
    memory: &mut Memory,
    x: &[f64],
    sum: &mut [f64],
) -> Result<(), Error> {
    let hessian = memory.hessian.take();
    let make = || Ok::<_, Error>((program.hessian_program(Wrt::Parameters)?, BatchWorkspace::default()));
    let (hessian, workspace) = memory.hessian.insert(hessian.map_or_else(make, Ok)?);
    let parts: Vec<Rows<'_, f64>> = match program.data() {
        0 => vec![Rows::without_data(1)],
        width => data.chunks(POINTS * width).map(|part| Rows::new(part, width)).collect(),
    };
    for part in &parts {
        let mut hessians = vec![0.0; part.count() * sum.len()];
        hessian.values(workspace, x, part, &mut hessians)?;
        hessians.chunks(sum.len().max(1)).for_each(|hessian| add(sum, hessian));
    }
    Ok(())
}

/// The Hessian of the sum over all points, times a direction.
fn product_of_sum(
    (program, data): &(Program<f64>, Vec<f64>),
    memory: &mut Memory,
    x: &[f64],
    direction: &[f64],
) -> Result<Vec<f64>, Error> {
    let along = memory.along.take();
    let make = || Ok::<_, Error>((program.derivative_along_parameters()?, BatchWorkspace::default()));
    let (along, workspace) = memory.along.insert(along.map_or_else(make, Ok)?);
    let parameters = [x, direction].concat();
    let mut product = vec![0.0; parameters.len()];
    along.sum_gradient(workspace, &parameters, &points(program, data), &mut product)?;
    product.truncate(x.len()); // what follows is the derivative with respect to the direction
    Ok(product)
}

fn add(sum: &mut [f64], share: &[f64]) {
    sum.iter_mut().zip(share).for_each(|(sum, share)| *sum += share);
}

impl CostFunction for Problem<Recorded> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, x: &Vec<f64>) -> Result<f64, Failure> {
        let Recorded { summed, terms, .. } = &self.0;
        let memory = &mut *self.0.memory();
        let mut cost = 0.0;
        if let Some((program, data)) = summed {
            let points = points(program, data);
            cost = program.sum(&mut memory.points, x, &points, &Sums::none(), Results::none())?.value;
        }
        for (term, workspace) in terms.iter().zip(&mut memory.terms) {
            cost += term.value(workspace, x)?;
        }
        Ok(cost)
    }
}

impl Gradient for Problem<Recorded> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, x: &Vec<f64>) -> Result<Vec<f64>, Failure> {
        let Recorded { summed, terms, .. } = &self.0;
        let memory = &mut *self.0.memory();
        let (mut gradient, mut share) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        if let Some((program, data)) = summed {
            program.sum_gradient(&mut memory.points, x, &points(program, data), &mut gradient)?;
        }
        for (term, workspace) in terms.iter().zip(&mut memory.terms) {
            term.gradient(workspace, x, &mut share)?;
            add(&mut gradient, &share);
        }
        Ok(gradient)
    }
}

impl Hessian for Problem<Recorded> {
    type Param = Vec<f64>;
    type Hessian = Vec<Vec<f64>>;

    fn hessian(&self, x: &Vec<f64>) -> Result<Vec<Vec<f64>>, Failure> {
        let n = x.len();
        Error::check_length("list of unknowns", "unknown", self.0.unknowns(), n)?;
        check_dense::<f64>("Hessian", n, n, DENSE_LIMIT)?;
        let memory = &mut *self.0.memory();
        let (mut gradient, mut share, mut sum) = (vec![0.0; n], vec![0.0; n * n], vec![0.0; n * n]);
        if let Some(summed) = &self.0.summed {
            add_hessians(summed, memory, x, &mut sum)?;
        }
        for (term, workspace) in self.0.terms.iter().zip(&mut memory.terms) {
            term.hessian(workspace, x, &mut gradient, &mut share)?;
            add(&mut sum, &share);
        }
        Ok(rows(&sum, n))
    }
}

impl HessianProduct for Problem<Recorded> {
    fn hessian_product(&self, x: &[f64], direction: &[f64]) -> Result<Vec<f64>, Failure> {
        let n = x.len();
        Error::check_length("list of unknowns", "unknown", self.0.unknowns(), n)?;
        Error::check_length("direction", "unknown", n, direction.len())?;
        let memory = &mut *self.0.memory();
        let mut product = match &self.0.summed {
            Some(summed) => product_of_sum(summed, memory, x, direction)?,
            None => vec![0.0; n],
        };
        let (mut gradient, mut share) = (vec![0.0; n], vec![0.0; n]);
        for (term, workspace) in self.0.terms.iter().zip(&mut memory.terms) {
            term.hvp(workspace, x, direction, &mut gradient, &mut share)?;
            add(&mut product, &share);
        }
        Ok(product)
    }
}
